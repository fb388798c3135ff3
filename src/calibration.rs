//! The distribution of normal scores, measured on held-out normal images and stored in the model file:
//! the score of an image then depends on that image and the model alone.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::metrics::{MetricError, quantile};
use crate::score::RawScore;

/// The default threshold: the 99th percentile of the scores of held-out normal images.
pub const THRESHOLD_QUANTILE: f64 = 0.99;

/// The heat map's full colour: this quantile of the pixels' values in the maps of held-out normal images.
const HEAT_MAP_QUANTILE: f64 = 0.999;

/// What the heat map of marks leaves black: up to this quantile, since marks of normal pixels are not 0.
const FLOOR_QUANTILE: f64 = 0.99;

/// The heat map's full colour if a method marks, at least: as likely damaged as not.
const LIKELY: f64 = 0.5;

/// Display value of the median held-out normal image; the threshold's is 0.5.
const MEDIAN_DISPLAY: f64 = 0.1;

/// How the threshold was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdRule {
    /// This quantile of the anomaly scores of held-out normal images.
    HeldOutQuantile(f64),
    /// Set by hand.
    Manual,
}

/// Quantiles of one score over the held-out normal images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The smallest.
    pub min: f64,
    /// The 1st percentile.
    pub q01: f64,
    /// The 5th percentile.
    pub q05: f64,
    /// The 25th percentile.
    pub q25: f64,
    /// The median.
    pub median: f64,
    /// The 75th percentile.
    pub q75: f64,
    /// The 95th percentile.
    pub q95: f64,
    /// The 99th percentile.
    pub q99: f64,
    /// The largest.
    pub max: f64,
}

/// A model's calibration on its held-out normal images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Number of held-out normal images.
    pub normals: usize,
    /// An image is anomalous when its anomaly score is above this.
    pub threshold: f64,
    /// Where the threshold comes from.
    pub rule: ThresholdRule,
    /// A.
    pub anomaly_score: Quantiles,
    /// R.
    pub residual: Quantiles,
    /// L, if the method has one.
    pub latent: Option<Quantiles>,
    /// Value of the map that gets the heat map's full colour.
    pub heat_map_scale: f64,
    /// Value of the map up to which the heat map stays black: 0, but for marks.
    #[serde(default)]
    pub heat_map_floor: f64,
}

/// The verdict on an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The anomaly score is not above the threshold.
    Normal,
    /// The anomaly score is above the threshold.
    Anomalous,
    /// The model has no calibration.
    Uncalibrated,
}

impl Verdict {
    /// Its name in files and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Anomalous => "anomalous",
            Self::Uncalibrated => "uncalibrated",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why no calibration could be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// There was no held-out normal image.
    #[error("calibration needs at least one held-out normal image, got none")]
    Empty,
    /// A score is infinite or not a number.
    #[error("held-out image {index} has the score {score}, which is not finite")]
    NotFinite {
        /// Which image.
        index: usize,
        /// Its score.
        score: f64,
    },
    /// The quantile is not a number above 0 and below 1.
    #[error("the threshold's quantile must be above 0 and below 1, got {0}")]
    Quantile(f64),
    /// A quantile could not be taken.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// Stored numbers contradict each other.
    #[error("the stored calibration is not usable: {0}")]
    Stored(&'static str),
}

impl Calibration {
    /// Calibrates on held-out normal images.
    ///
    /// `pixels` are the values of their maps, in any order.
    ///
    /// # Errors
    /// If there is no score, a score is not finite, or `threshold_quantile` is outside (0, 1).
    pub fn fit(
        scores: &[RawScore],
        pixels: &[f32],
        threshold_quantile: f64,
    ) -> Result<Self, CalibrationError> {
        if scores.is_empty() || pixels.is_empty() {
            return Err(CalibrationError::Empty);
        }
        if !(threshold_quantile > 0.0 && threshold_quantile < 1.0) {
            return Err(CalibrationError::Quantile(threshold_quantile));
        }
        let anomaly: Vec<f64> = scores.iter().map(|s| s.anomaly_score).collect();
        let residual: Vec<f64> = scores.iter().map(|s| s.residual).collect();
        let latent: Option<Vec<f64>> = scores.iter().map(|s| s.latent).collect();
        for values in [Some(&anomaly), Some(&residual), latent.as_ref()]
            .into_iter()
            .flatten()
        {
            if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                return Err(CalibrationError::NotFinite {
                    index,
                    score: values[index],
                });
            }
        }
        let pixels: Vec<f64> = pixels.iter().map(|&v| f64::from(v)).collect();
        let mut heat_map_scale = rounded(quantile(&pixels, HEAT_MAP_QUANTILE)?).max(1e-7);
        let mut heat_map_floor = 0.0;
        if scores.iter().all(|score| score.marks.is_some()) {
            heat_map_floor = rounded(quantile(&pixels, FLOOR_QUANTILE)?);
            heat_map_scale = heat_map_scale.max(LIKELY);
        }
        let anomaly_score = Quantiles::of(&anomaly)?;
        Ok(Self {
            normals: scores.len(),
            threshold: above_the_minimum(
                rounded(quantile(&anomaly, threshold_quantile)?),
                anomaly_score,
            ),
            rule: ThresholdRule::HeldOutQuantile(threshold_quantile),
            anomaly_score,
            residual: Quantiles::of(&residual)?,
            latent: latent.as_deref().map(Quantiles::of).transpose()?,
            heat_map_scale,
            heat_map_floor,
        })
    }

