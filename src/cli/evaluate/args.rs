//! What `evaluate` takes on the command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::cli::data::DataArgs;
use crate::cli::device::DeviceArg;
use crate::evaluation::Protocol;
use crate::model_file::Header;
use crate::score::Residual;
use crate::settings::limits::COMPONENTS;

/// Defaults of `--components` and `--bootstrap`, which must be above 0.
const DEFAULT_COMPONENTS: NonZeroUsize = NonZeroUsize::new(COMPONENTS).expect("a constant over 0");
pub const DEFAULT_RESAMPLES: NonZeroUsize =
    NonZeroUsize::new(crate::metrics::RESAMPLES).expect("a constant over 0");

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("source").args(["data"]).required(true)))]
pub struct Args {
    /// Model file that `train` or `import` wrote
    #[arg(long)]
    pub model: PathBuf,
    #[command(flatten)]
    pub data: DataArgs,
    /// Another model file to measure on the same images; may be given several times
    #[arg(long, value_name = "FILE")]
    pub against: Vec<PathBuf>,
    /// How images are scored; the published protocol leaks information about the test images and is for
    /// comparison only
    #[arg(long, value_enum, default_value = "honest")]
    pub protocol: Protocol,
    /// How to measure the residual R, if not as the model does; its calibration then no longer applies
    #[arg(long, value_enum)]
    pub residual: Option<Residual>,
    /// Threshold of the anomaly score, instead of the model's
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    pub threshold: Option<f64>,
    /// Choose the threshold with the best F1 on one half of the test images and report the other half
    #[arg(long, conflicts_with = "threshold")]
    pub adaptive_threshold: bool,
    /// Also measure how small a fault the model finds: damage the normal images that its run held out, with this
    /// seed. Needs no labelled fault
    #[arg(long, value_name = "SEED")]
    pub simulated: Option<u64>,
    /// Leave out the baselines, PCA and nearest neighbour
    #[arg(long)]
    pub no_baselines: bool,
    /// Maximum number of training images that the baselines are fitted on
    #[arg(long, value_name = "N", default_value = "20000")]
    pub baseline_pictures: NonZeroUsize,
    /// Number of components of the PCA baseline
    #[arg(long, value_name = "N", default_value_t = DEFAULT_COMPONENTS)]
    pub components: NonZeroUsize,
    /// Also print the published results for this data set [default: cifar10 for cifar10:DIR]
    #[arg(long, value_name = "SET", value_parser = ["cifar10", "mnist", "none"])]
    pub published_table: Option<String>,
    /// Number of bootstrap resamples for the 95 % intervals
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RESAMPLES)]
    pub bootstrap: NonZeroUsize,
    /// Seed of the intervals, the samples and the halves of --adaptive-threshold [default: 0, but for
    /// --limit the seed of the model's run]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Folder for report.html, charts and CSV files
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub device: DeviceArg,
}

impl Args {
    /// Seed of everything but the subsample of `--limit`.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or_default()
    }

    /// Seed of the subsample of `--limit`. Without `--seed` it is the run's, as for `calibrate`: the same
    /// `--limit` then gives the images that the model was trained on.
    pub fn limit_seed(&self, header: &Header) -> u64 {
        let of_run = || header.training.as_ref().map_or(0, |t| t.config.seed);
        self.seed.unwrap_or_else(of_run)
    }
}

/// Parses a threshold.
fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) => Err(format!("expected a finite score, got {value}")),
        Err(error) => Err(error.to_string()),
    }
}
