//! What every network of every method must hold to: its count, its shapes, and its fused form.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Uniform};
use skip_ganomaly::detector::{aae, alocc, anogan, egbad, ganomaly};
use skip_ganomaly::nn::init::Initialiser;
use skip_ganomaly::nn::tensors::{Reader, num_params, shapes};
use skip_ganomaly::nn::{
    Architecture, CHANNELS, Discriminator, DiscriminatorOutput, Generator, MAX_FEATURES, MAX_WIDTH,
    MarkingDiscriminator, Mode, Network, SIZES, dcgan,
};
use skip_ganomaly::settings::method::Method;

const BATCH: usize = 3;

/// How a network is run, and what it then gives.
trait Contract: Network {
    /// All that it computes from images x and vectors z: one row for each image.
    fn outputs(&self, x: Tensor<4>, z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>>;

    /// Length of these rows.
    fn lengths(a: &Architecture) -> Vec<usize>;

    /// Number of values of its first and of its last layer.
    fn ends(a: &Architecture) -> [usize; 2];
}

fn rows<const D: usize>(values: Tensor<D>) -> Tensor<2> {
    values.reshape([BATCH as i32, -1])
}

fn of_both<const D: usize>(output: DiscriminatorOutput<D>) -> Vec<Tensor<2>> {
    vec![rows(output.logit), rows(output.features)]
}

fn pixels(a: &Architecture) -> usize {
    a.channels * a.size.pow(2)
}

/// Values of a layer of these channels after some halvings of the image's side.
fn plane(a: &Architecture, channels: usize, halvings: u32) -> usize {
    channels * (a.size >> halvings).pow(2)
}

impl Contract for Generator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        let (x_hat, encoding) = self.forward_with_encoding(x.clone(), mode);
        vec![rows(x_hat), encoding, rows(self.forward(x, mode))]
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        let layers = a.encoding_layers();
        assert_eq!(layers.len(), 3, "of 4, 2 and 1 pixels");
        vec![pixels(a), layers.iter().sum(), pixels(a)]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, a.generator_width, 1), pixels(a)]
    }
}

impl Contract for Discriminator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        let mut outputs = of_both(self.forward(x.clone(), mode));
        outputs.push(self.layers(x, mode));
        outputs
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![
            1,
            a.features,
            Discriminator::blank(a).layer_sizes(a.size).iter().sum(),
        ]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, a.discriminator_width, 1), a.features]
    }
}

impl Contract for MarkingDiscriminator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        let other = x.clone().neg();
        let marked = self.forward(x.clone(), other.clone(), mode);
        let mut outputs = of_both(marked.judged);
        outputs.push(rows(marked.marks));
        outputs.extend(of_both(self.judge(x, other, mode)));
        outputs
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        let features = 8 * a.discriminator_width;
        vec![1, features, a.size * a.size, 1, features]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, a.discriminator_width, 1), a.size * a.size]
    }
}

impl Contract for ganomaly::Generator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        let ganomaly::Generated { x_hat, z, z_hat } = self.forward(x, mode);
        vec![rows(x_hat), z, z_hat]
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![pixels(a), a.features, a.features]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, a.generator_width, 1), a.features]
    }
}

impl Contract for ganomaly::Discriminator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        of_both(self.forward(x, mode))
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![1, Self::ends(a)[1]]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        let widest = a.discriminator_width * a.size / 8;
        [plane(a, a.discriminator_width, 1), widest * 4 * 4]
    }
}

impl Contract for dcgan::Generator {
    fn outputs(&self, _x: Tensor<4>, z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        vec![rows(self.forward(z, mode))]
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![pixels(a)]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [16 * a.generator_width, pixels(a)]
    }
}

impl Contract for anogan::Discriminator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        of_both(self.forward(x, mode))
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![1, 16 * a.discriminator_width]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        let width = a.discriminator_width;
        [plane(a, width, 1), 16 * width]
    }
}

impl Contract for egbad::Pair {
    fn outputs(&self, x: Tensor<4>, z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        let encoded = self.encoder.forward(x, mode);
        vec![encoded, rows(self.generator.forward(z, mode))]
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![a.features, pixels(a)]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, a.generator_width.div_ceil(2), 0), pixels(a)]
    }
}

impl Contract for egbad::Discriminator {
    fn outputs(&self, x: Tensor<4>, z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        of_both(self.forward(x, z, mode, None))
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        anogan::Discriminator::lengths(a)
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        anogan::Discriminator::ends(a)
    }
}

impl Contract for alocc::Refiner {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        vec![rows(self.forward(x, mode))]
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![pixels(a)]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, 2 * a.generator_width, 1), pixels(a)]
    }
}

impl Contract for alocc::Discriminator {
    fn outputs(&self, x: Tensor<4>, _z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        vec![rows(self.forward(x, mode))]
    }
    fn lengths(_a: &Architecture) -> Vec<usize> {
        vec![1]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        let width = a.discriminator_width;
        [plane(a, width, 1), plane(a, 8 * width, 4)]
    }
}

