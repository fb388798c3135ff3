//! What a run asks of a method's training: one step, its losses, its state.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Losses;
use crate::loss::probability;
use crate::nn::tensors::{Reader, TensorError};

/// D starts anew when its loss falls under this.
const COLLAPSED: f64 = 1e-5;

/// Which networks a step updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Update {
    /// Both, in the method's order: what training does.
    #[default]
    Both,
    /// G alone, against D as it is.
    Generator,
    /// D alone, on what G as it is reconstructs.
    Discriminator,
}

impl Update {
    /// Whether G learns.
    pub fn generator(self) -> bool {
        self != Self::Discriminator
    }

    /// Whether D learns.
    pub fn discriminator(self) -> bool {
        self != Self::Generator
    }
}

/// The training of one method: networks, optimisers, one step.
pub trait Trainer {
    /// The device, with gradients, that batches must be on.
    fn device(&self) -> &Device;

    /// Trains on one batch. Nothing is read from the device. Running statistics of both networks
    /// move whatever is updated.
    ///
    /// `step` is the number of steps before this one: what is drawn at random follows from it.
    ///
    /// # Shapes
    /// - `x`: `[n, c, size, size]`, in `[-1, 1]`, on [`Trainer::device`]
    fn step(&mut self, x: Tensor<4>, step: u64, update: Update) -> PendingLosses;

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

/// Numbers that are read of one step.
const NUMBERS: usize = 7;

/// Losses of one step, still on the device: `[7]` in the order of [`Losses`].
pub struct PendingLosses(Tensor<1>);

impl PendingLosses {
    /// From the losses in the order of [`Losses`], each `[1]`, and D's logits of x and of x̂, each
    /// `[n]`, with or without gradients.
    pub fn new(losses: [Tensor<1>; 5], judged: [Tensor<1>; 2]) -> Self {
        let judged = judged.map(|logit| probability(logit.inner()).mean());
        let losses = losses.map(Tensor::inner);
        Self(Tensor::cat(losses.into_iter().chain(judged).collect(), 0))
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
    let steps = read["losses"].values.chunks_exact(NUMBERS);
    Ok(steps.map(Losses::from_values).collect())
}
