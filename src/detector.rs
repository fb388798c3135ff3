//! What every method meets: pictures in, reconstructions and raw scores out.
//!
//! A method's file under `detector/` reads like its paper. To add one, write that file and its line
//! in [`Method`] and [`load`].

pub mod nearest;
pub mod pca;
pub mod skip_ganomaly;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::calibration::{Calibration, CalibrationError};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring, SelfCheck};
use crate::nn::tensors::{Reader, TensorError};
use crate::score::{RawScore, residual_map};

/// The methods that models come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Akçay et al. 2019.
    SkipGanomaly,
    /// Principal components, residual norm.
    Pca,
    /// Distance to the nearest training picture.
    Nearest,
}

impl Method {
    /// Its name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SkipGanomaly => "skip-ganomaly",
            Self::Pca => "pca",
            Self::Nearest => "nearest",
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a method computes for a batch, still on the device.
pub struct Measurement {
    /// Reconstructions, `[n, c, size, size]`.
    pub x_hat: Tensor<4>,
    /// Features f(x) and f(x̂), each `[n, features]`, where the method has them.
    pub features: Option<(Tensor<2>, Tensor<2>)>,
}

/// A trained method.
pub trait Detector: Sync {
    /// Which one.
    fn method(&self) -> Method;

    /// From a picture to its input.
    fn preprocessing(&self) -> &Preprocessing;

    /// Number of learnt values.
    fn parameters(&self) -> usize;

    /// Where its weights are.
    fn device(&self) -> Device;

    /// Reconstructs a batch in inference mode.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    fn measure(&self, x: Tensor<4>) -> Measurement;

    /// Scores one picture from its values, its reconstruction and, where there are, its features.
    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore;
}

/// Pictures that are scored together where there are many; no score depends on it.
pub(crate) const SCORED_AT_ONCE: usize = 64;

/// Pixel residuals that the heat map's scale is taken from, at most: enough for its quantile.
const SCALE_PIXELS: usize = 4_000_000;

/// One scored picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// A, R, L.
    pub raw: RawScore,
    /// Reconstruction, `[c, size, size]`.
    pub x_hat: Vec<f32>,
    /// |x - x̂| at each pixel, `[size, size]`.
    pub residual_map: Vec<f32>,
}

/// Scores pictures that are prepared already.
///
/// # Shapes
/// - `values`: `[n, c, size, size]` as one slice, `n` at least 1
///
/// # Errors
/// If the device cannot be read.
///
/// # Panics
/// If `values` is empty or no whole number of pictures.
pub async fn score_batch(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Vec<Scored>, TensorError> {
    let Preprocessing { size, channels, .. } = *detector.preprocessing();
    let length = channels * size * size;
    assert!(
        !values.is_empty() && values.len().is_multiple_of(length),
        "expected whole pictures of {length} values, got {} values",
        values.len()
    );
    let n = values.len() / length;
    let data = TensorData::new(values.to_vec(), [n, channels, size, size]);
    let measured = detector.measure(Tensor::from_data(data, &detector.device()));

    let mut reader = Reader::new().tensor("x_hat", measured.x_hat);
    if let Some((f, f_hat)) = measured.features {
        reader = reader.tensor("f", f).tensor("f_hat", f_hat);
    }
    let read = reader.read().await?;
    let rows = |name: &str| {
        read.get(name)
            .map(|t| t.values.chunks_exact(t.values.len() / n))
    };
    let x_hats = rows("x_hat").into_iter().flatten();
    let mut features = rows("f")
        .into_iter()
        .flatten()
        .zip(rows("f_hat").into_iter().flatten());
    Ok(values
        .chunks_exact(length)
        .zip(x_hats)
        .map(|(x, x_hat)| Scored {
            raw: detector.score(x, x_hat, features.next()),
            x_hat: x_hat.to_vec(),
            residual_map: residual_map(x, x_hat, channels),
        })
        .collect())
}

/// As [`score_batch`], with the batch dealt out to all threads: for the CPU, whose convolutions leave
/// threads idle within a batch.
///
/// # Errors
/// As [`score_batch`].
///
/// # Panics
/// As [`score_batch`].
#[cfg(feature = "cli")]
pub fn score_on_all_threads(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Vec<Scored>, TensorError> {
    use rayon::prelude::*;
    let length = detector.preprocessing().values();
    let pictures = (values.len() / length).div_ceil(rayon::current_num_threads());
    let parts: Vec<Vec<Scored>> = values
        .par_chunks(pictures.max(1) * length)
        .map(|part| pollster::block_on(score_batch(detector, part)))
        .collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// Puts a model file's weights on a device.
///
/// # Errors
/// If a tensor is missing, of another shape or not finite, or the method is not one that this crate
/// reads from files.
pub fn load(file: &ModelFile, device: &Device) -> Result<Box<dyn Detector>, LoadError> {
    match file.header.method {
        Method::SkipGanomaly => Ok(Box::new(skip_ganomaly::SkipGanomaly::from_file(
            file, device,
        )?)),
        method @ (Method::Pca | Method::Nearest) => Err(LoadError::Method(method)),
    }
}

/// Why a model file's weights are not usable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The method is fitted where it is used.
    #[error("models of the method {0} are not kept in files; expected skip-ganomaly")]
    Method(Method),
    /// A tensor does not fit.
    #[error("the model's weights do not fit its header: {0}")]
    Tensor(#[from] TensorError),
}

/// Why a model could not be calibrated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The scores are not usable.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The device failed.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Calibrates a detector on held-out normals; also returns their scores.
///
/// # Shapes
/// - `held_out`: `[n, c, size, size]` as one slice
///
/// # Errors
/// If there is no picture, a score is not finite, or the device fails.
pub async fn calibrate(
    detector: &dyn Detector,
    held_out: &[f32],
    threshold_quantile: f64,
) -> Result<(Calibration, Vec<Scored>), FitError> {
    let Preprocessing { size, channels, .. } = *detector.preprocessing();
    let mut scored = Vec::new();
    for batch in held_out.chunks(SCORED_AT_ONCE * channels * size * size) {
        scored.extend(score_batch(detector, batch).await?);
    }
    let raw: Vec<RawScore> = scored.iter().map(|s| s.raw).collect();
    let pixels = scored.iter().flat_map(|s| &s.residual_map).copied();
    let every = 1 + held_out.len() / channels / SCALE_PIXELS;
    let pixels: Vec<f32> = pixels.step_by(every).collect();
    let calibration = Calibration::fit(&raw, &pixels, threshold_quantile)?;
    Ok((calibration, scored))
}

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

/// A = λ R + (1 - λ) L with the file's λ and R.
pub(crate) fn paper_score(
    scoring: &Scoring,
    x: &[f32],
    x_hat: &[f32],
    (f, f_hat): (&[f32], &[f32]),
) -> RawScore {
    let residual = crate::score::residual(scoring.residual, x, x_hat);
    let latent = crate::score::latent(f, f_hat);
    RawScore {
        anomaly_score: crate::score::anomaly_score(scoring.lambda, residual, latent),
        residual,
        latent: Some(latent),
    }
}
