//! `train`: a folder of normal pictures in, a run's folder out.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Outcome, progress, read_model, report_skipped, write_whole};
use crate::calibration::Calibration;
use crate::data::folder::{self, Folder};
use crate::data::image::{Preprocessing, heat_map_rgba, to_rgba};
use crate::data::pictures::{InMemory, Pictures};
use crate::detector::fit::Fitted;
use crate::detector::{self, Detector};
use crate::device::Kind;
use crate::model_file::Precision;
use crate::report::{LossPoint, ReportSample, TrainingReport};
use crate::score::RawScore;
use crate::train::config::TrainConfig;
use crate::train::events::Event;
use crate::train::run::{Run, preprocessing};

/// Files of a run's folder.
const MODEL: &str = "model.safetensors";
const CHECKPOINT: &str = "checkpoint.safetensors";
const EVENTS: &str = "events.jsonl";
const REPORT: &str = "report.html";
const SETTINGS: &str = "run.json";

/// Held-out pictures that the report shows.
const REPORT_SAMPLES: usize = 12;

#[derive(clap::Args)]
pub struct Args {
    /// Folder of normal pictures: train/0.normal (the paper's layout), train/good (MVTec's) or plain
    #[arg(long, required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// Folder to make for the run
    #[arg(long, required_unless_present = "resume")]
    out: Option<PathBuf>,
    /// Go on with an interrupted run's folder, with its own settings
    #[arg(long, value_name = "RUN", conflicts_with = "out")]
    resume: Option<PathBuf>,
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

/// What a resumed run must know beside its checkpoint.
#[derive(Serialize, Deserialize)]
struct Settings {
    data: PathBuf,
    precision: Precision,
    licence: Option<String>,
    command: String,
}

pub fn run(args: Args) -> Result<Outcome> {
    let started = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        // The first waits for the step under way; a second does not.
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(super::exit::INTERRUPTED.into());
        }
    };
    ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")?;

    let (folder, settings, resumed) = match &args.resume {
        Some(folder) => {
            let text = std::fs::read(folder.join(SETTINGS))
                .with_context(|| format!("{} is not a run's folder", folder.display()))?;
            let mut settings: Settings = serde_json::from_slice(&text)
                .with_context(|| format!("{} cannot be read", folder.join(SETTINGS).display()))?;
            if let Some(data) = &args.data {
                settings.data = std::path::absolute(data)?;
            }
            eprintln!("going on with the run's own settings; others given here do not count");
            let (checkpoint, _) = read_model(&folder.join(CHECKPOINT))?;
            (folder.clone(), settings, Some(checkpoint))
        }
        None => {
            let folder = args.out.clone().context("--out is missing")?;
            for file in [CHECKPOINT, MODEL] {
                anyhow::ensure!(
                    !folder.join(file).exists(),
                    "{} holds a run already; choose another --out, or --resume it",
                    folder.display()
                );
            }
            args.config.check()?;
            let data = args.data.as_ref().context("--data is missing")?;
            let settings = Settings {
                data: std::path::absolute(data)?,
                precision: args.precision,
                licence: args.licence.clone(),
                command: command_line(),
            };
            (folder, settings, None)
        }
    };
    let config = match &resumed {
        Some(file) => {
            let training = file.header.training.as_ref();
            training
                .context("the checkpoint has no settings")?
                .config
                .clone()
        }
        None => args.config.clone(),
    };

    let (pictures, skipped) = load_pictures(&settings.data, &config)?;
    let device = pollster::block_on(args.device.open())?;
    let mut run = match &resumed {
        Some(checkpoint) => Run::resume(checkpoint, pictures, &device)?,
        None => Run::new(&config, pictures, &device)?,
    };

    // Nothing is written before the run can start.
    write_whole(
        &folder.join(SETTINGS),
        &serde_json::to_vec_pretty(&settings)?,
    )?;
    let mut events = Events::open(&folder.join(EVENTS), run.steps())?;
    let (pictures, held_out) = run.counts();
    events.write(Event::Started {
        step: run.steps(),
        total_steps: run.total_steps(),
        pictures,
        held_out,
        config: config.clone(),
    })?;
    eprintln!(
        "training on {pictures} normal pictures, {held_out} held out; {} steps",
        run.total_steps() - run.steps()
    );

    let bar = progress::bar(run.total_steps(), "training");
    bar.set_position(run.steps());
    bar.reset_eta();
    while run.steps() < run.total_steps() {
        if stop.load(Ordering::Relaxed) {
            bar.finish_and_clear();
            save_checkpoint(&run, &folder)?;
            events.write(Event::Interrupted { step: run.steps() })?;
            eprintln!(
                "stopped after step {}; go on with: skip-ganomaly train --resume {}",
                run.steps(),
                folder.display()
            );
            return Ok(Outcome::Interrupted);
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
        if run.steps() % run.steps_per_epoch() == 0 {
            let (held_out_residual, held_out_latent) = pollster::block_on(run.validate())?;
            save_checkpoint(&run, &folder)?;
            events.write(Event::Epoch {
                step: run.steps(),
                epoch,
                held_out_residual,
                held_out_latent,
                elapsed_secs: started.elapsed().as_secs_f64(),
            })?;
        }
    }
    bar.finish_and_clear();

    let Fitted {
        mut model,
        held_out,
    } = pollster::block_on(run.finish(settings.precision))?;
    model.header.licence.clone_from(&settings.licence);
    let bytes = model.to_bytes(settings.precision)?;
    write_whole(&folder.join(MODEL), &bytes)?;
    let calibration = model
        .header
        .calibration
        .as_ref()
        .context("the model is not calibrated")?;
    let elapsed_secs = started.elapsed().as_secs_f64();
    events.write(Event::Finished {
        step: run.steps(),
        threshold: calibration.threshold,
        elapsed_secs,
    })?;

    let skipped: Vec<(String, String)> = skipped
        .iter()
        .map(|(path, reason)| (path.display().to_string(), reason.clone()))
        .collect();
    let detector = detector::load(&model, &device)?;
    let samples = report_samples(run.pictures(), &*detector, &held_out, calibration)?;
    let raw: Vec<_> = held_out.iter().map(|(_, raw)| *raw).collect();
    let report = TrainingReport {
        title: "Training report",
        command: &settings.command,
        settings: &settings_table(&config)?,
        losses: &events.losses()?,
        held_out: &raw,
        calibration,
        samples: &samples,
        skipped: &skipped,
        elapsed_secs,
    };
    write_whole(&folder.join(REPORT), report.to_html().as_bytes())?;

    let summary = serde_json::json!({
        "model": folder.join(MODEL),
        "report": folder.join(REPORT),
        "bytes": bytes.len(),
        "steps": run.steps(),
        "pictures": run.counts().0,
        "held_out": run.counts().1,
        "skipped": skipped.len(),
        "threshold": calibration.threshold,
        "elapsed_secs": elapsed_secs,
    });
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{summary}")?;
    } else {
        let model = folder.join(MODEL);
        writeln!(
            out,
            "model      {} ({} bytes)",
            model.display(),
            bytes.len()
        )?;
        writeln!(out, "report     {}", folder.join(REPORT).display())?;
        writeln!(out, "threshold  {}", calibration.threshold)?;
    }
    Ok(if skipped.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeSkipped
    })
}

