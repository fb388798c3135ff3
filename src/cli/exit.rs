//! How the program ends. Exit codes are stable: scripts rely on them. Clap's own for a wrong command line
//! is 2.

/// Something failed; stderr says what.
pub const FAILED: u8 = 1;
/// The work was done, but some images could not be read.
pub const SOME_SKIPPED: u8 = 3;
/// Ctrl-C: a checkpoint was saved, or nothing was written.
pub const INTERRUPTED: u8 = 130;

/// How a verb ended when nothing failed.
pub enum Outcome {
    Done,
    SomeSkipped,
    Interrupted,
}
