//! From a method's name to its code.

use burn::tensor::Device;

use super::spec::{FittedOnce, GradientTrained, MethodSpec, TrainingKind};
use super::{Detector, LoadError};
use super::{aae, alocc, anogan, egbad, ganomaly, nearest, pca, repair, skip_ganomaly};
use crate::model_file::ModelFile;
use crate::nn::Mode;
use crate::settings::method::Method;
use crate::train::losses::LossTerm;

impl Method {
    pub(crate) fn spec(self) -> &'static dyn MethodSpec {
        match self {
            Self::SkipGanomaly => &skip_ganomaly::SPEC,
            Self::Repair => &repair::SPEC,
            Self::Ganomaly => &ganomaly::SPEC,
            Self::Anogan => &anogan::SPEC,
            Self::Egbad => &egbad::SPEC,
            Self::Alocc => &alocc::SPEC,
            Self::Aae => &aae::SPEC,
            Self::Pca => &pca::SPEC,
            Self::Nearest => &nearest::SPEC,
        }
    }

    /// Whether it is trained in steps; the others are fitted directly.
    pub fn has_networks(self) -> bool {
        self.gradient_trained().is_some()
    }

    /// λ of its published score.
    pub fn lambda(self) -> f64 {
        self.spec().lambda()
    }

    /// Whether it optimises a latent code for each image, which takes seconds, instead of reconstructing
    /// it in one pass.
    pub fn optimises_latent(self) -> bool {
        self.spec().optimises_latent()
    }

    /// Whether it marks the pixels that it takes for damaged.
    pub fn marks(self) -> bool {
        self.spec().marks()
    }

    /// Its training, if it is trained in steps.
    pub fn gradient_trained(self) -> Option<&'static dyn GradientTrained> {
        match self.spec().training() {
            TrainingKind::Gradient(method) => Some(method),
            TrainingKind::Once(_) => None,
        }
    }

    /// What it calls its losses; none if it is fitted directly.
    pub fn loss_terms(self) -> &'static [LossTerm] {
        self.gradient_trained()
            .map_or(&[], |method| method.loss_terms())
    }

    /// Its fit, if it is fitted directly.
    pub fn fitted_once(self) -> Option<&'static dyn FittedOnce> {
        match self.spec().training() {
            TrainingKind::Gradient(_) => None,
            TrainingKind::Once(method) => Some(method),
        }
    }
}

/// Puts a model file's weights on a device.
///
/// # Errors
/// If a tensor is missing, of another shape or not finite, or the header lacks the networks' shape.
pub fn load(file: &ModelFile, device: &Device) -> Result<Box<dyn Detector>, LoadError> {
    file.header
        .method
        .spec()
        .load(file, device, Mode::Inference)
}

/// As [`load`], but batch norms use the statistics of the scored batch instead of those from training, as
/// the published test loops do by leaving training mode on. Methods without batch norms load as usual.
///
/// **This leaks.** An image's score then depends on the other images of the batch, and if a batch is of
/// one class, as nearly all are in the published, unshuffled test sets, its statistics give the class
/// away. Use it only to repeat published numbers, labelled as such: never for a calibration, a threshold
/// or a verdict. A batch must be scored in one piece, by [`super::score_batch`] and not by
/// `score_on_all_threads`, and its size is part of the result.
///
/// # Errors
/// As [`load`].
pub fn load_with_batch_statistics(
    file: &ModelFile,
    device: &Device,
) -> Result<Box<dyn Detector>, LoadError> {
    file.header.method.spec().load(file, device, Mode::Training)
}
