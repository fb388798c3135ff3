//! One training step of GANomaly: G with its second encoder, then D, as the published code does it.
//!
//! Source: Akçay et al. 2018, section 3.2.

use burn::module::Module;
use burn::tensor::Tensor;

use super::networks::{Adversarial, Networks};
use super::step::{PendingLosses, Update};
use crate::loss::{bce_fake, bce_real, contextual, encoder, feature_matching};
use crate::nn::ganomaly::{Discriminator, Generated, Generator};
use crate::nn::init::Initialiser;
use crate::nn::{Architecture, Mode};

/// GANomaly's networks under training and their optimisers.
pub type GanomalyTrainer = Networks<Ganomaly>;

/// The method, as a training knows it.
///
/// Of the settings, `latent_in_discriminator` has no meaning here; the latent weight is that of the
/// encoder loss.
pub struct Ganomaly;

impl Adversarial for Ganomaly {
    type Generator = Generator;
    type Discriminator = Discriminator;

    fn generator(architecture: &Architecture, init: &mut Initialiser) -> Generator {
        Generator::new(architecture, init)
    }

    fn discriminator(architecture: &Architecture, init: &mut Initialiser) -> Discriminator {
        Discriminator::new(architecture, init)
    }

    /// Updates G, then D.
    ///
    /// D sees every picture twice, once for each update, and its running statistics move each time,
    /// as in the published code.
    fn step(
        networks: &mut Networks<Self>,
        x: Tensor<4>,
        _step: u64,
        update: Update,
    ) -> PendingLosses {
        let weights = networks.config.loss_weights();
        let Generated { x_hat, z, z_hat } = networks.generator.forward(x.clone(), Mode::Training);
        let judge = |x: Tensor<4>| networks.discriminator.forward(x, Mode::Training);
        let real = judge(x.clone());
        let fake = judge(x_hat.clone().detach());

        // D's weights stand still while G learns, so their gradients are not computed.
        let frozen = networks.discriminator.clone().no_grad();
        let f = frozen.forward(x.clone(), Mode::Training).features;
        let f_hat = frozen.forward(x_hat.clone(), Mode::Training).features;
        let adversarial = feature_matching(f, f_hat);
        let contextual = contextual(x, x_hat);
        let latent = encoder(z, z_hat);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + latent.clone().mul_scalar(weights.latent);
        if update.generator() {
            networks.update_generator(&generator);
        }

        let judged = [real.logit.clone(), fake.logit.clone()];
        let discriminator = (bce_real(real.logit) + bce_fake(fake.logit)).mul_scalar(0.5);
        if update.discriminator() {
            networks.update_discriminator(&discriminator);
        }

        let losses = [adversarial, contextual, latent, generator, discriminator];
        PendingLosses::new(losses, judged)
    }
}
