//! From an image, its reconstruction and its features to A, R and L, as the model file specifies.

use crate::model_file::{ModelFile, Scoring};
use crate::nn::tensors::{TensorError, find};
use crate::score::{self, Latent, RawScore, largest_marks};

/// Name of the features' weights among a model's tensors.
pub(crate) const FEATURE_WEIGHTS: &str = "scoring.feature_weights";

/// The score of methods that compare pixels and features.
pub(crate) struct Scorer {
    scoring: Scoring,
    /// Fitted on held-out normal images, if L compares all layers.
    feature_weights: Option<Vec<f32>>,
    channels: usize,
    size: usize,
}

impl Scorer {
    /// Reads the scoring from a file. Before a model is calibrated there are no weights of features: all
    /// then count equally.
    ///
    /// # Errors
    /// If there are weights, but not one for each of `features`, or one is not finite.
    pub(crate) fn from_file(file: &ModelFile, features: usize) -> Result<Self, TensorError> {
        let stored = file.tensors.contains_key(FEATURE_WEIGHTS);
        let feature_weights = match file.header.scoring.latent {
            Latent::Layers if stored => {
                let weights = find(&file.tensors, FEATURE_WEIGHTS, &[features])?;
                Some(weights.values.clone())
            }
            Latent::Layers | Latent::Final | Latent::Memory => None,
        };
        Ok(Self {
            scoring: file.header.scoring,
            feature_weights,
            channels: file.header.preprocessing.channels,
            size: file.header.preprocessing.size,
        })
    }

    /// Scores one image from its values, its reconstruction and both features.
    pub(crate) fn score(&self, x: &[f32], x_hat: &[f32], f: &[f32], f_hat: &[f32]) -> RawScore {
        let latent = match &self.feature_weights {
            Some(weights) => score::weighted_latent(f, f_hat, weights),
            None => score::latent(f, f_hat),
        };
        self.score_by(x, x_hat, latent)
    }

    /// As [`Scorer::score`], with L the distance of the features, on the same scale as R, a mean over
    /// pixels.
    pub(crate) fn score_by_distance(
        &self,
        x: &[f32],
        x_hat: &[f32],
        f: &[f32],
        f_hat: &[f32],
    ) -> RawScore {
        self.score_by(x, x_hat, score::l1_distance(f, f_hat) / x.len() as f64)
    }

    /// Scores one image whose L is known.
    pub(crate) fn score_by(&self, x: &[f32], x_hat: &[f32], latent: f64) -> RawScore {
        let residual = score::residual(self.scoring.residual, x, x_hat, self.channels);
        RawScore {
            anomaly_score: self.scoring.anomaly_score(residual, latent, None),
            residual,
            latent: Some(latent),
            marks: None,
        }
    }

    /// A score with what was marked, `[size, size]`.
    pub(crate) fn with_marks(&self, raw: RawScore, marks: &[f32]) -> RawScore {
        let marks = self.scoring.marks(largest_marks(marks, self.size));
        let latent = raw.latent.unwrap_or_default();
        RawScore {
            anomaly_score: self
                .scoring
                .anomaly_score(raw.residual, latent, Some(marks)),
            marks: Some(marks),
            ..raw
        }
    }
}
