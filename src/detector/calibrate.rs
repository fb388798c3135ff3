//! The calibration of a trained model on held-out normal images: weights of features if its score has
//! them, the normalisation of R and L, threshold, display and heat-map scale.

use burn::tensor::Device;

use super::registry::load;
use super::scorer::FEATURE_WEIGHTS;
use super::scoring::{self, SCORED_AT_ONCE, score_with_progress};
use super::{CalibrateError, Detector, Progress, memory, self_check};
use crate::calibration::Calibration;
use crate::data::batch::evenly_spread;
use crate::data::pictures::Pictures;
use crate::model_file::{ModelFile, Normaliser, Scoring};
use crate::nn::tensors::HostTensor;
use crate::platform::yield_now;
use crate::score::{Latent, Normalisation, RawScore, largest_marks};

/// Largest number of pixel residuals for the heat map's scale: enough for its quantile.
const SCALE_PIXELS: usize = 4_000_000;

/// A feature's mean square below this share of its layer's mean counts as this share: features that
/// hardly vary must not outweigh the rest.
const SMALLEST_SQUARE: f64 = 1e-2;

/// Largest number of held-out normal images for calibration if the method optimises a latent code for
/// each.
const OPTIMISED: usize = 256;

/// A calibrated model.
pub struct Calibrated {
    /// The model.
    pub model: ModelFile,
    /// The model on the device that calibrated it.
    pub detector: Box<dyn Detector>,
    /// The held-out normal images: index among the images, and score.
    pub held_out: Vec<(usize, RawScore)>,
}

/// Calibrates a model on the images `held_out`, with the scoring in its header. A memory bank is built from
/// images of `training`; a method with a latent optimisation uses only a part of many held-out images. An
/// earlier calibration is replaced. `progress` is notified of [`images_needed`] images.
///
/// # Errors
/// If there is no image, one cannot be read, a score is not finite, the device fails, or `progress` stops a
/// latent optimisation.
pub async fn calibrate(
    mut model: ModelFile,
    device: &Device,
    pictures: &dyn Pictures,
    training: &[usize],
    held_out: &[usize],
    threshold_quantile: f64,
    progress: &mut dyn Progress,
) -> Result<Calibrated, CalibrateError> {
    model.header.calibration = None;
    model.header.scoring.normaliser = None;
    model.tensors.remove(FEATURE_WEIGHTS);
    memory::forget(&mut model.tensors);
    let mut detector = load(&model, device)?;
    match model.header.scoring.latent {
        Latent::Final => {}
        Latent::Layers => {
            if let Some(weights) = feature_weights(&*detector, pictures, held_out, progress).await?
            {
                model.tensors.insert(FEATURE_WEIGHTS.to_owned(), weights);
                detector.score_as(&model)?;
            }
        }
        Latent::Memory => {
            let memory = memory::learn(&*detector, pictures, training, progress).await?;
            model.tensors.extend(memory);
            detector.score_as(&model)?;
        }
    }

    let held_out = &evenly_spread(held_out, most_held_out(&model.header.scoring))[..];
    let mut raw = Vec::with_capacity(held_out.len());
    let (mut pixels, mut marks) = (Vec::new(), Vec::new());
    let side = detector.preprocessing().size;
    let every = 1 + held_out.len() * side * side / SCALE_PIXELS;
    for batch in held_out.chunks(SCORED_AT_ONCE) {
        let values = pictures.values(batch)?;
        let scored = score_with_progress(&*detector, &values, progress).await?;
        raw.extend(scored.iter().map(|scored| scored.raw));
        let marking = scored.iter().filter(|scored| scored.raw.marks.is_some());
        marks.extend(marking.map(|scored| largest_marks(&scored.map, side)));
        let maps = scored.iter().flat_map(|scored| &scored.map);
        pixels.extend(maps.copied().step_by(every));
        progress.images(batch.len());
        yield_now().await;
    }

    if model.header.scoring.balance == Normalisation::Quantile
        && raw.iter().all(|s| s.latent.is_some())
    {
        let scoring = &mut model.header.scoring;
        scoring.normaliser = Some(Normaliser::fit(&raw, &marks)?);
        for (at, score) in raw.iter_mut().enumerate() {
            let latent = score.latent.unwrap_or_default();
            score.marks = marks.get(at).map(|&largest| scoring.marks(largest));
            score.anomaly_score = scoring.anomaly_score(score.residual, latent, score.marks);
        }
        detector.score_as(&model)?;
    }
    model.header.calibration = Some(Calibration::fit(&raw, &pixels, threshold_quantile)?);
    model.header.self_check = Some(self_check(&*detector).await?);
    Ok(Calibrated {
        model,
        detector,
        held_out: held_out.iter().copied().zip(raw).collect(),
    })
}

/// How many images [`calibrate`] passes through the networks.
pub fn images_needed(scoring: &Scoring, training: usize, held_out: usize) -> usize {
    held_out.min(most_held_out(scoring))
        + match scoring.latent {
            Latent::Final => 0,
            Latent::Layers => held_out,
            Latent::Memory => training.min(memory::CAPACITY),
        }
}

/// Largest number of held-out normal images that are calibrated on.
fn most_held_out(scoring: &Scoring) -> usize {
    match scoring.search_steps {
        Some(_) => OPTIMISED,
        None => usize::MAX,
    }
}

/// Weights of the features: w = 1 / (layers · features of the layer · E(f(x) - f(x̂))²), so that L is the
/// mean over the layers of the standardised squares' mean, and about 1 for a normal image. `None` for a
/// method without features.
async fn feature_weights(
    detector: &dyn Detector,
    pictures: &dyn Pictures,
    held_out: &[usize],
    progress: &mut dyn Progress,
) -> Result<Option<HostTensor>, CalibrateError> {
    let layers = detector.feature_layers();
    let features: usize = layers.iter().sum();
    let mut squares = vec![0.0_f64; features];
    for batch in held_out.chunks(SCORED_AT_ONCE) {
        let values = pictures.values(batch)?;
        let Some((f, f_hat)) = scoring::features(detector, &values).await? else {
            return Ok(None);
        };
        for (at, (a, b)) in f.iter().zip(&f_hat).enumerate() {
            squares[at % features] += f64::from(a - b).powi(2);
        }
        progress.images(batch.len());
        yield_now().await;
    }
    let mut weights = Vec::with_capacity(squares.len());
    let mut rest = &squares[..];
    for &length in &layers {
        let (layer, after) = rest.split_at(length);
        rest = after;
        let smallest = SMALLEST_SQUARE * layer.iter().sum::<f64>() / length as f64;
        let count = held_out.len() as f64;
        weights.extend(layer.iter().map(|&sum| {
            let square = sum.max(smallest).max(f64::from(f32::MIN_POSITIVE)) / count;
            (1.0 / (layers.len() * length) as f64 / square).min(f64::from(f32::MAX)) as f32
        }));
    }
    Ok(Some(HostTensor {
        shape: vec![weights.len()],
        values: weights,
    }))
}
