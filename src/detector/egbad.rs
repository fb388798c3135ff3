//! EGBAD, a bidirectional GAN: encodes an image, reconstructs it, and compares pixels and the
//! discriminator's features of the two pairs.
//!
//! Networks: encoder E, generator G, and a discriminator D of pairs (x, z).
//!
//! Source: Zenati et al. 2018, section 3 and appendix A.1 (MNIST), and the published code where the text
//! is silent.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction};
use crate::loss::{bce_fake, bce_real, contextual};
use crate::model_file::Scoring;
use crate::nn::activation::leaky_relu_of;
use crate::nn::dcgan::{
    Generator, Level, Plan, SLOPE, flat, layers_of_picture_levels, learnt_by_picture_levels,
    picture_levels,
};
use crate::nn::init::Initialiser;
use crate::nn::{Architecture, BatchNorm, Mode, Network, conv, linear};
use crate::random::{generator, stream};
use crate::score::RawScore;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::prior;
use crate::train::step::{PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Egbad> = GanMethod::new();

/// E's first convolution, which keeps the side: 32 at the published width.
fn first(plan: &Plan) -> usize {
    plan.width.div_ceil(2)
}

/// D's layer of z: 512 at the published width.
fn of_z(plan: &Plan) -> usize {
    8 * plan.discriminator_width
}

/// The encoder E: z = E(x).
#[derive(Module, Debug)]
pub struct Encoder {
    /// Kernel 3, the side stays; neither norm nor activation follows, as in the published code.
    first: Conv2d,
    /// Kernel 3, the side halves: batch norm, LeakyReLU.
    down: Vec<Level>,
    latent: Linear,
}

impl Encoder {
    fn new(plan: &Plan, init: &mut Initialiser) -> Self {
        let mut input = first(plan);
        let mut first = conv(plan.channels, input, [3, 1, 1], init);
        first.bias = Some(init.zeros(input));
        let mut down = Vec::with_capacity(plan.halvings);
        for output in plan.down() {
            down.push(Level {
                conv: conv(input, output, [3, 2, 1], init),
                norm: Some(BatchNorm::new(output, init)),
            });
            input = output;
        }
        Self {
            first,
            down,
            latent: linear(plan.inner(), plan.features, true, init),
        }
    }

    fn learnt_values(plan: &Plan) -> usize {
        let mut input = first(plan);
        let mut count = 9 * plan.channels * input + input;
        for output in plan.down() {
            count += 9 * input * output + 2 * output;
            input = output;
        }
        count + plan.inner() * plan.features + plan.features
    }

    /// Encodes images.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, features]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut h = self.first.forward(x); // [n, width / 2, size, size]
        for level in &self.down {
            h = level.forward(h, mode); // [n, width, size / 2, size / 2], …
        }
        self.latent.forward(flat(h)) // [n, features]
    }
}

/// E and G, which are trained together.
#[derive(Module, Debug)]
pub struct Pair {
    /// E.
    pub encoder: Encoder,
    /// G.
    pub generator: Generator,
}

impl Network for Pair {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        Self {
            encoder: Encoder::new(&Plan::new(architecture), init),
            generator: Generator::new(architecture, init),
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        Encoder::learnt_values(&Plan::new(architecture)) + Generator::learnt_values(architecture)
    }

    /// Of E, then of G.
    fn layers(architecture: &Architecture) -> Vec<usize> {
        let plan = Plan::new(architecture);
        let plane = |level: usize| (architecture.size >> level).pow(2);
        let down = plan.down().into_iter().enumerate();
        let down = down.map(|(level, width)| width * plane(level + 1));
        let mut layers = vec![first(&plan) * plane(0)];
        layers.extend(down);
        layers.push(plan.features);
        layers.extend(Generator::layers(architecture));
        layers
    }

    fn for_inference(self) -> Self {
        let Self { encoder, generator } = self;
        let down = encoder.down.into_iter().map(Level::for_inference);
        Self {
            encoder: Encoder {
                down: down.collect(),
                ..encoder
            },
            generator: generator.for_inference(),
        }
    }
}

/// D's dropout in training: each value is zeroed with probability ½, the others are doubled.
///
/// Drawn on the host, in the order of the layers, so that the same numbers give the same masks on
/// every device.
pub struct Dropout {
    random: ChaCha8Rng,
    device: Device,
}

impl Dropout {
    /// Draws from `random`, for a device.
    pub fn new(random: ChaCha8Rng, device: &Device) -> Self {
        Self {
            random,
            device: device.clone(),
        }
    }

