//! The leading principal directions of rows, for PCA and for the memory bank.

use burn::tensor::{Tensor, TensorData};

use crate::nn::tensors::{Reader, TensorError};

/// Rounds of the orthogonal iteration, after which the residual norm of real images no longer changes.
const ROUNDS: usize = 30;

/// Additional directions in the iteration, which speed up the convergence of the last wanted ones.
const SPARE: usize = 8;

/// The leading principal directions of centred rows, by orthogonal iteration on the covariance; fewer if
/// the rows have fewer.
///
/// # Shapes
/// - `x`: `[n, values]`
/// - returns `[values, components]`, orthonormal columns, the strongest first
///
/// # Errors
/// If the device cannot be read.
pub(super) async fn leading_directions(
    x: &Tensor<2>,
    components: usize,
) -> Result<Tensor<2>, TensorError> {
    let [n, values] = x.dims();
    let components = components.min(n).min(values);
    let carried = (components + SPARE).min(n).min(values);
    let x_t = x.clone().transpose();
    // Starts from rows of the data, to which none of its directions is orthogonal.
    let stride = n / carried;
    let start = (0..carried)
        .map(|k| x.clone().narrow(0, k * stride, 1))
        .collect();
    let mut basis = orthonormal(Tensor::cat(start, 0).transpose()).await?;
    for _ in 0..ROUNDS {
        basis = orthonormal(x_t.clone().matmul(x.clone().matmul(basis))).await?;
    }
    Ok(basis.narrow(1, 0, components))
}

/// Gram and Schmidt on the host in f64, twice for accuracy.
async fn orthonormal(columns: Tensor<2>) -> Result<Tensor<2>, TensorError> {
    let device = columns.device();
    let [length, count] = columns.dims();
    let read = Reader::new()
        .tensor("columns", columns.transpose())
        .read()
        .await?;
    let values = &read["columns"].values;
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    for column in values.chunks_exact(length) {
        let mut column: Vec<f64> = column.iter().map(|&v| f64::from(v)).collect();
        for _ in 0..2 {
            for direction in &basis {
                let along: f64 = column.iter().zip(direction).map(|(a, b)| a * b).sum();
                column
                    .iter_mut()
                    .zip(direction)
                    .for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = column.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A direction that the data do not have stays zero and explains nothing.
        let scale = if norm > 1e-9 { 1.0 / norm } else { 0.0 };
        column.iter_mut().for_each(|v| *v *= scale);
        basis.push(column);
    }
    let flat: Vec<f32> = basis.into_iter().flatten().map(|v| v as f32).collect();
    let rows = Tensor::<2>::from_data(TensorData::new(flat, [count, length]), &device);
    Ok(rows.transpose())
}
