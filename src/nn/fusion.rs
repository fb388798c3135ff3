//! Networks rewritten for scoring: the same function in fewer operations.
//!
//! Two exact rewritings. Batch norm with fixed statistics is a scale and a shift of each channel, which
//! the layer before it can absorb. And of a 4 × 4 kernel with padding 1 at the bottleneck only the
//! middle 2 × 2 ever meets a pixel, the rim meets padding.

use burn::module::Param;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::Tensor;

use super::batch_norm::BatchNorm;
use super::convolution::middle;

/// The weight and the bias of a layer without bias that does its batch norm's work; `outputs` is the axis of
/// the weight that the layer's outputs lie on.
pub(crate) fn absorbed<const D: usize>(
    weight: &Param<Tensor<D>>,
    norm: &BatchNorm,
    outputs: usize,
) -> (Param<Tensor<D>>, Param<Tensor<1>>) {
    let (scale, shift) = norm.scale_and_shift();
    let mut shape = [1; D];
    shape[outputs] = scale.dims()[0];
    let weight = weight.val() * scale.reshape(shape);
    (Param::from_tensor(weight), Param::from_tensor(shift))
}

/// Fully connected layer, then norm where there is one, as one such layer.
pub(crate) fn fuse_linear(mut linear: Linear, norm: Option<BatchNorm>) -> Linear {
    if let Some(norm) = norm {
        let (weight, bias) = absorbed(&linear.weight, &norm, 1);
        (linear.weight, linear.bias) = (weight, Some(bias));
    }
    linear
}

/// The convolution from 2 × 2 to 1 × 1 without the kernel's rim.
pub(crate) fn trim(mut conv: Conv2d) -> Conv2d {
    conv.weight = Param::from_tensor(middle(conv.weight.val()));
    conv.kernel_size = [2; 2];
    conv.stride = [1; 2];
    conv.padding = PaddingConfig2d::Valid;
    conv
}

/// The transposed convolution from 1 × 1 to 2 × 2 without the kernel's rim.
pub(crate) fn trim_transposed(mut conv: ConvTranspose2d) -> ConvTranspose2d {
    conv.weight = Param::from_tensor(middle(conv.weight.val()));
    conv.kernel_size = [2; 2];
    conv.stride = [1; 2];
    conv.padding = [0; 2];
    conv
}
