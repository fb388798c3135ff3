//! `train`: normal pictures in, a run's folder out.

mod baseline;
mod folder;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::ArgMatches;
use clap::parser::ValueSource;

use super::data::DataArgs;
use super::{Outcome, command_line, load_pictures, progress, read_model, write_whole};
use crate::calibration::Calibration;
use crate::data::image::{Preprocessing, heat_map_rgba, to_rgba};
use crate::data::pictures::Pictures;
use crate::detector::fit::Fitted;
use crate::detector::{self, Detector, Method};
use crate::device::Kind;
use crate::model_file::{ModelFile, Precision};
use crate::report::{ReportSample, TrainingReport};
use crate::score::RawScore;
use crate::train::config::{Preset, TrainConfig};
use crate::train::events::Event;
use crate::train::history::StepLosses;
use crate::train::run::{Run, preprocessing};
use folder::{Events, RunFolder, Settings};

/// Held-out pictures that the report shows.
const REPORT_SAMPLES: usize = 12;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("source").args(["data", "resume"]).required(true).multiple(true)))]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Folder to make for the run
    #[arg(long, required_unless_present = "resume")]
    out: Option<PathBuf>,
    /// Go on with an interrupted run's folder, or with a checkpoint file (then with --data and --out), with
    /// its own settings
    #[arg(long, value_name = "RUN|FILE")]
    resume: Option<PathBuf>,
    /// Settings to start from; those given here count before it
    #[arg(long, value_enum, default_value = "paper")]
    preset: Preset,
    /// Keep every epoch's model, for evaluate --protocol published
    #[arg(long)]
    keep_epochs: bool,
    /// How the model's weights are written
    #[arg(long, value_enum, default_value = "f32")]
    precision: Precision,
    /// Licence of the weights, kept in the model file
    #[arg(long)]
    licence: Option<String>,
    /// Where to compute
    #[arg(long, value_enum, default_value = "cpu")]
    device: Kind,
    /// Print one JSON object about the finished run
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: TrainConfig,
}

impl Args {
    /// Puts the preset's settings in place of all that were not given on the command line.
    pub fn with_preset(mut self, matches: &ArgMatches) -> Self {
        let given = |name: &str| {
            matches.try_contains_id(name).unwrap_or_default()
                && matches.value_source(name) == Some(ValueSource::CommandLine)
        };
        self.config = self.preset.settings(&self.config, given);
        self
    }

    /// What a run's folder keeps of the command line.
    fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            data: self.data.absolute()?,
            precision: self.precision,
            licence: self.licence.clone(),
            keep_epochs: self.keep_epochs,
            command: command_line(),
        })
    }
}

pub fn run(args: Args) -> Result<Outcome> {
    let started = Instant::now();
    let stop = watch_for_interruption()?;
    let Start {
        folder,
        settings,
        config,
        checkpoint,
    } = match &args.resume {
        None => Start::fresh(&args)?,
        Some(path) if path.is_file() => Start::with_file(path, &args)?,
        Some(path) => Start::with_folder(path, &args)?,
    };

    let pictures = load_pictures(&settings.data, &preprocessing(&config), config.seed)?;
    let skipped = pictures.skipped().to_vec();
    let device = pollster::block_on(args.device.open())?;
    let job = Job {
        started,
        config: &config,
        folder: &folder,
        settings: &settings,
        device: &device,
        skipped: &skipped,
        json: args.json,
    };
    if !config.method.has_networks() {
        let fitted = baseline::fit_baseline(&config, &pictures, settings.precision, &device)?;
        folder.write_settings(&settings)?;
        let events = folder.events(0)?;
        return job.finish(fitted, &pictures, events);
    }
    let mut run = match &checkpoint {
        Some((file, _)) => Run::resume(file, Box::new(pictures), &device)?,
        None => Run::new(&config, Box::new(pictures), &device)?,
    };
    // Nothing is written before the run can start.
    folder.write_settings(&settings)?;
    if let Some((_, bytes)) = &checkpoint {
        // Where the folder is a new one, it can be resumed from here on.
        write_whole(&folder.checkpoint(), bytes)?;
    }
    let mut events = folder.events(run.steps())?;
    if events.losses()?.is_empty() {
        // A checkpoint without its log brings the losses itself.
        for &StepLosses { step, losses } in &run.history().losses {
            let epoch = step.saturating_sub(1) / run.steps_per_epoch() + 1;
            events.write(Event::Step {
                step,
                epoch,
                losses,
            })?;
        }
    }
    match job.train(&mut run, &mut events, &stop)? {
        true => {
            let fitted = pollster::block_on(run.finish(settings.precision, &mut |_| {}))?;
            job.finish(fitted, run.pictures(), events)
        }
        false => Ok(Outcome::Interrupted),
    }
}