/// The normal pictures of a folder, and what could not be read.
type Loaded = (Box<dyn Pictures>, Vec<(PathBuf, String)>);

fn load_pictures(data: &Path, config: &TrainConfig) -> Result<Loaded> {
    let folder = Folder::open(data)?;
    eprintln!(
        "{}: {}, {} normal pictures",
        data.display(),
        folder.layout,
        folder.train.len()
    );
    let paths: Vec<PathBuf> = folder
        .train
        .iter()
        .map(|sample| sample.path.clone())
        .collect();
    let bar = progress::bar(paths.len() as u64, "loading");
    let loaded = folder::load(&paths, &preprocessing(config), |done| {
        bar.set_position(done as u64)
    });
    bar.finish_and_clear();
    report_skipped(&loaded.skipped);
    let kept: Vec<PathBuf> = loaded
        .kept
        .iter()
        .map(|&index| paths[index].clone())
        .collect();
    let digest = folder::digest(&folder.root, &kept)?;
    let length = preprocessing(config).values();
    let pictures = InMemory::new(loaded.values, length, digest);
    Ok((Box::new(pictures), loaded.skipped))
}

fn save_checkpoint(run: &Run, folder: &Path) -> Result<()> {
    let checkpoint = pollster::block_on(run.checkpoint())?;
    write_whole(
        &folder.join(CHECKPOINT),
        &checkpoint.to_bytes(Precision::F32)?,
    )
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

/// The command as it could be typed again in a shell.
fn command_line() -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = |argument: String| match argument.chars().all(plain) && !argument.is_empty() {
        true => argument,
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    };
    let arguments = std::env::args().skip(1).map(quoted);
    std::iter::once("skip-ganomaly".to_owned())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
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

/// The run's log of events.
struct Events {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Events {
    /// Opens the log at a step: what an interrupted run wrote after its checkpoint is taken back.
    fn open(path: &Path, step: u64) -> Result<Self> {
        let named = || format!("cannot write {}", path.display());
        let kept = match path.exists() {
            true => read_events(path)?
                .into_iter()
                .filter(|event| event.step() <= step)
                .collect(),
            false => Vec::new(),
        };
        let mut text = Vec::new();
        for event in &kept {
            serde_json::to_writer(&mut text, event)?;
            text.push(b'\n');
        }
        write_whole(path, &text)?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(named)?;
        Ok(Self {
            path: path.to_path_buf(),
            file: BufWriter::new(file),
        })
    }

    fn write(&mut self, event: Event) -> Result<()> {
        serde_json::to_writer(&mut self.file, &event)?;
        self.file.write_all(b"\n")?;
        self.file
            .flush()
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// The losses of every step so far.
    fn losses(&self) -> Result<Vec<LossPoint>> {
        let points = read_events(&self.path)?
            .into_iter()
            .filter_map(|event| match event {
                Event::Step {
                    step,
                    epoch,
                    losses,
                } => Some(LossPoint {
                    step,
                    epoch,
                    adversarial: losses.adversarial,
                    contextual: losses.contextual,
                    latent: losses.latent,
                    generator: losses.generator,
                    discriminator: losses.discriminator,
                }),
                _ => None,
            });
        Ok(points.collect())
    }
}

fn read_events(path: &Path) -> Result<Vec<Event>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // A crash may have cut the last line.
    Ok(text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok())
        .collect())
}
