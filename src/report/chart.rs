//! Charts as SVG: inline in a page with their numbers in a table, or as separate files.
//!
//! Drawings are small (360 units wide), so that their text stays readable on a narrow screen. A page
//! colours them by its variables; a file includes its own colours, light and dark.

use maud::{Markup, PreEscaped, html};

use super::colours;

/// Width of every drawing in its own units.
const WIDTH: f64 = 360.0;

/// Margin left and right of a drawing in a separate file.
const BORDER: f64 = 10.0;

/// How far a thinned curve may lie from the exact one, in units of the drawing. A chart is at most
/// 608 pixels wide (`.chart` in style.css), so this is less than half a pixel.
const TOLERANCE: f64 = 0.25;

/// The classes that colour lines and bars, and give lines their dashes.
pub const CLASSES: [&str; 8] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// Pairs of numbers: points, or the ends of a band.
pub type Points = Vec<(f64, f64)>;

/// A line: its name, the CSS class that colours it, and its points in order of x.
pub struct Line {
    pub name: String,
    pub class: &'static str,
    pub points: Points,
    /// Lowest and highest value at each point's x, drawn as a pale band. May be empty.
    pub band: Points,
}

/// A point of a line that is named.
pub struct Mark {
    pub at: (f64, f64),
    pub class: &'static str,
    pub text: String,
}

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
enum Key {
    /// A line with its dashes, and the number it carries.
    Line(Option<usize>),
    Bars,
}

