//! The CSV files of an evaluation: numbers in full precision, all points of the curves.
//!
//! Lines that begin with `#` are remarks: what the file contains, and a warning if numbers leak.

use std::collections::HashMap;

use super::charts;
use super::content::EvaluationReport;
use crate::calibration::Verdict;
use crate::evaluation::{MethodResult, PUBLISHED_WARNING, Protocol, ScoredImage, Simulated};
use crate::metrics::{pr_curve, roc_curve};

/// Name of all abnormal classes together.
const FULL_MIX: &str = "full mix";

/// All files, by name.
pub fn all(report: &EvaluationReport) -> Vec<(&'static str, Vec<u8>)> {
    let simulated = report.evaluation.simulated.as_ref();
    let mut files = vec![
        ("metrics.csv", metrics(report)),
        ("scores.csv", scores(report)),
        (
            "roc.csv",
            curves(
                report,
                "ROC curves: all points, one for every distinct score; none is thinned out",
                ["false_positive_rate", "true_positive_rate"],
                // The curve begins where nothing is flagged.
                |scores, abnormal| (1, roc_curve(scores, abnormal).unwrap_or_default()),
            ),
        ),
        (
            "pr.csv",
            curves(
                report,
                "precision and recall: all points, one for every distinct score; none is thinned out",
                ["recall", "precision"],
                |scores, abnormal| (0, pr_curve(scores, abnormal).unwrap_or_default()),
            ),
        ),
    ];
    files.extend(simulated.map(|simulated| ("detection.csv", detection(simulated))));
    files
}

/// One row per simulated fault.
fn detection(simulated: &Simulated) -> Vec<u8> {
    let remark = format!(
        "faults simulated with the seed {} on held-out normal images, or rendered; sizes in pixels; found: a score above {}",
        simulated.seed, simulated.threshold
    );
    table(&[&remark], |csv| {
        csv.write_record(["fault", "origin", "contrast", "size", "score", "found"])?;
        for series in &simulated.series {
            for trial in &series.each {
                csv.write_record([
                    &series.kind,
                    series.origin.as_str(),
                    &number(series.contrast),
                    &number(trial.size),
                    &number(trial.score),
                    &trial.found.to_string(),
                ])?;
            }
        }
        Ok(())
    })
}

/// Rows under remarks. The first field of a row is quoted if it could be mistaken for a remark.
pub fn table(
    remarks: &[&str],
    rows: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Vec<u8> {
    let mut text = Vec::new();
    for remark in remarks {
        text.extend_from_slice(format!("# {remark}\n").as_bytes());
    }
    let mut writer = csv::WriterBuilder::new()
        .comment(Some(b'#'))
        .from_writer(text);
    rows(&mut writer).expect("memory takes all rows, and they are equally long");
    writer.into_inner().expect("memory takes all rows")
}

fn protocol(result: &MethodResult) -> &'static str {
    match result.protocol {
        Protocol::Honest => "honest",
        Protocol::Published => "published (leaks)",
    }
}

/// A number that reads back exactly; empty if it is not a number.
fn number(value: f64) -> String {
    if value.is_finite() {
        value.to_string()
    } else {
        String::new()
    }
}

fn optional(value: Option<f64>) -> String {
    value.map_or(String::new(), number)
}

/// The remark about numbers that leak.
fn warning(report: &EvaluationReport) -> Option<String> {
    report.leaks()?;
    let all = report
        .methods()
        .iter()
        .all(|m| m.protocol == Protocol::Published);
    let which = if all {
        ""
    } else {
        " for the numbers marked published"
    };
    Some(format!("WARNING{which}: {PUBLISHED_WARNING}"))
}

