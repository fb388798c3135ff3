//! Executes a run in its folder: trains or fits, saves checkpoints, writes model and report.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};

use super::folder::{Events, RunFolder, Settings};
use crate::calibration::{Calibration, heat_map_range};
use crate::cli::device::Chosen;
use crate::cli::exit;
use crate::cli::files::write_whole;
use crate::cli::progress::{self, Finishing};
use crate::data::batch::evenly_spread;
use crate::data::image::{Preprocessing, heat_map_rgba, to_rgba};
use crate::data::pictures::Pictures;
use crate::detector::Calibrated;
use crate::detector::{self, Detector};
use crate::model_file::{ModelFile, Precision};
use crate::report::{ReportSample, TrainingReport};
use crate::run::Run;
use crate::run::fit::{MOST_FITTED, fit};
use crate::score::RawScore;
use crate::settings::config::{Setting, TrainConfig};
use crate::train::events::Event;
use crate::train::history::StepLosses;

/// Number of held-out images in the report.
const REPORT_SAMPLES: usize = 12;

/// A flag that is set when Ctrl-C is pressed.
pub fn watch_for_interruption() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        // The first Ctrl-C waits for the current step; a second one does not.
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(exit::INTERRUPTED.into());
        }
    };
    ctrlc::set_handler(handler).context("cannot install a handler for Ctrl-C")?;
    Ok(stop)
}

/// What a run needs besides its images.
pub struct Job<'a> {
    /// When the program, or this run within it, started.
    pub started: Instant,
    pub config: &'a TrainConfig,
    pub folder: &'a RunFolder,
    pub settings: &'a Settings,
    pub device: &'a Chosen,
    /// Training images that could not be read.
    pub skipped: &'a [(PathBuf, String)],
    /// The command that resumes an interrupted run.
    pub again: String,
}

/// A finished run.
pub struct Trained {
    pub model: ModelFile,
    /// Size of the model file in bytes.
    pub bytes: usize,
    /// Seconds since the job's start.
    pub elapsed_secs: f64,
}

/// Training time over all parts of a run.
struct Clock {
    /// Seconds in earlier parts.
    earlier: f64,
    since: Instant,
}

impl Clock {
    fn secs(&self) -> f64 {
        self.earlier + self.since.elapsed().as_secs_f64()
    }
}