/// A chart, to be put into a page or a file.
pub struct Drawing {
    caption: Caption,
    height: f64,
    body: Markup,
    legend: Vec<(String, &'static str, Key)>,
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
                figcaption { (title) @if let Some(warning) = warning { (super::leak(warning)) } }
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
        let chart = include_str!("chart.css");
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
fn dot((x, y): (f64, f64), class: &str, number: usize) -> Markup {
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

/// Bars of equal width, or their outline.
pub struct Bars {
    pub name: String,
    pub class: &'static str,
    /// Height of each bar, one per bin.
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

    /// The bin of a value.
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

/// Smallest and largest finite value, widened if they are equal.
pub fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        // Wide enough that the difference is not lost in rounding.
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
    // A little slack, or 0.30000000000000004 would become 0.5.
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|step| step * power >= raw * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// Round values from `low` to `high`, about `wanted` of them and at least `apart`, and the number of
/// decimals that distinguishes them.
pub fn ticks(low: f64, high: f64, wanted: usize, apart: f64) -> (Vec<f64>, usize) {
    let step = round_step((high - low) / wanted.max(1) as f64).max(apart);
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

/// A tick's label: plain decimals, or scientific notation if there would be many.
fn label(tick: f64, decimals: usize) -> String {
    if decimals > 5 || tick.abs() >= 1e6 {
        format!("{tick:.0e}")
    } else {
        format!("{tick:.decimals$}")
    }
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

/// Two decimals are a hundredth of a unit: enough, and a smaller file.
fn fixed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
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
    let legend = lines
        .iter()
        .map(|line| (line.name.clone(), line.class, Key::Line(None)));
    let legend = legend.collect();
    Drawing {
        caption,
        height,
        body,
        legend,
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

/// A place on each line for its number, apart from each other if possible.
fn dot_places(lines: &[Points]) -> Vec<(f64, f64)> {
    let mut placed: Points = Vec::new();
    for (k, line) in lines.iter().enumerate() {
        let first = (k + 1) as f64 / (lines.len() + 1) as f64;
        let room = |place: (f64, f64)| {
            placed
                .iter()
                .map(|other| (place.0 - other.0).hypot(place.1 - other.1))
                .fold(f64::INFINITY, f64::min)
        };
        // First its own share of the way, then places further along.
        let candidates: Points = (0..20)
            .map(|step| along(line, (first + 0.05 * f64::from(step)) % 1.0))
            .collect();
        let clear = candidates.iter().copied().find(|&place| room(place) > 16.0);
        let widest = candidates
            .iter()
            .copied()
            .max_by(|&a, &b| room(a).total_cmp(&room(b)));
        placed.push(clear.or(widest).unwrap_or((0.0, 0.0)));
    }
    placed
}

/// The point at a share of a line's length.
fn along(line: &[(f64, f64)], share: f64) -> (f64, f64) {
    let length = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
    let mut left = line.windows(2).map(length).sum::<f64>() * share;
    for pair in line.windows(2) {
        let here = length(pair);
        if left <= here && here > 0.0 {
            let part = left / here;
            let between = |a: f64, b: f64| a + (b - a) * part;
            return (between(pair[0].0, pair[1].0), between(pair[0].1, pair[1].1));
        }
        left -= here;
    }
    line.last().copied().unwrap_or((0.0, 0.0))
}

/// As few of the points as keep the line within `tolerance` of the exact one; first and last stay.
///
/// Points close to the last one kept are dropped first, since curves of many images consist mostly of
/// these; then Douglas and Peucker's method follows, with an explicit list instead of recursion.
fn thinned(points: &[(f64, f64)], tolerance: f64) -> Points {
    let (near, far) = (tolerance * 0.2, tolerance * 0.8);
    let mut kept: Points = Vec::new();
    for (k, &point) in points.iter().enumerate() {
        let last = k + 1 == points.len();
        match kept.last() {
            Some(before) if !last && (point.0 - before.0).hypot(point.1 - before.1) < near => {}
            _ => kept.push(point),
        }
    }
    let mut keep = vec![false; kept.len()];
    if let (Some(first), true) = (keep.first_mut(), kept.len() > 1) {
        *first = true;
    }
    if let Some(last) = keep.last_mut() {
        *last = true;
    }
    let mut open = vec![(0, kept.len().saturating_sub(1))];
    while let Some((from, to)) = open.pop() {
        let furthest = (from + 1..to)
            .map(|k| (k, distance(kept[k], kept[from], kept[to])))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((k, away)) = furthest
            && away > far
        {
            keep[k] = true;
            open.extend([(from, k), (k, to)]);
        }
    }
    kept.iter()
        .zip(keep)
        .filter_map(|(&point, keep)| keep.then_some(point))
        .collect()
}

/// From a point to the line between two others.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    // How far along the line: a foot outside it would understate the distance.
    let along = if length > 0.0 {
        ((px * dx + py * dy) / (length * length)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (px - along * dx).hypot(py - along * dy)
}

/// Merges points into at most `most`: for each group of neighbours the mean, the lowest and the highest.
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
            ticks(0.0, 1.0, 5, 0.0),
            (vec![0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0], 1)
        );
        let (at, decimals) = ticks(0.0312, 0.0789, 4, 0.0);
        assert_eq!(
            at.iter().map(|t| label(*t, decimals)).collect::<Vec<_>>(),
            ["0.04", "0.06"]
        );
        let (at, decimals) = ticks(-3.0, 4800.0, 5, 1.0);
        assert_eq!(
            at.iter().map(|t| label(*t, decimals)).collect::<Vec<_>>(),
            ["0", "1000", "2000", "3000", "4000"]
        );
        // Epochs have whole numbers only.
        assert_eq!(ticks(1.0, 3.0, 5, 1.0), (vec![1.0, 2.0, 3.0], 0));
        // Invalid input does not loop forever.
        assert!(ticks(f64::NAN, 1.0, 4, 0.0).0.len() < 20);
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
    }

    /// A staircase like the curve of `n` images, in units of the drawing.
    fn staircase(n: usize) -> Points {
        let mut state = 1_u64;
        let (mut x, mut y) = (0_u32, 0_u32);
        let mut points = vec![(0.0, 0.0)];
        for k in 0..n {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let up = (state >> 33) as f64 / f64::from(1_u32 << 31) > k as f64 / n as f64;
            *(if up { &mut y } else { &mut x }) += 1;
            points.push((
                f64::from(x) * 600.0 / n as f64,
                f64::from(y) * 600.0 / n as f64,
            ));
        }
        points
    }

    #[test]
    fn thinned_curves_stay_within_the_tolerance() {
        for n in [1, 2, 30, 1000, 15_000] {
            let exact = staircase(n);
            let drawn = thinned(&exact, TOLERANCE);
            assert_eq!((drawn.first(), drawn.last()), (exact.first(), exact.last()));
            for &point in exact.iter().step_by(1 + n / 500) {
                let away = drawn
                    .windows(2)
                    .map(|pair| distance(point, pair[0], pair[1]))
                    .fold(f64::INFINITY, f64::min);
                assert!(away <= TOLERANCE, "{away} at {point:?} of {n}");
            }
            assert!(drawn.len() < 1500, "{} of {n}", drawn.len());
        }
        assert_eq!(thinned(&[], 1.0), []);
        assert_eq!(thinned(&[(1.0, 2.0)], 1.0), [(1.0, 2.0)]);
        assert_eq!(thinned(&[(1.0, 2.0); 5], 1.0).len(), 2);
    }

    #[test]
    fn the_numbers_of_equal_curves_do_not_hide_each_other() {
        let line: Points = vec![(44.0, 330.0), (200.0, 100.0), (350.0, 24.0)];
        let places = dot_places(&vec![line; 6]);
        for (k, a) in places.iter().enumerate() {
            for b in &places[..k] {
                assert!((a.0 - b.0).hypot(a.1 - b.1) > 14.0, "{a:?} {b:?}");
            }
        }
        // A curve of nothing, or of one point, has a place too.
        assert_eq!(
            dot_places(&[vec![], vec![(3.0, 4.0)]]),
            [(0.0, 0.0), (3.0, 4.0)]
        );
    }

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

    #[test]
    fn long_lines_are_wrapped() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""; 0]);
        assert_eq!(shortened("one two three", 8), "one two…");
        assert_eq!(shortened("one", 8), "one");
    }
}
