//! `inspect`: shows what a model file contains.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::calibration::rounded;
use crate::model_file::{MEMORY_IMAGES, Scoring};

use super::exit::Outcome;
use super::files::{read_model, sha256};

#[derive(clap::Args)]
pub struct Args {
    /// Model file or checkpoint
    file: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<Outcome> {
    let (model, bytes) = read_model(&args.file)?;
    let mut out = std::io::stdout().lock();
    let header = &model.header;
    let values: usize = model
        .tensors
        .values()
        .map(|tensor| tensor.values.len())
        .sum();
    if args.json {
        let tensors: serde_json::Map<_, _> = model
            .tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), serde_json::json!(tensor.shape)))
            .collect();
        let json = serde_json::json!({
            "file": args.file,
            "bytes": bytes.len(),
            "sha256": sha256(&bytes),
            "values": values,
            "header": header,
            "tensors": tensors,
        });
        writeln!(out, "{json}")?;
        return Ok(Outcome::Done);
    }

    let input = &header.preprocessing;
    writeln!(out, "file          {}", args.file.display())?;
    writeln!(
        out,
        "size          {} bytes, {values} values, sha256 {}",
        bytes.len(),
        sha256(&bytes)
    )?;
    writeln!(
        out,
        "method        {} (format {})",
        header.method, header.format
    )?;
    writeln!(
        out,
        "images        {} × {} pixels, {}",
        input.size,
        input.size,
        if input.channels == 1 {
            "grey"
        } else {
            "colour"
        }
    )?;
    match &header.architecture {
        Some(shape) => {
            writeln!(
                out,
                "networks      widths {} (G) and {} (D), {} features",
                shape.generator_width, shape.discriminator_width, shape.features
            )?;
            writeln!(out, "score         {}", formula(&header.scoring)?)?;
            if let Some(steps) = header.scoring.search_steps {
                writeln!(out, "optimisation  {steps} steps for each image")?;
            }
        }
        None => writeln!(out, "networks      none")?,
    }
    if let Some(memory) = model.tensors.get(MEMORY_IMAGES)
        && let [stored, values] = memory.shape[..]
    {
        writeln!(out, "memory bank   {stored} encodings of {values} values")?;
    }
    match &header.training {
        None => writeln!(out, "training      not recorded")?,
        Some(training) => {
            writeln!(
                out,
                "training      {} steps ({} epochs) on {} normal images, {} held out, seed {}",
                training.steps,
                training.epochs,
                training.pictures,
                training.held_out,
                training.config.seed
            )?;
            writeln!(out, "data          sha256 {}", training.data_digest)?;
        }
    }
    match &header.calibration {
        None => writeln!(out, "calibration   none: scores come without a verdict")?,
        Some(calibration) => {
            writeln!(
                out,
                "calibration   threshold {} from {} held-out normal images",
                calibration.threshold, calibration.normals
            )?;
            for (name, value) in calibration.anomaly_score.entries() {
                writeln!(out, "              {name:>8} {value}")?;
            }
        }
    }
    if let Some(licence) = &header.licence {
        writeln!(out, "licence       {licence}")?;
    }
    Ok(Outcome::Done)
}

/// The formula of A, in one line.
fn formula(scoring: &Scoring) -> Result<String> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (lambda, rest) = (scoring.lambda, rounded(1.0 - scoring.lambda));
    let sum = match scoring.mu {
        Some(mu) => format!("A = {mu} M + {} ({lambda} R + {rest} L)", rounded(1.0 - mu)),
        None => format!("A = {lambda} R + {rest} L"),
    };
    Ok(format!(
        "{sum}, R {}, L {}, balance {}",
        word(serde_json::to_value(scoring.residual)?),
        word(serde_json::to_value(scoring.latent)?),
        word(serde_json::to_value(scoring.balance)?),
    ))
}
