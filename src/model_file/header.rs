//! Everything about a model except its weights.

use serde::{Deserialize, Serialize};

use super::error::ModelFileError;
use super::format::{FORMAT, OLDEST_FORMAT};
use super::scoring::Scoring;
use crate::calibration::Calibration;
use crate::data::batch::split_held_out;
use crate::data::image::Preprocessing;
use crate::data::pictures::Pictures;
use crate::nn::Architecture;
use crate::score::RawScore;
use crate::settings::config::TrainConfig;
use crate::settings::limits::MOST_LATENT_STEPS;
use crate::settings::method::Method;

/// Everything about a model except its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format, [`FORMAT`].
    pub format: u32,
    /// Which method the weights belong to.
    pub method: Method,
    /// Shape of the networks, if the method has networks.
    pub architecture: Option<Architecture>,
    /// From an image to the networks' input.
    pub preprocessing: Preprocessing,
    /// From the networks' output to a score.
    pub scoring: Scoring,
    /// The scores of normal images; without it there is no verdict.
    pub calibration: Option<Calibration>,
    /// How the weights were trained.
    pub training: Option<Training>,
    /// Known scores, to check a device with.
    pub self_check: Option<SelfCheck>,
    /// Licence of the weights.
    pub licence: Option<String>,
}

/// How the weights were trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The settings.
    pub config: TrainConfig,
    /// Digest of names and bytes of the training images.
    pub data_digest: String,
    /// Normal images trained on.
    pub pictures: usize,
    /// Normal images held out for calibration.
    pub held_out: usize,
    /// Finished training steps.
    pub steps: u64,
    /// Finished epochs.
    pub epochs: u32,
    /// Losses of the last step.
    pub losses: Option<crate::train::Losses>,
}

impl Training {
    /// The images that the run trained on and those that it held out, both ascending; `None` if these are not the
    /// images of the run.
    pub fn split(&self, pictures: &dyn Pictures) -> Option<(Vec<usize>, Vec<usize>)> {
        let TrainConfig { held_out, seed, .. } = self.config;
        let same = self.data_digest == pictures.digest();
        same.then(|| split_held_out(pictures.len(), held_out, seed))
    }
}

/// Largest tolerance of a self check.
const LARGEST_TOLERANCE: f64 = 0.01;

/// Known scores of the built-in images ([`crate::detector::self_check_images`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// A of the first image: all that files of earlier programs hold.
    pub anomaly_score: f64,
    /// Largest difference that is accepted, relative to the scores.
    pub tolerance: f64,
    /// A, R and L of every image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<RawScore>,
}

impl SelfCheck {
    /// A tolerance that every device passes, or none, would check nothing.
    fn check(&self) -> Result<(), ModelFileError> {
        match self.tolerance > 0.0 && self.tolerance <= LARGEST_TOLERANCE {
            true => Ok(()),
            false => Err(ModelFileError::Header(format!(
                "the self check's tolerance must be above 0 and at most {LARGEST_TOLERANCE}, got {}",
                self.tolerance
            ))),
        }
    }
}

impl Header {
    pub(super) fn from_json(json: &str) -> Result<Self, ModelFileError> {
        // The version comes first: a newer header may have fields that this crate does not know.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |error: serde_json::Error| ModelFileError::Header(error.to_string());
        let Version { format } = serde_json::from_str(json).map_err(unreadable)?;
        if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
            return Err(ModelFileError::Format { got: format });
        }
        let header: Self = serde_json::from_str(json).map_err(unreadable)?;
        let preparable = header.preprocessing.check();
        preparable.map_err(|error| ModelFileError::Header(error.to_string()))?;
        if let Some(calibration) = &header.calibration {
            calibration.check()?;
        }
        if let Some(network) = &header.architecture {
            network.check()?;
            let input = &header.preprocessing;
            if (input.size, input.channels) != (network.size, network.channels) {
                return Err(ModelFileError::Header(format!(
                    "images are prepared as {}×{}×{}, but the networks take {}×{}×{}",
                    input.channels,
                    input.size,
                    input.size,
                    network.channels,
                    network.size,
                    network.size,
                )));
            }
        }
        if header.scoring.normaliser.is_some_and(|n| !n.is_finite()) {
            return Err(ModelFileError::Header(
                "the normaliser of R and L is not finite".to_owned(),
            ));
        }
        if !(0.0..=1.0).contains(&header.scoring.lambda) {
            return Err(ModelFileError::Header(format!(
                "λ must be between 0 and 1, got {}",
                header.scoring.lambda
            )));
        }
        if let Some(check) = &header.self_check {
            check.check()?;
        }
        let allowed = 1..=MOST_LATENT_STEPS;
        if let Some(steps) = header.scoring.search_steps.filter(|s| !allowed.contains(s)) {
            return Err(ModelFileError::Header(format!(
                "the steps of the latent optimisation must be between 1 and {MOST_LATENT_STEPS}, got {steps}"
            )));
        }
        Ok(header)
    }
}
