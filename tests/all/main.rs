//! Tests of the crate and of the program from outside, in one binary: one link, and one trained model
//! that the tests of the program share.

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_compare;
#[cfg(feature = "cli")]
mod cli_data;
#[cfg(feature = "cli")]
mod cli_evaluate;
#[cfg(feature = "cli")]
mod cli_generate;
#[cfg(feature = "cli")]
mod cli_methods;
#[cfg(feature = "cli")]
mod common;
mod gradients;
#[cfg(feature = "cli")]
mod import;
mod metrics;
mod networks;
#[cfg(feature = "cli")]
mod parity;
mod product;
mod product_sheets;
#[cfg(feature = "cli")]
mod product_table;
#[cfg(feature = "cli")]
mod schema;
mod training;
