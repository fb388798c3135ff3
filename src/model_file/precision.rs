//! How weights are written.

use half::f16;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

/// How weights are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Half precision: half the size; scores are calibrated after rounding.
    F16,
    /// Single precision.
    #[default]
    F32,
}

impl Precision {
    pub(super) fn dtype(self) -> Dtype {
        match self {
            Self::F16 => Dtype::F16,
            Self::F32 => Dtype::F32,
        }
    }

    /// The value that is read back from a file of this precision.
    pub fn round(self, value: f32) -> f32 {
        match self {
            Self::F16 => f16::from_f32(value).to_f32(),
            Self::F32 => value,
        }
    }
}