impl Contract for aae::Autoencoder {
    fn outputs(&self, x: Tensor<4>, z: Tensor<2>, mode: Mode) -> Vec<Tensor<2>> {
        let encoded = self.encoder.forward(x, mode);
        vec![encoded, rows(self.decoder.forward(z, mode))]
    }
    fn lengths(a: &Architecture) -> Vec<usize> {
        vec![a.features, pixels(a)]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [plane(a, a.generator_width, 1), pixels(a)]
    }
}

impl Contract for aae::Discriminator {
    fn outputs(&self, _x: Tensor<4>, z: Tensor<2>, _mode: Mode) -> Vec<Tensor<2>> {
        vec![rows(self.forward(z))]
    }
    fn lengths(_a: &Architecture) -> Vec<usize> {
        vec![1]
    }
    fn ends(a: &Architecture) -> [usize; 2] {
        [16 * a.discriminator_width; 2]
    }
}

/// Every size with every number of channels, no two widths alike.
fn architectures() -> impl Iterator<Item = Architecture> {
    let sizes = SIZES.into_iter().zip([100, 7, 1, 10]);
    sizes.flat_map(|(size, features)| {
        CHANNELS.map(|channels| Architecture {
            discriminator_width: channels + 1,
            features,
            ..Architecture::new(size, channels, 3)
        })
    })
}

fn built<N: Network>(architecture: &Architecture) -> N {
    N::new(architecture, &mut Initialiser::new(5, &Device::flex()))
}

fn outputs<N: Contract>(network: &N, a: &Architecture, mode: Mode) -> Vec<Tensor<2>> {
    let x = drawn([BATCH, a.channels, a.size, a.size], 1);
    let z = drawn([BATCH, a.features], 2);
    network.outputs(x, z, mode)
}

/// Numbers in `[-1, 1)`, the same each time.
fn drawn<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let numbers = Uniform::new(-1.0_f32, 1.0).expect("a range");
    let random = ChaCha8Rng::seed_from_u64(seed);
    let numbers = numbers.sample_iter(random).take(shape.iter().product());
    let data = TensorData::new(numbers.collect::<Vec<_>>(), shape);
    Tensor::from_data(data, &Device::flex())
}

/// How many of a network's tensors there are in memory.
fn allocated(network: &impl Module) -> usize {
    struct Allocated(usize);
    impl ModuleVisitor for Allocated {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 += usize::from(param.is_initialized());
        }
    }
    let mut visitor = Allocated(0);
    network.visit(&mut visitor);
    visitor.0
}

/// What is counted without memory is what is in a built network.
fn counts<N: Contract>() {
    for a in architectures() {
        let blank = N::blank(&a);
        let read = block_on(Reader::new().module("n", &built::<N>(&a)).read());
        let read = read.expect("a readable device");
        let in_memory = read.iter().map(|(name, t)| (name.clone(), t.shape.clone()));
        let mut counted = shapes("n", &blank);
        counted.sort();
        assert_eq!(counted, in_memory.collect::<Vec<_>>(), "{a:?}");
        let parameters = read.iter().filter(|(name, _)| !name.contains(".running_"));
        let values = parameters.map(|(_, tensor)| tensor.values.len());
        assert_eq!(num_params(&blank), values.sum::<usize>(), "{a:?}");
    }
    let largest = Architecture {
        features: MAX_FEATURES,
        ..Architecture::new(256, 3, MAX_WIDTH)
    };
    let blank = N::blank(&largest);
    assert!(num_params(&blank) > 20_000_000 && !blank.layer_sizes(256).is_empty());
    assert_eq!(allocated(&blank), 0);
}

/// Outputs and layers have the shapes that follow from the architecture.
fn keeps_its_shape<N: Contract>() {
    for a in architectures() {
        let network = built::<N>(&a);
        for mode in [Mode::Inference, Mode::Training] {
            let outputs = outputs(&network, &a, mode);
            let shapes: Vec<_> = outputs.iter().map(Tensor::dims).collect();
            let expected: Vec<_> = N::lengths(&a).iter().map(|&l| [BATCH, l]).collect();
            assert_eq!(shapes, expected, "{a:?}, {mode:?}");
        }
        let sizes = network.layer_sizes(a.size);
        let ends = [sizes[0], sizes[sizes.len() - 1]];
        assert_eq!(ends, N::ends(&a), "{a:?}");
        let names = shapes("n", &network).into_iter().map(|(name, _)| name);
        let weights = names.filter(|name| name.ends_with(".weight"));
        let layers = weights.filter(|name| !name.ends_with("classifier.weight"));
        assert_eq!(sizes.len(), layers.count(), "{a:?}");
        assert_eq!(network.fuse().layer_sizes(a.size), sizes, "{a:?}");
    }
}

