//! Training, independent of method, file and platform: one step of two networks, its losses, a run's
//! history.
//!
//! Each method's training step is in its own file under [`crate::detector`]; a [`crate::run`] uses it as a
//! [`step::Trainer`].

pub mod adam;
pub mod events;
pub mod gan;
pub mod history;
pub mod losses;
pub(crate) mod prior;
pub mod step;

pub use losses::Losses;
