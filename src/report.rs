//! The report of a training run: one HTML file that needs nothing else, offline, light and dark.
//!
//! Every chart has its numbers in a table, every picture its scores in words. Built for the program
//! only.

mod chart;
mod picture;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::calibration::{Calibration, Quantiles, ThresholdRule};
use crate::data::image::heat_colour;
use crate::score::RawScore;
use chart::{Bars, Bins, Caption, Line};

/// The losses of one training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossPoint {
    /// Which step, from 1.
    pub step: u64,
    /// In which epoch, from 1.
    pub epoch: u64,
    /// Adversarial loss of the generator.
    pub adversarial: f64,
    /// Contextual loss.
    pub contextual: f64,
    /// Latent loss.
    pub latent: f64,
    /// The generator's weighted sum.
    pub generator: f64,
    /// The discriminator's loss.
    pub discriminator: f64,
}

/// A picture with what the model makes of it. Pictures are RGBA, `size * size * 4` bytes each.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportSample {
    /// File name or label.
    pub name: String,
    /// Side of the pictures in pixels.
    pub size: usize,
    /// What the network saw.
    pub input: Vec<u8>,
    /// What it made of it, if the method reconstructs.
    pub reconstruction: Option<Vec<u8>>,
    /// Where they differ.
    pub heat: Vec<u8>,
    /// The raw scores.
    pub score: RawScore,
    /// `normal`, `anomalous` or `uncalibrated`.
    pub verdict: String,
}

/// How well one method ranks one set of test pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationRow {
    /// The method, as in a table: `Skip-GANomaly`, `PCA-32`.
    pub method: String,
    /// One kind of fault against all normals; none is the full mix.
    pub class: Option<String>,
    /// Number of normal test pictures.
    pub normals: usize,
    /// Number of abnormal test pictures.
    pub abnormal: usize,
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Average precision.
    pub auprc: f64,
}

/// The reported model's scores of the test pictures of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// `normal` or the fault.
    pub class: String,
    /// Whether the class is abnormal.
    pub abnormal: bool,
    /// Anomaly scores.
    pub scores: Vec<f64>,
}

/// A ROC curve of one method on the full mix: (false-positive rate, true-positive rate).
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// The method.
    pub method: String,
    /// As [`crate::metrics::roc_curve`] gives them.
    pub points: Vec<(f64, f64)>,
}

/// Labelled test pictures, scored in inference mode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The reported method first, then those beside it.
    pub rows: Vec<EvaluationRow>,
    /// The reported method's scores.
    pub scores: Vec<ClassScores>,
    /// Up to four curves, the reported method's first. May be empty.
    pub roc: Vec<RocCurve>,
}

/// All that a report tells.
#[derive(Clone, Debug)]
pub struct TrainingReport<'a> {
    /// The heading.
    pub title: &'a str,
    /// The command line that made the run.
    pub command: &'a str,
    /// Names and values.
    pub settings: &'a [(String, String)],
    /// Every step's losses. May be empty: not every method has steps.
    pub losses: &'a [LossPoint],
    /// Scores of the held-out normals.
    pub held_out: &'a [RawScore],
    /// What they were turned into.
    pub calibration: &'a Calibration,
    /// Pictures to show.
    pub samples: &'a [ReportSample],
    /// Pictures that could not be read, and why.
    pub skipped: &'a [(String, String)],
    /// Time the run took.
    pub elapsed_secs: f64,
    /// Results on labelled test pictures, if there were any.
    pub evaluation: Option<&'a Evaluation>,
}

