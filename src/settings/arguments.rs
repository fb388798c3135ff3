//! The settings as options of a command.

use clap::builder::PossibleValue;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command};

use super::config::{Setting, TrainConfig};

impl Args for TrainConfig {
    fn augment_args(command: Command) -> Command {
        command.args(Setting::ALL.iter().map(|setting| setting.argument()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Setting {
    /// Its option, under the heading of its group.
    fn argument(self) -> Arg {
        let (name, field) = (self.name(), self.field().replace('_', "-"));
        let mut arg = Arg::new(self.field())
            .value_name(name.replace('-', "_").to_uppercase())
            .help(self.help())
            .long_help(self.paragraphs().join("\n\n"))
            .help_heading(self.group().heading())
            .value_parser(self.parser());
        if name != field {
            // It was the option's name before.
            arg = arg.alias(field);
        }
        if let Some(text) = self.text(&TrainConfig::default()) {
            arg = arg.default_value(text);
        }
        arg.long(name)
    }

    /// The values of a choice or a flag, as the command line spells them; otherwise none.
    pub(crate) fn possible_values(self) -> Vec<PossibleValue> {
        let values = self.parser().possible_values().map(Iterator::collect);
        values.unwrap_or_default()
    }

    /// Those that were given on a command line.
    pub(crate) fn given(matches: &ArgMatches) -> Vec<Self> {
        let given = |setting: &Self| {
            let field = setting.field();
            matches.value_source(field) == Some(ValueSource::CommandLine)
        };
        Self::ALL.iter().copied().filter(given).collect()
    }
}
