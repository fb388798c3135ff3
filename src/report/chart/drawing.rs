//! A drawing in a page or as a separate file, with its caption, legend and colours.

use maud::{Markup, PreEscaped, html};

use crate::report::colours;
use crate::report::page::leak;

/// Width of every drawing in its own units.
pub(super) const WIDTH: f64 = 360.0;

/// Margin left and right of a drawing in a separate file.
const BORDER: f64 = 10.0;

/// The text around a drawing.
#[derive(Default)]
pub struct Caption {
    /// Unique in the page.
    pub id: String,
    pub title: String,
    /// What the drawing shows, for those who cannot see it.
    pub description: String,
    pub x: &'static str,
    pub y: &'static str,
    /// A warning that readers must see with the drawing.
    pub warning: Option<String>,
}

/// How the legend shows a name.
pub(super) enum Key {
    /// A line with its dashes, and the number it carries.
    Line(Option<usize>),
    Bars,
}

/// A chart, to be put into a page or a file.
pub struct Drawing {
    pub(super) caption: Caption,
    pub(super) height: f64,
    pub(super) body: Markup,
    pub(super) legend: Vec<(String, &'static str, Key)>,
}

impl Drawing {
    /// For a page: the drawing with its caption, and its numbers underneath.
    pub fn figure(&self, numbers: Markup) -> Markup {
        let Caption {
            id,
            title,
            description,
            warning,
            ..
        } = &self.caption;
        html! {
            figure.chart {
                figcaption { (title) @if let Some(warning) = warning { (leak(warning)) } }
                @if self.legend.len() > 1 {
                    ul.legend { @for (name, class, key) in &self.legend { li { (key.alone(class)) span { (name) } } } }
                }
                svg viewBox=(format!("0 0 {WIDTH} {}", self.height)) role="img"
                    aria-labelledby=(format!("{id}-title {id}-desc")) {
                    title id=(format!("{id}-title")) { (title) }
                    desc id=(format!("{id}-desc")) {
                        @if let Some(warning) = warning { (warning) " " }
                        (description)
                    }
                    (self.body)
                }
                details {
                    summary { "Numbers" span.hidden { " of " (title) } }
                    (numbers)
                }
            }
        }
    }

    /// A separate file, with title, warning, legend and colours inside.
    pub fn file(&self) -> String {
        let caption = &self.caption;
        let titles = wrapped(&caption.title, 40);
        let warnings = wrapped(caption.warning.as_deref().unwrap_or(""), 48);
        let legend: &[_] = if self.legend.len() > 1 {
            &self.legend
        } else {
            &[]
        };
        let warnings_at = 8.0 + 16.0 * titles.len() as f64;
        let legend_at = warnings_at + 14.0 * warnings.len() as f64 + 6.0;
        let body_at = legend_at + 17.0 * legend.len() as f64;
        let height = body_at + self.height + 4.0;
        let wide = WIDTH + 2.0 * BORDER;
        let chart = include_str!("../chart.css");
        let more = ":root { color-scheme: light dark; background: var(--card); } \
                    svg { font: 11px system-ui, sans-serif; max-width: 100%; height: auto; } .ground { fill: var(--card); } \
                    svg text.title { fill: var(--ink); font-size: 13px; font-weight: 600; } \
                    svg text.warn { fill: var(--mark); font-weight: 600; }";
        let style = |palette| colours::written_out(&format!("{chart}{more}"), palette);
        let drawing = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("{} 0 {wide} {}", -BORDER, fixed(height)))
                width=(2.0 * wide) height=(fixed(2.0 * height)) role="img" aria-labelledby="title desc" {
                title id="title" { (caption.title) }
                desc id="desc" {
                    @if let Some(warning) = &caption.warning { (warning) " " }
                    (caption.description)
                }
                style {
                    (PreEscaped(style(colours::LIGHT)))
                    "@media (prefers-color-scheme: dark) {" (PreEscaped(style(colours::DARK))) "}"
                }
                rect.ground x=(-BORDER) width=(wide) height=(fixed(height)) {}
                @for (k, line) in titles.iter().enumerate() {
                    text.title x="4" y=(fixed(18.0 + 16.0 * k as f64)) { (line) }
                }
                @for (k, line) in warnings.iter().enumerate() {
                    text.warn x="4" y=(fixed(warnings_at + 12.0 + 14.0 * k as f64)) { (line) }
                }
                @for (k, (name, class, key)) in legend.iter().enumerate() {
                    g transform=(format!("translate(4 {})", fixed(legend_at + 17.0 * k as f64))) {
                        (key.drawn(class))
                        text x="40" y="11" { (shortened(name, 48)) }
                    }
                }
                g transform=(format!("translate(0 {})", fixed(body_at))) { (self.body) }
            }
        };
        let comment = caption.warning.as_ref().map_or(String::new(), |warning| {
            // A comment must not contain two hyphens.
            format!("<!-- {} -->\n", warning.replace('-', "\u{2010}"))
        });
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{comment}{}\n",
            drawing.into_string()
        );
        // A file name may contain control characters, which XML cannot represent.
        text.replace(
            |c: char| (c.is_control() && !"\n\t".contains(c)) || "\u{fffe}\u{ffff}".contains(c),
            "\u{fffd}",
        )
    }
}

/// A drawing with the table of its numbers, and its file's name without the extension.
pub struct Chart {
    pub file: String,
    pub drawing: Drawing,
    pub numbers: Markup,
}

impl Chart {
    pub fn figure(&self) -> Markup {
        self.drawing.figure(self.numbers.clone())
    }
}

impl Key {
    /// As part of a drawing.
    fn drawn(&self, class: &str) -> Markup {
        match self {
            Self::Bars => {
                html! { rect class=(format!("bars {class}")) x="6" y="1" width="22" height="12" {} }
            }
            Self::Line(number) => html! {
                path class=(format!("line {class}")) d="M1 7L33 7" {}
                @if let Some(number) = number { (dot((17.0, 7.0), class, *number)) }
            },
        }
    }

    /// As a drawing beside a name. Screen readers skip it, since the name says the same.
    fn alone(&self, class: &str) -> Markup {
        html! { svg.key viewBox="0 0 34 14" width="34" height="14" aria-hidden="true" { (self.drawn(class)) } }
    }
}

/// The number that a line carries.
pub(super) fn dot((x, y): (f64, f64), class: &str, number: usize) -> Markup {
    html! {
        circle class=(format!("dot {class}")) cx=(fixed(x)) cy=(fixed(y)) r="6.5" {}
        text.digit x=(fixed(x)) y=(fixed(y + 0.4)) text-anchor="middle" { (number) }
    }
}

/// The first line of a name, with an ellipsis if more follows.
fn shortened(name: &str, most: usize) -> String {
    let mut lines = wrapped(name, most).into_iter();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() {
        format!("{first}…")
    } else {
        first
    }
}

/// Lines of at most about `most` letters of a Latin script; wide letters count twice.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split_whitespace() {
        let needed: usize = word.chars().map(width).sum();
        if used > 0 && used + 1 + needed > most {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            // A word longer than the line is broken.
            if used + width(c) > most {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += width(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Two decimals are a hundredth of a unit: enough, and a smaller file.
pub(super) fn fixed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""; 0]);
        assert_eq!(shortened("one two three", 8), "one two…");
        assert_eq!(shortened("one", 8), "one");
    }
}
