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
use crate::nn::level::{self, Level};
use crate::nn::{
    Architecture, Decoder, DiscriminatorOutput, Encoder, Mode, Network, conv, pyramid,
};
use crate::settings::config::Setting;
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::step::{Batch, PendingLosses, Update};

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
        Self {
            encoder: Encoder::new(architecture, init),
            decoder: Decoder::new(architecture, init),
            second_encoder: Encoder::new(architecture, init),
        }
    }

    fn layer_sizes(&self, size: usize) -> Vec<usize> {
        let encoder = self.encoder.layer_sizes(size);
        let decoder = self.decoder.layer_sizes(size);
        [encoder, decoder, self.second_encoder.layer_sizes(size)].concat()
    }

    fn fuse(self) -> Self {
        Self {
            encoder: self.encoder.fuse(),
            decoder: self.decoder.fuse(),
            second_encoder: self.second_encoder.fuse(),
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
    pyramid: Vec<Level<Conv2d>>,
    /// 4 × 4 to one logit.
    classifier: Conv2d,
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

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        level::values(&self.pyramid, &mut side)
    }

    fn fuse(mut self) -> Self {
        self.pyramid = level::fuse(self.pyramid);
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
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> DiscriminatorOutput<4> {
        let features = pyramid::forward(&self.pyramid, x, mode, |_| ()); // [n, widest, 4, 4]
        let logit = self.classifier.forward(features.clone()); // [n, 1, 1, 1]
        DiscriminatorOutput::new(logit, features)
    }
}

/// The method. The latent weight is that of the encoder loss.
pub struct Ganomaly;

impl Gan for Ganomaly {
    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "adversarial",
            "Adversarial loss",
            "mean squared difference between the discriminator's features",
        ),
        LossTerm::new(
            "contextual",
            "Contextual loss",
            "mean absolute difference between image and reconstruction",
        ),
        LossTerm::new(
            "encoder",
            "Encoder loss",
            "mean squared difference between the codes of image and reconstruction",
        )
        .earlier("latent"),
        LossTerm::new(
            "generator",
            "Generator, weighted sum",
            "what the generator is trained on",
        ),
        DISCRIMINATOR_LOSS,
    ];

    type Generator = Generator;
    type Discriminator = Discriminator;

    /// Updates G, then D.
    ///
    /// D sees every image twice, once for each update, and its running statistics change each time, as in
    /// the published code.
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let x = batch.x;
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
        let encoder = encoder(z, z_hat);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + encoder.clone().mul_scalar(weights.latent);
        if update.generator() {
            trainer.update_generator(&generator);
        }

        let judged = [real.logit.clone(), fake.logit.clone()];
        let discriminator = (bce_real(real.logit) + bce_fake(fake.logit)).mul_scalar(0.5);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        PendingLosses::new(
            [adversarial, contextual, encoder, generator, discriminator],
            judged,
        )
    }
}

impl GanScore for Ganomaly {
    const METHOD: Method = Method::Ganomaly;
    const LAMBDA: f64 = 0.0;
    const LATENT: Option<&'static str> =
        Some("is the difference between the code of the image and the code of its reconstruction");
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
            marks: None,
        })
    }
}
