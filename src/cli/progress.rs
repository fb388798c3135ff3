//! Progress bars on stderr, only where stderr is a terminal.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::detector::Progress;

/// A bar that counts to `length`; hidden unless stderr is a terminal.
pub fn bar(length: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = "{prefix:>10} {bar:32} {pos}/{len} {elapsed} (about {eta} left) {msg}";
    bar.set_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The bar of a calibration; a flag can stop its latent optimisation.
pub struct Finishing<'a> {
    bar: ProgressBar,
    stop: Option<&'a AtomicBool>,
}

impl<'a> Finishing<'a> {
    /// For this many images.
    pub fn new(pictures: usize) -> Self {
        Self {
            bar: bar(pictures as u64, "calibrating"),
            stop: None,
        }
    }

    /// Stops the latent optimisation when the flag is set.
    pub fn until(self, stop: &'a AtomicBool) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Finishing<'_> {
    fn images(&mut self, count: usize) {
        self.bar.inc(count as u64);
    }

    fn optimisation(&mut self, step: usize, steps: usize) -> ControlFlow<()> {
        self.bar
            .set_message(format!("latent optimisation: step {step} of {steps}"));
        match self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
