//! `schema`: the settings of a training run and their limits, for forms and for docs/using.md.

mod tables;

use std::io::Write;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::Outcome;
use crate::detector::options;
use crate::settings::config::Setting;
use crate::settings::method::Method;
use crate::settings::preset::Preset;
use crate::settings::schema::{describe, differences};

#[derive(clap::Args)]
pub struct Args {
    /// Print the tables of docs/using.md instead
    #[arg(long)]
    markdown: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let text = match args.markdown {
        true => tables::tables(),
        false => serde_json::to_string_pretty(&schema()?)?,
    };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(Outcome::Done)
}

/// The settings, the methods and the presets.
fn schema() -> Result<Value> {
    let settings: Vec<Value> = Setting::ALL.iter().copied().map(describe).collect();
    let methods = Method::ALL.iter().copied().map(of_method);
    let presets = Preset::value_variants().iter().copied().map(of_preset);
    Ok(json!({
        "settings": settings,
        "methods": methods.collect::<Result<Vec<_>>>()?,
        "presets": presets.collect::<Result<Vec<_>>>()?,
    }))
}

/// A method: the settings it uses, and its published settings where they differ from the defaults.
fn of_method(method: Method) -> Result<Value> {
    let published = options::published(method);
    let used = |setting: &&Setting| options::has_use_for(&published, **setting);
    let settings: Vec<&str> = Setting::ALL
        .iter()
        .filter(used)
        .map(|s| s.field())
        .collect();
    let mut changes = differences(&published);
    changes.remove(Setting::method.field());
    Ok(json!({
        "name": method.as_str(),
        "source": help(&method)?,
        "in_steps": method.has_networks(),
        "searches": method.searches(),
        "settings": settings,
        "published": changes,
    }))
}

/// A preset: the settings in which it differs from the first one, which has the defaults.
fn of_preset(preset: Preset) -> Result<Value> {
    let settings =
        options::preset(Method::default(), preset).map(|settings| differences(&settings));
    Ok(json!({
        "name": preset.to_possible_value().context("a preset has a name")?.get_name(),
        "help": help(&preset)?,
        "changes": settings.context("the default method has all presets")?,
    }))
}

fn help(value: &impl ValueEnum) -> Result<String> {
    let named = value.to_possible_value();
    let help = named.as_ref().and_then(|named| named.get_help());
    Ok(help.context("a choice has a help")?.to_string())
}
