//! A run's folder: its files, its settings, its log.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cli::data::DataArgs;
use crate::cli::files::write_whole;
use crate::model_file::{ModelFile, Precision};
use crate::report::LossPoint;
use crate::train::events::Event;
use crate::train::losses::LossTerm;

/// Files of a run's folder.
const MODEL: &str = "model.safetensors";
const CHECKPOINT: &str = "checkpoint.safetensors";
const EVENTS: &str = "events.jsonl";
const REPORT: &str = "report.html";
const SETTINGS: &str = "run.json";
/// Models of every epoch, if they are kept.
const EPOCHS: &str = "epochs";

/// A run's folder.
pub struct RunFolder(PathBuf);

/// What a resumed run needs besides its checkpoint.
#[derive(Clone, Serialize, Deserialize)]
pub struct Settings {
    #[serde(flatten)]
    pub data: DataArgs,
    pub precision: Precision,
    pub licence: Option<String>,
    #[serde(default)]
    pub keep_epochs: bool,
    pub command: String,
    /// Minutes of training, for a run that is limited by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Seconds of training up to the checkpoint, or to the model where there is one.
    #[serde(default)]
    pub trained_secs: f64,
}

impl RunFolder {
    /// A folder for a new run; made when the first file is written.
    pub fn fresh(path: &Path) -> Result<Self> {
        for file in [CHECKPOINT, MODEL] {
            anyhow::ensure!(
                !path.join(file).exists(),
                "{} already holds a run; choose another --out, or resume the run with --resume",
                path.display()
            );
        }
        Ok(Self(path.to_path_buf()))
    }

    /// A run's folder, whatever it contains.
    pub fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// The folder of an interrupted run, and its settings.
    pub fn interrupted(path: &Path) -> Result<(Self, Settings)> {
        let file = path.join(SETTINGS);
        let text = std::fs::read(&file).with_context(|| {
            format!(
                "{} is neither a run's folder nor a checkpoint file",
                path.display()
            )
        })?;
        let settings = serde_json::from_slice(&text)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Ok((Self(path.to_path_buf()), settings))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn model(&self) -> PathBuf {
        self.0.join(MODEL)
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.0.join(CHECKPOINT)
    }

    pub fn report(&self) -> PathBuf {
        self.0.join(REPORT)
    }

    pub fn write_settings(&self, settings: &Settings) -> Result<()> {
        write_whole(
            &self.0.join(SETTINGS),
            &serde_json::to_vec_pretty(settings)?,
        )
    }

    /// Opens the log at a step and removes what an interrupted run wrote after its checkpoint.
    pub fn events(&self, step: u64) -> Result<Events> {
        Events::open(&self.0.join(EVENTS), step)
    }

    /// Keeps an epoch's model, without calibration.
    pub fn write_epoch(&self, epoch: u64, model: &ModelFile, precision: Precision) -> Result<()> {
        let path = self
            .0
            .join(EPOCHS)
            .join(format!("epoch-{epoch:02}.safetensors"));
        write_whole(&path, &model.to_bytes(precision)?)
    }
}

/// The run's log of events.
pub struct Events {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Events {
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

    pub fn write(&mut self, event: Event) -> Result<()> {
        serde_json::to_writer(&mut self.file, &event)?;
        self.file.write_all(b"\n")?;
        self.file
            .flush()
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// The losses of every step so far, by the names of `terms`.
    pub fn losses(&self, terms: &[LossTerm]) -> Result<Vec<LossPoint>> {
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
                    losses: losses.renamed(terms),
                }),
                _ => None,
            });
        Ok(points.collect())
    }
}

fn read_events(path: &Path) -> Result<Vec<Event>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // A crash may have truncated the last line.
    Ok(text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok())
        .collect())
}
