//! What is asked of a set of test images: both kinds, a name, the published order and results.

use anyhow::Result;

use crate::data::{
    dataset::{Dataset, Kind as DataKind},
    sample::Sample,
};
use crate::evaluation::published::{self as literature, PublishedTable};

/// Requires both normal and abnormal test images.
pub fn needs_both_kinds(set: &Dataset) -> Result<()> {
    let (normals, abnormal) = set.test_counts();
    anyhow::ensure!(
        normals > 0 && abnormal > 0,
        "expected normal and abnormal test images in {}, found {normals} normal and {abnormal} abnormal",
        set.source,
    );
    Ok(())
}

/// The name of the data in results.
pub fn data_name(set: &Dataset) -> String {
    match set.abnormal_class() {
        Some(class) => format!("{} with {class} abnormal", set.source),
        None => set.source.clone(),
    }
}

/// The published test order: all normal images, then the abnormal ones, class by class. An honest
/// score does not depend on it.
pub fn published_order(test: &[Sample]) -> Vec<&Sample> {
    let mut samples: Vec<&Sample> = test.iter().collect();
    samples.sort_by_key(|sample| sample.abnormal);
    samples
}

/// The published results for these data.
///
/// # Errors
/// If a table was asked for and has no results for them.
pub fn published_table(asked: Option<&str>, set: &Dataset) -> Result<Option<PublishedTable>> {
    let kind = match (asked, set.kind) {
        (Some("none"), _) => return Ok(None),
        (Some(kind), _) => kind,
        (None, DataKind::Cifar10) => "cifar10",
        // IDX files do not say whether they are MNIST's.
        (None, _) => return Ok(None),
    };
    let class = set.abnormal_class();
    let table = class.and_then(|class| literature::table(kind, Some(class)));
    anyhow::ensure!(
        table.is_some() || asked.is_none(),
        "--published-table {kind} has results for a single abnormal class of {kind}, got {}",
        class.unwrap_or("none (choose one with --abnormal)")
    );
    Ok(table)
}
