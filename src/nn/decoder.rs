//! GANomaly's decoder: from a vector z to an image.
//!
//! Source: Akçay et al. 2018, section 3.2, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::ConvTranspose2d;
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, tanh};

use super::convolution::convolve_transposed;
use super::inference::fold_transposed;
use super::init::Initialiser;
use super::pyramid;
use super::{Architecture, BatchNorm, Mode, conv_transposed, conv_up};

/// One step up: transposed convolution, then batch norm and ReLU everywhere but in the last.
#[derive(Module, Debug)]
pub struct UpLevel {
    pub(crate) conv: ConvTranspose2d,
    pub(crate) norm: Option<BatchNorm>,
}

/// The decoder, the encoder's mirror image.
#[derive(Module, Debug)]
pub struct Decoder {
    /// From the vector (first) to the image (last); the first step makes 4 × 4 pixels.
    pyramid: Vec<UpLevel>,
}

impl Decoder {
    /// Builds the network with newly initialised weights; `width` is that before its last step.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    pub fn new(architecture: &Architecture, width: usize, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let mut input = architecture.features;
        let mut pyramid = Vec::with_capacity(architecture.levels() - 1);
        for output in pyramid::widths(architecture, width).into_iter().rev() {
            let conv = match pyramid.is_empty() {
                true => conv_transposed(input, output, [4, 1, 0], init),
                false => conv_up(input, output, false, init),
            };
            let norm = Some(BatchNorm::new(output, init));
            pyramid.push(UpLevel { conv, norm });
            input = output;
        }
        let conv = conv_up(input, architecture.channels, false, init);
        pyramid.push(UpLevel { conv, norm: None });
        Self { pyramid }
    }

    /// Number of parameters, counted without building it.
    pub fn learnt_values(architecture: &Architecture, width: usize) -> usize {
        let mut input = architecture.features;
        let mut count = 0;
        for output in pyramid::widths(architecture, width).into_iter().rev() {
            count += 16 * input * output + 2 * output;
            input = output;
        }
        count + 16 * input * architecture.channels
    }

    /// Number of values that each of its layers computes for one image.
    pub fn layers(architecture: &Architecture, width: usize) -> Vec<usize> {
        let mut layers = pyramid::layers(architecture, width);
        layers.reverse();
        layers.push(architecture.channels * architecture.size.pow(2));
        layers
    }

    /// The same network for scoring only, in fewer operations; it can no longer be trained or saved.
    pub fn for_inference(self) -> Self {
        Self {
            pyramid: for_inference(self.pyramid),
        }
    }

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
        draw(&self.pyramid, h, mode) // [n, c, size, size]
    }
}

/// The upward path that decoders share: ReLU between two steps, tanh after the last.
///
/// # Shapes
/// - `h`: `[n, input, side, side]`
/// - returns `[n, c, size, size]`, in `[-1, 1]`
pub(crate) fn draw(pyramid: &[UpLevel], mut h: Tensor<4>, mode: Mode) -> Tensor<4> {
    for (level, step) in pyramid.iter().enumerate() {
        if level > 0 {
            h = relu(h);
        }
        h = convolve_transposed(&step.conv, h, mode); // [n, output, side << level, side << level]
        if let Some(norm) = &step.norm {
            h = norm.forward(h, mode);
        }
    }
    tanh(h)
}

/// The same steps for scoring only, without batch norms.
pub(crate) fn for_inference(pyramid: Vec<UpLevel>) -> Vec<UpLevel> {
    let folded = pyramid.into_iter().map(|step| UpLevel {
        conv: match step.norm {
            Some(norm) => fold_transposed(step.conv, norm),
            None => step.conv,
        },
        norm: None,
    });
    folded.collect()
}
