//! EGBAD's networks: encoder E, generator G, and a discriminator D of pairs (x, z).
//!
//! Source: Zenati et al. 2018, appendix A.1 (MNIST), and the published code where the text is silent.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::activation::{relu, tanh};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::activation::leaky_relu_of;
use super::inference::{fold, fold_linear, fold_transposed};
use super::init::Initialiser;
use super::{Architecture, BatchNorm, Mode, conv, conv_down, conv_up, linear};

/// Slope of EGBAD's LeakyReLUs.
const SLOPE: f64 = 0.1;

/// Side of the innermost feature maps.
const INNER_SIDE: usize = 8;

/// The published channel plan at base width 64; other widths scale it.
struct Plan {
    channels: usize,
    /// Length of z.
    features: usize,
    /// Halvings from the picture to [`INNER_SIDE`]: 2 at a side of 32.
    halvings: usize,
    /// Of E and G: 64.
    width: usize,
    /// Of D: 64.
    discriminator_width: usize,
}

impl Plan {
    fn new(architecture: &Architecture) -> Self {
        architecture.check().expect("a checked architecture");
        Self {
            channels: architecture.channels,
            features: architecture.features,
            halvings: (architecture.size / INNER_SIDE).ilog2() as usize,
            width: architecture.generator_width,
            discriminator_width: architecture.discriminator_width,
        }
    }

    /// E's first convolution, which keeps the side: 32.
    fn first(&self) -> usize {
        self.width.div_ceil(2)
    }

    /// E after each halving: 64, 128; pictures larger than the published ones add levels of 128.
    fn down(&self) -> Vec<usize> {
        (0..self.halvings)
            .map(|level| self.width << level.min(1))
            .collect()
    }

    /// Values of the innermost feature maps of E and G: 8 · 8 · 128.
    fn inner(&self) -> usize {
        INNER_SIDE * INNER_SIDE * 2 * self.width
    }

    /// G's first layer: 1024.
    fn hidden(&self) -> usize {
        16 * self.width
    }

    /// D's innermost feature maps: 8 · 8 · 64.
    fn seen(&self) -> usize {
        INNER_SIDE * INNER_SIDE * self.discriminator_width
    }

    /// D's layer of z: 512.
    fn of_z(&self) -> usize {
        8 * self.discriminator_width
    }

    /// D's joint layer, the feature f(x, z): 1024.
    fn joint(&self) -> usize {
        16 * self.discriminator_width
    }
}

/// A convolution with the batch norm after it, where there is one.
#[derive(Module, Debug)]
pub struct Level {
    conv: Conv2d,
    norm: Option<BatchNorm>,
}

impl Level {
    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut h = self.conv.forward(x);
        if let Some(norm) = &self.norm {
            h = norm.forward(h, mode);
        }
        leaky_relu_of(SLOPE, h, mode)
    }

    fn for_inference(self) -> Self {
        match self.norm {
            Some(norm) => Self {
                conv: fold(self.conv, norm),
                norm: None,
            },
            None => self,
        }
    }
}

/// The encoder E: z = E(x).
#[derive(Module, Debug)]
pub struct Encoder {
    /// Kernel 3, the side stays; nothing follows it, as in the published code.
    first: Conv2d,
    /// Kernel 3, the side halves: batch norm, LeakyReLU.
    down: Vec<Level>,
    latent: Linear,
}

impl Encoder {
    fn new(plan: &Plan, init: &mut Initialiser) -> Self {
        let mut input = plan.first();
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
        let mut input = plan.first();
        let mut count = 9 * plan.channels * input + input;
        for output in plan.down() {
            count += 9 * input * output + 2 * output;
            input = output;
        }
        count + plan.inner() * plan.features + plan.features
    }

