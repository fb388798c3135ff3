//! The common part of the methods that train a generator against a discriminator: loading and scoring. A
//! method adds what it infers from an image, and how that is scored.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::memory::MemoryBank;
use super::scorer::Scorer;
use super::{Detector, Inference, LoadError};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, TensorError, num_params};
use crate::nn::{Architecture, Mode, Network};
use crate::score::{LAMBDA, Latent, RawScore};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::limits::LATENT_STEPS;
use crate::settings::method::Method;
use crate::settings::preset::Preset;
use crate::train::gan::{DISCRIMINATOR, GENERATOR, Gan};

/// A method whose score comes from a generator and a discriminator.
pub trait GanScore: Gan {
    /// Its name.
    const METHOD: Method;

    /// λ of its published score.
    const LAMBDA: f64 = LAMBDA;

    /// The settings that it uses in addition to those of every method with networks; others are refused.
    const SETTINGS: &'static [Setting];

    /// Whether it optimises a latent code for each image, which needs gradients, instead of
    /// reconstructing it in one pass.
    const OPTIMISES_LATENT: bool = false;

    /// Whether it marks the pixels that it takes for damaged.
    const MARKS: bool = false;

    /// What L is, if it is not what [`Latent`] says: follows "The latent term L".
    const LATENT: Option<&'static str> = None;

    /// What L is with a memory bank, if it is not what [`Latent`] says.
    const MEMORY: Option<&'static str> = None;

    /// The settings that it starts from: the defaults, `plain`, except where its authors use others, or
    /// where others were chosen on held-out normal images because the authors' setting fails at a small
    /// budget.
    fn published(plain: TrainConfig) -> TrainConfig {
        plain
    }

    /// The settings of a preset, made from the published ones, if it has any of its own.
    fn preset(_preset: Preset, _published: TrainConfig) -> Option<TrainConfig> {
        None
    }

    /// Number of features from each layer that is compared.
    fn feature_layers(architecture: &Architecture, scoring: &Scoring) -> Vec<usize>;

    /// Number of values of an image's encoding from each layer; empty if there can be no memory bank.
    fn encoding_layers(_architecture: &Architecture) -> Vec<usize> {
        Vec::new()
    }

    /// The encodings of a batch, for methods with [`GanScore::encoding_layers`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, encoding]`
    fn encode(detector: &GanDetector<Self>, x: Tensor<4>) -> Tensor<2> {
        Tensor::zeros([x.dims()[0], 0], &detector.device)
    }

    /// Reconstructions and features of a batch.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    fn infer(detector: &GanDetector<Self>, x: Tensor<4>) -> Inference<'_>;

    /// Scores one image from its values, its reconstruction and both features.
    fn score(
        detector: &GanDetector<Self>,
        x: &[f32],
        x_hat: &[f32],
        (f, f_hat): (&[f32], &[f32]),
    ) -> RawScore {
        detector.scorer.score(x, x_hat, f, f_hat)
    }
}

/// The trained networks of a method, ready to score.
pub struct GanDetector<G: GanScore> {
    /// G.
    pub generator: G::Generator,
    /// D.
    pub discriminator: G::Discriminator,
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
    pub(super) memory: Option<MemoryBank>,
    preprocessing: Preprocessing,
    num_params: usize,
    device: Device,
}

impl<G: GanScore> GanDetector<G> {
    /// Reads the networks from a file, for inference mode, or as they are for training mode: see
    /// [`super::load_with_batch_statistics`].
    ///
    /// # Errors
    /// If the header has no networks, or a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device, mode: Mode) -> Result<Self, LoadError> {
        let architecture = *shape_of_networks(file, |architecture| {
            num_params(&G::Generator::blank(architecture))
                + num_params(&G::Discriminator::blank(architecture))
        })?;
        let networks_on = match G::OPTIMISES_LATENT {
            true => device.clone().autodiff(),
            false => device.clone(),
        };
        let mut init = Initialiser::blank(&networks_on);
        let generator = G::Generator::new(&architecture, &mut init);
        let discriminator = G::Discriminator::new(&architecture, &mut init);
        // A file without one of them, or with another, is damaged, whichever of them scores.
        let generator = tensors::load(generator, GENERATOR, &file.tensors)?;
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        let num_params = num_params(&generator) + num_params(&discriminator);
        // A latent optimisation needs gradients, but not those of the weights: neither of the loaded ones
        // nor of those derived from them.
        let (generator, discriminator) = (generator.no_grad(), discriminator.no_grad());
        let (generator, discriminator) = match mode {
            Mode::Inference => (generator.fuse(), discriminator.fuse()),
            Mode::Training => (generator, discriminator),
        };
        let (scorer, memory) = scoring_of::<G>(file, &architecture, device)?;
        let training = file.header.training.as_ref();
        Ok(Self {
            generator: generator.no_grad(),
            discriminator: discriminator.no_grad(),
            mode,
            architecture,
            scoring: file.header.scoring,
            seed: training.map_or(0, |training| training.config.seed),
            scorer,
            memory,
            preprocessing: file.header.preprocessing.clone(),
            num_params,
            device: device.clone(),
        })
    }
}

/// What a file's score needs besides its networks: the scorer, and the memory bank if there is one.
fn scoring_of<G: GanScore>(
    file: &ModelFile,
    architecture: &Architecture,
    device: &Device,
) -> Result<(Scorer, Option<MemoryBank>), TensorError> {
    let scoring = &file.header.scoring;
    let encoding: usize = G::encoding_layers(architecture).iter().sum();
    let memory = match scoring.latent {
        Latent::Memory if encoding > 0 => MemoryBank::from_file(file, encoding, device)?,
        Latent::Memory | Latent::Final | Latent::Layers => None,
    };
    let features = G::feature_layers(architecture, scoring).iter().sum();
    Ok((Scorer::from_file(file, features)?, memory))
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

impl<G: GanScore> Detector for GanDetector<G> {
    fn method(&self) -> Method {
        G::METHOD
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn num_params(&self) -> usize {
        self.num_params
    }

    fn feature_layers(&self) -> Vec<usize> {
        G::feature_layers(&self.architecture, &self.scoring)
    }

    fn encoding_layers(&self) -> Vec<usize> {
        G::encoding_layers(&self.architecture)
    }

    fn encode(&self, x: Tensor<4>) -> Tensor<2> {
        G::encode(self, x)
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn infer(&self, x: Tensor<4>) -> Inference<'_> {
        G::infer(self, x)
    }

    fn latent_steps(&self) -> Option<usize> {
        let steps = self.scoring.search_steps.unwrap_or(LATENT_STEPS);
        G::OPTIMISES_LATENT.then_some(steps)
    }

    fn score_as(&mut self, file: &ModelFile) -> Result<(), LoadError> {
        (self.scorer, self.memory) = scoring_of::<G>(file, &self.architecture, &self.device)?;
        self.scoring = file.header.scoring;
        Ok(())
    }

    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let features = features.expect("methods with networks have features");
        G::score(self, x, x_hat, features)
    }

    fn with_marks(&self, raw: RawScore, marks: &[f32]) -> RawScore {
        self.scorer.with_marks(raw, marks)
    }
}
