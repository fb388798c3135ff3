//! The common part of the methods that train a generator against a discriminator. A method adds its
//! networks, its training step, and what it measures and scores.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::anogan::SEARCH_STEPS;
use super::memory::Memory;
use super::scorer::Scorer;
use super::{Detector, LoadError, Measuring, Method};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, TensorError, num_params};
use crate::nn::{Architecture, Mode, Network};
use crate::score::{LAMBDA, Latent, RawScore};
use crate::train::config::TrainConfig;
use crate::train::networks::Networks;
use crate::train::step::{PendingLosses, Update};

/// Prefix of the generator's tensors in a file.
pub const GENERATOR: &str = "generator";
/// Prefix of the discriminator's tensors in a file.
pub const DISCRIMINATOR: &str = "discriminator";

/// A method that trains a generator against a discriminator.
pub trait Adversarial: Sized + 'static {
    /// Its entry in the list of methods.
    const METHOD: Method;

    /// λ of its published score.
    const LAMBDA: f64 = LAMBDA;

    /// The settings that it uses in addition to those of every method with networks, by field of
    /// [`TrainConfig`]; others are refused.
    const SETTINGS: &'static [&'static str];

    /// Number of passes of a batch through D in one step, for the memory estimate.
    const PASSES_OF_D: usize = 3;

    /// Whether a step updates the generator in two phases, each with an optimiser of its own.
    const TWO_PHASES: bool = false;

    /// Whether it optimises a latent code for each image, which needs gradients, instead of measuring it
    /// in one pass.
    const SEARCHES: bool = false;

    /// All trained networks except the discriminator.
    type Generator: Network + Sync;

    /// The network that distinguishes real from generated.
    type Discriminator: Network + Sync;

    /// The settings that it starts from: the defaults, `plain`, except where its authors use others, or
    /// where others were chosen on held-out normal images because the authors' setting fails at a small
    /// budget.
    fn published(plain: TrainConfig) -> TrainConfig {
        plain
    }

    /// The method's training step, as [`crate::train::step::Trainer::step`].
    fn step(
        networks: &mut Networks<Self>,
        x: Tensor<4>,
        step: u64,
        update: Update,
    ) -> PendingLosses;

    /// Number of features from each measured layer.
    fn feature_layers(architecture: &Architecture, scoring: &Scoring) -> Vec<usize>;

    /// Number of values of an image's encoding from each layer; empty if there can be no memory bank.
    fn encoding_layers(_architecture: &Architecture) -> Vec<usize> {
        Vec::new()
    }

    /// The encodings of a batch, for methods with [`Adversarial::encoding_layers`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, encoding]`
    fn encode(trained: &Trained<Self>, x: Tensor<4>) -> Tensor<2> {
        Tensor::zeros([x.dims()[0], 0], &trained.device)
    }

    /// Reconstructions and features of a batch.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    fn measure(trained: &Trained<Self>, x: Tensor<4>) -> Measuring<'_>;

    /// Scores one image from its values, its reconstruction and both features.
    fn score(
        trained: &Trained<Self>,
        x: &[f32],
        x_hat: &[f32],
        (f, f_hat): (&[f32], &[f32]),
    ) -> RawScore {
        trained.scorer.score(x, x_hat, f, f_hat)
    }
}

/// The trained networks of a method, ready to score.
pub struct Trained<A: Adversarial> {
    /// G.
    pub generator: A::Generator,
    /// D.
    pub discriminator: A::Discriminator,
    /// Which statistics the batch norms use.
    pub mode: Mode,
    /// Shape of the networks.
    pub architecture: Architecture,
    /// How the score is computed.
    pub scoring: Scoring,
    /// Seed of its training run; 0 if the file does not record it.
    pub seed: u64,
    pub(super) scorer: Scorer,
    /// The memory bank that L compares with instead of f(x̂), if the score uses one.
    pub(super) memory: Option<Memory>,
    preprocessing: Preprocessing,
    parameters: usize,
    device: Device,
}

impl<A: Adversarial> Trained<A> {
    /// Reads the networks from a file, for inference mode, or as they are for training mode: see
    /// [`super::load_with_batch_statistics`].
    ///
    /// # Errors
    /// If the header has no networks, or a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device, mode: Mode) -> Result<Self, LoadError> {
        let architecture = *shape_of_networks(file, |architecture| {
            num_params(&A::Generator::blank(architecture))
                + num_params(&A::Discriminator::blank(architecture))
        })?;
        let scoring = file.header.scoring;
        let networks_on = match A::SEARCHES {
            true => device.clone().autodiff(),
            false => device.clone(),
        };
        let mut init = Initialiser::blank(&networks_on);
        let generator = A::Generator::new(&architecture, &mut init);
        let discriminator = A::Discriminator::new(&architecture, &mut init);
        // A file without one of them, or with another, is damaged, whichever of them scores.
        let generator = tensors::load(generator, GENERATOR, &file.tensors)?;
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        let parameters = num_params(&generator) + num_params(&discriminator);
        // A latent optimisation needs gradients, but not those of the weights: neither of the loaded ones
        // nor of those derived from them.
        let (generator, discriminator) = (generator.no_grad(), discriminator.no_grad());
        let (generator, discriminator) = match mode {
            Mode::Inference => (generator.fuse(), discriminator.fuse()),
            Mode::Training => (generator, discriminator),
        };
        let encoding: usize = A::encoding_layers(&architecture).iter().sum();
        let memory = match scoring.latent {
            Latent::Memory if encoding > 0 => Memory::from_file(file, encoding, device)?,
            Latent::Memory | Latent::Final | Latent::Layers => None,
        };
        let features = A::feature_layers(&architecture, &scoring).iter().sum();
        let training = file.header.training.as_ref();
        Ok(Self {
            generator: generator.no_grad(),
            discriminator: discriminator.no_grad(),
            mode,
            architecture,
            scoring,
            seed: training.map_or(0, |training| training.config.seed),
            scorer: Scorer::from_file(file, features)?,
            memory,
            preprocessing: file.header.preprocessing.clone(),
            parameters,
            device: device.clone(),
        })
    }
}

/// The shape that a file's networks have, if the file has values for networks of that shape: they are
/// built before they are filled.
fn shape_of_networks(
    file: &ModelFile,
    num_params: impl Fn(&Architecture) -> usize,
) -> Result<&Architecture, LoadError> {
    let missing = LoadError::NoNetworks(file.header.method);
    let architecture = file.header.architecture.as_ref().ok_or(missing)?;
    let expected = num_params(architecture);
    let found = file.tensors.values().map(|t| t.values.len()).sum();
    if found < expected {
        return Err(TensorError::TooFew { expected, found }.into());
    }
    Ok(architecture)
}

impl<A: Adversarial> Detector for Trained<A> {
    fn method(&self) -> Method {
        A::METHOD
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn feature_layers(&self) -> Vec<usize> {
        A::feature_layers(&self.architecture, &self.scoring)
    }

    fn encoding_layers(&self) -> Vec<usize> {
        A::encoding_layers(&self.architecture)
    }

    fn encode(&self, x: Tensor<4>) -> Tensor<2> {
        A::encode(self, x)
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn measure(&self, x: Tensor<4>) -> Measuring<'_> {
        A::measure(self, x)
    }

    fn search_steps(&self) -> Option<usize> {
        let steps = self.scoring.search_steps.unwrap_or(SEARCH_STEPS);
        A::SEARCHES.then_some(steps)
    }

    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let features = features.expect("methods with networks measure features");
        A::score(self, x, x_hat, features)
    }
}
