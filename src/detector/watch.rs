//! Progress of long work, which the watcher may stop.

use std::ops::ControlFlow;

/// Receives the progress of images and of a latent optimisation.
pub trait Watch {
    /// This many images went through the networks since the last call.
    fn pictures(&mut self, _count: usize) {}

    /// The latent optimisation of a batch has reached a step of the total; `Break` stops the work.
    fn search(&mut self, _step: usize, _steps: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Nobody watches.
impl Watch for () {}
