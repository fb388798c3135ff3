//! A memory bank of normal images: how far an image's encoding is from the nearest stored one.
//!
//! The encoding consists of the features of the generator's encoder at 4 × 4 pixels and below. Each layer
//! is scaled to the same spread, the whole is projected onto its principal directions, and each direction
//! is divided by the root of its deviation: half of a whitening, so that neither the few strong
//! directions nor the many weak ones dominate. Of many encodings, a [`coreset`] is stored.
//!
//! Source: ours. Memory banks of normal encodings go back to nearest-neighbour detectors; Roth et al.
//! 2022 (PatchCore) store a pretrained network's features. This one stores those of the trained GAN.

use burn::tensor::{Device, Tensor, TensorData};

use super::coreset::coreset;
use super::principal::leading_directions;
use super::scoring::SCORED_AT_ONCE;
use super::{CalibrateError, Detector, Progress};
use crate::data::batch::evenly_spread;
use crate::data::pictures::Pictures;
use crate::model_file::{MEMORY, MEMORY_IMAGES, ModelFile, Precision};
use crate::nn::convolution::{as_kernel, row_by_row};
use crate::nn::tensors::{HostTensor, NamedTensors, Reader, TensorError, stored};
use crate::platform::yield_now;

/// Names of the tensors in a file: `[encoding, components]`, `[1, components]` and
/// `[stored, components]`.
const PROJECTION: &str = "memory.projection";
const OFFSET: &str = "memory.offset";
const PICTURES: &str = MEMORY_IMAGES;

/// Directions that are kept.
const COMPONENTS: usize = 64;

/// Largest number of training images that a memory bank is built from.
pub(super) const CAPACITY: usize = 6_000;

/// Largest number of stored encodings: docs/method.md shows how it was chosen.
const STORED: usize = 1_024;

/// The stored encodings, ready for the nearest-neighbour lookup.
pub(super) struct MemoryBank {
    /// `[components, encoding, 1, 1]`
    projection: Tensor<4>,
    /// `[1, components]`
    offset: Tensor<2>,
    /// `[stored, components]`
    pictures: Tensor<2>,
    /// ‖p‖² of each stored encoding, `[1, stored]`
    squares: Tensor<2>,
}

impl MemoryBank {
    /// Reads the memory bank of a model whose encoder gives `encoding` values; `None` if the model has
    /// not been calibrated yet.
    ///
    /// # Errors
    /// If a tensor is missing beside the others, of another shape, or not finite.
    pub(super) fn from_file(
        file: &ModelFile,
        encoding: usize,
        device: &Device,
    ) -> Result<Option<Self>, TensorError> {
        if !file.tensors.keys().any(|name| name.starts_with(MEMORY)) {
            return Ok(None);
        }
        let fits = |[rows, columns]: [usize; 2]| rows == encoding && columns > 0;
        let projection = stored(&file.tensors, PROJECTION, fits, device)?;
        let components = projection.dims()[1];
        let offset = stored(&file.tensors, OFFSET, |s| s == [1, components], device)?;
        let fits = |[n, columns]: [usize; 2]| n > 0 && columns == components;
        let pictures = stored(&file.tensors, PICTURES, fits, device)?;
        Ok(Some(Self {
            squares: pictures.clone().square().sum_dim(1).transpose(),
            projection: as_kernel(projection),
            offset,
            pictures,
        }))
    }

    /// Half-whitened components of encodings.
    ///
    /// # Shapes
    /// - `encoding`: `[n, encoding]`
    /// - returns `[n, components]`
    fn project(&self, encoding: Tensor<2>) -> Tensor<2> {
        row_by_row(encoding, self.projection.clone(), None) - self.offset.clone()
    }

    /// Projected encodings and, for each, the nearest stored one.
    ///
    /// # Shapes
    /// - `encoding`: `[n, encoding]`
    /// - both returned: `[n, components]`
    pub(super) fn nearest(&self, encoding: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let n = encoding.dims()[0];
        let e = self.project(encoding);
        // ‖e - p‖² = ‖e‖² - 2 e·p + ‖p‖²; ‖e‖² does not change which p is nearest.
        let products = e.clone().matmul(self.pictures.clone().transpose());
        let distances = self.squares.clone() - products.mul_scalar(2.0);
        let nearest = distances.argmin(1).reshape([n]);
        (e, self.pictures.clone().select(0, nearest))
    }
}

