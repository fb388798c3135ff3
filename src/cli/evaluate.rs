//! `evaluate`: measures models on labelled test images and compares them with two baselines without a
//! GAN.
//!
//! The honest protocol scores in inference mode and chooses nothing on the images it reports on. The
//! published protocol repeats what the authors' programs do, leaks included; its numbers are marked
//! wherever they appear.

pub(super) mod args;
mod baselines;
mod bench;
pub(super) mod output;
mod published;
mod report;
pub(super) mod scoring;
mod simulated;
pub(super) mod test_set;

pub use args::Args;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::device::Check;
use super::exit::Outcome;
use super::files::read_model;
use super::images::report_skipped;
use crate::detector::{self, Detector, options};
use crate::evaluation::{Evaluation, MethodResult, Protocol, Threshold};
use crate::model_file::{Header, ModelFile};
use crate::score::Latent;
use bench::Bench;
use scoring::calibrated;
use test_set::{data_name, needs_both_kinds, published_order, published_table};

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
    let labelled = match needs_both_kinds(&set) {
        Err(reason) if args.simulated.is_none() || args.protocol == Protocol::Published => {
            return Err(reason);
        }
        Err(reason) => {
            eprintln!("note: {reason}; only simulated faults are measured");
            false
        }
        Ok(()) => true,
    };
    let literature = published_table(args.published_table.as_deref(), &set)?;
    let others = args
        .against
        .iter()
        .map(|path| Ok((path, read_model(path)?.0)));
    let others = others.collect::<Result<Vec<(&PathBuf, ModelFile)>>>()?;
    let scored: Vec<&ModelFile> = std::iter::once(&model)
        .chain(others.iter().map(|(_, m)| m))
        .collect();
    let baselines = match args.no_baselines || !labelled {
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
    let own = args.threshold.map(Threshold::manual);
    let own = own.or_else(|| calibrated(&model));
    let mut compared = match labelled {
        true => compare(&bench, &model, &*detector, own, &others)?,
        false => Compared::default(),
    };
    report_skipped(&compared.skipped_paths());
    let data = data_name(&set);
    let split = set.description.clone();
    let mut evaluation =
        Evaluation::new(data, split, compared.methods, compared.skipped, literature);
    evaluation.warnings.append(&mut compared.remarks);
    if let Some(seed) = args.simulated {
        let threshold = own.context(
            "--simulated counts faults above the model's threshold, and it has none: calibrate it, or give --threshold",
        )?;
        let simulated = bench.simulated(seed, &model, &*detector, threshold.value)?;
        evaluation.simulated = Some(simulated);
    }

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

/// All methods on the labelled test images.
#[derive(Default)]
struct Compared {
    /// The reported one first.
    methods: Vec<MethodResult>,
    /// Warnings of the published protocol.
    remarks: Vec<String>,
    /// Images that could not be read: name and reason.
    skipped: Vec<(String, String)>,
}

impl Compared {
    fn skipped_paths(&self) -> Vec<(PathBuf, String)> {
        let skipped = self.skipped.iter();
        skipped
            .map(|(name, reason)| (PathBuf::from(name), reason.clone()))
            .collect()
    }
}

/// Measures the model, those of `--against` and the baselines.
fn compare(
    bench: &Bench<'_>,
    model: &ModelFile,
    detector: &dyn Detector,
    threshold: Option<Threshold>,
    others: &[(&PathBuf, ModelFile)],
) -> Result<Compared> {
    let name = label(&model.header);
    let mut methods = Vec::new();
    let mut remarks = Vec::new();
    if bench.args.protocol == Protocol::Published {
        let (leaking, said) = bench.published(&name, model)?;
        methods.push(leaking);
        remarks = said;
    }
    let (honest, scores) = bench.honest(name, detector, threshold)?;
    methods.push(honest);
    for (path, other) in others {
        let detector = detector::load(other, &bench.device.device)
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
    if !bench.args.no_baselines {
        let input = detector.preprocessing();
        for (name, baseline) in bench.fit_baselines(input, &model.header)? {
            let name = match is_taken(&methods, &name) {
                true => free(&methods, format!("{name} (baseline)")),
                false => name,
            };
            methods.push(bench.honest(name, &*baseline, None)?.0);
        }
    }
    Ok(Compared {
        methods,
        remarks,
        skipped: scores.skipped,
    })
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

/// A model's name in tables: its method, with `+memory` if its score uses a memory bank that the published one does
/// not have.
fn label(header: &Header) -> String {
    let published = options::published(header.method).latent;
    match header.scoring.latent {
        Latent::Memory if published != Latent::Memory => format!("{}+memory", header.method),
        Latent::Final | Latent::Layers | Latent::Memory => header.method.to_string(),
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
