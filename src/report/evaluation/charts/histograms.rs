//! Histograms of the reported method's scores: A, R, L and M, and A class by class.

use maud::html;

use crate::evaluation::{MethodResult, ScoreComponent, ScoredImage};
use crate::report::chart::{self, Bars, Bins, Caption, Chart, bins_table};
use crate::report::evaluation::content::{EvaluationReport, leaks};
use crate::report::format::{counted, figures, grouped, rate};
use crate::report::page::leak;

/// Largest number of small charts of classes.
const MOST_CLASSES: usize = 24;

/// The parts of a raw score: each with its word in file names and its name on the axis.
const COMPONENTS: [(ScoreComponent, &str, &str); 4] = [
    (ScoreComponent::AnomalyScore, "score", "anomaly score A"),
    (ScoreComponent::Residual, "residual", "residual R"),
    (ScoreComponent::Latent, "latent", "latent L"),
    (ScoreComponent::Marks, "marks", "marks M"),
];

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
/// value that 99 % of the held-out normal images stay below; nothing on M, whose quantiles no file has.
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
        ScoreComponent::Marks => None,
    }
}

/// Normal and all abnormal images: A, R, L and M of the reported method, and A of the same method under
/// the other protocol, so that the leak can be seen.
pub fn main_histograms(report: &EvaluationReport, own: &MethodResult) -> Vec<Chart> {
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
                ScoreComponent::Marks => mix.marks_auroc,
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
pub fn class_histograms(report: &EvaluationReport, own: &MethodResult) -> Vec<Chart> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
