//! What the command line says of a choice.

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// Its name and its help.
pub fn named(value: &impl ValueEnum) -> PossibleValue {
    value.to_possible_value().expect("all of them are named")
}

/// Its help, if it has one.
pub fn help(value: &PossibleValue) -> String {
    value
        .get_help()
        .map_or_else(String::new, ToString::to_string)
}
