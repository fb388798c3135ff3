//! How a model's score is computed, as its file says.

use serde::{Deserialize, Serialize};

use crate::calibration::{CalibrationError, rounded};
use crate::metrics::quantile;
use crate::score::{Latent, Normalisation, RawScore, Residual};

/// How the score is computed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scoring {
    /// λ in A = λ R + (1 - λ) L.
    pub lambda: f64,
    /// How R measures.
    pub residual: Residual,
    /// What L compares.
    #[serde(default)]
    pub latent: Latent,
    /// How R and L are made comparable.
    #[serde(default)]
    pub balance: Normalisation,
    /// What calibration fitted for [`Normalisation::Quantile`]; before that, R and L are not normalised.
    #[serde(default)]
    pub normaliser: Option<Normaliser>,
    /// Steps of the latent optimisation for each image, if the method has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_steps: Option<usize>,
}

impl Default for Scoring {
    fn default() -> Self {
        Self {
            lambda: crate::score::LAMBDA,
            residual: Residual::default(),
            latent: Latent::default(),
            balance: Normalisation::default(),
            normaliser: None,
            search_steps: None,
        }
    }
}

impl Scoring {
    /// A(x) = λ R(x) + (1 - λ) L(x), of R and L as [`Normalisation`] says.
    pub fn anomaly_score(&self, residual: f64, latent: f64) -> f64 {
        let (residual, latent) = match &self.normaliser {
            Some(normaliser) => (
                normaliser.residual.apply(residual),
                normaliser.latent.apply(latent),
            ),
            None => (residual, latent),
        };
        crate::score::anomaly_score(self.lambda, residual, latent)
    }
}

/// The spans of R and L on held-out normal images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    /// Of R.
    pub residual: Span,
    /// Of L.
    pub latent: Span,
}

/// From the median to the 95th percentile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The median.
    pub median: f64,
    /// The 95th percentile.
    pub q95: f64,
}

impl Normaliser {
    /// Fits the spans on held-out normal images; a missing L counts as 0.
    ///
    /// # Errors
    /// If there is no score or one is not finite.
    pub fn fit(scores: &[RawScore]) -> Result<Self, CalibrationError> {
        let of = |part: fn(&RawScore) -> f64| -> Result<Span, CalibrationError> {
            let values: Vec<f64> = scores.iter().map(part).collect();
            Ok(Span {
                median: rounded(quantile(&values, 0.5)?),
                q95: rounded(quantile(&values, 0.95)?),
            })
        };
        Ok(Self {
            residual: of(|score| score.residual)?,
            latent: of(|score| score.latent.unwrap_or_default())?,
        })
    }

    pub(super) fn is_finite(&self) -> bool {
        let all = [
            self.residual.median,
            self.residual.q95,
            self.latent.median,
            self.latent.q95,
        ];
        all.iter().all(|value| value.is_finite())
    }
}

impl Span {
    /// (v - median) / (q95 - median): 0 for the median normal image, 1 at the 95th percentile. If all
    /// normal images have the same score, the median's size replaces the width.
    fn apply(&self, value: f64) -> f64 {
        let smallest = 1e-3 * self.median.abs().max(1e-9);
        (value - self.median) / (self.q95 - self.median).max(smallest)
    }
}
