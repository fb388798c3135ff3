//! Training: platform-free. The program and the page drive the same [`run::Run`].
//!
//! A method's training step has a file of its own; [`step::Trainer`] is what a run asks of it.

pub mod adam;
pub mod config;
pub mod events;
pub mod ganomaly;
pub mod run;
pub mod skip_ganomaly;
pub mod step;

use serde::{Deserialize, Serialize};

/// The losses of one training step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// L_adv of the generator.
    pub adversarial: f64,
    /// L_con.
    pub contextual: f64,
    /// L_lat.
    pub latent: f64,
    /// The generator's weighted sum.
    pub generator: f64,
    /// The discriminator's loss.
    pub discriminator: f64,
}

impl Losses {
    /// Whether every loss is a number.
    pub fn is_finite(&self) -> bool {
        let all = [
            self.adversarial,
            self.contextual,
            self.latent,
            self.generator,
            self.discriminator,
        ];
        all.iter().all(|loss| loss.is_finite())
    }
}
