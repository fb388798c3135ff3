//! Charts as inline SVG, each with a title, a description and its numbers in a table.
//!
//! Colours are CSS variables of the page, so that the same drawing works light and dark. Drawings are
//! small (360 units wide), so that their text stays readable on a narrow screen.

use maud::{Markup, html};

/// Width of every drawing in its own units.
const WIDTH: f64 = 360.0;

/// A line: its name, the CSS class that colours it, and its points in order of x.
pub struct Line {
    pub name: String,
    pub class: &'static str,
    pub points: Vec<(f64, f64)>,
    /// Lowest and highest value at each point's x, drawn as a pale band. May be empty.
    pub band: Vec<(f64, f64)>,
}

/// Pairs of numbers: points, or the ends of a band.
type Points = Vec<(f64, f64)>;

/// What is around a drawing.
pub struct Caption<'a> {
    /// Unique in the page.
    pub id: &'a str,
    pub title: &'a str,
    /// What the drawing shows, for those who cannot see it.
    pub description: &'a str,
    pub x: &'a str,
    pub y: &'a str,
}

/// Bars of equal width, or their outline.
pub struct Bars<'a> {
    pub name: &'a str,
    pub class: &'static str,
    /// Height of each bar, one a bin.
    pub heights: Vec<f64>,
    pub outline: bool,
}

/// Bins of equal, round width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    pub start: f64,
    pub width: f64,
    pub count: usize,
}

impl Bins {
    /// About `wanted` bins that cover all finite values. One bin around 0 if there are none.
    pub fn covering(values: impl Iterator<Item = f64>, wanted: usize) -> Self {
        let (low, high) = extent(values);
        let width = round_step((high - low) / wanted.max(1) as f64);
        let start = (low / width).floor() * width;
        let count = ((high - start) / width).floor() as usize + 1;
        Self {
            start,
            width,
            count,
        }
    }

    /// Where a value belongs.
    fn index(&self, value: f64) -> usize {
        (((value - self.start) / self.width).floor().max(0.0) as usize).min(self.count - 1)
    }

    /// Number of finite values in each bin.
    pub fn counts(&self, values: impl Iterator<Item = f64>) -> Vec<usize> {
        let mut counts = vec![0; self.count];
        for value in values.filter(|value| value.is_finite()) {
            counts[self.index(value)] += 1;
        }
        counts
    }

    /// Lower edge of a bin; the upper edge of the bin before.
    pub fn edge(&self, bin: usize) -> f64 {
        self.start + self.width * bin as f64
    }
}

/// Smallest and largest finite value, widened where they are one.
pub fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        // Wide enough that the difference does not drown in the value.
        let half = (low.abs() * 1e-3).max(1e-9);
        (low - half, high + half)
    } else {
        (low, high)
    }
}

