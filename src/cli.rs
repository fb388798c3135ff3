//! The program's verbs, one file each. Results go to stdout, everything else to stderr.

mod calibrate;
mod command_line;
mod compare;
mod data;
mod device;
mod evaluate;
mod exit;
mod files;
mod generate;
mod images;
mod import;
mod inspect;
mod preset;
mod progress;
mod schema;
mod score;
mod serve;
mod train;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::Outcome;

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
    /// Render pictures of a product line, normal ones and faulty ones with exact masks, to train and to test on
    Generate(generate::Args),
    /// Convert checkpoints of the published PyTorch programs into a model file
    Import(import::Args),
    /// Show what a model file contains
    Inspect(inspect::Args),
    /// Print the settings of a training run, their limits, the methods and the presets as JSON
    Schema(schema::Args),
    /// Serve the page on this machine
    Serve(serve::Args),
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
        Verb::Generate(args) => generate::run(&args),
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

/// `skip-ganomaly score ... | head` closes the output early, which is not a failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
