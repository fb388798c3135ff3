//! ALOCC: refines the image and asks the discriminator whether the result is normal.
//!
//! Two networks: the refiner R, which reconstructs an image, and the discriminator D. Every convolution
//! has a kernel of 5 and halves or doubles the side.
//!
//! Source: Sabokrou et al. 2018, section 3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::{Tensor, TensorData};

use super::adversarial::{Adversarial, Trained};
use super::entry::WithNetworks;
use super::{Measurement, Measuring, Method};
use crate::data::disturb::Disturbance;
use crate::loss::{bce_fake, bce_real, probability, refinement};
use crate::model_file::Scoring;
use crate::nn::convolution::Convolution;
use crate::nn::decoder::decode;
use crate::nn::init::Initialiser;
use crate::nn::level::{self, Level, chain};
use crate::nn::{Architecture, Mode, Network, conv, conv_transposed, pyramid};
use crate::random::{generator, stream};
use crate::score::{self, RawScore};
use crate::train::config::TrainConfig;
use crate::train::networks::Networks;
use crate::train::step::{PendingLosses, Update};

pub(crate) const ENTRY: WithNetworks<Alocc> = WithNetworks::new();

/// Side of every kernel but that of D's last layer.
const KERNEL: usize = 5;

/// R's channels on the way down, in base widths. An eighth of the image's side is left.
const DOWN: [usize; 3] = [2, 4, 8];

/// R's channels on the way up, in base widths, before the image's own.
const UP: [usize; 2] = [2, 1];

/// D's channels, in base widths: 64, 128, 256, 512 in the paper. A sixteenth of the side is left.
const OF_D: [usize; 4] = [1, 2, 4, 8];

/// The refiner R: encoder and decoder without a bottleneck. Only the noise on its input in training keeps
/// it from copying.
#[derive(Module, Debug)]
pub struct Refiner {
    /// Down to an eighth of the side: convolution, batch norm, LeakyReLU.
    encoder: Vec<Level<Conv2d>>,
    /// Up again: transposed convolution, then batch norm and ReLU, or tanh in the last.
    decoder: Vec<Level<ConvTranspose2d>>,
}

impl Network for Refiner {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let width = architecture.generator_width;
        let widths = |factors: &[usize]| factors.iter().map(|factor| factor * width).collect();
        let (down, up): (Vec<_>, Vec<_>) = (widths(&DOWN), widths(&UP));
        let (innermost, outermost) = (down[DOWN.len() - 1], up[UP.len() - 1]);
        let level =
            |(input, output)| Level::normalised(conv(input, output, [KERNEL, 2, 2], init), init);
        let encoder = chain(architecture.channels, down).map(level).collect();
        let level = |(input, output)| Level::normalised(conv_up(input, output, init), init);
        let mut decoder: Vec<_> = chain(innermost, up).map(level).collect();
        let mut last = conv_up(outermost, architecture.channels, init);
        last.bias = Some(init.zeros(architecture.channels));
        decoder.push(Level::plain(last));
        Self { encoder, decoder }
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let down = level::values(&self.encoder, &mut side);
        let up = level::values(&self.decoder, &mut side);
        [down, up].concat()
    }

    fn fuse(self) -> Self {
        Self {
            encoder: level::fuse(self.encoder),
            decoder: level::fuse(self.decoder),
        }
    }
}

impl Refiner {
    /// Refines images: x̂ = R(x).
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let h = pyramid::forward(&self.encoder, x, mode, |_| ()); // [n, 8 width, size / 8, size / 8]
        decode(&self.decoder, h, mode) // [n, c, size, size]
    }
}

/// The discriminator D: is an image normal, or refined by R?
#[derive(Module, Debug)]
pub struct Discriminator {
    /// Down to a sixteenth of the side: convolution, batch norm (not in the first), LeakyReLU.
    pyramid: Vec<Level<Conv2d>>,
    /// The remaining feature maps to one logit: the published linear layer, as a kernel of their side.
    classifier: Conv2d,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let widths = OF_D.map(|factor| factor * architecture.discriminator_width);
        let level = |(level, (input, output))| {
            let mut conv = conv(input, output, [KERNEL, 2, 2], init);
            // A batch norm has its own shift.
            if level == 0 {
                conv.bias = Some(init.zeros(output));
                return Level::plain(conv);
            }
            Level::normalised(conv, init)
        };
        let levels = chain(architecture.channels, widths).enumerate();
        let pyramid = levels.map(level).collect();
        // Side of what the convolutions leave.
        let left = architecture.size >> OF_D.len();
        let mut classifier = conv(widths[OF_D.len() - 1], 1, [left, 1, 0], init);
        classifier.bias = Some(init.zeros(1));
        Self {
            pyramid,
            classifier,
        }
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        level::values(&self.pyramid, &mut side)
    }

    fn fuse(mut self) -> Self {
        self.pyramid = level::fuse(self.pyramid);
        self
    }
}

