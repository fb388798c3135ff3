//! The charts of an evaluation's report: for the page with their numbers, and as files.

use maud::{Markup, html};

use super::content::{EvaluationReport, base_rate, full_mix, leaks};
use crate::evaluation::{MethodResult, ScoreComponent, ScoredImage};
use crate::metrics::{pr_curve, roc_curve};
use crate::report::chart::{
    self, Bars, Bins, CLASSES, Caption, Drawing, Line, Mark, Points, bins_table,
};
use crate::report::format::{counted, figures, grouped, rate};
use crate::report::page::{leak, scroll};

/// Largest number of lines in one chart: more could not be distinguished.
pub const MOST_CURVES: usize = CLASSES.len();

/// Largest number of small charts of classes.
const MOST_CLASSES: usize = 24;

/// The parts of a raw score: each with its word in file names and its name on the axis.
const COMPONENTS: [(ScoreComponent, &str, &str); 3] = [
    (ScoreComponent::AnomalyScore, "score", "anomaly score A"),
    (ScoreComponent::Residual, "residual", "residual R"),
    (ScoreComponent::Latent, "latent", "latent L"),
];

/// A drawing with the table of its numbers, and its file's name without the extension.
struct Chart {
    file: String,
    drawing: Drawing,
    numbers: Markup,
}

impl Chart {
    fn figure(&self) -> Markup {
        self.drawing.figure(self.numbers.clone())
    }
}

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

/// Shares in per cent, so that groups of different size can be compared.
fn shares(counts: &[usize]) -> Vec<f64> {
    let total = counts.iter().sum::<usize>().max(1) as f64;
    counts
        .iter()
        .map(|&count| 100.0 * count as f64 / total)
        .collect()
}

/// The bins of all values but the highest hundredth, which would flatten the rest; the last bin
/// takes them.
fn bins_of(values: impl Iterator<Item = f64>) -> Bins {
    let mut all: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    all.sort_unstable_by(f64::total_cmp);
    let most = all.len().div_ceil(100).min(all.len().saturating_sub(1));
    all.truncate(all.len() - most);
    Bins::covering(all.into_iter(), 30)
}

/// What the drawing marks on the axis of a component: the threshold on A; on R and L, which have none, the
/// value that 99 % of the held-out normal images stay below.
fn marked(
    report: &EvaluationReport,
    result: &MethodResult,
    component: ScoreComponent,
) -> Option<(f64, &'static str)> {
    let held_out = || {
        // The calibration is of the reported model in inference mode; others cannot be compared with it.
        let own = report
            .methods()
            .first()
            .is_some_and(|own| std::ptr::eq(own, result));
        report
            .calibration
            .filter(|_| own && leaks([result]).is_none())
    };
    match component {
        ScoreComponent::AnomalyScore => Some((result.threshold?.value, "threshold")),
        ScoreComponent::Residual => Some((held_out()?.residual.q99, "99 % of normals")),
        ScoreComponent::Latent => Some((held_out()?.latent?.q99, "99 % of normals")),
    }
}

/// Normal and all abnormal images: A, R and L of the reported method, and A of the same method under
/// the other protocol, so that the leak can be seen.
fn main_histograms(report: &EvaluationReport, own: &MethodResult) -> Vec<Chart> {
    let twin = report.twin().filter(|twin| !twin.pictures.is_empty());
    let mut charts = histograms_of(report, own, &COMPONENTS[..1], "");
    charts.extend(
        twin.into_iter()
            .flat_map(|twin| histograms_of(report, twin, &COMPONENTS[..1], "-other-protocol")),
    );
    charts.extend(histograms_of(report, own, &COMPONENTS[1..], ""));
    charts
}

fn histograms_of(
    report: &EvaluationReport,
    own: &MethodResult,
    components: &[(ScoreComponent, &'static str, &'static str)],
    suffix: &str,
) -> Vec<Chart> {
    components
        .iter()
        .filter_map(|&(component, file, axis)| {
            let values = |abnormal: Option<bool>| {
                own.pictures
                    .iter()
                    .filter(move |p| abnormal.is_none_or(|wanted| p.abnormal == wanted))
                    .filter_map(move |p| component.of(&p.raw))
            };
            values(None).next()?;
            let bins = bins_of(values(None));
            let counts = |abnormal| bins.counts(values(Some(abnormal)));
            let line = marked(report, own, component);
            let description = line.map_or(
                "Normal and abnormal test images.".to_owned(),
                |(at, name)| {
                    let above = |abnormal| values(Some(abnormal)).filter(|&v| v > at).count();
                    let all = |abnormal| values(Some(abnormal)).count();
                    let place = if component == ScoreComponent::AnomalyScore {
                        format!("the threshold of {}", figures(at))
                    } else {
                        format!("{}, the mark for {name}", figures(at))
                    };
                    format!(
                        "{} of {} normal and {} of {} abnormal test images are above {place}.",
                        above(false),
                        all(false),
                        above(true),
                        all(true)
                    )
                },
            );
            let of_what = match report.twin() {
                Some(_) => format!(", {}", report.label(own)),
                None => " of the test images".to_owned(),
            };
            // How well this component alone ranks the images.
            let alone = own.full_mix().and_then(|mix| match component {
                ScoreComponent::AnomalyScore => Some(mix.metrics.auroc.value),
                ScoreComponent::Residual => Some(mix.residual_auroc),
                ScoreComponent::Latent => mix.latent_auroc,
            });
            let alone = alone.map_or(String::new(), |auroc| format!(": AUROC {}", rate(auroc)));
            let title = format!("{}{}{of_what}{alone}", axis[..1].to_uppercase(), &axis[1..]);
            Some(histogram(
                format!("histogram-{file}{suffix}"),
                title,
                description,
                axis,
                &bins,
                ("abnormal", &counts(true)),
                &counts(false),
                line,
                leaks([own]),
            ))
        })
        .collect()
}

