//! Skip-GANomaly as a detector: reconstruct with G, compare pixels and D's features.
//!
//! Source: Akçay et al. 2019, section 3.3.

use burn::tensor::{Device, Tensor};

use super::{Detector, Measurement, Method, paper_score};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::init::Initialiser;
use crate::nn::tensors::{self, TensorError, learnt_values};
use crate::nn::{Discriminator, Generator, Mode};
use crate::score::RawScore;

/// Prefix of the generator's tensors in a file.
pub const GENERATOR: &str = "generator";
/// Prefix of the discriminator's tensors in a file.
pub const DISCRIMINATOR: &str = "discriminator";

/// A trained pair of networks in inference mode.
pub struct SkipGanomaly {
    generator: Generator,
    discriminator: Discriminator,
    parameters: usize,
    preprocessing: Preprocessing,
    scoring: Scoring,
    device: Device,
}

impl SkipGanomaly {
    /// Reads the networks from a file.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, TensorError> {
        let architecture = &file.header.architecture;
        let found = file.tensors.values().map(|t| t.values.len()).sum();
        let expected = architecture.learnt_values();
        if found < expected {
            return Err(TensorError::TooFew { expected, found });
        }
        let mut init = Initialiser::blank(device);
        let generator = Generator::new(architecture, &mut init);
        let discriminator = Discriminator::new(architecture, &mut init);
        let generator = tensors::load(generator, GENERATOR, &file.tensors)?;
        let discriminator = tensors::load(discriminator, DISCRIMINATOR, &file.tensors)?;
        Ok(Self {
            parameters: learnt_values(&generator) + learnt_values(&discriminator),
            generator: generator.for_inference(),
            discriminator: discriminator.for_inference(),
            preprocessing: file.header.preprocessing.clone(),
            scoring: file.header.scoring,
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

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn measure(&self, x: Tensor<4>) -> Measurement {
        let n = x.dims()[0];
        let x_hat = self.generator.forward(x.clone(), Mode::Inference);
        // One pass of D over both: in inference mode pictures do not influence each other.
        let both = Tensor::cat(vec![x, x_hat.clone()], 0);
        let features = self.discriminator.features(both, Mode::Inference);
        let (f, f_hat) = (features.clone().narrow(0, 0, n), features.narrow(0, n, n));
        Measurement {
            x_hat,
            features: Some((f, f_hat)),
        }
    }

    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let features = features.expect("Skip-GANomaly measures features");
        paper_score(&self.scoring, x, x_hat, features)
    }
}
