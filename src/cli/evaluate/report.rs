//! `--report`: the page, its charts and its tables.

use std::path::Path;

use anyhow::{Context, Result};

use super::bench::Bench;
use crate::calibration::{Verdict, heat_map_range};
use crate::cli::command_line::command_line;
use crate::cli::files::write_whole;
use crate::data::image::{Preprocessing, heat_map_rgba, to_rgba};
use crate::data::sample::Sample;
use crate::detector::{self, Detector};
use crate::evaluation::{Evaluation, MethodResult, Protocol};
use crate::model_file::ModelFile;
use crate::report::{EvaluationReport, Miss, ReportSample, worst};

/// Misses of each kind that the report shows.
const MISSES: usize = 12;

impl Bench<'_> {
    /// Writes `report.html` and the files beside it.
    ///
    /// # Errors
    /// If a file cannot be written or the device fails.
    pub fn write_report(
        &self,
        folder: &Path,
        model: &ModelFile,
        detector: &dyn Detector,
        evaluation: &Evaluation,
    ) -> Result<()> {
        let mut methods = evaluation.methods.iter();
        let honest = methods.find(|method| method.protocol == Protocol::Honest);
        let misses = match honest {
            Some(honest) => self.misses(model, detector, honest)?,
            None => Vec::new(),
        };
        let report = EvaluationReport {
            title: "Evaluation",
            command: &command_line(),
            evaluation,
            calibration: model.header.calibration.as_ref(),
            misses: &misses,
            settings: &facts(model, detector)?,
        };
        write_whole(&folder.join("report.html"), report.to_html().as_bytes())?;
        for (name, bytes) in report.files() {
            write_whole(&folder.join(name), &bytes)?;
        }
        Ok(())
    }

    /// The images that the model gets most wrong, read and scored again, since only the scores of the
    /// test images were kept.
    fn misses(
        &self,
        model: &ModelFile,
        detector: &dyn Detector,
        reported: &MethodResult,
    ) -> Result<Vec<Miss>> {
        let range = heat_map_range(model.header.calibration.as_ref());
        let Preprocessing { size, channels, .. } = *detector.preprocessing();
        let mut misses = Vec::new();
        for index in worst(&reported.pictures, MISSES) {
            let picture = &reported.pictures[index];
            let same = |s: &&&Sample| s.name == picture.name && s.class == picture.class;
            let sample = self.samples.iter().find(same);
            let sample = sample.with_context(|| format!("{} is not in the data", picture.name))?;
            // The file may be gone since it was scored: the report then leaves it out.
            let Ok(values) = sample.load(detector.preprocessing()) else {
                continue;
            };
            let scored = detector::score_batch(detector, &values);
            let scored = &pollster::block_on(scored)?[0];
            let verdict = match reported.threshold {
                Some(threshold) if picture.raw.anomaly_score > threshold.value => {
                    Verdict::Anomalous
                }
                Some(_) => Verdict::Normal,
                None => Verdict::Uncalibrated,
            };
            misses.push(Miss {
                sample: ReportSample {
                    name: picture.name.clone(),
                    size,
                    input: to_rgba(&values, channels, size),
                    reconstruction: Some(to_rgba(&scored.x_hat, channels, size)),
                    heat: heat_map_rgba(&scored.map, &range),
                    score: picture.raw,
                    verdict: verdict.to_string(),
                },
                class: picture.class.clone(),
                abnormal: picture.abnormal,
            });
        }
        Ok(misses)
    }
}

/// Facts about the model for the report.
fn facts(model: &ModelFile, detector: &dyn Detector) -> Result<Vec<(String, String)>> {
    let header = &model.header;
    let input = detector.preprocessing();
    let mut facts = vec![
        ("method".to_owned(), header.method.to_string()),
        (
            "input".to_owned(),
            format!("{} × {} × {}", input.channels, input.size, input.size),
        ),
        ("parameters".to_owned(), detector.num_params().to_string()),
    ];
    let mut add = |name: &str, value: serde_json::Value| {
        if let serde_json::Value::Object(map) = value {
            let shown = map
                .into_iter()
                .filter(|(_, v)| !v.is_null() && !v.is_object());
            facts.extend(shown.map(|(key, v)| {
                let value = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                (format!("{name}: {}", key.replace('_', " ")), value)
            }));
        }
    };
    add("score", serde_json::to_value(header.scoring)?);
    if let Some(training) = &header.training {
        add("training", serde_json::to_value(training)?);
        add("setting", serde_json::to_value(&training.config)?);
    }
    Ok(facts)
}
