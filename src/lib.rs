//! Skip-GANomaly: image anomaly detection that trains on normal pictures only.
//!
//! A generator with skip connections learns to reconstruct normal pictures, a discriminator to tell
//! them from reconstructions. A picture is anomalous when its reconstruction, or the
//! discriminator's features of it, differ more than those of normal pictures do (Akçay et al.
//! 2019).
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
//! | [`metrics`] | AUROC and its kin |
//! | [`device`] | where it runs |
//!
//! The program's own parts are `cli` and `report`; the page's is `web`.

pub mod calibration;
pub mod data;
pub mod detector;
pub mod device;
pub mod loss;
pub mod metrics;
pub mod model_file;
pub mod nn;
pub mod score;
pub mod train;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(target_family = "wasm")]
pub mod web;
