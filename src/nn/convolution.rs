//! The convolutions of the innermost layers as matrix products over the whole batch, for training.
//!
//! Burn's CPU backend multiplies image by image. If an image has one to four pixels, such a product is
//! too narrow to fill a vector register, and the gradients of the weights are narrower still. Moreover,
//! of a 4 × 4 kernel between 2 × 2 pixels and one, only the middle 2 × 2 meets a pixel; the rim meets
//! padding.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use super::{BatchNorm, Mode};

/// A convolution of square images, to smaller ones or transposed to larger ones.
pub trait Convolution: Module {
    /// Applies it.
    ///
    /// # Shapes
    /// - `x`: `[n, input, side, side]`
    /// - returns `[n, output, new side, new side]`
    fn convolve(&self, x: Tensor<4>, mode: Mode) -> Tensor<4>;

    /// Channels of its output.
    fn channels(&self) -> usize;

    /// Side of its output for an input of this side.
    fn new_side(&self, side: usize) -> usize;

    /// Itself and the batch norm after it as one convolution with a bias.
    fn absorb(self, norm: BatchNorm) -> Self;

    /// Number of values that it computes for one image; `side` becomes that of its output.
    fn values(&self, side: &mut usize) -> usize {
        *side = self.new_side(*side);
        self.channels() * *side * *side
    }
}

impl Convolution for Conv2d {
    fn convolve(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let plan = (self.kernel_size[0], self.stride[0], x.dims()[2]);
        if mode == Mode::Inference || self.bias.is_some() {
            return self.forward(x);
        }
        let weight = self.weight.val();
        match plan {
            (4, 1, 4) => to_one_pixel(x, weight),
            (4, 2, 2) => to_one_pixel(x, middle(weight)),
            (4, 2, 4) => to_two_by_two(x, weight),
            _ => self.forward(x),
        }
    }

    fn channels(&self) -> usize {
        let [output, ..]: [usize; 4] = self.weight.lazy_shape().dims();
        output
    }

    fn new_side(&self, side: usize) -> usize {
        let padding = match self.padding {
            PaddingConfig2d::Explicit(padding, ..) => padding,
            PaddingConfig2d::Valid | PaddingConfig2d::Same => 0,
        };
        (side + 2 * padding - self.kernel_size[0]) / self.stride[0] + 1
    }

    fn absorb(mut self, norm: BatchNorm) -> Self {
        let (weight, bias) = norm.absorbed_by(&self.weight, 0);
        (self.weight, self.bias) = (weight, Some(bias));
        self
    }
}

impl Convolution for ConvTranspose2d {
    fn convolve(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let plan = (self.kernel_size[0], self.stride[0], x.dims()[2]);
        if mode == Mode::Inference || self.bias.is_some() {
            return self.forward(x);
        }
        let weight = self.weight.val();
        match plan {
            (4, 1, 1) => from_one_pixel(x, weight),
            (4, 2, 1) => from_one_pixel(x, middle(weight)),
            (4, 2, 2) => from_two_by_two(x, weight),
            _ => self.forward(x),
        }
    }

    fn channels(&self) -> usize {
        self.channels[1]
    }

    fn new_side(&self, side: usize) -> usize {
        let grown = (side - 1) * self.stride[0] + self.kernel_size[0] + self.padding_out[0];
        grown - 2 * self.padding[0]
    }

    fn absorb(mut self, norm: BatchNorm) -> Self {
        let (weight, bias) = norm.absorbed_by(&self.weight, 1);
        (self.weight, self.bias) = (weight, Some(bias));
        self
    }
}

/// Rows times a matrix, one row after another: the rounding of a product of matrices depends on the
/// number of rows, so an image's score would depend on the size of its batch.
///
/// # Shapes
/// - `rows`: `[n, input]`
/// - `kernel`: `[output, input, 1, 1]`, of [`as_kernel`]
/// - returns `[n, output]`
pub(crate) fn row_by_row(rows: Tensor<2>, kernel: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [n, input] = rows.dims();
    let output = kernel.dims()[0];
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    let pixels = rows.reshape([n, input, 1, 1]);
    conv2d(pixels, kernel, bias, options).reshape([n, output])
}

/// A matrix of `[input, output]` as [`row_by_row`] takes it.
pub(crate) fn as_kernel(matrix: Tensor<2>) -> Tensor<4> {
    let [input, output] = matrix.dims();
    matrix.transpose().reshape([output, input, 1, 1])
}

/// What is left of 4 × 4 kernels without their rim.
pub(crate) fn middle(weight: Tensor<4>) -> Tensor<4> {
    let [a, b, _, _] = weight.dims();
    weight.slice([0..a, 0..b, 1..3, 1..3])
}

/// `x`: `[n, input, k, k]`, `weight`: `[output, input, k, k]`, returns `[n, output, 1, 1]`
fn to_one_pixel(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let [n, input, k, _] = x.dims();
    let output = weight.dims()[0];
    let x = x.reshape([n, input * k * k]);
    let weight = weight.reshape([output, input * k * k]);
    x.matmul(weight.transpose()).reshape([n, output, 1, 1])
}

