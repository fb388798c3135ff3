//! GANomaly as a detector: encode, reconstruct, encode again, compare the two vectors.
//!
//! Source: Akçay et al. 2018, section 3.3.

use burn::tensor::{Device, Tensor};

use super::scorer::Scorer;
use super::skip_ganomaly::{DISCRIMINATOR, GENERATOR};
use super::{Detector, LoadError, Measurement, Method, networks};
use crate::data::image::Preprocessing;
use crate::model_file::ModelFile;
use crate::nn::Mode;
use crate::nn::ganomaly::{Discriminator, Generated, Generator};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, learnt_values};
use crate::score::RawScore;

/// A trained generator with its second encoder. D is not needed to score.
pub struct Ganomaly {
    generator: Generator,
    mode: Mode,
    parameters: usize,
    preprocessing: Preprocessing,
    scorer: Scorer,
    /// Length of z.
    features: usize,
    device: Device,
}

impl Ganomaly {
    /// Reads the networks from a file, for inference mode.
    ///
    /// # Errors
    /// If the header has no networks, or a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let trained = Self::with_batch_statistics(file, device)?;
        Ok(Self {
            generator: trained.generator.for_inference(),
            mode: Mode::Inference,
            ..trained
        })
    }

    /// Reads the networks from a file and leaves them in training mode: see
    /// [`super::load_with_batch_statistics`].
    ///
    /// # Errors
    /// As [`Ganomaly::from_file`].
    pub fn with_batch_statistics(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let architecture = networks(file, |architecture| {
            Generator::learnt_values(architecture) + Discriminator::learnt_values(architecture)
        })?;
        let mut init = Initialiser::blank(device);
        let generator = Generator::new(architecture, &mut init);
        let discriminator = Discriminator::new(architecture, &mut init);
        let generator = tensors::load(generator, GENERATOR, &file.tensors)?;
        // D is part of the model; a file without it, or with another, is damaged.
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        Ok(Self {
            parameters: learnt_values(&generator) + learnt_values(&discriminator),
            generator,
            mode: Mode::Training,
            preprocessing: file.header.preprocessing.clone(),
            scorer: Scorer::from_file(file, architecture.features)?,
            features: architecture.features,
            device: device.clone(),
        })
    }
}

impl Detector for Ganomaly {
    fn method(&self) -> Method {
        Method::Ganomaly
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn feature_layers(&self) -> Vec<usize> {
        vec![self.features]
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn measure(&self, x: Tensor<4>) -> Measurement {
        let Generated { x_hat, z, z_hat } = self.generator.forward(x, self.mode);
        Measurement {
            x_hat,
            features: Some((z, z_hat)),
        }
    }

    /// With λ = 0, as in the paper, A is L, the mean (z - ẑ)², and R is there to be shown.
    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let (z, z_hat) = features.expect("GANomaly measures z and ẑ");
        self.scorer.score(x, x_hat, z, z_hat)
    }
}
