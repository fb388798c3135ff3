//! Skip-GANomaly's discriminator D: a classifier whose last hidden layer is the feature f(x).
//!
//! Source: Akçay et al. 2019, section 3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::convolution::Convolution;
use super::init::Initialiser;
use super::level::{self, Level};
use super::{Architecture, Mode, Network, conv, flat, pyramid};

/// A discriminator's output for a batch.
pub struct DiscriminatorOutput<const D: usize = 2> {
    /// Logit of "real", `[n]`; D's probability is its sigmoid.
    pub logit: Tensor<1>,
    /// Features f: the values of its last hidden layer, `[n, …]`.
    pub features: Tensor<D>,
}

impl<const D: usize> DiscriminatorOutput<D> {
    /// `logit` has one value for each image, in any shape.
    pub(crate) fn new<const L: usize>(logit: Tensor<L>, features: Tensor<D>) -> Self {
        let n = logit.dims()[0];
        let logit = logit.reshape([n]);
        Self { logit, features }
    }
}

/// The discriminator.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// From the image to 4 × 4, doubling the width each time.
    pyramid: Vec<Level<Conv2d>>,
    /// 4 × 4 to the feature vector.
    feature: Conv2d,
    /// Feature vector to one logit.
    classifier: Conv2d,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let width = architecture.discriminator_width;
        let widest = pyramid::widest(architecture, width);
        Self {
            pyramid: pyramid::build(architecture, width, init),
            feature: conv(widest, architecture.features, [4, 1, 0], init),
            classifier: conv(architecture.features, 1, [3, 1, 1], init),
        }
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let mut sizes = level::values(&self.pyramid, &mut side);
        sizes.push(self.feature.values(&mut side));
        sizes
    }

    fn fuse(mut self) -> Self {
        self.pyramid = level::fuse(self.pyramid);
        self
    }
}

impl Discriminator {
    /// Classifies images.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns logits `[n]` and features `[n, features]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> DiscriminatorOutput {
        let features = self.features(x, mode);
        let [n, length] = features.dims();
        let pixels = features.clone().reshape([n, length, 1, 1]);
        let logit = self.classifier.forward(pixels); // [n, 1, 1, 1]
        DiscriminatorOutput::new(logit, features)
    }

    /// Features f(x) alone.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, features]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn features(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.walk(x, mode, |_| ())
    }

    /// The output of every layer, from the first to the features f(x); each level after its LeakyReLU.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, all layers' values]`, of the sizes [`Network::layer_sizes`]
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn layers(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        let mut layers = Vec::with_capacity(self.pyramid.len() + 1);
        let features = self.walk(x, mode, |h| layers.push(flat(h.clone())));
        layers.push(features);
        Tensor::cat(layers, 1)
    }

    /// Features f(x); `visit` sees each level of the pyramid.
    fn walk(&self, x: Tensor<4>, mode: Mode, visit: impl FnMut(&Tensor<4>)) -> Tensor<2> {
        let h = pyramid::forward(&self.pyramid, x, mode, visit); // [n, widest, 4, 4]
        flat(self.feature.convolve(h, mode)) // [n, features]
    }
}
