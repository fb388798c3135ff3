//! Charts as SVG: inline in a page with their numbers in a table, or as separate files.
//!
//! Drawings are small (360 units wide), so that their text stays readable on a narrow screen. A page
//! colours them by its variables; a file includes its own colours, light and dark.

mod drawing;
mod polyline;
mod scale;

use maud::{Markup, html};

use super::format::figures;
use super::page::scroll;
use drawing::{Key, WIDTH, dot, fixed};
use polyline::{TOLERANCE, dot_places, thinned};
use scale::label;

pub use drawing::{Caption, Chart, Drawing};
pub use polyline::{Points, joined};
pub use scale::{Bins, extent, ticks};

/// The classes that colour lines and bars, and give lines their dashes.
pub const CLASSES: [&str; 8] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// A line: its name, the CSS class that colours it, and its points in order of x.
pub struct Line {
    pub name: String,
    pub class: &'static str,
    pub points: Points,
    /// Lowest and highest value at each point's x, drawn as a pale band. May be empty.
    pub band: Points,
}

impl Line {
    /// Its entry in the legend.
    fn key(&self) -> (String, &'static str, Key) {
        (self.name.clone(), self.class, Key::Line(None))
    }
}

/// A point of a line that is named.
pub struct Mark {
    pub at: (f64, f64),
    pub class: &'static str,
    pub text: String,
}

/// Bars of equal width, or their outline.
pub struct Bars {
    pub name: String,
    pub class: &'static str,
    /// Height of each bar, one per bin.
    pub heights: Vec<f64>,
    pub outline: bool,
}

/// Maps values to positions on the drawing.
struct Frame {
    height: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
    /// Smallest distance between two ticks of x: 1 if x is a count.
    x_apart: f64,
    /// Approximate number of ticks of y.
    y_ticks: usize,
}

impl Frame {
    fn new(height: f64, x: (f64, f64), y: (f64, f64)) -> Self {
        Self {
            height,
            left: 44.0,
            top: 24.0,
            right: WIDTH - 10.0,
            bottom: height - 36.0,
            x,
            y,
            x_apart: 0.0,
            y_ticks: 4,
        }
    }

