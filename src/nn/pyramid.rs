//! The downward path that discriminators and encoders share: convolutions that halve the side and double
//! the width until 4 × 4 pixels are left.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::activation::leaky_relu;
use super::convolution::convolve;
use super::inference::fold;
use super::init::Initialiser;
use super::{Architecture, BatchNorm, Mode, conv_down};

/// One step of the pyramid: convolution, batch norm (not in the first), LeakyReLU.
#[derive(Module, Debug)]
pub struct PyramidLevel {
    pub(crate) conv: Conv2d,
    pub(crate) norm: Option<BatchNorm>,
}

/// Channels after each step: 1, 2, 4, … times the base width.
pub(crate) fn widths(architecture: &Architecture, width: usize) -> Vec<usize> {
    (0..architecture.levels() - 2).map(|k| width << k).collect()
}

/// Channels at 4 × 4.
pub(crate) fn widest(architecture: &Architecture, width: usize) -> usize {
    width << (architecture.levels() - 3)
}

/// The steps from the image to 4 × 4.
pub(crate) fn build(
    architecture: &Architecture,
    width: usize,
    init: &mut Initialiser,
) -> Vec<PyramidLevel> {
    let mut input = architecture.channels;
    let level = |(level, output)| {
        let conv = conv_down(input, output, init);
        input = output;
        PyramidLevel {
            conv,
            norm: (level != 0).then(|| BatchNorm::new(output, init)),
        }
    };
    widths(architecture, width)
        .into_iter()
        .enumerate()
        .map(level)
        .collect()
}

/// Number of parameters of [`build`].
pub(crate) fn learnt_values(architecture: &Architecture, width: usize) -> usize {
    let mut input = architecture.channels;
    let level = |(level, output)| {
        let norm = if level == 0 { 0 } else { 2 * output };
        let conv = 16 * input * output;
        input = output;
        conv + norm
    };
    widths(architecture, width)
        .into_iter()
        .enumerate()
        .map(level)
        .sum()
}

/// Number of values that each step of [`build`] computes for one image.
pub(crate) fn layers(architecture: &Architecture, width: usize) -> Vec<usize> {
    let level = |(level, width): (usize, usize)| width * (architecture.size >> (level + 1)).pow(2);
    widths(architecture, width)
        .into_iter()
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
    pyramid: &[PyramidLevel],
    x: Tensor<4>,
    mode: Mode,
    mut visit: impl FnMut(&Tensor<4>),
) -> Tensor<4> {
    let mut h = x;
    for step in pyramid {
        h = convolve(&step.conv, h, mode); // [n, width << level, side / 2, side / 2]
        if let Some(norm) = &step.norm {
            h = norm.forward(h, mode);
        }
        h = leaky_relu(h, mode);
        visit(&h);
    }
    h
}

/// The same steps for scoring only, without batch norms.
pub(crate) fn for_inference(pyramid: Vec<PyramidLevel>) -> Vec<PyramidLevel> {
    let folded = pyramid.into_iter().map(|step| PyramidLevel {
        conv: match step.norm {
            Some(norm) => fold(step.conv, norm),
            None => step.conv,
        },
        norm: None,
    });
    folded.collect()
}
