//! The charts of an evaluation's report: for the page with their numbers, and as files.

mod detection;
mod histograms;

use maud::{Markup, html};

use super::content::{EvaluationReport, base_rate, full_mix, leaks};
use crate::evaluation::MethodResult;
use crate::metrics::{pr_curve, roc_curve};
use crate::report::chart::{self, CLASSES, Caption, Chart, Drawing, Line, Mark, Points};
use crate::report::format::rate;
use crate::report::page::{leak, scroll};
use histograms::{class_histograms, main_histograms};

pub use detection::detections;
pub use histograms::abnormal_classes;

/// Largest number of lines in one chart: more could not be distinguished.
pub const MOST_CURVES: usize = CLASSES.len();

/// All drawings, by file name.
pub fn all(report: &EvaluationReport) -> Vec<(String, Drawing)> {
    let scores = own_pictures(report).map(|own| {
        let main = main_histograms(report, own);
        main.into_iter()
            .chain(class_histograms(report, own))
            .collect::<Vec<_>>()
    });
    both_curves(report)
        .into_iter()
        .flat_map(|(roc, pr)| [roc, pr])
        .chain(scores.into_iter().flatten())
        .chain(epochs_chart(report))
        .chain(detection::charts(report))
        .map(|chart| (format!("{}.svg", chart.file), chart.drawing))
        .collect()
}

/// ROC and PR curves, if a method has any.
pub fn curves(report: &EvaluationReport) -> Option<(Markup, Markup)> {
    both_curves(report).map(|(roc, pr)| (roc.figure(), pr.figure()))
}

/// Histograms of the reported method: A, R and L, then A class by class.
pub fn scores(report: &EvaluationReport) -> (Vec<Markup>, Vec<Markup>) {
    let figures = |charts: Vec<Chart>| charts.iter().map(Chart::figure).collect();
    match own_pictures(report) {
        Some(own) => (
            figures(main_histograms(report, own)),
            figures(class_histograms(report, own)),
        ),
        None => Default::default(),
    }
}

/// AUROC by epoch, if a method has it.
pub fn epochs(report: &EvaluationReport) -> Option<Markup> {
    epochs_chart(report).map(|chart| chart.figure())
}

fn own_pictures<'a>(report: &EvaluationReport<'a>) -> Option<&'a MethodResult> {
    report
        .evaluation
        .methods
        .first()
        .filter(|own| !own.pictures.is_empty())
}

/// Scores and labels of the images whose score is a number, for the curves.
pub fn labelled(result: &MethodResult) -> (Vec<f64>, Vec<bool>) {
    result
        .pictures
        .iter()
        .map(|picture| (picture.raw.anomaly_score, picture.abnormal))
        .filter(|(score, _)| score.is_finite())
        .unzip()
}

/// Average precision keeps each precision for all recalls since the point before: steps, not slopes,
/// whose area would be too large.
fn steps(points: &[(f64, f64)]) -> Points {
    let mut stepped = Points::new();
    let mut recall = 0.0;
    for &(next, precision) in points {
        stepped.extend([(recall, precision), (next, precision)]);
        recall = next;
    }
    stepped
}

