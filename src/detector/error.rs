//! Why a model cannot be loaded or calibrated.

use crate::calibration::CalibrationError;
use crate::data::DataError;
use crate::nn::tensors::TensorError;
use crate::settings::method::Method;

/// Why a model file's weights are not usable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The method has networks, but the header does not give their shape.
    #[error("the header of a {0} model must state the shape of its networks, but has none")]
    NoNetworks(Method),
    /// A tensor does not fit.
    #[error("the model's weights do not fit its header: {0}")]
    Tensor(#[from] TensorError),
}

/// Why a model could not be calibrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrateError {
    /// The scores are not usable.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// An image can no longer be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// There are no images for a memory bank, or no encoder.
    #[error(
        "a memory bank needs training images and a method with an encoder, got {pictures} images and {method}"
    )]
    Memory {
        /// The method.
        method: Method,
        /// Training images.
        pictures: usize,
    },
    /// The weights do not fit, or the device failed.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl From<TensorError> for CalibrateError {
    fn from(error: TensorError) -> Self {
        Self::Load(error.into())
    }
}
