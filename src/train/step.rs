//! The interface to a method's training: one step, its losses, its state.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::losses::{DISCRIMINATOR_LOSS, LossTerm, Losses, OUTPUTS};
use crate::data::simulation::Simulator;
use crate::loss::probability;
use crate::nn::tensors::{Reader, TensorError};

/// D is re-initialised when its loss falls below this.
const COLLAPSED: f64 = 1e-5;

/// Which networks a step updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Update {
    /// Both, in the method's order: normal training.
    #[default]
    Both,
    /// G alone; D stays as it is.
    Generator,
    /// D alone, on reconstructions of the unchanged G.
    Discriminator,
}

impl Update {
    /// Whether G is updated.
    pub fn generator(self) -> bool {
        self != Self::Discriminator
    }

    /// Whether D is updated.
    pub fn discriminator(self) -> bool {
        self != Self::Generator
    }
}

/// What a step trains on.
pub struct Batch {
    /// Normal images, `[n, c, size, size]`, in `[-1, 1]`.
    pub x: Tensor<4>,
    /// The same images damaged on purpose, for a trainer with a [`Trainer::simulator`].
    pub damaged: Option<DamagedImages>,
    /// Number of steps before this one; it determines the random draws.
    pub step: u64,
    /// Share of the run's steps that are done, from 0 to below 1; it determines the learning rate.
    pub done: f64,
}

/// Images damaged on purpose.
pub struct DamagedImages {
    /// `[n, c, size, size]`, in `[-1, 1]`.
    pub x: Tensor<4>,
    /// How plainly each pixel is damaged, `[n, 1, size, size]`, from 0 to 1.
    pub marks: Tensor<4>,
}

impl Batch {
    /// Normal images alone, at the beginning of a run.
    pub fn new(x: Tensor<4>, step: u64) -> Self {
        Self {
            x,
            damaged: None,
            step,
            done: 0.0,
        }
    }
}

/// The training of one method: networks, optimisers, one step.
pub trait Trainer {
    /// The device, with gradients, that batches must be on.
    fn device(&self) -> &Device;

    /// What the method calls its losses.
    fn loss_terms(&self) -> &'static [LossTerm];

    /// What damages its images, if it learns to repair them.
    fn simulator(&self) -> Option<Simulator> {
        None
    }

    /// Trains on one batch, which is on [`Trainer::device`]. Nothing is read from the device. The running
    /// statistics of both networks change, whichever network is updated.
    ///
    /// # Panics
    /// If there is a [`Trainer::simulator`], but no damaged images.
    fn step(&mut self, batch: Batch, update: Update) -> PendingLosses;

    /// Re-initialises D.
    fn restart_discriminator(&mut self);

    /// The weights alone, for a model file.
    fn read_weights(&self) -> Reader;

    /// Weights and optimisers, for a checkpoint.
    fn read_state(&self) -> Reader;

    /// Whether a small loss of D means that it has collapsed: not if D has more to do than to judge.
    fn may_collapse(&self) -> bool {
        true
    }

    /// Re-initialises D if its loss shows that it has collapsed; returns whether it did.
    fn restart_if_collapsed(&mut self, losses: &Losses) -> bool {
        let loss = losses.get(DISCRIMINATOR_LOSS.name);
        let collapsed = self.may_collapse() && loss.is_some_and(|loss| loss < COLLAPSED);
        if collapsed {
            self.restart_discriminator();
        }
        collapsed
    }
}

/// Losses of one step, still on the device: `[losses + 2]` in the order of [`Losses`].
pub struct PendingLosses(Tensor<1>);

impl PendingLosses {
    /// From the losses in the method's order, each `[1]`, and D's logits of x and of x̂, each `[n]`, with
    /// or without gradients.
    pub fn new<const N: usize>(losses: [Tensor<1>; N], logits: [Tensor<1>; 2]) -> Self {
        let outputs = logits.map(|logit| probability(logit.inner()).mean());
        let losses = losses.map(Tensor::inner);
        Self(Tensor::cat(losses.into_iter().chain(outputs).collect(), 0))
    }
}

impl PendingLosses {
    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.0.dims()[0]
    }
}

/// Reads the losses of several steps in one transfer; `terms` names them.
///
/// # Errors
/// If the device cannot be read.
pub async fn read_losses(
    terms: &[LossTerm],
    pending: Vec<PendingLosses>,
) -> Result<Vec<Losses>, TensorError> {
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let all = Tensor::cat(pending.into_iter().map(|p| p.0).collect(), 0);
    let read = Reader::new().tensor("losses", all).read().await?;
    let numbers = terms.len() + OUTPUTS.len();
    let steps = read["losses"].values.chunks_exact(numbers);
    Ok(steps.map(|values| Losses::new(terms, values)).collect())
}
