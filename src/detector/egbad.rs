//! EGBAD as a detector: encode, redraw, and compare pixels and what D sees in the two pairs.
//!
//! Source: Zenati et al. 2018, section 3.

use burn::tensor::{Device, Tensor};

use super::scorer::Scorer;
use super::skip_ganomaly::{DISCRIMINATOR, GENERATOR};
use super::{Detector, LoadError, Measurement, Method, networks};
use crate::data::image::Preprocessing;
use crate::model_file::ModelFile;
use crate::nn::Mode;
use crate::nn::egbad::{Discriminator, Pair};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, learnt_values};
use crate::score::RawScore;

/// Trained E, G and D.
pub struct Egbad {
    pair: Pair,
    discriminator: Discriminator,
    mode: Mode,
    parameters: usize,
    preprocessing: Preprocessing,
    scorer: Scorer,
    /// Length of D's feature vector.
    features: usize,
    device: Device,
}

impl Egbad {
    /// Reads the networks from a file, for inference mode.
    ///
    /// # Errors
    /// If the header has no networks, or a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let trained = Self::with_batch_statistics(file, device)?;
        Ok(Self {
            pair: trained.pair.for_inference(),
            discriminator: trained.discriminator.for_inference(),
            mode: Mode::Inference,
            ..trained
        })
    }

    /// Reads the networks from a file and leaves their batch norms in training mode: see
    /// [`super::load_with_batch_statistics`]. Nothing is dropped out.
    ///
    /// # Errors
    /// As [`Egbad::from_file`].
    pub fn with_batch_statistics(file: &ModelFile, device: &Device) -> Result<Self, LoadError> {
        let architecture = networks(file, |architecture| {
            Pair::learnt_values(architecture) + Discriminator::learnt_values(architecture)
        })?;
        let mut init = Initialiser::blank(device);
        let pair = Pair::new(architecture, &mut init);
        let discriminator = Discriminator::new(architecture, &mut init);
        let pair = tensors::load(pair, GENERATOR, &file.tensors)?;
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        let features = Discriminator::features(architecture);
        Ok(Self {
            parameters: learnt_values(&pair) + learnt_values(&discriminator),
            pair,
            discriminator,
            mode: Mode::Training,
            preprocessing: file.header.preprocessing.clone(),
            scorer: Scorer::from_file(file, features)?,
            features,
            device: device.clone(),
        })
    }
}

impl Detector for Egbad {
    fn method(&self) -> Method {
        Method::Egbad
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

    /// x̂ = G(E(x)), f(x, E(x)) and f(x̂, E(x)).
    fn measure(&self, x: Tensor<4>) -> Measurement {
        let z = self.pair.encoder.forward(x.clone(), self.mode);
        let x_hat = self.pair.generator.forward(z.clone(), self.mode);
        let features = |x: Tensor<4>| {
            let d = &self.discriminator;
            d.forward(x, z.clone(), self.mode, None).features
        };
        Measurement {
            features: Some((features(x), features(x_hat.clone()))),
            x_hat,
        }
    }

    /// A = λ R + (1 - λ) L with R = ‖x - x̂‖₁ / N and L = ‖f(x, z) - f(x̂, z)‖₁ / N, N the number of
    /// the picture's values: the published score, divided by N, so that R is a mean as ever.
    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let (f, f_hat) = features.expect("EGBAD measures both features");
        self.scorer.score_by_distance(x, x_hat, f, f_hat)
    }
}
