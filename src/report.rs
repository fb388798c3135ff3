//! Reports: self-contained HTML files that work offline, in light and dark.
//!
//! Every chart has its numbers in a table, and every image its scores in words. This module holds what
//! all reports share: the page, its style, tiles, tables and number formats. Built for the program only.

mod chart;
mod colours;
mod comparison;
mod evaluation;
mod format;
mod page;
mod picture;
#[cfg(test)]
mod sample_data;
mod training;

pub use comparison::{ComparedRun, ComparisonReport, Mean, SideBySide, View, means};
pub use evaluation::{EvaluationReport, Miss, worst};
pub use picture::ReportSample;
pub use training::{LossPoint, TrainingReport};
