//! The settings of a training run: one source for the command line, the model file and the page.

#[cfg(feature = "cli")]
mod arguments;
pub mod config;
pub mod limits;
pub mod method;
pub mod preset;
mod rows;
pub mod schedule;
#[cfg(feature = "cli")]
pub mod schema;
