//! The report of an evaluation: every method's results on labelled test images, how far they can be
//! trusted, and where the model errs.
//!
//! Numbers of the published protocol are marked wherever they appear, on the page and in the files.

mod charts;
mod content;
mod files;
mod tables;

use maud::{Markup, html};

pub(super) use content::full_mix;
pub use content::{EvaluationReport, Miss, worst};
pub(super) use files::table as csv_table;
pub(super) use tables::{caption as table_caption, with_range};

use super::format::{figures, grouped, percent, range, rate, rule_in_words};
use super::page::{command, leak, page, settings_section, skipped_section, tile};
use super::picture;
use crate::evaluation::{
    FaultOrigin, Interval, MethodResult, Metrics, PUBLISHED_WARNING, Protocol, Threshold,
    ThresholdSource, detection_in_words,
};
use content::{base_rate, leaks};

impl EvaluationReport<'_> {
    /// The page, `report.html`.
    pub fn to_html(&self) -> String {
        page(
            self.title,
            html! {
                (self.warning())
                (self.tiles())
            },
            html! {
                (self.what_section())
                // Simulated faults alone need no labelled images.
                @if self.own().is_some() || self.evaluation.simulated.is_none() { (self.results_section()) }
                (self.classes_section())
                (self.published_section())
                (self.curves_section())
                (self.scores_section())
                (self.confusion_section())
                (self.pixel_section())
                (self.detection_section())
                (self.epochs_section())
                (self.misses_section())
                (settings_section(self.settings))
                (skipped_section(&self.evaluation.skipped))
                section {
                    h2 { "How to repeat it" }
                    (command(self.command))
                    p.note {
                        "This folder also holds metrics.csv, scores.csv (one row per image), roc.csv and pr.csv (all points), and "
                        "the charts of curves and scores as SVG"
                        @if self.evaluation.simulated.is_some() { "; detection.csv has one row per simulated fault" } "."
                    }
                }
            },
        )
    }

    /// The files beside the page: name and content.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let drawings = charts::all(self)
            .into_iter()
            .map(|(name, drawing)| (name, drawing.file().into_bytes()));
        let tables = files::all(self)
            .into_iter()
            .map(|(name, bytes)| (name.to_owned(), bytes));
        drawings.chain(tables).collect()
    }

    fn warning(&self) -> Markup {
        let leaking: Vec<_> = self
            .methods()
            .iter()
            .filter(|m| m.protocol == Protocol::Published)
            .collect();
        html! {
            @if !leaking.is_empty() {
                div.warning role="note" aria-labelledby="leaks" {
                    h2 id="leaks" { span aria-hidden="true" { "⚠ " } "Warning: numbers of the published protocol leak" }
                    p {
                        "They were computed as the published code computes them, to show what it would report. They do not measure how well a "
                        "method detects anomalies."
                    }
                    p {
                        strong { "Batch statistics. " }
                        "The test images are scored in batches ordered by class, and each batch is normalised by its own mean and variance. "
                        "Nearly every batch is of one class, so its statistics give the class away: an image's score depends on the other images of its batch."
                    }
                    p {
                        strong { "Best epoch. " }
                        "The published code tests after every epoch and reports the best one: the epoch is chosen on the test images."
                    }
                    p {
                        "Scored in this way: " @for (k, result) in leaking.iter().enumerate() {
                            @if k > 0 { ", " } (result.method)
                        }
                        ". " @if leaking.len() < self.methods().len() { "All other methods here were scored honestly." } @else { "No method here was scored honestly." }
                    }
                }
            }
        }
    }

    fn tiles(&self) -> Markup {
        let Some((own, full)) = self.own().and_then(|own| Some((own, full_mix(own)?))) else {
            return html! {};
        };
        let leaks = own.protocol == Protocol::Published;
        let name = |name: &str| {
            if leaks {
                format!("{name}, leaks")
            } else {
                name.to_owned()
            }
        };
        let range = |interval: Interval| format!("95 % interval {}", range(interval));
        let best = self
            .best_other()
            .and_then(|other| Some((other, full_mix(other)?)));
        html! {
            dl.tiles {
                (tile(&name("AUROC"), &rate(full.auroc.value), &range(full.auroc)))
                (tile(&name("AUPRC"), &rate(full.auprc.value), &format!("{}; chance is {}", range(full.auprc), rate(base_rate(full)))))
                @if let Some((other, metrics)) = best {
                    (tile("Best of the others", &rate(metrics.auroc.value), &format!("AUROC of {}", self.label(other))))
                }
                (tile("Test images", &grouped(full.normals + full.abnormal), &format!("{} normal, {} abnormal", grouped(full.normals), grouped(full.abnormal))))
                @if let Some(threshold) = own.threshold {
                    (tile("Threshold", &figures(threshold.value), &self.source_in_words(threshold)))
                }
            }
        }
    }

    fn what_section(&self) -> Markup {
        let evaluation = self.evaluation;
        let all: Vec<_> = self
            .methods()
            .iter()
            .map(|result| self.label(result))
            .collect();
        let honest = self
            .methods()
            .iter()
            .any(|m| m.protocol == Protocol::Honest);
        html! {
            section {
                h2 { "What was evaluated" }
                dl.facts {
                    dt { "data" } dd { (evaluation.data) }
                    dt { "split" } dd { (evaluation.split) }
                    @if let Some(own) = self.own() {
                        dt { "reported method" } dd { (self.label(own)) }
                    }
                    @if all.len() > 1 { dt { "compared with" } dd { (all[1..].join("; ")) } }
                }
                @if honest {
                    p.note {
                        @if self.leaks().is_some() { "Honest protocol: scored" } @else { "Protocol: honest. Scored" }
                        " in inference mode, so an image's score depends only on that image and the model. "
                        "Weights, epoch and threshold were not chosen on these test images."
                    }
                }
                @if let Some(warning) = self.leaks() { p { (leak(warning)) } }
                // The warning about leaks is at the top.
                @let others: Vec<_> = evaluation.warnings.iter().filter(|w| *w != PUBLISHED_WARNING).collect();
                @if !others.is_empty() {
                    h3 { "Notes" }
                    ul.remarks { @for warning in others { li { (warning) } } }
                }
            }
        }
    }

    /// The best of the other methods that were scored honestly.
    fn best_other(&self) -> Option<&MethodResult> {
        let own = self.own()?;
        let auroc = |m: &MethodResult| full_mix(m).map_or(f64::NEG_INFINITY, |m| m.auroc.value);
        self.methods()[1..]
            .iter()
            .filter(|m| {
                m.protocol == Protocol::Honest && m.method != own.method && full_mix(m).is_some()
            })
            .max_by(|a, b| auroc(a).total_cmp(&auroc(b)))
    }

    /// The same model under the other protocol.
    fn twin(&self) -> Option<&MethodResult> {
        let own = self.own()?;
        self.methods()
            .iter()
            .find(|m| m.method == own.method && m.protocol != own.protocol)
    }

    /// Which method ranks better, in plain sentences.
    fn answer(&self) -> Vec<String> {
        let Some((own, full)) = self.own().and_then(|own| Some((own, full_mix(own)?))) else {
            return vec!["No method has a result on all classes together.".into()];
        };
        let name = self.label(own);
        let with = |m: &Metrics| format!("{} ({})", rate(m.auroc.value), range(m.auroc));
        let mut said = Vec::new();
        match self
            .best_other()
            .and_then(|other| Some((other, full_mix(other)?)))
        {
            _ if own.protocol == Protocol::Published => said.push(format!(
                "{name} has AUROC {}, a number that leaks: compare it with published numbers only.",
                rate(full.auroc.value)
            )),
            None => said.push(format!("{name} has AUROC {}.", with(full))),
            Some((other, theirs)) => {
                let other = self.label(other);
                let numbers = format!("AUROC {} against {}", with(full), with(theirs));
                let apart =
                    full.auroc.low > theirs.auroc.high || theirs.auroc.low > full.auroc.high;
                let verb = match full.auroc.value.total_cmp(&theirs.auroc.value) {
                    _ if rate(full.auroc.value) == rate(theirs.auroc.value) => {
                        "ranks the images as well as"
                    }
                    std::cmp::Ordering::Greater => "ranks the images better than",
                    _ => "ranks the images worse than",
                };
                said.push(if apart {
                    format!("{name} {verb} {other}, the best of the others: {numbers}.")
                } else {
                    format!("{name} {verb} {other}, the best of the others: {numbers}. The intervals overlap, so the difference may be due to chance.")
                });
            }
        }
        if own.protocol == Protocol::Honest && full.auroc.high < 0.5 {
            said.push("It ranks worse than chance: normal images tend to score higher than abnormal ones.".into());
        } else if own.protocol == Protocol::Honest && full.auroc.low <= 0.5 {
            said.push(
                "Its interval contains 0.5, so it cannot be distinguished from chance.".into(),
            );
        }
        if let Some(theirs) = self.twin().and_then(full_mix) {
            let (honest, published) = match own.protocol {
                Protocol::Honest => (full, theirs),
                Protocol::Published => (theirs, full),
            };
            said.push(format!(
                "The same method has AUROC {} scored honestly and {} by the published protocol, which leaks; the difference does not come from a better model.",
                rate(honest.auroc.value),
                rate(published.auroc.value)
            ));
        }
        said
    }

    fn results_section(&self) -> Markup {
        html! {
            section {
                h2 { "Results" }
                @for (k, sentence) in self.answer().iter().enumerate() {
                    @if k == 0 { p.answer { strong { (sentence) } } } @else { p { (sentence) } }
                }
                (tables::results(self))
                p.note {
                    "AUROC is the probability that an abnormal image scores above a normal one; 0.5 is chance. AUPRC is average precision; "
                    "chance is the share of abnormal images. F1max is the best F1 over all thresholds, so it is chosen on these images: an upper "
                    "bound, not what a threshold set beforehand reaches. EER is the error rate at which false alarms and misses are equally frequent. FPR at 95 % TPR is the "
                    "share of normal images that is flagged when 95 % of the abnormal ones are. The 95 % intervals come from a bootstrap over the "
                    "test images; they do not cover the variation between training runs."
                }
            }
        }
    }

    pub(super) fn classes_section(&self) -> Markup {
        html! {
            @if let Some(table) = tables::classes(self) {
                section {
                    h2 { "By class" }
                    p { "AUROC of each abnormal class against all normal test images. Classes with few images have wide intervals." }
                    (table)
                }
            }
        }
    }

    pub(super) fn published_section(&self) -> Markup {
        html! {
            @if let Some(published) = &self.evaluation.published {
                section {
                    h2 { "Beside the published numbers" }
                    p {
                        "The published numbers were obtained by their authors under the protocol that leaks. They are given for reference: "
                        strong { "a lower number here does not mean a worse method, nor a higher one a better method." }
                    }
                    (tables::published(self, published))
                }
            }
        }
    }

    pub(super) fn curves_section(&self) -> Markup {
        let curves = charts::curves(self);
        html! {
            @if let Some((roc, pr)) = curves {
                section {
                    h2 { "Curves" }
                    p { "All classes together. The dotted line shows random guessing. The numbers on the lines are those of the legend." }
                    @if self.methods().len() > charts::MOST_CURVES {
                        p { "The first " (charts::MOST_CURVES) " methods are drawn; roc.csv and pr.csv have all." }
                    }
                    div.grid.two { (roc) (pr) }
                }
            }
        }
    }

    fn scores_section(&self) -> Markup {
        let (main, small) = charts::scores(self);
        let Some(own) = self.own().filter(|own| !own.pictures.is_empty()) else {
            return html! {};
        };
        html! {
            section {
                h2 { "Scores" }
                p {
                    "Scores of " (self.label(own)) ": the bars are the abnormal images, the line is the normal ones, each in per cent of its kind. "
                    "The more the two overlap, the less the score separates them. The last bin also contains all higher scores."
                }
                div.grid.two[main.len() == 4] { @for figure in &main { (figure) } }
                @if !small.is_empty() {
                    h3 { "Anomaly score by class" }
                    @if charts::abnormal_classes(own).len() > small.len() {
                        p.note { "The " (small.len()) " classes with the most images are drawn; scores.csv has all." }
                    }
                    div.grid.small { @for figure in &small { (figure) } }
                }
            }
        }
    }

    pub(super) fn confusion_section(&self) -> Markup {
        html! {
            @if self.methods().iter().any(|m| m.confusion.is_some()) {
                section {
                    h2 { "At the threshold" }
                    p { "An image is called anomalous when its anomaly score A is above the threshold." }
                    @for result in self.methods() {
                        @if let Some(confusion) = &result.confusion {
                            @let source = result.threshold.map(|threshold| self.source_in_words(threshold));
                            (tables::confusion(&self.label(result), source.as_deref(), confusion, leaks([result])))
                        }
                    }
                }
            }
        }
    }

    /// Where a threshold comes from, in words.
    fn source_in_words(&self, threshold: Threshold) -> String {
        match threshold.source {
            ThresholdSource::Calibration => self
                .calibration
                .map_or("the model's own".into(), |calibration| {
                    rule_in_words(calibration.rule)
                }),
            ThresholdSource::Manual => "set by hand".into(),
            ThresholdSource::Validation {
                normals,
                abnormal,
                f1,
                seed,
            } => format!(
                "the best F1 ({}) on {} normal and {} abnormal labelled images (seed {seed}), none of which is reported here",
                rate(f1),
                grouped(normals),
                grouped(abnormal)
            ),
        }
    }

    pub(super) fn pixel_section(&self) -> Markup {
        html! {
            @if self.methods().iter().any(|m| m.pixel.is_some()) {
                section {
                    h2 { "Where in the image" }
                    p {
                        "How well the heat map localises the defect, on the images that come with a mask. Pixel AUROC: the probability that a defective "
                        "pixel has a higher value than a defect-free one; large defects count for more. PRO: the share of each defect that is found, averaged over "
                        "defects, large and small alike, up to a false-positive rate of 30 %."
                    }
                    (tables::pixel(self))
                }
            }
        }
    }

    fn detection_section(&self) -> Markup {
        html! {
            @if let Some(simulated) = &self.evaluation.simulated {
                section {
                    h2 { "How small a fault it finds" }
                    p.answer { strong {
                        "At " (percent(simulated.false_alarm_rate)) " false alarms the model finds 90 % of simulated faults with a contrast of "
                        (simulated.contrast) " " (detection_in_words(&simulated.detection)) "."
                    } }
                    p {
                        "These are simulated faults, not yours: put into the " (grouped(simulated.normals)) " normal images that the model's run "
                        "held out (seed " (simulated.seed) "). A fault is found if the image's score is above the threshold " (figures(simulated.threshold)) ". "
                        "Contrast is the change as a share of the range from black to white" @if self.has_rendered() { ", of rendered faults the share of their full depth or colour" } ". "
                        "The curves are logistic in the logarithm of the size; a90 is the size found with a probability of 90 %, a90/95 its upper bound with 95 % "
                        "confidence (MIL-HDBK-1823A). Nothing is extrapolated beyond the sizes tried. The dots are the shares found among neighbouring sizes."
                    }
                    p {
                        (grouped(simulated.damaged)) " copies of these images with scratches, spots and distorted places: AUROC " (rate(simulated.image_auroc))
                        ", of the heat maps' pixels " (rate(simulated.pixel_auroc)) ", PRO " (rate(simulated.pro)) "."
                    }
                    p.note {
                        "If the threshold was set on these same held-out images, the false alarms are the share that was asked for, not a forecast."
                    }
                    (tables::detection(simulated))
                    div.grid.two { @for figure in charts::detections(self) { (figure) } }
                }
            }
        }
    }

    fn has_rendered(&self) -> bool {
        let simulated = self.evaluation.simulated.as_ref();
        simulated.is_some_and(|s| {
            s.series
                .iter()
                .any(|series| series.origin == FaultOrigin::Rendered)
        })
    }

    fn epochs_section(&self) -> Markup {
        html! {
            @if let Some(figure) = charts::epochs(self) {
                section {
                    h2 { "By epoch" }
                    p {
                        "AUROC on the test images after each epoch. Reporting the best of them means choosing on the test images; "
                        strong { "an honest report uses the last." }
                    }
                    div.wide { (figure) }
                }
            }
        }
    }

    fn misses_section(&self) -> Markup {
        let lists = [
            (
                true,
                "Abnormal images with the lowest scores",
                "normal",
                "called normal",
            ),
            (
                false,
                "Normal images with the highest scores",
                "anomalous",
                "called anomalous",
            ),
        ];
        html! {
            @if !self.misses.is_empty() {
                section {
                    h2 { "The worst misses" }
                    p {
                        "The images on which the model errs most. "
                        @if let Some(own) = self.own() { "Scores are those of " (self.label(own)) ". " }
                        "From left to right: input, reconstruction if there is one, and "
                        (picture::heat_words(self.misses.iter().map(|miss| &miss.sample))) ". All heat maps share one scale."
                    }
                    @if let Some(warning) = self.own().and_then(|own| leaks([own])) { p { (leak(warning)) } }
                    @if let Some(calibration) = self.calibration { (picture::heat_legend(calibration)) }
                    @for (abnormal, heading, wrong, words) in lists {
                        @let shown: Vec<_> = self.misses.iter().filter(|miss| miss.abnormal == abnormal).collect();
                        @let missed = shown.iter().filter(|miss| miss.sample.verdict == wrong).count();
                        @if !shown.is_empty() {
                            h3 { (heading) }
                            @if self.calibration.is_some() { p.note { (missed) " of these " (shown.len()) " " @if missed == 1 { "is " } @else { "are " } (words) "." } }
                            ul.samples { @for miss in shown {
                                @let truth = if miss.abnormal { format!("labelled abnormal, class {}", miss.class) } else { "labelled normal".to_owned() };
                                (picture::card(&miss.sample, Some(&truth)))
                            } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
