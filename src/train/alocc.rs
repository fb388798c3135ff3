//! One training step of ALOCC: D, then the refiner R twice, as the published code does it.
//!
//! Source: Sabokrou et al. 2018, section 3.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use super::networks::{Adversarial, Networks};
use super::step::{PendingLosses, Update};
use crate::data::disturb::Disturbance;
use crate::loss::{bce_fake, bce_real, probability, refinement};
use crate::nn::alocc::{Discriminator, Refiner};
use crate::nn::init::Initialiser;
use crate::nn::{Architecture, Mode};
use crate::random::{generator, stream};

/// Steps of R for each of D, so that D does not win; the published code's remedy.
const REFINEMENTS: usize = 2;

/// ALOCC's networks under training and their optimisers.
pub type AloccTrainer = Networks<Alocc>;

/// The method, as a training knows it.
///
/// The contextual loss is the refinement loss. In place of a latent loss, which it has not, the mean
/// of 1 - D(x̂) is told, what the score is made of; nothing descends it.
pub struct Alocc;

impl Adversarial for Alocc {
    type Generator = Refiner;
    type Discriminator = Discriminator;

    fn generator(architecture: &Architecture, init: &mut Initialiser) -> Refiner {
        Refiner::new(architecture, init)
    }

    fn discriminator(architecture: &Architecture, init: &mut Initialiser) -> Discriminator {
        Discriminator::new(architecture, init)
    }

    /// Updates D, then R twice. R's losses are told as they were before its first update.
    fn step(
        networks: &mut Networks<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let weights = networks.config.loss_weights();
        let noisy = add_noise(networks, x.clone(), step);
        let x_hat = networks.generator.forward(noisy.clone(), Mode::Training);

        let judge = |x: Tensor<4>| networks.discriminator.forward(x, Mode::Training);
        let real = judge(x.clone());
        let fake = judge(x_hat.clone().detach());
        let judged = [real.clone(), fake.clone()];
        let discriminator = bce_real(real) + bce_fake(fake);
        if update.discriminator() {
            networks.update_discriminator(&discriminator);
        }

        // D's weights stand still while R learns, so their gradients are not computed.
        let frozen = networks.discriminator.clone().no_grad();
        let losses = |x_hat: Tensor<4>| {
            let fake = frozen.forward(x_hat.clone(), Mode::Training);
            let adversarial = bce_real(fake);
            let contextual = refinement(x.clone(), x_hat);
            let generator = adversarial.clone().mul_scalar(weights.adversarial)
                + contextual.clone().mul_scalar(weights.contextual);
            [adversarial, contextual, generator]
        };
        let [adversarial, contextual, refiner] = losses(x_hat);
        if update.generator() {
            networks.update_generator(&refiner);
            for _ in 1..REFINEMENTS {
                let again = networks.generator.forward(noisy.clone(), Mode::Training);
                let [.., again] = losses(again);
                networks.update_generator(&again);
            }
        }

        let latent = probability(judged[1].clone()).neg().add_scalar(1.0).mean();
        let losses = [adversarial, contextual, latent, refiner, discriminator];
        PendingLosses::new(losses, judged)
    }
}

/// x̃ = x + N(0, σ²). What is drawn follows from the seed and the step alone.
fn add_noise(networks: &AloccTrainer, x: Tensor<4>, step: u64) -> Tensor<4> {
    let config = &networks.config;
    let disturbance = Disturbance {
        noise: config.input_noise,
        mask: 0.0,
    };
    if disturbance.is_none() {
        return x;
    }
    let shape = x.dims();
    let mut random = generator(config.seed, stream::STEP + step);
    let (_, noise) = disturbance.draw(shape, &mut random);
    x + Tensor::from_data(TensorData::new(noise, shape), &networks.device)
}
