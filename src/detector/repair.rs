//! Repair: Skip-GANomaly with another task. The generator sees an image that was damaged on purpose and repairs
//! it; the discriminator tells repairs from originals and marks, pixel by pixel, what was damaged.
//!
//! Its networks are [`crate::nn::Generator`], the paper's, and [`crate::nn::MarkingDiscriminator`].
//!
//! Source: ours. Networks and losses are those of Akçay et al. 2019; the task is that of Zavrtanik et al. 2021
//! (DRAEM), whose two networks they take the place of.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::{AvgPoolOptions, PadMode};

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction};
use crate::data::augment::Augment;
use crate::data::simulation::Simulator;
use crate::loss::{bce_fake, bce_real, contextual, latent, marking, structural};
use crate::model_file::Scoring;
use crate::nn::{Architecture, Generator, MarkingDiscriminator, Mode, flat};
use crate::score::{Latent, Normalisation};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::settings::preset::Preset;
use crate::settings::schedule::Schedule;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::step::{Batch, DamagedImages, PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Repair> = GanMethod::new();

/// Side of the images that the memory bank compares: what marks do not show is large.
const ENCODED_SIDE: usize = 32;

/// The method.
pub struct Repair;

impl Gan for Repair {
    const PASSES_OF_D: usize = 3;

    const SIMULATOR: Option<Simulator> = Some(Simulator::Patches);

    const BETA_1: f64 = 0.9;

    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "adversarial",
            "Adversarial loss",
            "how reliably the discriminator recognises repairs",
        ),
        LossTerm::new(
            "contextual",
            "Contextual loss",
            "mean absolute difference between the undamaged image and the repair",
        ),
        LossTerm::new(
            "latent",
            "Latent loss",
            "mean squared difference between the discriminator's features",
        ),
        LossTerm::new(
            "structural",
            "Structural loss",
            "1 - SSIM of the undamaged image and the repair",
        ),
        LossTerm::new(
            "generator",
            "Generator, weighted sum",
            "what the generator is trained on",
        ),
        LossTerm::new(
            "marking",
            "Marking loss",
            "how far the marks are from what was damaged",
        ),
        DISCRIMINATOR_LOSS,
    ];

    type Generator = Generator;
    type Discriminator = MarkingDiscriminator;

    /// Updates G, then D. A weight of 0 saves the computation of its loss.
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let mode = Mode::Training;
        let x = batch.x;
        let DamagedImages { x: damaged, marks } = batch.damaged.expect("damaged images");
        let (weights, config) = (trainer.config.loss_weights(), &trainer.config);
        let plays = weights.adversarial > 0.0 || weights.latent > 0.0;
        let x_hat = trainer.generator.forward(damaged.clone(), mode);
        let contextual = contextual(x.clone(), x_hat.clone());
        let structural = structural(x.clone(), x_hat.clone());
        let mut generator = contextual.clone().mul_scalar(weights.contextual)
            + structural.clone().mul_scalar(config.structural_weight);

        let none = || Tensor::zeros([1], &trainer.device);
        let (mut adversarial, mut latent_g) = (none(), none());
        let mut real = None;
        if plays {
            let original = trainer.discriminator.judge(damaged.clone(), x, mode);
            // D's weights are fixed while G is updated, so their gradients are not computed.
            let frozen = trainer.discriminator.clone().no_grad();
            let repair = frozen.judge(damaged.clone(), x_hat.clone(), mode);
            adversarial = bce_real(repair.logit);
            latent_g = latent(original.features.detach(), repair.features);
            generator = generator
                + adversarial.clone().mul_scalar(weights.adversarial)
                + latent_g.clone().mul_scalar(weights.latent);
            real = Some(original.logit);
        }
        if update.generator() {
            trainer.update_generator(&generator);
        }

        let marked = trainer.discriminator.forward(damaged, x_hat.detach(), mode);
        let marking = marking(marked.marks, marks);
        let mut discriminator = marking.clone().mul_scalar(trainer.config.marks_weight);
        let fake = marked.judged.logit;
        if let Some(real) = real.clone() {
            let told = bce_real(real) + bce_fake(fake.clone());
            discriminator = discriminator + told.mul_scalar(weights.adversarial);
        }
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }
        PendingLosses::new(
            [
                adversarial,
                contextual,
                latent_g,
                structural,
                generator,
                marking,
                discriminator,
            ],
            [real.unwrap_or(fake.clone()), fake],
        )
    }
}

impl GanScore for Repair {
    const METHOD: Method = Method::Repair;
    const LAMBDA: f64 = 0.0;
    const MARKS: bool = true;
    const MEMORY: Option<&'static str> = Some(
        "is the distance from the image to the nearest image in the memory bank, which stands for the normal \
         training images",
    );
    const SETTINGS: &'static [Setting] = &[
        Setting::adversarial_weight,
        Setting::contextual_weight,
        Setting::latent_weight,
        Setting::structural_weight,
        Setting::marks_weight,
        Setting::damaged_share,
        Setting::schedule,
        Setting::latent,
        Setting::mu,
    ];

    fn published(plain: TrainConfig) -> TrainConfig {
        TrainConfig {
            width: 16,
            batch: 8,
            steps: Some(5_000),
            augment: Augment::Light,
            learning_rate: 2e-3,
            schedule: Schedule::OneCycle,
            adversarial_weight: 0.0,
            latent_weight: 0.0,
            contextual_weight: 10.0,
            structural_weight: 1.0,
            marks_weight: 1.0,
            latent: Latent::Memory,
            balance: Normalisation::Quantile,
            ..plain
        }
    }

    fn preset(preset: Preset, published: TrainConfig) -> Option<TrainConfig> {
        (preset == Preset::Repair).then_some(published)
    }

    fn feature_layers(architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![8 * architecture.discriminator_width]
    }

    fn encoding_layers(architecture: &Architecture) -> Vec<usize> {
        vec![architecture.channels * architecture.size.min(ENCODED_SIDE).pow(2)]
    }

    fn encode(_detector: &GanDetector<Self>, x: Tensor<4>) -> Tensor<2> {
        let factor = (x.dims()[2] / ENCODED_SIDE).max(1);
        flat(avg_pool2d(
            x,
            AvgPoolOptions::new([factor; 2]).with_stride([factor; 2]),
        ))
    }

    /// x̂ = G(x) and D's marks of the pair, with f(x, x) and f(x, x̂), or with the encoding of x and the nearest
    /// stored encoding.
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let (d, mode) = (&detector.discriminator, detector.mode);
        let x_hat = detector.generator.forward(x.clone(), mode);
        let marked = d.forward(x.clone(), x_hat.clone(), mode);
        let features = match &detector.memory {
            Some(memory) => memory.nearest(Self::encode(detector, x)),
            None => (d.judge(x.clone(), x, mode).features, marked.judged.features),
        };
        Inference::from(Reconstruction {
            x_hat,
            features: Some(features),
            marks: Some(within_rim(sigmoid(marked.marks))),
        })
    }
}

/// Marks whose outermost pixels take over their inner neighbours': the networks see padding beside them.
///
/// # Shapes
/// - `marks`: `[n, 1, side, side]`, and so returned
fn within_rim(marks: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = marks.dims();
    let inner = marks.narrow(2, 1, height - 2).narrow(3, 1, width - 2);
    inner.pad((1, 1, 1, 1), PadMode::Edge)
}
