//! GANomaly's encoder: from an image to a vector z.
//!
//! Source: Akçay et al. 2018, section 3.2, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::convolution::convolve;
use super::init::Initialiser;
use super::pyramid::{self, PyramidLevel};
use super::{Architecture, Mode, conv};

/// The encoder.
#[derive(Module, Debug)]
pub struct Encoder {
    /// From the image to 4 × 4, doubling the width each time.
    pyramid: Vec<PyramidLevel>,
    /// 4 × 4 to the vector.
    latent: Conv2d,
}

impl Encoder {
    /// Builds the network with newly initialised weights; `width` is that of its first step.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn new(architecture: &Architecture, width: usize, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let widest = pyramid::widest(architecture, width);
        Self {
            pyramid: pyramid::build(architecture, width, init),
            latent: conv(widest, architecture.features, [4, 1, 0], init),
        }
    }

    /// Number of parameters, counted without building it.
    pub fn learnt_values(architecture: &Architecture, width: usize) -> usize {
        let widest = pyramid::widest(architecture, width);
        pyramid::learnt_values(architecture, width) + 16 * widest * architecture.features
    }

    /// Number of values that each of its layers computes for one image.
    pub fn layers(architecture: &Architecture, width: usize) -> Vec<usize> {
        let mut layers = pyramid::layers(architecture, width);
        layers.push(architecture.features);
        layers
    }

    /// The same network for scoring only, in fewer operations; it can no longer be trained or saved.
    pub fn for_inference(mut self) -> Self {
        self.pyramid = pyramid::for_inference(self.pyramid);
        self
    }

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
        let z = convolve(&self.latent, h, mode); // [n, features, 1, 1]
        let [n, length, _, _] = z.dims();
        z.reshape([n, length])
    }
}
