//! Which runs a comparison has, and the settings of each.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use serde_json::{Map, Value};

use super::args::Args;
use crate::cli::data::DataArgs;
use crate::cli::preset::check_preset;
use crate::detector::options;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::method::Method;

/// Steps of a run that is limited by time: more than any run takes.
const MOST_STEPS: u64 = 1_000_000_000;

/// Data options that may differ when a run is resumed: the images' digest shows whether they are the
/// same.
const MAY_DIFFER: [&str; 2] = ["data", "cache_mib"];

/// All runs of a comparison: each method with each seed.
pub struct Plan {
    /// One for each method, in the order asked for. The seed is not set.
    pub configs: Vec<TrainConfig>,
    pub seeds: Vec<u64>,
    /// Minutes of training for each run, if steps do not limit it.
    pub minutes: Option<f64>,
    /// Steps of each run that has networks.
    pub steps: Option<u64>,
}

/// What a run in a comparison has to match.
pub struct Wanted<'a> {
    pub config: &'a TrainConfig,
    pub data: &'a DataArgs,
    pub minutes: Option<f64>,
}

impl Plan {
    /// # Errors
    /// If a setting is out of range, no method uses it, or a method or seed is given twice.
    pub fn new(args: &Args, given: &ArgMatches) -> Result<Self> {
        let seeds = match args.seeds.is_empty() {
            true => vec![args.config.seed],
            false => args.seeds.clone(),
        };
        each_once("--methods", &args.methods)?;
        each_once("--seeds", &seeds)?;
        check_preset(args.preset, &args.methods)?;
        let steps = args.minutes.map_or(args.config.steps, |_| Some(MOST_STEPS));
        let shared = TrainConfig {
            steps,
            ..args.config.clone()
        };
        let given = Setting::given(given);
        let start = |&method: &Method| {
            let own = TrainConfig {
                method,
                ..shared.clone()
            };
            options::complete(args.preset, &own, &given)
        };
        let starts: Vec<_> = args.methods.iter().map(start).collect();
        // A budget may be given even if no method can spend it.
        let given = given
            .into_iter()
            .filter(|&setting| setting != Setting::steps);
        options::check_given(&starts, &given.collect::<Vec<_>>())?;
        let configs = starts.iter().map(options::with_used).collect();
        Ok(Self {
            configs,
            seeds,
            minutes: args.minutes,
            steps: args.config.steps,
        })
    }

    /// Every run's settings and folder.
    pub fn all_runs(&self, report: &Path) -> Vec<(TrainConfig, PathBuf)> {
        let of_seed = |&seed: &u64| {
            self.configs.iter().map(move |config| {
                let config = TrainConfig {
                    seed,
                    ..config.clone()
                };
                let path = run_folder(report, config.method, seed);
                (config, path)
            })
        };
        self.seeds.iter().flat_map(of_seed).collect()
    }

    /// What a run with these settings has to match. Methods without networks have no budget.
    pub fn wanted<'a>(&self, config: &'a TrainConfig, data: &'a DataArgs) -> Wanted<'a> {
        let minutes = self.minutes.filter(|_| config.method.has_networks());
        Wanted {
            config,
            data,
            minutes,
        }
    }

    /// A run's name in tables.
    pub fn label(&self, method: Method, seed: u64) -> String {
        match self.seeds.len() {
            1 => method.to_string(),
            _ => format!("{method}, seed {seed}"),
        }
    }

    /// The budget in words.
    pub fn budget(&self) -> String {
        let batch = self
            .configs
            .iter()
            .find(|config| config.method.has_networks());
        match (batch, self.minutes, self.steps) {
            (None, ..) => "none: every method is fitted directly".into(),
            (_, Some(minutes), _) => format!("{minutes} minutes of training for each run"),
            (Some(config), None, steps) => format!(
                "{} steps of {} images for each run",
                steps.unwrap_or_default(),
                config.batch
            ),
        }
    }
}

/// A run's folder within a comparison's folder.
pub fn run_folder(report: &Path, method: Method, seed: u64) -> PathBuf {
    report.join("runs").join(format!("{method}-seed{seed}"))
}

/// Refuses duplicates.
fn each_once<T: PartialEq + std::fmt::Display>(option: &str, values: &[T]) -> Result<()> {
    for (k, value) in values.iter().enumerate() {
        anyhow::ensure!(
            !values[..k].contains(value),
            "expected each of {option} once, got {value} twice"
        );
    }
    Ok(())
}

impl Wanted<'_> {
    /// How an existing run differs from this one, in words; empty if they are the same.
    ///
    /// # Errors
    /// If settings cannot be written as JSON.
    pub fn differences(&self, there: &Self) -> Result<Vec<String>> {
        let (now, then) = (self.facts()?, there.facts()?);
        let differs = |(name, now): (&String, &Value)| {
            let then = then.get(name).unwrap_or(&Value::Null);
            let named = Setting::ALL.iter().find(|setting| setting.field() == name);
            let option = named.map_or_else(|| name.replace('_', "-"), |setting| setting.name());
            (then != now).then(|| format!("{option} {then}, now {now}"))
        };
        Ok(now.iter().filter_map(differs).collect())
    }

    /// Everything that must be the same.
    fn facts(&self) -> Result<Map<String, Value>> {
        let mut facts = Map::new();
        for value in [
            serde_json::to_value(self.config)?,
            serde_json::to_value(self.data)?,
        ] {
            if let Value::Object(map) = value {
                facts.extend(map);
            }
        }
        for name in MAY_DIFFER {
            facts.remove(name);
        }
        if let Some(minutes) = self.minutes {
            // The number of steps taken is a result, not a setting.
            facts.insert("steps".into(), Value::Null);
            facts.insert("minutes".into(), minutes.into());
        } else {
            facts.insert("minutes".into(), Value::Null);
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_and_places_are_none() {
        let config = TrainConfig::default();
        let other = TrainConfig {
            width: 8,
            ..TrainConfig::default()
        };
        let data = DataArgs {
            data: Some("a".into()),
            ..DataArgs::default()
        };
        let moved = DataArgs {
            data: Some("b".into()),
            cache_mib: Some(3),
            ..DataArgs::default()
        };
        let wanted = |config, data, minutes| Wanted {
            config,
            data,
            minutes,
        };
        let now = wanted(&config, &data, None);
        let none: Vec<String> = Vec::new();
        assert_eq!(
            now.differences(&wanted(&config, &moved, None)).unwrap(),
            none
        );
        let got = now.differences(&wanted(&other, &data, Some(2.0))).unwrap();
        assert_eq!(got, ["minutes 2.0, now null", "width 8, now 64"]);
        // A run limited by time takes as many steps as it can.
        let stepped = TrainConfig {
            steps: Some(77),
            ..TrainConfig::default()
        };
        let there = wanted(&stepped, &data, Some(2.0));
        let got = wanted(&config, &data, Some(2.0)).differences(&there);
        assert_eq!(got.unwrap(), none);
    }
}
