//! GANomaly: encodes an image, reconstructs it, encodes the reconstruction, and compares the two vectors.
//!
//! Source: Akçay et al. 2018, sections 3.2 and 3.3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction};
use crate::loss::{bce_fake, bce_real, contextual, encoder, feature_matching};
use crate::model_file::Scoring;
use crate::nn::init::Initialiser;
use crate::nn::pyramid::{self, PyramidLevel};
use crate::nn::{Architecture, Decoder, Encoder, Mode, Network, conv};
use crate::settings::config::Setting;
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::step::{PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Ganomaly> = GanMethod::new();

/// The generator and the second encoder, which are trained together: z = G_E(x), x̂ = G_D(z), ẑ = E(x̂).
#[derive(Module, Debug)]
pub struct Generator {
    /// G_E.
    encoder: Encoder,
    /// G_D.
    decoder: Decoder,
    /// E, with weights of its own.
    second_encoder: Encoder,
}

/// The generator's output for a batch.
pub struct Generated {
    /// Reconstructions x̂, `[n, c, size, size]`.
    pub x_hat: Tensor<4>,
    /// The images' vectors z, `[n, features]`.
    pub z: Tensor<2>,
    /// The reconstructions' vectors ẑ, `[n, features]`.
    pub z_hat: Tensor<2>,
}

impl Network for Generator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let width = architecture.generator_width;
        Self {
            encoder: Encoder::new(architecture, width, init),
            decoder: Decoder::new(architecture, width, init),
            second_encoder: Encoder::new(architecture, width, init),
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let width = architecture.generator_width;
        2 * Encoder::learnt_values(architecture, width)
            + Decoder::learnt_values(architecture, width)
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        let width = architecture.generator_width;
        let encoder = Encoder::layers(architecture, width);
        let decoder = Decoder::layers(architecture, width);
        [&encoder[..], &decoder[..], &encoder[..]].concat()
    }

    fn for_inference(self) -> Self {
        Self {
            encoder: self.encoder.for_inference(),
            decoder: self.decoder.for_inference(),
            second_encoder: self.second_encoder.for_inference(),
        }
    }
}

impl Generator {
    /// Encodes, reconstructs, and encodes the reconstruction.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Generated {
        let z = self.encoder.forward(x, mode); // [n, features]
        let x_hat = self.decoder.forward(z.clone(), mode); // [n, c, size, size]
        let z_hat = self.second_encoder.forward(x_hat.clone(), mode); // [n, features]
        Generated { x_hat, z, z_hat }
    }
}

/// The discriminator: a pyramid whose 4 × 4 end is the feature f(x), and one logit of it.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// From the image to 4 × 4, doubling the width each time.
    pyramid: Vec<PyramidLevel>,
    /// 4 × 4 to one logit.
    classifier: Conv2d,
}

/// D's output for a batch.
pub struct Judgement {
    /// Logit of "real", `[n]`; D's probability is its sigmoid.
    pub logit: Tensor<1>,
    /// Features f(x), `[n, widest, 4, 4]`.
    pub features: Tensor<4>,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let width = architecture.discriminator_width;
        let widest = pyramid::widest(architecture, width);
        Self {
            pyramid: pyramid::build(architecture, width, init),
            classifier: conv(widest, 1, [4, 1, 0], init),
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let width = architecture.discriminator_width;
        let widest = pyramid::widest(architecture, width);
        pyramid::learnt_values(architecture, width) + 16 * widest
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        pyramid::layers(architecture, architecture.discriminator_width)
    }

    fn for_inference(mut self) -> Self {
        self.pyramid = pyramid::for_inference(self.pyramid);
        self
    }
}

impl Discriminator {
    /// Classifies images.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns logits `[n]` and features `[n, widest, 4, 4]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Judgement {
        let features = pyramid::forward(&self.pyramid, x, mode, |_| ()); // [n, widest, 4, 4]
        let logit = self.classifier.forward(features.clone()); // [n, 1, 1, 1]
        let n = logit.dims()[0];
        Judgement {
            logit: logit.reshape([n]),
            features,
        }
    }
}

/// The method. The latent weight is that of the encoder loss.
pub struct Ganomaly;

impl Gan for Ganomaly {
    type Generator = Generator;
    type Discriminator = Discriminator;

