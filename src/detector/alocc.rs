//! ALOCC: refines the image and asks the discriminator whether the result is normal.
//!
//! Two networks: the refiner R, which reconstructs an image, and the discriminator D. Every convolution
//! has a kernel of 5 and halves or doubles the side.
//!
//! Source: Sabokrou et al. 2018, section 3, and the published code where the text is silent.

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::{Tensor, TensorData};

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, Reconstruction};
use crate::data::disturb::Disturbance;
use crate::loss::{bce_fake, bce_real, probability, refinement};
use crate::model_file::Scoring;
use crate::nn::convolution::convolve;
use crate::nn::decoder::{self, UpLevel};
use crate::nn::init::Initialiser;
use crate::nn::pyramid::{self, PyramidLevel};
use crate::nn::{Architecture, BatchNorm, Mode, Network, conv, conv_transposed};
use crate::random::{generator, stream};
use crate::score::{self, RawScore};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::step::{PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Alocc> = GanMethod::new();

/// Side of every kernel but that of D's last layer.
const KERNEL: usize = 5;

/// R's channels on the way down, in base widths. An eighth of the image's side is left.
const DOWN: [usize; 3] = [2, 4, 8];

/// R's channels on the way up, in base widths, before the image's own.
const UP: [usize; 2] = [2, 1];

/// D's channels, in base widths: 64, 128, 256, 512 in the paper. A sixteenth of the side is left.
const OF_D: [usize; 4] = [1, 2, 4, 8];

/// The refiner R: encoder and decoder without a bottleneck. Only the noise on its input in training keeps
/// it from copying.
#[derive(Module, Debug)]
pub struct Refiner {
    /// Down to an eighth of the side: convolution, batch norm, LeakyReLU.
    encoder: Vec<PyramidLevel>,
    /// Up again: transposed convolution, then batch norm and ReLU, or tanh in the last.
    decoder: Vec<UpLevel>,
}

impl Network for Refiner {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let width = architecture.generator_width;
        let mut input = architecture.channels;
        let mut encoder = Vec::with_capacity(DOWN.len());
        for output in DOWN.map(|factor| factor * width) {
            let conv = conv(input, output, [KERNEL, 2, 2], init);
            let norm = Some(BatchNorm::new(output, init));
            encoder.push(PyramidLevel { conv, norm });
            input = output;
        }
        let mut decoder = Vec::with_capacity(UP.len() + 1);
        for output in UP.map(|factor| factor * width) {
            let conv = conv_up(input, output, init);
            let norm = Some(BatchNorm::new(output, init));
            decoder.push(UpLevel { conv, norm });
            input = output;
        }
        let mut conv = conv_up(input, architecture.channels, init);
        conv.bias = Some(init.zeros(architecture.channels));
        decoder.push(UpLevel { conv, norm: None });
        Self { encoder, decoder }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let mut input = architecture.channels;
        let mut count = 0;
        for factor in DOWN.into_iter().chain(UP) {
            let output = factor * architecture.generator_width;
            count += KERNEL * KERNEL * input * output + 2 * output;
            input = output;
        }
        count + (KERNEL * KERNEL * input + 1) * architecture.channels
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        let values = |(side, channels): (usize, usize)| side * side * channels;
        let size = architecture.size;
        let width = architecture.generator_width;
        let sides = [size / 2, size / 4, size / 8, size / 4, size / 2];
        let factors = DOWN.into_iter().chain(UP);
        let hidden = sides.into_iter().zip(factors.map(|factor| factor * width));
        let picture = (size, architecture.channels);
        hidden.chain([picture]).map(values).collect()
    }

    fn for_inference(self) -> Self {
        Self {
            encoder: pyramid::for_inference(self.encoder),
            decoder: decoder::for_inference(self.decoder),
        }
    }
}

impl Refiner {
    /// Refines images: x̂ = R(x).
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`
    /// - returns `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let h = pyramid::forward(&self.encoder, x, mode, |_| ()); // [n, 8 width, size / 8, size / 8]
        decoder::draw(&self.decoder, h, mode) // [n, c, size, size]
    }
}