    fn apply<const D: usize>(&mut self, h: Tensor<D>) -> Tensor<D> {
        let shape = h.dims();
        let count: usize = shape.iter().product();
        let mut factors = Vec::with_capacity(count);
        // One fair bit per value.
        while factors.len() < count {
            let bits = self.random.next_u64();
            let left = (count - factors.len()).min(64);
            factors.extend((0..left).map(|at| 2.0 * (bits >> at & 1) as f32));
        }
        h * Tensor::from_data(TensorData::new(factors, shape), &self.device)
    }
}

/// The discriminator D, of pairs (x, z).
#[derive(Module, Debug)]
pub struct Discriminator {
    /// x to 8 × 8, kernel 4: batch norm but in the first, LeakyReLU, dropout.
    picture: Vec<Level>,
    /// z: LeakyReLU, dropout.
    vector: Linear,
    /// Both together: LeakyReLU, dropout.
    joint: Linear,
    /// To one logit.
    classifier: Linear,
}

/// D's output for a batch of pairs.
pub struct Judgement {
    /// Logit of "an image with its encoding", `[n]`; D's probability is its sigmoid.
    pub logit: Tensor<1>,
    /// Features f(x, z), `[n, 16 width]`.
    pub features: Tensor<2>,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        let (of_z, joint) = (of_z(&plan), plan.last_hidden());
        Self {
            picture: picture_levels(&plan, init),
            vector: linear(plan.features, of_z, true, init),
            joint: linear(plan.seen() + of_z, joint, true, init),
            classifier: linear(joint, 1, true, init),
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let plan = Plan::new(architecture);
        let (of_z, joint) = (of_z(&plan), plan.last_hidden());
        let vector = plan.features * of_z + of_z;
        let both = (plan.seen() + of_z) * joint + joint;
        learnt_by_picture_levels(&plan) + vector + both + joint + 1
    }

    /// For one pair.
    fn layers(architecture: &Architecture) -> Vec<usize> {
        let plan = Plan::new(architecture);
        let mut layers = layers_of_picture_levels(&plan);
        layers.extend([of_z(&plan), plan.last_hidden()]);
        layers
    }

    fn for_inference(mut self) -> Self {
        let picture = self.picture.into_iter().map(Level::for_inference);
        self.picture = picture.collect();
        self
    }
}

impl Discriminator {
    /// Classifies pairs; dropout is for training.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - `z`: `[n, features]`
    ///
    /// # Panics
    /// If the channels, the side or the length of z are not the architecture's.
    pub fn forward(
        &self,
        x: Tensor<4>,
        z: Tensor<2>,
        mode: Mode,
        mut dropout: Option<&mut Dropout>,
    ) -> Judgement {
        let mut h = x;
        for level in &self.picture {
            h = dropped(level.forward(h, mode), &mut dropout); // [n, width, size / 2, size / 2], …
        }
        let mut dense = |layer: &Linear, h: Tensor<2>| {
            let h = leaky_relu_of(SLOPE, layer.forward(h), mode);
            dropped(h, &mut dropout)
        };
        let of_z = dense(&self.vector, z); // [n, 8 width]
        let features = dense(&self.joint, Tensor::cat(vec![flat(h), of_z], 1)); // [n, 16 width]
        let logit = self.classifier.forward(features.clone()); // [n, 1]
        let n = logit.dims()[0];
        Judgement {
            logit: logit.reshape([n]),
            features,
        }
    }
}

fn dropped<const D: usize>(h: Tensor<D>, dropout: &mut Option<&mut Dropout>) -> Tensor<D> {
    match dropout {
        Some(dropout) => dropout.apply(h),
        None => h,
    }
}

/// The method.
///
/// Its losses have one term each and no weights. In [`crate::train::Losses`] they are reported as
///
/// - adversarial: L_G = BCE(D(G(z), z), 1), minimised by G
/// - latent: L_E = BCE(D(x, E(x)), 0), minimised by E
/// - generator: L_G + L_E
/// - discriminator: L_D = BCE(D(x, E(x)), 1) + BCE(D(G(z), z), 0)
/// - contextual: the mean of |x - G(E(x))|, logged only, not optimised
/// - real and fake: the means of D(x, E(x)) and of D(G(z), z), before the step
pub struct Egbad;

