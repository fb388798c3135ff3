//! What the registry needs of each method: its settings, its training, and the loading of its files.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use burn::tensor::Device;

use super::gan::{GanDetector, GanScore};
use super::{Detector, LoadError};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::tensors::{NamedTensors, TensorError, num_params};
use crate::nn::{Architecture, Mode, Network};
use crate::score::{LAMBDA, Latent};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::preset::Preset;
use crate::train::gan::GanTrainer;
use crate::train::losses::LossTerm;
use crate::train::step::Trainer;

/// What a method says of itself: each method's file has one.
pub(crate) trait MethodSpec: Sync {
    /// λ of its published score.
    fn lambda(&self) -> f64 {
        LAMBDA
    }

    /// As [`GanScore::published`].
    fn published(&self, plain: TrainConfig) -> TrainConfig {
        plain
    }

    /// As [`GanScore::preset`].
    fn preset(&self, _preset: Preset, _published: TrainConfig) -> Option<TrainConfig> {
        None
    }

    /// The settings that it uses in addition to those of every method; others are refused.
    fn settings(&self, config: &TrainConfig) -> Vec<Setting>;

    /// What R is: follows "The residual R is the".
    fn residual_meaning(&self, scoring: &Scoring) -> &'static str {
        scoring.residual.meaning()
    }

    /// What L is: follows "The latent term L"; `None` if the score has no L.
    fn latent_meaning(&self, scoring: &Scoring) -> Option<&'static str>;

    /// Whether it optimises a latent code for each image instead of reconstructing it in one pass.
    fn optimises_latent(&self) -> bool {
        false
    }

    /// Whether it marks the pixels that it takes for damaged.
    fn marks(&self) -> bool {
        false
    }

    /// Puts a file's weights on a device. In training mode batch norms use the batch's own statistics:
    /// see [`super::load_with_batch_statistics`].
    ///
    /// # Errors
    /// If a tensor is missing, of another shape or not finite, or the header lacks the networks' shape.
    fn load(
        &self,
        file: &ModelFile,
        device: &Device,
        mode: Mode,
    ) -> Result<Box<dyn Detector>, LoadError>;

    /// How it is trained.
    fn training(&self) -> TrainingKind<'_>;
}

/// How a method is trained.
pub(crate) enum TrainingKind<'a> {
    /// Step by step.
    Gradient(&'a dyn GradientTrained),
    /// Fitted directly to all images.
    Once(&'a dyn FittedOnce),
}

/// A method that is trained in steps.
pub trait GradientTrained {
    /// Its training from the start, with newly initialised weights.
    ///
    /// # Panics
    /// If [`TrainConfig::check`] fails.
    fn trainer(&self, config: &TrainConfig, device: &Device) -> Box<dyn Trainer>;

    /// Its training with given weights and fresh optimisers.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    fn trainer_of(
        &self,
        config: &TrainConfig,
        weights: &NamedTensors,
        device: &Device,
    ) -> Result<Box<dyn Trainer>, TensorError>;

    /// Its training from a checkpoint.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    fn restored(
        &self,
        config: &TrainConfig,
        checkpoint: &NamedTensors,
        device: &Device,
    ) -> Result<Box<dyn Trainer>, TensorError>;

    /// What it calls its losses, in the order of a step's.
    fn loss_terms(&self) -> &'static [LossTerm];

    /// What its networks need: nothing is allocated.
    fn footprint(&self, architecture: &Architecture) -> Footprint;
}

/// What a method's networks need, from their shape alone.
#[derive(Default)]
pub struct Footprint {
    /// Parameters of all networks.
    pub num_params: usize,
    /// Values that each layer of the generator computes for one image.
    pub generator_layers: Vec<usize>,
    /// Values that each layer of the discriminator computes for one image.
    pub discriminator_layers: Vec<usize>,
    /// Number of passes of a batch through the discriminator in one step.
    pub passes_of_discriminator: usize,
}