/// 1, 2 or 5 times a power of ten, near to and not below `raw`.
fn round_step(raw: f64) -> f64 {
    let raw = if raw.is_finite() && raw > 0.0 {
        raw
    } else {
        1.0
    };
    let power = 10f64.powf(raw.log10().floor());
    // A hair of slack, or 0.30000000000000004 would become 0.5.
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|step| step * power >= raw * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// Round values from `low` to `high`, about `wanted` of them, and the decimals that tell them apart.
pub fn ticks(low: f64, high: f64, wanted: usize) -> (Vec<f64>, usize) {
    let step = round_step((high - low) / wanted.max(1) as f64);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let first = (low / step - 1e-9).ceil();
    let ticks = (0..=(2 * wanted.max(1) + 2))
        .map(|k| (first + k as f64) * step)
        .take_while(|&tick| tick <= high + step * 1e-9)
        // No minus zero.
        .map(|tick| tick + 0.0)
        .collect();
    (ticks, decimals)
}

/// A tick's label: plain decimals, or scientific where they would be many.
fn label(tick: f64, decimals: usize) -> String {
    if decimals > 5 || tick.abs() >= 1e6 {
        format!("{tick:.0e}")
    } else {
        format!("{tick:.decimals$}")
    }
}

/// Where values lie on the drawing.
struct Frame {
    height: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
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
        }
    }

    fn px(&self, x: f64) -> f64 {
        self.left + (x - self.x.0) / (self.x.1 - self.x.0) * (self.right - self.left)
    }

    fn py(&self, y: f64) -> f64 {
        self.bottom - (y - self.y.0) / (self.y.1 - self.y.0) * (self.bottom - self.top)
    }

    fn axes(&self, caption: &Caption) -> Markup {
        let (x_ticks, x_decimals) = ticks(self.x.0, self.x.1, 5);
        let (y_ticks, y_decimals) = ticks(self.y.0, self.y.1, 4);
        html! {
            g.grid {
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
        let mut path = String::new();
        for (k, &(x, y)) in points.iter().enumerate() {
            path += if k == 0 { "M" } else { "L" };
            path += &format!("{} {}", fixed(self.px(x)), fixed(self.py(y)));
        }
        path
    }
}

/// Two decimals are a hundredth of a pixel: enough, and a smaller file.
fn fixed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// The drawing with its caption, and its numbers underneath.
fn figure(caption: &Caption, height: f64, body: Markup, legend: Markup, numbers: Markup) -> Markup {
    html! {
        figure.chart {
            figcaption { (caption.title) }
            (legend)
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
                aria-labelledby=(format!("{0}-title {0}-desc", caption.id)) {
                title id=(format!("{}-title", caption.id)) { (caption.title) }
                desc id=(format!("{}-desc", caption.id)) { (caption.description) }
                (body)
            }
            details {
                summary { "Numbers" span.hidden { " of " (caption.title) } }
                (numbers)
            }
        }
    }
}

fn legend<'a>(names: impl Iterator<Item = (&'a str, &'static str)>) -> Markup {
    html! {
        ul.legend {
            @for (name, class) in names {
                li { span class=(format!("key {class}")) {} (name) }
            }
        }
    }
}

/// Lines over a common x, from `y_from` or their lowest value.
pub fn lines(caption: &Caption, lines: &[Line], y_from: Option<f64>, numbers: Markup) -> Markup {
    let height = 210.0;
    let values = || lines.iter().flat_map(|line| &line.points);
    let bands = || {
        lines
            .iter()
            .flat_map(|line| line.band.iter().flat_map(|b| [b.0, b.1]))
    };
    let (low, high) = extent(values().map(|p| p.1).chain(bands()));
    let frame = Frame::new(
        height,
        extent(values().map(|p| p.0)),
        (y_from.unwrap_or(low).min(low), high),
    );
    let body = html! {
        (frame.axes(caption))
        @for line in lines {
            @if line.band.len() == line.points.len() && !line.band.is_empty() {
                @let there = line.points.iter().zip(&line.band).map(|(p, b)| (p.0, b.1));
                @let back = line.points.iter().zip(&line.band).rev().map(|(p, b)| (p.0, b.0));
                path class=(format!("band {}", line.class)) d=(format!("{}Z", frame.path(&there.chain(back).collect::<Vec<_>>()))) {}
            }
            path class=(format!("line {}", line.class)) d=(frame.path(&line.points)) {}
        }
    };
    let names = lines.iter().map(|line| (line.name.as_str(), line.class));
    figure(
        caption,
        height,
        body,
        html! { @if lines.len() > 1 { (legend(names)) } },
        numbers,
    )
}

