//! The report of a training run: scores of normal images, examples, losses, settings.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart::{self, Bars, Bins, Caption, Line, bins_table};
use super::format::{counted, duration, figures, rule_in_words};
use super::page::{command, page, scroll, settings_section, skipped_section, tile};
use super::picture::{self, ReportSample};
use crate::calibration::Calibration;
use crate::score::RawScore;
use crate::train::losses::{LossTerm, Losses};

/// The losses of one training step.
#[derive(Clone, Debug, PartialEq)]
pub struct LossPoint {
    /// Which step, from 1.
    pub step: u64,
    /// In which epoch, from 1.
    pub epoch: u64,
    /// Its losses.
    pub losses: Losses,
}

/// The content of a training run's report.
#[derive(Clone, Debug)]
pub struct TrainingReport<'a> {
    /// The heading.
    pub title: &'a str,
    /// The command line that made the run.
    pub command: &'a str,
    /// Names and values.
    pub settings: &'a [(String, String)],
    /// What the method calls its losses.
    pub loss_terms: &'a [LossTerm],
    /// Every step's losses. Empty for a method without steps.
    pub losses: &'a [LossPoint],
    /// Scores of the held-out normal images.
    pub held_out: &'a [RawScore],
    /// The calibration fitted to them.
    pub calibration: &'a Calibration,
    /// Images to show.
    pub samples: &'a [ReportSample],
    /// Images that could not be read, and why.
    pub skipped: &'a [(String, String)],
    /// Time that the run took, in seconds.
    pub elapsed_secs: f64,
}

