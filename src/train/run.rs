//! A training run: pictures, batches, steps, calibration. Knows no files and no clock, so that the
//! program and the page drive the same one.

use burn::tensor::{Device, Tensor, TensorData};

use super::Losses;
use super::config::{ConfigError, TrainConfig};
use super::step::{PendingLosses, Trainer, read_losses};
use crate::calibration::CalibrationError;
use crate::data::DataError;
use crate::data::batch::{Batches, Position, split_held_out};
use crate::data::image::Preprocessing;
use crate::detector::{self, FitError, LoadError, Scored, skip_ganomaly::SkipGanomaly};
use crate::model_file::{FORMAT, Header, ModelFile, Precision, Scoring, Training};
use crate::nn::tensors::TensorError;

/// Normal pictures that are prepared for the networks.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// `[n, c, size, size]` as one vector.
    pub values: Vec<f32>,
    /// Digest over their names and bytes.
    pub digest: String,
}

/// Why a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A setting is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Too few pictures, or a position that these pictures do not have.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device or the weights failed.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The scores of the held-out normals are not usable.
    #[error("calibration failed: {0}")]
    Calibration(#[from] CalibrationError),
    /// A loss is no number any more.
    #[error(
        "training diverged at step {step}: a loss is no longer a number; \
         try a lower --learning-rate than {learning_rate}"
    )]
    Diverged {
        /// Which step.
        step: u64,
        /// The learning rate that it ran at.
        learning_rate: f64,
    },
    /// The checkpoint belongs to other pictures.
    #[error("the checkpoint was made on other pictures: expected digest {expected}, got {got}")]
    OtherPictures {
        /// The checkpoint's.
        expected: String,
        /// These pictures'.
        got: String,
    },
    /// The checkpoint lacks what a run needs.
    #[error("this file is a model, not a checkpoint: it has no {0}")]
    NoCheckpoint(&'static str),
}

impl From<FitError> for RunError {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Calibration(error) => Self::Calibration(error),
            FitError::Tensor(error) => Self::Tensor(error),
        }
    }
}

impl From<LoadError> for RunError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Tensor(error) => Self::Tensor(error),
            LoadError::Method(_) => Self::NoCheckpoint("Skip-GANomaly networks"),
        }
    }
}

/// A training run under way.
pub struct Run {
    trainer: Trainer,
    config: TrainConfig,
    pictures: Pictures,
    training: Vec<usize>,
    held_out: Vec<usize>,
    batches: Batches,
    /// Finished steps.
    steps: u64,
    pending: Vec<PendingLosses>,
    last: Option<Losses>,
    /// Whether the discriminator was drawn anew since this was asked for.
    restarted: bool,
}

/// What a finished run leaves.
pub struct Finished {
    /// The calibrated model.
    pub model: ModelFile,
    /// The held-out normals: index among the pictures, and score.
    pub held_out: Vec<(usize, Scored)>,
}

impl Run {
    /// Starts with fresh networks.
    ///
    /// # Errors
    /// If a setting is out of range or the training pictures do not fill one batch.
    pub fn new(
        config: &TrainConfig,
        pictures: Pictures,
        device: &Device,
    ) -> Result<Self, RunError> {
        config.check()?;
        let n = pictures.values.len() / preprocessing(config).values();
        let (training, held_out) = split_held_out(n, config.held_out, config.seed);
        let batches = Batches::new(training.clone(), config.batch, config.seed)?;
        Ok(Self {
            trainer: Trainer::new(config, device),
            config: config.clone(),
            pictures,
            training,
            held_out,
            batches,
            steps: 0,
            pending: Vec::new(),
            last: None,
            restarted: false,
        })
    }

    /// Goes on from a checkpoint, on the same pictures.
    ///
    /// # Errors
    /// If the checkpoint is of other pictures, is a finished model, or does not fit its header.
    pub fn resume(file: &ModelFile, pictures: Pictures, device: &Device) -> Result<Self, RunError> {
        let training = file
            .header
            .training
            .as_ref()
            .ok_or(RunError::NoCheckpoint("settings"))?;
        if training.data_digest != pictures.digest {
            return Err(RunError::OtherPictures {
                expected: training.data_digest.clone(),
                got: pictures.digest,
            });
        }
        if !file.tensors.keys().any(|name| name.starts_with("adam.")) {
            return Err(RunError::NoCheckpoint("optimiser state"));
        }
        let mut run = Self::new(&training.config, pictures, device)?;
        run.trainer = Trainer::restore(&run.config, &file.tensors, device)?;
        let per_epoch = run.batches.steps_per_epoch() as u64;
        run.batches.restore(Position {
            epoch: (training.steps / per_epoch) as usize,
            step: (training.steps % per_epoch) as usize,
        })?;
        run.steps = training.steps;
        run.last = training.losses;
        Ok(run)
    }

    /// Settings of the run.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Finished steps.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps that the whole run takes.
    pub fn total_steps(&self) -> u64 {
        u64::from(self.config.epochs) * self.batches.steps_per_epoch() as u64
    }

