//! A built-in picture whose score is stored with a model: a device that gives another is not trusted.

use super::{Detector, score_batch};
use crate::data::image::Preprocessing;
use crate::model_file::SelfCheck;
use crate::nn::tensors::TensorError;

/// The built-in picture of the self check: smooth waves, the same on every machine.
///
/// # Shapes
/// - returns `[c, size, size]`, in `[-1, 1]`
pub fn self_check_picture(preprocessing: &Preprocessing) -> Vec<f32> {
    let Preprocessing { size, channels, .. } = *preprocessing;
    // A triangle wave is exact in f32; a sine may differ between mathematics libraries.
    let triangle = |position: usize, period: usize| {
        let phase = position % period;
        let rising = phase.min(period - phase) as f32 / (period / 2) as f32;
        2.0 * rising - 1.0
    };
    (0..channels * size * size)
        .map(|i| {
            let (c, y, x) = (i / (size * size), i / size % size, i % size);
            0.5 * triangle(x + 3 * c, 16) + 0.5 * triangle(y, 8 + 4 * c)
        })
        .collect()
}

/// Tolerance of a stored self check, relative to its score.
const SELF_CHECK_TOLERANCE: f64 = 1e-3;

/// Scores the built-in picture, to be stored with the model.
///
/// # Errors
/// If the device cannot be read.
pub async fn self_check(detector: &dyn Detector) -> Result<SelfCheck, TensorError> {
    let picture = self_check_picture(detector.preprocessing());
    let scored = score_batch(detector, &picture).await?;
    Ok(SelfCheck {
        anomaly_score: crate::calibration::rounded(scored[0].raw.anomaly_score),
        tolerance: SELF_CHECK_TOLERANCE,
    })
}

impl SelfCheck {
    /// Whether a device that gives `got` for the built-in picture can be trusted.
    pub fn passes(&self, got: f64) -> bool {
        (got - self.anomaly_score).abs() <= self.tolerance * self.anomaly_score.abs()
    }
}