    /// Encodes pictures.
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

/// A transposed convolution that doubles the side, with the batch norm after it but in the last.
#[derive(Module, Debug)]
pub struct UpLevel {
    conv: ConvTranspose2d,
    norm: Option<BatchNorm>,
}

/// The generator G: x = G(z).
#[derive(Module, Debug)]
pub struct Generator {
    hidden: Linear,
    hidden_norm: Option<BatchNorm>,
    inner: Linear,
    inner_norm: Option<BatchNorm>,
    up: Vec<UpLevel>,
}

impl Generator {
    fn new(plan: &Plan, init: &mut Initialiser) -> Self {
        let hidden = linear(plan.features, plan.hidden(), false, init);
        let hidden_norm = Some(BatchNorm::new(plan.hidden(), init));
        let inner = linear(plan.hidden(), plan.inner(), false, init);
        let inner_norm = Some(BatchNorm::new(plan.inner(), init));
        let (mut input, mut up) = (2 * plan.width, Vec::with_capacity(plan.halvings));
        for output in plan.down().into_iter().rev().skip(1) {
            up.push(UpLevel {
                conv: conv_up(input, output, false, init),
                norm: Some(BatchNorm::new(output, init)),
            });
            input = output;
        }
        up.push(UpLevel {
            conv: conv_up(input, plan.channels, true, init),
            norm: None,
        });
        Self {
            hidden,
            hidden_norm,
            inner,
            inner_norm,
            up,
        }
    }

    fn learnt_values(plan: &Plan) -> usize {
        let mut count = plan.features * plan.hidden() + 2 * plan.hidden();
        count += plan.hidden() * plan.inner() + 2 * plan.inner();
        let mut input = 2 * plan.width;
        for output in plan.down().into_iter().rev().skip(1) {
            count += 16 * input * output + 2 * output;
            input = output;
        }
        count + 16 * input * plan.channels + plan.channels
    }

