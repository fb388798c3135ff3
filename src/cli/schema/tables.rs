//! The settings and what the methods start from, as the tables of docs/using.md.

use std::fmt::Write;

use clap::ValueEnum;

use crate::detector::options;
use crate::score::Latent;
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::limits::Values;
use crate::settings::method::Method;
use crate::settings::preset::Preset;

/// A table for each group of settings, and one of the methods.
pub fn tables() -> String {
    let mut groups = Vec::new();
    for setting in Setting::ALL {
        if !groups.contains(&setting.group()) {
            groups.push(setting.group());
        }
    }
    let mut out = String::new();
    for group in groups {
        let heading = group.heading();
        let _ = write!(
            out,
            "**{heading}**\n\n| option | default | values | | used by |\n|---|---|---|---|---|\n"
        );
        for &setting in Setting::ALL
            .iter()
            .filter(|setting| setting.group() == group)
        {
            let _ = writeln!(
                out,
                "| `--{}` | {} | {} | {} | {} |",
                setting.name(),
                setting.text(&TrainConfig::default()).unwrap_or_default(),
                values(setting),
                setting.paragraphs().join(". "),
                users(setting),
            );
        }
        out.push('\n');
    }
    out.push_str("**What the methods start from**\n\n| method | published by | where it differs from the defaults |\n|---|---|---|\n");
    for &method in Method::ALL {
        let source = method.to_possible_value();
        let source = source.as_ref().and_then(|value| value.get_help());
        let source = source.map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(
            out,
            "| `{method}` | {source} | {} |",
            differences(&options::published(method))
        );
        for &preset in &Preset::value_variants()[1..] {
            if let (Some(config), Some(name)) =
                (options::preset(method, preset), preset.to_possible_value())
            {
                let _ = writeln!(
                    out,
                    "| `{method} --preset {}` | | {} |",
                    name.get_name(),
                    differences(&config)
                );
            }
        }
    }
    out.trim_end().to_owned()
}

/// The values that a setting may have.
fn values(setting: Setting) -> String {
    match setting.values() {
        Values::Integer(limits) | Values::Number(limits) => limits.to_string(),
        Values::OneOf(choices) => listed(choices.iter()),
        Values::Choice | Values::Flag => {
            let values = setting.possible_values();
            listed(values.iter().map(|value| value.get_name()))
        }
    }
}

fn listed<T: std::fmt::Display>(values: impl Iterator<Item = T>) -> String {
    let values: Vec<_> = values.map(|value| format!("`{value}`")).collect();
    values.join(", ")
}

/// The methods that use a setting, and the features that it takes for that.
fn users(setting: Setting) -> String {
    let uses = |method: Method, latent: Latent| {
        let config = TrainConfig {
            latent,
            ..options::published(method)
        };
        options::has_use_for(&config, setting)
    };
    let plain = |method: &Method| uses(*method, Latent::default());
    let with_networks = |method: &Method| method.has_networks();
    if Method::ALL.iter().all(plain) {
        return "all".into();
    }
    let mut users = Vec::new();
    let mut rest: Vec<Method> = Method::ALL.to_vec();
    if rest
        .iter()
        .copied()
        .filter(|method| method.has_networks())
        .all(|method| plain(&method))
    {
        users.push("all with networks".to_owned());
        rest.retain(|method| !with_networks(method));
    }
    for method in rest {
        let mut latents = Latent::value_variants().iter();
        match latents.find(|&&latent| uses(method, latent)) {
            Some(&latent) if latent == Latent::default() => users.push(format!("`{method}`")),
            Some(latent) => {
                let name = latent.to_possible_value();
                let name = name
                    .map(|value| value.get_name().to_owned())
                    .unwrap_or_default();
                users.push(format!("`{method}` with `--latent {name}`"));
            }
            None => {}
        }
    }
    users.join(", ")
}

/// The settings that differ from the defaults, as options; also λ, which each method sets.
fn differences(config: &TrainConfig) -> String {
    let mut config = config.clone();
    if options::has_use_for(&config, Setting::lambda) {
        config.lambda.get_or_insert(config.method.lambda());
    }
    let default = TrainConfig {
        method: config.method,
        ..TrainConfig::default()
    };
    let changed = Setting::ALL
        .iter()
        .filter(|setting| !setting.agrees(&config, &default));
    let options: Vec<_> = changed
        .filter_map(|setting| Some(format!("--{} {}", setting.name(), setting.text(&config)?)))
        .collect();
    match options.is_empty() {
        true => String::new(),
        false => format!("`{}`", options.join(" ")),
    }
}