    /// Both axes from 0 to 1 and equally long.
    fn square() -> Self {
        Self {
            y_ticks: 5,
            ..Self::new(366.0, (0.0, 1.0), (0.0, 1.0))
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    fn px(&self, x: f64) -> f64 {
        self.left + (x - self.x.0) / (self.x.1 - self.x.0) * (self.right - self.left)
    }

    fn py(&self, y: f64) -> f64 {
        self.bottom - (y - self.y.0) / (self.y.1 - self.y.0) * (self.bottom - self.top)
    }

    fn axes(&self, caption: &Caption) -> Markup {
        let (x_ticks, x_decimals) = ticks(self.x.0, self.x.1, 5, self.x_apart);
        let (y_ticks, y_decimals) = ticks(self.y.0, self.y.1, self.y_ticks, 0.0);
        html! {
            g.ruled {
                @for &tick in &y_ticks {
                    line x1=(fixed(self.left)) x2=(fixed(self.right)) y1=(fixed(self.py(tick))) y2=(fixed(self.py(tick))) {}
                }
            }
            g.axis {
                line x1=(fixed(self.left)) x2=(fixed(self.right)) y1=(fixed(self.bottom)) y2=(fixed(self.bottom)) {}
                @for &tick in &x_ticks {
                    line x1=(fixed(self.px(tick))) x2=(fixed(self.px(tick))) y1=(fixed(self.bottom)) y2=(fixed(self.bottom + 4.0)) {}
                    text x=(fixed(self.px(tick))) y=(fixed(self.bottom + 16.0)) text-anchor="middle" { (label(tick, x_decimals)) }
                }
                @for &tick in &y_ticks {
                    text x=(fixed(self.left - 6.0)) y=(fixed(self.py(tick) + 3.5)) text-anchor="end" { (label(tick, y_decimals)) }
                }
                text.name x=(fixed(self.right)) y=(fixed(self.height - 5.0)) text-anchor="end" { (caption.x) }
                text.name x="4" y="12" { (caption.y) }
            }
        }
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let drawn: Points = points.iter().map(|&p| self.at(p)).collect();
        path(&drawn)
    }
}

/// The commands of a path through points of the drawing.
fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (k, &(x, y)) in points.iter().enumerate() {
        path += if k == 0 { "M" } else { "L" };
        path += &format!("{} {}", fixed(x), fixed(y));
    }
    path
}

/// Lines over a common x that counts something, from `y_from` or their lowest value, with named points.
pub fn lines(caption: Caption, lines: &[Line], y_from: Option<f64>, marks: &[Mark]) -> Drawing {
    let height = 210.0;
    let values = || lines.iter().flat_map(|line| &line.points);
    let bands = || {
        lines
            .iter()
            .flat_map(|line| line.band.iter().flat_map(|b| [b.0, b.1]))
    };
    let (low, high) = extent(values().map(|p| p.1).chain(bands()));
    // Room for the labels above and below the points.
    let room = if marks.is_empty() {
        0.0
    } else {
        (high - low) * 0.3
    };
    let mut frame = Frame::new(
        height,
        extent(values().map(|p| p.0)),
        (y_from.unwrap_or(low - room).min(low - room), high + room),
    );
    frame.x_apart = 1.0;
    let middle = (frame.left + frame.right) / 2.0;
    let body = html! {
        (frame.axes(&caption))
        @for line in lines {
            @if line.band.len() == line.points.len() && !line.band.is_empty() {
                @let there = line.points.iter().zip(&line.band).map(|(p, b)| (p.0, b.1));
                @let back = line.points.iter().zip(&line.band).rev().map(|(p, b)| (p.0, b.0));
                path class=(format!("band {}", line.class)) d=(format!("{}Z", frame.path(&there.chain(back).collect::<Points>()))) {}
            }
            path class=(format!("line {}", line.class)) d=(frame.path(&line.points)) {}
        }
        @for (k, mark) in marks.iter().enumerate() {
            @let (x, y) = frame.at(mark.at);
            circle class=(format!("dot {}", mark.class)) cx=(fixed(x)) cy=(fixed(y)) r="4.5" {}
            // Alternately above and below, so that two neighbours can be read.
            text.ink x=(fixed(x + if x > middle { 4.0 } else { -4.0 })) y=(fixed(if k % 2 == 0 { y - 10.0 } else { y + 19.0 }))
                text-anchor=(if x > middle { "end" } else { "start" }) { (mark.text) }
        }
    };
    Drawing {
        caption,
        height,
        body,
        legend: lines.iter().map(Line::key).collect(),
    }
}

/// Curves of probabilities over a size, with a dot for each share that was observed, and a dotted line at `level`.
pub fn probabilities(caption: Caption, curves: &[(Line, Points)], level: f64) -> Drawing {
    let height = 230.0;
    let points = || {
        curves
            .iter()
            .flat_map(|(line, dots)| line.points.iter().chain(dots))
    };
    let mut frame = Frame::new(height, extent(points().map(|p| p.0)), (0.0, 1.0));
    (frame.x_apart, frame.y_ticks) = (1.0, 5);
    let body = html! {
        (frame.axes(&caption))
        path.guess d=(frame.path(&[(frame.x.0, level), (frame.x.1, level)])) {}
        @for (line, dots) in curves {
            path class=(format!("line {}", line.class)) d=(frame.path(&line.points)) {}
            @for (x, y) in dots.iter().map(|&dot| frame.at(dot)) {
                circle class=(format!("dot {}", line.class)) cx=(fixed(x)) cy=(fixed(y)) r="3" {}
            }
        }
    };
    Drawing {
        caption,
        height,
        body,
        legend: curves.iter().map(|(line, _)| line.key()).collect(),
    }
}

/// Bars over common bins, with a line at a named value such as the threshold.
pub fn histogram(
    caption: Caption,
    bins: &Bins,
    bars: &[Bars],
    line: Option<(f64, &str)>,
) -> Drawing {
    let height = 200.0;
    let line = line.filter(|(value, _)| value.is_finite());
    let top = bars
        .iter()
        .flat_map(|b| b.heights.iter().copied())
        .fold(0.0, f64::max);
    let top = if top > 0.0 { top * 1.08 } else { 1.0 };
    let mut x = (bins.start, bins.edge(bins.count));
    if let Some((value, _)) = line {
        let room = (x.1 - x.0) * 0.03;
        x = (x.0.min(value - room), x.1.max(value + room));
    }
    let frame = Frame::new(height, x, (0.0, top));
    let body = html! {
        (frame.axes(&caption))
        @for bars in bars {
            @if bars.outline {
                path class=(format!("line {}", bars.class)) d=(frame.path(&outline(bins, &bars.heights))) {}
            } @else {
                g class=(format!("bars {}", bars.class)) {
                    @for (bin, &value) in bars.heights.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                        rect x=(fixed(frame.px(bins.edge(bin)) + 0.5)) y=(fixed(frame.py(value)))
                            width=(fixed((frame.px(bins.edge(bin + 1)) - frame.px(bins.edge(bin)) - 1.0).max(0.5)))
                            height=(fixed(frame.bottom - frame.py(value))) {}
                    }
                }
            }
        }
        @if let Some((value, name)) = line {
            @let at = frame.px(value);
            @let left = at > (frame.left + frame.right) / 2.0;
            line.threshold x1=(fixed(at)) x2=(fixed(at)) y1=(fixed(frame.top - 6.0)) y2=(fixed(frame.bottom)) {}
            text.threshold x=(fixed(if left { at - 5.0 } else { at + 5.0 })) y=(fixed(frame.top + 3.0))
                text-anchor=(if left { "end" } else { "start" }) { (name) }
        }
    };
    let key = |b: &Bars| {
        if b.outline {
            Key::Line(None)
        } else {
            Key::Bars
        }
    };
    let legend = bars.iter().map(|b| (b.name.clone(), b.class, key(b)));
    let legend = legend.collect();
    Drawing {
        caption,
        height,
        body,
        legend,
    }
}

