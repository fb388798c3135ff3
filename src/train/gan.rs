//! Two networks that are trained against each other, each with its optimiser: the part of training that
//! the methods with networks share. A method adds its networks and its step.

use burn::tensor::{Device, Tensor};

use super::adam::{Adam, BETA_1};
use super::losses::{LossTerm, OUTPUTS};
use super::step::{Batch, PendingLosses, Trainer, Update};
use crate::data::simulation::Simulator;
use crate::nn::Network;
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, NamedTensors, Reader, TensorError};
use crate::settings::config::TrainConfig;

/// Prefix of the generator's tensors in a file.
pub const GENERATOR: &str = "generator";
/// Prefix of the discriminator's tensors in a file.
pub const DISCRIMINATOR: &str = "discriminator";

/// Prefixes of the optimisers' tensors in a checkpoint.
const GENERATOR_ADAM: &str = "adam.generator";
const DISCRIMINATOR_ADAM: &str = "adam.discriminator";
const SECOND_PHASE_ADAM: &str = "adam.second_phase";

/// What is trained: a generator against a discriminator.
pub trait Gan: Sized + 'static {
    /// Number of passes of a batch through D in one step, for the memory estimate.
    const PASSES_OF_D: usize = 3;

    /// Whether a step updates the generator in two phases, each with an optimiser of its own.
    const TWO_PHASES: bool = false;

    /// What the method calls its losses, in the order in which a step gives them.
    const LOSSES: &'static [LossTerm];

    /// All trained networks except the discriminator.
    type Generator: Network + Sync;

    /// The network that distinguishes real from generated.
    type Discriminator: Network + Sync;

    /// What damages its images, if it learns to repair them.
    const SIMULATOR: Option<Simulator> = None;

    /// β1 of its optimisers.
    const BETA_1: f64 = BETA_1;

    /// The method's training step, as [`Trainer::step`].
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses;
}

/// The networks of a method in training, and their optimisers.
pub struct GanTrainer<G: Gan> {
    /// G.
    pub generator: G::Generator,
    /// D.
    pub discriminator: G::Discriminator,
    /// Settings of the run.
    pub config: TrainConfig,
    /// The device, with gradients.
    pub device: Device,
    generator_adam: Adam,
    discriminator_adam: Adam,
    /// Optimiser of the generator's second phase, if the method has one.
    second_phase_adam: Option<Adam>,
}

impl<G: Gan> GanTrainer<G> {
    /// Newly initialised networks on a device.
    ///
    /// # Panics
    /// If [`TrainConfig::check`] fails.
    pub fn new(config: &TrainConfig, device: &Device) -> Self {
        Self::build(config, device, |device| {
            Initialiser::new(config.seed, device)
        })
    }

    fn build(
        config: &TrainConfig,
        device: &Device,
        init: impl FnOnce(&Device) -> Initialiser,
    ) -> Self {
        config.check().expect("checked settings");
        let device = device.clone().autodiff();
        let mut init = init(&device);
        let architecture = config.architecture();
        let adam = || Adam::new(config.learning_rate).with_beta_1(G::BETA_1);
        Self {
            generator: G::Generator::new(&architecture, &mut init),
            discriminator: G::Discriminator::new(&architecture, &mut init),
            generator_adam: adam(),
            discriminator_adam: adam(),
            second_phase_adam: G::TWO_PHASES.then(adam),
            config: config.clone(),
            device,
        }
    }

