//! What every method meets: pictures in, reconstructions and raw scores out.
//!
//! A method's file under `detector/` reads like its paper: networks, training step, score. To add one,
//! write that file and its line in the list below.

pub mod adversarial;
mod entry;
pub mod fit;
mod measure;
mod memory;
mod scorer;
mod scoring;
mod self_check;
mod watch;

pub use entry::{AtOnce, InSteps, Needs};
pub use measure::{Measurement, Measuring, Search};
#[cfg(feature = "cli")]
pub use scoring::score_on_all_threads;
pub(crate) use scoring::{SCORED_AT_ONCE, batch};
pub use scoring::{Scored, score_batch, score_watched};
pub use self_check::{Mismatch, self_check, self_check_images};
pub use watch::Watch;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::data::image::Preprocessing;
use crate::model_file::ModelFile;
use crate::nn::Mode;
use crate::nn::tensors::TensorError;
use crate::score::RawScore;
use crate::train::config::TrainConfig;
use entry::Learning;

/// Makes the list of methods from one line each: its name here, its name in files and on the command
/// line, its file, and where it comes from.
macro_rules! methods {
    ($($method:ident $name:literal $file:ident $source:literal;)*) => {
        $(pub mod $file;)*

        /// The methods that models come from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
        #[non_exhaustive]
        pub enum Method {
            $(
                #[doc = $source]
                #[serde(rename = $name)]
                #[cfg_attr(feature = "cli", value(name = $name))]
                $method,
            )*
        }

        impl Method {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$method),*];

            /// Its name in files and on the command line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)*
                }
            }

            fn entry(self) -> &'static dyn entry::Entry {
                match self {
                    $(Self::$method => &$file::ENTRY,)*
                }
            }
        }
    };
}

methods! {
    SkipGanomaly "skip-ganomaly" skip_ganomaly "Akçay et al. 2019";
    Ganomaly "ganomaly" ganomaly "Akçay et al. 2018";
    Anogan "anogan" anogan "Schlegl et al. 2017";
    Egbad "egbad" egbad "Zenati et al. 2018";
    Alocc "alocc" alocc "Sabokrou et al. 2018";
    Aae "aae" aae "Makhzani et al. 2015";
    Pca "pca" pca "Principal components, residual norm";
    Nearest "nearest" nearest "Distance to the nearest training picture";
}

impl Default for Method {
    /// The first of the list.
    fn default() -> Self {
        Self::ALL[0]
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Method {
    /// Whether it is trained in steps; the others are fitted in one go.
    pub fn has_networks(self) -> bool {
        self.in_steps().is_some()
    }

    /// λ of its published score.
    pub fn lambda(self) -> f64 {
        self.entry().lambda()
    }

    /// What it starts from where nothing is given: `plain`, the defaults, but for what its authors set
    /// otherwise, or what was chosen in their stead on held-out normals.
    pub fn published(self, plain: TrainConfig) -> TrainConfig {
        self.entry().published(plain)
    }

    /// The settings that mean something to it beside those of every method, by their fields.
    pub fn settings(self, config: &TrainConfig) -> Vec<&'static str> {
        self.entry().settings(config)
    }

    /// Whether a picture is searched for, which takes seconds, rather than measured in one pass.
    pub fn searches(self) -> bool {
        self.entry().searches()
    }

    /// How it is trained, where it is trained in steps.
    pub fn in_steps(self) -> Option<&'static dyn InSteps> {
        match self.entry().learning() {
            Learning::InSteps(method) => Some(method),
            Learning::AtOnce(_) => None,
        }
    }

    /// How it is fitted, where it is fitted in one go.
    pub fn at_once(self) -> Option<&'static dyn AtOnce> {
        match self.entry().learning() {
            Learning::InSteps(_) => None,
            Learning::AtOnce(method) => Some(method),
        }
    }
}

/// A trained method.
pub trait Detector: Sync {
    /// Which one.
    fn method(&self) -> Method;

    /// From a picture to its input.
    fn preprocessing(&self) -> &Preprocessing;

    /// Number of learnt values.
    fn parameters(&self) -> usize;

    /// How many features come from each layer, where the method has features.
    fn feature_layers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// How many values of a picture's encoding come from each layer; none where the method has no
    /// encoder whose memory could be kept.
    fn encoding_layers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// What the encoder makes of a batch, for methods with [`Detector::encoding_layers`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    /// - returns `[n, encoding]`
    fn encode(&self, x: Tensor<4>) -> Tensor<2> {
        Tensor::zeros([x.dims()[0], 0], &self.device())
    }

    /// Where its weights are.
    fn device(&self) -> Device;

    /// Reconstructs a batch, in inference mode unless the detector comes from
    /// [`load_with_batch_statistics`].
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`
    fn measure(&self, x: Tensor<4>) -> Measuring<'_>;

    /// Steps of the search for a batch, where the method searches.
    fn search_steps(&self) -> Option<usize> {
        None
    }

    /// Scores one picture from its values, its reconstruction and, where there are, its features.
    fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore;
}

/// Puts a model file's weights on a device.
///
/// # Errors
/// If a tensor is missing, of another shape or not finite, or the header lacks the networks' shape.
pub fn load(file: &ModelFile, device: &Device) -> Result<Box<dyn Detector>, LoadError> {
    let entry = file.header.method.entry();
    entry.load(file, device, Mode::Inference)
}

/// As [`load`], but batch norms use the statistics of the batch that is scored in place of those
/// learnt in training: what the published test loops do by leaving training mode on. Methods without
/// batch norms load as ever.
///
/// **This leaks.** A picture's score then depends on the pictures beside it, and where a batch is of
/// one class, as nearly all are in the published, unshuffled test sets, its statistics give the class
/// away. It is for repeating published numbers, labelled as such, and for nothing else: never for a
/// calibration, a threshold or a verdict. A batch must be scored in one piece, by [`score_batch`] and
/// not by `score_on_all_threads`, and its size belongs to the result.
///
/// # Errors
/// As [`load`].
pub fn load_with_batch_statistics(
    file: &ModelFile,
    device: &Device,
) -> Result<Box<dyn Detector>, LoadError> {
    let entry = file.header.method.entry();
    entry.load(file, device, Mode::Training)
}

/// Why a model file's weights are not usable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The method has networks and the header does not say which.
    #[error("the header of a {0} model must state the shape of its networks, but has none")]
    NoNetworks(Method),
    /// A tensor does not fit.
    #[error("the model's weights do not fit its header: {0}")]
    Tensor(#[from] TensorError),
}
