//! From prepared images to scores, batch by batch.

use burn::tensor::{Tensor, TensorData};

use super::{Detector, Progress};
use crate::data::image::Preprocessing;
use crate::nn::tensors::{Reader, TensorError};
use crate::score::{RawScore, residual_map};

/// Number of images scored together; no score depends on it. A browser's worker receives messages in
/// between.
pub(crate) const SCORED_AT_ONCE: usize = if cfg!(target_family = "wasm") { 16 } else { 64 };

/// One scored image.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// A, R, L.
    pub raw: RawScore,
    /// Reconstruction, `[c, size, size]`.
    pub x_hat: Vec<f32>,
    /// How anomalous each pixel is, `[size, size]`: the marks in `[0, 1]` if the method marks, otherwise
    /// |x - x̂|.
    pub map: Vec<f32>,
}

/// Scores prepared images.
///
/// # Shapes
/// - `values`: `[n, c, size, size]` as one slice, `n` at least 1
///
/// # Errors
/// If the device cannot be read.
///
/// # Panics
/// If `values` is empty or not a whole number of images.
pub async fn score_batch(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Vec<Scored>, TensorError> {
    score_with_progress(detector, values, &mut ()).await
}

/// As [`score_batch`], reporting the progress of a latent optimisation.
///
/// # Errors
/// As [`score_batch`], and [`TensorError::Stopped`] if `progress` stops the optimisation.
///
/// # Panics
/// As [`score_batch`].
pub async fn score_with_progress(
    detector: &dyn Detector,
    values: &[f32],
    progress: &mut dyn Progress,
) -> Result<Vec<Scored>, TensorError> {
    let Preprocessing { channels, .. } = *detector.preprocessing();
    let length = detector.preprocessing().values();
    let inference = detector.infer(batch(detector, values));
    let inferred = inference.finish(progress).await?;
    let n = values.len() / length;

    let mut reader = Reader::new().tensor("x_hat", inferred.x_hat);
    if let Some((f, f_hat)) = inferred.features {
        reader = reader.tensor("f", f).tensor("f_hat", f_hat);
    }
    if let Some(marks) = inferred.marks {
        reader = reader.tensor("marks", marks);
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
    let mut marks = rows("marks").into_iter().flatten();
    Ok(values
        .chunks_exact(length)
        .zip(x_hats)
        .map(|(x, x_hat)| {
            let raw = detector.score(x, x_hat, features.next());
            let (raw, map) = match marks.next() {
                Some(marks) => (detector.with_marks(raw, marks), marks.to_vec()),
                None => (raw, residual_map(x, x_hat, channels)),
            };
            let x_hat = x_hat.to_vec();
            Scored { raw, x_hat, map }
        })
        .collect())
}

/// Prepared images as a batch on the detector's device.
pub(crate) fn batch(detector: &dyn Detector, values: &[f32]) -> Tensor<4> {
    let Preprocessing { size, channels, .. } = *detector.preprocessing();
    let length = detector.preprocessing().values();
    assert!(
        !values.is_empty() && values.len().is_multiple_of(length),
        "expected whole images of {length} values, got {} values",
        values.len()
    );
    let shape = [values.len() / length, channels, size, size];
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, &detector.device())
}

/// Features f(x) and f(x̂) of prepared images, each `[n, features]` as one vector; `None` if the method
/// has none.
pub(super) async fn features(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Option<(Vec<f32>, Vec<f32>)>, TensorError> {
    let inference = detector.infer(batch(detector, values));
    let Some((f, f_hat)) = inference.finish(&mut ()).await?.features else {
        return Ok(None);
    };
    let reader = Reader::new().tensor("f", f).tensor("f_hat", f_hat);
    let mut read = reader.read().await?;
    let mut take = |name| read.remove(name).map(|tensor| tensor.values);
    Ok(take("f").zip(take("f_hat")))
}

/// As [`score_batch`], with the batch distributed over all threads: for the CPU, whose convolutions leave
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
