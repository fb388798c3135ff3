//! What AnoGAN and EGBAD share: the DCGAN generator of the latter's published code, and convolutions
//! with batch norm and a LeakyReLU of slope 0.1.
//!
//! Source: Zenati et al. 2018, appendix A.1 (MNIST), and the published code where the text is silent.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, tanh};

use super::activation::leaky_relu_of;
use super::convolution::{as_kernel, row_by_row};
use super::inference::{fold, fold_linear, fold_transposed};
use super::init::Initialiser;
use super::{Architecture, BatchNorm, Mode, Network, conv_down, conv_up, linear};

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

/// A convolution with the batch norm after it, where there is one, and a LeakyReLU.
#[derive(Module, Debug)]
pub struct Level {
    pub(crate) conv: Conv2d,
    pub(crate) norm: Option<BatchNorm>,
}

impl Level {
    pub(crate) fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut h = self.conv.forward(x);
        if let Some(norm) = &self.norm {
            h = norm.forward(h, mode);
        }
        leaky_relu_of(SLOPE, h, mode)
    }

    pub(crate) fn for_inference(self) -> Self {
        match self.norm {
            Some(norm) => Self {
                conv: fold(self.conv, norm),
                norm: None,
            },
            None => self,
        }
    }
}

/// The discriminators' path from an image to 8 × 8: kernel 4, the width stays, no norm in the first.
pub(crate) fn picture_levels(plan: &Plan, init: &mut Initialiser) -> Vec<Level> {
    let width = plan.discriminator_width;
    let level = |level: usize| {
        let input = if level == 0 { plan.channels } else { width };
        let mut conv = conv_down(input, width, init);
        if level == 0 {
            conv.bias = Some(init.zeros(width));
        }
        let norm = (level > 0).then(|| BatchNorm::new(width, init));
        Level { conv, norm }
    };
    (0..plan.halvings).map(level).collect()
}

/// Number of parameters of [`picture_levels`].
pub(crate) fn learnt_by_picture_levels(plan: &Plan) -> usize {
    let width = plan.discriminator_width;
    let first = 16 * plan.channels * width + width;
    first + (plan.halvings - 1) * (16 * width * width + 2 * width)
}

/// Number of values that each of [`picture_levels`] computes for one image.
pub(crate) fn layers_of_picture_levels(plan: &Plan) -> Vec<usize> {
    let level = |level: usize| {
        let side = INNER_SIDE << (plan.halvings - 1 - level);
        plan.discriminator_width * side * side
    };
    (0..plan.halvings).map(level).collect()
}

/// A transposed convolution that doubles the side, followed by batch norm, except in the last.
#[derive(Module, Debug)]
pub struct UpLevel {
    conv: ConvTranspose2d,
    norm: Option<BatchNorm>,
}

/// The generator G: x = G(z).
#[derive(Module, Debug)]
pub struct Generator {
    hidden: Linear,
    hidden_norm: Option<BatchNorm>,
    inner: Linear,
    inner_norm: Option<BatchNorm>,
    up: Vec<UpLevel>,
}

impl Network for Generator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        let hidden = linear(plan.features, plan.hidden(), false, init);
        let hidden_norm = Some(BatchNorm::new(plan.hidden(), init));
        let inner = linear(plan.hidden(), plan.inner(), false, init);
        let inner_norm = Some(BatchNorm::new(plan.inner(), init));
        let (mut input, mut up) = (2 * plan.width, Vec::with_capacity(plan.halvings));
        for output in plan.down().into_iter().rev().skip(1) {
            up.push(UpLevel {
                conv: conv_up(input, output, false, init),
                norm: Some(BatchNorm::new(output, init)),
            });
            input = output;
        }
        up.push(UpLevel {
            conv: conv_up(input, plan.channels, true, init),
            norm: None,
        });
        Self {
            hidden,
            hidden_norm,
            inner,
            inner_norm,
            up,
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let plan = Plan::new(architecture);
        let mut count = plan.features * plan.hidden() + 2 * plan.hidden();
        count += plan.hidden() * plan.inner() + 2 * plan.inner();
        let mut input = 2 * plan.width;
        for output in plan.down().into_iter().rev().skip(1) {
            count += 16 * input * output + 2 * output;
            input = output;
        }
        count + 16 * input * plan.channels + plan.channels
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        let plan = Plan::new(architecture);
        let down = plan.down();
        let outputs = [&[plan.channels], &down[..down.len() - 1]].concat();
        let plane = |level: usize| (architecture.size >> level).pow(2);
        let up = outputs.iter().enumerate();
        let up = up.map(|(level, width)| width * plane(level)).rev();
        [plan.hidden(), plan.inner()]
            .into_iter()
            .chain(up)
            .collect()
    }

    fn for_inference(self) -> Self {
        let dense = |layer: Linear, norm: Option<BatchNorm>| match norm {
            Some(norm) => fold_linear(layer, norm),
            None => layer,
        };
        let up = self.up.into_iter().map(|step| UpLevel {
            conv: match step.norm {
                Some(norm) => fold_transposed(step.conv, norm),
                None => step.conv,
            },
            norm: None,
        });
        Self {
            hidden: dense(self.hidden, self.hidden_norm),
            hidden_norm: None,
            inner: dense(self.inner, self.inner_norm),
            inner_norm: None,
            up: up.collect(),
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
        let mut h = h.reshape([n, length / square, INNER_SIDE, INNER_SIDE]); // [n, 2 width, 8, 8]
        for (level, step) in self.up.iter().enumerate() {
            if level > 0 {
                h = relu(h);
            }
            h = step.conv.forward(h); // [n, width, 16, 16], …
            if let Some(norm) = &step.norm {
                h = norm.forward(h, mode);
            }
        }
        tanh(h) // [n, c, size, size]
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

/// `[n, c, h, w]` as `[n, c · h · w]`.
pub(crate) fn flat(h: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = h.dims();
    h.reshape([n, channels * height * width])
}
