//! The program: parse, call, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    skip_ganomaly::cli::run()
}
