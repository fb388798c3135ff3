//! The history of a run: the losses of its steps and the results on held-out images. It is part of the
//! checkpoint, so that curves continue after a resume.

use serde::Serialize;

use super::losses::{LossTerm, Losses, OUTPUTS};
use crate::nn::tensors::{HostTensor, NamedTensors, TensorError, find};

/// Names of the tensors in a checkpoint: `[steps]`, a `[steps]` for each loss by its name, and
/// `[checks, 2]` and `[checks with AUROC, 2]`, whose first column is the step.
const STEPS: &str = "history.steps";
const LOSS: &str = "history.loss.";
const RESIDUALS: &str = "history.residuals";
const AUROCS: &str = "history.aurocs";
const CHECK_COLUMNS: usize = 2;

/// What earlier versions stored: `[steps, 8]`, the step, five losses of fixed names, D(x) and D(x̂).
const EARLIER_LOSSES: &str = "history.losses";
const EARLIER_COLUMNS: [&str; 7] = [
    "adversarial",
    "contextual",
    "latent",
    "generator",
    "discriminator",
    "real",
    "fake",
];

/// Stands for a loss that a step does not have: losses are above it.
const UNKNOWN: f32 = f32::MIN;

/// The losses of one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
        self.losses.last().map(|entry| entry.losses.clone())
    }

    /// Adds the tensors of a checkpoint. Steps are exact up to 2²⁴.
    pub fn write(&self, tensors: &mut NamedTensors) {
        let mut put = |name: String, shape: Vec<usize>, values: Vec<f32>| {
            if !values.is_empty() {
                tensors.insert(name, HostTensor { shape, values });
            }
        };
        let steps: Vec<f32> = self.losses.iter().map(|entry| entry.step as f32).collect();
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.losses.iter().flat_map(|entry| entry.losses.iter()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            let of = |entry: &StepLosses| entry.losses.get(name).map_or(UNKNOWN, |v| v as f32);
            let values: Vec<f32> = self.losses.iter().map(of).collect();
            put(format!("{LOSS}{name}"), vec![values.len()], values);
        }
        put(STEPS.to_owned(), vec![steps.len()], steps);
        let pairs = |values: Vec<[f32; CHECK_COLUMNS]>| {
            (vec![values.len(), CHECK_COLUMNS], values.concat())
        };
        let checks = &self.checks;
        let residuals = checks.iter().map(|c| [c.step as f32, c.residual as f32]);
        let (shape, values) = pairs(residuals.collect());
        put(RESIDUALS.to_owned(), shape, values);
        let aurocs = checks
            .iter()
            .filter_map(|c| Some([c.step as f32, c.auroc? as f32]));
        let (shape, values) = pairs(aurocs.collect());
        put(AUROCS.to_owned(), shape, values);
    }

    /// Reads what [`History::write`] added, in the order of `terms`, or what earlier versions did; empty if a
    /// checkpoint has no history.
    ///
    /// # Errors
    /// If a tensor has another shape or a value that is not finite.
    pub fn read(tensors: &NamedTensors, terms: &[LossTerm]) -> Result<Self, TensorError> {
        let rows = |name: &str, columns: usize| -> Result<Vec<Vec<f32>>, TensorError> {
            let Some(tensor) = tensors.get(name) else {
                return Ok(Vec::new());
            };
            let rows = tensor.values.len() / columns;
            let found = find(tensors, name, &[rows, columns])?;
            let rows = found.values.chunks_exact(columns);
            Ok(rows.map(<[f32]>::to_vec).collect())
        };
        let earlier = rows(EARLIER_LOSSES, 1 + EARLIER_COLUMNS.len())?;
        let earlier = earlier.iter().map(|row| {
            let named = EARLIER_COLUMNS.into_iter().zip(row[1..].iter().copied());
            // D(x) and D(x̂) were unknown at first.
            let known: Losses = named.filter(|&(_, value)| value != UNKNOWN).collect();
            StepLosses {
                step: row[0] as u64,
                losses: known.renamed(terms),
            }
        });
        let mut losses: Vec<StepLosses> = earlier.collect();
        if let Some(steps) = tensors.get(STEPS) {
            let count = steps.values.len();
            let steps = find(tensors, STEPS, &[count])?;
            let mut columns: Vec<(String, &[f32])> = Vec::new();
            for name in tensors.keys().filter_map(|key| key.strip_prefix(LOSS)) {
                let column = find(tensors, &format!("{LOSS}{name}"), &[count])?;
                columns.push((name.to_owned(), &column.values));
            }
            let place = |name: &str| {
                let mut known = terms.iter().chain(&OUTPUTS);
                known
                    .position(|term| term.name == name)
                    .unwrap_or(usize::MAX)
            };
            columns.sort_by_key(|(name, _)| place(name));
            losses.extend(steps.values.iter().enumerate().map(|(at, &step)| {
                let all = columns
                    .iter()
                    .map(|(name, column)| (name.clone(), column[at]));
                StepLosses {
                    step: step as u64,
                    losses: all.filter(|&(_, value)| value != UNKNOWN).collect(),
                }
            }));
        }
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
    use crate::train::losses::DISCRIMINATOR_LOSS;

    const TERMS: [LossTerm; 2] = [
        LossTerm::new("reconstruction", "Reconstruction", "how far it is").earlier("contextual"),
        DISCRIMINATOR_LOSS,
    ];

    fn history() -> History {
        let losses = |step: u64, values: &[f32]| StepLosses {
            step,
            losses: Losses::new(&TERMS, values),
        };
        let check = |step, auroc| Check {
            step,
            residual: 0.125,
            auroc,
        };
        History {
            losses: vec![losses(1, &[0.5, 1.25, 0.5, 0.25]), losses(2, &[0.5, 1.25])],
            checks: vec![check(0, None), check(2, Some(0.75))],
        }
    }

    #[test]
    fn a_checkpoint_keeps_all_of_it() {
        let read = |tensors: &NamedTensors| History::read(tensors, &TERMS);
        let mut tensors = NamedTensors::new();
        history().write(&mut tensors);
        assert_eq!(tensors["history.loss.reconstruction"].shape, [2]);
        assert_eq!(read(&tensors), Ok(history()));
        assert_eq!(read(&NamedTensors::new()), Ok(History::default()));
        let mut none = NamedTensors::new();
        History::default().write(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn an_earlier_checkpoint_keeps_what_still_has_a_name() {
        let rows = [
            [1.0, 0.7, 0.5, 0.25, 26.0, 1.25, 0.5, 0.25],
            [2.0, 0.7, 0.5, 0.25, 26.0, 1.25, f32::MIN, f32::MIN],
        ];
        let earlier = HostTensor {
            shape: vec![2, 8],
            values: rows.concat(),
        };
        let mut tensors = NamedTensors::from([(EARLIER_LOSSES.to_owned(), earlier)]);
        let read = History::read(&tensors, &TERMS).expect("a history");
        assert_eq!(read.losses, history().losses);

        tensors.get_mut(EARLIER_LOSSES).expect("losses").shape = vec![4, 4];
        assert!(matches!(
            History::read(&tensors, &TERMS),
            Err(TensorError::Shape { .. })
        ));
    }

    #[test]
    fn another_number_of_steps_is_refused() {
        let mut tensors = NamedTensors::new();
        history().write(&mut tensors);
        let steps = tensors.get_mut(STEPS).expect("steps");
        (steps.shape, steps.values) = (vec![3], vec![1.0, 2.0, 3.0]);
        assert!(matches!(
            History::read(&tensors, &TERMS),
            Err(TensorError::Shape { .. })
        ));
    }
}
