//! Principal components: the residual of a linear model of the training images. A baseline without a GAN.

use std::future::Future;
use std::pin::Pin;

use burn::tensor::{Device, Tensor};

use super::baseline::{residual_norm, rows};
use super::principal::leading_directions;
use super::spec::{FittedOnce, MethodSpec, TrainingKind};
use super::{Detector, Inference, LoadError, Reconstruction};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::Mode;
use crate::nn::convolution::{as_kernel, row_by_row};
use crate::nn::tensors::{NamedTensors, Reader, TensorError, stored};
use crate::score::RawScore;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;

/// Names of the tensors in a file: `[1, values]` and `[values, components]`.
const MEAN: &str = "pca.mean";
const DIRECTIONS: &str = "pca.directions";

pub(crate) const SPEC: Spec = Spec;

/// The method, before it is fitted.
pub(crate) struct Spec;

impl MethodSpec for Spec {
    fn settings(&self, _config: &TrainConfig) -> Vec<Setting> {
        vec![Setting::components]
    }

    fn residual_meaning(&self, _scoring: &Scoring) -> &'static str {
        "root mean square difference between the image and its reconstruction"
    }

    fn latent_meaning(&self, _scoring: &Scoring) -> Option<&'static str> {
        None
    }

    fn load(
        &self,
        file: &ModelFile,
        device: &Device,
        _mode: Mode,
    ) -> Result<Box<dyn Detector>, LoadError> {
        Ok(Box::new(Pca::from_file(file, device)?))
    }

    fn training(&self) -> TrainingKind<'_> {
        TrainingKind::Once(self)
    }
}

impl FittedOnce for Spec {
    fn fit<'a>(
        &'a self,
        config: &'a TrainConfig,
        pictures: &'a [f32],
        preprocessing: &'a Preprocessing,
        device: &'a Device,
    ) -> Pin<Box<dyn Future<Output = Result<NamedTensors, TensorError>> + 'a>> {
        Box::pin(async move {
            let pca = Pca::fit(pictures, config.components, preprocessing, device).await?;
            pca.tensors().await
        })
    }
}

/// Mean and leading directions of the training images.
pub struct Pca {
    /// `[1, values]`
    mean: Tensor<2>,
    /// Orthonormal, `[values, components]`
    directions: Tensor<2>,
    preprocessing: Preprocessing,
}

impl Pca {
    /// Fits `components` directions by orthogonal iteration on the covariance.
    ///
    /// # Shapes
    /// - `pictures`: `[n, c, size, size]` as one slice
    ///
    /// # Errors
    /// If the device cannot be read.
    ///
    /// # Panics
    /// If there is no whole image.
    pub async fn fit(
        pictures: &[f32],
        components: usize,
        preprocessing: &Preprocessing,
        device: &Device,
    ) -> Result<Self, TensorError> {
        let x = rows(pictures, preprocessing, device);
        let mean = x.clone().mean_dim(0);
        let directions = leading_directions(&(x - mean.clone()), components).await?;
        Ok(Self {
            mean,
            directions,
            preprocessing: preprocessing.clone(),
        })
    }
}

impl Pca {
    /// Reads mean and directions from a file.
    ///
    /// # Errors
    /// If one is missing, of another size than the header says, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, TensorError> {
        let preprocessing = &file.header.preprocessing;
        let values = preprocessing.values();
        let fits = |[v, components]: [usize; 2]| v == values && (1..=values).contains(&components);
        Ok(Self {
            mean: stored(&file.tensors, MEAN, |shape| shape == [1, values], device)?,
            directions: stored(&file.tensors, DIRECTIONS, fits, device)?,
            preprocessing: preprocessing.clone(),
        })
    }

    /// Mean and directions, for a file.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        let reader = Reader::new()
            .tensor(MEAN, self.mean.clone())
            .tensor(DIRECTIONS, self.directions.clone());
        reader.read().await
    }
}

impl Detector for Pca {
    fn method(&self) -> Method {
        Method::Pca
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn num_params(&self) -> usize {
        self.mean.shape().num_elements() + self.directions.shape().num_elements()
    }

    fn device(&self) -> Device {
        self.mean.device()
    }

    fn infer(&self, x: Tensor<4>) -> Inference<'_> {
        let shape = x.shape();
        let [n, c, h, w] = x.dims();
        let centred = x.reshape([n, c * h * w]) - self.mean.clone();
        let directions = self.directions.clone();
        let codes = row_by_row(centred, as_kernel(directions.clone()), None); // [n, components]
        let x_hat = row_by_row(codes, as_kernel(directions.transpose()), None) + self.mean.clone();
        Inference::from(Reconstruction {
            x_hat: x_hat.reshape(shape),
            features: None,
            marks: None,
        })
    }

    /// The residual's norm is all of the score.
    fn score_as(&mut self, _file: &ModelFile) -> Result<(), LoadError> {
        Ok(())
    }

    fn score(&self, x: &[f32], x_hat: &[f32], _features: Option<(&[f32], &[f32])>) -> RawScore {
        residual_norm(x, x_hat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::score_batch;

    /// Images mixed from two fixed patterns, and one with a third.
    #[test]
    fn two_components_explain_a_mixture_of_two_patterns() {
        let preprocessing = Preprocessing::new(32, 1);
        let pattern =
            |k: usize| (0..1024).map(move |i| (((i * (2 * k + 3)) % (11 + k)) as f32 / 11.0) - 0.5);
        let mix = |a: f32, b: f32, c: f32| {
            let all = pattern(0).zip(pattern(1)).zip(pattern(2));
            all.map(move |((p, q), r)| a * p + b * q + c * r)
                .collect::<Vec<f32>>()
        };
        let pictures: Vec<f32> = (0..20)
            .flat_map(|k| mix((k % 5) as f32 / 5.0, (k % 7) as f32 / 7.0, 0.0))
            .collect();
        let device = Device::flex();
        let fit = Pca::fit(&pictures, 2, &preprocessing, &device);
        let pca = pollster::block_on(fit).expect("readable");
        let score = |picture: &[f32]| {
            pollster::block_on(score_batch(&pca, picture)).expect("readable")[0]
                .raw
                .residual
        };
        assert!(score(&mix(0.3, 0.9, 0.0)) < 1e-4);
        assert!(score(&mix(0.3, 0.9, 0.5)) > 0.05);
    }
}
