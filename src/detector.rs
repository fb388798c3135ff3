//! What every method meets: pictures in, reconstructions and raw scores out.
//!
//! A method's file under `detector/` reads like its paper: networks, training step, score. To add one,
//! write that file and its line in the list below.

pub mod adversarial;
mod entry;
pub mod fit;
mod memory;
mod scorer;
mod watch;

pub use watch::Watch;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::data::image::Preprocessing;
use crate::device::breathe;
use crate::model_file::{ModelFile, SelfCheck};
use crate::nn::Mode;
use crate::nn::tensors::{Reader, TensorError};
use crate::score::{RawScore, residual_map};
use crate::train::config::TrainConfig;
#[cfg(feature = "cli")]
use entry::AtOnce;
use entry::Learning;
pub use entry::{InSteps, Needs};

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

    /// What its authors set otherwise than `plain`, the defaults.
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
    #[cfg(feature = "cli")]
    pub(crate) fn at_once(self) -> Option<&'static dyn AtOnce> {
        match self.entry().learning() {
            Learning::InSteps(_) => None,
            Learning::AtOnce(method) => Some(method),
        }
    }
}

/// What a method computes for a batch, still on the device.
pub struct Measurement {
    /// Reconstructions, `[n, c, size, size]`.
    pub x_hat: Tensor<4>,
    /// Features f(x) and f(x̂), each `[n, features]`, where the method has them.
    pub features: Option<(Tensor<2>, Tensor<2>)>,
}

/// How a batch is measured.
pub enum Measuring<'a> {
    /// In one pass, which is over.
    Done(Measurement),
    /// By a search that is yet to be made.
    Searching(Box<dyn Search + 'a>),
}

/// A search for what a batch is measured by: AnoGAN's for the z that redraw its pictures.
pub trait Search {
    /// Steps in all.
    fn steps(&self) -> usize;

    /// Takes one step. Nothing is read from the device.
    fn step(&mut self);

    /// What the search has made smaller so far, `[1]`: reading it waits for the device.
    fn loss(&self) -> Tensor<1>;

    /// What came of it.
    fn end(self: Box<Self>) -> Measurement;
}

/// Steps of a search between two words about it.
const SEARCH_TOLD_EVERY: usize = 10;

impl Measuring<'_> {
    /// Searches where there is something to search for.
    ///
    /// # Errors
    /// If the device cannot be read, or [`TensorError::Stopped`] where `watch` ends the search.
    pub async fn finish(self, watch: &mut dyn Watch) -> Result<Measurement, TensorError> {
        let mut search = match self {
            Self::Done(measurement) => return Ok(measurement),
            Self::Searching(search) => search,
        };
        let steps = search.steps();
        for step in 1..=steps {
            search.step();
            if step.is_multiple_of(SEARCH_TOLD_EVERY) || step == steps {
                // So that what is told has happened, and a device's queue stays short.
                Reader::new().tensor("loss", search.loss()).read().await?;
                if watch.search(step, steps).is_break() {
                    return Err(TensorError::Stopped);
                }
                breathe().await;
            }
        }
        Ok(search.end())
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

/// Pictures that are scored together where there are many; no score depends on it. A browser's worker
/// takes its messages in between.
pub(crate) const SCORED_AT_ONCE: usize = if cfg!(target_family = "wasm") { 16 } else { 64 };

/// One scored picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// A, R, L.
    pub raw: RawScore,
    /// Reconstruction, `[c, size, size]`.
    pub x_hat: Vec<f32>,
    /// |x - x̂| at each pixel, `[size, size]`.
    pub residual_map: Vec<f32>,
}

