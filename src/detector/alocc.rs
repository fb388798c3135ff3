//! ALOCC as a detector: repair the picture, and ask D whether the result is a normal one.
//!
//! Source: Sabokrou et al. 2018, equation 5.

use burn::tensor::{Device, Tensor};

use super::skip_ganomaly::{DISCRIMINATOR, GENERATOR};
use super::{Detector, LoadError, Measurement, Method, networks};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::Mode;
use crate::nn::alocc::{Discriminator, Refiner};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, learnt_values};
use crate::score::{self, RawScore};

/// A trained pair of networks.
pub struct Alocc {
    refiner: Refiner,
    discriminator: Discriminator,
    mode: Mode,
    parameters: usize,
    preprocessing: Preprocessing,
    scoring: Scoring,
    device: Device,
}

impl Alocc {
    /// Reads the networks from a file, for inference mode.
    ///
    /// # Errors
    /// If the header has no networks, or a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let trained = Self::with_batch_statistics(file, device)?;
        Ok(Self {
            refiner: trained.refiner.for_inference(),
            discriminator: trained.discriminator.for_inference(),
            mode: Mode::Inference,
            ..trained
        })
    }

    /// Reads the networks from a file and leaves them in training mode: see
    /// [`super::load_with_batch_statistics`].
    ///
    /// # Errors
    /// As [`Alocc::from_file`].
    pub fn with_batch_statistics(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let architecture = networks(file, |architecture| {
            Refiner::learnt_values(architecture) + Discriminator::learnt_values(architecture)
        })?;
        let mut init = Initialiser::blank(device);
        let refiner = Refiner::new(architecture, &mut init);
        let discriminator = Discriminator::new(architecture, &mut init);
        let refiner = tensors::load(refiner, GENERATOR, &file.tensors)?;
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        Ok(Self {
            parameters: learnt_values(&refiner) + learnt_values(&discriminator),
            refiner,
            discriminator,
            mode: Mode::Training,
            preprocessing: file.header.preprocessing.clone(),
            scoring: file.header.scoring,
            device: device.clone(),
        })
    }
}

impl Detector for Alocc {
    fn method(&self) -> Method {
        Method::Alocc
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    /// D's logit.
    fn feature_layers(&self) -> Vec<usize> {
        vec![1]
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    /// The features are D's logit of R(x), twice: the score compares with nothing.
    fn measure(&self, x: Tensor<4>) -> Measurement {
        let n = x.dims()[0];
        let x_hat = self.refiner.forward(x, self.mode);
        let logit = self.discriminator.forward(x_hat.clone(), self.mode);
        let logit = logit.reshape([n, 1]);
        Measurement {
            x_hat,
            features: Some((logit.clone(), logit)),
        }
    }

    /// L = 1 - D(R(x)). With λ = 0, as in the paper, A is L, and R is there to be shown.
    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let (logit, _) = features.expect("ALOCC measures a logit");
        let channels = self.preprocessing.channels;
        let residual = score::residual(self.scoring.residual, x, x_hat, channels);
        let latent = score::doubt(logit[0]);
        RawScore {
            anomaly_score: self.scoring.anomaly_score(residual, latent),
            residual,
            latent: Some(latent),
        }
    }
}