/// What a run begins with.
struct Start {
    folder: RunFolder,
    settings: Settings,
    config: TrainConfig,
    /// Where it goes on, and the bytes of that file.
    checkpoint: Option<(ModelFile, Vec<u8>)>,
}

impl Start {
    /// A new run.
    fn fresh(args: &Args) -> Result<Self> {
        let folder = RunFolder::fresh(args.out.as_deref().context("--out is missing")?)?;
        let method = args.config.method;
        anyhow::ensure!(
            args.preset == Preset::Paper || method == Method::SkipGanomaly,
            "the --preset is one of skip-ganomaly's, got the method {method}"
        );
        args.config.check()?;
        Ok(Self {
            folder,
            settings: args.settings()?,
            config: args.config.clone(),
            checkpoint: None,
        })
    }

    /// An interrupted run, in its folder.
    fn with_folder(path: &Path, args: &Args) -> Result<Self> {
        anyhow::ensure!(
            args.out.is_none(),
            "a run's folder goes on in its place: expected no --out with --resume {}",
            path.display()
        );
        let (folder, mut settings) = RunFolder::interrupted(path)?;
        settings.data = settings.data.resumed_with(&args.data.absolute()?);
        let checkpoint = folder.checkpoint();
        Self::resumed(folder, settings, &checkpoint)
    }

    /// A checkpoint without a folder, as the page saves it: it does not say where its pictures lie.
    fn with_file(path: &Path, args: &Args) -> Result<Self> {
        let missing = |what: &str| {
            format!(
                "expected {what} with --resume {}: it is a checkpoint file, not a run's folder",
                path.display()
            )
        };
        let out = args.out.as_deref();
        let out = out.with_context(|| missing("--out RUN, a folder to make,"))?;
        anyhow::ensure!(
            args.data.data.is_some(),
            missing("--data DATA, the same pictures,")
        );
        Self::resumed(RunFolder::fresh(out)?, args.settings()?, path)
    }

    fn resumed(folder: RunFolder, settings: Settings, checkpoint: &Path) -> Result<Self> {
        let (file, bytes) = read_model(checkpoint)?;
        let training = file.header.training.as_ref();
        let config = training
            .context("the checkpoint has no settings")?
            .config
            .clone();
        anyhow::ensure!(
            config.method.has_networks(),
            "this file is a model of {}, which takes no steps: expected a checkpoint",
            config.method
        );
        eprintln!("going on with the run's own settings; others given here do not count");
        Ok(Self {
            folder,
            settings,
            config,
            checkpoint: Some((file, bytes)),
        })
    }
}

/// True once Ctrl-C was pressed.
fn watch_for_interruption() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        // The first waits for the step under way; a second does not.
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(super::exit::INTERRUPTED.into());
        }
    };
    ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")?;
    Ok(stop)
}

/// What a training has beside its run.
struct Job<'a> {
    started: Instant,
    config: &'a TrainConfig,
    folder: &'a RunFolder,
    settings: &'a Settings,
    device: &'a Device,
    skipped: &'a [(PathBuf, String)],
    json: bool,
}

