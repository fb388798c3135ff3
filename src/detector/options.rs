//! What a method makes of the settings of a run: its published values, its presets, the options that it
//! has a use for, and the score that follows.

use crate::model_file::Scoring;
use crate::settings::config::{ConfigError, Setting, TrainConfig};
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

impl TrainConfig {
    /// The settings that a method starts from: see [`published`].
    pub fn published(method: Method) -> Self {
        published(method)
    }
}

/// A method's settings for a preset, if it has any: all have the default one, their published settings.
pub fn preset(method: Method, preset: Preset) -> Option<TrainConfig> {
    let published = published(method);
    match preset == Preset::default() {
        true => Some(published),
        false => method.spec().preset(preset, published),
    }
}

/// The methods that have settings for a preset.
pub fn methods_with(preset: Preset) -> Vec<Method> {
    let has = |&method: &Method| self::preset(method, preset).is_some();
    Method::ALL.iter().copied().filter(has).collect()
}

/// A preset's settings, except for those of `own` that were `given`. A method without settings for the
/// preset starts from its published ones. A preset that trains another method decides the method.
pub fn complete(preset: Preset, own: &TrainConfig, given: &[Setting]) -> TrainConfig {
    let start = self::preset(own.method, preset).unwrap_or_else(|| published(own.method));
    // Settings that no preset changes are as given, or at their default.
    let (mut settings, default) = (own.clone(), TrainConfig::default());
    for setting in Setting::ALL {
        let decided = *setting == Setting::method || !given.contains(setting);
        if !setting.agrees(&start, &default) && decided {
            setting.copy(&start, &mut settings);
        }
    }
    // Steps stand in place of epochs: not those of a preset in place of those given.
    if given.contains(&Setting::epochs) && !given.contains(&Setting::steps) {
        settings.steps = None;
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
        mu: config.method.marks().then_some(config.mu),
        normaliser: None,
        search_steps: config
            .method
            .optimises_latent()
            .then_some(config.search_steps),
    }
}

/// Checks the settings of a run where nobody knows which were given: [`check_given`], with those that differ
/// from the defaults.
///
/// # Errors
/// As [`check_given`].
pub fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    let default = TrainConfig::default();
    let changed = |setting: &Setting| !setting.agrees(config, &default);
    let changed: Vec<Setting> = Setting::ALL.iter().copied().filter(changed).collect();
    check_given(std::slice::from_ref(config), &changed)
}

/// Checks that every setting of some runs is in its range, and that each of those that were given has a use
/// in one of the runs.
///
/// # Errors
/// The first setting that is out of range or that would silently be ignored.
pub fn check_given(configs: &[TrainConfig], given: &[Setting]) -> Result<(), ConfigError> {
    configs.iter().try_for_each(TrainConfig::check)?;
    let unused = |setting: &&Setting| !configs.iter().any(|config| has_use_for(config, **setting));
    match given.iter().find(unused) {
        None => Ok(()),
        Some(&setting) => Err(ConfigError::NotUsed {
            setting,
            methods: configs.iter().map(|config| config.method).collect(),
        }),
    }
}

/// The settings that the method uses; the others have their defaults.
pub fn with_used(config: &TrainConfig) -> TrainConfig {
    let (mut used, default) = (config.clone(), TrainConfig::default());
    for setting in Setting::ALL {
        if !has_use_for(config, *setting) {
            setting.copy(&default, &mut used);
        }
    }
    used
}

/// Whether the method uses a setting, given the other settings.
pub fn has_use_for(config: &TrainConfig, setting: Setting) -> bool {
    OF_EVERY_METHOD.contains(&setting) || config.method.spec().settings(config).contains(&setting)
}

