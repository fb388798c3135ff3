//! `generate`: renders a data set of one product line into a folder, in MVTec's layout.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;
use tempfile::TempDir;

use super::command_line::command_line;
use super::exit::Outcome;
use super::files::folder_in;
use super::progress;
use super::train::job::watch_for_interruption;
use crate::data::product_set::{Part, ProductOptions, ProductSet, Row};

/// What the folder holds besides the pictures.
const MANIFEST: &str = "manifest.jsonl";
const README: &str = "README.txt";

/// Options of the data set, those of `--data product:LINE` too.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    options: ProductOptions,
    /// Folder to create; one that holds anything is refused
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let set = Arc::new(ProductSet::new(&args.options).map_err(anyhow::Error::msg)?);
    let out = args.out.as_path();
    check_empty(out)?;
    let stop = watch_for_interruption()?;
    // Nothing appears before all is written. An empty folder is filled, not replaced: it may be a link, a mount or the
    // working directory.
    let named = || format!("cannot write {}", out.display());
    let whole = std::path::absolute(out).with_context(named)?;
    let around = match out.exists() {
        true => whole.as_path(),
        false => whole.parent().context("--out is not a folder's name")?,
    };
    fs::create_dir_all(around).with_context(named)?;
    let folder = folder_in(around).with_context(named)?;
    let Some(rows) = render(&set, folder.path(), &stop)? else {
        eprintln!("stopped; nothing was written");
        return Ok(Outcome::Interrupted);
    };
    write_notes(&set, &rows, folder.path()).with_context(named)?;
    put_in_place(folder, out).with_context(named)?;
    print_summary(&rows, args)?;
    Ok(Outcome::Done)
}

/// Refuses a folder that holds anything, and a file.
fn check_empty(out: &Path) -> Result<()> {
    if !out.exists() {
        return Ok(());
    }
    let mut entries = fs::read_dir(out).with_context(|| {
        format!(
            "expected --out to be a folder to create, got {}",
            out.display()
        )
    })?;
    anyhow::ensure!(
        entries.next().is_none(),
        "{} already holds files; choose another --out",
        out.display()
    );
    Ok(())
}

/// Writes all pictures and masks; `None` if it was interrupted.
fn render(set: &Arc<ProductSet>, folder: &Path, stop: &AtomicBool) -> Result<Option<Vec<Row>>> {
    let parts: Vec<Part> = set.parts().into_iter().flatten().collect();
    let names = parts
        .iter()
        .flat_map(|part| [Some(part.name()), part.mask_name()]);
    let mut folders: Vec<PathBuf> = names
        .flatten()
        .filter_map(|name| Some(folder.join(name).parent()?.to_path_buf()))
        .collect();
    folders.dedup();
    for made in folders {
        fs::create_dir_all(&made).with_context(|| format!("cannot write {}", made.display()))?;
    }
    let bar = progress::bar(parts.len() as u64, "rendering");
    let one = |part: &Part| -> Result<Option<Row>> {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let rendered = part.render().map_err(anyhow::Error::msg)?;
        let path = |name: String| folder.join(name);
        write_png(
            &path(part.name()),
            &rendered.pixels,
            set.size(),
            set.channels(),
        )?;
        if let (Some(change), Some(name)) = (&rendered.change, part.mask_name()) {
            let white: Vec<u8> = change.mask.iter().map(|on| 255 * on).collect();
            write_png(&path(name), &white, set.size(), 1)?;
        }
        bar.inc(1);
        Ok(Some(Row::new(part, &rendered)))
    };
    let rows = parts.par_iter().map(one).collect();
    bar.finish_and_clear();
    rows
}

fn write_png(path: &Path, pixels: &[u8], size: usize, channels: usize) -> Result<()> {
    let named = || format!("cannot write {}", path.display());
    let colour = match channels {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    // Encoded first: a writer that is dropped says nothing of a full disk.
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(pixels, size as u32, size as u32, colour)
        .with_context(named)?;
    fs::write(path, file).with_context(named)
}

/// The manifest, and what the pictures are.
fn write_notes(set: &ProductSet, rows: &[Row], folder: &Path) -> Result<()> {
    let mut manifest = BufWriter::new(File::create(folder.join(MANIFEST))?);
    for row in rows {
        serde_json::to_writer(&mut manifest, row)?;
        manifest.write_all(b"\n")?;
    }
    manifest.flush()?;
    let text = format!(
        "These pictures are rendered, not photographed. They show {set}.\n\n\
         skip-ganomaly {} made them with\n\n    {}\n\n\
         train/good holds normal parts to train on, test/good normal ones to test on and each other folder of test\n\
         parts with one kind of fault. In ground_truth, a mask is white where the picture differs from that of the\n\
         same part without its fault. {MANIFEST} has one JSON object for each picture; docs/using.md explains its\n\
         fields.\n",
        env!("CARGO_PKG_VERSION"),
        command_line(),
    );
    fs::write(folder.join(README), text)?;
    Ok(())
}

/// Makes the temporary folder the one asked for, or moves what it holds there.
fn put_in_place(folder: TempDir, out: &Path) -> Result<()> {
    if out.exists() {
        for entry in fs::read_dir(folder.path())? {
            let entry = entry?;
            fs::rename(entry.path(), out.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::rename(folder.path(), out)?;
    // Nothing is left to be removed.
    let _ = folder.keep();
    Ok(())
}

fn print_summary(rows: &[Row], args: &Args) -> Result<()> {
    let count = |folder: &str| {
        rows.iter()
            .filter(|row| row.file.starts_with(folder))
            .count()
    };
    let (train, good) = (count("train/"), count("test/good/"));
    let faulty = rows.len() - train - good;
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for kind in rows.iter().filter_map(|row| row.fault) {
        match kinds.last_mut() {
            Some((last, number)) if *last == kind => *number += 1,
            _ => kinds.push((kind, 1)),
        }
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        let faults: serde_json::Map<_, _> = kinds
            .iter()
            .map(|&(kind, number)| (kind.to_owned(), number.into()))
            .collect();
        let summary = serde_json::json!({
            "folder": args.out,
            "train": train,
            "good": good,
            "faulty": faulty,
            "faults": faults,
        });
        writeln!(out, "{summary}")?;
        return Ok(());
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, number)| format!("{number} {kind}"))
        .collect();
    writeln!(out, "folder     {} (rendered pictures)", args.out.display())?;
    writeln!(out, "train      {train} normal")?;
    writeln!(out, "test       {good} normal, {faulty} faulty")?;
    if faulty > 0 {
        writeln!(out, "faults     {}", kinds.join(", "))?;
    }
    Ok(())
}
