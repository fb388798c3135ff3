//! `import`: converts checkpoints of the published PyTorch programs into a model file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::device::{Check, DeviceArg};
use super::exit::Outcome;
use super::files::write_whole;
use super::images::prepare;
use crate::calibration::THRESHOLD_QUANTILE;
use crate::data::folder::Folder;
use crate::data::image::Preprocessing;
use crate::data::picture_cache::PictureCache;
use crate::data::pictures::Pictures;
use crate::detector::{self, calibrate};
use crate::import::import;
use crate::model_file::Precision;
use crate::score::Residual;

#[derive(clap::Args)]
pub struct Args {
    /// The generator's checkpoint (netG.pth)
    #[arg(long, value_name = "FILE")]
    generator: PathBuf,
    /// The discriminator's checkpoint (netD.pth)
    #[arg(long, value_name = "FILE")]
    discriminator: PathBuf,
    /// Folder of normal images that were not used in training, to calibrate the model
    #[arg(long, value_name = "DIR")]
    normals: Option<PathBuf>,
    /// How the residual R is measured: l1 as in the paper, l2 as in its code
    #[arg(long, value_enum, default_value = "l1")]
    residual: Residual,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArg,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<Outcome> {
    let mut model = import(&args.generator, &args.discriminator, args.residual)?;
    let chosen = args.device.open(Check {
        models: &[&model],
        ..Check::default()
    })?;
    let device = &chosen.device;
    let (mut normals, mut skipped) = (0, 0);
    match &args.normals {
        Some(folder) => {
            let pictures = load_normals(folder, &model.header.preprocessing)?;
            (normals, skipped) = (pictures.len(), pictures.skipped().len());
            let all: Vec<usize> = (0..pictures.len()).collect();
            let (quantile, progress) = (THRESHOLD_QUANTILE, &mut ());
            let fitted = calibrate(model, device, &pictures, &all, &all, quantile, progress);
            model = pollster::block_on(fitted)?.model;
        }
        None => {
            let detector = detector::load(&model, device)?;
            let checked = pollster::block_on(detector::self_check(&*detector))?;
            model.header.self_check = Some(checked);
        }
    }
    chosen.confirm(&model, "repeat this with --device cpu")?;
    let bytes = model.to_bytes(Precision::F32)?;
    write_whole(&args.out, &bytes)?;

    let header = &model.header;
    let threshold = header.calibration.as_ref().map(|c| c.threshold);
    let mut out = std::io::stdout().lock();
    if args.json {
        let summary = serde_json::json!({
            "model": args.out,
            "bytes": bytes.len(),
            "method": header.method,
            "architecture": header.architecture,
            "normals": normals,
            "skipped": skipped,
            "threshold": threshold,
        });
        writeln!(out, "{summary}")?;
    } else {
        writeln!(
            out,
            "model      {} ({} bytes)",
            args.out.display(),
            bytes.len()
        )?;
        writeln!(out, "method     {}", header.method)?;
        if let Some(shape) = &header.architecture {
            writeln!(
                out,
                "networks   {} × {} pixels, {} channels, widths {} (G) and {} (D), {} features",
                shape.size,
                shape.size,
                shape.channels,
                shape.generator_width,
                shape.discriminator_width,
                shape.features
            )?;
        }
        match threshold {
            Some(threshold) => writeln!(out, "threshold  {threshold}")?,
            None => writeln!(out, "threshold  none: scores come without a verdict")?,
        }
    }
    Ok(match skipped {
        0 => Outcome::Done,
        _ => Outcome::SomeSkipped,
    })
}

fn load_normals(folder: &Path, preprocessing: &Preprocessing) -> Result<PictureCache> {
    let opened = Folder::open(folder)?;
    eprintln!(
        "{}: {}, {} normal images",
        folder.display(),
        opened.layout,
        opened.train.len()
    );
    prepare(opened.train, preprocessing, u64::MAX)
}
