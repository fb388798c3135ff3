//! Who is told how far long work is, and may end it.

use std::ops::ControlFlow;

/// Told of pictures that are done, and of a search under way.
pub trait Watch {
    /// So many pictures went through the networks since this was last called.
    fn pictures(&mut self, _count: usize) {}

    /// The search for a batch stands at a step of so many; `Break` ends the work.
    fn search(&mut self, _step: usize, _steps: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Nobody watches.
impl Watch for () {}
