//! The settings as JSON, for forms.

use serde_json::{Map, Value, json};

use super::config::{Setting, TrainConfig};
use super::limits::{Limits, Values};

/// A setting: its names, its help, its default and the values that it may have.
pub fn describe(setting: Setting) -> Value {
    let default = fields(&TrainConfig::default()).remove(setting.field());
    let default = default.unwrap_or_default();
    let mut told = Map::new();
    let mut tell = |key: &str, value: Value| told.insert(key.to_owned(), value);
    tell("name", setting.name().into());
    tell("field", setting.field().into());
    tell("group", json!(setting.group()));
    tell("help", setting.help().into());
    tell("optional", default.is_null().into());
    tell("default", default);
    let kind = match setting.values() {
        Values::Integer(limits) => {
            told.extend(ends(&limits, |number| json!(number as u64)));
            "integer"
        }
        Values::OneOf(choices) => {
            told.insert("choices".into(), json!(choices));
            "integer"
        }
        Values::Number(limits) => {
            told.extend(ends(&limits, |number| json!(number)));
            "number"
        }
        Values::Choice => {
            told.insert("choices".into(), setting.names().into());
            "choice"
        }
        Values::Flag => "flag",
    };
    told.insert("kind".into(), kind.into());
    told.into()
}

/// The settings that differ from the defaults, by field.
pub fn differences(config: &TrainConfig) -> Map<String, Value> {
    let default = fields(&TrainConfig::default());
    let mut fields = fields(config);
    fields.retain(|field, value| default.get(field) != Some(value));
    fields
}

/// The settings by field.
fn fields(config: &TrainConfig) -> Map<String, Value> {
    match json!(config) {
        Value::Object(fields) => fields,
        other => unreachable!("settings are an object, got {other}"),
    }
}

/// `min` and `max`, and whether they are excluded.
fn ends(limits: &Limits, number: fn(f64) -> Value) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("min".into(), number(limits.min));
    if limits.above_min {
        told.insert("above_min".into(), true.into());
    }
    if let Some(max) = limits.max {
        told.insert("max".into(), number(max));
    }
    if limits.below_max {
        told.insert("below_max".into(), true.into());
    }
    told
}
