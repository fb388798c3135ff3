//! An adversarial auto-encoder: reconstructs an image from a latent code z, whose distribution a
//! discriminator keeps close to a prior, and compares pixels.
//!
//! Encoder and decoder are GANomaly's, so that the two methods differ in their training objective; the
//! discriminator of z is the paper's.
//!
//! Source: Makhzani et al. 2015, sections 2 and 2.3 (deterministic encoder, Gaussian prior).

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction};
use crate::loss::{bce_fake, bce_real, reconstruction};
use crate::model_file::Scoring;
use crate::nn::init::Initialiser;
use crate::nn::level::chain;
use crate::nn::{Architecture, Decoder, Encoder, Mode, Network, linear, outputs};
use crate::random::{generator, stream};
use crate::score::{self, RawScore};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::prior::sample_prior;
use crate::train::step::{Batch, PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Aae> = GanMethod::new();

/// The auto-encoder: z = E(x), x̂ = G(z).
#[derive(Module, Debug)]
pub struct Autoencoder {
    /// E, the generator in the adversarial training of z.
    pub encoder: Encoder,
    /// G.
    pub decoder: Decoder,
}

impl Network for Autoencoder {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        Self {
            encoder: Encoder::new(architecture, init),
            decoder: Decoder::new(architecture, init),
        }
    }

    fn layer_sizes(&self, size: usize) -> Vec<usize> {
        let encoder = self.encoder.layer_sizes(size);
        [encoder, self.decoder.layer_sizes(size)].concat()
    }

    fn fuse(self) -> Self {
        Self {
            encoder: self.encoder.fuse(),
            decoder: self.decoder.fuse(),
        }
    }
}

/// Hidden layers of the discriminator.
const HIDDEN: usize = 2;

/// The discriminator D of z: is it generated from the prior, or encoded from an image?
#[derive(Module, Debug)]
pub struct Discriminator {
    /// ReLU after each.
    hidden: Vec<Linear>,
    /// To one logit.
    classifier: Linear,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        // 1,024 at the base width of 64, where the paper has 1,000.
        let width = 16 * architecture.discriminator_width;
        let hidden = chain(architecture.features, [width; HIDDEN]);
        Self {
            hidden: hidden
                .map(|(input, output)| linear(input, output, true, init))
                .collect(),
            classifier: linear(width, 1, true, init),
        }
    }

    fn layer_sizes(&self, _size: usize) -> Vec<usize> {
        self.hidden.iter().map(outputs).collect()
    }

    /// There is nothing to fuse.
    fn fuse(self) -> Self {
        self
    }
}

impl Discriminator {
    /// Classifies vectors; D's probability of "generated from the prior" is the sigmoid of the logit.
    ///
    /// # Shapes
    /// - `z`: `[n, features]`
    /// - returns logits `[n]`
    ///
    /// # Panics
    /// If the length of `z` is not the architecture's.
    pub fn forward(&self, z: Tensor<2>) -> Tensor<1> {
        let mut h = z;
        for layer in &self.hidden {
            h = relu(layer.forward(h)); // [n, 16 width]
        }
        let logit = self.classifier.forward(h); // [n, 1]
        let n = logit.dims()[0];
        logit.reshape([n])
    }
}

/// The method.
///
/// Its losses:
///
/// - reconstruction: the mean of (x - x̂)², minimised by E and G in the first phase
/// - adversarial: BCE(D(E(x)), 1), minimised by E in the second phase
/// - generator: the weighted sum of both
/// - discriminator: BCE(D(z), 1) + BCE(D(E(x)), 0), z from the prior
/// - real and fake: the means of D(z) and of D(E(x)), before D's update
pub struct Aae;

impl Gan for Aae {
    const TWO_PHASES: bool = true;

    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "reconstruction",
            "Reconstruction error",
            "mean squared difference between image and reconstruction",
        )
        .earlier("contextual"),
        LossTerm::new(
            "adversarial",
            "Adversarial loss",
            "how reliably the discriminator recognises codes of images",
        ),
        LossTerm::new(
            "generator",
            "Autoencoder, weighted sum",
            "what the encoder and the decoder are trained on, in two phases",
        ),
        DISCRIMINATOR_LOSS,
    ];

    type Generator = Autoencoder;
    type Discriminator = Discriminator;

    /// The reconstruction phase updates E and G, the regularisation phase D, then E.
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let Batch { x, step, .. } = batch;
        let mode = Mode::Training;
        let weights = trainer.config.loss_weights();
        let z = trainer.generator.encoder.forward(x.clone(), mode);
        let x_hat = trainer.generator.decoder.forward(z, mode);
        let reconstruction = reconstruction(x.clone(), x_hat);
        let reconstruct = reconstruction.clone().mul_scalar(weights.contextual);
        if update.generator() {
            trainer.update_generator(&reconstruct);
        }

        let z = trainer.generator.encoder.forward(x, mode);
        let mut random = generator(trainer.config.seed, stream::STEP + step);
        let generated = sample_prior(&mut random, z.dims(), &trainer.device);
        let real = trainer.discriminator.forward(generated);
        let fake = trainer.discriminator.forward(z.clone().detach());
        let judged = [real.clone(), fake.clone()];
        let discriminator = bce_real(real) + bce_fake(fake);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        // D's weights are fixed while E is updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let adversarial = bce_real(frozen.forward(z));
        let deceive = adversarial.clone().mul_scalar(weights.adversarial);
        if update.generator() {
            trainer.update_generator_again(&deceive);
        }

        let generator = reconstruct + deceive;
        PendingLosses::new(
            [reconstruction, adversarial, generator, discriminator],
            judged,
        )
    }
}

impl GanScore for Aae {
    const METHOD: Method = Method::Aae;
    /// A is R alone.
    const LAMBDA: f64 = 1.0;
    const LATENT: Option<&'static str> = Some(
        "is the discriminator's estimate of the probability that the image's code was not drawn from the \
         prior",
    );
    const SETTINGS: &'static [Setting] = &[
        Setting::features,
        Setting::adversarial_weight,
        Setting::contextual_weight,
    ];

    /// The two losses are minimised separately, so neither needs a weight.
    fn published(plain: TrainConfig) -> TrainConfig {
        TrainConfig {
            contextual_weight: 1.0,
            ..plain
        }
    }

    /// D's logit.
    fn feature_layers(_architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![1]
    }

    /// x̂ = G(E(x)). The features are D's logit of E(x), twice, since L does not compare two vectors.
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let n = x.dims()[0];
        let z = detector.generator.encoder.forward(x, detector.mode);
        let x_hat = detector.generator.decoder.forward(z.clone(), detector.mode);
        let logit = detector.discriminator.forward(z).reshape([n, 1]);
        Inference::from(Reconstruction {
            x_hat,
            features: Some((logit.clone(), logit)),
            marks: None,
        })
    }

    /// L = 1 - D(E(x)): how unlike the prior z is. With λ = 1, A is R.
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
