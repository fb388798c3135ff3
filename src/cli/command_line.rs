//! What was given on the command line.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// Whether an option was given on the command line.
pub fn was_given(matches: &ArgMatches, name: &str) -> bool {
    matches.try_contains_id(name).unwrap_or_default()
        && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// The command line, quoted for a shell.
pub fn command_line() -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = |argument: String| match argument.chars().all(plain) && !argument.is_empty() {
        true => argument,
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    };
    let arguments = std::env::args().skip(1).map(quoted);
    std::iter::once("skip-ganomaly".to_owned())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
