//! One training step of GANomaly: G with its second encoder, then D, as the published code does it.
//!
//! Source: Akçay et al. 2018, section 3.2.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::adam::Adam;
use super::config::TrainConfig;
use super::skip_ganomaly::{DISCRIMINATOR_ADAM, GENERATOR_ADAM};
use super::step::{PendingLosses, Trainer};
use crate::detector::skip_ganomaly::{DISCRIMINATOR, GENERATOR};
use crate::loss::{bce_fake, bce_real, contextual, encoder, feature_matching};
use crate::nn::Mode;
use crate::nn::ganomaly::{Discriminator, Generated, Generator};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, NamedTensors, Reader, TensorError};

/// GANomaly's networks under training and their optimisers.
///
/// Of the settings, `latent_in_discriminator` has no meaning here; the latent weight is that of the
/// encoder loss.
pub struct GanomalyTrainer {
    generator: Generator,
    discriminator: Discriminator,
    generator_adam: Adam,
    discriminator_adam: Adam,
    config: TrainConfig,
    /// With gradients.
    device: Device,
}

impl GanomalyTrainer {
    /// Fresh networks on a device.
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
        Self {
            generator: Generator::new(&architecture, &mut init),
            discriminator: Discriminator::new(&architecture, &mut init),
            generator_adam: Adam::new(config.learning_rate),
            discriminator_adam: Adam::new(config.learning_rate),
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
        let mut trainer = Self::build(config, device, Initialiser::blank);
        trainer.generator = tensors::load(trainer.generator, GENERATOR, tensors)?;
        trainer.discriminator = tensors::load(trainer.discriminator, DISCRIMINATOR, tensors)?;
        Ok(trainer)
    }

    /// Takes over weights, moments and all, from what [`Trainer::read_state`] gave.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    pub fn restore(
        config: &TrainConfig,
        tensors: &NamedTensors,
        device: &Device,
    ) -> Result<Self, TensorError> {
        let mut trainer = Self::from_weights(config, tensors, device)?;
        let rate = config.learning_rate;
        trainer.generator_adam = Adam::restore(rate, tensors, GENERATOR_ADAM, device)?;
        trainer.discriminator_adam = Adam::restore(rate, tensors, DISCRIMINATOR_ADAM, device)?;
        Ok(trainer)
    }
}

impl Trainer for GanomalyTrainer {
    fn device(&self) -> &Device {
        &self.device
    }

    /// Updates G, then D.
    ///
    /// D sees every picture twice, once for each update, and its running statistics move each time,
    /// as in the published code.
    fn step(&mut self, x: Tensor<4>) -> PendingLosses {
        let weights = self.config.loss_weights();
        let Generated { x_hat, z, z_hat } = self.generator.forward(x.clone(), Mode::Training);
        let real = self.discriminator.forward(x.clone(), Mode::Training);
        let fake = self
            .discriminator
            .forward(x_hat.clone().detach(), Mode::Training);

        // D's weights stand still while G learns, so their gradients are not computed.
        let frozen = self.discriminator.clone().no_grad();
        let f = frozen.forward(x.clone(), Mode::Training).features;
        let f_hat = frozen.forward(x_hat.clone(), Mode::Training).features;
        let adversarial = feature_matching(f, f_hat);
        let contextual = contextual(x, x_hat);
        let latent = encoder(z, z_hat);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + latent.clone().mul_scalar(weights.latent);
        let gradients = generator.backward();
        self.generator = self.generator_adam.step(self.generator.clone(), &gradients);

        let discriminator = (bce_real(real.logit) + bce_fake(fake.logit)).mul_scalar(0.5);
        let gradients = discriminator.backward();
        self.discriminator = self
            .discriminator_adam
            .step(self.discriminator.clone(), &gradients);

        PendingLosses::new([adversarial, contextual, latent, generator, discriminator])
    }

    fn restart_discriminator(&mut self) {
        // Another draw than the first one's and than any earlier restart's.
        let seed = self.config.seed ^ (u64::from(self.discriminator_adam.steps()) << 32);
        let mut init = Initialiser::new(seed, &self.device);
        self.discriminator = Discriminator::new(&self.config.architecture(), &mut init);
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
        self.discriminator_adam
            .read(reader, DISCRIMINATOR_ADAM, &device)
    }
}