impl TrainingReport<'_> {
    /// The whole file.
    pub fn to_html(&self) -> String {
        page(
            self.title,
            html! {
                (command(self.command))
                (self.tiles())
            },
            html! {
                (self.calibration_section())
                (self.samples_section())
                (self.losses_section())
                (settings_section(self.settings))
                (skipped_section(self.skipped))
            },
        )
    }

    fn tiles(&self) -> Markup {
        let last = self.losses.last();
        html! {
            dl.tiles {
                (tile("Threshold", &figures(self.calibration.threshold), &rule_in_words(self.calibration.rule)))
                (tile("Held-out normal images", &self.calibration.normals.to_string(), "used for calibration, not for training"))
                @if let Some(last) = last {
                    (tile("Training steps", &last.step.to_string(), &counted(last.epoch, "epoch", "epochs")))
                }
                (tile("Time", &duration(self.elapsed_secs), "reading, training and calibrating"))
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
                h2 { "Scores of normal images" }
                p {
                    "Scores of normal images that were not used for training. An image is called anomalous when its score is above "
                    strong { (figures(calibration.threshold)) } ", " (rule_in_words(calibration.rule)) "; "
                    (above) " of these " (self.held_out.len()) " are."
                }
                @if !self.held_out.is_empty() {
                    div.wide {
                        (chart::histogram(
                            Caption {
                                id: "held-out".into(),
                                title: "Anomaly scores of the held-out normal images".into(),
                                description,
                                x: "anomaly score A",
                                y: "images",
                                warning: None,
                            },
                            &bins,
                            &[Bars { name: "normal".into(), class: "s1", heights: counts.iter().map(|&n| n as f64).collect(), outline: false }],
                            Some((calibration.threshold, "threshold")),
                        ).figure(bins_table("Numbers of the histogram", &bins, &[("images", &counts)])))
                    }
                }
                (scroll("Quantiles of the held-out normal images", html! {
                    table {
                        caption { "Quantiles of the held-out normal images" }
                        thead { tr {
                            th scope="col" { "score" }
                            @for (name, _) in calibration.anomaly_score.entries() { th.number scope="col" { (name) } }
                        } }
                        tbody {
                            @for (name, quantiles) in rows {
                                @if let Some(quantiles) = quantiles {
                                    tr { th scope="row" { (name) } @for (_, value) in quantiles.entries() { td.number { (figures(value)) } } }
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
                    h2 { "Examples" }
                    p {
                        "Input, reconstruction and " (picture::heat_words(self.samples.iter())) ". All heat maps share one scale, so that they can be compared."
                    }
                    (picture::heat_legend(self.calibration))
                    ul.samples { @for sample in self.samples { (picture::card(sample, None)) } }
                }
            }
        }
    }

    fn losses_section(&self) -> Markup {
        let of =
            |point: &LossPoint, term: &LossTerm| point.losses.get(term.name).unwrap_or(f64::NAN);
        let epochs = by_epoch(self.losses);
        let is_odd = |point: &&LossPoint| {
            let mut terms = self.loss_terms.iter();
            terms.any(|term| !of(point, term).is_finite())
        };
        let odd = self.losses.iter().filter(is_odd).count();
        html! {
            @if !self.losses.is_empty() {
                section {
                    h2 { "Losses" }
                    p {
                        "Each chart has its own scale. The line is the mean of neighbouring steps, the band their range."
                        @if odd > 0 { " " strong { (counted(odd as u64, "step", "steps")) " had a loss that is not a number." } }
                    }
                    div.grid {
                        @for term in self.loss_terms {
                            @let LossTerm { name, title, meaning, .. } = *term;
                            @let (points, band) = chart::joined(self.losses.iter().map(|p| (p.step as f64, of(p, term))), 160);
                            (chart::lines(
                                Caption {
                                    id: format!("loss-{name}"),
                                    title: title.into(),
                                    description: loss_in_words(meaning, &points),
                                    x: "step",
                                    y: meaning,
                                    warning: None,
                                },
                                &[Line { name: title.into(), class: "s1", points, band }],
                                Some(0.0),
                                &[],
                            ).figure(html! {
                                    (scroll(title, html! { table {
                                        caption { (title) ", mean of each epoch" }
                                        thead { tr { th.number scope="col" { "epoch" } th.number scope="col" { "mean" } } }
                                        tbody { @for (epoch, points) in &epochs {
                                            tr { th.number scope="row" { (epoch) } td.number { (figures(mean(points.iter().map(|p| of(p, term))))) } }
                                        } }
                                    } }))
                                }))
                        }
                    }
                }
            }
        }
    }
}

fn bins_for(pictures: usize) -> usize {
    ((pictures as f64).sqrt().round() as usize).clamp(8, 40)
}

fn by_epoch(losses: &[LossPoint]) -> BTreeMap<u64, Vec<&LossPoint>> {
    let mut epochs: BTreeMap<u64, Vec<&LossPoint>> = BTreeMap::new();
    for point in losses {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::ThresholdRule;
    use crate::report::sample_data::{bell, calibration, sample, wobble};
    use crate::settings::method::Method;

    fn loss_terms() -> &'static [LossTerm] {
        Method::SkipGanomaly.loss_terms()
    }

    fn losses() -> Vec<LossPoint> {
        (1..=1260)
            .map(|step| {
                let fall = (-(step as f64) / 180.0).exp();
                let noise = 0.85 + 0.3 * wobble(step);
                let contextual = (0.045 + 0.4 * fall) * noise;
                let (adversarial, latent) =
                    (1.2 + (1.0 - fall) * 2.0 * noise, 0.02 + 0.3 * fall * noise);
                let generator = adversarial + 50.0 * contextual + latent;
                let discriminator = 0.3 + 0.9 * fall * noise;
                let values = [adversarial, contextual, latent, generator, discriminator];
                LossPoint {
                    step: step as u64,
                    epoch: (step as u64 - 1) / 84 + 1,
                    losses: Losses::new(loss_terms(), &values.map(|v| v as f32)),
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
                marks: None,
            }
        };
        (0..600).map(score).collect()
    }

    fn html(losses: &[LossPoint]) -> String {
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
            loss_terms: loss_terms(),
            losses,
            held_out: &held_out(),
            calibration: &calibration(),
            samples: &samples,
            skipped: &[("b<script>.png".into(), "expected an image, got an empty file".into())],
            elapsed_secs: 1503.2,
        }
        .to_html()
    }

    #[test]
    fn the_file_needs_nothing_else_and_escapes_names() {
        let text = html(&losses());
        assert!(text.starts_with("<!DOCTYPE html>"));
        for foreign in ["http://", "https://", "<script", "<link", "url("] {
            assert!(!text.contains(foreign), "found {foreign}");
        }
        assert!(text.contains("b&lt;script&gt;.png"));
        assert!(
            !text.contains("NaN") && !text.contains("inf "),
            "a chart has no place for such numbers"
        );
        // To look at it: REPORT_TO=folder cargo test report
        if let Ok(folder) = std::env::var("REPORT_TO") {
            let folder = std::path::Path::new(&folder);
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("training.html"), text).unwrap();
        }
    }

    #[test]
    fn every_drawing_is_named_and_has_a_table() {
        let text = html(&losses());
        let drawings = text.matches("<figure").count();
        assert_eq!(drawings, 6);
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
        assert!(!html(&[]).contains("<h2>Losses"));
        let mut broken = losses();
        broken.truncate(3);
        let values = [0.7, f32::NAN, 0.2, 20.0, 1.3];
        let nan = Losses::new(loss_terms(), &values);
        broken.iter_mut().for_each(|p| p.losses = nan.clone());
        let text = html(&broken);
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
            loss_terms: &[],
            losses: &[],
            held_out: &[],
            calibration: &calibration,
            samples: &[],
            skipped: &[],
            elapsed_secs: 0.0,
        };
        assert!(bare.to_html().contains("set by hand"));
    }
}
