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
use crate::nn::convolution::Convolution;
use crate::nn::dcgan::{Generator, Plan, SLOPE, activated, picture_levels};
use crate::nn::init::Initialiser;
use crate::nn::level::{self, Level, chain};
use crate::nn::{Architecture, DiscriminatorOutput, Mode, Network, conv, flat, linear, outputs};
use crate::random::{generator, stream};
use crate::score::RawScore;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::prior::sample_prior;
use crate::train::step::{Batch, PendingLosses, Update};

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
    down: Vec<Level<Conv2d>>,
    latent: Linear,
}

impl Network for Encoder {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        let width = first(&plan);
        let mut first = conv(plan.channels, width, [3, 1, 1], init);
        first.bias = Some(init.zeros(width));
        let level = |(input, output)| Level::normalised(conv(input, output, [3, 2, 1], init), init);
        Self {
            first,
            down: chain(width, plan.down()).map(level).collect(),
            latent: linear(plan.inner(), plan.features, true, init),
        }
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let mut sizes = vec![self.first.values(&mut side)];
        sizes.extend(level::values(&self.down, &mut side));
        sizes.push(outputs(&self.latent));
        sizes
    }

    fn fuse(mut self) -> Self {
        self.down = level::fuse(self.down);
        self
    }
}

impl Encoder {
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
            h = activated(level, h, mode); // [n, width, size / 2, size / 2], …
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
            encoder: Encoder::new(architecture, init),
            generator: Generator::new(architecture, init),
        }
    }

    /// Of E, then of G.
    fn layer_sizes(&self, size: usize) -> Vec<usize> {
        let encoder = self.encoder.layer_sizes(size);
        [encoder, self.generator.layer_sizes(size)].concat()
    }

    fn fuse(self) -> Self {
        Self {
            encoder: self.encoder.fuse(),
            generator: self.generator.fuse(),
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
    picture: Vec<Level<Conv2d>>,
    /// z: LeakyReLU, dropout.
    vector: Linear,
    /// Both together: LeakyReLU, dropout.
    joint: Linear,
    /// To one logit.
    classifier: Linear,
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

    /// For one pair.
    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let mut sizes = level::values(&self.picture, &mut side);
        sizes.extend([outputs(&self.vector), outputs(&self.joint)]);
        sizes
    }

    fn fuse(mut self) -> Self {
        self.picture = level::fuse(self.picture);
        self
    }
}

impl Discriminator {
    /// Classifies pairs: the logit is that of "an image with its encoding", the features are f(x, z),
    /// `[n, 16 width]`. Dropout is for training.
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
    ) -> DiscriminatorOutput {
        let mut h = x;
        for level in &self.picture {
            h = dropped(activated(level, h, mode), &mut dropout); // [n, width, size / 2, size / 2], …
        }
        let mut dense = |layer: &Linear, h: Tensor<2>| {
            let h = leaky_relu_of(SLOPE, layer.forward(h), mode);
            dropped(h, &mut dropout)
        };
        let of_z = dense(&self.vector, z); // [n, 8 width]
        let features = dense(&self.joint, Tensor::cat(vec![flat(h), of_z], 1)); // [n, 16 width]
        let logit = self.classifier.forward(features.clone()); // [n, 1]
        DiscriminatorOutput::new(logit, features)
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
/// Its losses have one term each and no weights:
///
/// - generator: L_G = BCE(D(G(z), z), 1), minimised by G
/// - encoder: L_E = BCE(D(x, E(x)), 0), minimised by E
/// - discriminator: L_D = BCE(D(x, E(x)), 1) + BCE(D(G(z), z), 0)
/// - reconstruction: the mean of |x - G(E(x))|, logged only, not optimised
/// - real and fake: the means of D(x, E(x)) and of D(G(z), z), before the step
pub struct Egbad;

/// The random draws of a step: z from N(0, 1), `[n, features]`, and D's dropout, which continues the same
/// stream. Both depend only on the seed and the number of steps before this one.
pub fn sample(config: &TrainConfig, n: usize, step: u64, device: &Device) -> (Tensor<2>, Dropout) {
    let mut random = generator(config.seed, stream::STEP + step);
    let z = sample_prior(&mut random, [n, config.features], device);
    (z, Dropout::new(random, device))
}

impl Gan for Egbad {
    /// D sees both pairs twice.
    const PASSES_OF_D: usize = 4;

    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "generator",
            "Generator loss L_G",
            "how reliably the discriminator recognises generated images with their codes",
        )
        .earlier("adversarial"),
        LossTerm::new(
            "encoder",
            "Encoder loss L_E",
            "how reliably the discriminator recognises images with their encodings",
        )
        .earlier("latent"),
        DISCRIMINATOR_LOSS,
        LossTerm::new(
            "reconstruction",
            "Reconstruction",
            "mean absolute difference between image and reconstruction; logged only",
        )
        .earlier("contextual"),
    ];

    type Generator = Pair;
    type Discriminator = Discriminator;

    /// Updates D, then G and E against the updated D.
    ///
    /// L_G depends on G alone and L_E on E alone, so one optimiser on their sum is equivalent to the
    /// published two.
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let Batch { x, step, .. } = batch;
        let mode = Mode::Training;
        let (z, mut dropout) = sample(&trainer.config, x.dims()[0], step, &trainer.device);
        let encoded = trainer.generator.encoder.forward(x.clone(), mode);
        let generated = trainer.generator.generator.forward(z.clone(), mode);

        let d = &trainer.discriminator;
        let real = d.forward(
            x.clone(),
            encoded.clone().detach(),
            mode,
            Some(&mut dropout),
        );
        let fake = d.forward(
            generated.clone().detach(),
            z.clone(),
            mode,
            Some(&mut dropout),
        );
        let judged = [real.logit.clone(), fake.logit.clone()];
        let discriminator = bce_real(real.logit) + bce_fake(fake.logit);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        // With running statistics, which encodings must not change: G's are those of z generated from the
        // prior.
        let frozen = trainer.generator.generator.clone().no_grad();
        let x_hat = frozen.forward(encoded.clone().detach(), Mode::Inference);
        let reconstruction = contextual(x.clone(), x_hat);

        // D's weights are fixed while G and E are updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let real = frozen.forward(x, encoded, mode, Some(&mut dropout));
        let fake = frozen.forward(generated, z, mode, Some(&mut dropout));
        let generator = bce_real(fake.logit);
        let encoder = bce_fake(real.logit);
        if update.generator() {
            trainer.update_generator(&(generator.clone() + encoder.clone()));
        }

        PendingLosses::new([generator, encoder, discriminator, reconstruction], judged)
    }
}

impl GanScore for Egbad {
    const METHOD: Method = Method::Egbad;
    const LATENT: Option<&'static str> = Some(
        "compares the discriminator's features of the image and of the reconstruction, each paired with \
         the code of the image",
    );
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
            marks: None,
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
    use crate::random::generator;

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
