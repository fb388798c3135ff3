//! What AnoGAN and EGBAD share: the DCGAN generator of the latter's published code, and convolutions
//! with batch norm and a LeakyReLU of slope 0.1.
//!
//! Source: Zenati et al. 2018, appendix A.1 (MNIST), and the published code where the text is silent.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::activation::leaky_relu_of;
use super::convolution::{as_kernel, row_by_row};
use super::decoder::decode;
use super::fusion::fuse_linear;
use super::init::Initialiser;
use super::level::{self, Level, chain};
use super::{Architecture, BatchNorm, Mode, Network, conv_down, conv_up, linear, outputs};

/// Slope of the LeakyReLUs.
pub(crate) const SLOPE: f64 = 0.1;

/// Side of the innermost feature maps.
pub(crate) const INNER_SIDE: usize = 8;

/// The published channel plan at base width 64; other widths scale it.
pub(crate) struct Plan {
    pub(crate) channels: usize,
    /// Length of z.
    pub(crate) features: usize,
    /// Halvings from the image to [`INNER_SIDE`]: 2 at a side of 32.
    pub(crate) halvings: usize,
    /// Of generator and encoder: 64.
    pub(crate) width: usize,
    /// Of the discriminator: 64.
    pub(crate) discriminator_width: usize,
}

impl Plan {
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub(crate) fn new(architecture: &Architecture) -> Self {
        architecture.check().expect("a checked architecture");
        Self {
            channels: architecture.channels,
            features: architecture.features,
            halvings: (architecture.size / INNER_SIDE).ilog2() as usize,
            width: architecture.generator_width,
            discriminator_width: architecture.discriminator_width,
        }
    }

    /// Channels after each halving: 64, 128; images larger than the published ones add levels of 128.
    pub(crate) fn down(&self) -> Vec<usize> {
        (0..self.halvings)
            .map(|level| self.width << level.min(1))
            .collect()
    }

    /// Values of the generator's innermost feature maps: 8 · 8 · 128.
    pub(crate) fn inner(&self) -> usize {
        INNER_SIDE * INNER_SIDE * 2 * self.width
    }

    /// The generator's first layer: 1024.
    fn hidden(&self) -> usize {
        16 * self.width
    }

    /// The discriminator's innermost feature maps: 8 · 8 · 64.
    pub(crate) fn seen(&self) -> usize {
        INNER_SIDE * INNER_SIDE * self.discriminator_width
    }

    /// The discriminator's last hidden layer, the feature f: 1024.
    pub(crate) fn last_hidden(&self) -> usize {
        16 * self.discriminator_width
    }
}

/// A step down, activated by the LeakyReLU.
pub(crate) fn activated(level: &Level<Conv2d>, x: Tensor<4>, mode: Mode) -> Tensor<4> {
    leaky_relu_of(SLOPE, level.forward(x, mode), mode)
}

/// The discriminators' path from an image to 8 × 8: kernel 4, the width stays, no norm in the first.
pub(crate) fn picture_levels(plan: &Plan, init: &mut Initialiser) -> Vec<Level<Conv2d>> {
    let width = plan.discriminator_width;
    let mut first = conv_down(plan.channels, width, init);
    first.bias = Some(init.zeros(width));
    let mut levels = vec![Level::plain(first)];
    let level = |_| Level::normalised(conv_down(width, width, init), init);
    levels.extend((1..plan.halvings).map(level));
    levels
}

/// The generator G: x = G(z).
#[derive(Module, Debug)]
pub struct Generator {
    hidden: Linear,
    hidden_norm: Option<BatchNorm>,
    inner: Linear,
    inner_norm: Option<BatchNorm>,
    /// Transposed convolutions that double the side, each but the last followed by batch norm.
    up: Vec<Level<ConvTranspose2d>>,
}

impl Network for Generator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        let hidden = linear(plan.features, plan.hidden(), false, init);
        let hidden_norm = Some(BatchNorm::new(plan.hidden(), init));
        let inner = linear(plan.hidden(), plan.inner(), false, init);
        let inner_norm = Some(BatchNorm::new(plan.inner(), init));
        let outwards = plan.down().into_iter().rev();
        let level = |(input, output)| Level::normalised(conv_up(input, output, false, init), init);
        let mut up: Vec<_> = chain(2 * plan.width, outwards.skip(1)).map(level).collect();
        let last = conv_up(plan.width, plan.channels, true, init);
        up.push(Level::plain(last));
        Self {
            hidden,
            hidden_norm,
            inner,
            inner_norm,
            up,
        }
    }

    fn layer_sizes(&self, _size: usize) -> Vec<usize> {
        let mut sizes = vec![outputs(&self.hidden), outputs(&self.inner)];
        sizes.extend(level::values(&self.up, &mut { INNER_SIDE }));
        sizes
    }

    fn fuse(self) -> Self {
        Self {
            hidden: fuse_linear(self.hidden, self.hidden_norm),
            hidden_norm: None,
            inner: fuse_linear(self.inner, self.inner_norm),
            inner_norm: None,
            up: level::fuse(self.up),
        }
    }
}

impl Generator {
    /// Generates images.
    ///
    /// # Shapes
    /// - `z`: `[n, features]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the length of `z` is not the architecture's.
    pub fn forward(&self, z: Tensor<2>, mode: Mode) -> Tensor<4> {
        let layer = |layer: &Linear, norm: &Option<BatchNorm>, h: Tensor<2>| {
            relu(normalise_vector(norm, dense(layer, h, mode), mode))
        };
        let h = layer(&self.hidden, &self.hidden_norm, z); // [n, 16 width]
        let h = layer(&self.inner, &self.inner_norm, h);
        let [n, length] = h.dims();
        let square = INNER_SIDE * INNER_SIDE;
        let h = h.reshape([n, length / square, INNER_SIDE, INNER_SIDE]); // [n, 2 width, 8, 8]
        decode(&self.up, h, mode) // [n, c, size, size]
    }
}

/// A fully connected layer; in scoring it processes one image after another, because the latent
/// optimisation amplifies rounding differences.
///
/// # Shapes
/// - `h`: `[n, input]`
/// - returns `[n, output]`
pub(crate) fn dense(layer: &Linear, h: Tensor<2>, mode: Mode) -> Tensor<2> {
    match mode {
        Mode::Training => layer.forward(h),
        Mode::Inference => {
            let bias = layer.bias.as_ref().map(Param::val);
            row_by_row(h, as_kernel(layer.weight.val()), bias)
        }
    }
}

/// Batch norm of vectors `[n, length]`, where there is one.
pub(crate) fn normalise_vector(norm: &Option<BatchNorm>, h: Tensor<2>, mode: Mode) -> Tensor<2> {
    let Some(norm) = norm else {
        return h;
    };
    let [n, length] = h.dims();
    norm.forward(h.reshape([n, length, 1, 1]), mode)
        .reshape([n, length])
}
