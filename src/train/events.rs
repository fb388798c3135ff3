//! What a run logs: one JSON object per line in `events.jsonl`.

use serde::{Deserialize, Serialize};

use super::Losses;
use crate::settings::config::TrainConfig;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run started, or resumed from a checkpoint at `step`.
    Started {
        /// Steps finished before that.
        step: u64,
        /// Steps of the whole run.
        total_steps: u64,
        /// Normal images trained on.
        pictures: usize,
        /// Normal images held out.
        held_out: usize,
        /// The settings.
        config: Box<TrainConfig>,
    },
    /// A training step was finished.
    Step {
        /// Which step, from 1.
        step: u64,
        /// In which epoch, from 1.
        epoch: u64,
        /// Its losses.
        #[serde(flatten)]
        losses: Losses,
    },
    /// An epoch was finished.
    Epoch {
        /// Steps finished.
        step: u64,
        /// Which epoch, from 1.
        epoch: u64,
        /// Mean residual R of the held-out normal images.
        held_out_residual: f64,
        /// Mean latent L of the held-out normal images.
        held_out_latent: f64,
        /// Seconds since this part of the run began.
        elapsed_secs: f64,
    },
    /// The discriminator's loss had collapsed, so it was re-initialised.
    DiscriminatorRestarted {
        /// Steps finished.
        step: u64,
    },
    /// The run was stopped and can be resumed.
    Interrupted {
        /// Steps finished.
        step: u64,
    },
    /// The model was written.
    Finished {
        /// Steps finished.
        step: u64,
        /// Threshold of the calibration.
        threshold: f64,
        /// Seconds since this part of the run began.
        elapsed_secs: f64,
    },
}

impl Event {
    /// Steps finished when it happened.
    pub fn step(&self) -> u64 {
        match *self {
            Self::Started { step, .. }
            | Self::Step { step, .. }
            | Self::Epoch { step, .. }
            | Self::DiscriminatorRestarted { step }
            | Self::Interrupted { step }
            | Self::Finished { step, .. } => step,
        }
    }
}
