//! GANomaly's encoder: from an image to a vector z.
//!
//! Source: Akçay et al. 2018, section 3.2, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::convolution::Convolution;
use super::init::Initialiser;
use super::level::{self, Level};
use super::{Architecture, Mode, Network, conv, flat, pyramid};

/// The encoder.
#[derive(Module, Debug)]
pub struct Encoder {
    /// From the image to 4 × 4, doubling the width each time.
    pyramid: Vec<Level<Conv2d>>,
    /// 4 × 4 to the vector.
    latent: Conv2d,
}

impl Network for Encoder {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let width = architecture.generator_width;
        let widest = pyramid::widest(architecture, width);
        Self {
            pyramid: pyramid::build(architecture, width, init),
            latent: conv(widest, architecture.features, [4, 1, 0], init),
        }
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let mut sizes = level::values(&self.pyramid, &mut side);
        sizes.push(self.latent.values(&mut side));
        sizes
    }

    fn fuse(mut self) -> Self {
        self.pyramid = level::fuse(self.pyramid);
        self
    }
}

impl Encoder {
    /// Encodes images: z = E(x), linear at the end.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, features]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        let h = pyramid::forward(&self.pyramid, x, mode, |_| ()); // [n, widest, 4, 4]
        flat(self.latent.convolve(h, mode)) // [n, features]
    }
}