    /// Steps in one epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches.steps_per_epoch() as u64
    }

    /// Pictures trained on and held out.
    pub fn counts(&self) -> (usize, usize) {
        (self.training.len(), self.held_out.len())
    }

    /// Takes one step. Its losses wait on the device for [`Run::losses`].
    pub fn step(&mut self) {
        let batch = self.batches.next_batch();
        let values = self.gather(&batch);
        let Preprocessing { size, channels, .. } = preprocessing(&self.config);
        let data = TensorData::new(values, [batch.len(), channels, size, size]);
        let x = Tensor::from_data(data, self.trainer.device());
        self.pending.push(self.trainer.step(x));
        self.steps += 1;
    }

    /// Reads the losses of every step since the last call, oldest first. Starts the discriminator
    /// anew when the last of them says that it has collapsed.
    ///
    /// # Errors
    /// If the device cannot be read or a loss is not a number.
    pub async fn losses(&mut self) -> Result<Vec<Losses>, RunError> {
        let pending = std::mem::take(&mut self.pending);
        let first = self.steps - pending.len() as u64 + 1;
        let losses = read_losses(pending).await?;
        if let Some(bad) = losses.iter().position(|l| !l.is_finite()) {
            return Err(RunError::Diverged {
                step: first + bad as u64,
                learning_rate: self.config.learning_rate,
            });
        }
        if let Some(last) = losses.last() {
            self.restarted |= self.trainer.restart_if_collapsed(last);
            self.last = Some(*last);
        }
        Ok(losses)
    }

    /// Whether the discriminator was drawn anew since the last call.
    pub fn take_restarted(&mut self) -> bool {
        std::mem::take(&mut self.restarted)
    }

    /// Everything that [`Run::resume`] needs.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn checkpoint(&self) -> Result<ModelFile, RunError> {
        Ok(ModelFile {
            header: self.header(),
            tensors: self.trainer.read().await?,
        })
    }

    /// Ends the run: rounds the weights as the file will keep them, and calibrates those on the
    /// held-out normals.
    ///
    /// # Errors
    /// If the device cannot be read or a score is not finite.
    pub async fn finish(&self, precision: Precision) -> Result<Finished, RunError> {
        let tensors = self.trainer.weights().await?;
        let mut model = ModelFile {
            header: self.header(),
            tensors,
        }
        .rounded(precision);
        let device = self.trainer.device().clone().without_autodiff();
        let detector = SkipGanomaly::from_file(&model, &device)?;
        let held_out = self.gather(&self.held_out);
        let quantile = self.config.threshold_quantile;
        let (calibration, scored) = detector::calibrate(&detector, &held_out, quantile).await?;
        model.header.calibration = Some(calibration);
        model.header.self_check = Some(detector::self_check(&detector).await?);
        let held_out = self.held_out.iter().copied().zip(scored).collect();
        Ok(Finished { model, held_out })
    }

    /// Mean R and L of the held-out normals, as the weights are now.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn validate(&self) -> Result<(f64, f64), RunError> {
        let tensors = self.trainer.weights().await?;
        let model = ModelFile {
            header: self.header(),
            tensors,
        };
        let device = self.trainer.device().clone().without_autodiff();
        let detector = SkipGanomaly::from_file(&model, &device)?;
        let (mut residual, mut latent) = (0.0, 0.0);
        for batch in self.held_out.chunks(detector::SCORED_AT_ONCE) {
            for scored in detector::score_batch(&detector, &self.gather(batch)).await? {
                residual += scored.raw.residual;
                latent += scored.raw.latent.unwrap_or_default();
            }
        }
        let count = self.held_out.len() as f64;
        Ok((residual / count, latent / count))
    }

    /// Values of one picture, `[c, size, size]`.
    pub fn picture(&self, index: usize) -> &[f32] {
        let length = preprocessing(&self.config).values();
        &self.pictures.values[index * length..(index + 1) * length]
    }

    fn gather(&self, indices: &[usize]) -> Vec<f32> {
        indices
            .iter()
            .flat_map(|&index| self.picture(index))
            .copied()
            .collect()
    }

    fn header(&self) -> Header {
        let (pictures, held_out) = self.counts();
        Header {
            format: FORMAT,
            method: detector::Method::SkipGanomaly,
            architecture: self.config.architecture(),
            preprocessing: preprocessing(&self.config),
            scoring: Scoring::default(),
            calibration: None,
            training: Some(Training {
                config: self.config.clone(),
                data_digest: self.pictures.digest.clone(),
                pictures,
                held_out,
                steps: self.steps,
                epochs: (self.steps / self.steps_per_epoch()) as u32,
                losses: self.last,
            }),
            self_check: None,
            licence: None,
        }
    }
}

/// From a picture to the input of a run's networks.
pub fn preprocessing(config: &TrainConfig) -> Preprocessing {
    Preprocessing::new(config.size, config.channels)
}
