//! The command line that the program was called with.

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
