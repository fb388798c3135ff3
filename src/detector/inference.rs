//! How a method reconstructs a batch: in one pass, or by a latent optimisation.

use burn::tensor::Tensor;

use super::Progress;
use crate::nn::tensors::{Reader, TensorError};
use crate::platform::yield_now;

/// What a method computes for a batch, still on the device.
pub struct Reconstruction {
    /// Reconstructions, `[n, c, size, size]`.
    pub x_hat: Tensor<4>,
    /// Features f(x) and f(x̂), each `[n, features]`, if the method has them.
    pub features: Option<(Tensor<2>, Tensor<2>)>,
    /// How much the method takes each pixel for damaged, `[n, 1, size, size]` in `[0, 1]`, if it marks them.
    pub marks: Option<Tensor<4>>,
}

/// A batch's reconstruction, done or still to be done.
pub enum Inference<'a> {
    /// In one pass, already done.
    Done(Box<Reconstruction>),
    /// By a latent optimisation, still to be done.
    Optimising(Box<dyn LatentOptimisation + 'a>),
}

impl From<Reconstruction> for Inference<'_> {
    fn from(reconstruction: Reconstruction) -> Self {
        Self::Done(Box::new(reconstruction))
    }
}

/// A latent optimisation for a batch: AnoGAN's, for the z that reconstruct its images.
pub trait LatentOptimisation {
    /// Total number of steps.
    fn steps(&self) -> usize;

    /// Takes one step. Nothing is read from the device.
    fn step(&mut self);

    /// The current loss, `[1]`: reading it waits for the device.
    fn loss(&self) -> Tensor<1>;

    /// The result.
    fn end(self: Box<Self>) -> Reconstruction;
}

/// Steps of a latent optimisation between two progress reports.
const REPORTED_EVERY: usize = 10;

impl Inference<'_> {
    /// Runs the latent optimisation, if there is one.
    ///
    /// # Errors
    /// If the device cannot be read, or [`TensorError::Stopped`] if `progress` stops the optimisation.
    pub async fn finish(self, progress: &mut dyn Progress) -> Result<Reconstruction, TensorError> {
        let mut optimisation = match self {
            Self::Done(reconstruction) => return Ok(*reconstruction),
            Self::Optimising(optimisation) => optimisation,
        };
        let steps = optimisation.steps();
        for step in 1..=steps {
            optimisation.step();
            if step.is_multiple_of(REPORTED_EVERY) || step == steps {
                // So that the reported steps are done, and a device's queue stays short.
                Reader::new()
                    .tensor("loss", optimisation.loss())
                    .read()
                    .await?;
                if progress.optimisation(step, steps).is_break() {
                    return Err(TensorError::Stopped);
                }
                yield_now().await;
            }
        }
        Ok(optimisation.end())
    }
}
