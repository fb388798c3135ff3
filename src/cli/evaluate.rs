//! `evaluate`: a model on labelled test pictures, in inference mode, beside two baselines that need
//! no GAN. Chooses nothing: the model and its threshold are taken as they are.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Outcome, progress, read_model, report_skipped, score_batch};
use crate::calibration::Verdict;
use crate::data::folder::{self, Folder, Sample, chunks};
use crate::data::image::Preprocessing;
use crate::detector::nearest::Nearest;
use crate::detector::pca::{COMPONENTS, Pca};
use crate::detector::{self, Detector};
use crate::device::Kind;
use crate::metrics::{auprc, auroc};
use crate::model_file::Header;

#[derive(clap::Args)]
pub struct Args {
    /// Model file that `train` wrote
    #[arg(long)]
    model: PathBuf,
    /// Folder with test/0.normal and test/1.abnormal (the paper's layout) or test/good (MVTec's)
    #[arg(long)]
    data: PathBuf,
    /// Leave out PCA and nearest neighbour
    #[arg(long)]
    no_baselines: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value = "cpu")]
    device: Kind,
}

/// Pictures that are scored at once.
const CHUNK: usize = 64;

/// Word for all abnormal classes together.
const FULL_MIX: &str = "full mix";

#[derive(Serialize)]
struct Row {
    method: String,
    class: String,
    normal: usize,
    abnormal: usize,
    auroc: f64,
    auprc: f64,
}

/// Verdicts at the model's own threshold.
#[derive(Serialize)]
struct AtThreshold {
    threshold: f64,
    normal_called_anomalous: f64,
    abnormal_called_anomalous: f64,
}

/// Scores of the test pictures that could be read.
struct Scores {
    values: Vec<f64>,
    classes: Vec<String>,
    abnormal: Vec<bool>,
}

pub fn run(args: Args) -> Result<Outcome> {
    let (model, _) = read_model(&args.model)?;
    let folder = Folder::open(&args.data)?;
    eprintln!("{}: {}", args.data.display(), folder.layout);
    let count = |abnormal| {
        folder
            .test
            .iter()
            .filter(|s| s.abnormal == abnormal)
            .count()
    };
    anyhow::ensure!(
        count(false) > 0 && count(true) > 0,
        "{} needs normal and abnormal test pictures; found {} normal and {} abnormal",
        args.data.display(),
        count(false),
        count(true)
    );
    let device = pollster::block_on(args.device.open())?;
    let detector = detector::load(&model, &device)?;
    let preprocessing = detector.preprocessing().clone();

    let mut skipped = Vec::new();
    let scores = score_all(args.device, &*detector, &folder.test, &mut skipped)?;
    report_skipped(&skipped);
    let mut rows = table(detector.method().as_str(), &scores)?;
    let at_threshold = at_threshold(&model.header, &scores);

    if !args.no_baselines {
        let training = training_pictures(&folder, &preprocessing)?;
        note_other_pictures(&model.header, training.len() / preprocessing.values());
        let baselines: [(String, Box<dyn Detector>); 2] = [
            (
                format!("pca-{COMPONENTS}"),
                Box::new(pollster::block_on(Pca::fit(
                    &training,
                    COMPONENTS,
                    &preprocessing,
                    &device,
                ))?),
            ),
            (
                "nearest".to_owned(),
                Box::new(Nearest::fit(&training, &preprocessing, &device)),
            ),
        ];
        for (name, baseline) in &baselines {
            let scores = score_all(args.device, &**baseline, &folder.test, &mut Vec::new())?;
            rows.extend(table(name, &scores)?);
        }
    }

    let mut out = std::io::stdout().lock();
    if args.json {
        let json = serde_json::json!({
            "model": args.model,
            "data": args.data,
            "size": preprocessing.size,
            "channels": preprocessing.channels,
            "rows": rows,
            "at_threshold": at_threshold,
            "skipped": skipped.len(),
        });
        writeln!(out, "{json}")?;
    } else {
        print_table(&mut out, &rows)?;
        if let Some(at) = at_threshold {
            writeln!(
                out,
                "\nabove the threshold {}: {:.1} % of the normal and {:.1} % of the abnormal pictures",
                at.threshold,
                100.0 * at.normal_called_anomalous,
                100.0 * at.abnormal_called_anomalous
            )?;
        }
    }
    Ok(if skipped.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeSkipped
    })
}

