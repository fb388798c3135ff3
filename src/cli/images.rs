//! Training images as the data options name them, prepared and kept in memory.

use std::path::PathBuf;

use anyhow::Result;

use super::data::DataArgs;
use super::progress;
use crate::data::image::Preprocessing;
use crate::data::picture_cache::PictureCache;
use crate::data::pictures::Pictures;
use crate::data::sample::Sample;

/// Opens the data and prepares the normal training images.
pub fn load_pictures(
    data: &DataArgs,
    preprocessing: &Preprocessing,
    seed: u64,
) -> Result<PictureCache> {
    let set = data.open(seed)?;
    eprintln!("{}: {}", set.source, set.description);
    prepare(set.train, preprocessing, data.cache_bytes())
}

/// Prepares training images and keeps in memory those that fit into `cache_bytes`.
pub fn prepare(
    train: Vec<Sample>,
    preprocessing: &Preprocessing,
    cache_bytes: u64,
) -> Result<PictureCache> {
    let bar = progress::bar(train.len() as u64, "loading");
    let pictures = PictureCache::new(train, preprocessing, cache_bytes, |done| {
        bar.set_position(done as u64)
    });
    bar.finish_and_clear();
    report_skipped(pictures.skipped());
    if pictures.cached() < pictures.len() {
        eprintln!(
            "{} of {} prepared images fit into memory (--cache-mib); the others are decoded again in each epoch",
            pictures.cached(),
            pictures.len()
        );
    }
    Ok(pictures)
}

/// Lists the images that were left out, on stderr.
pub fn report_skipped(skipped: &[(PathBuf, String)]) {
    const SHOWN: usize = 10;
    for (path, reason) in skipped.iter().take(SHOWN) {
        eprintln!("skipped {}: {reason}", path.display());
    }
    if skipped.len() > SHOWN {
        eprintln!("skipped {} more images", skipped.len() - SHOWN);
    }
}
