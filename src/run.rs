//! A training run: images, batches, steps, calibration. It uses neither files nor a clock, so that the
//! program and the page can drive the same code.

pub mod error;
pub mod faults;
pub mod fit;
pub mod plan;
pub mod preview;

pub use error::RunError;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::augment::Augment;
use crate::data::batch::{Batches, Position, evenly_spread, split_held_out};
use crate::data::image::Preprocessing;
use crate::data::pictures::Pictures;
use crate::detector::{
    self, Calibrated, GradientTrained, Progress, SCORED_AT_ONCE, calibrate, images_needed, options,
};
use crate::model_file::{FORMAT, Header, ModelFile, Precision, Training};
use crate::nn::tensors::is_parameter;
use crate::random::{generator, stream};
use crate::settings::config::TrainConfig;
use crate::train::Losses;
use crate::train::history::{Check, History, StepLosses};
use crate::train::step::{Batch, DamagedImages, PendingLosses, Trainer, Update, read_losses};
use preview::{LabelledImages, Preview, preview, shorten_optimisation};

/// A training run.
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
    history: History,
    /// All images as `[n, c · size · size]` on the device, if they are kept there.
    resident: Option<Tensor<2>>,
    /// Whether the discriminator was re-initialised since this was last asked.
    restarted: bool,
}

impl Run {
    /// Starts with newly initialised networks.
    ///
    /// # Errors
    /// If a setting is out of range or has no use, the method has no networks, or the training images do not
    /// fill one batch.
    pub fn new(
        config: &TrainConfig,
        pictures: Box<dyn Pictures>,
        device: &Device,
    ) -> Result<Self, RunError> {
        options::check(config)?;
        let method = gradient_trained(config)?;
        let (training, held_out) = split_held_out(pictures.len(), config.held_out, config.seed);
        let batches = Batches::new(training.clone(), config.batch, config.seed)?;
        Ok(Self {
            trainer: method.trainer(config, device),
            config: config.clone(),
            pictures,
            training,
            held_out,
            batches,
            steps: 0,
            pending: Vec::new(),
            history: History::default(),
            resident: None,
            restarted: false,
        })
    }