/// Bars over common bins, with a line at a threshold.
pub fn histogram(
    caption: &Caption,
    bins: &Bins,
    bars: &[Bars],
    threshold: Option<f64>,
    numbers: Markup,
) -> Markup {
    let height = 200.0;
    let top = bars
        .iter()
        .flat_map(|b| b.heights.iter().copied())
        .fold(0.0, f64::max);
    let top = if top > 0.0 { top * 1.08 } else { 1.0 };
    let mut x = (bins.start, bins.edge(bins.count));
    if let Some(threshold) = threshold.filter(|t| t.is_finite()) {
        let room = (x.1 - x.0) * 0.03;
        x = (x.0.min(threshold - room), x.1.max(threshold + room));
    }
    let frame = Frame::new(height, x, (0.0, top));
    let body = html! {
        (frame.axes(caption))
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
        @if let Some(threshold) = threshold.filter(|t| t.is_finite()) {
            @let at = frame.px(threshold);
            @let left = at > (frame.left + frame.right) / 2.0;
            line.threshold x1=(fixed(at)) x2=(fixed(at)) y1=(fixed(frame.top - 6.0)) y2=(fixed(frame.bottom)) {}
            text.threshold x=(fixed(if left { at - 5.0 } else { at + 5.0 })) y=(fixed(frame.top + 3.0))
                text-anchor=(if left { "end" } else { "start" }) { "threshold" }
        }
    };
    let names = bars.iter().map(|b| (b.name, b.class));
    figure(
        caption,
        height,
        body,
        html! { @if bars.len() > 1 { (legend(names)) } },
        numbers,
    )
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

/// ROC curves in a square, with the diagonal of a guess.
pub fn roc(caption: &Caption, curves: &[Line], numbers: Markup) -> Markup {
    let height = 340.0;
    let frame = Frame::new(height, (0.0, 1.0), (0.0, 1.0));
    let body = html! {
        (frame.axes(caption))
        path.guess d=(frame.path(&[(0.0, 0.0), (1.0, 1.0)])) {}
        @for curve in curves {
            path class=(format!("line {}", curve.class)) d=(frame.path(&thinned(&curve.points, 400))) {}
        }
    };
    figure(
        caption,
        height,
        body,
        legend(curves.iter().map(|c| (c.name.as_str(), c.class))),
        numbers,
    )
}

/// At most about `most` of the points, first and last among them.
fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    let stride = points.len().div_ceil(most.max(1)).max(1);
    let mut kept: Vec<_> = points.iter().copied().step_by(stride).collect();
    if let (Some(&last), true) = (points.last(), stride > 1) {
        kept.push(last);
    }
    kept
}

/// Points joined to at most `most`: for each run of neighbours the mean, the lowest and the highest.
/// Points that are not finite are left out.
pub fn joined(points: impl Iterator<Item = (f64, f64)>, most: usize) -> (Points, Points) {
    let points: Vec<_> = points
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect();
    let run = points.len().div_ceil(most.max(1)).max(1);
    points
        .chunks(run)
        .map(|run| {
            let n = run.len() as f64;
            let mean = |of: fn(&(f64, f64)) -> f64| run.iter().map(of).sum::<f64>() / n;
            let low = run.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
            let high = run.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
            ((mean(|p| p.0), mean(|p| p.1)), (low, high))
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            ticks(0.0, 1.0, 5),
            (vec![0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0], 1)
        );
        let (at, decimals) = ticks(0.0312, 0.0789, 4);
        assert_eq!(
            at.iter().map(|t| label(*t, decimals)).collect::<Vec<_>>(),
            ["0.04", "0.06"]
        );
        let (at, decimals) = ticks(-3.0, 4800.0, 5);
        assert_eq!(
            at.iter().map(|t| label(*t, decimals)).collect::<Vec<_>>(),
            ["0", "1000", "2000", "3000", "4000"]
        );
        // Nonsense gives no endless loop.
        assert!(ticks(f64::NAN, 1.0, 4).0.len() < 20);
    }

    #[test]
    fn bins_hold_every_value_once() {
        let values = [0.031, 0.04, 0.05, 0.0999, 0.1];
        let bins = Bins::covering(values.iter().copied(), 7);
        assert_eq!(bins.counts(values.iter().copied()).iter().sum::<usize>(), 5);
        assert!(bins.start <= 0.031 && bins.edge(bins.count) > 0.1 - 1e-12);
        assert_eq!(
            Bins::covering([2.0, 2.0].into_iter(), 5)
                .counts([2.0].into_iter())
                .iter()
                .sum::<usize>(),
            1
        );
        assert!(Bins::covering([].into_iter(), 5).count >= 1);
        assert_eq!(
            bins.counts([f64::NAN, f64::INFINITY].into_iter())
                .iter()
                .sum::<usize>(),
            0
        );
    }

    #[test]
    fn long_runs_are_joined_and_nonsense_is_left_out() {
        let points = (0..1000).map(|k| (k as f64, if k == 3 { f64::NAN } else { 2.0 }));
        let (means, band) = joined(points, 100);
        assert!(means.len() <= 100 && means.len() == band.len());
        assert!(means.iter().all(|p| p.1 == 2.0) && band.iter().all(|b| *b == (2.0, 2.0)));
        assert_eq!(
            thinned(&[(0.0, 0.0), (0.1, 0.2), (0.5, 0.7), (1.0, 1.0)], 2).last(),
            Some(&(1.0, 1.0))
        );
    }
}
