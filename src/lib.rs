//! Skip-GANomaly: image anomaly detection trained on normal images only.
//!
//! A generator with skip connections learns to reconstruct normal images, a discriminator to distinguish
//! them from reconstructions. An image is anomalous if it differs from its reconstruction, in its pixels
//! or in the discriminator's features, more than normal images do (Akçay et al. 2019).
//!
//! # Example
//!
//! ```no_run
//! use skip_ganomaly::{data::image, detector, device::Kind, model_file::ModelFile};
//!
//! # async fn score() -> Result<(), Box<dyn std::error::Error>> {
//! let model = ModelFile::from_bytes(&std::fs::read("model.safetensors")?)?;
//! let detector = detector::load(&model, &Kind::Cpu.open().await?)?;
//! let picture = image::decode(&std::fs::read("picture.png")?)?;
//! let values = detector.preprocessing().apply(&picture);
//! let scored = detector::score_batch(&*detector, &values).await?;
//! println!("{}", scored[0].raw.anomaly_score);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | module | holds |
//! |---|---|
//! | [`nn`] | the parts of the networks |
//! | [`loss`] | one function, one equation |
//! | [`train`] | settings, one step, a run, its checkpoint |
//! | [`detector`] | the trait that every method implements, and the methods |
//! | [`score`] | the anomaly score of an image |
//! | [`calibration`] | the scores of normal images: threshold, display, heat map |
//! | [`model_file`] | the one file that program and page share |
//! | [`data`] | images, folders, batches |
//! | [`metrics`] | AUROC and related metrics, intervals, pixels |
//! | [`evaluation`] | labelled scores turned into results, and what was published |
//! | [`device`] | the device that computes |
//!
//! The program's own parts are `cli`, `import` and `report`; the page's is `web`.

#![warn(missing_docs)]

pub mod calibration;
pub mod data;
pub mod detector;
pub mod device;
pub mod evaluation;
#[cfg(any(test, target_family = "wasm"))]
mod lent;
pub mod loss;
pub mod metrics;
pub mod model_file;
pub mod nn;
mod platform;
mod random;
pub mod run;
pub mod score;
pub mod settings;
pub mod train;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod import;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(target_family = "wasm")]
pub mod web;