/// Scores pictures that are prepared already.
///
/// # Shapes
/// - `values`: `[n, c, size, size]` as one slice, `n` at least 1
///
/// # Errors
/// If the device cannot be read.
///
/// # Panics
/// If `values` is empty or no whole number of pictures.
pub async fn score_batch(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Vec<Scored>, TensorError> {
    score_watched(detector, values, &mut ()).await
}

/// As [`score_batch`], and tells of a search.
///
/// # Errors
/// As [`score_batch`], and [`TensorError::Stopped`] where `watch` ends the search.
///
/// # Panics
/// As [`score_batch`].
pub async fn score_watched(
    detector: &dyn Detector,
    values: &[f32],
    watch: &mut dyn Watch,
) -> Result<Vec<Scored>, TensorError> {
    let Preprocessing { channels, .. } = *detector.preprocessing();
    let length = detector.preprocessing().values();
    let measuring = detector.measure(batch(detector, values));
    let measured = measuring.finish(watch).await?;
    let n = values.len() / length;

    let mut reader = Reader::new().tensor("x_hat", measured.x_hat);
    if let Some((f, f_hat)) = measured.features {
        reader = reader.tensor("f", f).tensor("f_hat", f_hat);
    }
    let read = reader.read().await?;
    let rows = |name: &str| {
        read.get(name)
            .map(|t| t.values.chunks_exact(t.values.len() / n))
    };
    let x_hats = rows("x_hat").into_iter().flatten();
    let mut features = rows("f")
        .into_iter()
        .flatten()
        .zip(rows("f_hat").into_iter().flatten());
    Ok(values
        .chunks_exact(length)
        .zip(x_hats)
        .map(|(x, x_hat)| Scored {
            raw: detector.score(x, x_hat, features.next()),
            x_hat: x_hat.to_vec(),
            residual_map: residual_map(x, x_hat, channels),
        })
        .collect())
}

/// Prepared pictures as a batch on the detector's device.
fn batch(detector: &dyn Detector, values: &[f32]) -> Tensor<4> {
    let Preprocessing { size, channels, .. } = *detector.preprocessing();
    let length = detector.preprocessing().values();
    assert!(
        !values.is_empty() && values.len().is_multiple_of(length),
        "expected whole pictures of {length} values, got {} values",
        values.len()
    );
    let shape = [values.len() / length, channels, size, size];
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, &detector.device())
}

/// Features f(x) and f(x̂) of prepared pictures, each `[n, features]` as one vector; none if the
/// method has none.
async fn features(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Option<(Vec<f32>, Vec<f32>)>, TensorError> {
    let measuring = detector.measure(batch(detector, values));
    let Some((f, f_hat)) = measuring.finish(&mut ()).await?.features else {
        return Ok(None);
    };
    let reader = Reader::new().tensor("f", f).tensor("f_hat", f_hat);
    let mut read = reader.read().await?;
    let mut take = |name| read.remove(name).map(|tensor| tensor.values);
    Ok(take("f").zip(take("f_hat")))
}

/// As [`score_batch`], with the batch dealt out to all threads: for the CPU, whose convolutions leave
/// threads idle within a batch.
///
/// # Errors
/// As [`score_batch`].
///
/// # Panics
/// As [`score_batch`].
#[cfg(feature = "cli")]
pub fn score_on_all_threads(
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Vec<Scored>, TensorError> {
    use rayon::prelude::*;
    let length = detector.preprocessing().values();
    let pictures = (values.len() / length).div_ceil(rayon::current_num_threads());
    let parts: Vec<Vec<Scored>> = values
        .par_chunks(pictures.max(1) * length)
        .map(|part| pollster::block_on(score_batch(detector, part)))
        .collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten().collect())
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

/// The built-in picture of the self check: smooth waves, the same on every machine.
///
/// # Shapes
/// - returns `[c, size, size]`, in `[-1, 1]`
pub fn self_check_picture(preprocessing: &Preprocessing) -> Vec<f32> {
    let Preprocessing { size, channels, .. } = *preprocessing;
    // A triangle wave is exact in f32; a sine may differ between mathematics libraries.
    let triangle = |position: usize, period: usize| {
        let phase = position % period;
        let rising = phase.min(period - phase) as f32 / (period / 2) as f32;
        2.0 * rising - 1.0
    };
    (0..channels * size * size)
        .map(|i| {
            let (c, y, x) = (i / (size * size), i / size % size, i % size);
            0.5 * triangle(x + 3 * c, 16) + 0.5 * triangle(y, 8 + 4 * c)
        })
        .collect()
}

/// Tolerance of a stored self check, relative to its score.
const SELF_CHECK_TOLERANCE: f64 = 1e-3;

/// Scores the built-in picture, to be stored with the model.
///
/// # Errors
/// If the device cannot be read.
pub async fn self_check(detector: &dyn Detector) -> Result<SelfCheck, TensorError> {
    let picture = self_check_picture(detector.preprocessing());
    let scored = score_batch(detector, &picture).await?;
    Ok(SelfCheck {
        anomaly_score: crate::calibration::rounded(scored[0].raw.anomaly_score),
        tolerance: SELF_CHECK_TOLERANCE,
    })
}

impl SelfCheck {
    /// Whether a device that gives `got` for the built-in picture can be trusted.
    pub fn passes(&self, got: f64) -> bool {
        (got - self.anomaly_score).abs() <= self.tolerance * self.anomaly_score.abs()
    }
}