    /// Resumes from a checkpoint, with the same images.
    ///
    /// # Errors
    /// If the checkpoint was made with other images, is a finished model, or does not fit its header.
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
        run.trainer =
            gradient_trained(&run.config)?.restored(&run.config, &file.tensors, device)?;
        let per_epoch = run.batches.steps_per_epoch() as u64;
        run.batches.restore(Position {
            epoch: (training.steps / per_epoch) as usize,
            step: (training.steps % per_epoch) as usize,
        })?;
        run.steps = training.steps;
        run.history = History::read(&file.tensors, run.trainer.loss_terms())?;
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
        plan::total_steps(&self.config, self.steps_per_epoch())
    }

    /// Steps in one epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches.steps_per_epoch() as u64
    }

    /// Number of trainable parameters.
    pub fn num_params(&self) -> usize {
        let weights = self.trainer.read_weights();
        let learnt = weights
            .shapes()
            .iter()
            .filter(|(name, _)| is_parameter(name));
        learnt
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    /// Number of images trained on and held out.
    pub fn counts(&self) -> (usize, usize) {
        (self.training.len(), self.held_out.len())
    }

    /// Losses and checks so far, including those before a resumed checkpoint.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Puts all images on the device for the steps to use: for a device with its own memory. With
    /// augmentation, the images are prepared for each step and none are kept there.
    ///
    /// # Errors
    /// If an image cannot be read.
    pub fn preload_to_device(&mut self) -> Result<(), RunError> {
        if self.config.augment != Augment::None || self.trainer.simulator().is_some() {
            return Ok(());
        }
        let all: Vec<usize> = (0..self.pictures.len()).collect();
        let length = self.config.preprocessing().values();
        let data = TensorData::new(self.pictures.values(&all)?, [all.len(), length]);
        let device = self.trainer.device().clone().without_autodiff();
        self.resident = Some(Tensor::from_data(data, &device));
        Ok(())
    }

    /// Takes one step on both networks. Its losses stay on the device until [`Run::read_losses`].
    ///
    /// # Errors
    /// If an image can no longer be read; no step is taken then.
    pub fn step(&mut self) -> Result<(), RunError> {
        self.step_on(Update::Both)
    }

    /// As [`Run::step`], updating only the networks that `update` names. A checkpoint does not
    /// distinguish such steps from others.
    ///
    /// # Errors
    /// As [`Run::step`].
    pub fn step_on(&mut self, update: Update) -> Result<(), RunError> {
        let batch = self.next_batch()?;
        let pending = self.trainer.step(batch, update);
        self.pending.push(pending);
        self.pictures.prefetch(self.batches.peek());
        self.steps += 1;
        Ok(())
    }

    /// What the next step trains on, on the trainer's device.
    fn next_batch(&mut self) -> Result<Batch, RunError> {
        let done = self.steps as f64 / self.total_steps() as f64;
        let batch = |x| Batch {
            done,
            ..Batch::new(x, self.steps)
        };
        let Preprocessing { size, channels, .. } = self.config.preprocessing();
        let shape = [self.config.batch, channels, size, size];
        if let Some(resident) = &self.resident {
            let chosen: Vec<i32> = self
                .batches
                .next_batch()
                .iter()
                .map(|&i| i as i32)
                .collect();
            let data = TensorData::new(chosen, [self.config.batch]);
            let chosen = Tensor::<1, Int>::from_data(data, &resident.device());
            let x = resident.clone().select(0, chosen).reshape(shape);
            return Ok(batch(Tensor::from_inner(x)));
        }
        let position = self.batches.position();
        let chosen = self.batches.next_batch();
        let mut values = match self.pictures.values(&chosen) {
            Ok(values) => values,
            Err(error) => {
                self.batches.restore(position)?;
                return Err(error.into());
            }
        };
        let mut random = generator(self.config.seed, stream::AUGMENT + self.steps);
        let augment = self.config.augment;
        augment.apply(&mut values, channels, size, &mut random);
        let on_device = |values: Vec<f32>, shape: [usize; 4]| {
            Tensor::<4>::from_data(TensorData::new(values, shape), self.trainer.device())
        };
        let damaged = self.trainer.simulator().map(|simulator| {
            let mut random = generator(self.config.seed, stream::DAMAGE + self.steps);
            let share = self.config.damaged_share;
            let damaged = simulator.damage(&values, channels, size, share, &mut random);
            DamagedImages {
                x: on_device(damaged.values, shape),
                marks: on_device(damaged.marks, [shape[0], 1, size, size]),
            }
        });
        Ok(Batch {
            damaged,
            ..batch(on_device(values, shape))
        })
    }

    /// Reads the losses of every step since the last call, oldest first. Re-initialises the discriminator
    /// if the last of them shows that it has collapsed.
    ///
    /// # Errors
    /// If the device cannot be read or a loss is not a number.
    pub async fn read_losses(&mut self) -> Result<Vec<Losses>, RunError> {
        let pending = std::mem::take(&mut self.pending);
        let first = self.steps - pending.len() as u64 + 1;
        let losses = read_losses(self.trainer.loss_terms(), pending).await?;
        if let Some(bad) = losses.iter().position(|l| !l.is_finite()) {
            return Err(RunError::Diverged {
                step: first + bad as u64,
                learning_rate: self.config.learning_rate,
            });
        }
        if let Some(last) = losses.last() {
            self.restarted |= self.trainer.restart_if_collapsed(last);
        }
        let steps = (first..).zip(&losses);
        let steps = steps.map(|(step, losses)| StepLosses {
            step,
            losses: losses.clone(),
        });
        self.history.losses.extend(steps);
        Ok(losses)
    }

    /// Whether the discriminator was re-initialised since the last call.
    pub fn take_restarted(&mut self) -> bool {
        std::mem::take(&mut self.restarted)
    }

    /// Everything that [`Run::resume`] needs.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn checkpoint(&self) -> Result<ModelFile, RunError> {
        let mut tensors = self.trainer.read_state().read().await?;
        self.history.write(&mut tensors);
        Ok(ModelFile {
            header: self.header(),
            tensors,
        })
    }

    /// Ends the run: rounds the weights as the file will store them, and calibrates them on the held-out
    /// normal images. `progress` is notified of [`Run::pictures_to_finish`] images in total.
    ///
    /// # Errors
    /// If the device cannot be read, a score is not finite, or `progress` stops a latent optimisation.
    pub async fn finish(
        &self,
        precision: Precision,
        progress: &mut dyn Progress,
    ) -> Result<Calibrated, RunError> {
        let model = self.model().await?.rounded(precision);
        let device = self.trainer.device().clone().without_autodiff();
        let quantile = self.config.threshold_quantile;
        Ok(calibrate(
            model,
            &device,
            &*self.pictures,
            &self.training,
            &self.held_out,
            quantile,
            progress,
        )
        .await?)
    }

    /// How many images [`Run::finish`] passes through the networks.
    pub fn pictures_to_finish(&self) -> usize {
        images_needed(
            &options::scoring(&self.config),
            self.training.len(),
            self.held_out.len(),
        )
    }

    /// The results of the current weights on held-out images, and on labelled ones if there are any.
    /// `shown` of the held-out images come with their reconstruction.
    ///
    /// # Errors
    /// If an image or the device cannot be read, a score is not finite, or `progress` stops a latent
    /// optimisation.
    pub async fn preview(
        &mut self,
        labelled: Option<&LabelledImages>,
        shown: usize,
        progress: &mut dyn Progress,
    ) -> Result<Preview, RunError> {
        let model = self.model().await?;
        let device = self.trainer.device().clone().without_autodiff();
        let split = (&self.training[..], &self.held_out[..]);
        let preview = preview(
            model,
            &device,
            &*self.pictures,
            split,
            labelled,
            shown,
            progress,
        )
        .await?;
        self.note(Check {
            step: self.steps,
            residual: preview.residual(),
            auroc: preview.labelled.as_ref().and_then(|l| l.auroc),
        });
        Ok(preview)
    }

    /// Keeps one check for each step.
    fn note(&mut self, check: Check) {
        self.history.checks.retain(|old| old.step != check.step);
        self.history.checks.push(check);
    }

    /// Mean R and L of the held-out normal images with the current weights. If the method optimises
    /// latent codes, only some images are scored, with a shortened optimisation.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn validate(&mut self) -> Result<(f64, f64), RunError> {
        let device = self.trainer.device().clone().without_autodiff();
        let mut model = self.model().await?;
        let held_out = evenly_spread(
            &self.held_out,
            shorten_optimisation(&mut model).unwrap_or(usize::MAX),
        );
        let detector = detector::load(&model, &device)?;
        let (mut residual, mut latent) = (0.0, 0.0);
        for batch in held_out.chunks(SCORED_AT_ONCE) {
            let values = self.pictures.values(batch)?;
            for scored in detector::score_batch(&*detector, &values).await? {
                residual += scored.raw.residual;
                latent += scored.raw.latent.unwrap_or_default();
            }
        }
        let count = held_out.len() as f64;
        let (residual, latent) = (residual / count, latent / count);
        self.note(Check {
            step: self.steps,
            residual,
            auroc: None,
        });
        Ok((residual, latent))
    }

    /// The current weights, without calibration.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub async fn model(&self) -> Result<ModelFile, RunError> {
        Ok(ModelFile {
            header: self.header(),
            tensors: self.trainer.read_weights().read().await?,
        })
    }

    /// The images that the run uses.
    pub fn pictures(&self) -> &dyn Pictures {
        &*self.pictures
    }

    fn header(&self) -> Header {
        let (pictures, held_out) = self.counts();
        Header {
            format: FORMAT,
            method: self.config.method,
            architecture: Some(self.config.architecture()),
            preprocessing: self.config.preprocessing(),
            scoring: options::scoring(&self.config),
            calibration: None,
            training: Some(Training {
                config: self.config.clone(),
                data_digest: self.pictures.digest().to_owned(),
                pictures,
                held_out,
                steps: self.steps,
                epochs: (self.steps / self.steps_per_epoch()) as u32,
                losses: self.history.last(),
            }),
            self_check: None,
            licence: None,
        }
    }
}

fn gradient_trained(config: &TrainConfig) -> Result<&'static dyn GradientTrained, RunError> {
    let method = config.method;
    method
        .gradient_trained()
        .ok_or(RunError::NoNetworks(method))
}
