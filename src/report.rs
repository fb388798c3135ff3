//! Reports: self-contained HTML files that work offline, in light and dark.
//!
//! Every chart has its numbers in a table, and every image its scores in words. This module holds what
//! all reports share: the page, its style, tiles, tables and number formats. Built for the program only.

mod chart;
mod colours;
mod comparison;
mod evaluation;
mod picture;
#[cfg(test)]
mod sample_data;
mod training;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::calibration::ThresholdRule;
use chart::Bins;

pub use comparison::{ComparedRun, ComparisonReport, Mean, SideBySide, View, means};
pub use evaluation::{EvaluationReport, Miss, worst};
pub use picture::ReportSample;
pub use training::{LossPoint, TrainingReport};

/// A complete file: `header` stands under the heading, `main` below it.
fn page(title: &str, header: Markup, main: Markup) -> String {
    let style = [
        colours::variables().as_str(),
        include_str!("report/chart.css"),
        include_str!("report/style.css"),
    ]
    .concat();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                header {
                    p.maker { "skip-ganomaly " (env!("CARGO_PKG_VERSION")) }
                    h1 { (title) }
                    (header)
                }
                main { (main) }
            }
        }
    }
    .into_string()
}

/// A command line, to be copied.
fn command(line: &str) -> Markup {
    html! { pre.command tabindex="0" aria-label="Command" { code { (line) } } }
}

/// A warning about numbers that leak: a sign and words, so that it does not depend on colour.
fn leak(warning: &str) -> Markup {
    html! { span.leak { span aria-hidden="true" { "⚠ " } (warning) } }
}

fn tile(name: &str, value: &str, note: &str) -> Markup {
    html! { div { dt { (name) } dd { strong { (value) } span { (note) } } } }
}

fn settings_section(settings: &[(String, String)]) -> Markup {
    html! {
        @if !settings.is_empty() {
            section {
                h2 { "Settings" }
                dl.settings { @for (name, value) in settings { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

fn skipped_section(skipped: &[(String, String)]) -> Markup {
    html! {
        section {
            h2 { "Skipped files" }
            @if skipped.is_empty() {
                p { "None: every image could be read." }
            } @else {
                p { (counted(skipped.len() as u64, "file", "files")) " could not be read. The others were used." }
                (scroll("Skipped files", html! { table {
                    thead { tr { th scope="col" { "file" } th scope="col" { "reason" } } }
                    tbody { @for (file, reason) in skipped { tr { th.path scope="row" { (file) } td { (reason) } } } }
                } }))
            }
        }
    }
}

/// The numbers of a histogram.
fn bins_table(caption: &str, bins: &Bins, columns: &[(&str, &[usize])]) -> Markup {
    scroll(
        caption,
        html! { table {
            caption { (caption) }
            thead { tr {
                th.number scope="col" { "from" } th.number scope="col" { "to" }
                @for (name, _) in columns { th.number scope="col" { (name) } }
            } }
            tbody { @for bin in 0..bins.count {
                tr {
                    td.number { (figures(bins.edge(bin))) } td.number { (figures(bins.edge(bin + 1))) }
                    @for (_, counts) in columns { td.number { (counts[bin]) } }
                }
            } }
        } },
    )
}

/// A wide table scrolls by itself, also by keyboard, instead of widening the page.
fn scroll(name: &str, content: Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(name) tabindex="0" { (content) } }
}

fn rule_in_words(rule: ThresholdRule) -> String {
    match rule {
        ThresholdRule::HeldOutQuantile(q) => {
            let percent = format!("{:.3}", q * 100.0);
            format!(
                "the {} % quantile of held-out normal images",
                percent.trim_end_matches('0').trim_end_matches('.')
            )
        }
        ThresholdRule::Manual => "set by hand".into(),
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// At most four significant figures.
fn figures(value: f64) -> String {
    if value.is_nan() {
        return "not a number".into();
    }
    if value.is_infinite() {
        return "infinite".into();
    }
    let magnitude = value.abs();
    if value == 0.0 {
        "0".into()
    } else if !(1e-4..1e6).contains(&magnitude) {
        format!("{value:.3e}")
    } else {
        let decimals = (3 - magnitude.log10().floor() as i32).max(0) as usize;
        let text = format!("{value:.decimals$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').into(),
            false => text,
        }
    }
}

/// Three decimals, as is usual for such rates.
fn rate(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        "–".into()
    }
}

fn duration(secs: f64) -> String {
    let whole = secs.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{:.1} s", secs.max(0.0)),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_hide_nonsense() {
        let got = [0.0, 0.031_234_5, 12.3456, 1234.5, 1e-7, 2.5e7, f64::NAN].map(figures);
        assert_eq!(
            got,
            [
                "0",
                "0.03123",
                "12.35",
                "1234",
                "1.000e-7",
                "2.500e7",
                "not a number"
            ]
        );
        assert_eq!(
            [5.0, 61.0, 7260.0].map(duration),
            ["5.0 s", "1 min 1 s", "2 h 1 min"]
        );
        assert_eq!(
            rule_in_words(ThresholdRule::HeldOutQuantile(0.99)),
            "the 99 % quantile of held-out normal images"
        );
    }
}
