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
use crate::loss::{bce_fake, bce_real, probability, reconstruction};
use crate::model_file::Scoring;
use crate::nn::init::Initialiser;
use crate::nn::{Architecture, Decoder, Encoder, Mode, Network, linear};
use crate::random::{generator, stream};
use crate::score::{self, RawScore};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::prior;
use crate::train::step::{PendingLosses, Update};

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
        let width = architecture.generator_width;
        Self {
            encoder: Encoder::new(architecture, width, init),
            decoder: Decoder::new(architecture, width, init),
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let width = architecture.generator_width;
        Encoder::learnt_values(architecture, width) + Decoder::learnt_values(architecture, width)
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        let width = architecture.generator_width;
        let mut layers = Encoder::layers(architecture, width);
        layers.extend(Decoder::layers(architecture, width));
        layers
    }

    fn for_inference(self) -> Self {
        Self {
            encoder: self.encoder.for_inference(),
            decoder: self.decoder.for_inference(),
        }
    }
}

/// Hidden layers of the discriminator.
const HIDDEN: usize = 2;

/// The discriminator D of z: is it drawn from the prior, or encoded from an image?
#[derive(Module, Debug)]
pub struct Discriminator {
    /// ReLU after each.
    hidden: Vec<Linear>,
    /// To one logit.
    classifier: Linear,
}

/// Width of D's hidden layers: 1,024 at the base width of 64, where the paper has 1,000.
fn hidden(architecture: &Architecture) -> usize {
    16 * architecture.discriminator_width
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let width = hidden(architecture);
        let layer = |level: usize| {
            let input = if level == 0 {
                architecture.features
            } else {
                width
            };
            linear(input, width, true, init)
        };
        Self {
            hidden: (0..HIDDEN).map(layer).collect(),
            classifier: linear(width, 1, true, init),
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let width = hidden(architecture);
        let inner = (HIDDEN - 1) * (width * width + width);
        architecture.features * width + width + inner + width + 1
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        vec![hidden(architecture); HIDDEN]
    }

    /// There is nothing to fold.
    fn for_inference(self) -> Self {
        self
    }
}

impl Discriminator {
    /// Classifies vectors; D's probability of "drawn from the prior" is the sigmoid of the logit.
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
/// In [`crate::train::Losses`] its losses are reported as
///
/// - contextual: the reconstruction error
/// - adversarial: BCE(D(E(x)), 1), minimised by E in the second phase
/// - generator: the weighted sum of both
/// - discriminator: BCE(D(z), 1) + BCE(D(E(x)), 0), z from the prior
/// - latent: the mean of 1 - D(E(x)), logged only, not optimised
/// - real and fake: the means of D(z) and of D(E(x)), before D's update
pub struct Aae;

impl Gan for Aae {
    const TWO_PHASES: bool = true;

    type Generator = Autoencoder;
    type Discriminator = Discriminator;

    /// The reconstruction phase updates E and G, the regularisation phase D, then E.
    fn step(
        trainer: &mut GanTrainer<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let mode = Mode::Training;
        let weights = trainer.config.loss_weights();
        let z = trainer.generator.encoder.forward(x.clone(), mode);
        let x_hat = trainer.generator.decoder.forward(z, mode);
        let contextual = reconstruction(x.clone(), x_hat);
        let reconstruct = contextual.clone().mul_scalar(weights.contextual);
        if update.generator() {
            trainer.update_generator(&reconstruct);
        }

        let z = trainer.generator.encoder.forward(x, mode);
        let mut random = generator(trainer.config.seed, stream::STEP + step);
        let drawn = prior::draw(&mut random, z.dims(), &trainer.device);
        let real = trainer.discriminator.forward(drawn);
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

        let latent = probability(judged[1].clone()).neg().add_scalar(1.0).mean();
        let generator = reconstruct + deceive;
        let losses = [adversarial, contextual, latent, generator, discriminator];
        PendingLosses::new(losses, judged)
    }
}

impl GanScore for Aae {
    const METHOD: Method = Method::Aae;
    /// A is R alone.
    const LAMBDA: f64 = 1.0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tensors::learnt_values;
    use burn::tensor::Device;

    fn networks(architecture: &Architecture) -> (Autoencoder, Discriminator) {
        let mut init = Initialiser::new(0, &Device::flex());
        let autoencoder = Autoencoder::new(architecture, &mut init);
        (autoencoder, Discriminator::new(architecture, &mut init))
    }

    /// GANomaly's encoder and decoder, and three fully connected layers.
    #[test]
    fn counted_values_at_the_published_width() {
        let (autoencoder, d) = networks(&Architecture::new(32, 3, 64));
        let encoder = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 100) + 2 * (128 + 256);
        let decoder = 16 * (100 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (256 + 128 + 64);
        assert_eq!(learnt_values(&autoencoder), encoder + decoder);
        let of_d = (100 * 1024 + 1024) + (1024 * 1024 + 1024) + 1025;
        assert_eq!(learnt_values(&d), of_d);
        assert_eq!((encoder + decoder, of_d), (2_137_728, 1_154_049));
    }

    #[test]
    fn counted_values_are_those_of_the_built_networks() {
        for (size, channels, width, discriminator_width, features) in [
            (32, 1, 3, 3, 100),
            (64, 3, 2, 5, 7),
            (128, 3, 1, 2, 1),
            (256, 1, 2, 1, 100),
        ] {
            let architecture = Architecture {
                discriminator_width,
                features,
                ..Architecture::new(size, channels, width)
            };
            let (autoencoder, d) = networks(&architecture);
            let counted = Autoencoder::learnt_values(&architecture);
            assert_eq!(counted, learnt_values(&autoencoder));
            let counted = Discriminator::learnt_values(&architecture);
            assert_eq!(counted, learnt_values(&d));
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
                let (Autoencoder { encoder, decoder }, d) = networks(&architecture);
                let x = Tensor::zeros([2, channels, size, size], &Device::flex());
                for mode in [Mode::Inference, Mode::Training] {
                    let z = encoder.forward(x.clone(), mode);
                    assert_eq!(z.dims(), [2, 10]);
                    assert_eq!(decoder.forward(z.clone(), mode).dims(), x.dims());
                    assert_eq!(d.forward(z).dims(), [2]);
                }
                let layers = Autoencoder::layers(&architecture);
                assert_eq!(*layers.last().expect("layers"), channels * size * size);
            }
        }
    }
}