impl Discriminator {
    /// Classifies images; D's probability of "normal" is the sigmoid of the logit.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns logits `[n]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<1> {
        let h = pyramid::forward(&self.pyramid, x, mode, |_| ()); // [n, 8 width, size / 16, size / 16]
        let logit = self.classifier.convolve(h, mode); // [n, 1, 1, 1]
        let n = logit.dims()[0];
        logit.reshape([n])
    }
}

/// A transposed convolution that doubles the side.
fn conv_up(input: usize, output: usize, init: &mut Initialiser) -> ConvTranspose2d {
    let mut conv = conv_transposed(input, output, [KERNEL, 2, 2], init);
    conv.padding_out = [1; 2];
    conv
}

/// Steps of R for each step of D, so that D does not win, as in the published code.
const REFINEMENTS: usize = 2;

/// The method.
///
/// The contextual loss is the refinement loss. The method has no latent loss; in its place the mean of 1
/// - D(x̂), on which the score is based, is logged but not optimised.
pub struct Alocc;

impl Adversarial for Alocc {
    const METHOD: Method = Method::Alocc;
    const LAMBDA: f64 = 0.0;
    const SETTINGS: &'static [&'static str] =
        &["adversarial_weight", "contextual_weight", "input_noise"];

    type Generator = Refiner;
    type Discriminator = Discriminator;

    fn published(plain: TrainConfig) -> TrainConfig {
        TrainConfig {
            contextual_weight: 0.4,
            input_noise: 0.155,
            ..plain
        }
    }

    /// Updates D, then R twice. R's losses are reported as they were before its first update.
    fn step(
        networks: &mut Networks<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let weights = networks.config.loss_weights();
        let noisy = add_noise(networks, x.clone(), step);
        let x_hat = networks.generator.forward(noisy.clone(), Mode::Training);

        let judge = |x: Tensor<4>| networks.discriminator.forward(x, Mode::Training);
        let real = judge(x.clone());
        let fake = judge(x_hat.clone().detach());
        let judged = [real.clone(), fake.clone()];
        let discriminator = bce_real(real) + bce_fake(fake);
        if update.discriminator() {
            networks.update_discriminator(&discriminator);
        }

        // D's weights are fixed while R is updated, so their gradients are not computed.
        let frozen = networks.discriminator.clone().no_grad();
        let losses = |x_hat: Tensor<4>| {
            let fake = frozen.forward(x_hat.clone(), Mode::Training);
            let adversarial = bce_real(fake);
            let contextual = refinement(x.clone(), x_hat);
            let generator = adversarial.clone().mul_scalar(weights.adversarial)
                + contextual.clone().mul_scalar(weights.contextual);
            [adversarial, contextual, generator]
        };
        let [adversarial, contextual, refiner] = losses(x_hat);
        if update.generator() {
            networks.update_generator(&refiner);
            for _ in 1..REFINEMENTS {
                let again = networks.generator.forward(noisy.clone(), Mode::Training);
                let [.., again] = losses(again);
                networks.update_generator(&again);
            }
        }

        let latent = probability(judged[1].clone()).neg().add_scalar(1.0).mean();
        let losses = [adversarial, contextual, latent, refiner, discriminator];
        PendingLosses::new(losses, judged)
    }

    /// D's logit.
    fn feature_layers(_architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![1]
    }

    /// The features are D's logit of R(x), twice, since the score does not compare two vectors.
    fn measure(trained: &Trained<Self>, x: Tensor<4>) -> Measuring<'_> {
        let n = x.dims()[0];
        let x_hat = trained.generator.forward(x, trained.mode);
        let logit = trained.discriminator.forward(x_hat.clone(), trained.mode);
        let logit = logit.reshape([n, 1]);
        Measuring::from(Measurement {
            x_hat,
            features: Some((logit.clone(), logit)),
        })
    }

    /// L = 1 - D(R(x)), equation 5. With λ = 0, as in the paper, A is L, and R is only shown.
    fn score(
        trained: &Trained<Self>,
        x: &[f32],
        x_hat: &[f32],
        (logit, _): (&[f32], &[f32]),
    ) -> RawScore {
        trained.scorer.score_by(x, x_hat, score::doubt(logit[0]))
    }
}

/// x̃ = x + N(0, σ²). The noise depends only on the seed and the step.
fn add_noise(networks: &Networks<Alocc>, x: Tensor<4>, step: u64) -> Tensor<4> {
    let config = &networks.config;
    let disturbance = Disturbance {
        noise: config.input_noise,
        mask: 0.0,
    };
    if disturbance.is_none() {
        return x;
    }
    let shape = x.dims();
    let mut random = generator(config.seed, stream::STEP + step);
    let (_, noise) = disturbance.draw(shape, &mut random);
    x + Tensor::from_data(TensorData::new(noise, shape), &networks.device)
}
