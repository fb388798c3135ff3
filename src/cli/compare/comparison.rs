//! What was compared.

use std::path::PathBuf;

use super::plan::Plan;
use crate::data::dataset::Dataset;
use crate::evaluation::Evaluation;
use crate::model_file::Training;
use crate::settings::method::Method;

/// One method with one seed; its results have the same index in the evaluation.
pub struct Row {
    pub method: Method,
    pub seed: u64,
    pub train_secs: f64,
    pub model: PathBuf,
    pub training: Training,
}

/// What was compared.
pub struct Comparison {
    pub plan: Plan,
    /// The data as drawn with the first seed.
    pub set: Dataset,
    pub rows: Vec<Row>,
    pub evaluation: Evaluation,
}
