//! The report of a comparison: several methods on one split, each trained with the same budget and the
//! same seeds. What both have in common comes from the report of an evaluation.

use maud::{Markup, html};

use super::evaluation::{EvaluationReport, csv_table, full_mix, table_caption, with_range};
use super::format::{counted, duration, figures, grouped, percent, rate};
use super::page::{command, page, scroll, settings_section, skipped_section, tile};
use super::picture::{VerdictMark, data_uri};
use crate::evaluation::{Evaluation, MethodResult, Metrics};
use crate::metrics::{MeanStd, mean_std};

/// Facts about a run; its results have the same index in the evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedRun {
    /// The method's name, without the seed.
    pub method: String,
    /// Seed of weights, order, draws and intervals.
    pub seed: u64,
    /// Training steps; 0 for a method that is fitted directly.
    pub steps: u64,
    /// Time of training and calibrating, in seconds.
    pub train_secs: f64,
}

/// A test image with every method's results.
#[derive(Clone, Debug, PartialEq)]
pub struct SideBySide {
    /// File name or label.
    pub name: String,
    /// Its class in the test set.
    pub class: String,
    /// Whether it is labelled abnormal.
    pub abnormal: bool,
    /// Side of all images in pixels.
    pub size: usize,
    /// The methods' input, RGBA.
    pub input: Vec<u8>,
    /// One for each method.
    pub views: Vec<View>,
}

/// A method's results on an image. Images are RGBA, `size * size * 4` bytes each.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The method's name.
    pub method: String,
    /// The reconstruction.
    pub reconstruction: Vec<u8>,
    /// The difference of the two, on the method's own scale.
    pub heat: Vec<u8>,
    /// A, the anomaly score.
    pub score: f64,
    /// `normal`, `anomalous` or `uncalibrated`.
    pub verdict: String,
}

/// The content of a comparison's report.
#[derive(Clone, Debug)]
pub struct ComparisonReport<'a> {
    /// The command line that made it.
    pub command: &'a str,
    /// The budget of each run, in words.
    pub budget: &'a str,
    /// The results, one for each run.
    pub evaluation: &'a Evaluation,
    /// The runs, in the same order.
    pub runs: &'a [ComparedRun],
    /// Images to show.
    pub pictures: &'a [SideBySide],
    /// Settings of the runs, names and values.
    pub settings: &'a [(String, String)],
}

/// A method's results over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// The method's name.
    pub method: String,
    /// AUROC of all classes together.
    pub auroc: MeanStd,
    /// AUPRC of all classes together.
    pub auprc: MeanStd,
    /// Seconds of training and calibrating.
    pub train_secs: MeanStd,
    /// Time to score an image, in a batch.
    pub milliseconds_per_picture: MeanStd,
    /// Number of parameters: the same with each seed.
    pub parameters: usize,
}

/// Each method over its seeds, in the order of the runs. Methods without results are left out.
pub fn means(runs: &[ComparedRun], evaluation: &Evaluation) -> Vec<Mean> {
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        if !names.contains(&run.method.as_str()) {
            names.push(&run.method);
        }
    }
    let mean = |name: &str| {
        let own: Vec<(&ComparedRun, &MethodResult, &Metrics)> =
            std::iter::zip(runs, &evaluation.methods)
                .filter(|(run, _)| run.method == name)
                .filter_map(|(run, result)| Some((run, result, full_mix(result)?)))
                .collect();
        let over = |value: &dyn Fn(&(&ComparedRun, &MethodResult, &Metrics)) -> f64| {
            mean_std(&own.iter().map(value).collect::<Vec<_>>()).ok()
        };
        Some(Mean {
            method: name.to_owned(),
            auroc: over(&|(.., metrics)| metrics.auroc.value)?,
            auprc: over(&|(.., metrics)| metrics.auprc.value)?,
            train_secs: over(&|(run, ..)| run.train_secs)?,
            milliseconds_per_picture: over(&|(_, result, _)| result.milliseconds_per_picture)?,
            parameters: own.first()?.1.parameters,
        })
    };
    names.into_iter().filter_map(mean).collect()
}