/// Settings of every method.
const OF_EVERY_METHOD: [Setting; 6] = [
    Setting::method,
    Setting::size,
    Setting::channels,
    Setting::seed,
    Setting::held_out,
    Setting::threshold_quantile,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augment::Augment;
    use crate::score::{Latent, Normalisation, Residual};
    use crate::settings::limits::Values;

    #[test]
    fn a_preset_leaves_what_was_given() {
        let own = TrainConfig {
            lambda: Some(0.7),
            width: 8,
            ..TrainConfig::default()
        };
        let settings = complete(Preset::Memory, &own, &[Setting::lambda]);
        assert_eq!((settings.lambda, settings.width), (Some(0.7), 8));
        assert_eq!(settings.latent, Latent::Memory);
        assert_eq!(check(&settings), Ok(()));
        assert_eq!(complete(Preset::Paper, &own, Setting::ALL), own);
    }

    #[test]
    fn a_method_brings_what_it_was_published_with() {
        let own = TrainConfig {
            method: Method::Alocc,
            ..TrainConfig::default()
        };
        let settings = complete(Preset::Paper, &own, &[]);
        assert_eq!(settings, published(Method::Alocc));
        assert_eq!(
            (settings.contextual_weight, settings.input_noise),
            (0.4, 0.155)
        );
        assert_eq!(check(&settings), Ok(()));
        let quiet = complete(Preset::Paper, &own, &[Setting::input_noise]);
        assert_eq!((quiet.contextual_weight, quiet.input_noise), (0.4, 0.0));
    }

    #[test]
    fn a_method_brings_its_own_lambda() {
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
                (|c| c.balance = Normalisation::Quantile, "normalise"),
            ] {
                let message = checked(method, change).expect_err(name);
                let expected = format!("{name} must be left out: the method {method} ");
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
                let expected = format!("{name} must be left out: the method {method} ");
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
            let expected = format!("{name} must be left out: ");
            assert!(message.starts_with(&expected), "{message}");
        }
        assert_eq!(checked(Method::Alocc, |c| c.input_noise = 0.1), Ok(()));
        assert_eq!(checked(Method::Pca, |c| c.components = 8), Ok(()));
        assert!(checked(Method::Nearest, |c| c.components = 8).is_err());
        let whitened: fn(&mut TrainConfig) = |c| {
            (c.latent, c.balance) = (Latent::Memory, Normalisation::Quantile);
            c.lambda = Some(0.0);
        };
        assert_eq!(checked(Method::Nearest, whitened), Ok(()));
    }

    #[test]
    fn what_was_given_is_refused_even_at_its_default() {
        let given = |method, latent, given: &[Setting]| {
            let config = TrainConfig {
                latent,
                ..published(method)
            };
            check_given(&[config], given).map_err(|error| error.to_string())
        };
        let refused = |setting: Setting, method| {
            let name = setting.name();
            Err(format!(
                "{name} must be left out: the method {method} does not use it with these settings"
            ))
        };
        for setting in [Setting::epochs, Setting::balance, Setting::search_steps] {
            assert_eq!(
                given(Method::Pca, Latent::Final, &[Setting::size, setting]),
                refused(setting, Method::Pca)
            );
        }
        // λ is of use where there is a memory bank.
        let nearest = |latent| given(Method::Nearest, latent, &[Setting::latent, Setting::lambda]);
        assert_eq!(nearest(Latent::Memory), Ok(()));
        assert_eq!(
            nearest(Latent::Final),
            refused(Setting::lambda, Method::Nearest)
        );
        assert_eq!(
            nearest(Latent::Layers),
            refused(Setting::latent, Method::Nearest)
        );
    }

    #[test]
    fn several_methods_share_what_was_given() {
        let own = TrainConfig {
            width: 8,
            steps: Some(30),
            input_noise: 0.2,
            components: 5,
            ..TrainConfig::default()
        };
        let of = |method| TrainConfig {
            method,
            ..own.clone()
        };
        let given = [Setting::width, Setting::input_noise, Setting::components];
        let all = [
            of(Method::SkipGanomaly),
            of(Method::Ganomaly),
            of(Method::Pca),
        ];
        assert_eq!(check_given(&all, &given), Ok(()));
        let error = check_given(&all[1..], &given).expect_err("input noise");
        let expected = "input-noise must be left out: none of the methods ganomaly, pca uses it with these settings";
        assert_eq!(error.to_string(), expected);
        let wrong = TrainConfig {
            size: 33,
            ..own.clone()
        };
        assert!(check_given(&[wrong], &[]).is_err());

        let skip = TrainConfig {
            components: 32,
            ..own.clone()
        };
        assert_eq!(with_used(&all[0]), skip);
        let ganomaly = with_used(&all[1]);
        assert_eq!((ganomaly.width, ganomaly.steps), (8, Some(30)));
        assert_eq!((ganomaly.input_noise, ganomaly.components), (0.0, 32));
        let pca = with_used(&all[2]);
        assert_eq!((pca.components, pca.width, pca.steps), (5, 64, None));
    }

    /// The ends of every range, and what lies beyond them, whoever checks it.
    #[test]
    fn every_setting_is_held_to_its_limits() {
        let plain = serde_json::to_value(TrainConfig::default()).expect("settings");
        for &setting in Setting::ALL {
            let field = setting.field();
            let uses = |method: &&Method| has_use_for(&published(**method), setting);
            let method = Method::ALL
                .iter()
                .find(uses)
                .expect("a method that uses it");
            let taken = |number: f64| {
                let mut settings = plain.clone();
                settings["method"] = method.as_str().into();
                settings[field] = match setting.values() {
                    Values::Number(_) => number.into(),
                    _ => (number as u64).into(),
                };
                let config: TrainConfig = serde_json::from_value(settings).expect("settings");
                check(&config).is_ok()
            };
            let (limits, least) = match setting.values() {
                Values::Integer(limits) => (limits, 1.0),
                Values::Number(limits) => (limits, 1e-9),
                Values::OneOf(choices) => {
                    for &choice in choices {
                        assert!(taken(choice as f64), "{field} {choice}");
                        assert!(!taken(choice as f64 + 1.0), "{field} {choice}");
                    }
                    continue;
                }
                Values::Choice | Values::Flag => continue,
            };
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