impl Job<'_> {
    /// Trains or fits, from the start or from a checkpoint with its bytes. Returns `None` if the run was
    /// interrupted, after saving a checkpoint.
    ///
    /// # Errors
    /// If the run cannot start or continue, or a file cannot be written.
    pub fn run(
        &self,
        pictures: Box<dyn Pictures>,
        checkpoint: Option<&(ModelFile, Vec<u8>)>,
        stop: &AtomicBool,
    ) -> Result<Option<Trained>> {
        let clock = Clock {
            earlier: self.settings.trained_secs,
            since: Instant::now(),
        };
        let precision = self.settings.precision;
        if !self.config.method.has_networks() {
            let fitted = fit(self.config, &*pictures, precision, &self.device.device);
            let fitted = pollster::block_on(fitted)?;
            say_if_sampled(self.config, &fitted.model);
            self.folder.write_settings(self.settings)?;
            let events = self.folder.events(0)?;
            return self.finish(fitted, &*pictures, events, &clock).map(Some);
        }
        let mut run = match checkpoint {
            Some((file, _)) => Run::resume(file, pictures, &self.device.device)?,
            None => Run::new(self.config, pictures, &self.device.device)?,
        };
        // Nothing is written until the run can start.
        self.folder.write_settings(self.settings)?;
        if let Some((_, bytes)) = checkpoint {
            // From here on the run can be resumed, even if its folder is new.
            write_whole(&self.folder.checkpoint(), bytes)?;
        }
        let mut events = self.folder.events(run.steps())?;
        if events.losses(&[])?.is_empty() {
            // A checkpoint that comes without its log contains the losses.
            for StepLosses { step, losses } in run.history().losses.clone() {
                let epoch = step.saturating_sub(1) / run.steps_per_epoch() + 1;
                events.write(Event::Step {
                    step,
                    epoch,
                    losses,
                })?;
            }
        }
        if !self.train(&mut run, &mut events, &clock, stop)? {
            return Ok(None);
        }
        let mut bar = Finishing::new(run.pictures_to_finish()).until(stop);
        let fitted = pollster::block_on(run.finish(precision, &mut bar));
        bar.end();
        let fitted = match fitted {
            // The checkpoint of the last step has been saved.
            Err(error) if error.is_stopped() => {
                events.write(Event::Interrupted { step: run.steps() })?;
                eprintln!("stopped while calibrating; resume with: {}", self.again);
                return Ok(None);
            }
            fitted => fitted?,
        };
        self.finish(fitted, run.pictures(), events, &clock)
            .map(Some)
    }

    /// Whether steps and time are left. A run takes at least one step.
    fn goes_on(&self, run: &Run, clock: &Clock) -> bool {
        let minutes = self.settings.minutes;
        let in_time = minutes.is_none_or(|minutes| clock.secs() < 60.0 * minutes);
        run.steps() < run.total_steps() && (in_time || run.steps() == 0)
    }

    /// Takes the run's steps; false if it was interrupted.
    fn train(
        &self,
        run: &mut Run,
        events: &mut Events,
        clock: &Clock,
        stop: &AtomicBool,
    ) -> Result<bool> {
        let (pictures, held_out) = run.counts();
        events.write(Event::Started {
            step: run.steps(),
            total_steps: run.total_steps(),
            pictures,
            held_out,
            config: Box::new(self.config.clone()),
        })?;
        let left = match self.settings.minutes {
            Some(minutes) => {
                format!("{:.1} minutes", (minutes - clock.secs() / 60.0).max(0.0))
            }
            None => format!("{} steps", run.total_steps().saturating_sub(run.steps())),
        };
        eprintln!("training on {pictures} normal images, {held_out} held out; {left}");
        // The bar of a run that is limited by time counts seconds.
        let length = match self.settings.minutes {
            Some(minutes) => (60.0 * minutes) as u64,
            None => run.total_steps(),
        };
        let position = |run: &Run| match self.settings.minutes {
            Some(_) => clock.secs() as u64,
            None => run.steps(),
        };
        let bar = progress::bar(length, "training");
        bar.set_position(position(run));
        bar.reset_eta();
        let mut going = self.goes_on(run, clock);
        while going {
            if stop.load(Ordering::Relaxed) {
                bar.finish_and_clear();
                self.save_checkpoint(run, clock)?;
                events.write(Event::Interrupted { step: run.steps() })?;
                let step = run.steps();
                eprintln!("stopped after step {step}; resume with: {}", self.again);
                return Ok(false);
            }
            run.step()?;
            let epoch = (run.steps() - 1) / run.steps_per_epoch() + 1;
            for losses in pollster::block_on(run.read_losses())? {
                let own = run.config().method.loss_terms().iter();
                let told = own.map(|term| {
                    let loss = losses.get(term.name).unwrap_or(f64::NAN);
                    format!("{} {loss:.3}", term.name)
                });
                bar.set_message(told.collect::<Vec<_>>().join(", "));
                events.write(Event::Step {
                    step: run.steps(),
                    epoch,
                    losses,
                })?;
            }
            if run.take_restarted() {
                events.write(Event::DiscriminatorRestarted { step: run.steps() })?;
            }
            bar.set_position(position(run));
            going = self.goes_on(run, clock);
            if !going || run.steps().is_multiple_of(run.steps_per_epoch()) {
                self.end_epoch(run, epoch, events, clock)?;
            }
        }
        bar.finish_and_clear();
        Ok(true)
    }

    fn end_epoch(
        &self,
        run: &mut Run,
        epoch: u64,
        events: &mut Events,
        clock: &Clock,
    ) -> Result<()> {
        let (held_out_residual, held_out_latent) = pollster::block_on(run.validate())?;
        self.save_checkpoint(run, clock)?;
        if self.settings.keep_epochs {
            let precision = self.settings.precision;
            let model = pollster::block_on(run.model())?.rounded(precision);
            self.folder.write_epoch(epoch, &model, precision)?;
        }
        events.write(Event::Epoch {
            step: run.steps(),
            epoch,
            held_out_residual,
            held_out_latent,
            elapsed_secs: self.started.elapsed().as_secs_f64(),
        })
    }

    fn save_checkpoint(&self, run: &Run, clock: &Clock) -> Result<()> {
        let checkpoint = pollster::block_on(run.checkpoint())?;
        write_whole(
            &self.folder.checkpoint(),
            &checkpoint.to_bytes(Precision::F32)?,
        )?;
        self.save_time(clock)
    }

    /// A checkpoint does not record how long it took.
    fn save_time(&self, clock: &Clock) -> Result<()> {
        self.folder.write_settings(&Settings {
            trained_secs: clock.secs(),
            ..self.settings.clone()
        })
    }

    /// Writes model and report.
    fn finish(
        &self,
        fitted: Calibrated,
        pictures: &dyn Pictures,
        mut events: Events,
        clock: &Clock,
    ) -> Result<Trained> {
        let Calibrated {
            mut model,
            detector,
            held_out,
        } = fitted;
        let way_out = format!("continue on the CPU: {}, with --device cpu", self.again);
        self.device.confirm(&model, &way_out)?;
        model.header.licence.clone_from(&self.settings.licence);
        if let (Some(_), Some(training)) = (self.settings.minutes, &mut model.header.training) {
            // So that the same run can be repeated, regardless of the machine's speed.
            training.config.steps = Some(training.steps);
        }
        self.save_time(clock)?;
        let bytes = model.to_bytes(self.settings.precision)?;
        write_whole(&self.folder.model(), &bytes)?;
        let calibration = model.header.calibration.as_ref();
        let calibration = calibration.context("the model is not calibrated")?;
        let training = model.header.training.as_ref();
        let training = training.context("the model file has no record of its training")?;
        let elapsed_secs = self.started.elapsed().as_secs_f64();
        events.write(Event::Finished {
            step: training.steps,
            threshold: calibration.threshold,
            elapsed_secs,
        })?;
        self.write_report(
            &*detector,
            calibration,
            &held_out,
            pictures,
            &events,
            elapsed_secs,
        )?;
        Ok(Trained {
            bytes: bytes.len(),
            model,
            elapsed_secs,
        })
    }

    fn write_report(
        &self,
        detector: &dyn Detector,
        calibration: &Calibration,
        held_out: &[(usize, RawScore)],
        pictures: &dyn Pictures,
        events: &Events,
        elapsed_secs: f64,
    ) -> Result<()> {
        let raw: Vec<RawScore> = held_out.iter().map(|(_, raw)| *raw).collect();
        let skipped: Vec<(String, String)> = self
            .skipped
            .iter()
            .map(|(path, reason)| (path.display().to_string(), reason.clone()))
            .collect();
        let report = TrainingReport {
            title: "Training report",
            command: &self.settings.command,
            settings: &settings_table(self.config),
            loss_terms: self.config.method.loss_terms(),
            losses: &events.losses(self.config.method.loss_terms())?,
            held_out: &raw,
            calibration,
            samples: &report_samples(pictures, detector, held_out, calibration)?,
            skipped: &skipped,
            elapsed_secs,
        };
        write_whole(&self.folder.report(), report.to_html().as_bytes())
    }
}

