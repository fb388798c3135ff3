//! The tables of an evaluation's report.

use maud::{Markup, html};

use super::content::{EvaluationReport, full_mix, leaks, of_class};
use crate::evaluation::{MethodResult, Protocol, PublishedTable, Simulated, detection_in_words};
use crate::metrics::{Confusion, Interval};
use crate::report::format::{figures, grouped, percent, range, rate};
use crate::report::page::{leak, scroll};

/// A table's caption, with a warning if its numbers leak.
pub fn caption(text: &str, warning: Option<&str>) -> Markup {
    html! { caption { span.stay { (text) @if let Some(warning) = warning { " " (leak(warning)) } } } }
}

pub fn with_range(interval: Interval, best: bool) -> Markup {
    html! {
        @if best { strong { (rate(interval.value)) } } @else { (rate(interval.value)) }
        span.range { (range(interval)) }
    }
}

/// Every method on all classes together.
pub fn results(report: &EvaluationReport) -> Markup {
    let title = "All classes together, with 95 % intervals";
    scroll(
        title,
        html! { table.results {
            (caption(title, report.leaks()))
            thead { tr {
                th scope="col" { "method" }
                @for name in ["AUROC", "AUPRC", "F1max", "EER", "FPR at 95 % TPR", "parameters", "ms per image"] {
                    th.number scope="col" { (name) }
                }
            } }
            tbody { @for result in report.methods() { tr {
                th scope="row" { (report.label(result)) @if leaking(result) { " " (leak("leaks")) } }
                @match full_mix(result) {
                    Some(metrics) => {
                        td.number { (with_range(metrics.auroc, false)) }
                        td.number { (with_range(metrics.auprc, false)) }
                        td.number { (rate(metrics.f1_max)) }
                        td.number { (rate(metrics.eer)) }
                        td.number { (rate(metrics.fpr_at_95_tpr)) }
                    }
                    None => { @for _ in 0..5 { td.number { "–" } } }
                }
                td.number { (grouped(result.parameters)) }
                td.number { (figures(result.milliseconds_per_picture)) }
            } } }
        } },
    )
}

fn leaking(result: &MethodResult) -> bool {
    result.protocol == Protocol::Published
}

/// AUROC of each class by method; `None` if there is at most one class.
pub fn classes(report: &EvaluationReport) -> Option<Markup> {
    let mut classes: Vec<&str> = report
        .methods()
        .iter()
        .flat_map(|result| &result.classes)
        .filter_map(|entry| entry.class.as_deref())
        .collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.is_empty() {
        return None;
    }
    let title = "AUROC by class; the best honest value of each row is bold";
    Some(scroll(
        title,
        html! { table.results {
            (caption(title, report.leaks()))
            thead { tr {
                th scope="col" { "class" } th.number scope="col" { "images" }
                @for result in report.methods() { th.number scope="col" { (report.label(result)) } }
            } }
            tbody { @for class in classes {
                @let of = |result| of_class(result, class);
                @let honest = report.methods().iter().filter(|m| !leaking(m)).filter_map(of).map(|m| m.auroc.value);
                @let best = honest.fold(f64::NEG_INFINITY, f64::max);
                tr {
                    th scope="row" { (class) }
                    td.number { (grouped(report.methods().iter().find_map(of).map_or(0, |m| m.abnormal))) }
                    @for result in report.methods() {
                        td.number { @match of(result) {
                            Some(m) => { (with_range(m.auroc, !leaking(result) && m.auroc.value == best)) }
                            None => { "–" }
                        } }
                    }
                }
            } }
        } },
    ))
}

/// Published AUROCs and ours. The evaluated abnormal class comes first: our methods have a number only
/// there, unless they were measured class by class.
pub fn published(report: &EvaluationReport, published: &PublishedTable) -> Markup {
    let title = format!("AUROC on {}: published and measured here", published.data);
    let chosen = published.class();
    let others = || {
        let classes = published.classes.iter().enumerate();
        classes.filter(|(k, _)| Some(*k) != published.class_index)
    };
    // Method, time and mean beside the classes.
    let columns = published.classes.len() + 3;
    let number = |value: Option<f64>| value.map_or("–".into(), rate);
    html! {
        (scroll(&title, html! { table.results {
            caption { span.stay {
                (title) " " (leak(&published.caveat))
                @if let Some(warning) = report.leaks() { " " (leak(warning)) }
            } }
            thead { tr {
                th scope="col" { "method" }
                @if let Some(class) = chosen { th.number scope="col" { (class) } }
                th.number scope="col" { "ms per image" }
                @for (_, class) in others() { th.number scope="col" { (class) } }
                th.number scope="col" { "mean of classes" }
            } }
            tbody {
                tr { th.part scope="rowgroup" { "as published" } td colspan=(columns - 1) {} }
                @for row in &published.rows { tr {
                    th scope="row" { (row.method) }
                    @if chosen.is_some() { td.number { (number(published.auroc(row))) } }
                    td.number { @match row.milliseconds_per_picture {
                        Some((low, high)) if low < high => { (figures(low)) " to " (figures(high)) }
                        Some((time, _)) => { (figures(time)) }
                        None => { "–" }
                    } }
                    @for (k, _) in others() { td.number { (number(row.auroc.get(k).copied())) } }
                    td.number { (rate(row.mean)) }
                } }
            }
            tbody {
                tr { th.part scope="rowgroup" { "this evaluation" } td colspan=(columns - 1) {} }
                @for result in report.methods() { tr {
                    th scope="row" { (report.label(result)) @if leaking(result) { " " (leak("leaks")) } }
                    @if chosen.is_some() { td.number { @match full_mix(result) {
                        Some(m) => { (with_range(m.auroc, false)) }
                        None => { "–" }
                    } } }
                    td.number { (figures(result.milliseconds_per_picture)) }
                    @for (_, class) in others() {
                        td.number { (number(of_class(result, class).map(|m| m.auroc.value))) }
                    }
                    td.number { "–" }
                } }
            }
        } }))
        p.note { "Published numbers: " (published.source) ". Times: " (published.speed_source) ", measured on other machines, so only their order of magnitude can be compared." }
    }
}