    /// Checks numbers that come from a file.
    ///
    /// # Errors
    /// If a number is not finite, the scale is not positive or the quantiles do not increase.
    pub fn check(&self) -> Result<(), CalibrationError> {
        let all = [Some(self.anomaly_score), Some(self.residual), self.latent];
        if self.normals == 0 {
            return Err(CalibrationError::Stored("it covers no image"));
        }
        if !self.threshold.is_finite() {
            return Err(CalibrationError::Stored("the threshold is not finite"));
        }
        if !(self.heat_map_scale.is_finite() && self.heat_map_scale > 0.0) {
            return Err(CalibrationError::Stored(
                "the heat map's scale is not positive",
            ));
        }
        if !(0.0..=self.heat_map_scale).contains(&self.heat_map_floor) {
            return Err(CalibrationError::Stored(
                "the heat map's floor is not between 0 and its scale",
            ));
        }
        if !all.into_iter().flatten().all(|q| q.is_increasing()) {
            return Err(CalibrationError::Stored("the quantiles do not increase"));
        }
        Ok(())
    }

    /// Anomalous when the score is above the threshold.
    pub fn verdict(&self, anomaly_score: f64) -> Verdict {
        if anomaly_score > self.threshold {
            Verdict::Anomalous
        } else {
            Verdict::Normal
        }
    }

    /// The score as shown to people: see [`display`].
    pub fn display(&self, anomaly_score: f64) -> f64 {
        display(anomaly_score, self.threshold, self.anomaly_score.median)
    }
}

/// A score between 0 and 1 that grows with A: 0.5 at the threshold, 0.1 at the median normal image.
///
/// d(A) = 1 / (1 + 9^((t - A) / (t - m)))
///
/// If the threshold is set to the median or below, a small positive width is kept, so that the map stays
/// increasing.
pub fn display(anomaly_score: f64, threshold: f64, median: f64) -> f64 {
    let smallest = 1e-6 * threshold.abs().max(f64::MIN_POSITIVE.sqrt());
    let width = (threshold - median).max(smallest);
    let odds = (1.0 - MEDIAN_DISPLAY) / MEDIAN_DISPLAY;
    1.0 / (1.0 + odds.powf((threshold - anomaly_score) / width))
}

/// Values of a map between black and the heat map's full colour. Without a calibration, up to a quarter of the
/// range of values, which does not change from image to image either.
pub fn heat_map_range(calibration: Option<&Calibration>) -> Range<f32> {
    calibration.map_or(0.0..0.5, |calibration| {
        calibration.heat_map_floor as f32..calibration.heat_map_scale as f32
    })
}

/// A threshold at the lowest normal score would call nearly all normal images anomalous: if all scores
/// are the same, it is set just above them.
fn above_the_minimum(threshold: f64, scores: Quantiles) -> f64 {
    if threshold > scores.min {
        threshold
    } else {
        rounded(scores.max + 1e-6 * scores.max.abs().max(1e-7))
    }
}

/// Nine significant digits, more than the networks' f32 have: such short numbers pass through any JSON
/// reader without loss.
pub(crate) fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