    /// Given weights and fresh optimisers.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    pub fn from_weights(
        config: &TrainConfig,
        tensors: &NamedTensors,
        device: &Device,
    ) -> Result<Self, TensorError> {
        let mut networks = Self::build(config, device, Initialiser::blank);
        networks.generator = tensors::load(networks.generator, GENERATOR, tensors)?;
        networks.discriminator = tensors::load(networks.discriminator, DISCRIMINATOR, tensors)?;
        Ok(networks)
    }

    /// Restores weights and moments from what [`Trainer::read_state`] returned.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    pub fn restore(
        config: &TrainConfig,
        tensors: &NamedTensors,
        device: &Device,
    ) -> Result<Self, TensorError> {
        let mut networks = Self::from_weights(config, tensors, device)?;
        let adam = |prefix: &str| {
            let adam = Adam::restore(config.learning_rate, tensors, prefix, device)?;
            Ok::<_, TensorError>(adam.with_beta_1(G::BETA_1))
        };
        networks.generator_adam = adam(GENERATOR_ADAM)?;
        networks.discriminator_adam = adam(DISCRIMINATOR_ADAM)?;
        if G::TWO_PHASES {
            networks.second_phase_adam = Some(adam(SECOND_PHASE_ADAM)?);
        }
        Ok(networks)
    }

    /// Takes one step of the generator's optimiser on a loss.
    pub fn update_generator(&mut self, loss: &Tensor<1>) {
        let gradients = loss.backward();
        self.generator = self.generator_adam.step(self.generator.clone(), &gradients);
    }

    /// Takes one step of the second phase's optimiser of the generator on a loss.
    ///
    /// # Panics
    /// If the method has no [`Gan::TWO_PHASES`].
    pub fn update_generator_again(&mut self, loss: &Tensor<1>) {
        let gradients = loss.backward();
        let adam = self.second_phase_adam.as_mut();
        let adam = adam.expect("a method of two phases");
        self.generator = adam.step(self.generator.clone(), &gradients);
    }

    /// Takes one step of the discriminator's optimiser on a loss.
    pub fn update_discriminator(&mut self, loss: &Tensor<1>) {
        let gradients = loss.backward();
        self.discriminator = self
            .discriminator_adam
            .step(self.discriminator.clone(), &gradients);
    }
}

impl<G: Gan> Trainer for GanTrainer<G> {
    fn device(&self) -> &Device {
        &self.device
    }

    fn loss_terms(&self) -> &'static [LossTerm] {
        G::LOSSES
    }

    fn simulator(&self) -> Option<Simulator> {
        G::SIMULATOR
    }

    fn may_collapse(&self) -> bool {
        // What marks well has a small loss.
        G::SIMULATOR.is_none()
    }

    fn step(&mut self, batch: Batch, update: Update) -> PendingLosses {
        let rate = self
            .config
            .schedule
            .rate(self.config.learning_rate, batch.done);
        self.generator_adam.set_learning_rate(rate);
        self.discriminator_adam.set_learning_rate(rate);
        if let Some(adam) = &mut self.second_phase_adam {
            adam.set_learning_rate(rate);
        }
        let losses = G::step(self, batch, update);
        assert_eq!(
            losses.len(),
            G::LOSSES.len() + OUTPUTS.len(),
            "one value a loss"
        );
        losses
    }

    fn restart_discriminator(&mut self) {
        // A seed that differs from the first one and from that of any earlier restart.
        let seed = self.config.seed ^ (u64::from(self.discriminator_adam.steps()) << 32);
        let mut init = Initialiser::new(seed, &self.device);
        self.discriminator = G::Discriminator::new(&self.config.architecture(), &mut init);
    }

    fn read_weights(&self) -> Reader {
        Reader::new()
            .module(GENERATOR, &self.generator)
            .module(DISCRIMINATOR, &self.discriminator)
    }

    fn read_state(&self) -> Reader {
        let device = self.device.clone().without_autodiff();
        let reader = self
            .generator_adam
            .read(self.read_weights(), GENERATOR_ADAM, &device);
        let reader = self
            .discriminator_adam
            .read(reader, DISCRIMINATOR_ADAM, &device);
        match &self.second_phase_adam {
            Some(adam) => adam.read(reader, SECOND_PHASE_ADAM, &device),
            None => reader,
        }
    }
}