/// Verdicts at the threshold, in words and as a table.
pub fn confusion(
    method: &str,
    source: Option<&str>,
    confusion: &Confusion,
    warning: Option<&str>,
) -> Markup {
    let Confusion {
        true_positives: found,
        false_positives: alarms,
        true_negatives: quiet,
        false_negatives: missed,
        ..
    } = *confusion;
    let share = |share: Option<f64>| share.map_or("–".into(), percent);
    let title = format!(
        "Verdicts of {method} at the threshold {}",
        figures(confusion.threshold)
    );
    html! {
        p {
            "The threshold of " (method) " is " (figures(confusion.threshold)) @if let Some(source) = source { ", " (source) } ". "
            "Of " (grouped(quiet + alarms)) " normal images, " strong { (grouped(alarms)) } " (" (share(confusion.false_alarms)) ") "
            @if alarms == 1 { "is" } @else { "are" } " called anomalous: false alarms. Of " (grouped(found + missed)) " abnormal images, "
            strong { (grouped(found)) } " (" (share(confusion.recall)) ") " @if found == 1 { "is" } @else { "are" } " found and "
            strong { (grouped(missed)) } " missed. "
            @if let Some(precision) = confusion.precision {
                "Of all images called anomalous, " (percent(precision)) " are abnormal; this share depends on how many abnormal images the test set has. "
            } @else { "No image is called anomalous. " }
            @if let Some(f1) = confusion.f1 { "F1 is " (rate(f1)) "." }
        }
        (scroll(&title, html! { table.results {
            (caption(&title, warning))
            thead { tr {
                th scope="col" { "label" } th.number scope="col" { "called normal" } th.number scope="col" { "called anomalous" }
                th.number scope="col" { "share called anomalous" }
            } }
            tbody {
                tr { th scope="row" { "normal" } td.number { (grouped(quiet)) } td.number { (grouped(alarms)) } td.number { (share(confusion.false_alarms)) } }
                tr { th scope="row" { "abnormal" } td.number { (grouped(missed)) } td.number { (grouped(found)) } td.number { (share(confusion.recall)) } }
            }
        } }))
    }
}

/// How well defects are localised within images.
pub fn pixel(report: &EvaluationReport) -> Markup {
    let with: Vec<_> = report
        .methods()
        .iter()
        .filter_map(|result| Some((result, result.pixel.as_ref()?)))
        .collect();
    let warning = leaks(with.iter().map(|(result, _)| *result));
    scroll(
        "Defects within images",
        html! { table.results {
            (caption("Defects within images", warning))
            thead { tr {
                th scope="col" { "method" } th.number scope="col" { "pixel AUROC" } th.number scope="col" { "PRO" }
                th.number scope="col" { "images with a mask" } th.number scope="col" { "defects" }
            } }
            tbody { @for (result, pixel) in with { tr {
                th scope="row" { (report.label(result)) @if leaking(result) { " " (leak("leaks")) } }
                td.number { (rate(pixel.auroc)) } td.number { (rate(pixel.pro)) }
                td.number { (grouped(pixel.masked_pictures)) } td.number { (grouped(pixel.regions)) }
            } } }
        } },
    )
}

/// How small a fault is found, of each kind and contrast.
pub fn detection(simulated: &Simulated) -> Markup {
    let title =
        "Size found with a probability of 90 %, in pixels of the image as the model sees it";
    let size = |size: Option<f64>| size.map_or("–".into(), figures);
    scroll(
        title,
        html! { table.results {
            (caption(title, None))
            thead { tr {
                th scope="col" { "fault" }
                @for name in ["contrast", "tried", "found", "smallest", "largest", "a90", "a90/95"] { th.number scope="col" { (name) } }
                th scope="col" { "in words" }
            } }
            tbody { @for series in &simulated.series {
                @let (from, to) = series.range();
                tr {
                    th scope="row" { (series.kind) ", " (series.origin.as_str()) }
                    td.number { (series.contrast) } td.number { (grouped(series.trials)) } td.number { (grouped(series.hits)) }
                    td.number { (figures(from)) } td.number { (figures(to)) }
                    td.number { (size(series.detection.a90)) } td.number { (size(series.detection.a90_95)) }
                    td { (detection_in_words(&series.detection)) }
                }
            } }
        } },
    )
}
