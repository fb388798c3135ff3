//! Progress of long work, which may be stopped.

use std::ops::ControlFlow;

/// Receives the progress of images and of a latent optimisation.
pub trait Progress {
    /// This many images went through the networks since the last call; calibration alone tells.
    fn images(&mut self, _count: usize) {}

    /// The latent optimisation of a batch has reached a step of the total; `Break` stops the work.
    fn optimisation(&mut self, _step: usize, _steps: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Nobody watches.
impl Progress for () {}