/// The steps along the tops of bars.
fn outline(bins: &Bins, heights: &[f64]) -> Vec<(f64, f64)> {
    let mut points = vec![(bins.start, 0.0)];
    for (bin, &value) in heights.iter().enumerate() {
        points.extend([(bins.edge(bin), value), (bins.edge(bin + 1), value)]);
    }
    points.push((bins.edge(heights.len()), 0.0));
    points
}

/// Curves in a square from 0 to 1, each with its number, and the line of random guessing.
pub fn curves(caption: Caption, curves: &[Line], guess: [(f64, f64); 2]) -> Drawing {
    let frame = Frame::square();
    let drawn: Vec<Points> = curves
        .iter()
        .map(|curve| {
            let points: Points = curve.points.iter().map(|&p| frame.at(p)).collect();
            thinned(&points, TOLERANCE)
        })
        .collect();
    let body = html! {
        (frame.axes(&caption))
        path.guess d=(frame.path(&guess)) {}
        @for (curve, points) in curves.iter().zip(&drawn) {
            path class=(format!("line {}", curve.class)) d=(path(points)) {}
        }
        // After all lines, so that none runs over a number.
        @for (k, place) in dot_places(&drawn).into_iter().enumerate() {
            (dot(place, curves[k].class, k + 1))
        }
    };
    let legend = curves
        .iter()
        .enumerate()
        .map(|(k, curve)| (curve.name.clone(), curve.class, Key::Line(Some(k + 1))));
    let legend = legend.collect();
    Drawing {
        caption,
        height: frame.height,
        body,
        legend,
    }
}

/// The numbers of a histogram.
pub fn bins_table(caption: &str, bins: &Bins, columns: &[(&str, &[usize])]) -> Markup {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_whatever_the_names_hold() {
        let caption = Caption {
            id: "x".into(),
            title: "<script>&\u{1}\u{b}".into(),
            description: "]]> -- \"".into(),
            warning: Some("leaks -- badly".into()),
            ..Caption::default()
        };
        let line = |name: &str| Line {
            name: name.into(),
            class: "s1",
            points: vec![(0.0, 0.0), (1.0, 1.0)],
            band: vec![],
        };
        let file = curves(caption, &[line("a<b"), line("c")], [(0.0, 0.0), (1.0, 1.0)]).file();
        assert!(file.starts_with("<?xml") && file.trim_end().ends_with("</svg>"));
        assert!(
            file.contains("<!-- leaks \u{2010}\u{2010} badly -->")
                && file.contains(">leaks -- badly</text>")
        );
        assert!(!file.contains("<script") && !file.contains("var(--"));
        assert!(!file.contains(['\u{1}', '\u{b}']));
        assert!(file.contains("a&lt;b"));
    }
}
