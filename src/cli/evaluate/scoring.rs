//! Scores of labelled test images, streamed: at most one chunk is decoded at a time.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cli::device::score_batch;
use crate::cli::progress;
use crate::data::sample::{Sample, load_chunks};
use crate::detector::{self, Detector, Scored};
use crate::device::DeviceKind;
use crate::evaluation::{MethodInfo, MethodResult, Protocol, Resampling, ScoredImage, Threshold};
use crate::metrics::{PixelMetrics, PixelScores, pixel_metrics};
use crate::model_file::ModelFile;

/// Images scored at once; the published protocol's result depends on it.
const BATCH: usize = 64;

/// A method's scores of the test images that could be read.
pub struct TestScores {
    pub pictures: Vec<ScoredImage>,
    /// Name and reason of images and masks that could not be read.
    pub skipped: Vec<(String, String)>,
    pub milliseconds_per_picture: f64,
    /// If the data have masks: the index in `pictures`, the map, and the mask (none for a normal image).
    pixels: Vec<(usize, Vec<f32>, Option<Vec<bool>>)>,
    side: usize,
}

/// How a batch becomes scores.
#[derive(Clone, Copy)]
pub enum Batches {
    /// Each image on its own, distributed as suits the device.
    Any(DeviceKind),
    /// In one piece, since the batch's statistics are part of the score.
    Whole,
}

impl Batches {
    fn score(self, detector: &dyn Detector, values: &[f32]) -> Result<Vec<Scored>> {
        Ok(match self {
            Self::Any(device) => score_batch(device, detector, values)?,
            Self::Whole => pollster::block_on(detector::score_batch(detector, values))?,
        })
    }
}

/// How the threshold between normal and anomalous is set.
#[derive(Clone, Copy)]
pub enum Verdicts {
    /// A threshold that was not chosen on the test images, if there is one.
    At(Option<Threshold>),
    /// The threshold with the best F1 on one half of the test images, which is then not reported.
    BestF1 { seed: u64 },
}

/// Measures a method in inference mode.
///
/// # Errors
/// If the device fails or the scores cannot be inferred.
pub fn honest(
    method: String,
    detector: &dyn Detector,
    samples: &[&Sample],
    device: DeviceKind,
    verdicts: Verdicts,
    resampling: Resampling,
) -> Result<(MethodResult, TestScores)> {
    let scores = score_all(detector, Batches::Any(device), samples)?;
    let info = MethodInfo {
        method,
        protocol: Protocol::Honest,
        parameters: detector.num_params(),
        milliseconds_per_picture: scores.milliseconds_per_picture,
    };
    let pictures = scores.pictures.clone();
    let mut result = match verdicts {
        Verdicts::At(threshold) => MethodResult::new(info, pictures, threshold, resampling)?,
        Verdicts::BestF1 { seed } => {
            MethodResult::with_adaptive_threshold(info, pictures, seed, resampling)?
        }
    };
    result.pixel = scores.pixel_metrics(&result.pictures)?;
    Ok((result, scores))
}

/// Scores every test image, in the order given.
pub fn score_all(
    detector: &dyn Detector,
    batches: Batches,
    samples: &[&Sample],
) -> Result<TestScores> {
    let preprocessing = detector.preprocessing().clone();
    let masked = samples.iter().any(|sample| sample.mask.is_some());
    let mut scores = TestScores {
        pictures: Vec::with_capacity(samples.len()),
        skipped: Vec::new(),
        milliseconds_per_picture: 0.0,
        pixels: Vec::new(),
        side: preprocessing.size,
    };
    let bar = progress::bar(samples.len() as u64, detector.method().as_str());
    let mut scoring = Duration::ZERO;
    let load = |sample: &&Sample| sample.load(&preprocessing);
    for chunk in load_chunks(samples, BATCH, load) {
        let mut readable = Vec::with_capacity(chunk.len());
        let mut values = Vec::new();
        for (sample, loaded) in chunk {
            bar.inc(1);
            match loaded {
                Ok(loaded) => {
                    values.extend(loaded);
                    readable.push(sample);
                }
                Err(reason) => scores.skipped.push((sample.name.clone(), reason)),
            }
        }
        if readable.is_empty() {
            continue;
        }
        let started = Instant::now();
        let scored = batches.score(detector, &values)?;
        scoring += started.elapsed();
        for (sample, scored) in readable.into_iter().zip(scored) {
            if masked && (!sample.abnormal || sample.mask.is_some()) {
                let mask = sample.mask.as_ref();
                let mask = mask.map(|mask| mask.load(preprocessing.size));
                match mask.transpose() {
                    Ok(mask) => {
                        let at = scores.pictures.len();
                        scores.pixels.push((at, scored.map, mask));
                    }
                    // The image itself could be read: its score counts, its pixels cannot.
                    Err(reason) => {
                        let reason = format!(
                            "its mask cannot be used, so its pixels do not count: {reason}"
                        );
                        scores.skipped.push((sample.name.clone(), reason));
                    }
                }
            }
            scores.pictures.push(ScoredImage {
                name: sample.name.clone(),
                class: sample.class.clone(),
                abnormal: sample.abnormal,
                raw: scored.raw,
            });
        }
    }
    bar.finish_and_clear();
    let count = scores.pictures.len().max(1) as f64;
    scores.milliseconds_per_picture = 1e3 * scoring.as_secs_f64() / count;
    Ok(scores)
}

/// A model's own threshold.
pub fn calibrated(model: &ModelFile) -> Option<Threshold> {
    model.header.calibration.as_ref().map(Threshold::calibrated)
}

impl TestScores {
    /// How well the heat maps of some images find the defects; none without masks.
    pub fn pixel_metrics(&self, kept: &[ScoredImage]) -> Result<Option<PixelMetrics>> {
        let kept: std::collections::HashSet<(&str, &str)> = kept
            .iter()
            .map(|p| (p.class.as_str(), p.name.as_str()))
            .collect();
        let pictures: Vec<PixelScores<'_>> = self
            .pixels
            .iter()
            .filter(|(at, ..)| {
                let picture = &self.pictures[*at];
                kept.contains(&(picture.class.as_str(), picture.name.as_str()))
            })
            .map(|(_, map, mask)| PixelScores {
                map,
                mask: mask.as_deref(),
                width: self.side,
            })
            .collect();
        match pictures.iter().any(|picture| picture.mask.is_some()) {
            true => Ok(Some(pixel_metrics(&pictures)?)),
            false => Ok(None),
        }
    }
}
