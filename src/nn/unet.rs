//! Skip-GANomaly's generator G: a U-Net down to a single pixel.
//!
//! Source: Akçay et al. 2019, section 3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, tanh};

use super::activation::leaky_relu;
use super::architecture::ENCODING_SIDE;
use super::fusion::{trim, trim_transposed};
use super::init::Initialiser;
use super::level::{self, Level};
use super::{Architecture, Mode, Network, conv_down, conv_up, flat};

/// The generator: log2(size) steps down to the bottleneck z, as many up, each up-step joined with
/// the features of the same side on the way down.
#[derive(Module, Debug)]
pub struct Generator {
    /// From the image (first) to the bottleneck (last); neither of the two is normalised.
    encoder: Vec<Level<Conv2d>>,
    /// From the bottleneck (first) to the image (last), which alone is not normalised.
    decoder: Vec<Level<ConvTranspose2d>>,
    /// How many skips are cut, from the outermost.
    cut_skips: usize,
}

impl Network for Generator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let channels = architecture.channels;
        Self::with_channels(architecture, [channels, channels], init)
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let down = level::values(&self.encoder, &mut side);
        let up = level::values(&self.decoder, &mut side);
        [down, up].concat()
    }

    fn fuse(self) -> Self {
        let mut encoder = level::fuse(self.encoder);
        let mut decoder = level::fuse(self.decoder);
        let bottleneck = encoder.pop().expect("a bottleneck");
        encoder.push(Level::plain(trim(bottleneck.conv)));
        let bottleneck = decoder.remove(0);
        decoder.insert(0, Level::plain(trim_transposed(bottleneck.conv)));
        Self {
            encoder,
            decoder,
            cut_skips: self.cut_skips,
        }
    }
}

impl Generator {
    /// A U-Net of this shape, from some channels to others.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub(super) fn with_channels(
        architecture: &Architecture,
        [input, output]: [usize; 2],
        init: &mut Initialiser,
    ) -> Self {
        architecture.check().expect("a checked architecture");
        let widths = architecture.widths();
        let innermost = widths.len() - 1;
        let outside = |level: usize, outermost: usize| match level {
            0 => outermost,
            _ => widths[level - 1],
        };

        let down = |level: usize| {
            let conv = conv_down(outside(level, input), widths[level], init);
            if level == 0 || level == innermost {
                Level::plain(conv)
            } else {
                Level::normalised(conv, init)
            }
        };
        let encoder = (0..=innermost).map(down).collect();

        let up = |level: usize| {
            // Above the bottleneck the skip doubles the channels.
            let joined = if level == innermost { 1 } else { 2 };
            let outermost = level == 0;
            let conv = conv_up(
                joined * widths[level],
                outside(level, output),
                outermost,
                init,
            );
            if outermost {
                Level::plain(conv)
            } else {
                Level::normalised(conv, init)
            }
        };
        let decoder = (0..=innermost).rev().map(up).collect();

        Self {
            encoder,
            decoder,
            cut_skips: architecture.cut_skips,
        }
    }

    /// Reconstructs images: x̂ = G(x).
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.forward_through(x, mode, |_, skip| skip)
    }

    /// As [`Generator::forward`], with each skip passed through a function of its level (0 is the
    /// outermost) before it is joined. Cut skips are zeros all the same.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's, or a skip changes its shape.
    pub fn forward_through(
        &self,
        x: Tensor<4>,
        mode: Mode,
        on_skip: impl Fn(usize, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let (skips, z) = self.encode(x, mode);
        tanh(self.decode(skips, z, mode, on_skip)) // [n, c, size, size]
    }

    /// As [`Generator::forward`], and the image's encoding: the skips of at most 4 × 4 pixels and
    /// the bottleneck z, see [`Architecture::encoding_layers`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`, and `[n, encoding]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward_with_encoding(&self, x: Tensor<4>, mode: Mode) -> (Tensor<4>, Tensor<2>) {
        let (skips, z) = self.encode(x, mode);
        let small = skips.iter().filter(|skip| skip.dims()[2] <= ENCODING_SIDE);
        let layers = small.chain([&z]).cloned().map(flat);
        let encoding = Tensor::cat(layers.collect(), 1);
        let x_hat = tanh(self.decode(skips, z, mode, |_, skip| skip));
        (x_hat, encoding)
    }

    /// The skips, the outermost first, and the bottleneck z.
    pub(super) fn encode(&self, x: Tensor<4>, mode: Mode) -> (Vec<Tensor<4>>, Tensor<4>) {
        let mut skips = Vec::with_capacity(self.encoder.len());
        let mut h = x;
        for (level, step) in self.encoder.iter().enumerate() {
            if level > 0 {
                h = leaky_relu(h, mode);
                // The published LeakyReLU works in place, so the skip carries the activated tensor.
                skips.push(h.clone());
            }
            h = step.forward(h, mode); // [n, width << level, side / 2, side / 2]
        }
        (skips, h)
    }

    /// From the skips and the bottleneck to the output, before its tanh.
    pub(super) fn decode(
        &self,
        mut skips: Vec<Tensor<4>>,
        z: Tensor<4>,
        mode: Mode,
        on_skip: impl Fn(usize, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let mut h = z;
        for step in &self.decoder {
            h = step.forward(relu(h), mode); // [n, width of the skip, 2 side, 2 side]
            if let Some(skip) = skips.pop() {
                let level = skips.len();
                let skip = match level < self.cut_skips {
                    true => skip.zeros_like(),
                    false => on_skip(level, skip),
                };
                h = Tensor::cat(vec![skip, h], 1); // [n, 2 width, 2 side, 2 side]
            }
        }
        h // [n, output, size, size]
    }
}
