//! Scores of the test images, cached in a run's folder, because some methods need hours for them.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::runs::Finished;
use crate::cli::device::Chosen;
use crate::cli::evaluate::scoring::{Verdicts, calibrated, honest};
use crate::cli::evaluate::test_set::published_order;
use crate::cli::files::{sha256, write_whole};
use crate::data::dataset::Dataset;
use crate::data::mask::Mask;
use crate::data::sample::{Origin, Sample};
use crate::detector;
use crate::evaluation::{MethodResult, Resampling};

/// File of a run's folder.
const SCORES: &str = "scores.json";

/// A run's results on the test images.
#[derive(Serialize, Deserialize)]
pub struct Scores {
    of: Of,
    pub result: MethodResult,
    /// Name and reason of images and masks that could not be read.
    pub skipped: Vec<(String, String)>,
}

/// What the results belong to; if anything differs, they are measured again.
#[derive(PartialEq, Serialize, Deserialize)]
struct Of {
    model_sha256: String,
    test_sha256: String,
    resampling: Resampling,
}

/// Scores a run's model in inference mode, or reuses its stored scores.
///
/// # Errors
/// If the device fails, the scores cannot be measured, or a file cannot be written.
pub fn of(
    run: &Finished,
    name: String,
    set: &Dataset,
    device: &Chosen,
    resampling: Resampling,
) -> Result<Scores> {
    let path = run.path().join(SCORES);
    let of = Of {
        model_sha256: run.sha256.clone(),
        test_sha256: test_digest(&set.test),
        resampling,
    };
    let kept = match read(&path) {
        Some(kept) if kept.of == of => kept,
        _ => {
            device.check(&run.model)?;
            let detector = detector::load(&run.model, &device.device)?;
            let samples = published_order(&set.test);
            let verdicts = Verdicts::At(calibrated(&run.model));
            let method = run.model.header.method.to_string();
            let (result, scores) = honest(
                method,
                &*detector,
                &samples,
                device.kind,
                verdicts,
                resampling,
            )?;
            let measured = Scores {
                of,
                result,
                skipped: scores.skipped,
            };
            write_whole(&path, &serde_json::to_vec(&measured)?)?;
            // Read back, so that the numbers are the same now and later, to the last digit.
            read(&path).with_context(|| format!("cannot read {}", path.display()))?
        }
    };
    Ok(Scores {
        result: MethodResult {
            method: name,
            ..kept.result
        },
        ..kept
    })
}

/// The stored scores, if there are any and they can be read.
fn read(path: &Path) -> Option<Scores> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Digest of names, labels and file sizes: enough to notice a different test part.
fn test_digest(test: &[Sample]) -> String {
    let mut text = String::new();
    for sample in test {
        // A name is no file, though one may lie at it.
        let bytes = match &sample.origin {
            Origin::File(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
            Origin::Record(..) | Origin::Rendered(_) => 0,
        };
        let mask = sample
            .mask
            .as_ref()
            .map(Mask::to_string)
            .unwrap_or_default();
        let Sample {
            name,
            class,
            abnormal,
            ..
        } = sample;
        text += &format!("{name}\0{class}\0{abnormal}\0{bytes}\0{mask}\n");
    }
    sha256(text.as_bytes())
}
