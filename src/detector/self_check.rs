//! Built-in images whose scores are stored with a model: a device that gives others is not trusted.

use super::{Detector, score_batch};
use crate::calibration::rounded;
use crate::data::image::Preprocessing;
use crate::model_file::SelfCheck;
use crate::nn::tensors::TensorError;
use crate::score::RawScore;

/// Built-in images that are scored: a search for the nearest may be wrong for some and right for others.
const IMAGES: usize = 4;

/// The built-in images: smooth waves of several strengths and brightnesses, the same on every machine.
///
/// # Shapes
/// - returns `[count, c, size, size]`, in `[-1, 1]`
pub fn self_check_images(preprocessing: &Preprocessing, count: usize) -> Vec<f32> {
    let Preprocessing { size, channels, .. } = *preprocessing;
    // A triangle wave is exact in f32; a sine may differ between mathematics libraries.
    let triangle = |position: usize, period: usize| {
        let phase = position % period;
        let rising = phase.min(period - phase) as f32 / (period / 2) as f32;
        2.0 * rising - 1.0
    };
    let strength_and_brightness = [(1.0, 0.0), (-0.5, 0.25), (0.25, -0.5), (0.125, 0.5)];
    (0..count * channels * size * size)
        .map(|i| {
            let (k, i) = (i / (channels * size * size), i % (channels * size * size));
            let (c, y, x) = (i / (size * size), i / size % size, i % size);
            let (strength, brightness) = strength_and_brightness[k % IMAGES];
            // Beyond the first few, images differ by a shift.
            let (x, y) = (x + k / IMAGES, y + k / IMAGES);
            let wave = 0.5 * triangle(x + 3 * c, 16) + 0.5 * triangle(y, 8 + 4 * c);
            strength * wave + brightness
        })
        .collect()
}

/// Tolerance of a stored self check, relative to its scores.
const TOLERANCE: f64 = 1e-3;

/// Scores the built-in images, to be stored with the model or compared with what is stored. Where a method
/// optimises a code for each image, one of them must do.
///
/// # Errors
/// If the device cannot be read, or a score is not finite.
pub async fn self_check(detector: &dyn Detector) -> Result<SelfCheck, TensorError> {
    let count = match detector.latent_steps() {
        Some(_) => 1,
        None => IMAGES,
    };
    let images = self_check_images(detector.preprocessing(), count);
    let scored = score_batch(detector, &images).await?;
    let scores: Vec<RawScore> = scored
        .iter()
        .map(|scored| RawScore {
            anomaly_score: rounded(scored.raw.anomaly_score),
            residual: rounded(scored.raw.residual),
            latent: scored.raw.latent.map(rounded),
            marks: scored.raw.marks.map(rounded),
        })
        .collect();
    // A file could not hold it: JSON has no such numbers.
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(TensorError::Overflow);
    }
    Ok(SelfCheck {
        anomaly_score: scores[0].anomaly_score,
        tolerance: TOLERANCE,
        scores,
    })
}

/// A score that a device should not have given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{part} of built-in image {image} is {got}, expected {expected} within {tolerance}")]
pub struct Mismatch {
    /// Which score: A, R or L.
    pub part: &'static str,
    /// Which image, from 1.
    pub image: usize,
    /// What it should be.
    pub expected: f64,
    /// What the device gave.
    pub got: f64,
    /// Largest difference that is accepted.
    pub tolerance: f64,
}

impl SelfCheck {
    /// Whether the check holds all that a score is made of. Files of earlier programs hold A of one
    /// image: with λ 0 that says nothing of the reconstruction.
    pub fn is_complete(&self) -> bool {
        !self.scores.is_empty()
    }

