//! How images are scored: honestly, or as in the published code.

use serde::{Deserialize, Serialize};

/// The warning in every output under [`Protocol::Published`].
pub const PUBLISHED_WARNING: &str = "published protocol: these numbers leak. Images were scored \
    with the batch statistics of batches that are nearly all of one class (normal ones first), which \
    gives the class away, and the best epoch was chosen on the test images. They show what the \
    published code would report, not how well the method detects anything.";

/// Scoring protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Inference mode: a score depends on the image and the model alone, not on other images.
    #[default]
    Honest,
    /// As in the published code: the labels of the test images leak into the scores.
    Published,
}

impl Protocol {
    /// Its name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Published => "published",
        }
    }

    /// The warning that belongs with every number obtained this way.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Honest => None,
            Self::Published => Some(PUBLISHED_WARNING),
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which epoch the published code would report: the best on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochChoice {
    /// AUROC on the test images after each epoch.
    pub per_epoch_auroc: Vec<f64>,
    /// Which is largest, from 1; the earliest of equals.
    pub best_epoch: usize,
    /// Its AUROC: chosen on the test images.
    pub best_auroc: f64,
    /// AUROC after the last epoch: what an honest report gives.
    pub last_auroc: f64,
}

impl EpochChoice {
    /// Picks the best epoch. None if there is no epoch.
    pub fn new(per_epoch_auroc: Vec<f64>) -> Option<Self> {
        let last_auroc = *per_epoch_auroc.last()?;
        let (mut best_epoch, mut best_auroc) = (1, per_epoch_auroc[0]);
        for (epoch, &auroc) in (1..).zip(&per_epoch_auroc) {
            if auroc > best_auroc {
                (best_epoch, best_auroc) = (epoch, auroc);
            }
        }
        Some(Self {
            best_epoch,
            best_auroc,
            last_auroc,
            per_epoch_auroc,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_is_the_earliest_of_equals() {
        let got = EpochChoice::new(vec![0.5, 0.8, 0.7, 0.8, 0.6]).unwrap();
        assert_eq!(
            (got.best_epoch, got.best_auroc, got.last_auroc),
            (2, 0.8, 0.6)
        );
        assert_eq!(EpochChoice::new(Vec::new()), None);
    }
}
