//! One training step of Skip-GANomaly: G, then D, as the published code does it.
//!
//! Source: Akçay et al. 2019, section 3.2.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::adam::Adam;
use super::config::TrainConfig;
use super::step::{PendingLosses, Trainer};
use crate::data::disturb::Disturbance;
use crate::detector::skip_ganomaly::{DISCRIMINATOR, GENERATOR};
use crate::loss::{bce, bce_fake, bce_real, contextual, latent};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, NamedTensors, Reader, TensorError};
use crate::nn::{Discriminator, Generator, Mode};
use crate::random::{generator, stream, unit};

/// Prefixes of the optimisers' tensors in a checkpoint.
pub(super) const GENERATOR_ADAM: &str = "adam.generator";
pub(super) const DISCRIMINATOR_ADAM: &str = "adam.discriminator";

/// The networks under training and their optimisers.
pub struct SkipGanomalyTrainer {
    generator: Generator,
    discriminator: Discriminator,
    generator_adam: Adam,
    discriminator_adam: Adam,
    config: TrainConfig,
    /// With gradients.
    device: Device,
}

impl SkipGanomalyTrainer {
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

impl SkipGanomalyTrainer {
    /// x̂ = G(x), of a disturbed x and with skips dropped where the settings say so. What is drawn
    /// follows from the seed and the step alone.
    fn reconstruct(&self, x: Tensor<4>) -> Tensor<4> {
        let config = &self.config;
        let shape = x.dims();
        let step = u64::from(self.generator_adam.steps());
        let mut random = generator(config.seed, stream::STEP + step);
        let on_device = |values: Vec<f32>, shape: [usize; 4]| {
            Tensor::<4>::from_data(TensorData::new(values, shape), &self.device)
        };
        let disturbance = Disturbance {
            noise: config.input_noise,
            mask: config.input_mask,
        };
        let input = match disturbance.is_none() {
            true => x,
            false => {
                let (factors, summands) = disturbance.draw(shape, &mut random);
                x * on_device(factors, shape) + on_device(summands, shape)
            }
        };
        if config.skip_dropout == 0.0 {
            return self.generator.forward(input, Mode::Training);
        }
        let levels = config.architecture().levels() - 1;
        let mut keep = || f32::from(u8::from(unit(&mut random) >= config.skip_dropout));
        let kept: Vec<Tensor<4>> = (0..levels)
            .map(|_| {
                let kept = (0..shape[0]).map(|_| keep()).collect();
                on_device(kept, [shape[0], 1, 1, 1])
            })
            .collect();
        self.generator
            .forward_through(input, Mode::Training, |level, skip| {
                skip * kept[level].clone()
            })
    }
}

impl Trainer for SkipGanomalyTrainer {
    fn device(&self) -> &Device {
        &self.device
    }

    /// Updates G, then D.
    fn step(&mut self, x: Tensor<4>) -> PendingLosses {
        let weights = self.config.loss_weights();
        let x_hat = self.reconstruct(x.clone());
        let real = self.discriminator.forward(x.clone(), Mode::Training);

        // D's weights stand still while G learns, so their gradients are not computed.
        let frozen = self.discriminator.clone().no_grad();
        let fake = frozen.forward(x_hat.clone(), Mode::Training);
        let adversarial = bce_real(fake.logit);
        let contextual = contextual(x, x_hat.clone());
        let latent_g = latent(real.features.clone().detach(), fake.features);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + latent_g.clone().mul_scalar(weights.latent);
        let gradients = generator.backward();
        self.generator = self.generator_adam.step(self.generator.clone(), &gradients);

        // The published code judges x̂ of before G's update a second time, and reuses D(x).
        let fake = self.discriminator.forward(x_hat.detach(), Mode::Training);
        let real_target = 1.0 - self.config.label_smoothing;
        let mut discriminator = bce(real.logit, real_target) + bce_fake(fake.logit);
        if self.config.latent_in_discriminator {
            discriminator = discriminator + latent(real.features, fake.features);
        }
        let gradients = discriminator.backward();
        self.discriminator = self
            .discriminator_adam
            .step(self.discriminator.clone(), &gradients);

        PendingLosses::new([adversarial, contextual, latent_g, generator, discriminator])
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