/// Fused, a network computes the same without batch norms.
fn fused_computes_the_same<N: Contract>() {
    for (size, channels) in [(32, 3), (64, 1)] {
        let a = Architecture::new(size, channels, 4);
        let network = built::<N>(&a);
        // Moves the running statistics away from 0 and 1.
        for _ in 0..3 {
            outputs(&network, &a, Mode::Training);
        }
        let x = drawn([BATCH, channels, size, size], 3);
        let z = drawn([BATCH, a.features], 4);
        let before = network.outputs(x.clone(), z.clone(), Mode::Inference);
        let fused = network.fuse();
        let is_running = |(name, _): &(String, _)| name.contains("running");
        assert!(!shapes("n", &fused).iter().any(is_running), "{a:?}");
        let after = fused.outputs(x, z, Mode::Inference);
        for (k, (before, after)) in before.into_iter().zip(after).enumerate() {
            let scale = before.clone().abs().max().into_scalar::<f32>();
            let apart = (before - after).abs().max().into_scalar::<f32>();
            assert!(
                scale > 0.0 && apart <= 1e-4 * scale,
                "{a:?}, output {k}: {apart} apart at a scale of {scale}"
            );
        }
    }
}

macro_rules! contract {
    ($($name:ident: $network:ty;)*) => {$(
        mod $name {
            #[test]
            fn counts() {
                super::counts::<$network>();
            }
            #[test]
            fn keeps_its_shape() {
                super::keeps_its_shape::<$network>();
            }
            #[test]
            fn fused_computes_the_same() {
                super::fused_computes_the_same::<$network>();
            }
        }
    )*};
}

contract! {
    skip_ganomaly_g: super::Generator;
    skip_ganomaly_d: super::Discriminator;
    repair_d: super::MarkingDiscriminator;
    ganomaly_g: super::ganomaly::Generator;
    ganomaly_d: super::ganomaly::Discriminator;
    anogan_g: super::dcgan::Generator;
    anogan_d: super::anogan::Discriminator;
    egbad_g_and_e: super::egbad::Pair;
    egbad_d: super::egbad::Discriminator;
    alocc_r: super::alocc::Refiner;
    alocc_d: super::alocc::Discriminator;
    aae_g_and_e: super::aae::Autoencoder;
    aae_d: super::aae::Discriminator;
}

/// G and D at the published width. Skip-GANomaly's and GANomaly's are those of the published programs, the
/// others' are summed by hand over the layers of the papers' tables.
#[test]
fn parameter_counts_are_the_published_ones() {
    type Count = fn(&Architecture) -> [usize; 2];
    fn count<G: Network, D: Network>(a: &Architecture) -> [usize; 2] {
        [num_params(&G::blank(a)), num_params(&D::blank(a))]
    }
    let skip: Count = count::<Generator, Discriminator>;
    let at = |size| Architecture::new(size, 3, 64);
    let mnist = Architecture {
        features: 200,
        ..Architecture::new(32, 1, 64)
    };
    #[rustfmt::skip]
    let published: [(Method, Count, Architecture, [usize; 2]); 10] = [
        (Method::SkipGanomaly, skip, at(32), [16_659_075, 1_069_700]),
        (Method::SkipGanomaly, skip, at(64), [29_244_035, 3_577_476]),
        (Method::SkipGanomaly, skip, at(128), [41_828_995, 12_787_332]),
        (Method::SkipGanomaly, skip, at(256), [54_413_955, 47_984_260]), // D's by hand.
        // The same G; D is its U-Net on six channels with one to come out, and a classifier of 512 features.
        (Method::Repair, count::<Generator, MarkingDiscriminator>, at(32), [16_659_075, 16_658_562]),
        (Method::Ganomaly, count::<ganomaly::Generator, ganomaly::Discriminator>, at(32), [3_206_528, 663_296]),
        (Method::Anogan, count::<dcgan::Generator, anogan::Discriminator>, mnist, [8_744_065, 4_264_129]),
        (Method::Egbad, count::<egbad::Pair, egbad::Discriminator>, mnist, [10_475_529, 4_890_305]),
        (Method::Alocc, count::<alocc::Refiner, alocc::Discriminator>, at(32), [5_955_779, 4_309_505]),
        (Method::Aae, count::<aae::Autoencoder, aae::Discriminator>, at(32), [2_137_728, 1_154_049]),
    ];
    for (method, count, architecture, expected) in published {
        assert_eq!(count(&architecture), expected, "{method}");
        let method = method.gradient_trained().expect("a method with networks");
        let needed = method.footprint(&architecture).num_params;
        assert_eq!(needed, expected.iter().sum::<usize>());
    }
    for method in Method::ALL.iter().filter(|method| method.has_networks()) {
        assert!(published.iter().any(|row| row.0 == *method), "{method}");
    }
}
