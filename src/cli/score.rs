//! `score`: one line per image.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::device::{Check, DeviceArg, score_batch};
use super::exit::Outcome;
use super::files::read_model;
use super::progress;
use crate::calibration::{Verdict, heat_map_range};
use crate::data::files::{expand, read_picture};
use crate::data::image::heat_map_rgba;
use crate::data::sample::load_chunks;
use crate::detector::{self, Scored};
use crate::score::Residual;

#[derive(clap::Args)]
pub struct Args {
    /// Model file that `train` wrote
    #[arg(long)]
    model: PathBuf,
    /// Images, or folders of images
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print JSON, one object per line, instead of a table
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write the results to this CSV file instead of printing them
    #[arg(long)]
    csv: Option<PathBuf>,
    /// Write a heat map of each image into this folder, as PNG
    #[arg(long)]
    maps: Option<PathBuf>,
    /// How to measure the residual R, if not as the model does; its calibration then no longer applies
    #[arg(long, value_enum)]
    residual: Option<Residual>,
    /// Number of images scored at once, from 1 to 4096; does not change any score
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch: u16,
    #[command(flatten)]
    device: DeviceArg,
}

/// The reason if the model's weights overflow.
const NOT_FINITE: &str = "its score is not a finite number: the model's weights overflow";

/// The line of an image.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    score: Option<f64>,
    residual: Option<f64>,
    latent: Option<f64>,
    marks: Option<f64>,
    threshold: Option<f64>,
    verdict: Option<Verdict>,
    display: Option<f64>,
}