impl ComparisonReport<'_> {
    /// The page, `report.html`.
    pub fn to_html(&self) -> String {
        let shared = self.shared();
        page(
            "Comparison",
            self.tiles(),
            html! {
                (self.what_section())
                (self.results_section())
                (shared.classes_section())
                (shared.published_section())
                (shared.curves_section())
                (shared.confusion_section())
                (shared.pixel_section())
                (self.pictures_section())
                (settings_section(self.settings))
                (skipped_section(&self.evaluation.skipped))
                section {
                    h2 { "How to repeat it" }
                    (command(self.command))
                    p.note {
                        "This folder also holds comparison.csv (one row per run), metrics.csv (one row per run and class), scores.csv (one row per image), "
                        "roc.csv and pr.csv (all points), and the charts as SVG. The folder runs/ holds a folder for each run, with its model and the report "
                        "of its training."
                    }
                }
            },
        )
    }

    /// The files beside the page: name and content.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = self.shared().files();
        files.push(("comparison.csv".to_owned(), self.csv()));
        files
    }

    /// The report of the evaluation.
    fn shared(&self) -> EvaluationReport<'_> {
        EvaluationReport {
            title: "Comparison",
            command: self.command,
            evaluation: self.evaluation,
            calibration: None,
            misses: &[],
            settings: self.settings,
        }
    }

    fn seeds(&self) -> Vec<u64> {
        let mut seeds: Vec<u64> = self.runs.iter().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    }

    fn means(&self) -> Vec<Mean> {
        means(self.runs, self.evaluation)
    }

    /// Methods by their mean AUROC, the best first.
    fn ranked(&self) -> Vec<Mean> {
        let mut means = self.means();
        means.sort_by(|a, b| b.auroc.mean.total_cmp(&a.auroc.mean));
        means
    }

    fn tiles(&self) -> Markup {
        let note = |mean: &Mean| match mean.auroc.n {
            1 => mean.method.clone(),
            n => format!("{}, mean of {n} seeds", mean.method),
        };
        let first = self.evaluation.methods.first().and_then(full_mix);
        html! {
            dl.tiles {
                @if let Some(best) = self.ranked().first() {
                    (tile("Highest AUROC", &rate(best.auroc.mean), &note(best)))
                }
                (tile("Runs", &grouped(self.runs.len()), &format!("{} per method", counted(self.seeds().len() as u64, "seed", "seeds"))))
                @if let Some(metrics) = first {
                    (tile("Test images", &grouped(metrics.normals + metrics.abnormal), &format!("{} normal, {} abnormal", grouped(metrics.normals), grouped(metrics.abnormal))))
                }
            }
        }
    }

    fn what_section(&self) -> Markup {
        let evaluation = self.evaluation;
        let methods: Vec<_> = self.means().into_iter().map(|mean| mean.method).collect();
        let seeds: Vec<_> = self.seeds().iter().map(u64::to_string).collect();
        html! {
            section {
                h2 { "What was compared" }
                dl.facts {
                    dt { "data" } dd { (evaluation.data) }
                    dt { "split" } dd { (evaluation.split) }
                    dt { "methods" } dd { (methods.join("; ")) }
                    dt { "budget" } dd { (self.budget) }
                    dt { "seeds" } dd { (seeds.join(", ")) }
                }
                p.note {
                    "All methods use the same training, held-out and test images, prepared in the same way. Protocol: honest. Scored in inference mode, so an "
                    "image's score depends only on that image and the model. Weights, number of steps and threshold were not chosen on these test "
                    "images; every run is reported as it is at the end of its budget."
                }
                @if !evaluation.warnings.is_empty() {
                    h3 { "Notes" }
                    ul.remarks { @for warning in &evaluation.warnings { li { (warning) } } }
                }
            }
        }
    }

    /// Which method ranks best, and how certain that is.
    fn answer(&self) -> Vec<String> {
        let ranked = self.ranked();
        let Some(best) = ranked.first() else {
            return vec!["No method has a result on all classes together.".into()];
        };
        let Some(second) = ranked.get(1) else {
            return vec![format!("{} has AUROC {}.", best.method, best.auroc)];
        };
        let mut said = vec![format!(
            "{} ranks the images best: AUROC {}, followed by {} with {}.",
            best.method, best.auroc, second.method, second.auroc
        )];
        let of = |method: &str| -> Vec<&Metrics> {
            std::iter::zip(self.runs, &self.evaluation.methods)
                .filter(|(run, _)| run.method == method)
                .filter_map(|(_, result)| full_mix(result))
                .collect()
        };
        let lowest = of(&best.method)
            .iter()
            .map(|m| m.auroc.low)
            .fold(1.0, f64::min);
        let highest = of(&second.method)
            .iter()
            .map(|m| m.auroc.high)
            .fold(0.0, f64::max);
        if lowest <= highest {
            said.push(
                "Their 95 % intervals overlap, so the difference may be due to chance.".into(),
            );
        }
        if self.seeds().len() == 1 {
            said.push(
                "With one seed, this report cannot show how much another training run would differ.".into(),
            );
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
                @if self.seeds().len() > 1 { (self.means_table()) }
                (self.runs_table())
                p.note {
                    "AUROC is the probability that an abnormal image scores above a normal one; 0.5 is chance. AUPRC is average precision; "
                    "chance is the share of abnormal images" @if let Some(metrics) = self.evaluation.methods.first().and_then(full_mix) {
                        ", here " (percent(metrics.abnormal as f64 / (metrics.normals + metrics.abnormal).max(1) as f64))
                    } ". The 95 % intervals come from a bootstrap over the test images; they do not cover the variation between training runs, which the spread over "
                    "seeds shows. Training is the time from the first step to the calibrated model, including checks and checkpoints. "
                    "Times were measured on this machine; scoring is in batches and excludes reading files."
                }
            }
        }
    }

    fn means_table(&self) -> Markup {
        let title = "Mean and standard deviation over the seeds";
        scroll(
            title,
            html! { table.results {
                (table_caption(title, None))
                thead { tr {
                    th scope="col" { "method" }
                    @for name in ["AUROC", "AUPRC", "training", "ms per image", "parameters"] { th.number scope="col" { (name) } }
                } }
                tbody { @for mean in self.means() { tr {
                    th scope="row" { (mean.method) }
                    td.number { (mean.auroc) } td.number { (mean.auprc) }
                    td.number { (duration(mean.train_secs.mean)) }
                    td.number { (figures(mean.milliseconds_per_picture.mean)) }
                    td.number { (grouped(mean.parameters)) }
                } } }
            } },
        )
    }

    fn runs_table(&self) -> Markup {
        let title = "Every run, all classes together, with 95 % intervals";
        scroll(
            title,
            html! { table.results {
                (table_caption(title, None))
                thead { tr {
                    th scope="col" { "method" }
                    @for name in ["seed", "AUROC", "AUPRC", "steps", "training", "ms per image", "parameters"] {
                        th.number scope="col" { (name) }
                    }
                } }
                tbody { @for (run, result) in std::iter::zip(self.runs, &self.evaluation.methods) { tr {
                    th scope="row" { (run.method) }
                    td.number { (run.seed) }
                    @match full_mix(result) {
                        Some(metrics) => {
                            td.number { (with_range(metrics.auroc, false)) }
                            td.number { (with_range(metrics.auprc, false)) }
                        }
                        None => { td.number { "–" } td.number { "–" } }
                    }
                    td.number { @if run.steps == 0 { "–" } @else { (grouped(run.steps as usize)) } }
                    td.number { (duration(run.train_secs)) }
                    td.number { (figures(result.milliseconds_per_picture)) }
                    td.number { (grouped(result.parameters)) }
                } } }
            } },
        )
    }

    fn pictures_section(&self) -> Markup {
        let Some(first) = self.pictures.first() else {
            return html! {};
        };
        let title = "The same images, method by method";
        let seed = self.runs.first().map_or(0, |run| run.seed);
        html! {
            section {
                h2 { "The same images side by side" }
                p {
                    "The images are spread evenly over the test part, regardless of their scores; the models are those of seed " (seed) ". Each method's column has its "
                    "reconstruction (for nearest, the nearest training image) and a heat map: of the difference from the input, or of what the method marks as damaged. Each method's "
                    "heat maps have their own scale, so colours and scores A can be compared within a column only."
                }
                (scroll(title, html! { table.results.side {
                    (table_caption(title, None))
                    thead { tr {
                        th scope="col" { "input" }
                        @for view in &first.views { th scope="col" { (view.method) } }
                    } }
                    tbody { @for picture in self.pictures { tr {
                        th scope="row" {
                            (image("input", &picture.name, &picture.input, picture.size))
                            span.range { (picture.name) }
                            span.range { @if picture.abnormal { "abnormal: " (picture.class) } @else { "normal" } }
                        }
                        @for view in &picture.views { td {
                            (image(&format!("{}'s reconstruction", view.method), &picture.name, &view.reconstruction, picture.size))
                            (image(&format!("{}'s heat map", view.method), &picture.name, &view.heat, picture.size))
                            span.range { (VerdictMark(&view.verdict)) " A " (figures(view.score)) }
                        } }
                    } } }
                } }))
            }
        }
    }

    /// One row per run.
    fn csv(&self) -> Vec<u8> {
        csv_table(&[], |csv| {
            csv.write_record([
                "method",
                "seed",
                "auroc",
                "auroc_low",
                "auroc_high",
                "auprc",
                "auprc_low",
                "auprc_high",
                "steps",
                "train_secs",
                "ms_per_image",
                "parameters",
            ])?;
            for (run, result) in std::iter::zip(self.runs, &self.evaluation.methods) {
                let Some(metrics) = full_mix(result) else {
                    continue;
                };
                let ends = |i: crate::evaluation::Interval| [i.value, i.low, i.high];
                let mut row = vec![run.method.clone(), run.seed.to_string()];
                let areas = [ends(metrics.auroc), ends(metrics.auprc)].concat();
                row.extend(areas.iter().map(f64::to_string));
                row.extend([
                    run.steps.to_string(),
                    run.train_secs.to_string(),
                    result.milliseconds_per_picture.to_string(),
                    result.parameters.to_string(),
                ]);
                csv.write_record(&row)?;
            }
            Ok(())
        })
    }
}

fn image(what: &str, name: &str, rgba: &[u8], size: usize) -> Markup {
    html! {
        @if let Some(uri) = data_uri(rgba, size) {
            img src=(uri) alt=(format!("{what} of {name}")) width=(size) height=(size);
        }
    }
}

#[cfg(test)]
mod tests;
