//! `import`: converts checkpoints of the published PyTorch programs into a model file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::device::{Check, DeviceArg};
use super::{Outcome, progress, report_skipped, write_whole};
use crate::calibration::THRESHOLD_QUANTILE;
use crate::data::folder::{self, Folder, LoadedPictures};
use crate::data::image::Preprocessing;
use crate::data::pictures::{InMemory, Pictures};
use crate::detector::{self, fit::fit};
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
    let mut loaded = LoadedPictures::default();
    match &args.normals {
        Some(normals) => {
            loaded = load_normals(normals, &model.header.preprocessing)?;
            let pictures = InMemory::new(
                std::mem::take(&mut loaded.values),
                model.header.preprocessing.values(),
                "",
            );
            let all: Vec<usize> = (0..pictures.len()).collect();
            let (quantile, watch) = (THRESHOLD_QUANTILE, &mut ());
            let fitted = fit(model, device, &pictures, &all, &all, quantile, watch);
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
            "normals": loaded.kept.len(),
            "skipped": loaded.skipped.len(),
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
    Ok(match loaded.skipped.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeSkipped,
    })
}

fn load_normals(folder: &Path, preprocessing: &Preprocessing) -> Result<LoadedPictures> {
    let opened = Folder::open(folder)?;
    eprintln!(
        "{}: {}, {} normal images",
        folder.display(),
        opened.layout,
        opened.train.len()
    );
    let paths: Vec<PathBuf> = opened.train.into_iter().map(|sample| sample.path).collect();
    let bar = progress::bar(paths.len() as u64, "loading");
    let loaded = folder::load(&paths, preprocessing, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    report_skipped(&loaded.skipped);
    Ok(loaded)
}