/// `x`: `[n, input, 1, 1]`, `weight`: `[input, output, k, k]`, returns `[n, output, k, k]`
fn from_one_pixel(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let [input, output, k, _] = weight.dims();
    let n = x.dims()[0];
    let weight = weight.reshape([input, output * k * k]);
    x.reshape([n, input])
        .matmul(weight)
        .reshape([n, output, k, k])
}

/// Where the four 4 × 4 windows of a padded 6 × 6 image begin.
const WINDOWS: [[usize; 2]; 4] = [[0, 0], [0, 2], [2, 0], [2, 2]];

/// `x`: `[n, input, 4, 4]`, `weight`: `[output, input, 4, 4]`, returns `[n, output, 2, 2]`
fn to_two_by_two(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let [n, input, _, _] = x.dims();
    let output = weight.dims()[0];
    let padded = x.pad((1, 1, 1, 1), 0.0); // [n, input, 6, 6]
    let window = |[top, left]: [usize; 2]| {
        let window = [0..n, 0..input, top..top + 4, left..left + 4];
        padded.clone().slice(window).reshape([n, input * 16])
    };
    let windows = Tensor::cat(WINDOWS.map(window).to_vec(), 0); // [4 n, 16 input]
    let weight = weight.reshape([output, input * 16]);
    let pixels = windows.matmul(weight.transpose()); // [4 n, output]
    pixels.reshape([2, 2, n, output]).permute([2, 3, 0, 1])
}

/// `x`: `[n, input, 2, 2]`, `weight`: `[input, output, 4, 4]`, returns `[n, output, 4, 4]`
fn from_two_by_two(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let [n, input, _, _] = x.dims();
    let output = weight.dims()[1];
    let pixels = x.permute([2, 3, 0, 1]).reshape([4 * n, input]);
    let blocks = pixels.matmul(weight.reshape([input, output * 16]));
    let blocks = blocks.reshape([4 * n, output, 4, 4]);
    let block = |pixel: usize| {
        let [top, left] = WINDOWS[pixel];
        let block = blocks.clone().narrow(0, pixel * n, n);
        block.pad((left, 2 - left, top, 2 - top), 0.0) // [n, output, 6, 6]
    };
    let padded = block(0) + block(1) + block(2) + block(3);
    padded.slice([0..n, 0..output, 1..5, 1..5])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::init::Initialiser;
    use crate::nn::{conv, conv_transposed};
    use burn::tensor::{Device, Distribution};

    /// Output, and gradients with respect to the image and the weights, of the sum of squares.
    fn all<M>(
        module: &M,
        weight: impl Fn(&M) -> Tensor<4>,
        x: &Tensor<4>,
        forward: impl Fn(&M, Tensor<4>) -> Tensor<4>,
    ) -> [Tensor<4>; 3] {
        let x = x.clone().require_grad();
        let y = forward(module, x.clone());
        let gradients = y.clone().square().sum().backward();
        let of = |t: Tensor<4>| t.grad(&gradients).expect("a gradient");
        [y.inner(), of(x), of(weight(module))]
    }

    fn close(got: [Tensor<4>; 3], expected: [Tensor<4>; 3], what: &str) {
        for (got, expected) in got.into_iter().zip(expected) {
            assert_eq!(got.dims(), expected.dims(), "{what}");
            let scale = expected.clone().abs().max().into_scalar::<f32>();
            let apart = (got - expected).abs().max().into_scalar::<f32>();
            assert!(
                scale > 0.0 && apart <= 1e-5 * scale,
                "{what}: {apart} apart at {scale}"
            );
        }
    }

    #[test]
    fn products_are_the_convolutions_and_so_are_their_gradients() {
        let device = Device::flex().autodiff();
        let mut init = Initialiser::new(5, &device);
        let noise = Distribution::Uniform(-1.0, 1.0);
        for (plan, side) in [
            ([4, 1, 0], 4),
            ([4, 2, 1], 2),
            ([4, 2, 1], 4),
            ([4, 2, 1], 8),
        ] {
            let conv = conv(3, 5, plan, &mut init);
            let x = Tensor::<4>::random([2, 3, side, side], noise, &device);
            let weight = |conv: &Conv2d| conv.weight.val();
            let got = all(&conv, weight, &x, |conv, x| {
                conv.convolve(x, Mode::Training)
            });
            let expected = all(&conv, weight, &x, |conv, x| conv.forward(x));
            close(got, expected, &format!("{plan:?} of {side}"));
        }
        for (plan, side) in [
            ([4, 1, 0], 1),
            ([4, 2, 1], 1),
            ([4, 2, 1], 2),
            ([4, 2, 1], 4),
        ] {
            let conv = conv_transposed(3, 5, plan, &mut init);
            let x = Tensor::<4>::random([2, 3, side, side], noise, &device);
            let weight = |conv: &ConvTranspose2d| conv.weight.val();
            let got = all(&conv, weight, &x, |conv, x| {
                conv.convolve(x, Mode::Training)
            });
            let expected = all(&conv, weight, &x, |conv, x| conv.forward(x));
            close(got, expected, &format!("transposed {plan:?} of {side}"));
        }
    }
}
