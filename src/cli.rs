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
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use sha2::{Digest, Sha256};

use crate::data::dataset::Sample;
use crate::data::image::Preprocessing;
use crate::data::pictures::Pictures;
use crate::data::stored::Stored;
use crate::detector::{self, Detector, Scored, options};
use crate::device::Kind;
use crate::model_file::{MAX_BYTES, ModelFile};
use crate::settings::method::{Method, listed};
use crate::settings::preset::Preset;
use data::DataArgs;

/// Exit codes, stable: scripts rely on them. Clap's own for a wrong command line is 2.
mod exit {
    /// Something failed; stderr says what.
    pub const FAILED: u8 = 1;
    /// The work was done, but some images could not be read.
    pub const SOME_SKIPPED: u8 = 3;
    /// Ctrl-C: a checkpoint was saved.
    pub const INTERRUPTED: u8 = 130;
}

/// Image anomaly detection with Skip-GANomaly: train on normal images, score any image.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Train a model on normal images
    Train(Box<train::Args>),
    /// Recalibrate a trained model on normal images: threshold and scoring options, without training
    Calibrate(calibrate::Args),
    /// Score images with a trained model
    Score(score::Args),
    /// Measure a model on labelled test images and compare it with baselines without a GAN
    Evaluate(evaluate::Args),
    /// Train and evaluate several methods on the same split with the same budget
    Compare(Box<compare::Args>),
    /// Convert checkpoints of the published PyTorch programs into a model file
    Import(import::Args),
    /// Show what a model file contains
    Inspect(inspect::Args),
    /// Print the settings of a training run, their limits, the methods and the presets as JSON
    Schema(schema::Args),
    /// Serve the page on this machine
    Serve(serve::Args),
}

/// Stands below the settings in the help of the commands that train.
const STARTS_FROM: &str = "A method starts from its published settings where they differ from the defaults above. \
     `skip-ganomaly schema --markdown` lists them, and the methods that use each setting.";

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
        Verb::Schema(args) => schema::run(&args),
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

/// Refuses a preset that none of the methods has.
fn check_preset(preset: Preset, methods: &[Method]) -> Result<()> {
    let having = options::methods_with(preset);
    anyhow::ensure!(
        methods.iter().any(|method| having.contains(method)),
        "this --preset applies to {}, got {}",
        listed(&having),
        listed(methods)
    );
    Ok(())
}

/// `skip-ganomaly score ... | head` closes the output early, which is not a failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Scores prepared images as suits the device.
fn score_batch(device: Kind, detector: &dyn Detector, values: &[f32]) -> Result<Vec<Scored>> {
    Ok(match device {
        Kind::Cpu => detector::score_on_all_threads(detector, values)?,
        Kind::Gpu | Kind::Cuda => pollster::block_on(detector::score_batch(detector, values))?,
    })
}

/// Opens the data and prepares the normal training images.
fn load_pictures(data: &DataArgs, preprocessing: &Preprocessing, seed: u64) -> Result<Stored> {
    let set = data.open(seed)?;
    eprintln!("{}: {}", set.source, set.description);
    prepare(set.train, preprocessing, data.cache_bytes())
}

/// Prepares training images and keeps in memory those that fit into `cache_bytes`.
fn prepare(train: Vec<Sample>, preprocessing: &Preprocessing, cache_bytes: u64) -> Result<Stored> {
    let bar = progress::bar(train.len() as u64, "loading");
    let pictures = Stored::new(train, preprocessing, cache_bytes, |done| {
        bar.set_position(done as u64)
    });
    bar.finish_and_clear();
    report_skipped(pictures.skipped());
    if pictures.cached() < pictures.len() {
        eprintln!(
            "{} of {} prepared images fit into memory (--cache-mib); the others are decoded again in each epoch",
            pictures.cached(),
            pictures.len()
        );
    }
    Ok(pictures)
}

/// Reads a model file, after checking its size.
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

/// Writes a file completely or not at all: to a temporary file in the same folder, which is then renamed.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let named = || format!("cannot write {}", path.display());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&folder).with_context(named)?;
    let mut file = temporary_in(&folder).with_context(named)?;
    file.write_all(bytes).with_context(named)?;
    file.as_file().sync_all().with_context(named)?;
    file.persist(path).with_context(named)?;
    Ok(())
}

/// A temporary file with the permissions of any new file: 0666 less the umask. By default, `tempfile`
/// lets only the owner read and write it.
#[cfg(unix)]
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// A temporary file.
#[cfg(not(unix))]
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(folder)
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

/// The command line, quoted for a shell.
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

/// Lists the images that were left out, on stderr.
fn report_skipped(skipped: &[(PathBuf, String)]) {
    const SHOWN: usize = 10;
    for (path, reason) in skipped.iter().take(SHOWN) {
        eprintln!("skipped {}: {reason}", path.display());
    }
    if skipped.len() > SHOWN {
        eprintln!("skipped {} more images", skipped.len() - SHOWN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        for bytes in [&b"one"[..], b"another"] {
            write_whole(&path, bytes).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        let files = std::fs::read_dir(folder.path().join("new")).unwrap();
        assert_eq!(files.count(), 1, "no temporary file is left");
    }

    /// Whatever the umask is here.
    #[test]
    #[cfg(unix)]
    fn a_written_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_whole(&ours, b"ours").unwrap();
        std::fs::write(&plain, b"plain").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
