//! GANomaly's decoder: from a vector z to an image.
//!
//! Source: Akçay et al. 2018, section 3.2, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::ConvTranspose2d;
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, tanh};

use super::init::Initialiser;
use super::level::{self, Level, chain};
use super::{Architecture, Mode, Network, conv_transposed, conv_up, pyramid};

/// The decoder, the encoder's mirror image.
#[derive(Module, Debug)]
pub struct Decoder {
    /// From the vector (first) to the image (last); the first step makes 4 × 4 pixels. Batch norm everywhere
    /// but in the last.
    pyramid: Vec<Level<ConvTranspose2d>>,
}

impl Network for Decoder {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let widths = pyramid::widths(architecture, architecture.generator_width);
        let (narrowest, widths) = (widths[0], widths.into_iter().rev());
        let level = |(level, (input, output))| {
            let conv = match level {
                0 => conv_transposed(input, output, [4, 1, 0], init),
                _ => conv_up(input, output, false, init),
            };
            Level::normalised(conv, init)
        };
        let levels = chain(architecture.features, widths).enumerate();
        let mut pyramid: Vec<_> = levels.map(level).collect();
        let last = conv_up(narrowest, architecture.channels, false, init);
        pyramid.push(Level::plain(last));
        Self { pyramid }
    }

    fn layer_sizes(&self, _size: usize) -> Vec<usize> {
        level::values(&self.pyramid, &mut 1)
    }

    fn fuse(self) -> Self {
        Self {
            pyramid: level::fuse(self.pyramid),
        }
    }
}

impl Decoder {
    /// Generates images.
    ///
    /// # Shapes
    /// - `z`: `[n, features]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the length of `z` is not the architecture's.
    pub fn forward(&self, z: Tensor<2>, mode: Mode) -> Tensor<4> {
        let [n, length] = z.dims();
        let h = z.reshape([n, length, 1, 1]);
        decode(&self.pyramid, h, mode) // [n, c, size, size]
    }
}

/// The upward path that decoders share: ReLU between two steps, tanh after the last.
///
/// # Shapes
/// - `h`: `[n, input, side, side]`
/// - returns `[n, c, size, size]`, in `[-1, 1]`
pub(crate) fn decode(levels: &[Level<ConvTranspose2d>], h: Tensor<4>, mode: Mode) -> Tensor<4> {
    let (first, others) = levels.split_first().expect("a path of at least one step");
    let mut h = first.forward(h, mode);
    for level in others {
        h = level.forward(relu(h), mode); // [n, output, 2 side, 2 side]
    }
    tanh(h)
}
