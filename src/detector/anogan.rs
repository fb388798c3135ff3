//! AnoGAN: a GAN learns to generate normal images. To score an image, a latent code z is optimised until
//! G(z) is as close to it as possible, and pixels and the discriminator's features are compared.
//!
//! Source: Schlegl et al. 2017, sections 2.1 and 2.2; networks and latent optimisation as in the code
//! that Zenati et al. 2018 compare with, since the paper specifies neither.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::gan::{GanDetector, GanScore};
use super::spec::GanMethod;
use super::{Inference, LatentOptimisation, Reconstruction};
use crate::loss::{bce_fake, bce_real, latent_optimisation, nearest_generated};
use crate::model_file::Scoring;
use crate::nn::activation::leaky_relu_of;
use crate::nn::dcgan::{
    Generator, Plan, SLOPE, activated, dense, normalise_vector, picture_levels,
};
use crate::nn::fusion::fuse_linear;
use crate::nn::init::Initialiser;
use crate::nn::level::{self, Level};
use crate::nn::{
    Architecture, BatchNorm, DiscriminatorOutput, Mode, Network, flat, linear, outputs,
};
use crate::random::{generator, stream};
use crate::score::RawScore;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::limits::LATENT_STEPS;
use crate::settings::method::Method;
use crate::train::adam::Adam;
use crate::train::gan::{Gan, GanTrainer};
use crate::train::losses::{DISCRIMINATOR_LOSS, LossTerm};
use crate::train::prior::sample_prior;
use crate::train::step::{Batch, PendingLosses, Update};

pub(crate) const SPEC: GanMethod<Anogan> = GanMethod::new();

/// Learning rates of the latent optimisation, each with the share of the steps after which it ends: of
/// 500 steps, the first 200, the next 100 and the rest.
const SCHEDULE: [(f64, f64); 3] = [(0.4, 1e-2), (0.6, 1e-3), (1.0, 5e-4)];

/// β1 of the latent optimisation's Adam: the usual one.
const BETA_1: f64 = 0.9;

/// The discriminator D, whose last hidden layer is the feature f(x), `[n, 16 width]`.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// To 8 × 8, kernel 4: batch norm but in the first, LeakyReLU.
    picture: Vec<Level<Conv2d>>,
    /// Batch norm, LeakyReLU.
    hidden: Linear,
    hidden_norm: Option<BatchNorm>,
    /// To one logit.
    classifier: Linear,
}

impl Network for Discriminator {
    fn new(architecture: &Architecture, init: &mut Initialiser) -> Self {
        let plan = Plan::new(architecture);
        let hidden = plan.last_hidden();
        Self {
            picture: picture_levels(&plan, init),
            hidden: linear(plan.seen(), hidden, false, init),
            hidden_norm: Some(BatchNorm::new(hidden, init)),
            classifier: linear(hidden, 1, true, init),
        }
    }

    fn layer_sizes(&self, mut side: usize) -> Vec<usize> {
        let mut sizes = level::values(&self.picture, &mut side);
        sizes.push(outputs(&self.hidden));
        sizes
    }

    fn fuse(self) -> Self {
        Self {
            picture: level::fuse(self.picture),
            hidden: fuse_linear(self.hidden, self.hidden_norm),
            hidden_norm: None,
            classifier: self.classifier,
        }
    }
}

impl Discriminator {
    /// Classifies images.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the channels or the side are not the architecture's.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> DiscriminatorOutput {
        let mut h = x;
        for level in &self.picture {
            h = activated(level, h, mode); // [n, width, size / 2, size / 2], …
        }
        let h = dense(&self.hidden, flat(h), mode);
        let h = normalise_vector(&self.hidden_norm, h, mode);
        let features = leaky_relu_of(SLOPE, h, mode); // [n, 16 width]
        let logit = self.classifier.forward(features.clone()); // [n, 1]
        DiscriminatorOutput::new(logit, features)
    }
}

/// The method.
///
/// Its losses have one term each and no weights:
///
/// - generator: BCE(D(G(z)), 1), minimised by G
/// - discriminator: BCE(D(x), 1) + BCE(D(G(z)), 0)
/// - nearest: the distance from each image of the batch to the nearest generated one, logged only, not
///   optimised
/// - real and fake: the means of D(x) and of D(G(z)), before the step
pub struct Anogan;

impl Gan for Anogan {
    const LOSSES: &'static [LossTerm] = &[
        LossTerm::new(
            "generator",
            "Generator",
            "how reliably the discriminator recognises generated images",
        ),
        DISCRIMINATOR_LOSS,
        LossTerm::new(
            "nearest",
            "Nearest generated image",
            "mean squared difference between an image and the nearest generated one; logged only",
        )
        .earlier("contextual"),
    ];

    type Generator = Generator;
    type Discriminator = Discriminator;

    /// Updates D, then G against the updated D.
    fn step(trainer: &mut GanTrainer<Self>, batch: Batch, update: Update) -> PendingLosses {
        let Batch { x, step, .. } = batch;
        let mode = Mode::Training;
        let config = &trainer.config;
        let mut random = generator(config.seed, stream::STEP + step);
        let shape = [x.dims()[0], config.features];
        let z = sample_prior(&mut random, shape, &trainer.device);
        let generated = trainer.generator.forward(z, mode);

        let judge = |x: Tensor<4>| trainer.discriminator.forward(x, mode).logit;
        let real = judge(x.clone());
        let fake = judge(generated.clone().detach());
        let judged = [real.clone(), fake.clone()];
        let discriminator = bce_real(real) + bce_fake(fake);
        if update.discriminator() {
            trainer.update_discriminator(&discriminator);
        }

        let nearest = nearest_generated(x, generated.clone().detach());
        // D's weights are fixed while G is updated, so their gradients are not computed.
        let frozen = trainer.discriminator.clone().no_grad();
        let generator = bce_real(frozen.forward(generated, mode).logit);
        if update.generator() {
            trainer.update_generator(&generator);
        }

        PendingLosses::new([generator, discriminator, nearest], judged)
    }
}

