//! Baselines without a GAN, which are fitted directly instead of trained.

use anyhow::{Context, Result};
use burn::tensor::Device;

use crate::data::batch::{split_held_out, subsample};
use crate::data::pictures::Pictures;
use crate::detector::{Calibrated, calibrate, options};
use crate::model_file::{FORMAT, Header, ModelFile, Precision, Training};
use crate::run::preprocessing;
use crate::settings::config::TrainConfig;

/// Largest number of images that a baseline is fitted on: they are held in memory, and the nearest
/// neighbour method stores them all in its file.
const FITTED_ON: usize = 20_000;

/// Fits a method directly to all training images and calibrates it on the held-out normal images.
pub fn fit_baseline(
    config: &TrainConfig,
    pictures: &dyn Pictures,
    precision: Precision,
    device: &Device,
) -> Result<Calibrated> {
    let (training, held_out) = split_held_out(pictures.len(), config.held_out, config.seed);
    anyhow::ensure!(
        !training.is_empty() && !held_out.is_empty(),
        "a baseline needs at least two images, one of them held out; got {}",
        pictures.len()
    );
    let chosen: Vec<usize> = subsample(training.len(), FITTED_ON, config.seed, 2)
        .into_iter()
        .map(|at| training[at])
        .collect();
    if chosen.len() < training.len() {
        eprintln!(
            "{} is fitted on {} of {} training images, drawn with seed {}",
            config.method,
            chosen.len(),
            training.len(),
            config.seed
        );
    }
    let values = pictures.values(&chosen)?;
    let input = preprocessing(config);
    let method = config.method.fitted_once();
    let method = method.with_context(|| format!("{} is trained in steps", config.method))?;
    let tensors = pollster::block_on(method.fit(config, &values, &input, device))?;
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
    let quantile = config.threshold_quantile;
    let watch = &mut ();
    let fitted = calibrate(
        model, device, pictures, &training, &held_out, quantile, watch,
    );
    Ok(pollster::block_on(fitted)?)
}
