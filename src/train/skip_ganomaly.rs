//! One training step of Skip-GANomaly: G, then D, as the published code does it.
//!
//! Source: Akçay et al. 2019, section 3.2.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use super::networks::{Adversarial, Networks};
use super::step::{PendingLosses, Update};
use crate::data::disturb::Disturbance;
use crate::loss::{bce, bce_fake, bce_real, contextual, latent};
use crate::nn::init::Initialiser;
use crate::nn::{Architecture, Discriminator, Generator, Mode};
use crate::random::{generator, stream, unit};

/// Skip-GANomaly's networks under training and their optimisers.
pub type SkipGanomalyTrainer = Networks<SkipGanomaly>;

/// The method, as a training knows it.
pub struct SkipGanomaly;

impl Adversarial for SkipGanomaly {
    type Generator = Generator;
    type Discriminator = Discriminator;

    fn generator(architecture: &Architecture, init: &mut Initialiser) -> Generator {
        Generator::new(architecture, init)
    }

    fn discriminator(architecture: &Architecture, init: &mut Initialiser) -> Discriminator {
        Discriminator::new(architecture, init)
    }

    /// Updates G, then D.
    fn step(
        networks: &mut Networks<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let weights = networks.config.loss_weights();
        let x_hat = reconstruct(networks, x.clone(), step);
        let real = networks.discriminator.forward(x.clone(), Mode::Training);

        // D's weights stand still while G learns, so their gradients are not computed.
        let frozen = networks.discriminator.clone().no_grad();
        let fake = frozen.forward(x_hat.clone(), Mode::Training);
        let adversarial = bce_real(fake.logit);
        let contextual = contextual(x, x_hat.clone());
        let latent_g = latent(real.features.clone().detach(), fake.features);
        let generator = adversarial.clone().mul_scalar(weights.adversarial)
            + contextual.clone().mul_scalar(weights.contextual)
            + latent_g.clone().mul_scalar(weights.latent);
        if update.generator() {
            networks.update_generator(&generator);
        }

        // The published code judges x̂ of before G's update a second time, and reuses D(x).
        let fake = networks
            .discriminator
            .forward(x_hat.detach(), Mode::Training);
        let judged = [real.logit.clone(), fake.logit.clone()];
        let real_target = 1.0 - networks.config.label_smoothing;
        let mut discriminator = bce(real.logit, real_target) + bce_fake(fake.logit);
        if networks.config.latent_in_discriminator {
            discriminator = discriminator + latent(real.features, fake.features);
        }
        if update.discriminator() {
            networks.update_discriminator(&discriminator);
        }

        let losses = [adversarial, contextual, latent_g, generator, discriminator];
        PendingLosses::new(losses, judged)
    }
}

/// x̂ = G(x), of a disturbed x and with skips dropped where the settings say so. What is drawn
/// follows from the seed and the step alone.
fn reconstruct(networks: &SkipGanomalyTrainer, x: Tensor<4>, step: u64) -> Tensor<4> {
    let config = &networks.config;
    let shape = x.dims();
    let mut random = generator(config.seed, stream::STEP + step);
    let on_device = |values: Vec<f32>, shape: [usize; 4]| {
        Tensor::<4>::from_data(TensorData::new(values, shape), &networks.device)
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
        return networks.generator.forward(input, Mode::Training);
    }
    let levels = config.architecture().levels() - 1;
    let mut keep = || f32::from(u8::from(unit(&mut random) >= config.skip_dropout));
    let kept: Vec<Tensor<4>> = (0..levels)
        .map(|_| {
            let kept = (0..shape[0]).map(|_| keep()).collect();
            on_device(kept, [shape[0], 1, 1, 1])
        })
        .collect();
    networks
        .generator
        .forward_through(input, Mode::Training, |level, skip| {
            skip * kept[level].clone()
        })
}
