//! The parts of the networks, written as the papers show them: channel plans as data, `forward` with the
//! shape in a trailing comment, no device and no loss inside.

pub(crate) mod activation;
mod architecture;
pub mod batch_norm;
pub mod convolution;
pub mod dcgan;
pub mod decoder;
pub mod discriminator;
pub mod encoder;
pub(crate) mod fusion;
pub mod init;
pub mod level;
pub mod marking;
pub(crate) mod pyramid;
pub mod tensors;
pub mod unet;

pub use architecture::{Architecture, ArchitectureError, CHANNELS, MAX_FEATURES, MAX_WIDTH, SIZES};
pub use batch_norm::{BatchNorm, Mode};
pub use decoder::Decoder;
pub use discriminator::{Discriminator, DiscriminatorOutput};
pub use encoder::Encoder;
pub use marking::{Marked, MarkingDiscriminator};
pub use unet::Generator;

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use init::Initialiser;

/// One of the networks that a method trains.
pub trait Network: Module {
    /// Builds it with newly initialised weights.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self;

    /// Number of values that each of its layers computes for one image of side `size`, but for a last logit.
    fn layer_sizes(&self, size: usize) -> Vec<usize>;

    /// The same network for scoring only, in fewer operations; it can no longer be trained or saved.
    fn fuse(self) -> Self;

    /// Its shape alone: no memory is allocated for its parameters, and no device is started.
    ///
    /// # Panics
    /// If [`Architecture::check`] fails.
    fn blank(architecture: &Architecture) -> Self {
        // Any device does. Burn's default may be one that the environment names and nobody built in.
        #[cfg(feature = "cpu")]
        let device = Device::flex();
        #[cfg(not(feature = "cpu"))]
        let device = Device::default();
        Self::new(architecture, &mut Initialiser::blank(&device))
    }
}

/// Slope of every LeakyReLU of the paper.
pub const LEAKY_SLOPE: f64 = 0.2;

/// The networks' convolution that halves the side: kernel 4, stride 2, padding 1, no bias.
pub(crate) fn conv_down(input: usize, output: usize, init: &mut Initialiser) -> Conv2d {
    conv(input, output, [4, 2, 1], init)
}

/// A square convolution without bias; `plan` is kernel, stride, padding.
pub(crate) fn conv(
    input: usize,
    output: usize,
    plan: [usize; 3],
    init: &mut Initialiser,
) -> Conv2d {
    let [kernel, stride, padding] = plan;
    Conv2d {
        weight: init.conv_weight([output, input, kernel, kernel]),
        bias: None,
        stride: [stride; 2],
        kernel_size: [kernel; 2],
        dilation: [1; 2],
        groups: 1,
        padding: PaddingConfig2d::Explicit(padding, padding, padding, padding),
    }
}

/// The networks' transposed convolution that doubles the side: kernel 4, stride 2, padding 1.
pub(crate) fn conv_up(
    input: usize,
    output: usize,
    bias: bool,
    init: &mut Initialiser,
) -> ConvTranspose2d {
    let mut conv = conv_transposed(input, output, [4, 2, 1], init);
    conv.bias = bias.then(|| init.zeros(output));
    conv
}

/// A square transposed convolution without bias; `plan` is kernel, stride, padding.
pub(crate) fn conv_transposed(
    input: usize,
    output: usize,
    plan: [usize; 3],
    init: &mut Initialiser,
) -> ConvTranspose2d {
    let [kernel, stride, padding] = plan;
    ConvTranspose2d {
        weight: init.conv_weight([input, output, kernel, kernel]),
        bias: None,
        stride: [stride; 2],
        kernel_size: [kernel; 2],
        dilation: [1; 2],
        groups: 1,
        padding: [padding; 2],
        padding_out: [0; 2],
        channels: [input, output],
    }
}

/// A fully connected layer.
pub(crate) fn linear(input: usize, output: usize, bias: bool, init: &mut Initialiser) -> Linear {
    Linear {
        weight: init.linear_weight([input, output]),
        bias: bias.then(|| init.zeros(output)),
    }
}

/// Number of values that a fully connected layer computes.
pub(crate) fn outputs(layer: &Linear) -> usize {
    let [_, outputs] = layer.weight.lazy_shape().dims();
    outputs
}

/// `[n, c, h, w]` as `[n, c · h · w]`.
pub(crate) fn flat(h: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = h.dims();
    h.reshape([n, channels * height * width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_skip_carries_nothing() {
        let device = Device::flex();
        let x = Tensor::<4>::random(
            [2, 1, 32, 32],
            burn::tensor::Distribution::Uniform(-1.0, 1.0),
            &device,
        );
        let build = |cut_skips| {
            let architecture = Architecture {
                cut_skips,
                ..Architecture::new(32, 1, 2)
            };
            Generator::new(&architecture, &mut Initialiser::new(0, &device))
        };
        let zeros = |level: usize| {
            move |at: usize, skip: Tensor<4>| if at < level { skip.zeros_like() } else { skip }
        };
        for cut in 0..=4 {
            let expected = build(0).forward_through(x.clone(), Mode::Inference, zeros(cut));
            let got = build(cut).forward(x.clone(), Mode::Inference);
            let apart = (got - expected).abs().max().into_scalar::<f32>();
            assert_eq!(apart, 0.0, "{cut} cut");
        }
    }

    #[test]
    fn shapes_out_of_range_are_named() {
        let broken = |change: fn(&mut Architecture)| {
            let mut architecture = Architecture::new(32, 3, 64);
            change(&mut architecture);
            architecture.check().expect_err("out of range").to_string()
        };
        assert!(broken(|a| a.size = 16).contains("got 16"));
        assert!(broken(|a| a.size = 512).contains("got 512"));
        assert!(broken(|a| a.channels = 4).contains("got 4"));
        assert!(broken(|a| a.generator_width = 0).contains("generator width"));
        assert!(broken(|a| a.features = 1 << 20).contains("features"));
        assert!(broken(|a| a.cut_skips = 5).contains("got 5"));
    }

    #[test]
    fn the_same_seed_draws_the_same_weights() {
        let draw = |seed| {
            let mut init = init::Initialiser::new(seed, &Device::flex());
            let generator = Generator::new(&Architecture::new(32, 1, 2), &mut init);
            let reader = tensors::Reader::new().module("g", &generator);
            pollster::block_on(reader.read()).expect("a readable device")
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
