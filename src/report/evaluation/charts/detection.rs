//! Curves of the probability of detection: one chart for each kind of fault, one curve for each contrast.

use maud::{Markup, html};

use crate::evaluation::{FaultSeries, detection_in_words};
use crate::metrics::DETECTED;
use crate::report::chart::{self, CLASSES, Caption, Chart, Line, Points};
use crate::report::evaluation::content::EvaluationReport;
use crate::report::format::{figures, rate};
use crate::report::page::scroll;

/// Points of a drawn curve.
const POINTS: usize = 60;

/// The charts of simulated faults, and of rendered ones, for the page.
pub fn detections(report: &EvaluationReport) -> Vec<Markup> {
    charts(report).iter().map(Chart::figure).collect()
}

pub fn charts(report: &EvaluationReport) -> Vec<Chart> {
    let series = report
        .evaluation
        .simulated
        .iter()
        .flat_map(|simulated| &simulated.series);
    let series: Vec<&FaultSeries> = series.collect();
    let kinds = series.chunk_by(|a, b| (a.origin, &a.kind) == (b.origin, &b.kind));
    kinds.map(chart).collect()
}

/// The contrasts of one kind.
fn chart(contrasts: &[&FaultSeries]) -> Chart {
    let FaultSeries { kind, origin, .. } = contrasts[0];
    let curves: Vec<(Line, Points)> = contrasts
        .iter()
        .zip(CLASSES)
        .map(|(series, class)| curve(series, class))
        .collect();
    let said: Vec<String> = contrasts
        .iter()
        .map(|s| {
            format!(
                "Contrast {}: 90 % are found {}.",
                s.contrast,
                detection_in_words(&s.detection)
            )
        })
        .collect();
    let origin = origin.as_str();
    let file = format!("detection-{origin}-{kind}");
    let title = format!("{kind} ({origin}): share found by size");
    let numbers = scroll(
        &title,
        html! { table {
            caption { (title) }
            thead { tr { @for name in ["contrast", "from", "to", "tried", "found", "curve"] { th.number scope="col" { (name) } } } }
            tbody { @for series in contrasts { @for group in &series.groups { tr {
                td.number { (series.contrast) } td.number { (figures(group.from)) } td.number { (figures(group.to)) }
                td.number { (group.trials) } td.number { (group.hits) }
                td.number { (group.probability.map_or("–".into(), rate)) }
            } } } }
        } },
    );
    let caption = Caption {
        id: file.clone(),
        title,
        description: format!("{} The dotted line is at 90 %.", said.join(" ")),
        x: "length or diameter, pixels",
        y: "share found",
        warning: None,
    };
    Chart {
        file,
        drawing: chart::probabilities(caption, &curves, DETECTED),
        numbers,
    }
}

/// The fitted curve, or a line through the shares if there is none; and the shares of groups.
fn curve(series: &FaultSeries, class: &'static str) -> (Line, Points) {
    let shares = series
        .groups
        .iter()
        .map(|group| (group.size, group.hits as f64 / group.trials as f64));
    let shares: Points = shares.collect();
    let (from, to) = series.range();
    let size = |k: usize| from * (to / from).powf(k as f64 / (POINTS - 1) as f64);
    let points = match series.detection.curve {
        Some(curve) => (0..POINTS)
            .map(size)
            .map(|a| (a, curve.probability(a)))
            .collect(),
        None => shares.clone(),
    };
    let line = Line {
        name: format!("contrast {}", series.contrast),
        class,
        points,
        band: Points::new(),
    };
    (line, shares)
}
