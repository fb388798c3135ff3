//! Training, independent of method, file and platform: one step of two networks, its losses, a run's
//! history.
//!
//! Each method's training step is in its own file under [`crate::detector`]; a [`crate::run`] uses it as a
//! [`step::Trainer`].

pub mod adam;
pub mod events;
pub mod gan;
pub mod history;
pub(crate) mod prior;
pub mod step;

use serde::{Deserialize, Serialize};

use crate::calibration::rounded;

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
    /// The mean of D(x), D's estimate that the training images are real; unknown if an earlier version
    /// wrote the file.
    #[serde(default)]
    pub real: Option<f64>,
    /// The mean of D(x̂), D's estimate that the reconstructions are real.
    #[serde(default)]
    pub fake: Option<f64>,
}

impl Losses {
    /// From seven values in the order of the fields.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn from_values(v: &[f32]) -> Self {
        Self {
            adversarial: rounded(v[0].into()),
            contextual: rounded(v[1].into()),
            latent: rounded(v[2].into()),
            generator: rounded(v[3].into()),
            discriminator: rounded(v[4].into()),
            real: Some(rounded(v[5].into())),
            fake: Some(rounded(v[6].into())),
        }
    }

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
