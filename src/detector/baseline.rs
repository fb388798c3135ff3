//! What PCA and the nearest neighbour share: images as rows, and the residual's norm as the score.

use burn::tensor::{Device, Tensor, TensorData};

use crate::data::image::Preprocessing;
use crate::score::RawScore;

/// Images as rows, `[n, values]`.
pub(super) fn rows(pictures: &[f32], preprocessing: &Preprocessing, device: &Device) -> Tensor<2> {
    let length = preprocessing.values();
    assert!(
        !pictures.is_empty() && pictures.len().is_multiple_of(length),
        "expected whole images of {length} values, got {} values",
        pictures.len()
    );
    let shape = [pictures.len() / length, length];
    Tensor::from_data(TensorData::new(pictures.to_vec(), shape), device)
}

/// A = R = ‖x - x̂‖₂ / √values: the root of the mean square.
pub(super) fn residual_norm(x: &[f32], x_hat: &[f32]) -> RawScore {
    let norm = crate::score::residual(crate::score::Residual::L2, x, x_hat, 1).sqrt();
    RawScore {
        anomaly_score: norm,
        residual: norm,
        latent: None,
        marks: None,
    }
}
