//! Settings of a training run: one source for the command line, the model file and the page.

use serde::{Deserialize, Serialize};

use crate::data::augment::Augment;
use crate::detector::Method;
use crate::model_file::Scoring;
use crate::nn::{Architecture, ArchitectureError};
use crate::score::{Balance, Latent, Residual};

/// Settings of a training run. The defaults are the published code's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default)]
pub struct TrainConfig {
    /// Which method is trained
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Method::SkipGanomaly))]
    pub method: Method,
    /// Side of the square pictures: 32, 64, 128 or 256
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 32))]
    pub size: usize,
    /// 1 for grey, 3 for colour
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 3))]
    pub channels: usize,
    /// Base width of both networks (64 in the paper)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 64))]
    pub width: usize,
    /// Base width of the discriminator, where it differs
    #[cfg_attr(feature = "cli", arg(long))]
    pub discriminator_width: Option<usize>,
    /// Length of the discriminator's feature vector
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 100))]
    pub features: usize,
    /// Components of PCA
    #[cfg_attr(feature = "cli", arg(long, default_value_t = crate::detector::pca::COMPONENTS))]
    pub components: usize,
    /// Passes over the training pictures
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 15))]
    pub epochs: u32,
    /// Steps to take, in place of --epochs
    #[cfg_attr(feature = "cli", arg(long))]
    pub steps: Option<u64>,
    /// Pictures in a training step
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 64))]
    pub batch: usize,
    /// Seed of the weights, the order of the pictures and the held-out split
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0))]
    pub seed: u64,
    /// Adam's learning rate
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 2e-4))]
    pub learning_rate: f64,
    /// Weight of the adversarial loss
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1.0))]
    pub adversarial_weight: f64,
    /// Weight of the contextual loss (40 in the paper, 50 in its code)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 50.0))]
    pub contextual_weight: f64,
    /// Weight of the latent loss
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1.0))]
    pub latent_weight: f64,
    /// Whether the latent loss is part of the discriminator's loss, as in the published code
    #[cfg_attr(feature = "cli", arg(long, default_value_t = true, action = clap::ArgAction::Set))]
    pub latent_in_discriminator: bool,
    /// Standard deviation of noise on the generator's input (pictures are in [-1, 1]; 0 in the paper)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub input_noise: f64,
    /// Share of the generator's input that is blanked, in squares of an eighth of the side
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub input_mask: f64,
    /// Share of the skips that are dropped in training, drawn for each picture and skip
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub skip_dropout: f64,
    /// Skips that are cut for good, counted from the outermost; more than there are cuts all
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0))]
    pub cut_skips: usize,
    /// How training pictures are varied
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Augment::None))]
    pub augment: Augment,
    /// What is taken off the discriminator's target for real pictures (one-sided label smoothing)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub label_smoothing: f64,
    /// Weight λ of the residual R in the score, against the latent L; 0.9 for Skip-GANomaly and 0 for
    /// GANomaly where it is not given
    #[cfg_attr(feature = "cli", arg(long))]
    pub lambda: Option<f64>,
    /// How R measures the difference of picture and reconstruction
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Residual::L1))]
    pub residual: Residual,
    /// Which features of the discriminator L compares
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Latent::Final))]
    pub latent: Latent,
    /// How R and L are made comparable
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Balance::Raw))]
    pub balance: Balance,
    /// Share of the normal pictures that is held out for calibration
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.1))]
    pub held_out: f64,
    /// Quantile of the held-out normals' scores that becomes the threshold
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.99))]
    pub threshold_quantile: f64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            method: Method::SkipGanomaly,
            size: 32,
            channels: 3,
            width: 64,
            discriminator_width: None,
            features: 100,
            components: crate::detector::pca::COMPONENTS,
            epochs: 15,
            steps: None,
            batch: 64,
            seed: 0,
            learning_rate: 2e-4,
            adversarial_weight: 1.0,
            contextual_weight: 50.0,
            latent_weight: 1.0,
            latent_in_discriminator: true,
            input_noise: 0.0,
            input_mask: 0.0,
            skip_dropout: 0.0,
            cut_skips: 0,
            augment: Augment::None,
            label_smoothing: 0.0,
            lambda: None,
            residual: Residual::L1,
            latent: Latent::Final,
            balance: Balance::Raw,
            held_out: 0.1,
            threshold_quantile: crate::calibration::THRESHOLD_QUANTILE,
        }
    }
}

