//! What a run asks of a method's training: one step, its losses, its state.

use burn::tensor::{Device, Tensor};

use super::Losses;
use crate::calibration::rounded;
use crate::nn::tensors::{Reader, TensorError};

/// D starts anew when its loss falls under this.
const COLLAPSED: f64 = 1e-5;

/// The training of one method: networks, optimisers, one step.
pub trait Trainer {
    /// The device, with gradients, that batches must be on.
    fn device(&self) -> &Device;

    /// Trains on one batch. Nothing is read from the device.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`, on [`Trainer::device`]
    fn step(&mut self, x: Tensor<4>) -> PendingLosses;

    /// Draws D anew.
    fn restart_discriminator(&mut self);

    /// The weights alone, for a model file.
    fn read_weights(&self) -> Reader;

    /// Weights and optimisers, for a checkpoint.
    fn read_state(&self) -> Reader;

    /// Draws D anew if its loss says that it has won for good; returns whether it did.
    fn restart_if_collapsed(&mut self, losses: &Losses) -> bool {
        let collapsed = losses.discriminator < COLLAPSED;
        if collapsed {
            self.restart_discriminator();
        }
        collapsed
    }
}

/// Losses of one step, still on the device: `[5]` in the order of [`Losses`].
pub struct PendingLosses(Tensor<1>);

impl PendingLosses {
    /// From the losses in the order of [`Losses`], each `[1]`, with or without gradients.
    pub fn new(losses: [Tensor<1>; 5]) -> Self {
        Self(Tensor::cat(losses.map(Tensor::inner).to_vec(), 0))
    }
}

/// Reads the losses of several steps in one go.
///
/// # Errors
/// If the device cannot be read.
pub async fn read_losses(pending: Vec<PendingLosses>) -> Result<Vec<Losses>, TensorError> {
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let all = Tensor::cat(pending.into_iter().map(|p| p.0).collect(), 0);
    let read = Reader::new().tensor("losses", all).read().await?;
    Ok(read["losses"]
        .values
        .chunks_exact(5)
        .map(|v| Losses {
            adversarial: rounded(v[0].into()),
            contextual: rounded(v[1].into()),
            latent: rounded(v[2].into()),
            generator: rounded(v[3].into()),
            discriminator: rounded(v[4].into()),
        })
        .collect())
}
