//! ALOCC: refines the image and asks the discriminator whether the result is normal.
//!
//! Two networks: the refiner R, which reconstructs an image, and the discriminator D. Every convolution
//! has a kernel of 5 and halves or doubles the side.
//!
//! Source: Sabokrou et al. 2018, section 3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::{Tensor, TensorData};

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction};
use crate::data::corruption::Corruption;
use crate::loss::{bce_fake, bce_real, refinement};
use crate::model_file::Scoring;
use crate::nn::convolution::Convolution;
use crate::nn::decoder::decode;
use crate::nn::init::Initialiser;
use crate::nn::level::{self, Level, chain};
use crate::nn::{Architecture, Mode, Network, conv, conv_transposed, pyramid};
use crate::random::{generator, stream};
use crate::score::{self, RawScore};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::step::{Batch, PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Alocc> = GanMethod::new();

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
/// The contextual weight is that of the refinement loss.
pub struct Alocc;

impl Gan for Alocc {
    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "adversarial",
            "Adversarial loss",
            "how reliably the discriminator recognises refined images",
        ),
        LossTerm::new(
            "refinement",
            "Refinement loss",
            "mean squared difference between image and refined image",
        )
        .earlier("contextual"),
        LossTerm::new(
            "generator",
            "Refiner, weighted sum",
            "what the refiner is trained on",
        ),
        DISCRIMINATOR_LOSS,
    ];

    type Generator = Refiner;
    type Discriminator = Discriminator;

    /// Updates D, then R twice. R's losses are reported as they were before its first update.
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let Batch { x, step, .. } = batch;
        let weights = trainer.config.loss_weights();
        let noisy = add_noise(trainer, x.clone(), step);
        let x_hat = trainer.generator.forward(noisy.clone(), Mode::Training);

        let judge = |x: Tensor<4>| trainer.discriminator.forward(x, Mode::Training);
        let real = judge(x.clone());
        let fake = judge(x_hat.clone().detach());
        let judged = [real.clone(), fake.clone()];
        let discriminator = bce_real(real) + bce_fake(fake);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        // D's weights are fixed while R is updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let losses = |x_hat: Tensor<4>| {
            let fake = frozen.forward(x_hat.clone(), Mode::Training);
            let adversarial = bce_real(fake);
            let refinement = refinement(x.clone(), x_hat);
            let generator = adversarial.clone().mul_scalar(weights.adversarial)
                + refinement.clone().mul_scalar(weights.contextual);
            [adversarial, refinement, generator]
        };
        let [adversarial, refinement, generator] = losses(x_hat);
        if update.generator() {
            trainer.update_generator(&generator);
            for _ in 1..REFINEMENTS {
                let again = trainer.generator.forward(noisy.clone(), Mode::Training);
                let [.., again] = losses(again);
                trainer.update_generator(&again);
            }
        }

        PendingLosses::new([adversarial, refinement, generator, discriminator], judged)
    }
}

impl GanScore for Alocc {
    const METHOD: Method = Method::Alocc;
    const LAMBDA: f64 = 0.0;
    const LATENT: Option<&'static str> = Some(
        "is the discriminator's estimate of the probability that the reconstruction is not a normal image",
    );
    const SETTINGS: &'static [Setting] = &[
        Setting::adversarial_weight,
        Setting::contextual_weight,
        Setting::input_noise,
    ];

    fn published(plain: TrainConfig) -> TrainConfig {
        TrainConfig {
            contextual_weight: 0.4,
            input_noise: 0.155,
            ..plain
        }
    }

    /// D's logit.
    fn feature_layers(_architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![1]
    }

    /// The features are D's logit of R(x), twice, since the score does not compare two vectors.
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let n = x.dims()[0];
        let x_hat = detector.generator.forward(x, detector.mode);
        let logit = detector.discriminator.forward(x_hat.clone(), detector.mode);
        let logit = logit.reshape([n, 1]);
        Inference::from(Reconstruction {
            x_hat,
            features: Some((logit.clone(), logit)),
            marks: None,
        })
    }

    /// L = 1 - D(R(x)), equation 5. With λ = 0, as in the paper, A is L, and R is only shown.
    fn score(
        detector: &GanDetector<Self>,
        x: &[f32],
        x_hat: &[f32],
        (logit, _): (&[f32], &[f32]),
    ) -> RawScore {
        detector
            .scorer
            .score_by(x, x_hat, score::fake_probability(logit[0]))
    }
}

/// x̃ = x + N(0, σ²). The noise depends only on the seed and the step.
fn add_noise(trainer: &GanTrainer<Alocc>, x: Tensor<4>, step: u64) -> Tensor<4> {
    let config = &trainer.config;
    let corruption = Corruption {
        noise: config.input_noise,
        mask: 0.0,
    };
    if corruption.is_none() {
        return x;
    }
    let shape = x.dims();
    let mut random = generator(config.seed, stream::STEP + step);
    let (_, noise) = corruption.sample(shape, &mut random);
    x + Tensor::from_data(TensorData::new(noise, shape), &trainer.device)
}