/// The discriminator D: is an image normal, or refined by R?
#[derive(Module, Debug)]
pub struct Discriminator {
    /// Down to a sixteenth of the side: convolution, batch norm (not in the first), LeakyReLU.
    pyramid: Vec<PyramidLevel>,
    /// The remaining feature maps to one logit: the published linear layer, as a kernel of their side.
    classifier: Conv2d,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        architecture.check().expect("a checked architecture");
        let mut input = architecture.channels;
        let mut pyramid = Vec::with_capacity(OF_D.len());
        for factor in OF_D {
            let output = factor * architecture.discriminator_width;
            let mut conv = conv(input, output, [KERNEL, 2, 2], init);
            // A batch norm has its own shift.
            let norm = (!pyramid.is_empty()).then(|| BatchNorm::new(output, init));
            if norm.is_none() {
                conv.bias = Some(init.zeros(output));
            }
            pyramid.push(PyramidLevel { conv, norm });
            input = output;
        }
        let mut classifier = conv(input, 1, [left(architecture), 1, 0], init);
        classifier.bias = Some(init.zeros(1));
        Self {
            pyramid,
            classifier,
        }
    }

    fn learnt_values(architecture: &Architecture) -> usize {
        let mut input = architecture.channels;
        let mut count = 0;
        for (level, factor) in OF_D.into_iter().enumerate() {
            let output = factor * architecture.discriminator_width;
            let shifts = if level == 0 { output } else { 2 * output };
            count += KERNEL * KERNEL * input * output + shifts;
            input = output;
        }
        count + left(architecture).pow(2) * input + 1
    }

    fn layers(architecture: &Architecture) -> Vec<usize> {
        let width = architecture.discriminator_width;
        let side = |level: usize| architecture.size >> (level + 1);
        let layers = OF_D.into_iter().enumerate();
        layers
            .map(|(level, factor)| factor * width * side(level).pow(2))
            .collect()
    }

    fn for_inference(mut self) -> Self {
        self.pyramid = pyramid::for_inference(self.pyramid);
        self
    }
}

impl Discriminator {
    /// Classifies images; D's probability of "normal" is the sigmoid of the logit.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns logits `[n]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<1> {
        let h = pyramid::forward(&self.pyramid, x, mode, |_| ()); // [n, 8 width, size / 16, size / 16]
        let logit = convolve(&self.classifier, h, mode); // [n, 1, 1, 1]
        let n = logit.dims()[0];
        logit.reshape([n])
    }
}

/// Side of what D's convolutions leave.
fn left(architecture: &Architecture) -> usize {
    architecture.size >> OF_D.len()
}

/// A transposed convolution that doubles the side.
fn conv_up(input: usize, output: usize, init: &mut Initialiser) -> ConvTranspose2d {
    let mut conv = conv_transposed(input, output, [KERNEL, 2, 2], init);
    conv.padding_out = [1; 2];
    conv
}

/// Steps of R for each step of D, so that D does not win, as in the published code.
const REFINEMENTS: usize = 2;

/// The method.
///
/// The contextual loss is the refinement loss. The method has no latent loss; in its place the mean of 1
/// - D(x̂), on which the score is based, is logged but not optimised.
pub struct Alocc;

impl Gan for Alocc {
    type Generator = Refiner;
    type Discriminator = Discriminator;

    /// Updates D, then R twice. R's losses are reported as they were before its first update.
    fn step(
        trainer: &mut GanTrainer<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses {
        let weights = trainer.config.loss_weights();
        let noisy = add_noise(trainer, x.clone(), step);
        let x_hat = trainer.generator.forward(noisy.clone(), Mode::Training);

        let judge = |x: Tensor<4>| trainer.discriminator.forward(x, Mode::Training);
        let real = judge(x.clone());
        let fake = judge(x_hat.clone().detach());
        let judged = [real.clone(), fake.clone()];
        let discriminator = bce_real(real) + bce_fake(fake);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        // D's weights are fixed while R is updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let losses = |x_hat: Tensor<4>| {
            let fake = frozen.forward(x_hat.clone(), Mode::Training);
            let adversarial = bce_real(fake);
            let contextual = refinement(x.clone(), x_hat);
            let generator = adversarial.clone().mul_scalar(weights.adversarial)
                + contextual.clone().mul_scalar(weights.contextual);
            [adversarial, contextual, generator]
        };
        let [adversarial, contextual, refiner] = losses(x_hat);
        if update.generator() {
            trainer.update_generator(&refiner);
            for _ in 1..REFINEMENTS {
                let again = trainer.generator.forward(noisy.clone(), Mode::Training);
                let [.., again] = losses(again);
                trainer.update_generator(&again);
            }
        }

        let latent = probability(judged[1].clone()).neg().add_scalar(1.0).mean();
        let losses = [adversarial, contextual, latent, refiner, discriminator];
        PendingLosses::new(losses, judged)
    }
}

impl GanScore for Alocc {
    const METHOD: Method = Method::Alocc;
    const LAMBDA: f64 = 0.0;
    const SETTINGS: &'static [Setting] = &[
        Setting::adversarial_weight,
        Setting::contextual_weight,
        Setting::input_noise,
    ];

    fn published(plain: TrainConfig) -> TrainConfig {
        TrainConfig {
            contextual_weight: 0.4,
            input_noise: 0.155,
            ..plain
        }
    }

    /// D's logit.
    fn feature_layers(_architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![1]
    }

    /// The features are D's logit of R(x), twice, since the score does not compare two vectors.
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        let n = x.dims()[0];
        let x_hat = detector.generator.forward(x, detector.mode);
        let logit = detector.discriminator.forward(x_hat.clone(), detector.mode);
        let logit = logit.reshape([n, 1]);
        Inference::from(Reconstruction {
            x_hat,
            features: Some((logit.clone(), logit)),
        })
    }

    /// L = 1 - D(R(x)), equation 5. With λ = 0, as in the paper, A is L, and R is only shown.
    fn score(
        detector: &GanDetector<Self>,
        x: &[f32],
        x_hat: &[f32],
        (logit, _): (&[f32], &[f32]),
    ) -> RawScore {
        detector
            .scorer
            .score_by(x, x_hat, score::fake_probability(logit[0]))
    }
}

