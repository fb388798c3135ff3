//! The downward path that discriminators and encoders share: convolutions that halve the side and double
//! the width until 4 × 4 pixels are left.

use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::activation::leaky_relu;
use super::init::Initialiser;
use super::level::{Level, chain};
use super::{Architecture, Mode, conv_down};

/// Channels after each step: 1, 2, 4, … times the base width.
pub(crate) fn widths(architecture: &Architecture, width: usize) -> Vec<usize> {
    (0..architecture.levels() - 2).map(|k| width << k).collect()
}

/// Channels at 4 × 4.
pub(crate) fn widest(architecture: &Architecture, width: usize) -> usize {
    width << (architecture.levels() - 3)
}

/// The steps from the image to 4 × 4: convolution, batch norm (not in the first), LeakyReLU.
pub(crate) fn build(
    architecture: &Architecture,
    width: usize,
    init: &mut Initialiser,
) -> Vec<Level<Conv2d>> {
    let level = |(level, (input, output))| {
        let conv = conv_down(input, output, init);
        match level {
            0 => Level::plain(conv),
            _ => Level::normalised(conv, init),
        }
    };
    chain(architecture.channels, widths(architecture, width))
        .enumerate()
        .map(level)
        .collect()
}

/// `visit` sees the output of each step, in order.
///
/// # Shapes
/// - `x`: `[n, c, size, size]`
/// - returns `[n, widest, 4, 4]`
pub(crate) fn forward(
    pyramid: &[Level<Conv2d>],
    x: Tensor<4>,
    mode: Mode,
    mut visit: impl FnMut(&Tensor<4>),
) -> Tensor<4> {
    let mut h = x;
    for level in pyramid {
        h = leaky_relu(level.forward(h, mode), mode); // [n, width << level, side / 2, side / 2]
        visit(&h);
    }
    h
}