/// One row per method and class.
fn metrics(report: &EvaluationReport) -> Vec<u8> {
    let warning = warning(report);
    let remarks: Vec<&str> = warning.as_deref().into_iter().collect();
    table(&remarks, |csv| {
        csv.write_record([
            "method",
            "protocol",
            "class",
            "normal",
            "abnormal",
            "auroc",
            "auroc_low",
            "auroc_high",
            "auprc",
            "auprc_low",
            "auprc_high",
            "f1_max",
            "f1_max_threshold",
            "eer",
            "fpr_at_95_tpr",
            "parameters",
            "milliseconds_per_picture",
            "threshold",
            "true_positives",
            "false_positives",
            "true_negatives",
            "false_negatives",
            "residual_auroc",
            "latent_auroc",
            "marks_auroc",
            "pixel_auroc",
            "pro",
        ])?;
        for result in report.methods() {
            for entry in &result.classes {
                let m = &entry.metrics;
                // Measured over all classes together, so in that row only.
                let whole = entry.class.is_none();
                let confusion = result.confusion.as_ref().filter(|_| whole);
                let pixel = result.pixel.as_ref().filter(|_| whole);
                let count = |of: Option<usize>| of.map_or(String::new(), |count| count.to_string());
                csv.write_record([
                    result.method.clone(),
                    protocol(result).to_owned(),
                    entry.class.clone().unwrap_or_else(|| FULL_MIX.to_owned()),
                    m.normals.to_string(),
                    m.abnormal.to_string(),
                    number(m.auroc.value),
                    number(m.auroc.low),
                    number(m.auroc.high),
                    number(m.auprc.value),
                    number(m.auprc.low),
                    number(m.auprc.high),
                    number(m.f1_max),
                    number(m.f1_threshold),
                    number(m.eer),
                    number(m.fpr_at_95_tpr),
                    result.parameters.to_string(),
                    number(result.milliseconds_per_picture),
                    optional(confusion.map(|c| c.threshold)),
                    count(confusion.map(|c| c.true_positives)),
                    count(confusion.map(|c| c.false_positives)),
                    count(confusion.map(|c| c.true_negatives)),
                    count(confusion.map(|c| c.false_negatives)),
                    number(entry.residual_auroc),
                    optional(entry.latent_auroc),
                    optional(entry.marks_auroc),
                    optional(pixel.map(|p| p.auroc)),
                    optional(pixel.map(|p| p.pro)),
                ])?;
            }
        }
        Ok(())
    })
}

/// One row per image, with each method's scores in its own columns.
fn scores(report: &EvaluationReport) -> Vec<u8> {
    let methods = report.methods();
    // A name may occur twice; the second one of a method belongs to the second one of another.
    let mut places: HashMap<(&str, usize), usize> = HashMap::new();
    let mut rows: Vec<(&ScoredImage, Vec<Option<&ScoredImage>>)> = Vec::new();
    for (k, result) in methods.iter().enumerate() {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for picture in &result.pictures {
            let times = seen.entry(&picture.name).or_default();
            let place = *places.entry((&picture.name, *times)).or_insert_with(|| {
                rows.push((picture, vec![None; methods.len()]));
                rows.len() - 1
            });
            *times += 1;
            rows[place].1[k] = Some(picture);
        }
    }
    // The published protocol has no threshold: the verdict is that of the honest scores next to it.
    let honest = |result: &MethodResult| result.protocol == Protocol::Honest;
    let reported = methods.iter().position(honest).unwrap_or_default();
    let threshold = methods.get(reported).and_then(|own| own.threshold);
    let warning = warning(report);
    let remarks: Vec<&str> = warning.as_deref().into_iter().collect();
    table(&remarks, |csv| {
        let mut header = ["name", "class", "abnormal", "verdict"]
            .map(str::to_owned)
            .to_vec();
        for result in methods {
            let label = report.label(result);
            let parts = ["score", "residual", "latent", "marks"];
            header.extend(parts.map(|part| format!("{label} {part}")));
        }
        csv.write_record(&header)?;
        for (picture, scores) in &rows {
            let verdict = match (threshold, scores[reported]) {
                (Some(threshold), Some(own)) if own.raw.anomaly_score > threshold.value => {
                    Verdict::Anomalous.as_str()
                }
                (Some(_), Some(_)) => Verdict::Normal.as_str(),
                _ => "",
            };
            let mut row = vec![
                picture.name.clone(),
                picture.class.clone(),
                picture.abnormal.to_string(),
                verdict.to_owned(),
            ];
            for score in scores {
                let raw = score.map(|picture| picture.raw);
                row.extend([
                    optional(raw.map(|raw| raw.anomaly_score)),
                    optional(raw.map(|raw| raw.residual)),
                    optional(raw.and_then(|raw| raw.latent)),
                    optional(raw.and_then(|raw| raw.marks)),
                ]);
            }
            csv.write_record(&row)?;
        }
        Ok(())
    })
}

/// All points of every method's curve. A point flags the images that score at least that much; the first
/// `unflagged` points flag none.
fn curves(
    report: &EvaluationReport,
    what: &str,
    axes: [&str; 2],
    curve: impl Fn(&[f64], &[bool]) -> (usize, Vec<(f64, f64)>),
) -> Vec<u8> {
    let warning = warning(report);
    let remarks: Vec<&str> = [Some(what), warning.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    table(&remarks, |csv| {
        csv.write_record(["method", "protocol", axes[0], axes[1], "score_at_least"])?;
        for result in report.methods() {
            let (scores, abnormal) = charts::labelled(result);
            let (unflagged, points) = curve(&scores, &abnormal);
            let mut distinct = scores;
            distinct.sort_unstable_by(|a, b| b.total_cmp(a));
            distinct.dedup();
            let least = std::iter::repeat_n(None, unflagged).chain(distinct.into_iter().map(Some));
            for ((x, y), least) in points.into_iter().zip(least) {
                csv.write_record([
                    &result.method,
                    protocol(result),
                    &number(x),
                    &number(y),
                    &optional(least),
                ])?;
            }
        }
        Ok(())
    })
}
