//! What the list of methods needs of each: its settings, its training, and the loading of its files.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use burn::tensor::Device;

use super::adversarial::{Adversarial, Trained};
use super::{Detector, LoadError};
use crate::data::image::Preprocessing;
use crate::model_file::ModelFile;
use crate::nn::tensors::{NamedTensors, TensorError, num_params};
use crate::nn::{Architecture, Mode, Network};
use crate::score::LAMBDA;
use crate::train::config::TrainConfig;
use crate::train::networks::Networks;
use crate::train::step::Trainer;

/// A method's entry: each method's file has one.
pub(crate) trait Entry: Sync {
    /// λ of its published score.
    fn lambda(&self) -> f64 {
        LAMBDA
    }

    /// As [`Adversarial::published`].
    fn published(&self, plain: TrainConfig) -> TrainConfig {
        plain
    }

    /// The settings that it uses in addition to those of every method, by field; others are refused.
    fn settings(&self, config: &TrainConfig) -> Vec<&'static str>;

    /// Whether it optimises a latent code for each image instead of measuring it in one pass.
    fn searches(&self) -> bool {
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
    fn learning(&self) -> Learning<'_>;
}

/// How a method is trained.
pub(crate) enum Learning<'a> {
    /// Step by step.
    InSteps(&'a dyn InSteps),
    /// Fitted directly to all images.
    AtOnce(&'a dyn AtOnce),
}

/// A method that is trained in steps.
pub trait InSteps {
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

    /// What its networks need: nothing is allocated.
    fn needs(&self, architecture: &Architecture) -> Needs;
}

/// What a method's networks need, from their shape alone.
#[derive(Default)]
pub struct Needs {
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
pub trait AtOnce {
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
const OF_NETWORKS: [&str; 10] = [
    "width",
    "discriminator_width",
    "epochs",
    "steps",
    "batch",
    "learning_rate",
    "augment",
    "residual",
    "lambda",
    "balance",
];

/// The entry of a method with networks.
pub(crate) struct WithNetworks<A>(PhantomData<fn() -> A>);

impl<A> WithNetworks<A> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A: Adversarial> Entry for WithNetworks<A> {
    fn lambda(&self) -> f64 {
        A::LAMBDA
    }

    fn published(&self, plain: TrainConfig) -> TrainConfig {
        A::published(plain)
    }

    fn settings(&self, _config: &TrainConfig) -> Vec<&'static str> {
        let own = A::SETTINGS.iter().copied();
        OF_NETWORKS.into_iter().chain(own).collect()
    }

    fn searches(&self) -> bool {
        A::SEARCHES
    }

    fn load(
        &self,
        file: &ModelFile,
        device: &Device,
        mode: Mode,
    ) -> Result<Box<dyn Detector>, LoadError> {
        Ok(Box::new(Trained::<A>::from_file(file, device, mode)?))
    }

    fn learning(&self) -> Learning<'_> {
        Learning::InSteps(self)
    }
}

impl<A: Adversarial> InSteps for WithNetworks<A> {
    fn trainer(&self, config: &TrainConfig, device: &Device) -> Box<dyn Trainer> {
        Box::new(Networks::<A>::new(config, device))
    }

    fn trainer_of(
        &self,
        config: &TrainConfig,
        weights: &NamedTensors,
        device: &Device,
    ) -> Result<Box<dyn Trainer>, TensorError> {
        Ok(Box::new(Networks::<A>::from_weights(
            config, weights, device,
        )?))
    }

    fn restored(
        &self,
        config: &TrainConfig,
        checkpoint: &NamedTensors,
        device: &Device,
    ) -> Result<Box<dyn Trainer>, TensorError> {
        Ok(Box::new(Networks::<A>::restore(
            config, checkpoint, device,
        )?))
    }

    fn needs(&self, architecture: &Architecture) -> Needs {
        let generator = A::Generator::blank(architecture);
        let discriminator = A::Discriminator::blank(architecture);
        Needs {
            num_params: num_params(&generator) + num_params(&discriminator),
            generator_layers: generator.layer_sizes(architecture.size),
            discriminator_layers: discriminator.layer_sizes(architecture.size),
            passes_of_discriminator: A::PASSES_OF_D,
        }
    }
}
