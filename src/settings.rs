//! The settings of a training run: one source for the command line, the model file and the page.

pub mod config;
pub mod limits;
pub mod method;
pub mod preset;
