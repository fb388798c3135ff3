//! `train`: trains on normal images and writes a run's folder.

pub(super) mod folder;
pub(super) mod job;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ArgMatches;

use super::command_line::command_line;
use super::data::DataArgs;
use super::device::{Check, DeviceArg};
use super::exit::Outcome;
use super::files::read_model;
use super::images::load_pictures;
use super::preset::{STARTS_FROM, check_preset};
use crate::detector::options;
use crate::model_file::{ModelFile, Precision};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::preset::Preset;
use folder::{RunFolder, Settings};
use job::{Job, Trained, watch_for_interruption};

#[derive(clap::Args)]
#[command(
    group(clap::ArgGroup::new("source").args(["data", "resume"]).required(true).multiple(true)),
    after_help = STARTS_FROM,
)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Folder to create for the run
    #[arg(long, required_unless_present = "resume")]
    out: Option<PathBuf>,
    /// Resume an interrupted run from its folder, or from a checkpoint file together with --data and
    /// --out; the run keeps its own settings
    #[arg(long, value_name = "RUN|FILE")]
    resume: Option<PathBuf>,
    /// Settings to start from; options given here override them
    #[arg(long, value_enum, default_value = "paper")]
    preset: Preset,
    /// Keep the model of every epoch, for evaluate --protocol published
    #[arg(long)]
    keep_epochs: bool,
    /// Precision of the weights in the model file
    #[arg(long, value_enum, default_value = "f32")]
    precision: Precision,
    /// Licence of the weights, stored in the model file
    #[arg(long)]
    licence: Option<String>,
    #[command(flatten)]
    device: DeviceArg,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: TrainConfig,
    /// The settings that were given, rather than left at their defaults.
    #[arg(skip)]
    given: Vec<Setting>,
}

impl Args {
    /// Applies the preset's settings to all options that were not given on the command line.
    pub fn with_preset(mut self, matches: &ArgMatches) -> Self {
        self.given = Setting::given(matches);
        self.config = options::complete(self.preset, &self.config, &self.given);
        self
    }

    /// What a run's folder stores of the command line.
    fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            data: self.data.absolute()?,
            precision: self.precision,
            licence: self.licence.clone(),
            keep_epochs: self.keep_epochs,
            command: command_line(),
            minutes: None,
            trained_secs: 0.0,
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

    let pictures = load_pictures(&settings.data, &config.preprocessing(), config.seed)?;
    let skipped = pictures.skipped().to_vec();
    let device = args.device.open(Check {
        training: std::slice::from_ref(&config),
        ..Check::default()
    })?;
    let job = Job {
        started,
        config: &config,
        folder: &folder,
        settings: &settings,
        device: &device,
        skipped: &skipped,
        again: format!("skip-ganomaly train --resume {}", folder.path().display()),
    };
    match job.run(Box::new(pictures), checkpoint.as_ref(), &stop)? {
        Some(trained) => {
            print_summary(&folder, &trained, skipped.len(), args.json)?;
            Ok(match skipped.is_empty() {
                true => Outcome::Done,
                false => Outcome::SomeSkipped,
            })
        }
        None => Ok(Outcome::Interrupted),
    }
}

/// Prints where the model is.
fn print_summary(folder: &RunFolder, trained: &Trained, skipped: usize, json: bool) -> Result<()> {
    let header = &trained.model.header;
    let calibration = header.calibration.as_ref();
    let threshold = calibration
        .context("the model is not calibrated")?
        .threshold;
    let training = header.training.as_ref();
    let training = training.context("the model file has no record of its training")?;
    let (path, bytes) = (folder.model(), trained.bytes);
    let mut out = std::io::stdout().lock();
    if json {
        let summary = serde_json::json!({
            "model": path,
            "report": folder.report(),
            "method": header.method,
            "bytes": bytes,
            "steps": training.steps,
            "pictures": training.pictures,
            "held_out": training.held_out,
            "skipped": skipped,
            "threshold": threshold,
            "elapsed_secs": trained.elapsed_secs,
        });
        writeln!(out, "{summary}")?;
    } else {
        writeln!(out, "model      {} ({bytes} bytes)", path.display())?;
        writeln!(out, "report     {}", folder.report().display())?;
        writeln!(out, "threshold  {threshold}")?;
    }
    Ok(())
}

/// What a run starts with.
struct Start {
    folder: RunFolder,
    settings: Settings,
    config: TrainConfig,
    /// The checkpoint to resume from, and the bytes of its file.
    checkpoint: Option<(ModelFile, Vec<u8>)>,
}

impl Start {
    /// A new run.
    fn fresh(args: &Args) -> Result<Self> {
        let folder = RunFolder::fresh(args.out.as_deref().context("--out is missing")?)?;
        check_preset(args.preset, &[args.config.method])?;
        options::check_given(std::slice::from_ref(&args.config), &args.given)?;
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
            "a run is resumed in its own folder: expected no --out with --resume {}",
            path.display()
        );
        let (folder, mut settings) = RunFolder::interrupted(path)?;
        settings.data = settings.data.resumed_with(&args.data.absolute()?);
        let checkpoint = folder.checkpoint();
        Self::resumed(folder, settings, &checkpoint)
    }

    /// A checkpoint without a folder, as the page saves it: it does not record where its images are.
    fn with_file(path: &Path, args: &Args) -> Result<Self> {
        let missing = |what: &str| {
            format!(
                "expected {what} with --resume {}: it is a checkpoint file, not a run's folder",
                path.display()
            )
        };
        let out = args.out.as_deref();
        let out = out.with_context(|| missing("--out RUN, a folder to create,"))?;
        anyhow::ensure!(
            args.data.data.is_some(),
            missing("--data DATA, the same images,")
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
            "expected a checkpoint, got a model of {}, which is not trained in steps",
            config.method
        );
        eprintln!("resuming with the run's own settings; settings given here are ignored");
        Ok(Self {
            folder,
            settings,
            config,
            checkpoint: Some((file, bytes)),
        })
    }
}
