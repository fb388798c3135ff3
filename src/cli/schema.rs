//! `schema`: the settings of a training run and their limits, for forms and for docs/using.md.

mod names;
mod tables;

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::exit::Outcome;
use crate::detector::options;
use crate::settings::config::Setting;
use crate::settings::method::Method;
use crate::settings::preset::Preset;
use crate::settings::schema::{describe, differences};
use names::{help, named};

#[derive(clap::Args)]
pub struct Args {
    /// Print the tables of docs/using.md instead
    #[arg(long)]
    markdown: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let text = match args.markdown {
        true => tables::tables(),
        false => serde_json::to_string_pretty(&schema())?,
    };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(Outcome::Done)
}

/// The settings, the methods and the presets.
fn schema() -> Value {
    let settings: Vec<_> = Setting::ALL.iter().copied().map(describe).collect();
    let methods: Vec<_> = Method::ALL.iter().copied().map(of_method).collect();
    let presets: Vec<_> = Preset::value_variants()
        .iter()
        .copied()
        .map(of_preset)
        .collect();
    json!({ "settings": settings, "methods": methods, "presets": presets })
}

/// A method: the settings it uses, and its published settings where they differ from the defaults.
fn of_method(method: Method) -> Value {
    let published = options::published(method);
    let used = |setting: &&Setting| options::has_use_for(&published, **setting);
    let used = Setting::ALL.iter().filter(used);
    let mut changes = differences(&published);
    changes.remove(Setting::method.field());
    json!({
        "name": method.as_str(),
        "source": help(&named(&method)),
        "in_steps": method.has_networks(),
        "searches": method.optimises_latent(),
        "marks": method.marks(),
        "losses": method.loss_terms(),
        "settings": used.map(|setting| setting.field()).collect::<Vec<_>>(),
        "published": changes,
    })
}

/// A preset: the methods that have it, and the settings in which the default method's differ from the
/// defaults.
fn of_preset(preset: Preset) -> Value {
    let settings = options::preset(Method::default(), preset);
    json!({
        "name": named(&preset).get_name(),
        "help": help(&named(&preset)),
        "methods": options::methods_with(preset),
        "changes": settings.map(|settings| differences(&settings)),
    })
}
