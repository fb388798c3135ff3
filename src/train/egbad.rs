//! One training step of EGBAD, a bidirectional GAN: D, then G and E, as the published code does it.
//!
//! Source: Zenati et al. 2018, section 3 and appendix A.1.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand_distr::{Distribution, StandardNormal};

use super::config::TrainConfig;
use super::networks::{Adversarial, Networks};
use super::step::{PendingLosses, Update};
use crate::loss::{bce_fake, bce_real, contextual};
use crate::nn::egbad::{Discriminator, Dropout, Pair};
use crate::nn::init::Initialiser;
use crate::nn::{Architecture, Mode};
use crate::random::{generator, stream};

/// EGBAD's networks under training and their optimisers.
pub type EgbadTrainer = Networks<Egbad>;

/// The method, as a training knows it.
///
/// Its losses have one term each and no weights. As [`super::Losses`] they are told as
///
/// - adversarial: L_G = BCE(D(G(z), z), 1), what G descends
/// - latent: L_E = BCE(D(x, E(x)), 0), what E descends
/// - generator: L_G + L_E
/// - discriminator: L_D = BCE(D(x, E(x)), 1) + BCE(D(G(z), z), 0)
/// - contextual: mean |x - G(E(x))|, which nothing descends: it is there to be watched
/// - real and fake: mean D(x, E(x)) and mean D(G(z), z), before the step
pub struct Egbad;

/// What a step draws: z from N(0, 1), `[n, features]`, and D's dropout, which goes on from there.
/// Both follow from the seed and the number of steps before this one alone.
pub fn draw(config: &TrainConfig, n: usize, step: u64, device: &Device) -> (Tensor<2>, Dropout) {
    let mut random = generator(config.seed, stream::STEP + step);
    let shape = [n, config.features];
    let values: Vec<f32> = StandardNormal
        .sample_iter(&mut random)
        .take(n * config.features)
        .collect();
    let z = Tensor::from_data(TensorData::new(values, shape), device);
    (z, Dropout::new(random, device))
}

impl Adversarial for Egbad {
    type Generator = Pair;
    type Discriminator = Discriminator;

    fn generator(architecture: &Architecture, init: &mut Initialiser) -> Pair {
        Pair::new(architecture, init)
    }

    fn discriminator(architecture: &Architecture, init: &mut Initialiser) -> Discriminator {
        Discriminator::new(architecture, init)
    }

    /// Updates D, then G and E against the D that came of it.
    ///
    /// L_G depends on G alone and L_E on E alone, so one optimiser on their sum is the published
    /// two.
    fn step(
        networks: &mut Networks<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let mode = Mode::Training;
        let (z, mut dropout) = draw(&networks.config, x.dims()[0], step, &networks.device);
        let encoded = networks.generator.encoder.forward(x.clone(), mode);
        let drawn = networks.generator.generator.forward(z.clone(), mode);

        let d = &networks.discriminator;
        let real = d.forward(
            x.clone(),
            encoded.clone().detach(),
            mode,
            Some(&mut dropout),
        );
        let fake = d.forward(drawn.clone().detach(), z.clone(), mode, Some(&mut dropout));
        let judged = [real.logit.clone(), fake.logit.clone()];
        let discriminator = bce_real(real.logit) + bce_fake(fake.logit);
        if update.discriminator() {
            networks.update_discriminator(&discriminator);
        }

        // With running statistics, which encodings must not move: G's are those of drawn z.
        let frozen = networks.generator.generator.clone().no_grad();
        let x_hat = frozen.forward(encoded.clone().detach(), Mode::Inference);
        let contextual = contextual(x.clone(), x_hat);

        // D's weights stand still while G and E learn, so their gradients are not computed.
        let frozen = networks.discriminator.clone().no_grad();
        let real = frozen.forward(x, encoded, mode, Some(&mut dropout));
        let fake = frozen.forward(drawn, z, mode, Some(&mut dropout));
        let adversarial = bce_real(fake.logit);
        let latent = bce_fake(real.logit);
        let generator = adversarial.clone() + latent.clone();
        if update.generator() {
            networks.update_generator(&generator);
        }

        let losses = [adversarial, contextual, latent, generator, discriminator];
        PendingLosses::new(losses, judged)
    }
}
