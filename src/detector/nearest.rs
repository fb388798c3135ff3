//! Nearest neighbour: the distance to the closest training image. A baseline without a GAN.
//!
//! With [`Latent::Memory`], the memory bank stores the pixels themselves: a nearest neighbour in
//! half-whitened principal components, with which a network's encoding can be compared.

use std::future::Future;
use std::pin::Pin;

use burn::tensor::{Device, Tensor};

use super::baseline::{residual_norm, rows};
use super::memory::MemoryBank;
use super::spec::{FittedOnce, MethodSpec, TrainingKind};
use super::{Detector, Inference, LoadError, Reconstruction};
use crate::data::image::Preprocessing;
use crate::model_file::{ModelFile, Scoring};
use crate::nn::Mode;
use crate::nn::tensors::{NamedTensors, Reader, TensorError, stored};
use crate::score::{Latent, RawScore};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;

/// Name of the tensor in a file, `[pictures, values]`.
const PICTURES: &str = "nearest.pictures";

pub(crate) const SPEC: Spec = Spec;

/// The method, before it is fitted.
pub(crate) struct Spec;

impl MethodSpec for Spec {
    /// R is a norm; there is an L only with a memory bank.
    fn settings(&self, config: &TrainConfig) -> Vec<Setting> {
        match config.latent {
            Latent::Memory => vec![Setting::latent, Setting::lambda, Setting::balance],
            Latent::Final => vec![Setting::latent],
            Latent::Layers => Vec::new(),
        }
    }

    fn residual_meaning(&self, _scoring: &Scoring) -> &'static str {
        "root mean square difference between the image and the nearest training image"
    }

    fn latent_meaning(&self, scoring: &Scoring) -> Option<&'static str> {
        (scoring.latent == Latent::Memory).then_some(
            "is the distance to the nearest encoding in the memory bank, in half-whitened principal components",
        )
    }

    fn load(
        &self,
        file: &ModelFile,
        device: &Device,
        _mode: Mode,
    ) -> Result<Box<dyn Detector>, LoadError> {
        Ok(Box::new(Nearest::from_file(file, device)?))
    }

    fn training(&self) -> TrainingKind<'_> {
        TrainingKind::Once(self)
    }
}

impl FittedOnce for Spec {
    fn fit<'a>(
        &'a self,
        _config: &'a TrainConfig,
        pictures: &'a [f32],
        preprocessing: &'a Preprocessing,
        device: &'a Device,
    ) -> Pin<Box<dyn Future<Output = Result<NamedTensors, TensorError>> + 'a>> {
        Box::pin(async move {
            Nearest::fit(pictures, preprocessing, device)
                .tensors()
                .await
        })
    }
}

/// The training images themselves.
pub struct Nearest {
    /// `[values, pictures]`: transposed once, for the product with a batch.
    pictures: Tensor<2>,
    /// ‖p‖² of each image, `[1, pictures]`.
    squares: Tensor<2>,
    preprocessing: Preprocessing,
    scoring: Scoring,
    memory: Option<MemoryBank>,
}

impl Nearest {
    /// Stores the images.
    ///
    /// # Shapes
    /// - `pictures`: `[n, c, size, size]` as one slice
    ///
    /// # Panics
    /// If there is no whole image.
    pub fn fit(pictures: &[f32], preprocessing: &Preprocessing, device: &Device) -> Self {
        Self::keep(rows(pictures, preprocessing, device), preprocessing)
    }

    /// Reads the images from a file.
    ///
    /// # Errors
    /// If they are missing, of another size than the header says, or not finite.
    pub fn from_file(file: &ModelFile, device: &Device) -> Result<Self, TensorError> {
        let preprocessing = &file.header.preprocessing;
        let values = preprocessing.values();
        let pictures = stored(
            &file.tensors,
            PICTURES,
            |[n, v]| n > 0 && v == values,
            device,
        )?;
        let mut nearest = Self::keep(pictures, preprocessing);
        nearest.take_scoring(file)?;
        Ok(nearest)
    }

    /// The images, for a file.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn tensors(&self) -> Result<NamedTensors, TensorError> {
        let pictures = self.pictures.clone().transpose();
        Reader::new().tensor(PICTURES, pictures).read().await
    }

    fn take_scoring(&mut self, file: &ModelFile) -> Result<(), TensorError> {
        self.scoring = file.header.scoring;
        self.memory = match self.scoring.latent {
            Latent::Memory => {
                let values = self.preprocessing.values();
                MemoryBank::from_file(file, values, &self.pictures.device())?
            }
            Latent::Final | Latent::Layers => None,
        };
        Ok(())
    }

    fn keep(pictures: Tensor<2>, preprocessing: &Preprocessing) -> Self {
        Self {
            squares: pictures.clone().square().sum_dim(1).transpose(),
            pictures: pictures.transpose(),
            preprocessing: preprocessing.clone(),
            scoring: Scoring::default(),
            memory: None,
        }
    }
}

impl Detector for Nearest {
    fn method(&self) -> Method {
        Method::Nearest
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn num_params(&self) -> usize {
        self.pictures.shape().num_elements()
    }

    fn encoding_layers(&self) -> Vec<usize> {
        vec![self.preprocessing.values()]
    }

    fn encode(&self, x: Tensor<4>) -> Tensor<2> {
        let [n, c, h, w] = x.dims();
        x.reshape([n, c * h * w])
    }

    fn device(&self) -> Device {
        self.pictures.device()
    }

    fn infer(&self, x: Tensor<4>) -> Inference<'_> {
        let shape = x.shape();
        let n = shape[0];
        let x = self.encode(x);
        // ‖x - p‖² = ‖x‖² - 2 x·p + ‖p‖²; ‖x‖² does not change which p is nearest.
        let distances =
            self.squares.clone() - x.clone().matmul(self.pictures.clone()).mul_scalar(2.0);
        let nearest = distances.argmin(1).reshape([n]);
        let x_hat = self.pictures.clone().select(1, nearest).transpose();
        Inference::from(Reconstruction {
            x_hat: x_hat.reshape(shape),
            features: self.memory.as_ref().map(|memory| memory.nearest(x)),
            marks: None,
        })
    }

    fn score_as(&mut self, file: &ModelFile) -> Result<(), LoadError> {
        Ok(self.take_scoring(file)?)
    }

    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
        let plain = residual_norm(x, x_hat);
        match features {
            None => plain,
            Some((e, nearest)) => {
                let latent = crate::score::latent(e, nearest);
                RawScore {
                    anomaly_score: self.scoring.anomaly_score(plain.residual, latent, None),
                    latent: Some(latent),
                    ..plain
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::score_batch;

    #[test]
    fn a_training_picture_is_its_own_neighbour() {
        let preprocessing = Preprocessing::new(32, 1);
        let pictures: Vec<f32> = (0..3)
            .flat_map(|k| (0..1024).map(move |i| ((i * (k + 2)) % 7) as f32 / 7.0))
            .collect();
        let nearest = Nearest::fit(&pictures, &preprocessing, &Device::flex());
        let score = |picture: &[f32]| {
            pollster::block_on(score_batch(&nearest, picture)).expect("a readable device")
        };
        let mut probe = pictures[1024..2048].to_vec();
        let scored = score(&probe);
        assert_eq!(scored[0].raw.anomaly_score, 0.0);
        probe[0] += 0.5;
        let scored = score(&probe);
        assert!((scored[0].raw.anomaly_score - 0.5 / 32.0).abs() < 1e-6);
        assert_eq!(scored[0].x_hat, pictures[1024..2048]);
    }
}
