//! `schema`: the settings of a training run and their limits, for forms.

use std::io::Write;

use anyhow::{Context, Result};
use clap::{Arg, ArgAction, Args as _, Command, ValueEnum};
use serde_json::{Map, Value, json};

use crate::detector::options;
use crate::settings::config::{SETTINGS, Setting, TrainConfig};
use crate::settings::limits::{Limits, Values};
use crate::settings::method::Method;
use crate::settings::preset::Preset;

use super::exit::Outcome;

pub fn run() -> Result<Outcome> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string_pretty(&schema()?)?)?;
    Ok(Outcome::Done)
}

/// The settings as the command line describes them, with the limits in [`SETTINGS`], the methods and the
/// presets.
fn schema() -> Result<Value> {
    let command = TrainConfig::augment_args(Command::new("train"));
    let settings: Vec<Value> = command
        .get_arguments()
        .map(|arg| {
            let field = arg.get_id().as_str();
            let setting = SETTINGS.iter().find(|setting| setting.field == field);
            let setting = setting.with_context(|| format!("no limits for the setting {field}"))?;
            describe(setting, arg).with_context(|| format!("setting {field}"))
        })
        .collect::<Result<_>>()?;
    let presets: Vec<Value> = Preset::value_variants()
        .iter()
        .map(|&preset| changes(preset))
        .collect::<Result<_>>()?;
    let methods: Vec<Value> = Method::ALL
        .iter()
        .map(|&method| of(method))
        .collect::<Result<_>>()?;
    Ok(json!({ "settings": settings, "methods": methods, "presets": presets }))
}

/// A method: the settings it uses, and its published settings where they differ from the defaults.
fn of(method: Method) -> Result<Value> {
    let published = options::published(method);
    let means = |setting: &&Setting| options::has_use_for(&published, setting.field);
    let settings: Vec<&str> = SETTINGS.iter().filter(means).map(|s| s.field).collect();
    let mut changes = differences(&published)?;
    changes.remove("method");
    let named = method.to_possible_value().context("a method has a name")?;
    let source = named.get_help().context("a method has a source")?;
    Ok(json!({
        "name": method.as_str(),
        "source": source.to_string(),
        "in_steps": method.has_networks(),
        "searches": method.searches(),
        "losses": method.loss_terms(),
        "settings": settings,
        "published": changes,
    }))
}

fn describe(setting: &Setting, arg: &Arg) -> Result<Value> {
    anyhow::ensure!(
        matches!(arg.get_action(), ArgAction::Set),
        "expected one value"
    );
    let mut said = Map::new();
    let mut say = |key: &str, value: Value| said.insert(key.to_owned(), value);
    let kind = match setting.values {
        Values::Integer(_) | Values::OneOf(_) => "integer",
        Values::Number(_) => "number",
        Values::Choice => "choice",
        Values::Flag => "flag",
    };
    let default = arg.get_default_values().first();
    say("name", arg.get_long().context("it has no name")?.into());
    say("field", setting.field.into());
    say("group", json!(setting.group));
    say("kind", kind.into());
    say("help", help(arg)?.into());
    say(
        "default",
        match default {
            Some(text) => parse(setting.values, text.to_str().context("no text")?)?,
            None => Value::Null,
        },
    );
    say("optional", default.is_none().into());
    match setting.values {
        Values::Integer(limits) => {
            said.extend(ends(&limits, |number| json!(number as u64)));
        }
        Values::Number(limits) => said.extend(ends(&limits, |number| json!(number))),
        Values::OneOf(choices) => {
            say("choices", json!(choices));
        }
        Values::Choice => {
            let choices = arg.get_possible_values();
            let names: Vec<&str> = choices.iter().map(|choice| choice.get_name()).collect();
            say("choices", json!(names));
        }
        Values::Flag => {}
    }
    Ok(said.into())
}

/// The first paragraph of its help.
fn help(arg: &Arg) -> Result<String> {
    Ok(arg.get_help().context("it has no help")?.to_string())
}

fn parse(values: Values, text: &str) -> Result<Value> {
    Ok(match values {
        Values::Integer(_) | Values::OneOf(_) => text.parse::<u64>()?.into(),
        Values::Number(_) => text.parse::<f64>()?.into(),
        Values::Flag => text.parse::<bool>()?.into(),
        Values::Choice => text.into(),
    })
}

/// `min` and `max`, and whether they are excluded.
fn ends(limits: &Limits, number: fn(f64) -> Value) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("min".into(), number(limits.min));
    if limits.above_min {
        said.insert("above_min".into(), true.into());
    }
    if let Some(max) = limits.max {
        said.insert("max".into(), number(max));
    }
    if limits.below_max {
        said.insert("below_max".into(), true.into());
    }
    said
}

/// The settings that differ from the defaults.
fn differences(config: &TrainConfig) -> Result<Map<String, Value>> {
    let to_object = |config: &TrainConfig| -> Result<Map<String, Value>> {
        match serde_json::to_value(config)? {
            Value::Object(object) => Ok(object),
            other => anyhow::bail!("expected settings as an object, got {other}"),
        }
    };
    let default = to_object(&TrainConfig::default())?;
    let mut settings = to_object(config)?;
    settings.retain(|field, value| default.get(field) != Some(value));
    Ok(settings)
}

/// The settings in which a preset differs from the first one, which has the defaults.
fn changes(preset: Preset) -> Result<Value> {
    let settings = differences(&options::complete(preset, &TrainConfig::default(), |_| {
        false
    }))?;
    let named = preset.to_possible_value().context("a preset has a name")?;
    let help = named.get_help().context("a preset has a help")?;
    Ok(json!({
        "name": named.get_name(),
        "help": help.to_string(),
        "changes": settings,
    }))
}