    /// Updates G, then D.
    ///
    /// D sees every image twice, once for each update, and its running statistics change each time, as in
    /// the published code.
    fn step(
        trainer: &mut GanTrainer<Self>,
        x: Tensor<4>,
        _step: u64,
        update: Update,
    ) -> PendingLosses {
        let weights = trainer.config.loss_weights();
        let Generated { x_hat, z, z_hat } = trainer.generator.forward(x.clone(), Mode::Training);
        let judge = |x: Tensor<4>| trainer.discriminator.forward(x, Mode::Training);
        let real = judge(x.clone());
        let fake = judge(x_hat.clone().detach());

        // D's weights are fixed while G is updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let f = frozen.forward(x.clone(), Mode::Training).features;
        let f_hat = frozen.forward(x_hat.clone(), Mode::Training).features;
        let adversarial = feature_matching(f, f_hat);
        let contextual = contextual(x, x_hat);
        let latent = encoder(z, z_hat);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + latent.clone().mul_scalar(weights.latent);
        if update.generator() {
            trainer.update_generator(&generator);
        }

        let judged = [real.logit.clone(), fake.logit.clone()];
        let discriminator = (bce_real(real.logit) + bce_fake(fake.logit)).mul_scalar(0.5);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        let losses = [adversarial, contextual, latent, generator, discriminator];
        PendingLosses::new(losses, judged)
    }
}

impl GanScore for Ganomaly {
    const METHOD: Method = Method::Ganomaly;
    const LAMBDA: f64 = 0.0;
    const SETTINGS: &'static [Setting] = &[
        Setting::features,
        Setting::adversarial_weight,
        Setting::contextual_weight,
        Setting::latent_weight,
    ];

    /// The length of z.
    fn feature_layers(architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![architecture.features]
    }

    /// z and ẑ. With λ = 0, as in the paper, A is L, the mean of (z - ẑ)², and R is only shown.
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let Generated { x_hat, z, z_hat } = detector.generator.forward(x, detector.mode);
        Inference::from(Reconstruction {
            x_hat,
            features: Some((z, z_hat)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tensors::learnt_values;
    use burn::tensor::{Device, Distribution};

    fn networks(architecture: &Architecture) -> (Generator, Discriminator) {
        let mut init = Initialiser::new(0, &Device::flex());
        let generator = Generator::new(architecture, &mut init);
        (generator, Discriminator::new(architecture, &mut init))
    }

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let architecture = Architecture::new(32, 3, 64);
        let (g, d) = networks(&architecture);
        assert_eq!(learnt_values(&g), 3_206_528);
        assert_eq!(learnt_values(&d), 663_296);
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
            let (g, d) = networks(&architecture);
            assert_eq!(Generator::learnt_values(&architecture), learnt_values(&g));
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
                    discriminator_width: 1,
                    ..Architecture::new(size, channels, 2)
                };
                let (g, d) = networks(&architecture);
                let x = Tensor::zeros([2, channels, size, size], &Device::flex());
                for mode in [Mode::Inference, Mode::Training] {
                    let Generated { x_hat, z, z_hat } = g.forward(x.clone(), mode);
                    assert_eq!(x_hat.dims(), x.dims());
                    assert_eq!((z.dims(), z_hat.dims()), ([2, 10], [2, 10]));
                    let judgement = d.forward(x.clone(), mode);
                    assert_eq!(judgement.logit.dims(), [2]);
                    assert_eq!(judgement.features.dims(), [2, size / 8, 4, 4]);
                }
            }
        }
    }

    #[test]
    fn rewritten_networks_compute_the_same() {
        let device = Device::flex();
        let architecture = Architecture::new(64, 1, 4);
        let (generator, _) = networks(&architecture);
        let noise = Distribution::Uniform(-1.0, 1.0);
        let x = Tensor::<4>::random([3, 1, 64, 64], noise, &device);
        // Moves the running statistics away from 0 and 1.
        for _ in 0..3 {
            generator.forward(x.clone(), Mode::Training);
        }
        let before = generator.forward(x.clone(), Mode::Inference);
        let after = generator.for_inference().forward(x, Mode::Inference);
        let close = |a: Tensor<2>, b: Tensor<2>| {
            let scale = a.clone().abs().max().into_scalar::<f32>();
            let apart = (a - b).abs().max().into_scalar::<f32>();
            assert!(apart <= 1e-5 * scale, "{apart} apart at a scale of {scale}");
        };
        close(
            before.x_hat.reshape([3, 4096]),
            after.x_hat.reshape([3, 4096]),
        );
        close(before.z, after.z);
        close(before.z_hat, after.z_hat);
    }
}
