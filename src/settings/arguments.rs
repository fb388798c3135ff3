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

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;
    use crate::score::Normalisation;

    fn read(arguments: &[&str]) -> (TrainConfig, Vec<Setting>) {
        let command = TrainConfig::augment_args(Command::new("train").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments).expect("options");
        let config = TrainConfig::from_arg_matches(&matches).expect("settings");
        (config, Setting::given(&matches))
    }

    #[test]
    fn every_setting_is_read_as_it_is_written() {
        let default = TrainConfig::default();
        assert_eq!(read(&[]), (default.clone(), Vec::new()));
        for &setting in Setting::ALL {
            let Some(text) = setting.text(&default) else {
                continue;
            };
            let option = format!("--{}={text}", setting.name());
            assert_eq!(
                read(&[&option]),
                (default.clone(), vec![setting]),
                "{option}"
            );
        }
        let (config, given) = read(&["--steps", "9", "--lambda=0.5", "--discriminator-width", "8"]);
        assert_eq!((config.steps, config.lambda), (Some(9), Some(0.5)));
        assert_eq!(config.discriminator_width, Some(8));
        assert_eq!(given.len(), 3);
    }

    #[test]
    fn former_names_are_read_and_files_keep_theirs() {
        for (new, old) in [
            ("--normalise=quantile", "--balance=quantile"),
            ("--normalise=none", "--balance=raw"),
            ("--latent-steps=9", "--search-steps=9"),
        ] {
            assert_eq!(read(&[new]), read(&[old]), "{old}");
        }
        let (config, _) = read(&["--normalise=quantile", "--latent-steps=9"]);
        assert_eq!(
            (config.balance, config.search_steps),
            (Normalisation::Quantile, 9)
        );
        let file = serde_json::to_value(&config).expect("settings");
        assert_eq!(
            (&file["balance"], &file["search_steps"]),
            (&"quantile".into(), &9.into())
        );
        let plain = serde_json::to_value(TrainConfig::default()).expect("settings");
        assert_eq!(plain["balance"], "raw");
    }
}