fn both_curves(report: &EvaluationReport) -> Option<(Chart, Chart)> {
    let shown = || report.methods().iter().take(MOST_CURVES);
    let (mut roc, mut pr) = (Vec::new(), Vec::new());
    let mut chance = None;
    for result in shown() {
        let (scores, abnormal) = labelled(result);
        let class = CLASSES[roc.len()];
        let (Ok(roc_points), Ok(pr_points)) =
            (roc_curve(&scores, &abnormal), pr_curve(&scores, &abnormal))
        else {
            continue;
        };
        let line = |area: Option<String>, points| Line {
            name: area.map_or(report.label(result), |area| {
                format!("{}, {area}", report.label(result))
            }),
            class,
            points,
            band: Points::new(),
        };
        let metrics = full_mix(result);
        roc.push(line(
            metrics.map(|m| format!("AUROC {}", rate(m.auroc.value))),
            roc_points,
        ));
        pr.push(line(
            metrics.map(|m| format!("AUPRC {}", rate(m.auprc.value))),
            steps(&pr_points),
        ));
        chance = chance.or(metrics.map(base_rate));
    }
    if roc.is_empty() {
        return None;
    }
    let warning = leaks(shown());
    let names = |lines: &[Line]| {
        lines
            .iter()
            .map(|line| line.name.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let roc_caption = Caption {
        id: "roc".into(),
        title: "ROC curves".into(),
        description: format!(
            "True-positive rate against false-positive rate. {}. The dotted diagonal is random guessing.",
            names(&roc)
        ),
        x: "false-positive rate",
        y: "true-positive rate",
        warning: warning.map(str::to_owned),
    };
    let chance = chance.unwrap_or(f64::NAN);
    let pr_caption = Caption {
        id: "pr".into(),
        title: "Precision and recall".into(),
        description: format!(
            "Precision against recall. {}. The dotted line at {} is random guessing.",
            names(&pr),
            rate(chance)
        ),
        x: "recall",
        y: "precision",
        warning: warning.map(str::to_owned),
    };
    let roc_numbers = rates_table(
        "True-positive rate at a false-positive rate",
        "false positives",
        warning,
        &roc,
    );
    let pr_numbers = rates_table("Precision at a recall", "recall", warning, &pr);
    let level = if chance.is_finite() { chance } else { 0.0 };
    Some((
        Chart {
            file: "roc".into(),
            drawing: chart::curves(roc_caption, &roc, [(0.0, 0.0), (1.0, 1.0)]),
            numbers: roc_numbers,
        },
        Chart {
            file: "pr".into(),
            drawing: chart::curves(pr_caption, &pr, [(0.0, level), (1.0, level)]),
            numbers: pr_numbers,
        },
    ))
}

fn rates_table(caption: &str, x: &str, warning: Option<&str>, lines: &[Line]) -> Markup {
    const RATES: [f64; 11] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
    scroll(
        caption,
        html! { table {
            caption { span.stay { (caption) @if let Some(warning) = warning { " " (leak(warning)) } } }
            thead { tr { th.number scope="col" { (x) } @for line in lines { th.number scope="col" { (line.name) } } } }
            tbody { @for at in RATES { tr {
                th.number scope="row" { (rate(at)) }
                @for line in lines { td.number { (rate(height_at(&line.points, at))) } }
            } } }
        } },
    )
}

/// A curve's height at x, on a straight line between its points; the last of several at one x.
fn height_at(curve: &[(f64, f64)], x: f64) -> f64 {
    let after = curve.partition_point(|p| p.0 <= x);
    match (after.checked_sub(1).map(|k| curve[k]), curve.get(after)) {
        (Some((x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some((_, y)), None) => y,
        (None, Some(&(_, y))) => y,
        (None, None) => f64::NAN,
    }
}

fn epochs_chart(report: &EvaluationReport) -> Option<Chart> {
    let with = || {
        report
            .methods()
            .iter()
            .filter_map(|result| Some((result, result.epochs.as_ref()?)))
            .filter(|(_, epochs)| epochs.per_epoch_auroc.iter().any(|a| a.is_finite()))
            .zip(CLASSES)
    };
    let mut marks = Vec::new();
    let mut said = Vec::new();
    let lines: Vec<Line> = with()
        .map(|((result, epochs), class)| {
            let last = epochs.per_epoch_auroc.len();
            let mut mark = |epoch: usize, auroc: f64, word: &str| {
                if auroc.is_finite() {
                    marks.push(Mark {
                        at: (epoch as f64, auroc),
                        class,
                        text: format!("{word}: {}", rate(auroc)),
                    });
                }
            };
            if epochs.best_epoch == last {
                mark(last, epochs.last_auroc, "best and last");
            } else {
                mark(epochs.best_epoch, epochs.best_auroc, "best");
                mark(last, epochs.last_auroc, "last");
            }
            said.push(format!(
                "{}: best {} at epoch {}, last {} at epoch {last}.",
                report.label(result),
                rate(epochs.best_auroc),
                epochs.best_epoch,
                rate(epochs.last_auroc)
            ));
            let points = (1_u32..)
                .map(f64::from)
                .zip(epochs.per_epoch_auroc.iter().copied());
            Line {
                name: report.label(result),
                class,
                points: points.filter(|p| p.1.is_finite()).collect(),
                band: Points::new(),
            }
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    // Whatever the protocol, the best epoch is one chosen on the test images.
    const CHOSEN: &str = "The best epoch is chosen on the test images: its number leaks.";
    let results: Vec<_> = with().map(|((result, _), _)| result).collect();
    let warning =
        leaks(results.iter().copied()).map_or(CHOSEN.to_owned(), |leak| format!("{CHOSEN} {leak}"));
    let caption = Caption {
        id: "epochs".into(),
        title: "AUROC after each epoch".into(),
        description: said.join(" "),
        x: "epoch",
        y: "AUROC",
        warning: Some(warning.clone()),
    };
    let epochs = with()
        .map(|((_, epochs), _)| epochs.per_epoch_auroc.len())
        .max()
        .unwrap_or(0);
    let numbers = scroll(
        "AUROC after each epoch",
        html! { table {
            caption { span.stay { "AUROC after each epoch " (leak(&warning)) } }
            thead { tr { th.number scope="col" { "epoch" } @for line in &lines { th.number scope="col" { (line.name) } } } }
            tbody { @for k in 0..epochs { tr {
                th.number scope="row" { (k + 1) }
                @for ((_, epochs), _) in with() {
                    td.number {
                        (epochs.per_epoch_auroc.get(k).map_or("–".into(), |a| rate(*a)))
                        @if k + 1 == epochs.best_epoch { " best" }
                        @if k + 1 == epochs.per_epoch_auroc.len() { " last" }
                    }
                }
            } } }
        } },
    );
    Some(Chart {
        file: "epochs".into(),
        drawing: chart::lines(caption, &lines, None, &marks),
        numbers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_lie_between_points() {
        let curve = [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)];
        assert_eq!(height_at(&curve, 0.25), 0.75);
        assert_eq!(height_at(&[(0.0, 0.0), (1.0, 1.0)], 1.0), 1.0);
        assert!(height_at(&[], 0.5).is_nan());
    }

    #[test]
    fn the_area_under_the_steps_is_average_precision() {
        let scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];
        let abnormal = [true, false, true, true, false, false];
        let drawn = steps(&pr_curve(&scores, &abnormal).unwrap());
        let area: f64 = drawn.windows(2).map(|p| (p[1].0 - p[0].0) * p[1].1).sum();
        let expected = crate::metrics::auprc(&scores, &abnormal).unwrap();
        assert!((area - expected).abs() < 1e-12, "{area} {expected}");
    }
}
