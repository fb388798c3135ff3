//! Skip-GANomaly: a generator with skip connections reconstructs an image, and a discriminator recognises
//! reconstructions; pixels and the discriminator's features are compared.
//!
//! Its networks are [`crate::nn::Generator`] and [`crate::nn::Discriminator`].
//!
//! Source: Akçay et al. 2019; the step as the published code does it.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction, options};
use crate::data::corruption::Corruption;
use crate::loss::{bce, bce_fake, bce_real, contextual, latent};
use crate::model_file::Scoring;
use crate::nn::{Architecture, Discriminator, Generator, Mode, Network};
use crate::random::{generator, stream, unit};
use crate::score::Latent;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::settings::preset::Preset;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::step::{Batch, PendingLosses, Update};

pub(crate) const SPEC: GanMethod<SkipGanomaly> = GanMethod::new();

/// The number of skips of the largest generator.
const ALL_SKIPS: usize = 7;

/// The method.
pub struct SkipGanomaly;

impl Gan for SkipGanomaly {
    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "adversarial",
            "Adversarial loss",
            "how reliably the discriminator recognises reconstructions",
        ),
        LossTerm::new(
            "contextual",
            "Contextual loss",
            "mean absolute difference between image and reconstruction",
        ),
        LossTerm::new(
            "latent",
            "Latent loss",
            "mean squared difference between the discriminator's features",
        ),
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
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let Batch { x, step, .. } = batch;
        let weights = trainer.config.loss_weights();
        let x_hat = reconstruct(trainer, x.clone(), step);
        let real = trainer.discriminator.forward(x.clone(), Mode::Training);

        // D's weights are fixed while G is updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let fake = frozen.forward(x_hat.clone(), Mode::Training);
        let adversarial = bce_real(fake.logit);
        let contextual = contextual(x, x_hat.clone());
        let latent_g = latent(real.features.clone().detach(), fake.features);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + latent_g.clone().mul_scalar(weights.latent);
        if update.generator() {
            trainer.update_generator(&generator);
        }

        // The published code evaluates D a second time on x̂ from before G's update, and reuses D(x).
        let fake = trainer
            .discriminator
            .forward(x_hat.detach(), Mode::Training);
        let judged = [real.logit.clone(), fake.logit.clone()];
        let real_target = 1.0 - trainer.config.label_smoothing;
        let mut discriminator = bce(real.logit, real_target) + bce_fake(fake.logit);
        if trainer.config.latent_in_discriminator {
            discriminator = discriminator + latent(real.features, fake.features);
        }
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        PendingLosses::new(
            [adversarial, contextual, latent_g, generator, discriminator],
            judged,
        )
    }
}

impl GanScore for SkipGanomaly {
    const METHOD: Method = Method::SkipGanomaly;
    const SETTINGS: &'static [Setting] = &[
        Setting::features,
        Setting::adversarial_weight,
        Setting::contextual_weight,
        Setting::latent_weight,
        Setting::latent_in_discriminator,
        Setting::input_noise,
        Setting::input_mask,
        Setting::skip_dropout,
        Setting::cut_skips,
        Setting::label_smoothing,
        Setting::latent,
    ];

    fn preset(preset: Preset, published: TrainConfig) -> Option<TrainConfig> {
        match preset {
            Preset::Paper => None,
            Preset::Memory => Some(TrainConfig {
                lambda: Some(0.0),
                latent: Latent::Memory,
                cut_skips: ALL_SKIPS,
                epochs: 7,
                ..published
            }),
            Preset::Repair => Some(options::published(Method::Repair)),
        }
    }

    fn feature_layers(architecture: &Architecture, scoring: &Scoring) -> Vec<usize> {
        match scoring.latent {
            Latent::Final | Latent::Memory => vec![architecture.features],
            Latent::Layers => Discriminator::blank(architecture).layer_sizes(architecture.size),
        }
    }

    fn encoding_layers(architecture: &Architecture) -> Vec<usize> {
        architecture.encoding_layers()
    }

    fn encode(detector: &GanDetector<Self>, x: Tensor<4>) -> Tensor<2> {
        detector.generator.forward_with_encoding(x, detector.mode).1
    }

    /// x̂ = G(x), with f(x) and f(x̂), or with the encoding of x and the nearest stored encoding.
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let (g, mode) = (&detector.generator, detector.mode);
        let (x_hat, features) = match &detector.memory {
            Some(memory) => {
                let (x_hat, encoding) = g.forward_with_encoding(x, mode);
                (x_hat, memory.nearest(encoding))
            }
            None => {
                let x_hat = g.forward(x.clone(), mode);
                (x_hat.clone(), features(detector, x, x_hat))
            }
        };
        Inference::from(Reconstruction {
            x_hat,
            features: Some(features),
            marks: None,
        })
    }
}

/// x̂ = G(x), of a corrupted x and with skips dropped if the settings say so. The random draws depend
/// only on the seed and the step.
fn reconstruct(trainer: &GanTrainer<SkipGanomaly>, x: Tensor<4>, step: u64) -> Tensor<4> {
    let config = &trainer.config;
    let shape = x.dims();
    let mut random = generator(config.seed, stream::STEP + step);
    let on_device = |values: Vec<f32>, shape: [usize; 4]| {
        Tensor::<4>::from_data(TensorData::new(values, shape), &trainer.device)
    };
    let corruption = Corruption {
        noise: config.input_noise,
        mask: config.input_mask,
    };
    let input = match corruption.is_none() {
        true => x,
        false => {
            let (factors, summands) = corruption.sample(shape, &mut random);
            x * on_device(factors, shape) + on_device(summands, shape)
        }
    };
    if config.skip_dropout == 0.0 {
        return trainer.generator.forward(input, Mode::Training);
    }
    let levels = config.architecture().levels() - 1;
    let mut keep = || f32::from(u8::from(unit(&mut random) >= config.skip_dropout));
    let kept: Vec<Tensor<4>> = (0..levels)
        .map(|_| {
            let kept = (0..shape[0]).map(|_| keep()).collect();
            on_device(kept, [shape[0], 1, 1, 1])
        })
        .collect();
    trainer
        .generator
        .forward_through(input, Mode::Training, |level, skip| {
            skip * kept[level].clone()
        })
}

/// D's features f(x) and f(x̂), each `[n, features]`.
fn features(
    detector: &GanDetector<SkipGanomaly>,
    x: Tensor<4>,
    x_hat: Tensor<4>,
) -> (Tensor<2>, Tensor<2>) {
    let n = x.dims()[0];
    let d = &detector.discriminator;
    let features = |x| match detector.scoring.latent {
        Latent::Layers => d.layers(x, detector.mode),
        Latent::Final | Latent::Memory => d.features(x, detector.mode),
    };
    match detector.mode {
        Mode::Inference => {
            // One pass of D over both: images do not influence each other.
            let both = features(Tensor::cat(vec![x, x_hat], 0));
            (both.clone().narrow(0, 0, n), both.narrow(0, n, n))
        }
        Mode::Training => (features(x), features(x_hat)),
    }
}
