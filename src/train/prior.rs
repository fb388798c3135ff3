//! z drawn from the prior N(0, 1), on the host: the same numbers on every device.

use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Samples vectors.
///
/// # Shapes
/// - returns `[n, features]`
pub(crate) fn sample_prior(
    random: &mut ChaCha8Rng,
    [n, features]: [usize; 2],
    device: &Device,
) -> Tensor<2> {
    let values: Vec<f32> = StandardNormal
        .sample_iter(random)
        .take(n * features)
        .collect();
    Tensor::from_data(TensorData::new(values, [n, features]), device)
}
