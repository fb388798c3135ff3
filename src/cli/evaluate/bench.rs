//! What all methods of an evaluation share.

use anyhow::Result;

use super::args::Args;
use super::scoring::{self, TestScores, Verdicts};
use crate::cli::device::Chosen;
use crate::data::{dataset::Dataset, sample::Sample};
use crate::detector::Detector;
use crate::evaluation::{MethodResult, Resampling, Threshold};

/// What all methods of an evaluation share.
pub struct Bench<'a> {
    pub args: &'a Args,
    pub set: &'a Dataset,
    pub device: &'a Chosen,
    pub samples: Vec<&'a Sample>,
}

impl Bench<'_> {
    pub fn resampling(&self) -> Resampling {
        Resampling {
            resamples: self.args.bootstrap.get(),
            seed: self.args.seed(),
        }
    }

    /// Measures a method in inference mode, with verdicts at `threshold` unless it is chosen on labelled
    /// images.
    pub fn honest(
        &self,
        name: String,
        detector: &dyn Detector,
        threshold: Option<Threshold>,
    ) -> Result<(MethodResult, TestScores)> {
        let verdicts = match self.args.adaptive_threshold {
            true => Verdicts::BestF1 {
                seed: self.args.seed(),
            },
            false => Verdicts::At(threshold),
        };
        let (samples, device) = (&self.samples, self.device.kind);
        scoring::honest(name, detector, samples, device, verdicts, self.resampling())
    }
}
