//! `evaluate`: models on labelled test pictures, beside two baselines that need no GAN.
//!
//! The honest protocol scores in inference mode and chooses nothing on what it reports. The published
//! one repeats what the authors' programs do, leaks included, and says so wherever it shows.

mod output;
mod scoring;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;

use super::data::DataArgs;
use super::{Outcome, command_line, read_model, report_skipped, write_whole};
use crate::calibration::heat_map_scale;
use crate::data::batch::subsample;
use crate::data::dataset::{Dataset, Kind as DataKind, Sample};
use crate::data::image::{Preprocessing, heat_map_rgba, to_rgba};
use crate::detector::nearest::Nearest;
use crate::detector::pca::{COMPONENTS, Pca};
use crate::detector::{self, Detector};
use crate::device::Kind;
use crate::evaluation::published::{self, PublishedTable};
use crate::evaluation::{
    About, EpochChoice, Evaluation, Labelled, MethodResult, Part, Protocol, Resampling, Threshold,
    measure,
};
use crate::model_file::{Header, ModelFile};
use crate::report::{EvaluationReport, Miss, ReportSample, worst};
use crate::score::{Latent, Residual};
use scoring::{Batches, TestScores, score_all};

/// Misses of each kind that the report shows.
const MISSES: usize = 12;

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
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Choose the threshold by the best F1 on one half of the test pictures and report the other half
    #[arg(long, conflicts_with = "threshold")]
    adaptive_threshold: bool,
    /// Leave out PCA and nearest neighbour
    #[arg(long)]
    no_baselines: bool,
    /// Training pictures that the baselines are fitted on, at most
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    baseline_pictures: usize,
    /// Print the published numbers of this set beside [default: cifar10 for cifar10:DIR]
    #[arg(long, value_name = "SET", value_parser = ["cifar10", "mnist", "none"])]
    published_table: Option<String>,
    /// Resamples of the 95 % intervals
    #[arg(long, value_name = "N", default_value_t = crate::metrics::RESAMPLES)]
    bootstrap: usize,
    /// Seed of the intervals, of draws and of the validation half
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder to write report.html, drawings and CSV files into
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value = "cpu")]
    device: Kind,
}

pub fn run(args: Args) -> Result<Outcome> {
    anyhow::ensure!(args.bootstrap > 0, "--bootstrap must be at least 1, got 0");
    let mut model = read_model(&args.model)?.0;
    if let Some(residual) = args.residual {
        model.measure_residual(residual);
    }
    let set = args.data.open(args.seed)?;
    eprintln!("{}: {}", set.source, set.description);
    let (normals, abnormal) = set.test_counts();
    anyhow::ensure!(
        normals > 0 && abnormal > 0,
        "{} needs normal and abnormal test pictures; found {normals} normal and {abnormal} abnormal",
        set.source,
    );
    let device = pollster::block_on(args.device.open())?;
    let bench = Bench {
        args: &args,
        set: &set,
        device: &device,
        samples: published_order(&set.test),
        reported: label(&model.header),
    };

    let detector = detector::load(&model, &device)?;
    let name = label(&model.header);
    let (honest, scores) = bench.honest(&name, &*detector, Some(&model.header))?;
    let mut methods = Vec::new();
    if args.protocol == Protocol::Published {
        methods.push(bench.published(&name, &model)?);
    }
    methods.push(honest);
    for path in &args.against {
        let other = read_model(path)?.0;
        let detector = detector::load(&other, &device)?;
        let own = label(&other.header);
        let name = match methods.iter().any(|m| m.method == own) {
            true => format!("{own} {}", file_label(path)),
            false => own,
        };
        methods.push(bench.honest(&name, &*detector, Some(&other.header))?.0);
    }
    if !args.no_baselines {
        methods.extend(bench.baselines(detector.preprocessing(), &model.header)?);
    }
    report_skipped(
        &scores
            .skipped
            .iter()
            .map(|(name, reason)| (PathBuf::from(name), reason.clone()))
            .collect::<Vec<_>>(),
    );
    let data = match set.abnormal_class() {
        Some(class) => format!("{} with {class} abnormal", set.source),
        None => set.source.clone(),
    };
    let published = published_table(args.published_table.as_deref(), &set);
    let skipped = scores.skipped.clone();
    let evaluation = Evaluation::new(data, set.description.clone(), methods, skipped, published);

    if let Some(folder) = &args.report {
        bench.write_report(folder, &model, &*detector, &evaluation)?;
        eprintln!("report: {}", folder.join("report.html").display());
    }
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(
            out,
            "{}",
            output::to_json(&args.model, &set, &evaluation, args.seed)
        )?,
        false => output::print_table(&mut out, &evaluation)?,
    }
    Ok(match evaluation.skipped.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeSkipped,
    })
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
fn published_order(test: &[Sample]) -> Vec<&Sample> {
    let mut samples: Vec<&Sample> = test.iter().collect();
    samples.sort_by_key(|sample| sample.abnormal);
    samples
}