/// What is wrong with a [`TrainConfig`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The networks cannot be built.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A number is out of range.
    #[error("{name} must be {expected}, got {got}")]
    Range {
        /// Which setting.
        name: &'static str,
        /// Its range in words.
        expected: &'static str,
        /// What was given.
        got: String,
    },
}

impl TrainConfig {
    /// Shape of the networks.
    pub fn architecture(&self) -> Architecture {
        Architecture {
            size: self.size,
            channels: self.channels,
            generator_width: self.width,
            discriminator_width: self.discriminator_width.unwrap_or(self.width),
            features: self.features,
            // More than there are cuts all.
            cut_skips: self.cut_skips.min(self.size.max(2).ilog2() as usize - 1),
        }
    }

    /// How the score is put together.
    pub fn scoring(&self) -> Scoring {
        let published = Scoring::of(self.method);
        Scoring {
            lambda: self.lambda.unwrap_or(published.lambda),
            residual: self.residual,
            latent: self.latent,
            balance: self.balance,
            normaliser: None,
        }
    }

    /// Weights of the generator's loss.
    pub fn loss_weights(&self) -> crate::loss::Weights {
        crate::loss::Weights {
            adversarial: self.adversarial_weight,
            contextual: self.contextual_weight,
            latent: self.latent_weight,
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.architecture().check()?;
        let range = |name, expected, ok: bool, got: String| {
            if ok {
                Ok(())
            } else {
                Err(ConfigError::Range {
                    name,
                    expected,
                    got,
                })
            }
        };
        let share = |v: f64| v > 0.0 && v < 1.0;
        let weight = |v: f64| v.is_finite() && v >= 0.0;
        self.check_options_of_method()?;
        range(
            "epochs",
            "at least 1",
            self.epochs > 0,
            self.epochs.to_string(),
        )?;
        if let Some(steps) = self.steps {
            range("steps", "at least 1", steps > 0, steps.to_string())?;
        }
        range(
            "components",
            "at least 1",
            self.components > 0,
            self.components.to_string(),
        )?;
        // One picture has no batch statistics to speak of.
        range(
            "batch",
            "between 2 and 4096",
            (2..=4096).contains(&self.batch),
            self.batch.to_string(),
        )?;
        range(
            "learning-rate",
            "above 0 and at most 1",
            self.learning_rate > 0.0 && self.learning_rate <= 1.0,
            self.learning_rate.to_string(),
        )?;
        for (name, value) in [
            ("adversarial-weight", self.adversarial_weight),
            ("contextual-weight", self.contextual_weight),
            ("latent-weight", self.latent_weight),
        ] {
            range(
                name,
                "a number of at least 0",
                weight(value),
                value.to_string(),
            )?;
        }
        let lambda = self.scoring().lambda;
        range(
            "input-noise",
            "between 0 and 2",
            (0.0..=2.0).contains(&self.input_noise),
            self.input_noise.to_string(),
        )?;
        for (name, value) in [
            ("input-mask", self.input_mask),
            ("skip-dropout", self.skip_dropout),
            ("label-smoothing", self.label_smoothing),
        ] {
            range(
                name,
                "at least 0 and below 1",
                (0.0..1.0).contains(&value),
                value.to_string(),
            )?;
        }
        range(
            "lambda",
            "between 0 and 1",
            (0.0..=1.0).contains(&lambda),
            lambda.to_string(),
        )?;
        for (name, value) in [
            ("held-out", self.held_out),
            ("threshold-quantile", self.threshold_quantile),
        ] {
            range(
                name,
                "between 0 and 1, ends excluded",
                share(value),
                value.to_string(),
            )?;
        }
        Ok(())
    }

    /// Refuses options that the method would pass over in silence.
    fn check_options_of_method(&self) -> Result<(), ConfigError> {
        if self.method == Method::SkipGanomaly {
            return Ok(());
        }
        let plain = Self::default();
        let used = [
            ("input-noise", self.input_noise != plain.input_noise),
            ("input-mask", self.input_mask != plain.input_mask),
            ("skip-dropout", self.skip_dropout != plain.skip_dropout),
            ("cut-skips", self.cut_skips != plain.cut_skips),
            (
                "label-smoothing",
                self.label_smoothing != plain.label_smoothing,
            ),
            (
                "latent",
                self.latent != plain.latent
                    && (self.method, self.latent) != (Method::Nearest, Latent::Memory),
            ),
        ];
        match used.iter().find(|(_, used)| *used) {
            Some(&(name, _)) => Err(ConfigError::Range {
                name,
                expected: "left alone: it is an option of skip-ganomaly",
                got: format!("a value with the method {}", self.method),
            }),
            None => Ok(()),
        }
    }
}

/// As many skips as the largest generator has.
const ALL_SKIPS: usize = 7;

/// Named settings to start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The published code's settings.
    #[default]
    Paper,
    /// Cuts all skips, trains half as long and scores by the distance to a memory of normal encodings,
    /// which ranks better on four sets: docs/results.md.
    Memory,
}

