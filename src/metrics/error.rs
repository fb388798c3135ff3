//! Why a metric has no value.

/// Why a metric has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// Scores and labels do not pair up.
    #[error("expected one label per score, got {scores} scores and {labels} labels")]
    Lengths {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A score is not a number, or is infinite where that has no meaning.
    #[error("expected a finite number at index {index}, got {value}")]
    NotFinite {
        /// Where.
        index: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// Nothing to compare.
    #[error("expected normal and abnormal scores, got {normals} normal and {abnormal} abnormal")]
    OneClass {
        /// Number of normal scores.
        normals: usize,
        /// Number of abnormal scores.
        abnormal: usize,
    },
    /// A quantile of nothing.
    #[error("expected at least one value, got none")]
    Empty,
    /// A quantile outside 0..=1.
    #[error("expected a quantile from 0 to 1, got {0}")]
    Quantile(f64),
    /// A rate outside 0..=1, or a limit of 0, which leaves no area.
    #[error("expected a rate from 0 to 1, got {0}")]
    Rate(f64),
    /// A threshold that is not a number, or infinite.
    #[error("expected a finite threshold, got {0}")]
    Threshold(f64),
    /// A bootstrap without samples.
    #[error("expected at least one resample, got none")]
    NoResamples,
    /// A value of a map is not a number or infinite.
    #[error("expected a finite number at pixel {pixel} of map {map}, got {value}")]
    NotFinitePixel {
        /// Which map.
        map: usize,
        /// Which of its pixels, row by row.
        pixel: usize,
        /// NaN or an infinity.
        value: f32,
    },
}

pub(super) fn check_lengths(scores: &[f64], abnormal: &[bool]) -> Result<(), MetricError> {
    if scores.len() == abnormal.len() {
        Ok(())
    } else {
        Err(MetricError::Lengths {
            scores: scores.len(),
            labels: abnormal.len(),
        })
    }
}

pub(super) fn check_finite(values: &[f64]) -> Result<(), MetricError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(MetricError::NotFinite {
            index,
            value: values[index],
        }),
        None => Ok(()),
    }
}