/// The abnormal classes and their images' scores, in order of name.
pub fn abnormal_classes(own: &MethodResult) -> Vec<(&str, Vec<f64>)> {
    let mut classes = std::collections::BTreeMap::<&str, Vec<f64>>::new();
    for ScoredImage { class, raw, .. } in own.pictures.iter().filter(|p| p.abnormal) {
        classes.entry(class).or_default().push(raw.anomaly_score);
    }
    classes.into_iter().collect()
}

/// A of each abnormal class against the normal images; none where there is one class.
fn class_histograms(report: &EvaluationReport, own: &MethodResult) -> Vec<Chart> {
    let mut classes = abnormal_classes(own);
    if classes.len() < 2 {
        return Vec::new();
    }
    if classes.len() > MOST_CLASSES {
        classes.sort_by_key(|(_, scores)| std::cmp::Reverse(scores.len()));
        classes.truncate(MOST_CLASSES);
        classes.sort_by_key(|(class, _)| *class);
    }
    let bins = bins_of(own.pictures.iter().map(|p| p.raw.anomaly_score));
    let normal = own
        .pictures
        .iter()
        .filter(|p| !p.abnormal)
        .map(|p| p.raw.anomaly_score);
    let normal = bins.counts(normal);
    let line = marked(report, own, ScoreComponent::AnomalyScore);
    classes
        .iter()
        .enumerate()
        .map(|(k, (class, scores))| {
            let counts = bins.counts(scores.iter().copied());
            let description = match line {
                Some((at, _)) => {
                    let above = scores.iter().filter(|&&score| score > at).count();
                    format!("{} of {} found", grouped(above), grouped(scores.len()))
                }
                None => counted(scores.len() as u64, "image", "images"),
            };
            histogram(
                format!("histogram-class-{:02}-{}", k + 1, slug(class)),
                format!("{class}: {description}"),
                format!("{description}."),
                "anomaly score A",
                &bins,
                (class, &counts),
                &normal,
                line,
                leaks([own]),
            )
        })
        .collect()
}

/// A class's name as part of a file's name on any system.
fn slug(class: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    class.chars().take(40).map(plain).collect()
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place, and all of them differ between its two callers"
)]
fn histogram(
    file: String,
    title: String,
    description: String,
    x: &'static str,
    bins: &Bins,
    (name, abnormal): (&str, &[usize]),
    normal: &[usize],
    line: Option<(f64, &str)>,
    warning: Option<&str>,
) -> Chart {
    let caption = Caption {
        id: file.clone(),
        title: title.clone(),
        description,
        x,
        y: "% of its kind",
        warning: warning.map(str::to_owned),
    };
    let bars = [
        Bars {
            name: name.to_owned(),
            class: "s2",
            heights: shares(abnormal),
            outline: false,
        },
        Bars {
            name: "normal".into(),
            class: "s1",
            heights: shares(normal),
            outline: true,
        },
    ];
    let numbers = html! {
        @if let Some(warning) = warning { p.note { (leak(warning)) } }
        (bins_table(&format!("{title}, images"), bins, &[("normal", normal), (name, abnormal)]))
    };
    Chart {
        file,
        drawing: chart::histogram(caption, bins, &bars, line),
        numbers,
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

    #[test]
    fn classes_become_plain_file_names() {
        assert_eq!(slug("../Cell Multi/<x>"), "---cell-multi--x-");
        assert_eq!(slug(&"é".repeat(100)).len(), 40);
    }

    #[test]
    fn shares_of_nothing_are_none() {
        assert_eq!(shares(&[0, 0]), [0.0, 0.0]);
        assert_eq!(shares(&[1, 3]), [25.0, 75.0]);
    }
}
