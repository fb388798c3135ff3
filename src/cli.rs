//! The program's verbs, one file each. Results go to stdout, everything else to stderr.

mod calibrate;
mod compare;
mod data;
mod device;
mod evaluate;
mod import;
mod inspect;
mod progress;
mod schema;
mod score;
mod serve;
mod train;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use sha2::{Digest, Sha256};

use crate::data::dataset::Sample;
use crate::data::image::Preprocessing;
use crate::data::pictures::Pictures;
use crate::data::stored::Stored;
use crate::detector::{self, Detector, Scored};
use crate::device::Kind;
use crate::model_file::{MAX_BYTES, ModelFile};
use data::DataArgs;

/// Exit codes, stable: scripts rely on them. Clap's own for a wrong command line is 2.
mod exit {
    /// Something failed; stderr says what.
    pub const FAILED: u8 = 1;
    /// The work was done, but some pictures could not be read.
    pub const SOME_SKIPPED: u8 = 3;
    /// Ctrl-C: a checkpoint was saved.
    pub const INTERRUPTED: u8 = 130;
}

/// Image anomaly detection with Skip-GANomaly: train on normal pictures, score any.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Train a model on a folder of normal pictures
    Train(Box<train::Args>),
    /// Learn threshold and scoring options anew from normal pictures, without training
    Calibrate(calibrate::Args),
    /// Score pictures with a trained model
    Score(score::Args),
    /// Measure a model on labelled test pictures, beside baselines without a GAN
    Evaluate(evaluate::Args),
    /// Train and evaluate several methods on one split with one budget, side by side
    Compare(Box<compare::Args>),
    /// Turn checkpoints of the published PyTorch programs into a model file
    Import(import::Args),
    /// Say what a model file holds
    Inspect(inspect::Args),
    /// Print the settings of a training run, their limits and the presets as JSON
    Schema,
    /// Serve the page on this machine
    Serve(serve::Args),
}

/// How a verb ended when nothing failed.
enum Outcome {
    Done,
    SomeSkipped,
    Interrupted,
}

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let given = matches.subcommand().map_or(&matches, |(_, given)| given);
    let result = match cli.verb {
        Verb::Train(args) => train::run(args.with_preset(given)),
        Verb::Calibrate(args) => calibrate::run(args),
        Verb::Score(args) => score::run(args),
        Verb::Evaluate(args) => evaluate::run(args),
        Verb::Compare(args) => compare::run(&args, given),
        Verb::Import(args) => import::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Schema => schema::run(),
        Verb::Serve(args) => serve::run(args).map(|()| Outcome::Done),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeSkipped) => exit::SOME_SKIPPED.into(),
        Ok(Outcome::Interrupted) => exit::INTERRUPTED.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit::FAILED.into()
        }
    }
}

/// Whether an option stands on the command line.
fn was_given(matches: &ArgMatches, name: &str) -> bool {
    matches.try_contains_id(name).unwrap_or_default()
        && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// `skip-ganomaly score ... | head` closes our output early; that is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Scores prepared pictures as suits the device.
fn score_batch(device: Kind, detector: &dyn Detector, values: &[f32]) -> Result<Vec<Scored>> {
    Ok(match device {
        Kind::Cpu => detector::score_on_all_threads(detector, values)?,
        Kind::Gpu | Kind::Cuda => pollster::block_on(detector::score_batch(detector, values))?,
    })
}

/// Opens data and prepares their normal training pictures.
fn load_pictures(data: &DataArgs, preprocessing: &Preprocessing, seed: u64) -> Result<Stored> {
    let set = data.open(seed)?;
    eprintln!("{}: {}", set.source, set.description);
    prepare(set.train, preprocessing, data.cache_bytes())
}

/// Prepares training pictures; in memory those that fit into `cache_bytes`.
fn prepare(train: Vec<Sample>, preprocessing: &Preprocessing, cache_bytes: u64) -> Result<Stored> {
    let bar = progress::bar(train.len() as u64, "loading");
    let pictures = Stored::new(train, preprocessing, cache_bytes, |done| {
        bar.set_position(done as u64)
    });
    bar.finish_and_clear();
    report_skipped(pictures.skipped());
    if pictures.cached() < pictures.len() {
        eprintln!(
            "{} of {} prepared pictures fit into memory (--cache-mib); the others are decoded anew in each epoch",
            pictures.cached(),
            pictures.len()
        );
    }
    Ok(pictures)
}

/// Reads a model file, bounded before it is read.
fn read_model(path: &Path) -> Result<(ModelFile, Vec<u8>)> {
    let named = || format!("model file {}", path.display());
    let metadata = std::fs::metadata(path).with_context(named)?;
    anyhow::ensure!(
        metadata.is_file() && metadata.len() <= MAX_BYTES as u64,
        "model file {}: expected a file of at most {MAX_BYTES} bytes, got {}",
        path.display(),
        if metadata.is_file() {
            format!("{} bytes", metadata.len())
        } else {
            "a folder".into()
        },
    );
    let bytes = std::fs::read(path).with_context(named)?;
    let model = ModelFile::from_bytes(&bytes).with_context(named)?;
    Ok((model, bytes))
}

/// Writes a file whole or not at all: beside its place first, then moved there.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let named = || format!("cannot write {}", path.display());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&folder).with_context(named)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder).with_context(named)?;
    file.write_all(bytes).with_context(named)?;
    file.as_file().sync_all().with_context(named)?;
    file.persist(path).with_context(named)?;
    // The temporary file is private; what takes its place should be as other files are.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
            .with_context(named)?;
    }
    Ok(())
}

/// SHA-256 of some bytes in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
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

/// Tells what was left out of a set of pictures, on stderr.
fn report_skipped(skipped: &[(PathBuf, String)]) {
    const SHOWN: usize = 10;
    for (path, reason) in skipped.iter().take(SHOWN) {
        eprintln!("skipped {}: {reason}", path.display());
    }
    if skipped.len() > SHOWN {
        eprintln!("skipped {} more pictures", skipped.len() - SHOWN);
    }
}
