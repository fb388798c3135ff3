//! A preview of a run on held-out images, shown while it trains. Nothing is chosen by it.

use burn::tensor::Device;

use super::RunError;
use crate::data::batch::evenly_spread;
use crate::data::pictures::Pictures;
use crate::detector::{self, Progress, SCORED_AT_ONCE, Scored};
use crate::detector::{Calibrated, calibrate};
use crate::metrics::auroc;
use crate::model_file::ModelFile;
use crate::nn::tensors::TensorError;
use crate::platform::yield_now;
use crate::score::RawScore;

/// Training images in a preview's memory bank, if the score uses one: the finished model's is built from more.
pub const MEMORY_IMAGES: usize = 128;

/// Largest number of held-out images, and of labelled ones of each kind, that a preview scores.
pub const SCORED: usize = 128;

/// Images of each kind that a preview scores if the method optimises a latent code for each.
const OPTIMISED: usize = 8;

/// A preview takes one in this many of the steps of a latent optimisation.
const STEPS_SPARED: usize = 10;

/// If the model's method optimises latent codes, shortens the optimisation for a preview and returns how
/// many images of each kind to score.
pub(super) fn shorten_optimisation(model: &mut ModelFile) -> Option<usize> {
    let steps = model.header.scoring.search_steps.as_mut()?;
    *steps = steps.div_ceil(STEPS_SPARED);
    Some(OPTIMISED)
}

/// Images whose labels are known: shown as information, and never used to choose anything.
pub struct LabelledImages {
    /// The images, prepared as the run's are.
    pub pictures: Box<dyn Pictures>,
    /// Whether each of them is abnormal.
    pub abnormal: Vec<bool>,
}

/// Scores of labelled images.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LabelledScores {
    /// Anomaly scores of the normal images.
    pub normal: Vec<f64>,
    /// Anomaly scores of the abnormal images.
    pub abnormal: Vec<f64>,
    /// `None` if one of the two kinds is missing.
    pub auroc: Option<f64>,
}

/// An image and its results.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its values, `[c, size, size]`.
    pub input: Vec<f32>,
    /// Score, reconstruction, residual map.
    pub scored: Scored,
}

/// The results of a run's current weights on held-out images.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Steps finished.
    pub step: u64,
    /// Scores of the held-out normal images, at most [`SCORED`] of them.
    pub held_out: Vec<RawScore>,
    /// Scores of labelled images, if there are any.
    pub labelled: Option<LabelledScores>,
    /// Number of training images in the memory bank, if the score uses one.
    pub memory_bank: Option<usize>,
    /// Some of the held-out images, the same ones each time.
    pub shown: Vec<Shown>,
}

impl Preview {
    /// Mean residual R of the held-out normal images.
    pub fn residual(&self) -> f64 {
        let sum: f64 = self.held_out.iter().map(|raw| raw.residual).sum();
        sum / self.held_out.len() as f64
    }
}

/// Calibrates a model on a part of its images and scores with it.
///
/// # Errors
/// If an image cannot be read, a score is not finite, the device fails, or `progress` stops a latent
/// optimisation.
pub(super) async fn preview(
    mut model: ModelFile,
    device: &Device,
    pictures: &dyn Pictures,
    (training, held_out): (&[usize], &[usize]),
    labelled: Option<&LabelledImages>,
    shown: usize,
    progress: &mut dyn Progress,
) -> Result<Preview, RunError> {
    let limit = shorten_optimisation(&mut model).unwrap_or(SCORED);
    let training = evenly_spread(training, MEMORY_IMAGES);
    let held_out = evenly_spread(held_out, limit);
    let step = model.header.training.as_ref().map_or(0, |t| t.steps);
    let quantile = crate::calibration::THRESHOLD_QUANTILE;
    let fitted = calibrate(
        model, device, pictures, &training, &held_out, quantile, progress,
    );
    let Calibrated {
        model,
        detector,
        held_out,
    } = fitted.await?;
    let labelled = match labelled {
        Some(labelled) => Some(score_labelled(&*detector, labelled, limit, progress).await?),
        None => None,
    };
    let chosen: Vec<usize> = held_out.iter().map(|(index, _)| *index).collect();
    let chosen = evenly_spread(&chosen, shown);
    let mut shown = Vec::with_capacity(chosen.len());
    if !chosen.is_empty() {
        let values = pictures.values(&chosen)?;
        let scored = detector::score_with_progress(&*detector, &values, progress).await?;
        let inputs = values.chunks_exact(detector.preprocessing().values());
        for (index, (input, scored)) in chosen.into_iter().zip(inputs.zip(scored)) {
            shown.push(Shown {
                name: pictures.name(index),
                input: input.to_vec(),
                scored,
            });
        }
    }
    let has_memory = model.header.scoring.latent == crate::score::Latent::Memory;
    Ok(Preview {
        step,
        held_out: held_out.into_iter().map(|(_, raw)| raw).collect(),
        labelled,
        memory_bank: has_memory.then_some(training.len()),
        shown,
    })
}

/// Scores labelled images, at most `limit` of each kind, evenly spread.
///
/// # Errors
/// If an image cannot be read, the device fails, or `progress` stops a latent optimisation.
pub async fn score_labelled(
    detector: &dyn detector::Detector,
    labelled: &LabelledImages,
    limit: usize,
    progress: &mut dyn Progress,
) -> Result<LabelledScores, RunError> {
    let mut kinds = [Vec::new(), Vec::new()];
    for (scores, abnormal) in kinds.iter_mut().zip([false, true]) {
        let of_kind = |&index: &usize| labelled.abnormal[index] == abnormal;
        let all: Vec<usize> = (0..labelled.abnormal.len()).filter(of_kind).collect();
        for batch in evenly_spread(&all, limit).chunks(SCORED_AT_ONCE) {
            let values = labelled.pictures.values(batch)?;
            let scored = detector::score_with_progress(detector, &values, progress).await?;
            scores.extend(scored.iter().map(|scored| scored.raw.anomaly_score));
            yield_now().await;
        }
    }
    let [normal, abnormal] = kinds;
    let scores: Vec<f64> = normal.iter().chain(&abnormal).copied().collect();
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(TensorError::NotFinite("score".to_owned()).into());
    }
    let labels: Vec<bool> = (0..scores.len()).map(|k| k >= normal.len()).collect();
    Ok(LabelledScores {
        auroc: auroc(&scores, &labels).ok(),
        normal,
        abnormal,
    })
}