/// The random draws of a step: z from N(0, 1), `[n, features]`, and D's dropout, which continues the same
/// stream. Both depend only on the seed and the number of steps before this one.
pub fn draw(config: &TrainConfig, n: usize, step: u64, device: &Device) -> (Tensor<2>, Dropout) {
    let mut random = generator(config.seed, stream::STEP + step);
    let z = prior::draw(&mut random, [n, config.features], device);
    (z, Dropout::new(random, device))
}

impl Gan for Egbad {
    /// D sees both pairs twice.
    const PASSES_OF_D: usize = 4;

    type Generator = Pair;
    type Discriminator = Discriminator;

    /// Updates D, then G and E against the updated D.
    ///
    /// L_G depends on G alone and L_E on E alone, so one optimiser on their sum is equivalent to the
    /// published two.
    fn step(
        trainer: &mut GanTrainer<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let mode = Mode::Training;
        let (z, mut dropout) = draw(&trainer.config, x.dims()[0], step, &trainer.device);
        let encoded = trainer.generator.encoder.forward(x.clone(), mode);
        let drawn = trainer.generator.generator.forward(z.clone(), mode);

        let d = &trainer.discriminator;
        let real = d.forward(
            x.clone(),
            encoded.clone().detach(),
            mode,
            Some(&mut dropout),
        );
        let fake = d.forward(drawn.clone().detach(), z.clone(), mode, Some(&mut dropout));
        let judged = [real.logit.clone(), fake.logit.clone()];
        let discriminator = bce_real(real.logit) + bce_fake(fake.logit);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        // With running statistics, which encodings must not change: G's are those of z drawn from the
        // prior.
        let frozen = trainer.generator.generator.clone().no_grad();
        let x_hat = frozen.forward(encoded.clone().detach(), Mode::Inference);
        let contextual = contextual(x.clone(), x_hat);

        // D's weights are fixed while G and E are updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let real = frozen.forward(x, encoded, mode, Some(&mut dropout));
        let fake = frozen.forward(drawn, z, mode, Some(&mut dropout));
        let adversarial = bce_real(fake.logit);
        let latent = bce_fake(real.logit);
        let generator = adversarial.clone() + latent.clone();
        if update.generator() {
            trainer.update_generator(&generator);
        }

        let losses = [adversarial, contextual, latent, generator, discriminator];
        PendingLosses::new(losses, judged)
    }
}

impl GanScore for Egbad {
    const METHOD: Method = Method::Egbad;
    const SETTINGS: &'static [Setting] = &[Setting::features];

    /// The length of f(x, z).
    fn feature_layers(architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![Plan::new(architecture).last_hidden()]
    }

