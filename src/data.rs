//! Images: decoding and preprocessing, the sets that they come from, and the order in which training
//! takes them.
//!
//! | module | holds |
//! |---|---|
//! | [`image`] | from the bytes of an image to the network's input |
//! | [`pictures`] | the source of a run's batches |
//! | [`batch`] | held-out split, order, subsamples |
//! | [`layout`] | which of a folder's files are trained on and which are labelled |
//! | [`prepared`] | images prepared once and kept as bytes |
//! | [`product`] | product lines: rendered pictures of parts with known faults |
//! | [`simulation`] | normal images damaged on purpose, with a mark for each pixel of the damage |
//! | [`sized_fault`] | faults of a known size and contrast on normal images |
//! | [`digest`] | what a model was trained on |
//!
//! The program has more: `dataset` (one set of images, whatever the source), `sample` (one of its
//! images), `classes` (which of them count as normal), `folder`, `cifar10`, `idx` and `product_set` (the
//! sources), `files` and `records` (images on disk, and raw ones in memory), `picture_cache` (prepared images in
//! bounded memory) and `mask` (where a defect is).

pub mod augment;
pub mod batch;
pub mod corruption;
pub mod digest;
pub mod image;
pub mod layout;
pub mod pictures;
pub mod prepared;
pub mod product;
pub mod simulation;
pub mod sized_fault;

#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod cifar10;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod classes;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod dataset;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod files;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod folder;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod idx;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod mask;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod picture_cache;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod product_set;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod records;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod sample;

use std::path::PathBuf;

/// What can be wrong with a set of images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder does not exist.
    #[error("expected a folder of images at {}, but it does not exist", .0.display())]
    NotFound(PathBuf),
    /// The path names a file.
    #[error("expected a folder of images at {}, but it is a file", .0.display())]
    NotAFolder(PathBuf),
    /// `train` or `test` exists, but not in a known layout.
    #[error(
        "{} has a folder `train` or `test`, but not in a known layout: expected \
         train/0.normal with test/0.normal and test/1.abnormal; train/good with test/good and \
         test/<defect>; or a plain folder of normal images; found {found}. {advice}",
        .root.display()
    )]
    UnknownLayout {
        /// The folder that was opened.
        root: PathBuf,
        /// The folders found in `train` and `test`.
        found: String,
        /// A way out.
        advice: &'static str,
    },
    /// A recognised layout without any image to train on.
    #[error(
        "no images in {}: expected files that end in {expected}", .folder.display()
    )]
    NoPictures {
        /// The folder that should hold the images.
        folder: PathBuf,
        /// The file name extensions looked for.
        expected: String,
    },
    /// The operating system refused.
    #[error("cannot read {}", .path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of a data set that is not there.
    #[error(
        "expected a file {expected} in {}, but there is none; found: {found}", .folder.display()
    )]
    MissingFile {
        /// The folder that should hold it.
        folder: PathBuf,
        /// The names that would do.
        expected: String,
        /// What is there instead.
        found: String,
    },
    /// A file of a data set that does not match its name or its header.
    #[error("{}: expected {expected}, got {got}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        got: String,
    },
    /// A class that the data set does not have.
    #[error("expected one of the classes {classes}, got {asked}")]
    UnknownClass {
        /// What was asked for.
        asked: String,
        /// The classes with their numbers.
        classes: String,
    },
    /// Labelled classes, with neither or both of the options that say which are normal.
    #[error(
        "{data} holds labelled classes: expected --abnormal CLASS (all others are normal) or \
         --normal CLASS (all others are abnormal), got {got}; the classes are {classes}"
    )]
    Selection {
        /// The data as they were named.
        data: String,
        /// Neither or both.
        got: &'static str,
        /// The classes with their numbers.
        classes: String,
    },
    /// A choice of classes for data that already say what is normal.
    #[error(
        "--abnormal, --normal and --split are for cifar10:DIR, idx:DIR and folders with \
         train/<class> and test/<class>; {} is recognised as {layout}", .root.display()
    )]
    NotSelectable {
        /// The folder, or the data as they were named.
        root: PathBuf,
        /// Its layout.
        layout: String,
    },
    /// Options of a product line that do not fit.
    #[error("{asked}: {reason}")]
    ProductLine {
        /// The data as they were named.
        asked: String,
        /// What was expected.
        reason: String,
    },
    /// No training image of a class that counts as normal.
    #[error(
        "no normal images to train on in {data}: expected some in its training part with {selection}"
    )]
    NoNormals {
        /// The data as they were named.
        data: String,
        /// Which classes count as normal.
        selection: String,
    },
    /// An image that could be read when the run began, but no longer can.
    #[error("{name}: {reason} (it was readable before)")]
    Picture {
        /// Its name.
        name: String,
        /// Why it cannot be read now.
        reason: String,
    },
    /// A batch size of zero, or fewer images than one batch.
    #[error(
        "the batch size must be at least 1 and at most the number of training images, {pictures}, got {batch}"
    )]
    BatchSize {
        /// Images requested in one batch.
        batch: usize,
        /// Training images available.
        pictures: usize,
    },
    /// A stored position that is not in an epoch of this data.
    #[error("expected a step below {steps_per_epoch} (the steps of one epoch), got {step}")]
    Position {
        /// The stored step.
        step: usize,
        /// Steps in one epoch.
        steps_per_epoch: usize,
    },
}
