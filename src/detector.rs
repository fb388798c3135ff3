//! The interface of every method: from images to reconstructions and raw scores.
//!
//! A method's file under `detector/` reads like its paper: networks, training step, score. To add one,
//! write that file, declare it below, name it in `settings/method.rs`, and add its line to
//! `detector/registry.rs`.

pub mod aae;
pub mod alocc;
pub mod anogan;
mod baseline;
mod calibrate;
mod coreset;
pub mod egbad;
mod error;
mod explanation;
pub mod gan;
pub mod ganomaly;
mod inference;
mod memory;
pub mod nearest;
pub mod options;
pub mod pca;
mod principal;
mod progress;
mod registry;
pub mod repair;
mod scorer;
mod scoring;
mod self_check;
pub mod skip_ganomaly;
mod spec;

pub use calibrate::{Calibrated, calibrate, images_needed};
pub use error::{CalibrateError, LoadError};
pub use explanation::{Explanation, explain};
pub use inference::{Inference, LatentOptimisation, Reconstruction};
pub use progress::Progress;
pub use registry::{load, load_with_batch_statistics};
#[cfg(feature = "cli")]
pub use scoring::score_on_all_threads;
pub(crate) use scoring::{SCORED_AT_ONCE, batch};
pub use scoring::{Scored, score_batch, score_with_progress};
pub use self_check::{Mismatch, self_check, self_check_images};
pub use spec::{FittedOnce, Footprint, GradientTrained};

use burn::tensor::{Device, Tensor};

use crate::data::image::Preprocessing;
use crate::model_file::ModelFile;
use crate::score::RawScore;
use crate::settings::method::Method;

/// A trained method.
pub trait Detector: Sync {
    /// Which one.
    fn method(&self) -> Method;

    /// The preprocessing from an image to its input.
    fn preprocessing(&self) -> &Preprocessing;

    /// Number of parameters.
    fn num_params(&self) -> usize;

    /// Number of features from each layer, if the method has features.
    fn feature_layers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Number of values of an image's encoding from each layer; empty if the method has no encoder for a
    /// memory bank.
    fn encoding_layers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// The encodings of a batch, for methods with [`Detector::encoding_layers`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, encoding]`
    fn encode(&self, x: Tensor<4>) -> Tensor<2> {
        Tensor::zeros([x.dims()[0], 0], &self.device())
    }

    /// The device of its weights.
    fn device(&self) -> Device;

    /// Reconstructs a batch, in inference mode unless the detector comes from
    /// [`load_with_batch_statistics`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    fn infer(&self, x: Tensor<4>) -> Inference<'_>;

    /// Steps of the latent optimisation, if the method has one.
    fn latent_steps(&self) -> Option<usize> {
        None
    }

    /// Takes over how a file of the same weights scores: its scoring, its weights of features and its memory
    /// bank.
    ///
    /// # Errors
    /// If one of these is of another shape than the networks need, or not finite.
    fn score_as(&mut self, file: &ModelFile) -> Result<(), LoadError>;

    /// Scores one image from its values, its reconstruction and, if there are any, its features.
    ///
    /// # Panics
    /// If the method has networks and `features` is `None`.
    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore;

    /// A score of [`Detector::score`] with what the method marked, `[size, size]`, if it marks.
    fn with_marks(&self, raw: RawScore, _marks: &[f32]) -> RawScore {
        raw
    }
}
