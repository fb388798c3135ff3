//! Skip-GANomaly's generator G: a U-Net down to a single pixel.
//!
//! Source: Akçay et al. 2019, section 3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, tanh};

use super::activation::leaky_relu;
use super::convolution::{convolve, convolve_transposed};
use super::inference::{fold, fold_transposed, trim, trim_transposed};
use super::init::Initialiser;
use super::{Architecture, BatchNorm, ENCODING_SIDE, Mode, Network, conv_down, conv_up};

/// One step down: convolution, then batch norm where the plan has one.
#[derive(Module, Debug)]
pub struct EncoderLevel {
    conv: Conv2d,
    norm: Option<BatchNorm>,
}

/// One step up: transposed convolution, then batch norm where the plan has one.
#[derive(Module, Debug)]
pub struct DecoderLevel {
    conv: ConvTranspose2d,
    norm: Option<BatchNorm>,
}

/// The generator: log2(size) steps down to the bottleneck z, as many up, each up-step joined with
/// the features of the same side on the way down.
#[derive(Module, Debug)]
pub struct Generator {
    /// From the image (first) to the bottleneck (last).
    encoder: Vec<EncoderLevel>,
    /// From the bottleneck (first) to the image (last).
    decoder: Vec<DecoderLevel>,
    /// How many skips are cut, from the outermost.
    cut_skips: usize,
}

impl Network for Generator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let widths = architecture.widths();
        let innermost = widths.len() - 1;

        let encoder = (0..=innermost)
            .map(|level| {
                let input = if level == 0 {
                    architecture.channels
                } else {
                    widths[level - 1]
                };
                EncoderLevel {
                    conv: conv_down(input, widths[level], init),
                    // Neither the first nor the bottleneck convolution is normalised.
                    norm: (level != 0 && level != innermost)
                        .then(|| BatchNorm::new(widths[level], init)),
                }
            })
            .collect();

        let decoder = (0..=innermost)
            .rev()
            .map(|level| {
                let outermost = level == 0;
                // Above the bottleneck the skip doubles the channels.
                let input = if level == innermost {
                    widths[level]
                } else {
                    2 * widths[level]
                };
                let output = if outermost {
                    architecture.channels
                } else {
                    widths[level - 1]
                };
                DecoderLevel {
                    conv: conv_up(input, output, outermost, init),
                    norm: (!outermost).then(|| BatchNorm::new(output, init)),
                }
            })
            .collect();

        Self {
            encoder,
            decoder,
            cut_skips: architecture.cut_skips,
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let widths = architecture.widths();
        let innermost = widths.len() - 1;
        let mut count = architecture.channels; // the outermost transposed convolution's bias
        for (level, &width) in widths.iter().enumerate() {
            let outer = if level == 0 {
                architecture.channels
            } else {
                widths[level - 1]
            };
            let joined = if level == innermost { width } else { 2 * width };
            count += 16 * outer * (width + joined);
            let down_norm = level != 0 && level != innermost;
            let up_norm = level != 0;
            count += if down_norm { 2 * width } else { 0 } + if up_norm { 2 * outer } else { 0 };
        }
        count
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        let widths = architecture.widths();
        let plane = |level: usize| (architecture.size >> level).pow(2);
        let down = widths.iter().enumerate();
        let down = down.map(|(level, width)| width * plane(level + 1));
        let outputs = [&[architecture.channels], &widths[..widths.len() - 1]].concat();
        let up = outputs.iter().enumerate();
        let up = up.map(|(level, width)| width * plane(level));
        down.chain(up).collect()
    }

    fn for_inference(self) -> Self {
        let innermost = self.encoder.len() - 1;
        let encoder = self.encoder.into_iter().enumerate().map(|(level, step)| {
            let conv = match step.norm {
                Some(norm) => fold(step.conv, norm),
                None if level == innermost => trim(step.conv),
                None => step.conv,
            };
            EncoderLevel { conv, norm: None }
        });
        let decoder = self.decoder.into_iter().enumerate().map(|(level, step)| {
            let conv = match step.norm {
                Some(norm) => fold_transposed(step.conv, norm),
                None => step.conv,
            };
            let conv = if level == 0 {
                trim_transposed(conv)
            } else {
                conv
            };
            DecoderLevel { conv, norm: None }
        });
        Self {
            encoder: encoder.collect(),
            decoder: decoder.collect(),
            cut_skips: self.cut_skips,
        }
    }
}

impl Generator {
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
        self.decode(skips, z, mode, on_skip)
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
        let flat = |h: &Tensor<4>| {
            let [n, c, height, width] = h.dims();
            h.clone().reshape([n, c * height * width])
        };
        let small = skips.iter().filter(|skip| skip.dims()[2] <= ENCODING_SIDE);
        let layers = small.chain([&z]).map(flat).collect();
        let encoding = Tensor::cat(layers, 1);
        let x_hat = self.decode(skips, z, mode, |_, skip| skip);
        (x_hat, encoding)
    }

    /// The skips, the outermost first, and the bottleneck z.
    fn encode(&self, x: Tensor<4>, mode: Mode) -> (Vec<Tensor<4>>, Tensor<4>) {
        let mut skips = Vec::with_capacity(self.encoder.len());
        let mut h = x;
        for (level, step) in self.encoder.iter().enumerate() {
            if level > 0 {
                h = leaky_relu(h, mode);
                // The published LeakyReLU works in place, so the skip carries the activated tensor.
                skips.push(h.clone());
            }
            h = convolve(&step.conv, h, mode); // [n, width << level, side / 2, side / 2]
            h = normalise(&step.norm, h, mode);
        }
        (skips, h)
    }

    fn decode(
        &self,
        mut skips: Vec<Tensor<4>>,
        z: Tensor<4>,
        mode: Mode,
        on_skip: impl Fn(usize, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let mut h = z;
        for step in &self.decoder {
            h = convolve_transposed(&step.conv, relu(h), mode); // [n, width of the skip, 2 side, 2 side]
            h = normalise(&step.norm, h, mode);
            if let Some(skip) = skips.pop() {
                let level = skips.len();
                let skip = match level < self.cut_skips {
                    true => skip.zeros_like(),
                    false => on_skip(level, skip),
                };
                h = Tensor::cat(vec![skip, h], 1); // [n, 2 width, 2 side, 2 side]
            }
        }
        tanh(h) // [n, c, size, size]
    }
}

fn normalise(norm: &Option<BatchNorm>, x: Tensor<4>, mode: Mode) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x, mode),
        None => x,
    }
}