    /// Draws pictures.
    ///
    /// # Shapes
    /// - `z`: `[n, features]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the length of `z` is not the architecture's.
    pub fn forward(&self, z: Tensor<2>, mode: Mode) -> Tensor<4> {
        let dense = |layer: &Linear, norm: &Option<BatchNorm>, h: Tensor<2>| {
            let h = layer.forward(h);
            let [n, length] = h.dims();
            let h = h.reshape([n, length, 1, 1]);
            let h = match norm {
                Some(norm) => norm.forward(h, mode),
                None => h,
            };
            relu(h).reshape([n, length])
        };
        let h = dense(&self.hidden, &self.hidden_norm, z); // [n, 16 width]
        let h = dense(&self.inner, &self.inner_norm, h);
        let [n, length] = h.dims();
        let square = INNER_SIDE * INNER_SIDE;
        let mut h = h.reshape([n, length / square, INNER_SIDE, INNER_SIDE]); // [n, 2 width, 8, 8]
        for (level, step) in self.up.iter().enumerate() {
            if level > 0 {
                h = relu(h);
            }
            h = step.conv.forward(h); // [n, width, 16, 16], …
            if let Some(norm) = &step.norm {
                h = norm.forward(h, mode);
            }
        }
        tanh(h) // [n, c, size, size]
    }
}

/// E and G, which learn together.
#[derive(Module, Debug)]
pub struct Pair {
    /// E.
    pub encoder: Encoder,
    /// G.
    pub generator: Generator,
}

impl Pair {
    /// Builds the networks with freshly drawn weights.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        Self {
            encoder: Encoder::new(&plan, init),
            generator: Generator::new(&plan, init),
        }
    }

    /// How many values they learn, counted without building them.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn learnt_values(architecture: &Architecture) -> usize {
        let plan = Plan::new(architecture);
        Encoder::learnt_values(&plan) + Generator::learnt_values(&plan)
    }

    /// How many values each layer of E, then of G, makes of one picture.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn layers(architecture: &Architecture) -> Vec<usize> {
        let plan = Plan::new(architecture);
        let plane = |level: usize| (architecture.size >> level).pow(2);
        let down = plan.down();
        let of_e = down.iter().enumerate();
        let of_e = of_e.map(|(level, width)| width * plane(level + 1));
        let outputs = [&[plan.channels], &down[..down.len() - 1]].concat();
        let of_g = outputs.iter().enumerate();
        let of_g = of_g.map(|(level, width)| width * plane(level));
        let ends = [plan.first() * plane(0), plan.features];
        let hidden = [plan.hidden(), plan.inner()];
        ends.into_iter()
            .chain(of_e)
            .chain(hidden)
            .chain(of_g)
            .collect()
    }

    /// The same networks for scoring only, in fewer operations; they can no longer be trained or
    /// saved.
    pub fn for_inference(self) -> Self {
        let Self { encoder, generator } = self;
        let dense = |layer: Linear, norm: Option<BatchNorm>| match norm {
            Some(norm) => fold_linear(layer, norm),
            None => layer,
        };
        let up = generator.up.into_iter().map(|step| UpLevel {
            conv: match step.norm {
                Some(norm) => fold_transposed(step.conv, norm),
                None => step.conv,
            },
            norm: None,
        });
        let down = encoder.down.into_iter().map(Level::for_inference);
        Self {
            encoder: Encoder {
                down: down.collect(),
                ..encoder
            },
            generator: Generator {
                hidden: dense(generator.hidden, generator.hidden_norm),
                hidden_norm: None,
                inner: dense(generator.inner, generator.inner_norm),
                inner_norm: None,
                up: up.collect(),
            },
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
        // One fair bit a value.
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

/// What D says of a batch of pairs.
pub struct Judgement {
    /// Logit of "a picture with its encoding", `[n]`; D's probability is its sigmoid.
    pub logit: Tensor<1>,
    /// Features f(x, z), `[n, 16 width]`.
    pub features: Tensor<2>,
}

impl Discriminator {
    /// Builds the network with freshly drawn weights.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        let width = plan.discriminator_width;
        let level = |level: usize| {
            let input = if level == 0 { plan.channels } else { width };
            let mut conv = conv_down(input, width, init);
            if level == 0 {
                conv.bias = Some(init.zeros(width));
            }
            let norm = (level > 0).then(|| BatchNorm::new(width, init));
            Level { conv, norm }
        };
        Self {
            picture: (0..plan.halvings).map(level).collect(),
            vector: linear(plan.features, plan.of_z(), true, init),
            joint: linear(plan.seen() + plan.of_z(), plan.joint(), true, init),
            classifier: linear(plan.joint(), 1, true, init),
        }
    }

    /// How many values it learns, counted without building it.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn learnt_values(architecture: &Architecture) -> usize {
        let plan = Plan::new(architecture);
        let width = plan.discriminator_width;
        let first = 16 * plan.channels * width + width;
        let others = (plan.halvings - 1) * (16 * width * width + 2 * width);
        let vector = plan.features * plan.of_z() + plan.of_z();
        let joint = (plan.seen() + plan.of_z()) * plan.joint() + plan.joint();
        first + others + vector + joint + plan.joint() + 1
    }

    /// How many values each layer makes of one pair.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn layers(architecture: &Architecture) -> Vec<usize> {
        let plan = Plan::new(architecture);
        let level = |level: usize| {
            let side = architecture.size >> (level + 1);
            plan.discriminator_width * side * side
        };
        let picture = (0..plan.halvings).map(level);
        picture.chain([plan.of_z(), plan.joint()]).collect()
    }

    /// Length of f(x, z).
    pub fn features(architecture: &Architecture) -> usize {
        Plan::new(architecture).joint()
    }

    /// The same network for scoring only, in fewer operations; it can no longer be trained or saved.
    pub fn for_inference(mut self) -> Self {
        let picture = self.picture.into_iter().map(Level::for_inference);
        self.picture = picture.collect();
        self
    }

    /// Judges pairs; dropout is for training.
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

/// `[n, c, h, w]` as `[n, c · h · w]`.
fn flat(h: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = h.dims();
    h.reshape([n, channels * height * width])
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
                    let length = Discriminator::features(&architecture);
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