impl Job<'_> {
    /// Takes the run's steps; false where it was interrupted.
    fn train(&self, run: &mut Run, events: &mut Events, stop: &AtomicBool) -> Result<bool> {
        let (pictures, held_out) = run.counts();
        events.write(Event::Started {
            step: run.steps(),
            total_steps: run.total_steps(),
            pictures,
            held_out,
            config: self.config.clone(),
        })?;
        eprintln!(
            "training on {pictures} normal pictures, {held_out} held out; {} steps",
            run.total_steps().saturating_sub(run.steps())
        );
        let bar = progress::bar(run.total_steps(), "training");
        bar.set_position(run.steps());
        bar.reset_eta();
        while run.steps() < run.total_steps() {
            if stop.load(Ordering::Relaxed) {
                bar.finish_and_clear();
                self.save_checkpoint(run)?;
                events.write(Event::Interrupted { step: run.steps() })?;
                eprintln!(
                    "stopped after step {}; go on with: skip-ganomaly train --resume {}",
                    run.steps(),
                    self.folder.path().display()
                );
                return Ok(false);
            }
            run.step()?;
            let epoch = (run.steps() - 1) / run.steps_per_epoch() + 1;
            for losses in pollster::block_on(run.losses())? {
                events.write(Event::Step {
                    step: run.steps(),
                    epoch,
                    losses,
                })?;
                bar.set_message(format!(
                    "contextual {:.4}, G {:.3}, D {:.3}",
                    losses.contextual, losses.generator, losses.discriminator
                ));
            }
            if run.take_restarted() {
                events.write(Event::DiscriminatorRestarted { step: run.steps() })?;
            }
            bar.inc(1);
            let last = run.steps() == run.total_steps();
            if last || run.steps().is_multiple_of(run.steps_per_epoch()) {
                self.end_epoch(run, epoch, events)?;
            }
        }
        bar.finish_and_clear();
        Ok(true)
    }

    fn end_epoch(&self, run: &mut Run, epoch: u64, events: &mut Events) -> Result<()> {
        let (held_out_residual, held_out_latent) = pollster::block_on(run.validate())?;
        self.save_checkpoint(run)?;
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

    fn save_checkpoint(&self, run: &Run) -> Result<()> {
        let checkpoint = pollster::block_on(run.checkpoint())?;
        write_whole(
            &self.folder.checkpoint(),
            &checkpoint.to_bytes(Precision::F32)?,
        )
    }

    /// Writes model and report, and says so.
    fn finish(
        &self,
        fitted: Fitted,
        pictures: &dyn Pictures,
        mut events: Events,
    ) -> Result<Outcome> {
        let Fitted {
            mut model,
            held_out,
        } = fitted;
        model.header.licence.clone_from(&self.settings.licence);
        let bytes = model.to_bytes(self.settings.precision)?;
        let path = self.folder.model();
        write_whole(&path, &bytes)?;
        let calibration = model.header.calibration.as_ref();
        let calibration = calibration.context("the model is not calibrated")?;
        let training = model.header.training.as_ref();
        let training = training.context("the model does not know its training")?;
        let elapsed_secs = self.started.elapsed().as_secs_f64();
        events.write(Event::Finished {
            step: training.steps,
            threshold: calibration.threshold,
            elapsed_secs,
        })?;
        self.write_report(
            &model,
            calibration,
            &held_out,
            pictures,
            &events,
            elapsed_secs,
        )?;

        let mut out = std::io::stdout().lock();
        if self.json {
            let summary = serde_json::json!({
                "model": path,
                "report": self.folder.report(),
                "method": self.config.method,
                "bytes": bytes.len(),
                "steps": training.steps,
                "pictures": training.pictures,
                "held_out": training.held_out,
                "skipped": self.skipped.len(),
                "threshold": calibration.threshold,
                "elapsed_secs": elapsed_secs,
            });
            writeln!(out, "{summary}")?;
        } else {
            writeln!(out, "model      {} ({} bytes)", path.display(), bytes.len())?;
            writeln!(out, "report     {}", self.folder.report().display())?;
            writeln!(out, "threshold  {}", calibration.threshold)?;
        }
        Ok(match self.skipped.is_empty() {
            true => Outcome::Done,
            false => Outcome::SomeSkipped,
        })
    }

    fn write_report(
        &self,
        model: &ModelFile,
        calibration: &Calibration,
        held_out: &[(usize, RawScore)],
        pictures: &dyn Pictures,
        events: &Events,
        elapsed_secs: f64,
    ) -> Result<()> {
        let detector = detector::load(model, self.device)?;
        let raw: Vec<RawScore> = held_out.iter().map(|(_, raw)| *raw).collect();
        let skipped: Vec<(String, String)> = self
            .skipped
            .iter()
            .map(|(path, reason)| (path.display().to_string(), reason.clone()))
            .collect();
        let report = TrainingReport {
            title: "Training report",
            command: &self.settings.command,
            settings: &settings_table(self.config)?,
            losses: &events.losses()?,
            held_out: &raw,
            calibration,
            samples: &report_samples(pictures, &*detector, held_out, calibration)?,
            skipped: &skipped,
            elapsed_secs,
        };
        write_whole(&self.folder.report(), report.to_html().as_bytes())
    }
}

/// Held-out pictures beside their reconstructions and heat maps, for the report.
fn report_samples(
    pictures: &dyn Pictures,
    detector: &dyn Detector,
    held_out: &[(usize, RawScore)],
    calibration: &Calibration,
) -> Result<Vec<ReportSample>> {
    let Preprocessing { size, channels, .. } = *detector.preprocessing();
    let chosen = spread(held_out, REPORT_SAMPLES);
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
            heat: heat_map_rgba(&scored.residual_map, calibration.heat_map_scale as f32),
            score: scored.raw,
            verdict: calibration.verdict(scored.raw.anomaly_score).to_string(),
        })
        .collect())
}

/// Some of many, evenly spread.
fn spread<T>(all: &[T], count: usize) -> Vec<&T> {
    let count = count.min(all.len());
    (0..count).map(|k| &all[k * all.len() / count]).collect()
}

/// The settings as the report lists them.
fn settings_table(config: &TrainConfig) -> Result<Vec<(String, String)>> {
    let serde_json::Value::Object(map) = serde_json::to_value(config)? else {
        anyhow::bail!("settings are not an object");
    };
    Ok(map
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.replace('_', " "), value.to_string()))
        .collect())
}
