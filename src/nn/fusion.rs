//! Networks rewritten for scoring: the same function in fewer operations.
//!
//! Two exact rewritings. Batch norm with fixed statistics is a scale and a shift of each channel, which
//! the layer before it can absorb. And of a 4 × 4 kernel with padding 1 at the bottleneck only the
//! middle 2 × 2 ever meets a pixel, the rim meets padding.

use burn::module::Param;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{Linear, PaddingConfig2d};

use super::batch_norm::BatchNorm;
use super::convolution::middle;

/// Fully connected layer, then norm where there is one, as one such layer.
pub(crate) fn fuse_linear(mut linear: Linear, norm: Option<BatchNorm>) -> Linear {
    if let Some(norm) = norm {
        let (weight, bias) = norm.absorbed_by(&linear.weight, 1);
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
