//! What a method makes of the settings of a run: its published values, its presets, the options that it
//! has a use for, and the score that follows.

use serde_json::{Map, Value};

use crate::model_file::Scoring;
use crate::settings::config::{ConfigError, SETTINGS, Setting, TrainConfig};
use crate::settings::method::Method;
use crate::settings::preset::Preset;

/// The settings that a method starts from: the defaults, except where its authors use others or where
/// others were chosen on held-out normal images.
pub fn published(method: Method) -> TrainConfig {
    method.spec().published(TrainConfig {
        method,
        ..TrainConfig::default()
    })
}

/// Whether a method has settings of its own for a preset.
pub fn has_preset(method: Method, preset: Preset) -> bool {
    preset == Preset::Paper || method.spec().preset(preset, published(method)).is_some()
}

/// A preset's settings, except for those of `own` that were `given` by name. A method without settings for
/// the preset starts from its published ones.
pub fn complete(preset: Preset, own: &TrainConfig, given: impl Fn(&str) -> bool) -> TrainConfig {
    let published = published(own.method);
    let spec = own.method.spec();
    let preset = spec.preset(preset, published.clone()).unwrap_or(published);
    // Settings that no preset changes are as given, or at their default.
    let (mut settings, default) = (own.clone(), TrainConfig::default());
    macro_rules! take {
        ($($field:ident)*) => {$(
            if preset.$field != default.$field && !given(stringify!($field)) {
                settings.$field = preset.$field;
            }
        )*};
    }
    take! {
        size channels width discriminator_width features components epochs steps batch seed
        learning_rate adversarial_weight contextual_weight latent_weight
        latent_in_discriminator input_noise input_mask skip_dropout cut_skips augment
        label_smoothing lambda residual latent balance search_steps held_out
        threshold_quantile
    }
    settings
}

/// How the score of a run with these settings is computed.
pub fn scoring(config: &TrainConfig) -> Scoring {
    Scoring {
        lambda: config.lambda.unwrap_or(config.method.lambda()),
        residual: config.residual,
        latent: config.latent,
        balance: config.balance,
        normaliser: None,
        search_steps: config.method.searches().then_some(config.search_steps),
    }
}

/// Checks every setting: [`TrainConfig::check`], and that the method has a use for each.
///
/// # Errors
/// The first setting that is out of range or that the method would silently ignore.
pub fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    config.check()?;
    let (own, plain) = (fields(config), fields(&TrainConfig::default()));
    let passed_over = |setting: &&Setting| {
        own[setting.field] != plain[setting.field] && !has_use_for(config, setting.field)
    };
    match SETTINGS.iter().find(passed_over) {
        None => Ok(()),
        Some(setting) => Err(ConfigError::Range {
            name: setting.name(),
            expected: format!(
                "left at its default: the method {} does not use it with these settings",
                config.method
            ),
            got: own[setting.field].to_string(),
        }),
    }
}

/// Whether the method uses a setting, given the other settings.
pub fn has_use_for(config: &TrainConfig, field: &str) -> bool {
    OF_EVERY_METHOD.contains(&field) || config.method.spec().settings(config).contains(&field)
}

/// Settings of every method.
const OF_EVERY_METHOD: [&str; 6] = [
    "method",
    "size",
    "channels",
    "seed",
    "held_out",
    "threshold_quantile",
];

