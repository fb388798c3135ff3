//! `evaluate`: measures models on labelled test images and compares them with two baselines without a
//! GAN.
//!
//! The honest protocol scores in inference mode and chooses nothing on the images it reports on. The
//! published protocol repeats what the authors' programs do, leaks included; its numbers are marked
//! wherever they appear.

mod baselines;
pub(super) mod output;
mod published;
mod report;
pub(super) mod scoring;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::data::DataArgs;
use super::device::{Check, Chosen, DeviceArg};
use super::{Outcome, read_model, report_skipped};
use crate::data::dataset::{Dataset, Kind as DataKind};
use crate::data::sample::Sample;
use crate::detector::pca::COMPONENTS;
use crate::detector::{self, Detector};
use crate::evaluation::published::{self as literature, PublishedTable};
use crate::evaluation::{Evaluation, MethodResult, Protocol, Resampling, Threshold};
use crate::model_file::{Header, ModelFile};
use crate::score::{Latent, Residual};
use scoring::{TestScores, Verdicts};

/// Defaults of `--components` and `--bootstrap`, which must be above 0.
const DEFAULT_COMPONENTS: NonZeroUsize = NonZeroUsize::new(COMPONENTS).expect("a constant over 0");
pub(super) const DEFAULT_RESAMPLES: NonZeroUsize =
    NonZeroUsize::new(crate::metrics::RESAMPLES).expect("a constant over 0");

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("source").args(["data"]).required(true)))]
pub struct Args {
    /// Model file that `train` or `import` wrote
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Another model file to measure on the same images; may be given several times
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// How images are scored; the published protocol leaks information about the test images and is for
    /// comparison only
    #[arg(long, value_enum, default_value = "honest")]
    protocol: Protocol,
    /// How to measure the residual R, if not as the model does; its calibration then no longer applies
    #[arg(long, value_enum)]
    residual: Option<Residual>,
    /// Threshold of the anomaly score, instead of the model's
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    threshold: Option<f64>,
    /// Choose the threshold with the best F1 on one half of the test images and report the other half
    #[arg(long, conflicts_with = "threshold")]
    adaptive_threshold: bool,
    /// Leave out the baselines, PCA and nearest neighbour
    #[arg(long)]
    no_baselines: bool,
    /// Maximum number of training images that the baselines are fitted on
    #[arg(long, value_name = "N", default_value = "20000")]
    baseline_pictures: NonZeroUsize,
    /// Number of components of the PCA baseline
    #[arg(long, value_name = "N", default_value_t = DEFAULT_COMPONENTS)]
    components: NonZeroUsize,
    /// Also print the published results for this data set [default: cifar10 for cifar10:DIR]
    #[arg(long, value_name = "SET", value_parser = ["cifar10", "mnist", "none"])]
    published_table: Option<String>,
    /// Number of bootstrap resamples for the 95 % intervals
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RESAMPLES)]
    bootstrap: NonZeroUsize,
    /// Seed of the intervals, the samples and the halves of --adaptive-threshold [default: 0, but for
    /// --limit the seed of the model's run]
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for report.html, charts and CSV files
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
}

impl Args {
    /// Seed of everything but the subsample of `--limit`.
    fn seed(&self) -> u64 {
        self.seed.unwrap_or_default()
    }

    /// Seed of the subsample of `--limit`. Without `--seed` it is the run's, as for `calibrate`: the same
    /// `--limit` then gives the images that the model was trained on.
    fn limit_seed(&self, header: &Header) -> u64 {
        let of_run = || header.training.as_ref().map_or(0, |t| t.config.seed);
        self.seed.unwrap_or_else(of_run)
    }
}

pub fn run(args: Args) -> Result<Outcome> {
    let mut model = read_model(&args.model)?.0;
    if let Some(residual) = args.residual {
        model.measure_residual(residual);
    }
    if args.protocol == Protocol::Published {
        let method = model.header.method;
        anyhow::ensure!(
            method.has_networks(),
            "the published protocol scores with batch statistics, which {method} does not have"
        );
        anyhow::ensure!(
            !args.adaptive_threshold,
            "--adaptive-threshold reports on one half of the images and the published protocol on all: use only one of them"
        );
    }
    let set = args
        .data
        .open_with_seeds(args.limit_seed(&model.header), args.seed())?;
    eprintln!("{}: {}", set.source, set.description);
    needs_both_kinds(&set)?;
    let literature = published_table(args.published_table.as_deref(), &set)?;
    let others = args
        .against
        .iter()
        .map(|path| Ok((path, read_model(path)?.0)));
    let others = others.collect::<Result<Vec<(&PathBuf, ModelFile)>>>()?;
    let scored: Vec<&ModelFile> = std::iter::once(&model)
        .chain(others.iter().map(|(_, m)| m))
        .collect();
    let baselines = match args.no_baselines {
        true => Vec::new(),
        false => baselines::settings(&model.header.preprocessing, args.components),
    };
    let device = args.device.open(Check {
        models: &scored,
        training: &baselines,
    })?;
    let bench = Bench {
        args: &args,
        set: &set,
        device: &device,
        samples: published_order(&set.test),
    };

    let detector = detector::load(&model, &device.device)?;
    let name = label(&model.header);
    let mut methods = Vec::new();
    let mut remarks = Vec::new();
    if args.protocol == Protocol::Published {
        let (leaking, said) = bench.published(&name, &model)?;
        methods.push(leaking);
        remarks = said;
    }
    let own = args.threshold.map(Threshold::manual);
    let own = own.or_else(|| calibrated(&model));
    let (honest, scores) = bench.honest(name, &*detector, own)?;
    methods.push(honest);
    for (path, other) in &others {
        let detector = detector::load(other, &device.device)
            .with_context(|| format!("model file {}", path.display()))?;
        let name = label(&other.header);
        let name = match is_taken(&methods, &name) {
            true => free(&methods, format!("{name} {}", file_label(path))),
            false => name,
        };
        // A threshold set by hand applies to --model, not to the models of --against.
        let (result, _) = bench.honest(name, &*detector, calibrated(other))?;
        methods.push(result);
    }
    if !args.no_baselines {
        let input = detector.preprocessing();
        for (name, baseline) in bench.fit_baselines(input, &model.header)? {
            let name = match is_taken(&methods, &name) {
                true => free(&methods, format!("{name} (baseline)")),
                false => name,
            };
            methods.push(bench.honest(name, &*baseline, None)?.0);
        }
    }
    let skipped: Vec<(PathBuf, String)> = scores
        .skipped
        .iter()
        .map(|(name, reason)| (PathBuf::from(name), reason.clone()))
        .collect();
    report_skipped(&skipped);
    let data = data_name(&set);
    let split = set.description.clone();
    let mut evaluation = Evaluation::new(data, split, methods, scores.skipped, literature);
    evaluation.warnings.extend(remarks);

    if let Some(folder) = &args.report {
        bench.write_report(folder, &model, &*detector, &evaluation)?;
        eprintln!("report: {}", folder.join("report.html").display());
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        let object = output::to_json(&args, &set, detector.preprocessing(), &evaluation);
        writeln!(out, "{object}")?;
    } else {
        output::print_table(&mut out, &evaluation)?;
    }
    Ok(match evaluation.skipped.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeSkipped,
    })
}

