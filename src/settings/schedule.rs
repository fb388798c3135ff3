//! How the learning rate changes over a run.

use serde::{Deserialize, Serialize};

/// How the learning rate changes over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays the same, as in the published code.
    #[default]
    Constant,
    /// It grows from a twenty-fifth of itself over the first three tenths of the steps, then falls to almost 0.
    OneCycle,
}

/// Share of the steps over which the rate grows, and the part of it to grow from.
const GROWING: f64 = 0.3;
const FIRST: f64 = 1.0 / 25.0;

impl Schedule {
    /// The learning rate when a share of the steps is `done`; more than all of them count as all.
    ///
    /// Source: Smith and Topin 2017 (super-convergence), with half cosines as in PyTorch's `OneCycleLR`.
    pub fn rate(self, largest: f64, done: f64) -> f64 {
        let half_cosine = |from: f64, to: f64, t: f64| {
            to + 0.5 * (from - to) * (1.0 + (std::f64::consts::PI * t).cos())
        };
        let done = done.min(1.0);
        match self {
            Self::Constant => largest,
            Self::OneCycle if done < GROWING => largest * half_cosine(FIRST, 1.0, done / GROWING),
            Self::OneCycle => largest * half_cosine(1.0, 0.0, (done - GROWING) / (1.0 - GROWING)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_grows_and_falls() {
        let rates: Vec<f64> = (0..=100)
            .map(|k| Schedule::OneCycle.rate(2.0, f64::from(k) / 100.0))
            .collect();
        assert!((rates[0] - 0.08).abs() < 1e-12 && (rates[30] - 2.0).abs() < 1e-12);
        assert!(rates[..31].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[30..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!(rates[100].abs() < 1e-12 && rates[99] > 0.0);
        assert!(Schedule::OneCycle.rate(2.0, 1.5).abs() < 1e-12);
        assert_eq!(Schedule::Constant.rate(2.0, 0.7), 2.0);
    }
}