impl TrainingReport<'_> {
    /// The whole file.
    pub fn to_html(&self) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        p.maker { "skip-ganomaly " (env!("CARGO_PKG_VERSION")) }
                        h1 { (self.title) }
                        pre.command tabindex="0" aria-label="Command" { code { (self.command) } }
                        (self.tiles())
                    }
                    main {
                        @if let Some(evaluation) = self.evaluation { (evaluation_section(evaluation, self.calibration.threshold)) }
                        (self.calibration_section())
                        (self.samples_section())
                        (self.losses_section())
                        (self.settings_section())
                        (self.skipped_section())
                    }
                }
            }
        }
        .into_string()
    }

    fn tiles(&self) -> Markup {
        let last = self.losses.last();
        html! {
            dl.tiles {
                (tile("Threshold", &figures(self.calibration.threshold), &rule_in_words(self.calibration.rule)))
                (tile("Held-out normals", &self.calibration.normals.to_string(), "calibrated on, never trained on"))
                @if let Some(last) = last {
                    (tile("Training steps", &last.step.to_string(), &counted(last.epoch, "epoch", "epochs")))
                }
                (tile("Time", &duration(self.elapsed_secs), "reading, training and calibrating"))
                @if let Some(row) = self.evaluation.and_then(|e| e.rows.iter().find(|row| row.class.is_none())) {
                    (tile("AUROC, full mix", &rate(row.auroc), &format!("{}, AUPRC {}", row.method, rate(row.auprc))))
                }
            }
        }
    }

    fn calibration_section(&self) -> Markup {
        let calibration = self.calibration;
        let scores = || self.held_out.iter().map(|score| score.anomaly_score);
        let bins = Bins::covering(scores(), bins_for(self.held_out.len()));
        let counts = bins.counts(scores());
        let above = scores()
            .filter(|&score| score > calibration.threshold)
            .count();
        let description = format!(
            "Histogram of {} scores. {above} of them are above the threshold of {}.",
            self.held_out.len(),
            figures(calibration.threshold)
        );
        let rows = [
            ("anomaly score A", Some(calibration.anomaly_score)),
            ("residual R", Some(calibration.residual)),
            ("latent L", calibration.latent),
        ];
        html! {
            section {
                h2 { "What normal looks like" }
                p {
                    "Scores of normal pictures that the network never trained on. A picture is anomalous when its score is above "
                    strong { (figures(calibration.threshold)) } ", " (rule_in_words(calibration.rule)) "; "
                    (above) " of these " (self.held_out.len()) " are."
                }
                @if !self.held_out.is_empty() {
                    div.wide {
                        (chart::histogram(
                            &Caption {
                                id: "held-out",
                                title: "Anomaly scores of the held-out normals",
                                description: &description,
                                x: "anomaly score A",
                                y: "pictures",
                            },
                            &bins,
                            &[Bars { name: "normal", class: "s1", heights: counts.iter().map(|&n| n as f64).collect(), outline: false }],
                            Some(calibration.threshold),
                            bins_table(&bins, &[("pictures", &counts)]),
                        ))
                    }
                }
                (scroll("Quantiles of the held-out normals", html! {
                    table {
                        caption { "Quantiles of the held-out normals" }
                        thead { tr {
                            th scope="col" { "score" }
                            @for name in ["min", "1 %", "5 %", "25 %", "median", "75 %", "95 %", "99 %", "max"] {
                                th.number scope="col" { (name) }
                            }
                        } }
                        tbody {
                            @for (name, quantiles) in rows {
                                @if let Some(quantiles) = quantiles {
                                    tr { th scope="row" { (name) } @for value in all(quantiles) { td.number { (figures(value)) } } }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }

    fn samples_section(&self) -> Markup {
        html! {
            @if !self.samples.is_empty() {
                section {
                    h2 { "Pictures" }
                    p {
                        "Input, reconstruction, and where they differ. All heat maps share one scale, so that they can be compared."
                    }
                    (heat_legend(self.calibration.heat_map_scale))
                    ul.samples { @for sample in self.samples { (card(sample)) } }
                }
            }
        }
    }

    fn losses_section(&self) -> Markup {
        type Part = (
            &'static str,
            &'static str,
            &'static str,
            fn(&LossPoint) -> f64,
        );
        const PARTS: [Part; 5] = [
            (
                "contextual",
                "Contextual loss",
                "mean absolute difference of picture and reconstruction",
                |p| p.contextual,
            ),
            (
                "latent",
                "Latent loss",
                "mean squared difference of the discriminator's features",
                |p| p.latent,
            ),
            (
                "adversarial",
                "Adversarial loss",
                "how surely the discriminator tells reconstructions",
                |p| p.adversarial,
            ),
            (
                "generator",
                "Generator, weighted sum",
                "what the generator is trained on",
                |p| p.generator,
            ),
            (
                "discriminator",
                "Discriminator",
                "what the discriminator is trained on",
                |p| p.discriminator,
            ),
        ];
        let epochs = by_epoch(self.losses);
        let odd = self
            .losses
            .iter()
            .filter(|p| PARTS.iter().any(|part| !part.3(p).is_finite()))
            .count();
        html! {
            @if !self.losses.is_empty() {
                section {
                    h2 { "Losses" }
                    p {
                        "Each chart has its own scale. The line is the mean of neighbouring steps, the band their range."
                        @if odd > 0 { " " strong { (counted(odd as u64, "step", "steps")) " had a loss that is not a number." } }
                    }
                    div.grid {
                        @for (id, title, words, of) in PARTS {
                            @let (points, band) = chart::joined(self.losses.iter().map(|p| (p.step as f64, of(p))), 160);
                            @let description = loss_in_words(words, &points);
                            (chart::lines(
                                &Caption { id: &format!("loss-{id}"), title, description: &description, x: "step", y: words },
                                &[Line { name: title.into(), class: "s1", points, band }],
                                Some(0.0),
                                html! {
                                    (scroll(title, html! { table {
                                        caption { (title) ", mean of each epoch" }
                                        thead { tr { th.number scope="col" { "epoch" } th.number scope="col" { "mean" } } }
                                        tbody { @for (epoch, points) in &epochs {
                                            tr { th.number scope="row" { (epoch) } td.number { (figures(mean(points.iter().map(of)))) } }
                                        } }
                                    } }))
                                },
                            ))
                        }
                    }
                }
            }
        }
    }

    fn settings_section(&self) -> Markup {
        html! {
            @if !self.settings.is_empty() {
                section {
                    h2 { "Settings" }
                    dl.settings { @for (name, value) in self.settings { div { dt { (name) } dd { (value) } } } }
                }
            }
        }
    }

    fn skipped_section(&self) -> Markup {
        html! {
            section {
                h2 { "Skipped files" }
                @if self.skipped.is_empty() {
                    p { "None: every picture could be read." }
                } @else {
                    p { (counted(self.skipped.len() as u64, "file", "files")) " could not be read. The others were used." }
                    (scroll("Skipped files", html! { table {
                        thead { tr { th scope="col" { "file" } th scope="col" { "reason" } } }
                        tbody { @for (file, reason) in self.skipped { tr { th.path scope="row" { (file) } td { (reason) } } } }
                    } }))
                }
            }
        }
    }
}

fn tile(name: &str, value: &str, note: &str) -> Markup {
    html! { div { dt { (name) } dd { strong { (value) } span { (note) } } } }
}

fn card(sample: &ReportSample) -> Markup {
    let pictures = [
        ("input", Some(&sample.input)),
        ("reconstruction", sample.reconstruction.as_ref()),
        ("heat map", Some(&sample.heat)),
    ];
    let anomalous = sample.verdict == "anomalous";
    html! {
        li {
            p.name { (sample.name) }
            div.pictures {
                @for (what, rgba) in pictures {
                    @if let Some(uri) = rgba.and_then(|rgba| picture::data_uri(rgba, sample.size)) {
                        img src=(uri) alt=(format!("{what} of {}", sample.name)) width=(sample.size) height=(sample.size);
                    }
                }
            }
            p.scores {
                span.verdict.anomalous[anomalous] { @if anomalous { "▲ " } @else { "● " } (sample.verdict) }
                " A " (figures(sample.score.anomaly_score)) ", R " (figures(sample.score.residual))
                @if let Some(latent) = sample.score.latent { ", L " (figures(latent)) }
            }
        }
    }
}

fn heat_legend(scale: f64) -> Markup {
    let stops: Vec<_> = (0..=8)
        .map(|k| {
            let [r, g, b] = heat_colour(k as f32 / 8.0);
            format!("rgb({r} {g} {b})")
        })
        .collect();
    html! {
        p.heat {
            "difference 0 "
            span.bar aria-hidden="true" style=(format!("background:linear-gradient(to right,{})", stops.join(","))) {}
            " " (figures(scale)) " and above"
        }
    }
}

fn evaluation_section(evaluation: &Evaluation, threshold: f64) -> Markup {
    let mix: Vec<_> = evaluation
        .rows
        .iter()
        .filter(|row| row.class.is_none())
        .collect();
    html! {
        section {
            h2 { "Results on labelled test pictures" }
            p {
                "Scored in inference mode, each picture on its own. Nothing was chosen on these pictures: neither weights, nor epoch, nor threshold. "
                strong { (comparison_in_words(&mix)) }
            }
            @if !mix.is_empty() {
                (scroll("Full mix", html! { table {
                    caption { "Full mix of all faults" }
                    thead { tr {
                        th scope="col" { "method" } th.number scope="col" { "AUROC" } th.number scope="col" { "AUPRC" }
                        th.number scope="col" { "normal" } th.number scope="col" { "abnormal" }
                    } }
                    tbody { @for row in &mix { tr {
                        th scope="row" { (row.method) } td.number { (rate(row.auroc)) } td.number { (rate(row.auprc)) }
                        td.number { (row.normals) } td.number { (row.abnormal) }
                    } } }
                } }))
            }
            (by_fault(&evaluation.rows))
            div.grid {
                (score_charts(&evaluation.scores, threshold))
                @if !evaluation.roc.is_empty() { (roc_chart(&evaluation.roc)) }
            }
            (class_charts(&evaluation.scores, threshold))
        }
    }
}

/// Who ranks better on the full mix, in a sentence that does not flatter.
fn comparison_in_words(mix: &[&EvaluationRow]) -> String {
    let Some((own, others)) = mix.split_first() else {
        return String::new();
    };
    let best = others.iter().max_by(|a, b| a.auroc.total_cmp(&b.auroc));
    match best {
        None => format!("{}: AUROC {}.", own.method, rate(own.auroc)),
        Some(best) => {
            let verb = match (own.auroc - best.auroc).total_cmp(&0.0) {
                _ if rate(own.auroc) == rate(best.auroc) => "does as well as",
                std::cmp::Ordering::Greater => "does better than",
                _ => "does worse than",
            };
            format!(
                "On the full mix {} {verb} {}: AUROC {} against {}.",
                own.method,
                best.method,
                rate(own.auroc),
                rate(best.auroc)
            )
        }
    }
}

fn by_fault(rows: &[EvaluationRow]) -> Markup {
    let mut methods: Vec<&str> = Vec::new();
    let mut classes: BTreeMap<&str, BTreeMap<&str, &EvaluationRow>> = BTreeMap::new();
    for row in rows {
        if let Some(class) = &row.class {
            if !methods.contains(&row.method.as_str()) {
                methods.push(&row.method);
            }
            classes.entry(class).or_default().insert(&row.method, row);
        }
    }
    html! {
        @if !classes.is_empty() {
            (scroll("By fault", html! { table {
                caption { "By fault, each against all normal test pictures; the best AUROC of a row is bold" }
                thead {
                    tr {
                        th scope="col" rowspan="2" { "fault" } th.number scope="col" rowspan="2" { "pictures" }
                        th.group scope="colgroup" colspan=(methods.len()) { "AUROC" }
                        th.group scope="colgroup" colspan=(methods.len()) { "AUPRC" }
                    }
                    tr { @for _ in 0..2 { @for method in &methods { th.number scope="col" { (method) } } } }
                }
                tbody { @for (class, by_method) in &classes {
                    @let best = by_method.values().map(|row| row.auroc).fold(f64::NEG_INFINITY, f64::max);
                    tr {
                        th scope="row" { (class) }
                        td.number { (by_method.values().next().map_or(0, |row| row.abnormal)) }
                        @for method in &methods {
                            td.number { @match by_method.get(method) {
                                Some(row) if row.auroc == best => { strong { (rate(row.auroc)) } },
                                Some(row) => { (rate(row.auroc)) },
                                None => { "–" },
                            } }
                        }
                        @for method in &methods {
                            td.number { @match by_method.get(method) { Some(row) => { (rate(row.auprc)) }, None => { "–" } } }
                        }
                    }
                } }
            } }))
        }
    }
}

/// Shares in per cent, so that classes of different size can be compared.
fn shares(counts: &[usize]) -> Vec<f64> {
    let total = counts.iter().sum::<usize>().max(1) as f64;
    counts
        .iter()
        .map(|&count| 100.0 * count as f64 / total)
        .collect()
}

/// The bins of all test scores but the highest hundredth, which would flatten the rest; the last bin
/// takes them.
fn test_bins(scores: &[ClassScores]) -> Bins {
    let mut all: Vec<f64> = scores
        .iter()
        .flat_map(|class| class.scores.iter().copied())
        .filter(|s| s.is_finite())
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    let most = all.len().div_ceil(100).min(all.len().saturating_sub(1));
    all.truncate(all.len() - most);
    Bins::covering(all.into_iter(), 30)
}

fn score_charts(scores: &[ClassScores], threshold: f64) -> Markup {
    let bins = test_bins(scores);
    let of = |abnormal: bool| {
        bins.counts(
            scores
                .iter()
                .filter(|c| c.abnormal == abnormal)
                .flat_map(|c| c.scores.iter().copied()),
        )
    };
    let (normal, abnormal) = (of(false), of(true));
    let above = |abnormal: bool| -> (usize, usize) {
        let all = || {
            scores
                .iter()
                .filter(|c| c.abnormal == abnormal)
                .flat_map(|c| &c.scores)
        };
        (
            all().filter(|&&score| score > threshold).count(),
            all().count(),
        )
    };
    let ((false_alarms, normals), (found, abnormals)) = (above(false), above(true));
    let description = format!(
        "{false_alarms} of {normals} normal and {found} of {abnormals} abnormal test pictures are above the threshold of {}.",
        figures(threshold)
    );
    html! {
        @if !scores.is_empty() {
            div {
                (chart::histogram(
                    &Caption {
                        id: "test-scores",
                        title: "Anomaly scores of the test pictures",
                        description: &description,
                        x: "anomaly score A",
                        y: "% of its class",
                    },
                    &bins,
                    &[
                        Bars { name: "abnormal", class: "s2", heights: shares(&abnormal), outline: false },
                        Bars { name: "normal", class: "s1", heights: shares(&normal), outline: true },
                    ],
                    Some(threshold),
                    bins_table(&bins, &[("normal", &normal), ("abnormal", &abnormal)]),
                ))
                p.note { (description) " The last bin also holds higher scores." }
            }
        }
    }
}

fn class_charts(scores: &[ClassScores], threshold: f64) -> Markup {
    let bins = test_bins(scores);
    let normal = bins.counts(
        scores
            .iter()
            .filter(|c| !c.abnormal)
            .flat_map(|c| c.scores.iter().copied()),
    );
    let faults: Vec<_> = scores
        .iter()
        .filter(|c| c.abnormal && !c.scores.is_empty())
        .collect();
    html! {
        @if faults.len() > 1 {
            h3 { "Scores by fault" }
            p { "Bars are the fault, the line is the normal test pictures." }
            div.grid.small {
                @for (k, class) in faults.iter().enumerate() {
                    @let counts = bins.counts(class.scores.iter().copied());
                    @let above = class.scores.iter().filter(|&&score| score > threshold).count();
                    @let description = format!("{above} of {} are above the threshold.", class.scores.len());
                    @let title = format!("{}: {above} of {} above the threshold", class.class, class.scores.len());
                    (chart::histogram(
                        &Caption { id: &format!("class-{k}"), title: &title, description: &description, x: "anomaly score A", y: "% of its class" },
                        &bins,
                        &[
                            Bars { name: &class.class, class: "s2", heights: shares(&counts), outline: false },
                            Bars { name: "normal", class: "s1", heights: shares(&normal), outline: true },
                        ],
                        Some(threshold),
                        bins_table(&bins, &[(class.class.as_str(), &counts)]),
                    ))
                }
            }
        }
    }
}

fn roc_chart(curves: &[RocCurve]) -> Markup {
    const CLASSES: [&str; 4] = ["s1", "s2", "s3", "s4"];
    let lines: Vec<_> = curves
        .iter()
        .zip(CLASSES)
        .map(|(curve, class)| Line {
            name: curve.method.clone(),
            class,
            points: curve.points.clone(),
            band: Vec::new(),
        })
        .collect();
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    let description = format!(
        "True-positive rate over false-positive rate of {} on the full mix. The dashed diagonal is a guess.",
        names.join(", ")
    );
    const RATES: [f64; 9] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9];
    let caption = Caption {
        id: "roc",
        title: "ROC curve, full mix",
        description: &description,
        x: "false-positive rate",
        y: "true-positive rate",
    };
    chart::roc(
        &caption,
        &lines,
        html! {
            (scroll("ROC curve", html! { table {
                caption { "True-positive rate at a false-positive rate" }
                thead { tr { th.number scope="col" { "false positives" } @for name in &names { th.number scope="col" { (name) } } } }
                tbody { @for at in RATES { tr {
                    th.number scope="row" { (rate(at)) }
                    @for line in &lines { td.number { (rate(height_at(&line.points, at))) } }
                } } }
            } }))
        },
    )
}

/// The true-positive rate of a ROC curve at a false-positive rate, on a straight line between points.
fn height_at(curve: &[(f64, f64)], x: f64) -> f64 {
    let after = curve.partition_point(|p| p.0 <= x);
    match (after.checked_sub(1).map(|k| curve[k]), curve.get(after)) {
        (Some((x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some((_, y)), None) => y,
        _ => 0.0,
    }
}

fn bins_table(bins: &Bins, columns: &[(&str, &Vec<usize>)]) -> Markup {
    scroll(
        "Numbers of the histogram",
        html! { table {
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

fn bins_for(pictures: usize) -> usize {
    ((pictures as f64).sqrt().round() as usize).clamp(8, 40)
}

fn all(q: Quantiles) -> [f64; 9] {
    [
        q.min, q.q01, q.q05, q.q25, q.median, q.q75, q.q95, q.q99, q.max,
    ]
}

fn by_epoch(losses: &[LossPoint]) -> BTreeMap<u64, Vec<LossPoint>> {
    let mut epochs: BTreeMap<u64, Vec<LossPoint>> = BTreeMap::new();
    for &point in losses {
        epochs.entry(point.epoch).or_default().push(point);
    }
    epochs
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values
        .filter(|v| v.is_finite())
        .fold((0, 0.0), |(n, sum), v| (n + 1, sum + v));
    sum / f64::from(count)
}

fn loss_in_words(what: &str, points: &[(f64, f64)]) -> String {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => {
            format!(
                "{what}: from {} at the start to {} at the end.",
                figures(first.1),
                figures(last.1)
            )
        }
        _ => format!("{what}: no step had a number."),
    }
}

fn rule_in_words(rule: ThresholdRule) -> String {
    match rule {
        ThresholdRule::HeldOutQuantile(q) => {
            let percent = format!("{:.3}", q * 100.0);
            format!(
                "the {} % quantile of held-out normals",
                percent.trim_end_matches('0').trim_end_matches('.')
            )
        }
        ThresholdRule::Manual => "set by hand".into(),
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Four significant figures.
fn figures(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".into();
    }
    let magnitude = value.abs();
    if value == 0.0 {
        "0".into()
    } else if !(1e-4..1e6).contains(&magnitude) {
        format!("{value:.3e}")
    } else {
        let decimals = (3 - magnitude.log10().floor() as i32).max(0) as usize;
        format!("{value:.decimals$}")
    }
}

/// Three decimals, as such rates are usually given.
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

const STYLE: &str = include_str!("report/style.css");

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(low: f64, high: f64) -> Quantiles {
        let at = |part: f64| low + (high - low) * part;
        Quantiles {
            min: low,
            q01: at(0.02),
            q05: at(0.1),
            q25: at(0.3),
            median: at(0.4),
            q75: at(0.55),
            q95: at(0.8),
            q99: at(0.92),
            max: high,
        }
    }

    fn calibration() -> Calibration {
        Calibration {
            normals: 600,
            threshold: 0.061,
            rule: ThresholdRule::HeldOutQuantile(0.99),
            anomaly_score: quantiles(0.021, 0.066),
            residual: quantiles(0.022, 0.07),
            latent: Some(quantiles(0.0004, 0.02)),
            heat_map_scale: 0.31,
        }
    }

    /// Numbers with the look of real ones.
    fn wobble(k: usize) -> f64 {
        let x = (k as f64 * 12.9898).sin() * 43_758.545_3;
        x - x.floor()
    }

    fn bell(k: usize) -> f64 {
        (0..4).map(|i| wobble(4 * k + i)).sum::<f64>() / 4.0
    }

    fn losses() -> Vec<LossPoint> {
        (1..=1260)
            .map(|step| {
                let fall = (-(step as f64) / 180.0).exp();
                let noise = 0.85 + 0.3 * wobble(step);
                let contextual = (0.045 + 0.4 * fall) * noise;
                let (adversarial, latent) =
                    (1.2 + (1.0 - fall) * 2.0 * noise, 0.02 + 0.3 * fall * noise);
                LossPoint {
                    step: step as u64,
                    epoch: (step as u64 - 1) / 84 + 1,
                    adversarial,
                    contextual,
                    latent,
                    generator: adversarial + 50.0 * contextual + latent,
                    discriminator: 0.3 + 0.9 * fall * noise,
                }
            })
            .collect()
    }

    fn held_out() -> Vec<RawScore> {
        let score = |k| {
            let residual = 0.022 + 0.045 * bell(k).powi(2) * 1.4;
            let latent = 0.01 * bell(k + 999);
            RawScore {
                anomaly_score: 0.9 * residual + 0.1 * latent,
                residual,
                latent: Some(latent),
            }
        };
        (0..600).map(score).collect()
    }

    fn sample(k: usize) -> ReportSample {
        let size = 32;
        let pixel = |at: usize| {
            let (x, y) = (at % size, at / size);
            let hot = k == 3 && (8..15).contains(&x) && (10..20).contains(&y);
            let value = 90 + (x * 2 + y + k * 10) as u8 % 90;
            if hot { 250 } else { value }
        };
        let grey = |f: &dyn Fn(usize) -> u8| {
            (0..size * size)
                .flat_map(|at| [f(at), f(at), f(at), 255])
                .collect()
        };
        let heat: Vec<f32> = (0..size * size)
            .map(|at| f32::from(pixel(at)) / 255.0 * if k == 3 { 0.3 } else { 0.04 })
            .collect();
        ReportSample {
            name: format!("test/1.abnormal/cell-multi_{}.png", 3500 + k),
            size,
            input: grey(&pixel),
            reconstruction: Some(grey(&|at| 90 + (at % size * 2) as u8)),
            heat: crate::data::image::heat_map_rgba(&heat, 0.31),
            score: RawScore {
                anomaly_score: 0.031_234,
                residual: 0.034,
                latent: Some(0.003_21),
            },
            verdict: if k == 3 { "anomalous" } else { "normal" }.into(),
        }
    }

    fn evaluation() -> Evaluation {
        let faults = [
            "cell",
            "cracking",
            "diode",
            "hot-spot",
            "soiling",
            "vegetation",
        ];
        let mut rows = Vec::new();
        for (method, bonus) in [
            ("Skip-GANomaly", 0.0),
            ("PCA-32", 0.05),
            ("Nearest neighbour", 0.04),
        ] {
            rows.push(EvaluationRow {
                method: method.into(),
                class: None,
                normals: 1000,
                abnormal: 1999,
                auroc: 0.77 + bonus,
                auprc: 0.84 + bonus,
            });
            for (k, fault) in faults.iter().enumerate() {
                rows.push(EvaluationRow {
                    method: method.into(),
                    class: Some((*fault).into()),
                    normals: 1000,
                    abnormal: 40 + 50 * k,
                    auroc: 0.6 + 0.3 * wobble(k) + bonus,
                    auprc: 0.3 + 0.3 * wobble(k + 7),
                });
            }
        }
        let mut scores = vec![ClassScores {
            class: "normal".into(),
            abnormal: false,
            scores: (0..1000)
                .map(|k| 0.02 + 0.05 * bell(k + 50).powi(2))
                .collect(),
        }];
        for (n, fault) in faults.iter().enumerate() {
            scores.push(ClassScores {
                class: (*fault).into(),
                abnormal: true,
                scores: (0..40 + 50 * n)
                    .map(|k| 0.022 + (0.04 + 0.03 * wobble(n)) * bell(k + 7 * n))
                    .collect(),
            });
        }
        let curve = |power: f64| {
            (0..=50)
                .map(|k| f64::from(k) / 50.0)
                .map(|x| (x, x.powf(power)))
                .collect()
        };
        let roc = [
            ("Skip-GANomaly", 0.35),
            ("PCA-32", 0.25),
            ("Nearest neighbour", 0.27),
        ]
        .map(|(method, power)| RocCurve {
            method: method.into(),
            points: curve(power),
        });
        Evaluation {
            rows,
            scores,
            roc: roc.into(),
        }
    }

    fn html(losses: &[LossPoint], evaluation: Option<&Evaluation>) -> String {
        let settings = [
            ("size", "32"),
            ("channels", "1"),
            ("width", "32"),
            ("epochs", "15"),
            ("seed", "0"),
        ]
        .map(|(name, value)| (name.to_string(), value.to_string()));
        let samples: Vec<_> = (0..8).map(sample).collect();
        TrainingReport {
            title: "Training report",
            command: "skip-ganomaly train --data data/solar-ir --size 32 --channels 1 --out runs/solar-ir",
            settings: &settings,
            losses,
            held_out: &held_out(),
            calibration: &calibration(),
            samples: &samples,
            skipped: &[("b<script>.png".into(), "expected a picture, got an empty file".into())],
            elapsed_secs: 1503.2,
            evaluation,
        }
        .to_html()
    }

    #[test]
    fn the_file_needs_nothing_else_and_escapes_names() {
        let text = html(&losses(), Some(&evaluation()));
        assert!(text.starts_with("<!DOCTYPE html>"));
        for foreign in ["http://", "https://", "<script", "<link", "url("] {
            assert!(!text.contains(foreign), "found {foreign}");
        }
        assert!(text.contains("b&lt;script&gt;.png"));
        assert!(text.contains("Skip-GANomaly does worse than PCA-32"));
        assert!(
            !text.contains("NaN") && !text.contains("inf "),
            "a chart has no place for such numbers"
        );
        // To look at it: REPORT_TO=report.html cargo test the_file_needs
        if let Ok(path) = std::env::var("REPORT_TO") {
            std::fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn every_drawing_is_named_and_has_a_table() {
        let text = html(&losses(), Some(&evaluation()));
        let drawings = text.matches("<svg").count();
        assert!(drawings >= 10, "{drawings}");
        assert_eq!(text.matches("role=\"img\"").count(), drawings);
        assert_eq!(text.matches("<details>").count(), drawings);
        let mut ids: Vec<_> = text
            .split(" id=\"")
            .skip(1)
            .map(|rest| rest.split('"').next())
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), count), (2 * drawings, 2 * drawings));
        assert_eq!(text.matches("<img").count(), text.matches(" alt=").count());
    }

    #[test]
    fn a_bare_run_and_broken_losses_still_give_a_report() {
        assert!(!html(&[], None).contains("<h2>Losses"));
        let mut broken = losses();
        broken.truncate(3);
        broken.iter_mut().for_each(|p| p.contextual = f64::NAN);
        let text = html(&broken, None);
        assert!(text.contains("3 steps") && text.contains("no step had a number"));
        assert!(!text.contains("NaN"));
        let calibration = Calibration {
            latent: None,
            rule: ThresholdRule::Manual,
            ..calibration()
        };
        let bare = TrainingReport {
            title: "t",
            command: "",
            settings: &[],
            losses: &[],
            held_out: &[],
            calibration: &calibration,
            samples: &[],
            skipped: &[],
            elapsed_secs: 0.0,
            evaluation: Some(&Evaluation::default()),
        };
        assert!(bare.to_html().contains("set by hand"));
    }

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
            "the 99 % quantile of held-out normals"
        );
        assert_eq!(
            height_at(&[(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)], 0.25),
            0.75
        );
        assert_eq!(height_at(&[(0.0, 0.0), (1.0, 1.0)], 1.0), 1.0);
    }
}
