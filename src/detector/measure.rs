//! How a method measures a batch: in one pass, or by a latent optimisation.

use burn::tensor::Tensor;

use super::Watch;
use crate::device::breathe;
use crate::nn::tensors::{Reader, TensorError};

/// What a method computes for a batch, still on the device.
pub struct Measurement {
    /// Reconstructions, `[n, c, size, size]`.
    pub x_hat: Tensor<4>,
    /// Features f(x) and f(x̂), each `[n, features]`, if the method has them.
    pub features: Option<(Tensor<2>, Tensor<2>)>,
}

/// How a batch is measured.
pub enum Measuring<'a> {
    /// In one pass, already done.
    Done(Box<Measurement>),
    /// By a latent optimisation, still to be done.
    Searching(Box<dyn Search + 'a>),
}

impl From<Measurement> for Measuring<'_> {
    fn from(measurement: Measurement) -> Self {
        Self::Done(Box::new(measurement))
    }
}

/// A latent optimisation for a batch: AnoGAN's, for the z that reconstruct its images.
pub trait Search {
    /// Total number of steps.
    fn steps(&self) -> usize;

    /// Takes one step. Nothing is read from the device.
    fn step(&mut self);

    /// The current loss, `[1]`: reading it waits for the device.
    fn loss(&self) -> Tensor<1>;

    /// The result.
    fn end(self: Box<Self>) -> Measurement;
}

/// Steps of a latent optimisation between two progress reports.
const SEARCH_TOLD_EVERY: usize = 10;

impl Measuring<'_> {
    /// Runs the latent optimisation, if there is one.
    ///
    /// # Errors
    /// If the device cannot be read, or [`TensorError::Stopped`] if `watch` stops the optimisation.
    pub async fn finish(self, watch: &mut dyn Watch) -> Result<Measurement, TensorError> {
        let mut search = match self {
            Self::Done(measurement) => return Ok(*measurement),
            Self::Searching(search) => search,
        };
        let steps = search.steps();
        for step in 1..=steps {
            search.step();
            if step.is_multiple_of(SEARCH_TOLD_EVERY) || step == steps {
                // So that the reported steps are done, and a device's queue stays short.
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
