//! Skip-GANomaly: image anomaly detection trained on normal images only.
//!
//! A generator with skip connections learns to reconstruct normal images, a discriminator to distinguish
//! them from reconstructions. An image is anomalous if it differs from its reconstruction, in its pixels
//! or in the discriminator's features, more than normal images do (Akçay et al. 2019).
//!
//! # Example
//!
//! ```
//! use skip_ganomaly::{DeviceKind, Model, Verdict};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::open("www/models/solar-ir.safetensors", DeviceKind::Cpu)?;
//! let score = model.score(&std::fs::read("www/samples/gallery/cracking_7366.png")?)?;
//! println!("{} is {}", score.anomaly_score, score.verdict);
//! assert_eq!(score.verdict, Verdict::Anomalous);
//! # Ok(())
//! # }
//! ```
//!
//! [`train`] makes a model of normal images, [`ModelFile`] is what program, page and library store and
//! read. The modules are those of the program and the page; they are documented for readers, hidden from
//! this page, and may change in any version.

#![warn(missing_docs)]

#[doc(hidden)]
pub mod calibration;
#[doc(hidden)]
pub mod data;
#[doc(hidden)]
pub mod detector;
#[doc(hidden)]
pub mod device;
#[doc(hidden)]
pub mod evaluation;
#[cfg(any(test, target_family = "wasm"))]
mod lent;
#[doc(hidden)]
pub mod loss;
#[doc(hidden)]
pub mod metrics;
mod model;
#[doc(hidden)]
pub mod model_file;
#[doc(hidden)]
pub mod nn;
mod platform;
mod random;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod score;
#[doc(hidden)]
pub mod settings;
#[doc(hidden)]
pub mod train;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod import;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;
#[cfg(any(test, target_family = "wasm"))]
#[doc(hidden)]
pub mod web;

pub use calibration::{Calibration, Verdict};
pub use data::augment::Augment;
pub use data::image::ImageError;
pub use data::prepared::PreparedPictures as PreparedImages;
pub use detector::{Mismatch, Progress};
pub use device::DeviceKind;
#[cfg(not(target_family = "wasm"))]
pub use model::train;
pub use model::{DeviceCheck, Error, Model, Score};
pub use model_file::{Header, ModelFile, Precision};
pub use score::{Latent, Normalisation, Residual};
pub use settings::config::TrainConfig;
pub use settings::method::Method;
pub use train::Losses;
