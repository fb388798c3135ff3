//! The runs of a comparison: trained, resumed or reused.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};

use super::comparison::Row;
use super::plan::Wanted;
use crate::cli::command_line::command_line;
use crate::cli::device::Chosen;
use crate::cli::files::{read_model, sha256};
use crate::cli::train::folder::{RunFolder, Settings};
use crate::cli::train::job::Job;
use crate::data::DataError;
use crate::data::picture_cache::PictureCache;
use crate::data::pictures::Pictures;
use crate::model_file::{Header, ModelFile, Precision, Training};
use crate::settings::method::Method;

/// What a run's folder contains.
pub enum Found {
    Nothing,
    Interrupted(Settings, Box<(ModelFile, Vec<u8>)>),
    Finished(Settings, Box<(ModelFile, Vec<u8>)>),
}

/// A finished run.
pub struct Finished {
    folder: RunFolder,
    train_secs: f64,
    pub model: ModelFile,
    /// SHA-256 of the model file, in hexadecimal.
    pub sha256: String,
    training: Training,
}

impl Finished {
    fn new(
        folder: RunFolder,
        settings: &Settings,
        (model, bytes): (ModelFile, Vec<u8>),
    ) -> Result<Self> {
        let training = training(&model.header)?.clone();
        Ok(Self {
            folder,
            train_secs: settings.trained_secs,
            sha256: sha256(&bytes),
            model,
            training,
        })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn into_row(self, method: Method, seed: u64) -> Row {
        Row {
            method,
            seed,
            train_secs: self.train_secs,
            model: self.folder.model(),
            training: self.training,
        }
    }
}

fn training(header: &Header) -> Result<&Training> {
    let training = header.training.as_ref();
    training.context("the model file has no record of its training")
}

/// Examines a run's folder.
///
/// # Errors
/// If the folder holds a run with other settings, or its files cannot be read.
pub fn find(path: &Path, wanted: &Wanted) -> Result<Found> {
    let folder = RunFolder::at(path);
    let (model, checkpoint) = (folder.model(), folder.checkpoint());
    let (file, finished) = match (model.is_file(), checkpoint.is_file()) {
        (true, _) => (model, true),
        (false, true) => (checkpoint, false),
        (false, false) => return Ok(Found::Nothing),
    };
    let (_, settings) = RunFolder::interrupted(path)?;
    let read = Box::new(read_model(&file)?);
    let config = &training(&read.0.header)?.config;
    let differences = wanted.differences(&Wanted {
        config,
        data: &settings.data,
        minutes: settings.minutes,
    })?;
    anyhow::ensure!(
        differences.is_empty(),
        "{} holds a run with other settings: {}; choose another --report, or remove that folder",
        path.display(),
        differences.join("; ")
    );
    Ok(match finished {
        true => Found::Finished(settings, read),
        false => Found::Interrupted(settings, read),
    })
}

/// Completes a run from its current state; `None` if it was interrupted.
///
/// # Errors
/// As [`find`], or if the run was trained on other images, or fails.
pub fn train(
    path: &Path,
    wanted: &Wanted,
    pictures: &Rc<PictureCache>,
    device: &Chosen,
    stop: &AtomicBool,
) -> Result<Option<Finished>> {
    if stop.load(Ordering::Relaxed) {
        eprintln!("stopped; resume with: {}", command_line());
        return Ok(None);
    }
    let named = || format!("run {}", path.display());
    let folder = RunFolder::at(path);
    let (settings, checkpoint) = match find(path, wanted)? {
        Found::Finished(settings, read) => {
            let (expected, got) = (&training(&read.0.header)?.data_digest, pictures.digest());
            anyhow::ensure!(
                expected == got,
                "{} was trained on other images: expected digest {expected}, got {got}; \
                 choose another --report, or remove that folder",
                path.display()
            );
            eprintln!("{}: already trained", path.display());
            return Finished::new(folder, &settings, *read).map(Some);
        }
        Found::Interrupted(mut settings, read) => {
            settings.data = settings.data.resumed_with(wanted.data);
            (settings, Some(read))
        }
        Found::Nothing => (
            Settings {
                data: wanted.data.clone(),
                precision: Precision::F32,
                licence: None,
                keep_epochs: false,
                command: command_line(),
                minutes: wanted.minutes,
                trained_secs: 0.0,
            },
            None,
        ),
    };
    eprintln!("{}", path.display());
    let skipped: &[(PathBuf, String)] = pictures.skipped();
    let job = Job {
        started: Instant::now(),
        config: wanted.config,
        folder: &folder,
        settings: &settings,
        device,
        skipped,
        again: command_line(),
    };
    let shared = Box::new(Shared(Rc::clone(pictures)));
    let trained = job.run(shared, checkpoint.as_deref(), stop);
    if trained.with_context(named)?.is_none() {
        return Ok(None);
    }
    // Read back from the file, as a later resume will.
    let (_, settings) = RunFolder::interrupted(path)?;
    let read = read_model(&folder.model())?;
    Finished::new(folder, &settings, read).map(Some)
}

/// The images that all runs of a seed share.
struct Shared(Rc<PictureCache>);

impl Pictures for Shared {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn digest(&self) -> &str {
        self.0.digest()
    }

    fn name(&self, index: usize) -> String {
        self.0.name(index)
    }

    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        self.0.values(indices)
    }

    fn prefetch(&self, indices: &[usize]) {
        self.0.prefetch(indices);
    }
}