/// Requires both normal and abnormal test images.
pub(super) fn needs_both_kinds(set: &Dataset) -> Result<()> {
    let (normals, abnormal) = set.test_counts();
    anyhow::ensure!(
        normals > 0 && abnormal > 0,
        "expected normal and abnormal test images in {}, found {normals} normal and {abnormal} abnormal",
        set.source,
    );
    Ok(())
}

/// The name of the data in results.
pub(super) fn data_name(set: &Dataset) -> String {
    match set.abnormal_class() {
        Some(class) => format!("{} with {class} abnormal", set.source),
        None => set.source.clone(),
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

/// A model's own threshold.
pub(super) fn calibrated(model: &ModelFile) -> Option<Threshold> {
    model.header.calibration.as_ref().map(Threshold::calibrated)
}

fn is_taken(methods: &[MethodResult], name: &str) -> bool {
    methods.iter().any(|method| method.method == name)
}

/// The name, numbered if a method already has it: rows are looked up by name.
fn free(methods: &[MethodResult], name: String) -> String {
    let numbered = (2..).map(|number| format!("{name} {number}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| !is_taken(methods, name))
        .unwrap_or(name)
}

/// A model's name in tables: its method, with `+memory` if its score uses a memory bank.
fn label(header: &Header) -> String {
    match header.scoring.latent {
        Latent::Memory => format!("{}+memory", header.method),
        Latent::Final | Latent::Layers => header.method.to_string(),
    }
}

/// What distinguishes a model file: its name, or its run's folder if the file has the default name.
fn file_label(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let run = path.parent().and_then(Path::file_name);
    match run {
        Some(run) if stem == "model" => run.to_string_lossy().into_owned(),
        _ => stem.into_owned(),
    }
}

/// The published test order: all normal images, then the abnormal ones, class by class. An honest
/// score does not depend on it.
pub(super) fn published_order(test: &[Sample]) -> Vec<&Sample> {
    let mut samples: Vec<&Sample> = test.iter().collect();
    samples.sort_by_key(|sample| sample.abnormal);
    samples
}

/// The published results for these data.
///
/// # Errors
/// If a table was asked for and has no results for them.
pub(super) fn published_table(
    asked: Option<&str>,
    set: &Dataset,
) -> Result<Option<PublishedTable>> {
    let kind = match (asked, set.kind) {
        (Some("none"), _) => return Ok(None),
        (Some(kind), _) => kind,
        (None, DataKind::Cifar10) => "cifar10",
        // IDX files do not say whether they are MNIST's.
        (None, _) => return Ok(None),
    };
    let class = set.abnormal_class();
    let table = class.and_then(|class| literature::table(kind, Some(class)));
    anyhow::ensure!(
        table.is_some() || asked.is_none(),
        "--published-table {kind} has results for a single abnormal class of {kind}, got {}",
        class.unwrap_or("none (choose one with --abnormal)")
    );
    Ok(table)
}

/// What all methods of an evaluation share.
struct Bench<'a> {
    args: &'a Args,
    set: &'a Dataset,
    device: &'a Chosen,
    samples: Vec<&'a Sample>,
}

impl Bench<'_> {
    fn resampling(&self) -> Resampling {
        Resampling {
            resamples: self.args.bootstrap.get(),
            seed: self.args.seed(),
        }
    }

    /// Measures a method in inference mode, with verdicts at `threshold` unless it is chosen on labelled
    /// images.
    fn honest(
        &self,
        name: String,
        detector: &dyn Detector,
        threshold: Option<Threshold>,
    ) -> Result<(MethodResult, TestScores)> {
        let verdicts = match self.args.adaptive_threshold {
            true => Verdicts::BestF1 {
                seed: self.args.seed(),
            },
            false => Verdicts::At(threshold),
        };
        let (samples, device) = (&self.samples, self.device.kind);
        scoring::honest(name, detector, samples, device, verdicts, self.resampling())
    }
}
