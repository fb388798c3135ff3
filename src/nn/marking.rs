//! The discriminator of the repairing method: it sees an image and another version of it, tells whether that is
//! the original or a repair, and marks, pixel by pixel, what was damaged.
//!
//! Source: ours. A U-Net as discriminator, whose bottleneck classifies the image and whose output its pixels, is
//! Schönfeld et al. 2020; that marks come from an image beside its repair is Zavrtanik et al. 2021 (DRAEM).

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::activation::leaky_relu;
use super::init::Initialiser;
use super::{Architecture, DiscriminatorOutput, Generator, Mode, Network, flat, linear};

/// The discriminator: the generator's U-Net on two images, with one output channel.
#[derive(Module, Debug)]
pub struct MarkingDiscriminator {
    unet: Generator,
    /// Features to one logit.
    classifier: Linear,
}

/// What the discriminator says of a pair.
pub struct Marked {
    /// The logit of "original" and the features.
    pub judged: DiscriminatorOutput,
    /// Logits of "damaged" of each pixel, `[n, 1, size, size]`.
    pub marks: Tensor<4>,
}

impl Network for MarkingDiscriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let of_discriminator = Architecture {
            generator_width: architecture.discriminator_width,
            cut_skips: 0,
            ..*architecture
        };
        let features = *of_discriminator.widths().last().expect("a bottleneck");
        Self {
            unet: Generator::with_channels(&of_discriminator, [2 * architecture.channels, 1], init),
            classifier: linear(features, 1, true, init),
        }
    }

    fn layer_sizes(&self, side: usize) -> Vec<usize> {
        self.unet.layer_sizes(side)
    }

    fn fuse(self) -> Self {
        Self {
            unet: self.unet.fuse(),
            ..self
        }
    }
}

impl MarkingDiscriminator {
    /// Judges and marks pairs.
    ///
    /// # Shapes
    /// - `x`, `other`: `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, other: Tensor<4>, mode: Mode) -> Marked {
        let (skips, z) = self.unet.encode(pair(x, other), mode);
        Marked {
            judged: self.classify(z.clone(), mode),
            marks: self.unet.decode(skips, z, mode, |_, skip| skip),
        }
    }

    /// Judges pairs without marking them.
    ///
    /// # Shapes
    /// - `x`, `other`: `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn judge(&self, x: Tensor<4>, other: Tensor<4>, mode: Mode) -> DiscriminatorOutput {
        let (_, z) = self.unet.encode(pair(x, other), mode);
        self.classify(z, mode)
    }

    /// `z`: `[n, features, 1, 1]`
    fn classify(&self, z: Tensor<4>, mode: Mode) -> DiscriminatorOutput {
        let features = flat(leaky_relu(z, mode));
        let logit = self.classifier.forward(features.clone()); // [n, 1]
        DiscriminatorOutput::new(logit, features)
    }
}

/// Both images' channels, `[n, 2 c, size, size]`.
fn pair(x: Tensor<4>, other: Tensor<4>) -> Tensor<4> {
    Tensor::cat(vec![x, other], 1)
}