/// Held-out images with their reconstructions and heat maps, for the report.
fn report_samples(
    pictures: &dyn Pictures,
    detector: &dyn Detector,
    held_out: &[(usize, RawScore)],
    calibration: &Calibration,
) -> Result<Vec<ReportSample>> {
    let Preprocessing { size, channels, .. } = *detector.preprocessing();
    let chosen = evenly_spread(held_out, REPORT_SAMPLES);
    let indices: Vec<usize> = chosen.iter().map(|(index, _)| *index).collect();
    let values = pictures.values(&indices)?;
    let scored = pollster::block_on(detector::score_batch(detector, &values))?;
    let inputs = values.chunks_exact(detector.preprocessing().values());
    Ok(std::iter::zip(indices, std::iter::zip(inputs, &scored))
        .map(|(index, (input, scored))| ReportSample {
            name: pictures.name(index),
            size,
            input: to_rgba(input, channels, size),
            reconstruction: Some(to_rgba(&scored.x_hat, channels, size)),
            heat: heat_map_rgba(&scored.map, &heat_map_range(Some(calibration))),
            score: scored.raw,
            verdict: calibration.verdict(scored.raw.anomaly_score).to_string(),
        })
        .collect())
}

/// Says so if a method was fitted to a part of its training images.
fn say_if_sampled(config: &TrainConfig, model: &ModelFile) {
    let training = model.header.training.as_ref().map_or(0, |t| t.pictures);
    if training > MOST_FITTED {
        eprintln!(
            "{} is fitted on {MOST_FITTED} of {training} training images, drawn with seed {}",
            config.method, config.seed
        );
    }
}

/// The settings as listed in the report.
fn settings_table(config: &TrainConfig) -> Vec<(String, String)> {
    let row = |setting: &Setting| Some((setting.name().replace('-', " "), setting.text(config)?));
    Setting::ALL.iter().filter_map(row).collect()
}
