//! `compare`: trains and evaluates several methods on one split, with the same seeds and budget.
//!
//! Each method's run has a folder as `train` writes it, so an interrupted comparison can be resumed.
//! Everything is scored by the honest protocol, and nothing is chosen on the test images.

mod output;
mod plan;
mod report;
mod runs;
mod scores;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use clap::{ArgGroup, ArgMatches};

use super::data::DataArgs;
use super::device::{Check, DeviceArg};
use super::evaluate::{DEFAULT_RESAMPLES, data_name, needs_both_kinds, published_table};
use super::train::job::watch_for_interruption;
use super::{Outcome, prepare, report_skipped};
use crate::data::dataset::Dataset;
use crate::evaluation::{Evaluation, Resampling};
use crate::model_file::Training;
use crate::run::preprocessing;
use crate::settings::method::Method;
use crate::settings::{config::TrainConfig, preset::Preset};
use plan::Plan;

#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["data"]).required(true)),
    group(ArgGroup::new("budget").args(["steps", "minutes"]).required(true)),
    mut_arg("method", |arg| arg.hide(true)),
    mut_arg("epochs", |arg| arg.hide(true)),
    after_help = super::STARTS_FROM,
)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Methods to compare, separated by commas; the first is the reference
    #[arg(long, value_enum, value_delimiter = ',', required = true, conflicts_with_all = ["method", "epochs"])]
    methods: Vec<Method>,
    /// Minutes of training for each run, instead of --steps
    #[arg(long, value_name = "M", value_parser = minutes)]
    minutes: Option<f64>,
    /// Seeds, separated by commas, instead of --seed; each method is trained once with each seed
    #[arg(long, value_name = "N", value_delimiter = ',', conflicts_with = "seed")]
    seeds: Vec<u64>,
    /// Settings to start from, for methods that have them; options given here override them
    #[arg(long, value_enum, default_value = "paper")]
    preset: Preset,
    /// Also print the published results for this data set [default: cifar10 for cifar10:DIR]
    #[arg(long, value_name = "SET", value_parser = ["cifar10", "mnist", "none"])]
    published_table: Option<String>,
    /// Number of bootstrap resamples for the 95 % intervals
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RESAMPLES)]
    bootstrap: NonZeroUsize,
    /// Folder for the report and, under runs/, for each run; an interrupted comparison resumes there
    #[arg(long, value_name = "DIR")]
    report: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    config: TrainConfig,
}

/// Parses a training time.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        Ok(value) => Err(format!("expected minutes above 0, got {value}")),
        Err(error) => Err(error.to_string()),
    }
}

/// One method with one seed; its results have the same index in the evaluation.
struct Row {
    method: Method,
    seed: u64,
    train_secs: f64,
    model: PathBuf,
    training: Training,
}

/// What was compared.
struct Comparison {
    plan: Plan,
    /// The data as drawn with the first seed.
    set: Dataset,
    rows: Vec<Row>,
    evaluation: Evaluation,
}

pub fn run(args: &Args, given: &ArgMatches) -> Result<Outcome> {
    let plan = Plan::new(args, given)?;
    let data = args.data.absolute()?;
    // Check before hours of training, not after.
    for (config, path) in plan.all_runs(&args.report) {
        runs::find(&path, &plan.wanted(&config, &data))?;
    }
    let stop = watch_for_interruption()?;
    let device = args.device.open(Check {
        training: &plan.configs,
        ..Check::default()
    })?;

    let mut first = None;
    let (mut rows, mut methods) = (Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    let mut unread = Vec::new();
    for &seed in &plan.seeds {
        let mut set = data.open(seed)?;
        eprintln!("{}: {}", set.source, set.description);
        needs_both_kinds(&set)?;
        published_table(args.published_table.as_deref(), &set)?;
        let input = preprocessing(&plan.configs[0]);
        let train = std::mem::take(&mut set.train);
        let pictures = Rc::new(prepare(train, &input, data.cache_bytes())?);
        unread.extend(pictures.skipped().iter().cloned());
        for config in &plan.configs {
            let config = TrainConfig {
                seed,
                ..config.clone()
            };
            let path = run_folder(&args.report, config.method, seed);
            let wanted = plan.wanted(&config, &data);
            let Some(run) = runs::train(&path, &wanted, &pictures, &device, &stop)? else {
                return Ok(Outcome::Interrupted);
            };
            let resampling = Resampling {
                resamples: args.bootstrap.get(),
                seed,
            };
            let name = plan.label(config.method, seed);
            let scored = scores::of(&run, name, &set, &device, resampling)?;
            methods.push(scored.result);
            for unreadable in scored.skipped {
                if !skipped.contains(&unreadable) {
                    skipped.push(unreadable);
                }
            }
            rows.push(run.into_row(config.method, seed));
        }
        first.get_or_insert(set);
    }
    let set = first.expect("at least one seed");
    unread.sort();
    unread.dedup();
    let of_test = skipped
        .iter()
        .map(|(name, reason)| (PathBuf::from(name), reason.clone()));
    report_skipped(&of_test.collect::<Vec<_>>());
    let of_training = unread
        .iter()
        .map(|(path, reason)| (path.display().to_string(), reason.clone()));
    skipped.extend(of_training);
    let literature = published_table(args.published_table.as_deref(), &set)?;
    let split = set.description.clone();
    let evaluation = Evaluation::new(data_name(&set), split, methods, skipped, literature);
    let comparison = Comparison {
        plan,
        set,
        rows,
        evaluation,
    };
    report::write(&comparison, &args.report, &device.device)?;
    eprintln!("report: {}", args.report.join("report.html").display());

    let mut out = std::io::stdout().lock();
    match args.json {
        true => output::print_json(&mut out, &comparison, &args.report)?,
        false => output::print_table(&mut out, &comparison)?,
    }
    Ok(match comparison.evaluation.skipped.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeSkipped,
    })
}

/// A run's folder within a comparison's folder.
fn run_folder(report: &Path, method: Method, seed: u64) -> PathBuf {
    report.join("runs").join(format!("{method}-seed{seed}"))
}
