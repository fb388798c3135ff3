//! `calibrate`: fits threshold, display and scoring options of a trained model again on normal images.
//! The weights do not change.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::data::DataArgs;
use super::device::{Check, DeviceArg};
use super::exit::Outcome;
use super::files::{read_model, write_whole};
use super::images::load_pictures;
use super::progress::Finishing;
use crate::calibration::{THRESHOLD_QUANTILE, ThresholdRule};
use crate::data::batch::split_held_out;
use crate::data::pictures::Pictures;
use crate::detector::{calibrate, images_needed, options};
use crate::model_file::{FORMAT, ModelFile, Precision};
use crate::score::{Latent, Normalisation, Residual};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::limits::MOST_LATENT_STEPS;

#[derive(clap::Args)]
pub struct Args {
    /// Model file
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Weight λ of the residual R in the score, from 0 to 1; the latent term L has weight 1 - λ [default:
    /// the model's]
    #[arg(long)]
    lambda: Option<f64>,
    /// How R measures the difference between image and reconstruction [default: the model's]
    #[arg(long, value_enum)]
    residual: Option<Residual>,
    /// What the latent term L compares [default: the model's]
    #[arg(long, value_enum)]
    latent: Option<Latent>,
    /// How R and L are normalised before they are added [default: the model's]
    #[arg(long, alias = "balance", value_enum)]
    normalise: Option<Normalisation>,
    /// Steps of the latent optimisation for each image [default: the model's]
    #[arg(long, alias = "search-steps", value_parser = clap::value_parser!(u32).range(1..=MOST_LATENT_STEPS as i64))]
    latent_steps: Option<u32>,
    /// Quantile of the normal images' scores that becomes the threshold, between 0 and 1 [default: the
    /// model's]
    #[arg(long)]
    threshold_quantile: Option<f64>,
    /// Precision of the weights in the model file
    #[arg(long, value_enum, default_value = "f32")]
    precision: Precision,
    /// Model file to write
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArg,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<Outcome> {
    let (mut model, _) = read_model(&args.model)?;
    let before = model.header.scoring;
    let scoring = &mut model.header.scoring;
    scoring.lambda = args.lambda.unwrap_or(scoring.lambda);
    scoring.residual = args.residual.unwrap_or(scoring.residual);
    scoring.latent = args.latent.unwrap_or(scoring.latent);
    scoring.balance = args.normalise.unwrap_or(scoring.balance);
    if let Some(steps) = args.latent_steps {
        anyhow::ensure!(
            model.header.method.optimises_latent(),
            "--latent-steps applies to methods with a latent optimisation, got a model of the method {}",
            model.header.method
        );
        scoring.search_steps = Some(steps as usize);
    }
    anyhow::ensure!(
        (0.0..=1.0).contains(&scoring.lambda),
        "--lambda must be between 0 and 1, got {}",
        scoring.lambda
    );
    // Other methods would ignore it silently, and the file would claim otherwise.
    let compared = TrainConfig {
        method: model.header.method,
        latent: scoring.latent,
        ..TrainConfig::default()
    };
    anyhow::ensure!(
        scoring.latent != Latent::Layers || options::has_use_for(&compared, Setting::latent),
        "--latent layers needs a discriminator whose layers are compared, got a model of the method {}",
        model.header.method
    );

    if model.header.scoring != before {
        // It belongs to the score as it was.
        model.header.self_check = None;
    }
    let seed = model.header.training.as_ref().map_or(0, |t| t.config.seed);
    let pictures = load_pictures(&args.data, &model.header.preprocessing, seed)?;
    let (training, held_out) = roles(&model, &pictures);
    let device = args.device.open(Check {
        models: &[&model],
        ..Check::default()
    })?;
    let quantile = args.threshold_quantile.unwrap_or(quantile_of(&model));
    model.header.format = FORMAT;
    let model = model.rounded(args.precision);
    let mut bar = Finishing::new(images_needed(
        &model.header.scoring,
        training.len(),
        held_out.len(),
    ));
    let fitted = calibrate(
        model,
        &device.device,
        &pictures,
        &training,
        &held_out,
        quantile,
        &mut bar,
    );
    let model = pollster::block_on(fitted)?.model;
    bar.end();
    device.confirm(&model, "repeat this with --device cpu")?;
    let bytes = model.to_bytes(args.precision)?;
    write_whole(&args.out, &bytes)?;

    let calibration = model.header.calibration.as_ref();
    let calibration = calibration.context("the model is not calibrated")?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let summary = serde_json::json!({
            "model": args.out,
            "bytes": bytes.len(),
            "normals": calibration.normals,
            "skipped": pictures.skipped().len(),
            "threshold": calibration.threshold,
        });
        writeln!(out, "{summary}")?;
    } else {
        writeln!(
            out,
            "model      {} ({} bytes)",
            args.out.display(),
            bytes.len()
        )?;
        writeln!(out, "normals    {}", calibration.normals)?;
        writeln!(out, "threshold  {}", calibration.threshold)?;
    }
    Ok(match pictures.skipped().is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeSkipped,
    })
}

/// The quantile behind the model's threshold, or the default if there is none.
fn quantile_of(model: &ModelFile) -> f64 {
    match model.header.calibration.as_ref().map(|c| &c.rule) {
        Some(&ThresholdRule::HeldOutQuantile(quantile)) => quantile,
        Some(ThresholdRule::Manual) | None => THRESHOLD_QUANTILE,
    }
}

/// Which images go into the memory bank and which are calibrated on: the same as in training if the model
/// was trained on these images; otherwise all of them are calibrated on, or one half if there is a memory
/// bank.
fn roles(model: &ModelFile, pictures: &dyn Pictures) -> (Vec<usize>, Vec<usize>) {
    let training = model.header.training.as_ref();
    if let Some(split) = training.and_then(|training| training.split(pictures)) {
        return split;
    }
    let why = match training {
        Some(_) => "these are not the images that the model was trained on",
        None => "the file does not record what the model was trained on",
    };
    // Images in the memory bank must not be calibrated on: each would be its own neighbour.
    match model.header.scoring.latent {
        Latent::Memory => {
            eprintln!(
                "note: {why}; one half goes into the memory bank, the other half is used for calibration"
            );
            split_held_out(pictures.len(), 0.5, 0)
        }
        Latent::Final | Latent::Layers => {
            eprintln!("note: {why}; all of them are used for calibration");
            (Vec::new(), (0..pictures.len()).collect())
        }
    }
}
