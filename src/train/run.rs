//! A training run: pictures, batches, steps, calibration. Knows no files and no clock, so that the
//! program and the page drive the same one.

use burn::tensor::{Device, Tensor, TensorData};

use super::Losses;
use super::config::{ConfigError, TrainConfig};
use super::ganomaly::GanomalyTrainer;
use super::skip_ganomaly::SkipGanomalyTrainer;
use super::step::{PendingLosses, Trainer, read_losses};
use crate::calibration::CalibrationError;
use crate::data::DataError;
use crate::data::batch::{Batches, Position, split_held_out};
use crate::data::image::Preprocessing;
use crate::data::pictures::Pictures;
use crate::detector::fit::{self, FitError, Fitted};
use crate::detector::{self, LoadError, Method, SCORED_AT_ONCE};
use crate::model_file::{FORMAT, Header, ModelFile, Precision, Training};
use crate::nn::tensors::{NamedTensors, TensorError};
use crate::random::{generator, stream};

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
    /// The weights do not fit their header.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The scores of the held-out normals are not usable.
    #[error("calibration failed: {0}")]
    Calibration(#[from] CalibrationError),
    /// The method is not trained in steps.
    #[error("{0} has no networks to train: it is fitted in one go")]
    NoNetworks(Method),
    /// The score wants a memory that cannot be made.
    #[error("{0}")]
    Memory(String),
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
            FitError::Data(error) => Self::Data(error),
            FitError::Load(error) => Self::Load(error),
            memory @ FitError::Memory { .. } => Self::Memory(memory.to_string()),
        }
    }
}

/// A training run under way.
pub struct Run {
    trainer: Box<dyn Trainer>,
    config: TrainConfig,
    pictures: Box<dyn Pictures>,
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

impl Run {
    /// Starts with fresh networks.
    ///
    /// # Errors
    /// If a setting is out of range or the training pictures do not fill one batch.
    pub fn new(
        config: &TrainConfig,
        pictures: Box<dyn Pictures>,
        device: &Device,
    ) -> Result<Self, RunError> {
        config.check()?;
        if !config.method.has_networks() {
            return Err(RunError::NoNetworks(config.method));
        }
        let (training, held_out) = split_held_out(pictures.len(), config.held_out, config.seed);
        let batches = Batches::new(training.clone(), config.batch, config.seed)?;
        Ok(Self {
            trainer: fresh(config, device),
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
    pub fn resume(
        file: &ModelFile,
        pictures: Box<dyn Pictures>,
        device: &Device,
    ) -> Result<Self, RunError> {
        let training = file
            .header
            .training
            .as_ref()
            .ok_or(RunError::NoCheckpoint("settings"))?;
        if training.data_digest != pictures.digest() {
            return Err(RunError::OtherPictures {
                expected: training.data_digest.clone(),
                got: pictures.digest().to_owned(),
            });
        }
        if !file.tensors.keys().any(|name| name.starts_with("adam.")) {
            return Err(RunError::NoCheckpoint("optimiser state"));
        }
        let mut run = Self::new(&training.config, pictures, device)?;
        run.trainer = restored(&run.config, &file.tensors, device)?;
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
        let by_epochs = u64::from(self.config.epochs) * self.steps_per_epoch();
        self.config.steps.unwrap_or(by_epochs)
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
    ///
    /// # Errors
    /// If a picture can no longer be read; no step is taken then.
    pub fn step(&mut self) -> Result<(), RunError> {
        let position = self.batches.position();
        let batch = self.batches.next_batch();
        let mut values = match self.pictures.values(&batch) {
            Ok(values) => values,
            Err(error) => {
                self.batches.restore(position)?;
                return Err(error.into());
            }
        };
        let Preprocessing { size, channels, .. } = preprocessing(&self.config);
        let mut random = generator(self.config.seed, stream::AUGMENT + self.steps);
        let augment = self.config.augment;
        augment.apply(&mut values, channels, size, &mut random);
        let data = TensorData::new(values, [batch.len(), channels, size, size]);
        let x = Tensor::from_data(data, self.trainer.device());
        self.pending.push(self.trainer.step(x));
        self.pictures.prefetch(self.batches.peek());
        self.steps += 1;
        Ok(())
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
            tensors: self.trainer.read_state().read().await?,
        })
    }

    /// Ends the run: rounds the weights as the file will keep them, and calibrates those on the
    /// held-out normals.
    ///
    /// # Errors
    /// If the device cannot be read or a score is not finite.
    pub async fn finish(&self, precision: Precision) -> Result<Fitted, RunError> {
        let model = self.model().await?.rounded(precision);
        let device = self.trainer.device().clone().without_autodiff();
        let quantile = self.config.threshold_quantile;
        Ok(fit::fit(
            model,
            &device,
            &*self.pictures,
            &self.training,
            &self.held_out,
            quantile,
        )
        .await?)
    }

    /// Mean R and L of the held-out normals, as the weights are now.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn validate(&self) -> Result<(f64, f64), RunError> {
        let device = self.trainer.device().clone().without_autodiff();
        let detector = detector::load(&self.model().await?, &device)?;
        let (mut residual, mut latent) = (0.0, 0.0);
        for batch in self.held_out.chunks(SCORED_AT_ONCE) {
            let values = self.pictures.values(batch)?;
            for scored in detector::score_batch(&*detector, &values).await? {
                residual += scored.raw.residual;
                latent += scored.raw.latent.unwrap_or_default();
            }
        }
        let count = self.held_out.len() as f64;
        Ok((residual / count, latent / count))
    }

    /// The weights as they are now, without calibration.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn model(&self) -> Result<ModelFile, RunError> {
        Ok(ModelFile {
            header: self.header(),
            tensors: self.trainer.read_weights().read().await?,
        })
    }

    /// The pictures that the run draws from.
    pub fn pictures(&self) -> &dyn Pictures {
        &*self.pictures
    }

    fn header(&self) -> Header {
        let (pictures, held_out) = self.counts();
        Header {
            format: FORMAT,
            method: self.config.method,
            architecture: Some(self.config.architecture()),
            preprocessing: preprocessing(&self.config),
            scoring: self.config.scoring(),
            calibration: None,
            training: Some(Training {
                config: self.config.clone(),
                data_digest: self.pictures.digest().to_owned(),
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

/// The method's training, from the start.
fn fresh(config: &TrainConfig, device: &Device) -> Box<dyn Trainer> {
    match config.method {
        Method::Ganomaly => Box::new(GanomalyTrainer::new(config, device)),
        // Others were refused: they are not trained in steps.
        _ => Box::new(SkipGanomalyTrainer::new(config, device)),
    }
}

/// The method's training, from a checkpoint.
fn restored(
    config: &TrainConfig,
    tensors: &NamedTensors,
    device: &Device,
) -> Result<Box<dyn Trainer>, TensorError> {
    Ok(match config.method {
        Method::Ganomaly => Box::new(GanomalyTrainer::restore(config, tensors, device)?),
        _ => Box::new(SkipGanomalyTrainer::restore(config, tensors, device)?),
    })
}

/// From a picture to the input of a run's networks.
pub fn preprocessing(config: &TrainConfig) -> Preprocessing {
    Preprocessing::new(config.size, config.channels)
}
