//! What a method makes of a batch: in one pass, or by a search.

use burn::tensor::Tensor;

use super::Watch;
use crate::device::breathe;
use crate::nn::tensors::{Reader, TensorError};

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
    Done(Box<Measurement>),
    /// By a search that is yet to be made.
    Searching(Box<dyn Search + 'a>),
}

impl From<Measurement> for Measuring<'_> {
    fn from(measurement: Measurement) -> Self {
        Self::Done(Box::new(measurement))
    }
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
            Self::Done(measurement) => return Ok(*measurement),
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