impl Quantiles {
    fn of(values: &[f64]) -> Result<Self, MetricError> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |q| quantile(&sorted, q).map(rounded);
        Ok(Self {
            min: at(0.0)?,
            q01: at(0.01)?,
            q05: at(0.05)?,
            q25: at(0.25)?,
            median: at(0.5)?,
            q75: at(0.75)?,
            q95: at(0.95)?,
            q99: at(0.99)?,
            max: at(1.0)?,
        })
    }

    /// Name and value of each, from the smallest.
    pub fn entries(&self) -> [(&'static str, f64); 9] {
        [
            ("minimum", self.min),
            ("1 %", self.q01),
            ("5 %", self.q05),
            ("25 %", self.q25),
            ("median", self.median),
            ("75 %", self.q75),
            ("95 %", self.q95),
            ("99 %", self.q99),
            ("maximum", self.max),
        ]
    }

    fn is_increasing(&self) -> bool {
        let values = self.entries().map(|(_, value)| value);
        values.iter().all(|v| v.is_finite()) && values.windows(2).all(|pair| pair[0] <= pair[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scores(values: &[f64]) -> Vec<RawScore> {
        values
            .iter()
            .map(|&v| RawScore {
                anomaly_score: v,
                residual: v,
                latent: Some(v),
                marks: None,
            })
            .collect()
    }

    fn fit(values: &[f64]) -> Calibration {
        Calibration::fit(&scores(values), &[0.1, 0.2], 0.99).expect("finite scores")
    }

    #[test]
    fn the_threshold_is_the_quantile() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        let calibration = fit(&values);
        assert!((calibration.threshold - 99.0).abs() < 1e-9);
        assert_eq!(calibration.anomaly_score.median, 50.0);
        assert_eq!(calibration.verdict(99.5), Verdict::Anomalous);
        assert_eq!(calibration.verdict(99.0), Verdict::Normal);
    }

    #[test]
    fn equal_normals_stay_normal() {
        for value in [0.0, 0.25, 1e-9] {
            let calibration = fit(&[value; 5]);
            assert!(calibration.threshold > value, "{value}");
            assert_eq!(calibration.verdict(value), Verdict::Normal);
            assert!(calibration.display(value) < 0.5);
        }
    }

    #[test]
    fn nothing_or_nan_is_refused() {
        assert_eq!(
            Calibration::fit(&[], &[0.1], 0.99),
            Err(CalibrationError::Empty)
        );
        let nan = Calibration::fit(&scores(&[0.1, f64::NAN]), &[0.1], 0.99);
        assert!(matches!(
            nan,
            Err(CalibrationError::NotFinite { index: 1, .. })
        ));
        for quantile in [0.0, 1.0, f64::NAN] {
            let result = Calibration::fit(&scores(&[0.1]), &[0.1], quantile);
            assert!(matches!(result, Err(CalibrationError::Quantile(_))));
        }
    }

    #[test]
    fn a_contradictory_file_is_refused() {
        let mut calibration = fit(&[0.1, 0.2, 0.3]);
        assert_eq!(calibration.check(), Ok(()));
        calibration.heat_map_scale = 0.0;
        assert!(calibration.check().is_err());
        calibration = fit(&[0.1, 0.2, 0.3]);
        calibration.anomaly_score.median = 7.0;
        assert!(calibration.check().is_err());
    }

    proptest! {
        #[test]
        fn half_is_the_threshold_and_the_map_increases(
            values in prop::collection::vec(0.0..1.0_f64, 2..200),
            a in 0.0..2.0_f64,
            b in 0.0..2.0_f64,
        ) {
            let calibration = fit(&values);
            let t = calibration.threshold;
            prop_assert!((calibration.display(t) - 0.5).abs() < 1e-12);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(calibration.display(low) <= calibration.display(high));
            prop_assert!((0.0..=1.0).contains(&calibration.display(a)));
            prop_assert!(t > calibration.anomaly_score.min);
            prop_assert!(calibration.check().is_ok());
        }

        #[test]
        fn the_order_of_the_normals_does_not_matter(
            mut values in prop::collection::vec(0.0..1.0_f64, 2..100),
        ) {
            let forward = fit(&values);
            values.reverse();
            prop_assert_eq!(forward, fit(&values));
        }
    }
}
