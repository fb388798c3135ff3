//! The content of an evaluation's report, and what its parts say of it.

use crate::calibration::Calibration;
use crate::evaluation::{ClassMetrics, Evaluation, MethodResult, Metrics, Protocol, ScoredImage};
use crate::report::picture::ReportSample;

/// [`PUBLISHED_WARNING`](crate::evaluation::PUBLISHED_WARNING) in short, for the caption of a chart or table with such numbers only.
pub(super) const LEAK: &str = "Published protocol: these numbers leak. The statistics of batches ordered by class \
                    give the class away, and the best epoch is chosen on the test images.";

/// The same if only some of the numbers are of that protocol.
pub(super) const PARTLY_LEAK: &str = "Numbers marked “published protocol” leak: the statistics of batches \
                           ordered by class give the class away, and the best epoch is chosen on the \
                           test images.";

/// An image that the model gets wrong, or nearly so.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// The image and the model's results.
    pub sample: ReportSample,
    /// Its class in the test set.
    pub class: String,
    /// Whether it is labelled abnormal.
    pub abnormal: bool,
}

/// The content of an evaluation's report.
#[derive(Clone, Debug)]
pub struct EvaluationReport<'a> {
    /// The heading.
    pub title: &'a str,
    /// The command line that made it.
    pub command: &'a str,
    /// The results. The first method is the reported one; the others are for comparison.
    pub evaluation: &'a Evaluation,
    /// The calibration of the reported model.
    pub calibration: Option<&'a Calibration>,
    /// Images to show, as [`worst`] finds them.
    pub misses: &'a [Miss],
    /// Facts about the model and settings of the run, names and values.
    pub settings: &'a [(String, String)],
}

/// Indices of the images that a model gets most wrong: the abnormal ones with the lowest scores, lowest
/// first, then the normal ones with the highest scores, highest first; at most `each` of either kind.
pub fn worst(pictures: &[ScoredImage], each: usize) -> Vec<usize> {
    let sorted = |abnormal: bool| {
        let mut places: Vec<usize> = (0..pictures.len())
            .filter(|&k| pictures[k].abnormal == abnormal)
            .filter(|&k| pictures[k].raw.anomaly_score.is_finite())
            .collect();
        places.sort_by(|&a, &b| {
            let score = |k: usize| pictures[k].raw.anomaly_score;
            score(a).total_cmp(&score(b))
        });
        places
    };
    let missed = sorted(true).into_iter().take(each);
    let alarms = sorted(false).into_iter().rev().take(each);
    missed.chain(alarms).collect()
}

impl EvaluationReport<'_> {
    pub(super) fn methods(&self) -> &[MethodResult] {
        &self.evaluation.methods
    }

    pub(super) fn own(&self) -> Option<&MethodResult> {
        self.methods().first()
    }

    /// A method's name, with its protocol if that is not obvious.
    pub(super) fn label(&self, result: &MethodResult) -> String {
        let twin = self
            .methods()
            .iter()
            .any(|other| other.method == result.method && other.protocol != result.protocol);
        match result.protocol {
            Protocol::Published => format!("{} (published protocol)", result.method),
            Protocol::Honest if twin => format!("{} (honest)", result.method),
            Protocol::Honest => result.method.clone(),
        }
    }

    /// The warning that belongs with numbers of all methods, if any leak.
    pub(super) fn leaks(&self) -> Option<&'static str> {
        leaks(self.methods())
    }
}

/// The warning that belongs with numbers of these methods, if any leak.
pub(super) fn leaks<'a>(
    results: impl IntoIterator<Item = &'a MethodResult>,
) -> Option<&'static str> {
    let (mut some, mut all) = (false, true);
    for result in results {
        let published = result.protocol == Protocol::Published;
        some |= published;
        all &= published;
    }
    some.then_some(if all { LEAK } else { PARTLY_LEAK })
}

/// A method's metrics of all classes together.
pub fn full_mix(result: &MethodResult) -> Option<&Metrics> {
    result.full_mix().map(|entry| &entry.metrics)
}

pub(super) fn of_class<'a>(result: &'a MethodResult, class: &str) -> Option<&'a Metrics> {
    let fits = |entry: &&ClassMetrics| entry.class.as_deref() == Some(class);
    result.classes.iter().find(fits).map(|entry| &entry.metrics)
}

/// AUPRC of random guessing: the share of abnormal images.
pub(super) fn base_rate(metrics: &Metrics) -> f64 {
    metrics.abnormal as f64 / (metrics.normals + metrics.abnormal).max(1) as f64
}
