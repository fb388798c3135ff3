//! Fitting a method directly to all images, and calibrating it: what a run is for the methods without
//! networks.

use burn::tensor::Device;

use super::RunError;
use crate::data::batch::{split_held_out, subsample};
use crate::data::pictures::Pictures;
use crate::detector::{Calibrated, calibrate, options};
use crate::model_file::{FORMAT, Header, ModelFile, Precision, Training};
use crate::settings::config::TrainConfig;

/// Largest number of images that a method is fitted on: they are held in memory, and the nearest
/// neighbour method stores them all in its file.
pub const MOST_FITTED: usize = 20_000;

/// Fits a method directly to all training images, or to [`MOST_FITTED`] of them, and calibrates it on the
/// held-out normal images.
///
/// # Errors
/// If a setting is out of range, the method is trained in steps instead, there are fewer than two images, one
/// cannot be read, a score is not finite, or the device fails.
pub async fn fit(
    config: &TrainConfig,
    pictures: &dyn Pictures,
    precision: Precision,
    device: &Device,
) -> Result<Calibrated, RunError> {
    config.check()?;
    let method = config.method.fitted_once();
    let method = method.ok_or(RunError::HasNetworks(config.method))?;
    let (training, held_out) = split_held_out(pictures.len(), config.held_out, config.seed);
    if training.is_empty() || held_out.is_empty() {
        return Err(RunError::TooFewToFit(pictures.len()));
    }
    let chosen: Vec<usize> = subsample(training.len(), MOST_FITTED, config.seed, 2)
        .into_iter()
        .map(|at| training[at])
        .collect();
    let values = pictures.values(&chosen)?;
    let input = config.preprocessing();
    let tensors = method.fit(config, &values, &input, device).await?;
    let model = ModelFile {
        header: Header {
            format: FORMAT,
            method: config.method,
            architecture: None,
            preprocessing: input,
            scoring: options::scoring(config),
            calibration: None,
            training: Some(Training {
                config: config.clone(),
                data_digest: pictures.digest().to_owned(),
                pictures: training.len(),
                held_out: held_out.len(),
                steps: 0,
                epochs: 0,
                losses: None,
            }),
            self_check: None,
            licence: None,
        },
        tensors,
    }
    .rounded(precision);
    let (quantile, progress) = (config.threshold_quantile, &mut ());
    let calibrated = calibrate(
        model, device, pictures, &training, &held_out, quantile, progress,
    );
    Ok(calibrated.await?)
}
