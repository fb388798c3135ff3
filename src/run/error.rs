//! Why a run cannot start or continue.

use crate::calibration::CalibrationError;
use crate::data::DataError;
use crate::detector::{CalibrateError, LoadError};
use crate::nn::tensors::TensorError;
use crate::settings::{config::ConfigError, method::Method};

/// Why a run cannot start or continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A setting is out of range or has no use.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Too few images, or a position that does not exist for these images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device or the weights failed.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The weights do not fit their header.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The scores of the held-out normal images are not usable.
    #[error("calibration failed: {0}")]
    Calibration(#[from] CalibrationError),
    /// The method is not trained in steps.
    #[error("{0} has no networks to train: it is fitted directly")]
    NoNetworks(Method),
    /// The method is not fitted directly.
    #[error("{0} is trained in steps")]
    HasNetworks(Method),
    /// Too few images to fit a method to and to hold one out.
    #[error("a baseline needs at least two images, one of them held out; got {0}")]
    TooFewToFit(usize),
    /// The score needs a memory bank that cannot be built.
    #[error("{0}")]
    Memory(String),
    /// A loss is no longer a number.
    #[error(
        "training diverged at step {step}: a loss is no longer a number; \
         try a lower --learning-rate than {learning_rate}"
    )]
    Diverged {
        /// Which step.
        step: u64,
        /// The learning rate that it ran at.
        learning_rate: f64,
    },
    /// The checkpoint belongs to other images.
    #[error("the checkpoint was made with other images: expected digest {expected}, got {got}")]
    OtherPictures {
        /// The checkpoint's.
        expected: String,
        /// These images'.
        got: String,
    },
    /// A model cannot be measured with these images.
    #[error(
        "how small a fault a model finds is measured on the normal images that its run held out: these are not the images \
         of that run, or the model has no threshold"
    )]
    NotMeasured,
    /// The checkpoint lacks what a run needs.
    #[error("this file is a model, not a checkpoint: it has no {0}")]
    NoCheckpoint(&'static str),
}

impl RunError {
    /// Whether the caller's `Progress` stopped a latent optimisation, or a measurement.
    pub fn is_stopped(&self) -> bool {
        matches!(
            self,
            Self::Tensor(TensorError::Stopped)
                | Self::Load(LoadError::Tensor(TensorError::Stopped))
        )
    }
}

impl From<CalibrateError> for RunError {
    fn from(error: CalibrateError) -> Self {
        match error {
            CalibrateError::Calibration(error) => Self::Calibration(error),
            CalibrateError::Data(error) => Self::Data(error),
            CalibrateError::Load(error) => Self::Load(error),
            memory @ CalibrateError::Memory { .. } => Self::Memory(memory.to_string()),
        }
    }
}