/// Scores every test picture; lists those that cannot be read.
fn score_all(
    device: Kind,
    detector: &dyn Detector,
    test: &[Sample],
    skipped: &mut Vec<(PathBuf, String)>,
) -> Result<Scores> {
    let paths: Vec<PathBuf> = test.iter().map(|sample| sample.path.clone()).collect();
    let mut scores = Scores {
        values: Vec::new(),
        classes: Vec::new(),
        abnormal: Vec::new(),
    };
    let bar = progress::bar(paths.len() as u64, detector.method().as_str());
    for chunk in chunks(&paths, detector.preprocessing(), CHUNK) {
        let mut values = Vec::new();
        for loaded in chunk {
            bar.inc(1);
            match loaded.picture {
                Ok(picture) => {
                    values.extend(picture.values);
                    scores.classes.push(test[loaded.index].class.clone());
                    scores.abnormal.push(test[loaded.index].abnormal);
                }
                Err(reason) => skipped.push((loaded.path.to_path_buf(), reason)),
            }
        }
        if !values.is_empty() {
            let scored = score_batch(device, detector, &values)?;
            scores
                .values
                .extend(scored.iter().map(|s| s.raw.anomaly_score));
        }
    }
    bar.finish_and_clear();
    Ok(scores)
}

fn training_pictures(folder: &Folder, preprocessing: &Preprocessing) -> Result<Vec<f32>> {
    let paths: Vec<PathBuf> = folder
        .train
        .iter()
        .map(|sample| sample.path.clone())
        .collect();
    let loaded = folder::load(&paths, preprocessing, |_| ());
    report_skipped(&loaded.skipped);
    anyhow::ensure!(
        !loaded.values.is_empty(),
        "the baselines need training pictures, found none"
    );
    Ok(loaded.values)
}

/// The comparison is fair on the same pictures only.
fn note_other_pictures(header: &Header, baselines: usize) {
    if let Some(training) = &header.training
        && training.pictures + training.held_out != baselines
    {
        eprintln!(
            "note: the baselines are fitted on this folder's {baselines} training pictures; \
             the model knew {} others",
            training.pictures + training.held_out
        );
    }
}

/// The full mix and each abnormal class, against all normals.
fn table(method: &str, scores: &Scores) -> Result<Vec<Row>> {
    let classes: BTreeSet<&str> = std::iter::zip(&scores.classes, &scores.abnormal)
        .filter(|&(_, &abnormal)| abnormal)
        .map(|(class, _)| class.as_str())
        .collect();
    let row = |class: &str, keep: &dyn Fn(usize) -> bool| -> Result<Row> {
        let kept: Vec<usize> = (0..scores.values.len())
            .filter(|&i| !scores.abnormal[i] || keep(i))
            .collect();
        let values: Vec<f64> = kept.iter().map(|&i| scores.values[i]).collect();
        let labels: Vec<bool> = kept.iter().map(|&i| scores.abnormal[i]).collect();
        let abnormal = labels.iter().filter(|&&label| label).count();
        Ok(Row {
            method: method.to_owned(),
            class: class.to_owned(),
            normal: labels.len() - abnormal,
            abnormal,
            auroc: auroc(&values, &labels).with_context(|| format!("AUROC of {class}"))?,
            auprc: auprc(&values, &labels).with_context(|| format!("AUPRC of {class}"))?,
        })
    };
    let mut rows = vec![row(FULL_MIX, &|_| true)?];
    if classes.len() > 1 {
        for class in classes {
            rows.push(row(class, &|i| scores.classes[i] == class)?);
        }
    }
    Ok(rows)
}

fn at_threshold(header: &Header, scores: &Scores) -> Option<AtThreshold> {
    let calibration = header.calibration.as_ref()?;
    let share = |abnormal: bool| {
        let of_kind =
            std::iter::zip(&scores.values, &scores.abnormal).filter(|&(_, &a)| a == abnormal);
        let (all, above) = of_kind.fold((0, 0), |(all, above), (&score, _)| {
            let anomalous = calibration.verdict(score) == Verdict::Anomalous;
            (all + 1, above + usize::from(anomalous))
        });
        f64::from(u32::try_from(above).unwrap_or(u32::MAX)) / f64::from(all)
    };
    Some(AtThreshold {
        threshold: calibration.threshold,
        normal_called_anomalous: share(false),
        abnormal_called_anomalous: share(true),
    })
}

fn print_table(out: &mut impl Write, rows: &[Row]) -> Result<()> {
    writeln!(
        out,
        "{:<14} {:<16} {:>7} {:>9} {:>7} {:>7}",
        "method", "class", "normal", "abnormal", "AUROC", "AUPRC"
    )?;
    for row in rows {
        writeln!(
            out,
            "{:<14} {:<16} {:>7} {:>9} {:>7.3} {:>7.3}",
            row.method, row.class, row.normal, row.abnormal, row.auroc, row.auprc
        )?;
    }
    Ok(())
}
