//! How well scores separate abnormal from normal: on slices, without tensors.
//!
//! A higher score means more abnormal. `abnormal[i]` is the truth about `scores[i]`. Equal scores are
//! never split: no result depends on the order of the images.
//!
//! Besides the metrics of a ranking there are intervals ([`bootstrap()`]), verdicts at a threshold
//! ([`confusion()`]), where defects are ([`pixel_metrics`]), how large they must be to be found ([`detection()`]),
//! and repeated runs ([`mean_std()`]).

mod bootstrap;
mod confusion;
mod detection;
mod error;
mod localisation;
mod mean_std;
mod ranking;

pub use bootstrap::{Bootstrap, Interval, RESAMPLES, bootstrap};
pub use confusion::{Confusion, confusion};
pub use detection::{DETECTED, Detection, DetectionCurve, Unreached, detection};
pub use error::MetricError;
pub use localisation::{
    PRO_LIMIT, PixelMetrics, PixelScores, pixel_auroc, pixel_metrics, pro, regions,
};
pub use mean_std::{MeanStd, mean_std};
pub use ranking::{BestF1, auprc, auroc, eer, f1_max, fpr_at_tpr, pr_curve, quantile, roc_curve};