pub fn run(args: Args) -> Result<Outcome> {
    let (mut model, _) = read_model(&args.model)?;
    if let Some(residual) = args.residual {
        model.measure_residual(residual);
    }
    let calibration = model.header.calibration.clone();
    let device = args.device.open(Check {
        models: &[&model],
        ..Check::default()
    })?;
    let detector = detector::load(&model, &device.device)?;
    let paths = expand(&args.paths);
    anyhow::ensure!(!paths.is_empty(), "no images found in the given folders");

    let mut output = Output::open(&args)?;
    let mut maps = args.maps.as_deref().map(Maps::open).transpose()?;
    let bar = progress::bar(paths.len() as u64, "scoring");
    let mut skipped = 0;
    let preprocessing = detector.preprocessing().clone();
    let load = |path: &PathBuf| read_picture(path).map(|picture| preprocessing.apply(&picture));
    for chunk in load_chunks(&paths, args.batch.into(), load) {
        let values: Vec<f32> = chunk
            .iter()
            .filter_map(|(_, loaded)| loaded.as_ref().ok())
            .flatten()
            .copied()
            .collect();
        let scored = match values.is_empty() {
            true => Vec::new(),
            false => score_batch(device.kind, &*detector, &values)?,
        };
        let mut scored = scored.into_iter();
        for (path, loaded) in &chunk {
            let scored = match loaded {
                Err(reason) => Err(reason.as_str()),
                Ok(_) => match scored.next() {
                    Some(scored) if scored.raw.anomaly_score.is_finite() => Ok(scored),
                    Some(_) => Err(NOT_FINITE),
                    None => anyhow::bail!("an image was prepared but not scored"),
                },
            };
            if let (Ok(scored), Some(maps)) = (&scored, &mut maps) {
                let range = heat_map_range(calibration.as_ref());
                let rgba = heat_map_rgba(&scored.map, &range);
                maps.write(path, &rgba, preprocessing.size)?;
            }
            skipped += usize::from(scored.is_err());
            let row = match &scored {
                Ok(scored) => Row::scored(path, scored, calibration.as_ref()),
                Err(reason) => Row::unreadable(path, reason),
            };
            output.write(&row)?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    output.finish()?;
    if skipped > 0 {
        eprintln!("{skipped} of {} images could not be scored", paths.len());
        return Ok(Outcome::SomeSkipped);
    }
    Ok(Outcome::Done)
}

impl<'a> Row<'a> {
    fn unreadable(path: &'a Path, reason: &str) -> Self {
        Self {
            path,
            error: Some(reason.to_owned()),
            score: None,
            residual: None,
            latent: None,
            marks: None,
            threshold: None,
            verdict: None,
            display: None,
        }
    }

    fn scored(
        path: &'a Path,
        scored: &Scored,
        calibration: Option<&crate::calibration::Calibration>,
    ) -> Self {
        let score = scored.raw.anomaly_score;
        Self {
            path,
            error: None,
            score: Some(score),
            residual: Some(scored.raw.residual),
            latent: scored.raw.latent,
            marks: scored.raw.marks,
            threshold: calibration.map(|c| c.threshold),
            verdict: calibration.map(|c| c.verdict(score)),
            display: calibration.map(|c| c.display(score)),
        }
    }
}

/// Where the results are written.
enum Output {
    Table(BufWriter<std::io::Stdout>),
    Json(BufWriter<std::io::Stdout>),
    Csv(Box<csv::Writer<std::fs::File>>),
}

impl Output {
    fn open(args: &Args) -> Result<Self> {
        let stdout = || BufWriter::new(std::io::stdout());
        if args.json {
            return Ok(Self::Json(stdout()));
        }
        if let Some(path) = &args.csv {
            let named = || format!("cannot write {}", path.display());
            let mut writer = csv::Writer::from_path(path).with_context(named)?;
            writer.write_record([
                "path",
                "score",
                "residual",
                "latent",
                "marks",
                "threshold",
                "verdict",
                "display",
                "error",
            ])?;
            return Ok(Self::Csv(Box::new(writer)));
        }
        let mut table = stdout();
        writeln!(
            table,
            "{:>10} {:>10} {:>10} {:>10} {:>8}  {:<12} path",
            "score", "residual", "latent", "marks", "display", "verdict"
        )?;
        Ok(Self::Table(table))
    }

    fn write(&mut self, row: &Row<'_>) -> Result<()> {
        let verdict = row.verdict.unwrap_or(Verdict::Uncalibrated);
        match self {
            Self::Json(out) => writeln!(out, "{}", serde_json::to_string(row)?)?,
            Self::Csv(out) => {
                let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
                out.write_record([
                    row.path.display().to_string(),
                    number(row.score),
                    number(row.residual),
                    number(row.latent),
                    number(row.marks),
                    number(row.threshold),
                    row.verdict.map(|v| v.to_string()).unwrap_or_default(),
                    number(row.display),
                    row.error.clone().unwrap_or_default(),
                ])?;
            }
            Self::Table(out) => match &row.error {
                Some(reason) => writeln!(
                    out,
                    "{:>53}  {:<12} {}: {reason}",
                    "",
                    "error",
                    row.path.display()
                )?,
                None => {
                    let number = |value: Option<f64>| {
                        value.map_or_else(|| "-".to_owned(), |v| format!("{v:.6}"))
                    };
                    let display = row
                        .display
                        .map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
                    writeln!(
                        out,
                        "{:>10} {:>10} {:>10} {:>10} {display:>8}  {verdict:<12} {}",
                        number(row.score),
                        number(row.residual),
                        number(row.latent),
                        number(row.marks),
                        row.path.display(),
                        verdict = verdict.as_str(),
                    )?;
                }
            },
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Table(mut out) | Self::Json(mut out) => out.flush()?,
            Self::Csv(mut out) => out.flush()?,
        }
        Ok(())
    }
}

/// Heat maps as PNG files, named after their images.
struct Maps {
    folder: PathBuf,
    /// Names used so far: images in two folders may share a name.
    names: HashSet<String>,
}

impl Maps {
    fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            names: HashSet::new(),
        })
    }

    fn write(&mut self, picture: &Path, rgba: &[u8], side: usize) -> Result<()> {
        let stem = picture
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut name = format!("{stem}.heat.png");
        let mut copy = 1;
        while !self.names.insert(name.clone()) {
            copy += 1;
            name = format!("{stem}.{copy}.heat.png");
        }
        let path = self.folder.join(name);
        image::save_buffer(
            &path,
            rgba,
            side as u32,
            side as u32,
            image::ColorType::Rgba8,
        )
        .with_context(|| format!("cannot write {}", path.display()))
    }
}