impl GanScore for Anogan {
    const METHOD: Method = Method::Anogan;
    const SETTINGS: &'static [Setting] = &[Setting::features, Setting::search_steps];
    const OPTIMISES_LATENT: bool = true;

    /// The published rate of 1e-5 makes little progress within a small budget, and 2e-4 lets D win:
    /// docs/method.md.
    fn published(plain: TrainConfig) -> TrainConfig {
        TrainConfig {
            learning_rate: 1e-3,
            ..plain
        }
    }

    /// The length of f(x).
    fn feature_layers(architecture: &Architecture, _scoring: &Scoring) -> Vec<usize> {
        vec![Plan::new(architecture).last_hidden()]
    }

    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_> {
        Inference::Optimising(Box::new(CodeOptimisation::new(detector, x)))
    }

    /// A = λ R + (1 - λ) L with R = ‖x - G(z)‖₁ / N and L = ‖f(x) - f(G(z))‖₁ / N, N the number of the
    /// image's values: the published score, divided by N, so that R is a mean as in the other methods.
    fn score(
        detector: &GanDetector<Self>,
        x: &[f32],
        x_hat: &[f32],
        (f, f_hat): (&[f32], &[f32]),
    ) -> RawScore {
        detector.scorer.score_by_distance(x, x_hat, f, f_hat)
    }
}

/// The latent optimisation for a batch: each image has its own z, and all start at the same z, which the
/// run's seed determines, so that a score does not depend on the batch.
struct CodeOptimisation<'a> {
    detector: &'a GanDetector<Anogan>,
    x: Tensor<4>,
    /// f(x).
    f: Tensor<2>,
    z: Param<Tensor<2>>,
    adam: Adam,
    taken: usize,
    steps: usize,
    loss: Tensor<1>,
}

impl<'a> CodeOptimisation<'a> {
    fn new(detector: &'a GanDetector<Anogan>, x: Tensor<4>) -> Self {
        let x = Tensor::from_inner(x);
        let device = x.device();
        let mut random = generator(detector.seed, stream::LATENT_CODE);
        let z = sample_prior(&mut random, [1, detector.architecture.features], &device);
        Self {
            f: detector
                .discriminator
                .forward(x.clone(), detector.mode)
                .features,
            z: Param::from_tensor(z.repeat_dim(0, x.dims()[0])),
            adam: Adam::new(learning_rate(0, 1)).with_beta_1(BETA_1),
            taken: 0,
            steps: detector.scoring.search_steps.unwrap_or(LATENT_STEPS),
            loss: Tensor::zeros([1], &device),
            detector,
            x,
        }
    }

    /// G(z) and f(G(z)).
    fn generated(&self) -> (Tensor<4>, Tensor<2>) {
        let GanDetector {
            generator,
            discriminator,
            mode,
            ..
        } = self.detector;
        let x_hat = generator.forward(self.z.val(), *mode);
        let f_hat = discriminator.forward(x_hat.clone(), *mode).features;
        (x_hat, f_hat)
    }
}

impl LatentOptimisation for CodeOptimisation<'_> {
    fn steps(&self) -> usize {
        self.steps
    }

    fn step(&mut self) {
        let (x_hat, f_hat) = self.generated();
        let lambda = self.detector.scoring.lambda;
        let features = (self.f.clone(), f_hat);
        self.loss = latent_optimisation(lambda, (self.x.clone(), x_hat), features);
        let rate = learning_rate(self.taken, self.steps);
        self.adam.set_learning_rate(rate);
        let gradients = self.loss.backward();
        self.z = self.adam.step(self.z.clone(), &gradients);
        self.taken += 1;
    }

    fn loss(&self) -> Tensor<1> {
        self.loss.clone().inner()
    }

    fn end(self: Box<Self>) -> Reconstruction {
        let (x_hat, f_hat) = self.generated();
        Reconstruction {
            x_hat: x_hat.inner(),
            features: Some((self.f.inner(), f_hat.inner())),
            marks: None,
        }
    }
}

/// The learning rate of the step after `taken` of `steps`.
fn learning_rate(taken: usize, steps: usize) -> f64 {
    let share = taken as f64 / steps as f64;
    let [first, next, last] = SCHEDULE;
    [first, next]
        .into_iter()
        .find(|&(end, _)| share < end)
        .unwrap_or(last)
        .1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schedule_is_that_of_500_steps() {
        let rates = [0, 199, 200, 299, 300, 499].map(|taken| learning_rate(taken, 500));
        assert_eq!(rates, [1e-2, 1e-2, 1e-3, 1e-3, 5e-4, 5e-4]);
        assert_eq!(learning_rate(0, 1), 1e-2);
    }
}
