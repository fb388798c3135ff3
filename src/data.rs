//! Pictures: decoding and preprocessing, folders of them, and the order in which training takes them.

pub mod augment;
pub mod batch;
pub mod disturb;
pub mod image;
pub mod pictures;

#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod folder;

use std::path::PathBuf;

/// What can be wrong with a set of pictures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder does not exist.
    #[error("expected a folder of pictures at {}, but there is nothing", .0.display())]
    NotFound(PathBuf),
    /// The path names a file.
    #[error("expected a folder of pictures at {}, but it is a file", .0.display())]
    NotAFolder(PathBuf),
    /// `train` or `test` is there, with names in it that no known layout has.
    #[error(
        "{} has a folder `train` or `test`, but not as expected: the layouts known are \
         train/0.normal with test/0.normal and test/1.abnormal; train/good with test/good and \
         test/<defect>; or a plain folder of normal pictures. Found: {found}", .root.display()
    )]
    UnknownLayout {
        /// The folder that was opened.
        root: PathBuf,
        /// The folders found in `train` and `test`.
        found: String,
    },
    /// A recognised layout without a single picture to train on.
    #[error(
        "no pictures in {}: expected files that end in {expected}", .folder.display()
    )]
    NoPictures {
        /// The folder that should hold the pictures.
        folder: PathBuf,
        /// The file name extensions looked for.
        expected: String,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A batch size of zero, or fewer pictures than one batch.
    #[error(
        "a batch of {batch} needs at least one and at most as many pictures as there are: got {pictures}"
    )]
    BatchSize {
        /// Pictures asked for in one batch.
        batch: usize,
        /// Pictures there are.
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