fn published_table(asked: Option<&str>, set: &Dataset) -> Option<PublishedTable> {
    let kind = match (asked, set.kind) {
        (Some(kind), _) => kind,
        (None, DataKind::Cifar10) => "cifar10",
        (None, _) => return None,
    };
    published::table(kind, Some(set.abnormal_class()?))
}

/// What all methods of an evaluation share.
struct Bench<'a> {
    args: &'a Args,
    set: &'a Dataset,
    device: &'a Device,
    samples: Vec<&'a Sample>,
    /// Name of the model that is reported on.
    reported: String,
}

impl Bench<'_> {
    fn resampling(&self) -> Resampling {
        Resampling {
            resamples: self.args.bootstrap,
            seed: self.args.seed,
        }
    }

    /// A method in inference mode.
    fn honest(
        &self,
        name: &str,
        detector: &dyn Detector,
        header: Option<&Header>,
    ) -> Result<(MethodResult, TestScores)> {
        let batches = Batches::Any(self.args.device);
        let scores = score_all(detector, batches, &self.samples)?;
        let about = About {
            method: name.to_owned(),
            protocol: Protocol::Honest,
            parameters: detector.parameters(),
            milliseconds_per_picture: scores.milliseconds_per_picture,
        };
        let pictures = scores.pictures.clone();
        let calibration = header.and_then(|header| header.calibration.as_ref());
        // A score set by hand belongs to the model that is named, not to those beside it.
        let own = name == self.reported;
        let mut result = match self.args.adaptive_threshold {
            true => MethodResult::with_adaptive_threshold(
                about,
                pictures,
                self.args.seed,
                self.resampling(),
            )?,
            false => {
                let manual = self.args.threshold.filter(|_| own).map(Threshold::manual);
                let threshold = manual.or_else(|| calibration.map(Threshold::calibrated));
                MethodResult::new(about, pictures, threshold, self.resampling())?
            }
        };
        result.pixel = scores.pixel_metrics(&result.pictures)?;
        Ok((result, scores))
    }

    /// The published protocol: batch statistics of batches of 64 in the published order, the residual
    /// squared as in the code, and the best epoch on the test pictures beside the last one where the
    /// run kept its epochs. The published code then maps the scores to 0..1 over the test set, which
    /// changes no ranking, and so no number here.
    fn published(&self, name: &str, model: &ModelFile) -> Result<MethodResult> {
        let score = |model: &ModelFile| -> Result<(TestScores, usize)> {
            let mut model = model.clone();
            model.measure_residual(self.args.residual.unwrap_or(Residual::L2));
            let detector = detector::load_with_batch_statistics(&model, self.device)?;
            let scores = score_all(&*detector, Batches::Whole, &self.samples)?;
            Ok((scores, detector.parameters()))
        };
        let (scores, parameters) = score(model)?;
        let about = About {
            method: name.to_owned(),
            protocol: Protocol::Published,
            parameters,
            milliseconds_per_picture: scores.milliseconds_per_picture,
        };
        let mut result = MethodResult::new(about, scores.pictures, None, self.resampling())?;
        let epochs = kept_epochs(&self.args.model)?;
        if epochs.is_empty() {
            eprintln!(
                "note: no epochs/ beside the model (train --keep-epochs writes it); only the last epoch is scored"
            );
        }
        let once = Resampling {
            resamples: 1,
            seed: 0,
        };
        let mut by_epoch = Vec::new();
        for path in &epochs {
            let (scores, _) = score(&read_model(path)?.0)?;
            let metrics = measure(&scores.pictures, Part::AnomalyScore, None, once)?;
            by_epoch.extend(metrics.map(|metrics| metrics.auroc.value));
        }
        result.epochs = EpochChoice::new(by_epoch);
        Ok(result)
    }

    /// PCA and nearest neighbour, fitted on the set's training pictures.
    fn baselines(&self, input: &Preprocessing, header: &Header) -> Result<Vec<MethodResult>> {
        let train = &self.set.train;
        let chosen = subsample(train.len(), self.args.baseline_pictures, self.args.seed, 2);
        if chosen.len() < train.len() {
            eprintln!(
                "the baselines are fitted on {} of {} training pictures (--baseline-pictures)",
                chosen.len(),
                train.len()
            );
        }
        let chosen: Vec<Sample> = chosen.iter().map(|&index| train[index].clone()).collect();
        let mut values = Vec::with_capacity(chosen.len() * input.values());
        let mut skipped = Vec::new();
        for loaded in crate::data::dataset::chunks(&chosen, input, 256).flatten() {
            match loaded.picture {
                Ok(picture) => values.extend(picture.values),
                Err(reason) => skipped.push((loaded.sample.path().to_path_buf(), reason)),
            }
        }
        report_skipped(&skipped);
        anyhow::ensure!(
            !values.is_empty(),
            "the baselines need training pictures, found none that can be read"
        );
        note_other_pictures(header, values.len() / input.values());
        let pca = pollster::block_on(Pca::fit(&values, COMPONENTS, input, self.device))?;
        let (pca, _) = self.honest(&format!("pca-{COMPONENTS}"), &pca, None)?;
        let nearest = Nearest::fit(&values, input, self.device);
        let (nearest, _) = self.honest("nearest", &nearest, None)?;
        Ok(vec![pca, nearest])
    }

    fn write_report(
        &self,
        folder: &Path,
        model: &ModelFile,
        detector: &dyn Detector,
        evaluation: &Evaluation,
    ) -> Result<()> {
        let reported = evaluation.methods.iter();
        let reported = reported
            .filter(|method| method.protocol == Protocol::Honest)
            .map(|method| method.pictures.as_slice())
            .next()
            .unwrap_or_default();
        let report = EvaluationReport {
            title: "Evaluation",
            command: &command_line(),
            evaluation,
            calibration: model.header.calibration.as_ref(),
            misses: &self.misses(model, detector, reported)?,
            settings: &facts(model, detector)?,
        };
        write_whole(&folder.join("report.html"), report.to_html().as_bytes())?;
        for (name, bytes) in report.files() {
            write_whole(&folder.join(name), &bytes)?;
        }
        Ok(())
    }

    /// The pictures that the model gets most wrong, read and scored once more.
    fn misses(
        &self,
        model: &ModelFile,
        detector: &dyn Detector,
        pictures: &[Labelled],
    ) -> Result<Vec<Miss>> {
        let calibration = model.header.calibration.as_ref();
        let scale = heat_map_scale(calibration);
        let Preprocessing { size, channels, .. } = *detector.preprocessing();
        let mut misses = Vec::new();
        for index in worst(pictures, MISSES) {
            let picture = &pictures[index];
            let same = |s: &&&Sample| s.name == picture.name && s.class == picture.class;
            let sample = self.samples.iter().find(same);
            let sample = sample.with_context(|| format!("{} is not in the data", picture.name))?;
            // What was read a moment ago can be gone now: the report goes on without it.
            let Ok(prepared) = sample.load(detector.preprocessing()) else {
                continue;
            };
            let scored = detector::score_batch(detector, &prepared.values);
            let scored = &pollster::block_on(scored)?[0];
            let verdict = calibration.map(|c| c.verdict(picture.raw.anomaly_score));
            misses.push(Miss {
                sample: ReportSample {
                    name: picture.name.clone(),
                    size,
                    input: to_rgba(&prepared.values, channels, size),
                    reconstruction: Some(to_rgba(&scored.x_hat, channels, size)),
                    heat: heat_map_rgba(&scored.residual_map, scale),
                    score: picture.raw,
                    verdict: verdict
                        .unwrap_or(crate::calibration::Verdict::Uncalibrated)
                        .to_string(),
                },
                class: picture.class.clone(),
                abnormal: picture.abnormal,
            });
        }
        Ok(misses)
    }
}

