//! Turns scored, labelled test images into results: without tensors, without files, on any platform.
//!
//! A [`MethodResult`] says how well one method's scores separate abnormal images from normal ones,
//! overall and by class. An [`Evaluation`] holds the methods that were measured on one data set, and the
//! warnings that belong with its numbers.
//!
//! Nothing reported was chosen on the images that it is reported for, with two exceptions:
//! [`Metrics::f1_max`] is the best of all thresholds, and [`EpochChoice`] belongs to the published
//! protocol, which leaks.

mod measure;
mod protocol;
pub mod published;
mod result;
mod simulated;
mod threshold;

pub use crate::metrics::{Interval, PixelMetrics};
pub use measure::{
    ClassMetrics, EvaluationError, Metrics, Resampling, ScoreComponent, ScoredImage, measure,
};
pub use protocol::{EpochChoice, PUBLISHED_WARNING, Protocol};
pub use published::PublishedTable;
pub use result::{Evaluation, MethodInfo, MethodResult};
pub use simulated::{
    FaultGroup, FaultOrigin, FaultSeries, FaultTrial, MIDDLE_CONTRAST, MOST_PICTURES, Simulated,
    TRIALS, detection_in_words, simulated_series, trial_size,
};
pub use threshold::{Threshold, ThresholdSource, ValidationSplit, validation_split};
