//! The report of a comparison: the page, its charts and its tables.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use serde_json::Value;

use super::comparison::{Comparison, Row};
use crate::calibration::{Verdict, heat_map_range};
use crate::cli::command_line::command_line;
use crate::cli::evaluate::test_set::published_order;
use crate::cli::files::{read_model, write_whole};
use crate::data::batch::evenly_spread;
use crate::data::image::{Preprocessing, heat_map_rgba, to_rgba};
use crate::data::sample::Sample;
use crate::detector;
use crate::report::{ComparedRun, ComparisonReport, SideBySide, View};

/// Number of abnormal and of normal images shown side by side.
const ABNORMAL_SHOWN: usize = 10;
const NORMAL_SHOWN: usize = 4;

impl Comparison {
    /// What the report and the tables need to know about the runs.
    pub fn compared(&self) -> Vec<ComparedRun> {
        let compared = |row: &Row| ComparedRun {
            method: row.method.to_string(),
            seed: row.seed,
            steps: row.training.steps,
            train_secs: row.train_secs,
        };
        self.rows.iter().map(compared).collect()
    }

    /// Some test images with each method's results, for the first seed. They are spread evenly over the
    /// test part, regardless of their scores.
    fn side_by_side(&self, device: &Device) -> Result<Vec<SideBySide>> {
        let ordered = published_order(&self.set.test);
        let of = |abnormal: bool| -> Vec<&Sample> {
            let kept = ordered.iter().filter(|sample| sample.abnormal == abnormal);
            kept.copied().collect()
        };
        let (abnormal, normal) = (of(true), of(false));
        let chosen = evenly_spread(&abnormal, ABNORMAL_SHOWN)
            .into_iter()
            .chain(evenly_spread(&normal, NORMAL_SHOWN));
        let mut detectors = Vec::new();
        for row in &self.rows[..self.plan.configs.len()] {
            let model = read_model(&row.model)?.0;
            let detector = detector::load(&model, device)?;
            detectors.push((row.method, model.header.calibration, detector));
        }
        let input = self.plan.configs[0].preprocessing();
        let Preprocessing { size, channels, .. } = input;
        let mut shown = Vec::new();
        for sample in chosen {
            // Unreadable images are listed elsewhere.
            let Ok(values) = sample.load(&input) else {
                continue;
            };
            let mut views = Vec::with_capacity(detectors.len());
            for (method, calibration, detector) in &detectors {
                let scored = detector::score_batch(&**detector, &values);
                let scored = &pollster::block_on(scored)?[0];
                let score = scored.raw.anomaly_score;
                let verdict = calibration
                    .as_ref()
                    .map_or(Verdict::Uncalibrated, |c| c.verdict(score));
                let range = heat_map_range(calibration.as_ref());
                views.push(View {
                    method: method.to_string(),
                    reconstruction: to_rgba(&scored.x_hat, channels, size),
                    heat: heat_map_rgba(&scored.map, &range),
                    score,
                    verdict: verdict.to_string(),
                });
            }
            shown.push(SideBySide {
                name: sample.name.clone(),
                class: sample.class.clone(),
                abnormal: sample.abnormal,
                size,
                input: to_rgba(&values, channels, size),
                views,
            });
        }
        Ok(shown)
    }

    /// The settings: once if all methods share the value, otherwise for each method.
    fn settings(&self) -> Result<Vec<(String, String)>> {
        let configs = &self.plan.configs;
        let values: Vec<Value> = configs
            .iter()
            .map(serde_json::to_value)
            .collect::<Result<_, _>>()?;
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let mut settings = Vec::new();
        for name in values[0].as_object().into_iter().flat_map(|map| map.keys()) {
            // Budget, seeds and methods are shown elsewhere.
            if ["method", "seed", "steps", "epochs"].contains(&name.as_str()) {
                continue;
            }
            let words = name.replace('_', " ");
            match values.iter().all(|value| value[name] == values[0][name]) {
                true if values[0][name].is_null() => {}
                true => settings.push((words, text(&values[0][name]))),
                false => settings.extend(
                    std::iter::zip(configs, &values)
                        .filter(|(_, value)| !value[name].is_null())
                        .map(|(config, value)| {
                            (format!("{words}, {}", config.method), text(&value[name]))
                        }),
                ),
            }
        }
        Ok(settings)
    }
}

/// Writes `report.html` and the files beside it.
///
/// # Errors
/// If a file cannot be written or the device fails.
pub fn write(comparison: &Comparison, folder: &Path, device: &Device) -> Result<()> {
    let report = ComparisonReport {
        command: &command_line(),
        budget: &comparison.plan.budget(),
        evaluation: &comparison.evaluation,
        runs: &comparison.compared(),
        pictures: &comparison.side_by_side(device)?,
        settings: &comparison.settings()?,
    };
    write_whole(&folder.join("report.html"), report.to_html().as_bytes())?;
    for (name, bytes) in report.files() {
        write_whole(&folder.join(name), &bytes)?;
    }
    Ok(())
}
