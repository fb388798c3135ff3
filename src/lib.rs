//! Skip-GANomaly: image anomaly detection that trains on normal pictures only.
//!
//! A generator with skip connections learns to reconstruct normal pictures, a discriminator to tell
//! them from reconstructions. A picture is anomalous when its reconstruction, or the
//! discriminator's features of it, differ more than those of normal pictures do (Akçay et al.
//! 2019).
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
//! | [`nn`] | the networks' parts |
//! | [`loss`] | one function, one equation |
//! | [`train`] | settings, one step, a run, its checkpoint |
//! | [`detector`] | the trait that every method meets, and the methods |
//! | [`score`] | the anomaly score of a picture |
//! | [`calibration`] | what scores of normal pictures look like: threshold, display, heat map |
//! | [`model_file`] | the one file that program and page share |
//! | [`data`] | pictures, folders, batches |
//! | [`metrics`] | AUROC and its kin, intervals, pixels |
//! | [`evaluation`] | labelled scores turned into results, and what was published |
//! | [`device`] | where it runs |
//!
//! The program's own parts are `cli`, `import` and `report`; the page's is `web`.

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
mod random;
pub mod score;
pub mod train;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod import;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(target_family = "wasm")]
pub mod web;
