//! What the pages of all reports share: the frame, its style, tiles, sections and tables.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::colours;
use super::format::counted;

/// A complete file: `header` stands under the heading, `main` below it.
pub fn page(title: &str, header: Markup, main: Markup) -> String {
    let style = [
        colours::variables().as_str(),
        include_str!("chart.css"),
        include_str!("style.css"),
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
pub fn command(line: &str) -> Markup {
    html! { pre.command tabindex="0" aria-label="Command" { code { (line) } } }
}

/// A warning about numbers that leak: a sign and words, so that it does not depend on colour.
pub fn leak(warning: &str) -> Markup {
    html! { span.leak { span aria-hidden="true" { "⚠ " } (warning) } }
}

pub fn tile(name: &str, value: &str, note: &str) -> Markup {
    html! { div { dt { (name) } dd { strong { (value) } span { (note) } } } }
}

pub fn settings_section(settings: &[(String, String)]) -> Markup {
    html! {
        @if !settings.is_empty() {
            section {
                h2 { "Settings" }
                dl.settings { @for (name, value) in settings { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

pub fn skipped_section(skipped: &[(String, String)]) -> Markup {
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

/// A wide table scrolls by itself, also by keyboard, instead of widening the page.
pub fn scroll(name: &str, content: Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(name) tabindex="0" { (content) } }
}
