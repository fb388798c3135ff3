//! Why a file is not a usable model.

use super::format::{FORMAT, KEY, OLDEST_FORMAT};
use crate::calibration::CalibrationError;
use crate::nn::ArchitectureError;

/// Why a file is not a usable model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// The file is empty.
    #[error("the model file is empty; expected a .safetensors file written by `train` or `import`")]
    Empty,
    /// The file is too large for this crate.
    #[error("expected a model file of at most {limit} bytes, got {got} bytes")]
    TooLarge {
        /// Largest size.
        limit: usize,
        /// Its size.
        got: usize,
    },
    /// Not a safetensors file, or only a part of one.
    #[error(
        "expected a complete safetensors file, got a truncated one or another kind of file ({0})"
    )]
    NotSafetensors(String),
    /// A safetensors file of another program.
    #[error("this safetensors file is from another program: its metadata has no `{KEY}` entry")]
    Foreign,
    /// The header is not what it should be.
    #[error("the model's header cannot be read: {0}")]
    Header(String),
    /// A newer format.
    #[error("the model has format {got}; this program reads formats {OLDEST_FORMAT} to {FORMAT}")]
    Format {
        /// The file's format.
        got: u32,
    },
    /// The header's shape is out of range.
    #[error("the model's header cannot be used: {0}")]
    Architecture(#[from] ArchitectureError),
    /// The calibration contradicts itself.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// A tensor has a type that is not supported.
    #[error("tensor {name} must have the type F32 or F16, got {got}")]
    Type {
        /// Its name.
        name: String,
        /// Its type.
        got: String,
    },
    /// A weight is infinite or not a number.
    #[error("tensor {0} holds a value that is not finite")]
    NotFinite(String),
}
