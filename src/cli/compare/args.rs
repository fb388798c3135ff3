//! What `compare` takes on the command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ArgGroup;

use crate::cli::data::DataArgs;
use crate::cli::device::DeviceArg;
use crate::cli::evaluate::args::DEFAULT_RESAMPLES;
use crate::cli::preset::STARTS_FROM;
use crate::settings::config::TrainConfig;
use crate::settings::method::Method;
use crate::settings::preset::Preset;

#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("source").args(["data"]).required(true)),
    group(ArgGroup::new("budget").args(["steps", "minutes"]).required(true)),
    mut_arg("method", |arg| arg.hide(true)),
    mut_arg("epochs", |arg| arg.hide(true)),
    after_help = STARTS_FROM,
)]
pub struct Args {
    #[command(flatten)]
    pub data: DataArgs,
    /// Methods to compare, separated by commas; the first is the reference
    #[arg(long, value_enum, value_delimiter = ',', required = true, conflicts_with_all = ["method", "epochs"])]
    pub methods: Vec<Method>,
    /// Minutes of training for each run, instead of --steps
    #[arg(long, value_name = "M", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Seeds, separated by commas, instead of --seed; each method is trained once with each seed
    #[arg(long, value_name = "N", value_delimiter = ',', conflicts_with = "seed")]
    pub seeds: Vec<u64>,
    /// Settings to start from, for methods that have them; options given here override them
    #[arg(long, value_enum, default_value = "paper")]
    pub preset: Preset,
    /// Also print the published results for this data set [default: cifar10 for cifar10:DIR]
    #[arg(long, value_name = "SET", value_parser = ["cifar10", "mnist", "none"])]
    pub published_table: Option<String>,
    /// Number of bootstrap resamples for the 95 % intervals
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RESAMPLES)]
    pub bootstrap: NonZeroUsize,
    /// Folder for the report and, under runs/, for each run; an interrupted comparison resumes there
    #[arg(long, value_name = "DIR")]
    pub report: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub config: TrainConfig,
}

/// Parses a training time.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        Ok(value) => Err(format!("expected minutes above 0, got {value}")),
        Err(error) => Err(error.to_string()),
    }
}