    /// x̂ = G(E(x)), f(x, E(x)) and f(x̂, E(x)).
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let (pair, d, mode) = (&detector.generator, &detector.discriminator, detector.mode);
        let z = pair.encoder.forward(x.clone(), mode);
        let x_hat = pair.generator.forward(z.clone(), mode);
        // No dropout.
        let features = |x: Tensor<4>| d.forward(x, z.clone(), mode, None).features;
        Inference::from(Reconstruction {
            features: Some((features(x), features(x_hat.clone()))),
            x_hat,
        })
    }

    /// A = λ R + (1 - λ) L with R = ‖x - x̂‖₁ / N and L = ‖f(x, z) - f(x̂, z)‖₁ / N, N the number of the
    /// image's values: the published score, divided by N, so that R is a mean as in the other methods.
    fn score(
        detector: &GanDetector<Self>,
        x: &[f32],
        x_hat: &[f32],
        (f, f_hat): (&[f32], &[f32]),
    ) -> RawScore {
        detector.scorer.score_by_distance(x, x_hat, f, f_hat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tensors::learnt_values;
    use crate::random::generator;
    use burn::tensor::Distribution;

    fn networks(architecture: &Architecture) -> (Pair, Discriminator) {
        let mut init = Initialiser::new(0, &Device::flex());
        let pair = Pair::new(architecture, &mut init);
        (pair, Discriminator::new(architecture, &mut init))
    }

    /// At the published widths, with z of 200 values; each term is one layer of the paper's table.
    #[test]
    fn parameter_counts_are_the_tables() {
        let architecture = Architecture {
            features: 200,
            ..Architecture::new(32, 1, 64)
        };
        let (pair, d) = networks(&architecture);
        let inner = 8 * 8 * 128;
        let e = (9 * 32 + 32) + (9 * 32 * 64 + 128) + (9 * 64 * 128 + 256) + (inner * 200 + 200);
        let g = (200 * 1024 + 2048)
            + (1024 * inner + 2 * inner)
            + (16 * 128 * 64 + 128)
            + (16 * 64 + 1);
        assert_eq!(learnt_values(&pair.encoder), e);
        assert_eq!(learnt_values(&pair.generator), g);
        let picture = (16 * 64 + 64) + (16 * 64 * 64 + 128);
        let joint = (8 * 8 * 64 + 512) * 1024 + 1024;
        assert_eq!(
            learnt_values(&d),
            picture + (200 * 512 + 512) + joint + 1025
        );
        assert_eq!((e + g, learnt_values(&d)), (10_475_529, 4_890_305));
    }

    #[test]
    fn counted_values_are_those_of_the_built_networks() {
        for (size, channels, width, discriminator_width, features) in
            [(32, 1, 3, 3, 100), (64, 3, 2, 5, 7), (256, 1, 1, 1, 1)]
        {
            let architecture = Architecture {
                discriminator_width,
                features,
                ..Architecture::new(size, channels, width)
            };
            let (pair, d) = networks(&architecture);
            assert_eq!(Pair::learnt_values(&architecture), learnt_values(&pair));
            assert_eq!(
                Discriminator::learnt_values(&architecture),
                learnt_values(&d)
            );
        }
    }

    #[test]
    fn every_size_and_channel_count_keeps_its_shape() {
        for size in [32, 64, 128, 256] {
            for channels in [1, 3] {
                let architecture = Architecture {
                    features: 10,
                    ..Architecture::new(size, channels, 2)
                };
                let (pair, d) = networks(&architecture);
                let x = Tensor::zeros([2, channels, size, size], &Device::flex());
                for mode in [Mode::Inference, Mode::Training] {
                    let z = pair.encoder.forward(x.clone(), mode);
                    assert_eq!(z.dims(), [2, 10]);
                    let x_hat = pair.generator.forward(z.clone(), mode);
                    assert_eq!(x_hat.dims(), x.dims());
                    let judgement = d.forward(x_hat, z, mode, None);
                    assert_eq!(judgement.logit.dims(), [2]);
                    let length = Plan::new(&architecture).last_hidden();
                    assert_eq!(judgement.features.dims(), [2, length]);
                }
            }
        }
    }

    #[test]
    fn rewritten_networks_compute_the_same() {
        let device = Device::flex();
        let architecture = Architecture::new(64, 1, 4);
        let (pair, d) = networks(&architecture);
        let noise = Distribution::Uniform(-1.0, 1.0);
        let x = Tensor::<4>::random([3, 1, 64, 64], noise, &device);
        let all = |pair: &Pair, d: &Discriminator, mode| {
            let z = pair.encoder.forward(x.clone(), mode);
            let x_hat = pair.generator.forward(z.clone(), mode);
            let features = d.forward(x_hat.clone(), z.clone(), mode, None).features;
            [z, flat(x_hat), features]
        };
        // Moves the running statistics away from 0 and 1.
        for _ in 0..3 {
            all(&pair, &d, Mode::Training);
        }
        let before = all(&pair, &d, Mode::Inference);
        let after = all(&pair.for_inference(), &d.for_inference(), Mode::Inference);
        for (a, b) in before.into_iter().zip(after) {
            let scale = a.clone().abs().max().into_scalar::<f32>();
            let apart = (a - b).abs().max().into_scalar::<f32>();
            assert!(
                scale > 0.0 && apart <= 2e-5 * scale,
                "{apart} apart at a scale of {scale}"
            );
        }
    }

    #[test]
    fn dropout_zeroes_half_and_keeps_the_mean() {
        let ones = || Tensor::<2>::ones([50, 101], &Device::flex());
        let drop = |seed| {
            let mut dropout = Dropout::new(generator(seed, 0), &Device::flex());
            let once = dropout.apply(ones());
            let again = dropout.apply(ones());
            [once, again].map(|t| t.into_data().try_into_vec::<f32>().expect("f32"))
        };
        let [once, again] = drop(1);
        assert!(once.iter().all(|&v| v == 0.0 || v == 2.0));
        let mean = once.iter().sum::<f32>() / once.len() as f32;
        assert!((mean - 1.0).abs() < 0.06, "{mean}");
        assert_ne!(once, again);
        assert_eq!(drop(1), [once.clone(), again]);
        assert_ne!(drop(2)[0], once);
    }
}