impl Preset {
    /// The preset's settings, but for those of `own` that were `given` by name.
    pub fn settings(self, own: &TrainConfig, given: impl Fn(&str) -> bool) -> TrainConfig {
        let plain = TrainConfig::default();
        let preset = match self {
            Self::Paper => plain,
            Self::Memory => TrainConfig {
                lambda: Some(0.0),
                latent: Latent::Memory,
                cut_skips: ALL_SKIPS,
                epochs: 7,
                ..plain
            },
        };
        // What no preset changes is as it was given, or its default.
        let mut settings = own.clone();
        if !given("lambda") {
            settings.lambda = preset.lambda;
        }
        if !given("latent") {
            settings.latent = preset.latent;
        }
        if !given("cut_skips") {
            settings.cut_skips = preset.cut_skips;
        }
        if !given("epochs") {
            settings.epochs = preset.epochs;
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_the_published_ones() {
        let config = TrainConfig::default();
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.architecture(), Architecture::new(32, 3, 64));
        assert_eq!(config.loss_weights(), crate::loss::Weights::default());
    }

    #[test]
    fn a_preset_leaves_what_was_given() {
        let own = TrainConfig {
            lambda: Some(0.7),
            width: 8,
            ..TrainConfig::default()
        };
        let settings = Preset::Memory.settings(&own, |name| name == "lambda");
        assert_eq!((settings.lambda, settings.width), (Some(0.7), 8));
        assert_eq!(settings.latent, Latent::Memory);
        assert_eq!(settings.check(), Ok(()));
        assert_eq!(Preset::Paper.settings(&own, |_| true), own);
    }

    #[test]
    fn a_method_brings_its_own_balance() {
        let lambda = |method, lambda| {
            let config = TrainConfig {
                method,
                lambda,
                ..TrainConfig::default()
            };
            config.scoring().lambda
        };
        assert_eq!(lambda(Method::SkipGanomaly, None), crate::score::LAMBDA);
        assert_eq!(lambda(Method::Ganomaly, None), 0.0);
        assert_eq!(lambda(Method::Ganomaly, Some(0.5)), 0.5);
    }

    #[test]
    fn each_bad_setting_is_named() {
        let bad = |change: fn(&mut TrainConfig)| {
            let mut config = TrainConfig::default();
            change(&mut config);
            config.check().expect_err("out of range").to_string()
        };
        let noisy = bad(|c| (c.method, c.input_noise) = (Method::Pca, 0.1));
        assert!(
            noisy.contains("input-noise") && noisy.contains("pca"),
            "{noisy}"
        );
        assert!(bad(|c| c.lambda = Some(1.5)).contains("lambda"));
        assert!(bad(|c| c.size = 48).contains("got 48"));
        assert!(bad(|c| c.channels = 2).contains("channels"));
        assert!(bad(|c| c.batch = 1).contains("batch"));
        assert!(bad(|c| c.learning_rate = f64::NAN).contains("learning-rate"));
        assert!(bad(|c| c.held_out = 1.0).contains("held-out"));
        assert!(bad(|c| c.latent_weight = -1.0).contains("latent-weight"));
        assert!(bad(|c| c.epochs = 0).contains("epochs"));
    }
}