/// The models of each epoch, in order, that `train --keep-epochs` left beside a model.
fn kept_epochs(model: &Path) -> Result<Vec<PathBuf>> {
    let folder = model.parent().unwrap_or(Path::new(".")).join("epochs");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = || format!("cannot read {}", folder.display());
    let mut epochs = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            epochs.push(path);
        }
    }
    epochs.sort();
    Ok(epochs)
}

/// What the report tells of the model.
fn facts(model: &ModelFile, detector: &dyn Detector) -> Result<Vec<(String, String)>> {
    let header = &model.header;
    let input = detector.preprocessing();
    let mut facts = vec![
        ("method".to_owned(), header.method.to_string()),
        (
            "input".to_owned(),
            format!("{} × {} × {}", input.channels, input.size, input.size),
        ),
        (
            "learnt values".to_owned(),
            detector.parameters().to_string(),
        ),
    ];
    let mut add = |name: &str, value: serde_json::Value| {
        if let serde_json::Value::Object(map) = value {
            let shown = map
                .into_iter()
                .filter(|(_, v)| !v.is_null() && !v.is_object());
            facts.extend(shown.map(|(key, v)| {
                let value = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                (format!("{name}: {}", key.replace('_', " ")), value)
            }));
        }
    };
    add("score", serde_json::to_value(header.scoring)?);
    if let Some(training) = &header.training {
        add("training", serde_json::to_value(training)?);
        add("setting", serde_json::to_value(&training.config)?);
    }
    Ok(facts)
}

/// The comparison is fair on the same pictures only.
fn note_other_pictures(header: &Header, baselines: usize) {
    if let Some(training) = &header.training
        && training.pictures + training.held_out != baselines
    {
        eprintln!(
            "note: the baselines are fitted on {baselines} training pictures; \
             the model knew {}",
            training.pictures + training.held_out
        );
    }
}
