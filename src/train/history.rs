//! The history of a run: the losses of its steps and the results on held-out images. It is part of the
//! checkpoint, so that curves continue after a resume.

use serde::Serialize;

use super::Losses;
use crate::nn::tensors::{HostTensor, NamedTensors, TensorError, find};

/// Names of the tensors in a checkpoint: `[steps, 8]`, `[checks, 2]` and `[checks with AUROC, 2]`,
/// the first column always the step.
const LOSSES: &str = "history.losses";
const RESIDUALS: &str = "history.residuals";
const AUROCS: &str = "history.aurocs";

/// Columns of each.
const LOSS_COLUMNS: usize = 8;
const CHECK_COLUMNS: usize = 2;

/// The losses of one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepLosses {
    /// Which step, from 1.
    pub step: u64,
    /// Its losses.
    #[serde(flatten)]
    pub losses: Losses,
}

/// The results on held-out images after a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Steps finished.
    pub step: u64,
    /// Mean residual R of the held-out normal images.
    pub residual: f64,
    /// AUROC of labelled images, if there were any: for information only, nothing is chosen by it.
    pub auroc: Option<f64>,
}

/// Losses and checks of a run, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct History {
    /// One entry for each step whose losses were read.
    pub losses: Vec<StepLosses>,
    /// One entry for each check.
    pub checks: Vec<Check>,
}

impl History {
    /// The newest losses.
    pub fn last(&self) -> Option<Losses> {
        self.losses.last().map(|entry| entry.losses)
    }

    /// Adds the tensors of a checkpoint. Steps are exact up to 2²⁴.
    pub fn write(&self, tensors: &mut NamedTensors) {
        let mut put = |name: &str, columns: usize, values: Vec<f32>| {
            if !values.is_empty() {
                let shape = vec![values.len() / columns, columns];
                tensors.insert(name.to_owned(), HostTensor { shape, values });
            }
        };
        let losses = self.losses.iter().flat_map(|StepLosses { step, losses }| {
            let unknown = f64::from(f32::MIN);
            [
                *step as f64,
                losses.adversarial,
                losses.contextual,
                losses.latent,
                losses.generator,
                losses.discriminator,
                losses.real.unwrap_or(unknown),
                losses.fake.unwrap_or(unknown),
            ]
            .map(|v| v as f32)
        });
        put(LOSSES, LOSS_COLUMNS, losses.collect());
        let checks = &self.checks;
        let residuals = checks.iter().map(|c| [c.step as f32, c.residual as f32]);
        put(RESIDUALS, CHECK_COLUMNS, residuals.flatten().collect());
        let aurocs = checks
            .iter()
            .filter_map(|c| Some([c.step as f32, c.auroc? as f32]));
        put(AUROCS, CHECK_COLUMNS, aurocs.flatten().collect());
    }

    /// Reads what [`History::write`] added; empty if a checkpoint has no history.
    ///
    /// # Errors
    /// If a tensor has another number of columns or a value that is not finite.
    pub fn read(tensors: &NamedTensors) -> Result<Self, TensorError> {
        let rows = |name: &str, columns: usize| -> Result<Vec<Vec<f32>>, TensorError> {
            let Some(tensor) = tensors.get(name) else {
                return Ok(Vec::new());
            };
            let rows = tensor.values.len() / columns;
            let found = find(tensors, name, &[rows, columns])?;
            let rows = found.values.chunks_exact(columns);
            Ok(rows.map(<[f32]>::to_vec).collect())
        };
        let losses = rows(LOSSES, LOSS_COLUMNS)?;
        let losses = losses.iter().map(|row| {
            let mut losses = Losses::from_values(&row[1..]);
            // D(x) and D(x̂) are probabilities; a value below 0 marks them as unknown.
            losses.real = losses.real.filter(|&p| p >= 0.0);
            losses.fake = losses.fake.filter(|&p| p >= 0.0);
            StepLosses {
                step: row[0] as u64,
                losses,
            }
        });
        let losses = losses.collect();
        let aurocs = rows(AUROCS, CHECK_COLUMNS)?;
        let checks = rows(RESIDUALS, CHECK_COLUMNS)?;
        let checks = checks.iter().map(|row| Check {
            step: row[0] as u64,
            residual: row[1].into(),
            auroc: aurocs
                .iter()
                .find(|auroc| auroc[0] == row[0])
                .map(|auroc| auroc[1].into()),
        });
        Ok(Self {
            checks: checks.collect(),
            losses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let losses = |step: u64, real| StepLosses {
            step,
            losses: Losses {
                real,
                ..Losses::from_values(&[0.7, 0.5, 0.25, 26.0, 1.3, 0.5, 0.4])
            },
        };
        let check = |step, auroc| Check {
            step,
            residual: 0.125,
            auroc,
        };
        History {
            losses: vec![losses(1, Some(0.5)), losses(2, None)],
            checks: vec![check(0, None), check(2, Some(0.75))],
        }
    }

    #[test]
    fn a_checkpoint_keeps_all_of_it() {
        let mut tensors = NamedTensors::new();
        history().write(&mut tensors);
        assert_eq!(tensors[LOSSES].shape, [2, 8]);
        assert_eq!(History::read(&tensors), Ok(history()));
        assert_eq!(History::read(&NamedTensors::new()), Ok(History::default()));
        let mut none = NamedTensors::new();
        History::default().write(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn other_columns_are_refused() {
        let mut tensors = NamedTensors::new();
        history().write(&mut tensors);
        tensors.get_mut(LOSSES).expect("losses").shape = vec![4, 4];
        assert!(matches!(
            History::read(&tensors),
            Err(TensorError::Shape { .. })
        ));
    }
}