/// The settings by field.
fn fields(config: &TrainConfig) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(fields)) => fields,
        other => unreachable!("settings are an object, got {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augment::Augment;
    use crate::score::{Balance, Latent, Residual};
    use crate::settings::limits::Values;

    #[test]
    fn a_preset_leaves_what_was_given() {
        let own = TrainConfig {
            lambda: Some(0.7),
            width: 8,
            ..TrainConfig::default()
        };
        let settings = complete(Preset::Memory, &own, |name| name == "lambda");
        assert_eq!((settings.lambda, settings.width), (Some(0.7), 8));
        assert_eq!(settings.latent, Latent::Memory);
        assert_eq!(check(&settings), Ok(()));
        assert_eq!(complete(Preset::Paper, &own, |_| true), own);
    }

    #[test]
    fn a_method_brings_what_it_was_published_with() {
        let own = TrainConfig {
            method: Method::Alocc,
            ..TrainConfig::default()
        };
        let settings = complete(Preset::Paper, &own, |_| false);
        assert_eq!(settings, published(Method::Alocc));
        assert_eq!(
            (settings.contextual_weight, settings.input_noise),
            (0.4, 0.155)
        );
        assert_eq!(check(&settings), Ok(()));
        let quiet = complete(Preset::Paper, &own, |name| name == "input_noise");
        assert_eq!((quiet.contextual_weight, quiet.input_noise), (0.4, 0.0));
    }

    #[test]
    fn a_method_brings_its_own_balance() {
        let lambda = |method, lambda| {
            let config = TrainConfig {
                method,
                lambda,
                ..TrainConfig::default()
            };
            scoring(&config).lambda
        };
        assert_eq!(lambda(Method::SkipGanomaly, None), crate::score::LAMBDA);
        assert_eq!(lambda(Method::Egbad, None), 0.9);
        assert_eq!(lambda(Method::Ganomaly, None), 0.0);
        assert_eq!(lambda(Method::Ganomaly, Some(0.5)), 0.5);
        assert_eq!(lambda(Method::Alocc, None), 0.0);
        assert_eq!(lambda(Method::Anogan, None), 0.9);
        assert_eq!(lambda(Method::Aae, None), 1.0);
    }

    #[test]
    fn a_method_refuses_what_it_would_pass_over() {
        let checked = |method, change: fn(&mut TrainConfig)| {
            let mut config = TrainConfig {
                method,
                ..TrainConfig::default()
            };
            change(&mut config);
            check(&config).map_err(|error| error.to_string())
        };
        for method in [Method::Pca, Method::Nearest] {
            for (change, name) in [
                ((|c| c.steps = Some(9)) as fn(&mut TrainConfig), "steps"),
                (|c| c.epochs = 3, "epochs"),
                (|c| c.width = 8, "width"),
                (|c| c.augment = Augment::Flip, "augment"),
                (|c| c.residual = Residual::L2, "residual"),
                (|c| c.lambda = Some(0.5), "lambda"),
                (|c| c.balance = Balance::Quantile, "balance"),
            ] {
                let message = checked(method, change).expect_err(name);
                let expected = format!("{name} must be left at its default: the method {method} ");
                assert!(message.starts_with(&expected), "{message}");
            }
            let counts: fn(&mut TrainConfig) = |c| {
                (c.size, c.channels, c.seed) = (64, 1, 7);
                (c.held_out, c.threshold_quantile) = (0.2, 0.9);
            };
            assert_eq!(checked(method, counts), Ok(()));
        }
        for (change, name) in [
            (
                (|c| c.contextual_weight = 40.0) as fn(&mut TrainConfig),
                "contextual-weight",
            ),
            (|c| c.adversarial_weight = 2.0, "adversarial-weight"),
            (|c| c.latent_weight = 0.0, "latent-weight"),
            (
                |c| c.latent_in_discriminator = false,
                "latent-in-discriminator",
            ),
        ] {
            for method in [Method::Egbad, Method::Pca] {
                let message = checked(method, change).expect_err(name);
                let expected = format!("{name} must be left at its default: the method {method} ");
                assert!(message.starts_with(&expected), "{message}");
            }
        }
        let counts: fn(&mut TrainConfig) = |c| {
            (c.epochs, c.batch, c.features, c.width) = (3, 100, 200, 16);
            (c.learning_rate, c.lambda) = (1e-5, Some(0.5));
            (c.augment, c.residual) = (Augment::Flip, Residual::L2);
        };
        assert_eq!(checked(Method::Egbad, counts), Ok(()));
        assert!(checked(Method::Egbad, |c| c.latent = Latent::Memory).is_err());
        for (change, name) in [
            ((|c| c.features = 9) as fn(&mut TrainConfig), "features"),
            (|c| c.latent_weight = 3.0, "latent-weight"),
            (
                |c| c.latent_in_discriminator = false,
                "latent-in-discriminator",
            ),
            (|c| c.skip_dropout = 0.1, "skip-dropout"),
            (|c| c.latent = Latent::Layers, "latent"),
        ] {
            let message = checked(Method::Alocc, change).expect_err(name);
            let expected = format!("{name} must be left at its default: ");
            assert!(message.starts_with(&expected), "{message}");
        }
        assert_eq!(checked(Method::Alocc, |c| c.input_noise = 0.1), Ok(()));
        assert_eq!(checked(Method::Pca, |c| c.components = 8), Ok(()));
        assert!(checked(Method::Nearest, |c| c.components = 8).is_err());
        let whitened: fn(&mut TrainConfig) = |c| {
            (c.latent, c.balance) = (Latent::Memory, Balance::Quantile);
            c.lambda = Some(0.0);
        };
        assert_eq!(checked(Method::Nearest, whitened), Ok(()));
    }

    /// The ends of every range, and what lies beyond them, whoever checks it.
    #[test]
    fn every_setting_is_held_to_its_limits() {
        let plain = serde_json::to_value(TrainConfig::default()).expect("settings");
        let fields: Vec<&String> = plain.as_object().expect("an object").keys().collect();
        let mut rows: Vec<&str> = SETTINGS.iter().map(|setting| setting.field).collect();
        rows.sort_unstable();
        assert!(fields.iter().map(|field| field.as_str()).eq(rows));

        for setting in &SETTINGS {
            let uses = |method: &&Method| has_use_for(&published(**method), setting.field);
            let method = Method::ALL
                .iter()
                .find(uses)
                .expect("a method that uses it");
            let taken = |number: f64| {
                let mut settings = plain.clone();
                settings["method"] = method.as_str().into();
                settings[setting.field] = match setting.values {
                    Values::Number(_) => number.into(),
                    _ => (number as u64).into(),
                };
                let config: TrainConfig = serde_json::from_value(settings).expect("settings");
                check(&config).is_ok()
            };
            let (limits, least) = match setting.values {
                Values::Integer(limits) => (limits, 1.0),
                Values::Number(limits) => (limits, 1e-9),
                Values::OneOf(choices) => {
                    for &choice in choices {
                        assert!(taken(choice as f64), "{} {choice}", setting.field);
                        assert!(!taken(choice as f64 + 1.0), "{} {choice}", setting.field);
                    }
                    continue;
                }
                Values::Choice | Values::Flag => continue,
            };
            let field = setting.field;
            assert_eq!(taken(limits.min), !limits.above_min, "{field}");
            assert!(taken(limits.min + least), "{field}");
            // No whole number is below 0.
            if limits.min > 0.0 || least < 1.0 {
                assert!(!taken(limits.min - least), "{field}");
            }
            if let Some(max) = limits.max {
                assert_eq!(taken(max), !limits.below_max, "{field}");
                assert!(taken(max - least), "{field}");
                assert!(!taken(max + least), "{field}");
            }
        }
    }
}
