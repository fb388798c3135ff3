//! Skip-GANomaly as a detector: reconstruct with G, compare pixels and D's features.
//!
//! Source: Akçay et al. 2019, section 3.3.

use burn::tensor::{Device, Tensor};

use super::memory::Memory;
use super::scorer::Scorer;
use super::{Detector, LoadError, Measurement, Method, networks};
use crate::data::image::Preprocessing;
use crate::model_file::ModelFile;
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, learnt_values};
use crate::nn::{Discriminator, Generator, Mode};
use crate::score::{Latent, RawScore};

/// Prefix of the generator's tensors in a file.
pub const GENERATOR: &str = "generator";
/// Prefix of the discriminator's tensors in a file.
pub const DISCRIMINATOR: &str = "discriminator";

/// A trained pair of networks.
pub struct SkipGanomaly {
    generator: Generator,
    discriminator: Discriminator,
    mode: Mode,
    parameters: usize,
    preprocessing: Preprocessing,
    scorer: Scorer,
    /// How many features come from each of D's layers that are compared.
    feature_layers: Vec<usize>,
    encoding_layers: Vec<usize>,
    /// What L compares with in place of f(x̂), where the score has a memory.
    memory: Option<Memory>,
    device: Device,
}

impl SkipGanomaly {
    /// Reads the networks from a file, for inference mode.
    ///
    /// # Errors
    /// If the header has no networks, or a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let trained = Self::with_batch_statistics(file, device)?;
        Ok(Self {
            generator: trained.generator.for_inference(),
            discriminator: trained.discriminator.for_inference(),
            mode: Mode::Inference,
            ..trained
        })
    }

    /// Reads the networks from a file and leaves them in training mode: see
    /// [`super::load_with_batch_statistics`].
    ///
    /// # Errors
    /// As [`SkipGanomaly::from_file`].
    pub fn with_batch_statistics(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let architecture = networks(file, |architecture| {
            Generator::learnt_values(architecture) + Discriminator::learnt_values(architecture)
        })?;
        let mut init = Initialiser::blank(device);
        let generator = Generator::new(architecture, &mut init);
        let discriminator = Discriminator::new(architecture, &mut init);
        let generator = tensors::load(generator, GENERATOR, &file.tensors)?;
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        let feature_layers = match file.header.scoring.latent {
            Latent::Final | Latent::Memory => vec![architecture.features],
            Latent::Layers => architecture.discriminator_layers(),
        };
        let encoding_layers = architecture.encoding_layers();
        let memory = match file.header.scoring.latent {
            Latent::Memory => Memory::from_file(file, encoding_layers.iter().sum(), device)?,
            Latent::Final | Latent::Layers => None,
        };
        Ok(Self {
            encoding_layers,
            memory,
            scorer: Scorer::from_file(file, feature_layers.iter().sum())?,
            feature_layers,
            parameters: learnt_values(&generator) + learnt_values(&discriminator),
            generator,
            discriminator,
            mode: Mode::Training,
            preprocessing: file.header.preprocessing.clone(),
            device: device.clone(),
        })
    }
}

impl Detector for SkipGanomaly {
    fn method(&self) -> Method {
        Method::SkipGanomaly
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn feature_layers(&self) -> Vec<usize> {
        self.feature_layers.clone()
    }

    fn encoding_layers(&self) -> Vec<usize> {
        self.encoding_layers.clone()
    }

    fn encode(&self, x: Tensor<4>) -> Tensor<2> {
        self.generator.forward_with_encoding(x, self.mode).1
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn measure(&self, x: Tensor<4>) -> Measurement {
        if let Some(memory) = &self.memory {
            let (x_hat, encoding) = self.generator.forward_with_encoding(x, self.mode);
            return Measurement {
                x_hat,
                features: Some(memory.recall(encoding)),
            };
        }
        let x_hat = self.generator.forward(x.clone(), self.mode);
        let features = self.features(x, x_hat.clone());
        Measurement {
            x_hat,
            features: Some(features),
        }
    }

    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let (f, f_hat) = features.expect("Skip-GANomaly measures features");
        self.scorer.score(x, x_hat, f, f_hat)
    }
}

impl SkipGanomaly {
    /// D's features f(x) and f(x̂), each `[n, features]`.
    fn features(&self, x: Tensor<4>, x_hat: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let n = x.dims()[0];
        let features = |x| match self.feature_layers.len() {
            1 => self.discriminator.features(x, self.mode),
            _ => self.discriminator.layers(x, self.mode),
        };
        match self.mode {
            Mode::Inference => {
                // One pass of D over both: pictures do not influence each other.
                let both = features(Tensor::cat(vec![x, x_hat], 0));
                (both.clone().narrow(0, 0, n), both.narrow(0, n, n))
            }
            Mode::Training => (features(x), features(x_hat)),
        }
    }
}