/// A method that is fitted directly to all images.
pub trait FittedOnce {
    /// Fits it and returns the tensors of its file.
    ///
    /// # Shapes
    /// - `pictures`: `[n, c, size, size]` as one slice, `n` at least 1
    ///
    /// # Errors
    /// If the device cannot be read.
    fn fit<'a>(
        &'a self,
        config: &'a TrainConfig,
        pictures: &'a [f32],
        preprocessing: &'a Preprocessing,
        device: &'a Device,
    ) -> Pin<Box<dyn Future<Output = Result<NamedTensors, TensorError>> + 'a>>;
}

/// Settings of every method with networks, in addition to those of every method.
const OF_NETWORKS: [Setting; 10] = [
    Setting::width,
    Setting::discriminator_width,
    Setting::epochs,
    Setting::steps,
    Setting::batch,
    Setting::learning_rate,
    Setting::augment,
    Setting::residual,
    Setting::lambda,
    Setting::balance,
];

/// The specification of a method with networks.
pub(crate) struct GanMethod<G>(PhantomData<fn() -> G>);

impl<G> GanMethod<G> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<G: GanScore> MethodSpec for GanMethod<G> {
    fn lambda(&self) -> f64 {
        G::LAMBDA
    }

    fn published(&self, plain: TrainConfig) -> TrainConfig {
        G::published(plain)
    }

    fn preset(&self, preset: Preset, published: TrainConfig) -> Option<TrainConfig> {
        G::preset(preset, published)
    }

    fn settings(&self, _config: &TrainConfig) -> Vec<Setting> {
        let own = G::SETTINGS.iter().copied();
        OF_NETWORKS.into_iter().chain(own).collect()
    }

    fn latent_meaning(&self, scoring: &Scoring) -> Option<&'static str> {
        let memory = G::MEMORY.filter(|_| scoring.latent == Latent::Memory);
        let own = memory.or(G::LATENT);
        Some(own.unwrap_or(scoring.latent.meaning()))
    }

    fn optimises_latent(&self) -> bool {
        G::OPTIMISES_LATENT
    }

    fn marks(&self) -> bool {
        G::MARKS
    }

    fn load(
        &self,
        file: &ModelFile,
        device: &Device,
        mode: Mode,
    ) -> Result<Box<dyn Detector>, LoadError> {
        Ok(Box::new(GanDetector::<G>::from_file(file, device, mode)?))
    }

    fn training(&self) -> TrainingKind<'_> {
        TrainingKind::Gradient(self)
    }
}

impl<G: GanScore> GradientTrained for GanMethod<G> {
    fn trainer(&self, config: &TrainConfig, device: &Device) -> Box<dyn Trainer> {
        Box::new(GanTrainer::<G>::new(config, device))
    }

    fn trainer_of(
        &self,
        config: &TrainConfig,
        weights: &NamedTensors,
        device: &Device,
    ) -> Result<Box<dyn Trainer>, TensorError> {
        Ok(Box::new(GanTrainer::<G>::from_weights(
            config, weights, device,
        )?))
    }

    fn restored(
        &self,
        config: &TrainConfig,
        checkpoint: &NamedTensors,
        device: &Device,
    ) -> Result<Box<dyn Trainer>, TensorError> {
        Ok(Box::new(GanTrainer::<G>::restore(
            config, checkpoint, device,
        )?))
    }

    fn loss_terms(&self) -> &'static [LossTerm] {
        G::LOSSES
    }

    fn footprint(&self, architecture: &Architecture) -> Footprint {
        let generator = G::Generator::blank(architecture);
        let discriminator = G::Discriminator::blank(architecture);
        Footprint {
            num_params: num_params(&generator) + num_params(&discriminator),
            generator_layers: generator.layer_sizes(architecture.size),
            discriminator_layers: discriminator.layer_sizes(architecture.size),
            passes_of_discriminator: G::PASSES_OF_D,
        }
    }
}