/// Removes the memory bank from a model.
pub(super) fn forget(tensors: &mut NamedTensors) {
    tensors.retain(|name, _| !name.starts_with(MEMORY));
}

/// Builds a memory bank from training images, evenly spread over them if there are many.
///
/// # Errors
/// If the method has no encoder, there is no image, one cannot be read, or the device fails.
pub(super) async fn learn(
    detector: &dyn Detector,
    pictures: &dyn Pictures,
    training: &[usize],
    progress: &mut dyn Progress,
) -> Result<NamedTensors, CalibrateError> {
    let chosen = evenly_spread(training, CAPACITY);
    let count = chosen.len();
    let layers = detector.encoding_layers();
    if layers.is_empty() || chosen.is_empty() {
        return Err(CalibrateError::Memory {
            method: detector.method(),
            pictures: chosen.len(),
        });
    }
    let length: usize = layers.iter().sum();
    let device = detector.device();
    let mut rows = Vec::with_capacity(count * length);
    for batch in chosen.chunks(SCORED_AT_ONCE) {
        let values = pictures.values(batch)?;
        let encoding = detector.encode(super::batch(detector, &values));
        let read = Reader::new().tensor("encoding", encoding).read().await?;
        rows.extend_from_slice(&read["encoding"].values);
        progress.images(batch.len());
        yield_now().await;
    }
    let scales = layer_scales(&rows, &layers);
    let matrix = |values: Vec<f32>, shape: [usize; 2]| {
        Tensor::<2>::from_data(TensorData::new(values, shape), &device)
    };
    let scaled = rows.iter().zip(scales.iter().cycle()).map(|(v, s)| v * s);
    let x = matrix(scaled.collect(), [count, length]);
    let x = x.clone() - x.mean_dim(0);
    let directions = leading_directions(&x, COMPONENTS).await?; // [encoding, components]
    let deviations = x.matmul(directions.clone()).square().mean_dim(0).sqrt(); // [1, components]
    let half_whitened = directions / deviations.clamp_min(1e-6).sqrt();
    let scales = matrix(scales, [length, 1]);
    let projection = half_whitened * scales;
    let projected = matrix(rows, [count, length]).matmul(projection.clone());
    let offset = projected.clone().mean_dim(0);
    let reader = Reader::new()
        .tensor(PROJECTION, projection)
        .tensor(PICTURES, projected - offset.clone())
        .tensor(OFFSET, offset);
    let mut memory = reader.read().await?;
    if let Some(HostTensor { shape, values }) = memory.get_mut(PICTURES) {
        // Choosing from rounded values, devices that round differently mostly choose the same.
        let components = shape[1];
        let encodings = rounded(std::mem::take(values));
        // Files store half precision, so the lookup uses the same values.
        *values = rounded(coreset(encodings, components, STORED).await);
        shape[0] = values.len() / components;
    }
    Ok(memory)
}

/// A factor for each value of an encoding: 1 over the root mean variance of its layer.
fn layer_scales(rows: &[f32], layers: &[usize]) -> Vec<f32> {
    let length: usize = layers.iter().sum();
    let count = (rows.len() / length) as f64;
    let (mut sums, mut squares) = (vec![0.0_f64; length], vec![0.0_f64; length]);
    for row in rows.chunks_exact(length) {
        for (at, &value) in row.iter().enumerate() {
            sums[at] += f64::from(value);
            squares[at] += f64::from(value).powi(2);
        }
    }
    let variance = |at: usize| (squares[at] / count - (sums[at] / count).powi(2)).max(0.0);
    let mut scales = Vec::with_capacity(length);
    for &layer in layers {
        let first = scales.len();
        let mean = (first..first + layer).map(variance).sum::<f64>() / layer as f64;
        // A layer that is constant over all images is left out.
        let scale = if mean > 1e-12 { 1.0 / mean.sqrt() } else { 0.0 };
        scales.resize(first + layer, scale as f32);
    }
    scales
}

/// Values rounded to half precision.
fn rounded(mut values: Vec<f32>) -> Vec<f32> {
    for value in &mut values {
        *value = Precision::F16.round(*value);
    }
    values
}
