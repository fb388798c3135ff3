//! Networks rewritten for scoring: the same function in fewer operations.
//!
//! Two exact rewritings. Batch norm with fixed statistics is a scale and a shift of each channel, which
//! the convolution before it can absorb. And of a 4 × 4 kernel with padding 1 at the bottleneck only the
//! middle 2 × 2 ever meets a pixel, the rim meets padding.

use burn::module::Param;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{Linear, PaddingConfig2d};

use super::batch_norm::BatchNorm;
use super::convolution::middle;

/// conv, then norm, as one convolution with a bias.
pub(crate) fn fold(mut conv: Conv2d, norm: BatchNorm) -> Conv2d {
    let (scale, shift) = norm.scale_and_shift();
    let channels = scale.dims()[0];
    let weight = conv.weight.val() * scale.reshape([channels, 1, 1, 1]);
    conv.weight = Param::from_tensor(weight);
    conv.bias = Some(Param::from_tensor(shift));
    conv
}

/// Transposed conv, then norm, as one transposed convolution with a bias.
pub(crate) fn fold_transposed(mut conv: ConvTranspose2d, norm: BatchNorm) -> ConvTranspose2d {
    let (scale, shift) = norm.scale_and_shift();
    let channels = scale.dims()[0];
    let weight = conv.weight.val() * scale.reshape([1, channels, 1, 1]);
    conv.weight = Param::from_tensor(weight);
    conv.bias = Some(Param::from_tensor(shift));
    conv
}

/// Fully connected layer, then norm, as one such layer with a bias.
pub(crate) fn fold_linear(mut linear: Linear, norm: BatchNorm) -> Linear {
    let (scale, shift) = norm.scale_and_shift();
    let outputs = scale.dims()[0];
    let weight = linear.weight.val() * scale.reshape([1, outputs]);
    linear.weight = Param::from_tensor(weight);
    linear.bias = Some(Param::from_tensor(shift));
    linear
}

/// The convolution from 2 × 2 to 1 × 1 without the kernel's rim.
pub(crate) fn trim(mut conv: Conv2d) -> Conv2d {
    conv.weight = Param::from_tensor(middle(conv.weight.val()));
    conv.kernel_size = [2; 2];
    conv.stride = [1; 2];
    conv.padding = PaddingConfig2d::Valid;
    conv
}

/// The transposed convolution from 1 × 1 to 2 × 2 without the kernel's rim.
pub(crate) fn trim_transposed(mut conv: ConvTranspose2d) -> ConvTranspose2d {
    conv.weight = Param::from_tensor(middle(conv.weight.val()));
    conv.kernel_size = [2; 2];
    conv.stride = [1; 2];
    conv.padding = [0; 2];
    conv
}

#[cfg(test)]
mod tests {
    use crate::nn::init::Initialiser;
    use crate::nn::{Architecture, Discriminator, Generator, Mode, Network};
    use burn::tensor::{Device, Distribution, Tensor};

    #[test]
    fn rewritten_networks_compute_the_same() {
        for (size, channels) in [(32, 3), (64, 1)] {
            let device = Device::flex();
            let mut init = Initialiser::new(5, &device);
            let architecture = Architecture::new(size, channels, 4);
            let generator = Generator::new(&architecture, &mut init);
            let discriminator = Discriminator::new(&architecture, &mut init);
            let noise = Distribution::Uniform(-1.0, 1.0);
            let x = Tensor::<4>::random([3, channels, size, size], noise, &device);
            // Moves the running statistics away from 0 and 1.
            for _ in 0..3 {
                let x_hat = generator.forward(x.clone(), Mode::Training);
                discriminator.forward(x_hat, Mode::Training);
            }
            let close = |a: Tensor<4>, b: Tensor<4>| {
                let scale = a.clone().abs().max().into_scalar::<f32>();
                let apart = (a - b).abs().max().into_scalar::<f32>();
                assert!(apart <= 1e-5 * scale, "{apart} apart at a scale of {scale}");
            };
            let features = discriminator.features(x.clone(), Mode::Inference);
            let folded = discriminator
                .for_inference()
                .features(x.clone(), Mode::Inference);
            close(
                features.reshape([3, 100, 1, 1]),
                folded.reshape([3, 100, 1, 1]),
            );
            let x_hat = generator.forward(x.clone(), Mode::Inference);
            close(x_hat, generator.for_inference().forward(x, Mode::Inference));
        }
    }
}