/// x̃ = x + N(0, σ²). The noise depends only on the seed and the step.
fn add_noise(trainer: &GanTrainer<Alocc>, x: Tensor<4>, step: u64) -> Tensor<4> {
    let config = &trainer.config;
    let disturbance = Disturbance {
        noise: config.input_noise,
        mask: 0.0,
    };
    if disturbance.is_none() {
        return x;
    }
    let shape = x.dims();
    let mut random = generator(config.seed, stream::STEP + step);
    let (_, noise) = disturbance.draw(shape, &mut random);
    x + Tensor::from_data(TensorData::new(noise, shape), &trainer.device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tensors::learnt_values;
    use burn::tensor::{Device, Distribution};

    fn networks(architecture: &Architecture) -> (Refiner, Discriminator) {
        let mut init = Initialiser::new(0, &Device::flex());
        let refiner = Refiner::new(architecture, &mut init);
        (refiner, Discriminator::new(architecture, &mut init))
    }

    #[test]
    fn counted_values_are_those_of_the_built_networks() {
        for (size, channels, width, discriminator_width) in
            [(32, 1, 3, 3), (64, 3, 2, 5), (128, 1, 1, 2), (256, 3, 2, 1)]
        {
            let architecture = Architecture {
                discriminator_width,
                ..Architecture::new(size, channels, width)
            };
            let (r, d) = networks(&architecture);
            assert_eq!(Refiner::learnt_values(&architecture), learnt_values(&r));
            let counted = Discriminator::learnt_values(&architecture);
            assert_eq!(counted, learnt_values(&d));
        }
    }

    /// By hand, from the paper's table: kernels, then γ and β or a bias for each channel.
    #[test]
    fn counted_values_at_the_papers_width() {
        let architecture = Architecture::new(32, 3, 64);
        let kernels = |plan: &[usize]| -> usize { plan.windows(2).map(|w| 25 * w[0] * w[1]).sum() };
        let refiner = kernels(&[3, 128, 256, 512, 128, 64, 3]);
        let norms = 2 * (128 + 256 + 512 + 128 + 64);
        assert_eq!(Refiner::learnt_values(&architecture), refiner + norms + 3);
        assert_eq!(Refiner::learnt_values(&architecture), 5_955_779);
        let discriminator = kernels(&[3, 64, 128, 256, 512]) + 4 * 512;
        let shifts = 64 + 2 * (128 + 256 + 512) + 1;
        let counted = Discriminator::learnt_values(&architecture);
        assert_eq!(counted, discriminator + shifts);
        assert_eq!(counted, 4_309_505);
    }

    #[test]
    fn every_size_and_channel_count_keeps_its_shape() {
        for size in [32, 64, 128, 256] {
            for channels in [1, 3] {
                let architecture = Architecture::new(size, channels, 1);
                let (r, d) = networks(&architecture);
                let x = Tensor::zeros([2, channels, size, size], &Device::flex());
                for mode in [Mode::Inference, Mode::Training] {
                    assert_eq!(r.forward(x.clone(), mode).dims(), x.dims());
                    assert_eq!(d.forward(x.clone(), mode).dims(), [2]);
                }
                let layers = Refiner::layers(&architecture);
                assert_eq!(layers.len(), 6);
                assert_eq!(layers[2], 8 * (size / 8).pow(2));
                assert_eq!(layers[5], channels * size * size);
                let last = Discriminator::layers(&architecture)[3];
                assert_eq!(last, 8 * (size / 16).pow(2));
            }
        }
    }

    #[test]
    fn rewritten_networks_compute_the_same() {
        let device = Device::flex();
        let (r, d) = networks(&Architecture::new(64, 1, 4));
        let noise = Distribution::Uniform(-1.0, 1.0);
        let x = Tensor::<4>::random([3, 1, 64, 64], noise, &device);
        // Moves the running statistics away from 0 and 1.
        for _ in 0..3 {
            let x_hat = r.forward(x.clone(), Mode::Training);
            d.forward(x_hat, Mode::Training);
        }
        let close = |a: Tensor<1>, b: Tensor<1>| {
            let scale = a.clone().abs().max().into_scalar::<f32>();
            let apart = (a - b).abs().max().into_scalar::<f32>();
            assert!(apart <= 1e-5 * scale, "{apart} apart at a scale of {scale}");
        };
        let before = d.forward(x.clone(), Mode::Inference);
        close(
            before,
            d.for_inference().forward(x.clone(), Mode::Inference),
        );
        let flat = |x: Tensor<4>| x.reshape([3 * 4096]);
        let before = flat(r.forward(x.clone(), Mode::Inference));
        close(before, flat(r.for_inference().forward(x, Mode::Inference)));
    }
}