    /// Compares what a device gave for the built-in images with what this check holds. A and R may be
    /// off by `tolerance` of themselves; L by `tolerance` of itself or of A, whichever is larger, since a
    /// difference of nearly equal features is mostly rounding.
    ///
    /// # Errors
    /// [`Mismatch`], the first that is found. A number that is not finite never matches.
    pub fn compare(&self, got: &Self) -> Result<(), Mismatch> {
        let close = |part, image, expected: f64, got: f64, scale: f64| {
            let tolerance = rounded(self.tolerance * scale);
            match (got - expected).abs() <= tolerance {
                true => Ok(()),
                false => Err(Mismatch {
                    part,
                    image,
                    expected,
                    got,
                    tolerance,
                }),
            }
        };
        let of_first = self.anomaly_score;
        close(
            "the anomaly score",
            1,
            of_first,
            got.anomaly_score,
            of_first.abs(),
        )?;
        for (number, expected) in (1..).zip(&self.scores) {
            let missing = RawScore {
                anomaly_score: f64::NAN,
                residual: f64::NAN,
                latent: None,
                marks: None,
            };
            let got = got.scores.get(number - 1).unwrap_or(&missing);
            let got_marks = got.marks;
            let (a, r) = (expected.anomaly_score, expected.residual);
            close("the anomaly score", number, a, got.anomaly_score, a.abs())?;
            close("the residual R", number, r, got.residual, r.abs())?;
            if let Some(l) = expected.latent {
                let scale = l.abs().max(a.abs());
                let got = got.latent.unwrap_or(f64::NAN);
                close("the latent score L", number, l, got, scale)?;
            }
            if let Some(m) = expected.marks {
                let scale = m.abs().max(a.abs());
                let got = got_marks.unwrap_or(f64::NAN);
                close("the marks M", number, m, got, scale)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check() -> SelfCheck {
        let score = |anomaly_score, residual, latent| RawScore {
            anomaly_score,
            residual,
            latent: Some(latent),
            marks: None,
        };
        SelfCheck {
            anomaly_score: 2.0,
            tolerance: 1e-3,
            scores: vec![score(2.0, 0.1, 2.0), score(3.0, 0.2, 1e-6)],
        }
    }

    #[test]
    fn every_part_of_every_image_counts() {
        let stored = check();
        assert_eq!(stored.compare(&stored), Ok(()));
        let differs = |edit: &dyn Fn(&mut SelfCheck)| {
            let mut got = check();
            edit(&mut got);
            stored.compare(&got).expect_err("a mismatch")
        };
        let found = differs(&|got| got.scores[1].residual = 0.201);
        assert_eq!((found.part, found.image), ("the residual R", 2));
        let found = differs(&|got| got.scores[0].latent = Some(2.1));
        assert_eq!((found.part, found.image), ("the latent score L", 1));
        let found = differs(&|got| got.scores[1].anomaly_score = f64::NAN);
        assert_eq!((found.part, found.image), ("the anomaly score", 2));
        assert!(differs(&|got| got.anomaly_score = 1.9).got < 1.95);
        // What is missing is not taken for right.
        differs(&|got| got.scores.truncate(1));
        differs(&|got| got.scores[0].latent = None);
        // A small L beside a large A is rounding.
        let mut got = check();
        got.scores[1].latent = Some(2e-6);
        assert_eq!(stored.compare(&got), Ok(()));
    }

    #[test]
    fn a_check_of_one_score_is_read_and_compared() {
        let old = r#"{"anomaly_score":2.0,"tolerance":0.001}"#;
        let old: SelfCheck = serde_json::from_str(old).expect("a check of an earlier program");
        assert!(!old.is_complete() && check().is_complete());
        assert_eq!(old.compare(&check()), Ok(()));
    }

    #[test]
    fn the_first_image_is_that_of_earlier_programs() {
        let preprocessing = Preprocessing::new(32, 3);
        let all = self_check_images(&preprocessing, 9);
        let one = self_check_images(&preprocessing, 1);
        assert_eq!(all[..one.len()], one);
        assert_eq!((one[0], one[5], one[32]), (-1.0, -0.375, -0.75));
        assert!(all.iter().all(|value| (-1.0..=1.0).contains(value)));
        let images: Vec<&[f32]> = all.chunks_exact(one.len()).collect();
        for (k, image) in images.iter().enumerate() {
            assert!(!images[..k].contains(image), "image {k} is there already");
        }
    }
}
