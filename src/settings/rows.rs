//! What follows from the rows of [`super::config`]: the macro that reads them, and what a row holds.

#[cfg(feature = "cli")]
use clap::{ArgMatches, ValueEnum, builder::ValueParser};
use serde::Serialize;

use super::limits::Values;
use super::method::Method;
use super::schedule::Schedule;
use crate::data::augment::Augment;
use crate::score::{Latent, Normalisation, Residual};

/// Makes [`TrainConfig`](super::config::TrainConfig) and [`Setting`](super::config::Setting) from a row for
/// each setting: its help (the first paragraph) and what else there is to say of it; its field, which is its
/// name in files and, with dashes, on the command line; the command line's name in place of that one, `as`;
/// type, default, [`Group`] and [`Values`].
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident $(as $option:literal)?: $type:ty = $default:expr, $group:ident, $values:expr;
    )+) => {
        /// Settings of a training run. The defaults are Skip-GANomaly's published settings;
        /// [`TrainConfig::published`] gives another method's.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct TrainConfig {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for TrainConfig {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        /// The settings, spelt as the fields of [`TrainConfig`].
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Setting {
            $($(#[doc = $doc])+ $field,)+
        }

        const ROWS: &[Row] = &[$(Row {
            field: stringify!($field),
            option: [$($option,)? ""][0],
            doc: concat!($($doc, "\n",)+),
            group: Group::$group,
            values: $values,
        },)+];

        impl Setting {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$field,)+];

            /// Its value, if it is a number and set.
            fn number(self, config: &TrainConfig) -> Option<f64> {
                match self { $(Self::$field => Value::number(&config.$field),)+ }
            }

            /// Whether two configurations agree on it.
            pub fn agrees(self, one: &TrainConfig, other: &TrainConfig) -> bool {
                match self { $(Self::$field => one.$field == other.$field,)+ }
            }

            /// Copies it from one configuration to another.
            pub fn copy(self, from: &TrainConfig, to: &mut TrainConfig) {
                match self { $(Self::$field => to.$field = from.$field,)+ }
            }
        }

        #[cfg(feature = "cli")]
        impl Setting {
            pub(super) fn parser(self) -> clap::builder::ValueParser {
                match self { $(Self::$field => <$type as Value>::parser(),)+ }
            }

            /// Its value as the command line spells it, if it is set.
            pub(crate) fn text(self, config: &TrainConfig) -> Option<String> {
                match self { $(Self::$field => Value::text(&config.$field),)+ }
            }

            /// The names of a choice as files spell them; otherwise none.
            pub(super) fn names(self) -> Vec<serde_json::Value> {
                match self { $(Self::$field => <$type as Value>::names(),)+ }
            }
        }

        #[cfg(feature = "cli")]
        impl clap::FromArgMatches for TrainConfig {
            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self { $($field: Value::of(matches, stringify!($field)),)+ })
            }

            fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}
pub(super) use settings;

/// A row, but for its type and default.
pub(super) struct Row {
    pub field: &'static str,
    /// The name on the command line; empty if it is that of the field.
    pub option: &'static str,
    pub doc: &'static str,
    pub group: Group,
    pub values: Values,
}

/// The groups in which settings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Images.
    Data,
    /// Method and shape.
    Networks,
    /// Length, order and speed.
    Training,
    /// What is minimised.
    Losses,
    /// Options that the paper does not have.
    Options,
    /// Scoring.
    Score,
}

impl Group {
    /// What stands above its settings.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Data => "Images",
            Self::Networks => "Method and networks",
            Self::Training => "Training",
            Self::Losses => "Losses",
            Self::Options => "Regularisation (not in the paper)",
            Self::Score => "Score",
        }
    }
}

/// The types that settings have.
pub(super) trait Value {
    /// The value, if it is a number and set.
    fn number(&self) -> Option<f64> {
        None
    }

    /// Reads it from the command line.
    #[cfg(feature = "cli")]
    fn parser() -> ValueParser;

    /// What was read, or the default.
    #[cfg(feature = "cli")]
    fn of(matches: &ArgMatches, field: &str) -> Self;

    /// As the command line spells it, if it is set.
    #[cfg(feature = "cli")]
    fn text(&self) -> Option<String>;

    /// The names of a choice as files spell them; otherwise none.
    #[cfg(feature = "cli")]
    fn names() -> Vec<serde_json::Value> {
        Vec::new()
    }
}

/// How a type that always has a value is read from the command line.
macro_rules! read {
    ($type:ty) => {
        #[cfg(feature = "cli")]
        fn parser() -> ValueParser {
            clap::value_parser!($type).into()
        }

        #[cfg(feature = "cli")]
        fn of(matches: &ArgMatches, field: &str) -> Self {
            *matches.get_one(field).expect("it has a default")
        }
    };
}

macro_rules! plain {
    ($($type:ty: $number:expr;)+) => {$(
        impl Value for $type {
            read!($type);

            fn number(&self) -> Option<f64> {
                let number: fn(&Self) -> Option<f64> = $number;
                number(self)
            }

            #[cfg(feature = "cli")]
            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )+};
}
plain! {
    usize: |&number| Some(number as f64);
    u32: |&number| Some(f64::from(number));
    u64: |&number| Some(number as f64);
    f64: |&number| Some(number);
    bool: |_| None;
}

macro_rules! choices {
    ($($type:ty)+) => {$(
        impl Value for $type {
            read!($type);

            #[cfg(feature = "cli")]
            fn text(&self) -> Option<String> {
                self.to_possible_value().map(|value| value.get_name().to_owned())
            }

            #[cfg(feature = "cli")]
            fn names() -> Vec<serde_json::Value> {
                let all = Self::value_variants().iter();
                all.map(|choice| serde_json::json!(choice)).collect()
            }
        }
    )+};
}
choices! { Method Augment Residual Latent Normalisation Schedule }

impl<T: Value + Clone + Send + Sync + 'static> Value for Option<T> {
    fn number(&self) -> Option<f64> {
        self.as_ref().and_then(T::number)
    }

    #[cfg(feature = "cli")]
    fn parser() -> ValueParser {
        T::parser()
    }

    #[cfg(feature = "cli")]
    fn of(matches: &ArgMatches, field: &str) -> Self {
        matches.get_one(field).cloned()
    }

    #[cfg(feature = "cli")]
    fn text(&self) -> Option<String> {
        self.as_ref().and_then(T::text)
    }
}
