//! How a model's score is computed, as its file says.

use serde::{Deserialize, Serialize};

use crate::calibration::{CalibrationError, rounded};
use crate::metrics::quantile;
use crate::score::{Latent, MARK_SCALES, Normalisation, RawScore, Residual};

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
    /// μ in A = μ M + (1 - μ) (λ R + (1 - λ) L), if the method marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mu: Option<f64>,
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
            mu: None,
            normaliser: None,
            search_steps: None,
        }
    }
}

impl Scoring {
    /// A(x) of R, L and, if there is one, M, the first two as [`Normalisation`] says: λ R + (1 - λ) L, or
    /// μ M + (1 - μ) (λ R + (1 - λ) L).
    pub fn anomaly_score(&self, residual: f64, latent: f64, marks: Option<f64>) -> f64 {
        let without = self.without_marks(residual, latent);
        match (self.mu, marks) {
            (Some(mu), Some(marks)) => crate::score::anomaly_score_with_marks(mu, marks, without),
            _ => without,
        }
    }

    /// M(x): the largest of what is marked at each scale, as [`Normalisation`] says.
    pub fn marks(&self, largest: [f64; MARK_SCALES]) -> f64 {
        let spans = self.normaliser.and_then(|normaliser| normaliser.marks);
        let scales = largest.into_iter().enumerate();
        scales
            .map(|(scale, value)| spans.map_or(value, |spans| spans[scale].apply(value)))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    fn without_marks(&self, residual: f64, latent: f64) -> f64 {
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
    /// Of the largest marks of each scale, if the method marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<[Span; MARK_SCALES]>,
}

/// From the median to the 95th percentile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The median.
    pub median: f64,
    /// The 95th percentile.
    pub q95: f64,
}

impl Normaliser {
    /// Fits the spans on held-out normal images; a missing L counts as 0. `marks` are the largest of each image
    /// and scale, if the method marks.
    ///
    /// # Errors
    /// If there is no score or one is not finite.
    pub fn fit(
        scores: &[RawScore],
        marks: &[[f64; MARK_SCALES]],
    ) -> Result<Self, CalibrationError> {
        let of = |part: fn(&RawScore) -> f64| Span::of(scores.iter().map(part));
        let spans = std::array::from_fn(|scale| Span::of(marks.iter().map(|m| m[scale])));
        let spans: [Result<Span, CalibrationError>; MARK_SCALES] = spans;
        let mut all = [Span::default(); MARK_SCALES];
        if !marks.is_empty() {
            for (span, fitted) in all.iter_mut().zip(spans) {
                *span = fitted?;
            }
        }
        Ok(Self {
            residual: of(|score| score.residual)?,
            latent: of(|score| score.latent.unwrap_or_default())?,
            marks: (!marks.is_empty()).then_some(all),
        })
    }

    pub(super) fn is_finite(&self) -> bool {
        let spans = [self.residual, self.latent].into_iter();
        let mut spans = spans.chain(self.marks.into_iter().flatten());
        spans.all(|span| span.median.is_finite() && span.q95.is_finite())
    }
}

impl Span {
    fn of(values: impl Iterator<Item = f64>) -> Result<Self, CalibrationError> {
        let values: Vec<f64> = values.collect();
        Ok(Self {
            median: rounded(quantile(&values, 0.5)?),
            q95: rounded(quantile(&values, 0.95)?),
        })
    }

    /// (v - median) / (q95 - median): 0 for the median normal image, 1 at the 95th percentile. If all
    /// normal images have the same score, the median's size replaces the width.
    fn apply(&self, value: f64) -> f64 {
        let smallest = 1e-3 * self.median.abs().max(1e-9);
        (value - self.median) / (self.q95 - self.median).max(smallest)
    }
}
