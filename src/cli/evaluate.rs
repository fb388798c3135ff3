//! `evaluate`: models on labelled test pictures, beside two baselines that need no GAN.
//!
//! The honest protocol scores in inference mode and chooses nothing on what it reports. The published
//! one repeats what the authors' programs do, leaks included, and says so wherever it shows.

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
use crate::data::dataset::{Dataset, Kind as DataKind, Sample};
use crate::detector::pca::COMPONENTS;
use crate::detector::{self, Detector};
use crate::evaluation::published::{self as literature, PublishedTable};
use crate::evaluation::{Evaluation, MethodResult, Protocol, Resampling, Threshold};
use crate::model_file::{Header, ModelFile};
use crate::score::{Latent, Residual};
use scoring::{TestScores, Verdicts};

/// Components of PCA, and resamples, as the command line takes them: never none.
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
    /// Other model files, to be measured beside it
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// How pictures are scored; the published way leaks and is there for comparison only
    #[arg(long, value_enum, default_value = "honest")]
    protocol: Protocol,
    /// Measure the residual otherwise than the model does; its calibration then does not apply
    #[arg(long, value_enum)]
    residual: Option<Residual>,
    /// A threshold set by hand, in place of the model's
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    threshold: Option<f64>,
    /// Choose the threshold by the best F1 on one half of the test pictures and report the other half
    #[arg(long, conflicts_with = "threshold")]
    adaptive_threshold: bool,
    /// Leave out PCA and nearest neighbour
    #[arg(long)]
    no_baselines: bool,
    /// Training pictures that the baselines are fitted on, at most
    #[arg(long, value_name = "N", default_value = "20000")]
    baseline_pictures: NonZeroUsize,
    /// Components of the baseline PCA
    #[arg(long, value_name = "N", default_value_t = DEFAULT_COMPONENTS)]
    components: NonZeroUsize,
    /// Print the published numbers of this set beside [default: cifar10 for cifar10:DIR]
    #[arg(long, value_name = "SET", value_parser = ["cifar10", "mnist", "none"])]
    published_table: Option<String>,
    /// Resamples of the 95 % intervals
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RESAMPLES)]
    bootstrap: NonZeroUsize,
    /// Seed of the intervals, of draws and of the validation half
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder to write report.html, drawings and CSV files into
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
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
            "the published protocol scores with batch statistics; {method} has none"
        );
        anyhow::ensure!(
            !args.adaptive_threshold,
            "--adaptive-threshold reports one half of the pictures, the published protocol all: choose one"
        );
    }
    let set = args.data.open(args.seed)?;
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
        // A score set by hand belongs to the model that is named, not to those beside it.
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

/// Refuses test pictures of one kind alone.
pub(super) fn needs_both_kinds(set: &Dataset) -> Result<()> {
    let (normals, abnormal) = set.test_counts();
    anyhow::ensure!(
        normals > 0 && abnormal > 0,
        "{} needs normal and abnormal test pictures; found {normals} normal and {abnormal} abnormal",
        set.source,
    );
    Ok(())
}

/// What the data are called beside their numbers.
pub(super) fn data_name(set: &Dataset) -> String {
    match set.abnormal_class() {
        Some(class) => format!("{} with {class} abnormal", set.source),
        None => set.source.clone(),
    }
}

/// A score that a threshold can be.
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

/// The name, numbered where a method has it already: a row is found by its name.
fn free(methods: &[MethodResult], name: String) -> String {
    let numbered = (2..).map(|number| format!("{name} {number}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| !is_taken(methods, name))
        .unwrap_or(name)
}

/// What a model is called in tables: its method, and a memory where its score has one.
fn label(header: &Header) -> String {
    match header.scoring.latent {
        Latent::Memory => format!("{}+memory", header.method),
        Latent::Final | Latent::Layers => header.method.to_string(),
    }
}

/// What tells a model file from others: its name, or its run's where it has the name that all have.
fn file_label(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let run = path.parent().and_then(Path::file_name);
    match run {
        Some(run) if stem == "model" => run.to_string_lossy().into_owned(),
        _ => stem.into_owned(),
    }
}

/// The published test order: all normal pictures, then the abnormal ones, class by class. An honest
/// score does not depend on it.
pub(super) fn published_order(test: &[Sample]) -> Vec<&Sample> {
    let mut samples: Vec<&Sample> = test.iter().collect();
    samples.sort_by_key(|sample| sample.abnormal);
    samples
}

/// What the literature has for these data.
///
/// # Errors
/// If a table was asked for and has nothing for them.
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
        "--published-table {kind} has numbers for one abnormal class of {kind}; got {}",
        class.unwrap_or("none (--abnormal)")
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
            seed: self.args.seed,
        }
    }

    /// A method in inference mode, with verdicts at `threshold` unless labelled pictures choose it.
    fn honest(
        &self,
        name: String,
        detector: &dyn Detector,
        threshold: Option<Threshold>,
    ) -> Result<(MethodResult, TestScores)> {
        let verdicts = match self.args.adaptive_threshold {
            true => Verdicts::BestF1 {
                seed: self.args.seed,
            },
            false => Verdicts::At(threshold),
        };
        let (samples, device) = (&self.samples, self.device.kind);
        scoring::honest(name, detector, samples, device, verdicts, self.resampling())
    }
}
