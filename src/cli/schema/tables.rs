//! The settings and what the methods start from, as the tables of docs/using.md.

use clap::ValueEnum;

use super::names::{help, named};
use crate::detector::options;
use crate::score::Latent;
use crate::settings::config::{Group, Setting, TrainConfig};
use crate::settings::limits::Values;
use crate::settings::method::Method;
use crate::settings::preset::Preset;

/// A table for each group of settings, and one of the methods.
pub fn tables() -> String {
    let mut groups: Vec<Group> = Vec::new();
    for setting in Setting::ALL {
        if !groups.contains(&setting.group()) {
            groups.push(setting.group());
        }
    }
    let mut tables: Vec<String> = groups.into_iter().map(of_group).collect();
    tables.push(of_methods());
    tables.join("\n\n")
}

fn table(title: &str, header: &str, rows: impl Iterator<Item = String>) -> String {
    let rule = "|---".repeat(header.matches('|').count() - 1);
    let head = format!("**{title}**\n\n{header}\n{rule}|");
    std::iter::once(head)
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

fn of_group(group: Group) -> String {
    let default = TrainConfig::default();
    let row = |setting: Setting| {
        format!(
            "| `--{}` | {} | {} | {} | {} |",
            setting.name(),
            setting.text(&default).unwrap_or_default(),
            values(setting),
            setting.paragraphs().join(". "),
            users(setting),
        )
    };
    let settings = Setting::ALL
        .iter()
        .copied()
        .filter(|setting| setting.group() == group);
    table(
        group.heading(),
        "| option | default | values | | used by |",
        settings.map(row),
    )
}

fn of_methods() -> String {
    let rows = |&method: &Method| {
        let source = help(&named(&method));
        let published = changes(&options::published(method));
        let published = format!("| `{method}` | {source} | {published} |");
        let presets = Preset::value_variants()[1..]
            .iter()
            .filter_map(move |&preset| {
                let changes = changes(&options::preset(method, preset)?);
                let preset = named(&preset);
                Some(format!(
                    "| `{method} --preset {}` | | {changes} |",
                    preset.get_name()
                ))
            });
        std::iter::once(published).chain(presets)
    };
    table(
        "What the methods start from",
        "| method | source | where it differs from the defaults |",
        Method::ALL.iter().flat_map(rows),
    )
}

/// The values that a setting may have.
fn values(setting: Setting) -> String {
    match setting.values() {
        Values::Integer(limits) | Values::Number(limits) => limits.to_string(),
        Values::OneOf(choices) => quoted(choices.iter()),
        Values::Choice | Values::Flag => {
            let values = setting.possible_values();
            quoted(values.iter().map(|value| value.get_name()))
        }
    }
}

fn quoted<T: std::fmt::Display>(values: impl Iterator<Item = T>) -> String {
    let values: Vec<_> = values.map(|value| format!("`{value}`")).collect();
    values.join(", ")
}

/// The methods that use a setting, with the features that they use it for if these are not the default.
fn users(setting: Setting) -> String {
    let uses = |method: Method, latent: Latent| {
        let config = TrainConfig {
            latent,
            ..options::published(method)
        };
        options::has_use_for(&config, setting)
    };
    let user = |&method: &Method| {
        let mut latents = Latent::value_variants().iter().copied();
        Some((method, latents.find(|&latent| uses(method, latent))?))
    };
    let mut users: Vec<(Method, Latent)> = Method::ALL.iter().filter_map(user).collect();
    let all = |some: fn(Method) -> bool| {
        let mut methods = Method::ALL.iter();
        methods.all(|&method| !some(method) || users.contains(&(method, Latent::default())))
    };
    let mut words = Vec::new();
    if all(|_| true) {
        return "all".into();
    }
    if all(Method::has_networks) {
        words.push("all with networks".to_owned());
        users.retain(|(method, _)| !method.has_networks());
    }
    words.extend(
        users
            .into_iter()
            .map(|(method, latent)| match latent == Latent::default() {
                true => format!("`{method}`"),
                false => format!("`{method}` with `--latent {}`", named(&latent).get_name()),
            }),
    );
    words.join(", ")
}

/// The settings that differ from the defaults, as options; also λ, which each method sets.
fn changes(config: &TrainConfig) -> String {
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
    let option =
        |setting: &Setting| Some(format!("--{} {}", setting.name(), setting.text(&config)?));
    let options: Vec<_> = changed.filter_map(option).collect();
    match options.is_empty() {
        true => String::new(),
        false => format!("`{}`", options.join(" ")),
    }
}
