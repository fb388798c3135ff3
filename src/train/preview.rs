//! A run as it stands, seen through held-out pictures: what a person watches while it trains. Nothing
//! is chosen by it.

use burn::tensor::Device;

use super::run::RunError;
use crate::data::batch::evenly_spread;
use crate::data::pictures::Pictures;
use crate::detector::fit::{self, Fitted};
use crate::detector::{self, SCORED_AT_ONCE, Scored, Watch};
use crate::device::breathe;
use crate::metrics::auroc;
use crate::model_file::ModelFile;
use crate::nn::tensors::TensorError;
use crate::score::RawScore;

/// Training pictures that a preview's memory holds, where the score has one: the finished model
/// remembers more.
pub const REMEMBERED: usize = 128;

/// Held-out pictures, and labelled ones of each kind, that a preview scores at most.
pub const SCORED: usize = 128;

/// Pictures of each kind that are looked at where a method searches.
const SEARCHED: usize = 8;

/// Share of a search's steps that are taken where it is only looked at, as one over this.
const STEPS_SPARED: usize = 10;

/// Where the model's method searches, shortens its search for a look in between, and says how many
/// pictures of a kind will do.
pub(super) fn glance(model: &mut ModelFile) -> Option<usize> {
    let steps = model.header.scoring.search_steps.as_mut()?;
    *steps = steps.div_ceil(STEPS_SPARED);
    Some(SEARCHED)
}

/// Pictures whose labels are known: shown as information, and never used to choose anything.
pub struct Labelled {
    /// The pictures, prepared as the run's are.
    pub pictures: Box<dyn Pictures>,
    /// Whether each of them is abnormal.
    pub abnormal: Vec<bool>,
}

/// Scores of labelled pictures.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LabelledScores {
    /// A of the normal ones.
    pub normal: Vec<f64>,
    /// A of the abnormal ones.
    pub abnormal: Vec<f64>,
    /// None where a kind is missing.
    pub auroc: Option<f64>,
}

/// A picture with what the networks make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its values, `[c, size, size]`.
    pub input: Vec<f32>,
    /// Score, reconstruction, residual map.
    pub scored: Scored,
}

/// What a run's weights make of held-out pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Steps finished.
    pub step: u64,
    /// The held-out normals' scores, [`SCORED`] of them at most.
    pub held_out: Vec<RawScore>,
    /// Scores of labelled pictures, where there are some.
    pub labelled: Option<LabelledScores>,
    /// Training pictures that the scores compare with, where the score has a memory.
    pub remembered: Option<usize>,
    /// Some held-out pictures, the same ones each time.
    pub shown: Vec<Shown>,
}

impl Preview {
    /// Mean residual R of the held-out normals.
    pub fn residual(&self) -> f64 {
        let sum: f64 = self.held_out.iter().map(|raw| raw.residual).sum();
        sum / self.held_out.len() as f64
    }
}

/// Calibrates a model on a part of its pictures and scores with it.
///
/// # Errors
/// If a picture cannot be read, a score is not finite, the device fails, or `watch` ends a search.
pub(super) async fn preview(
    mut model: ModelFile,
    device: &Device,
    pictures: &dyn Pictures,
    (training, held_out): (&[usize], &[usize]),
    labelled: Option<&Labelled>,
    shown: usize,
    watch: &mut dyn Watch,
) -> Result<Preview, RunError> {
    let limit = glance(&mut model).unwrap_or(SCORED);
    let training = evenly_spread(training, REMEMBERED);
    let held_out = evenly_spread(held_out, limit);
    let step = model.header.training.as_ref().map_or(0, |t| t.steps);
    let quantile = crate::calibration::THRESHOLD_QUANTILE;
    let fitted = fit::fit(
        model, device, pictures, &training, &held_out, quantile, watch,
    );
    let Fitted { model, held_out } = fitted.await?;
    let detector = detector::load(&model, device)?;
    let labelled = match labelled {
        Some(labelled) => Some(score_labelled(&*detector, labelled, limit, watch).await?),
        None => None,
    };
    let chosen: Vec<usize> = held_out.iter().map(|(index, _)| *index).collect();
    let chosen = evenly_spread(&chosen, shown);
    let mut shown = Vec::with_capacity(chosen.len());
    if !chosen.is_empty() {
        let values = pictures.values(&chosen)?;
        let scored = detector::score_watched(&*detector, &values, watch).await?;
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
        remembered: has_memory.then_some(training.len()),
        shown,
    })
}

/// Scores labelled pictures, at most `limit` of each kind, evenly spread.
///
/// # Errors
/// If a picture cannot be read, the device fails, or `watch` ends a search.
pub async fn score_labelled(
    detector: &dyn detector::Detector,
    labelled: &Labelled,
    limit: usize,
    watch: &mut dyn Watch,
) -> Result<LabelledScores, RunError> {
    let mut kinds = [Vec::new(), Vec::new()];
    for (scores, abnormal) in kinds.iter_mut().zip([false, true]) {
        let of_kind = |&index: &usize| labelled.abnormal[index] == abnormal;
        let all: Vec<usize> = (0..labelled.abnormal.len()).filter(of_kind).collect();
        for batch in evenly_spread(&all, limit).chunks(SCORED_AT_ONCE) {
            let values = labelled.pictures.values(batch)?;
            let scored = detector::score_watched(detector, &values, watch).await?;
            scores.extend(scored.iter().map(|scored| scored.raw.anomaly_score));
            breathe().await;
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
