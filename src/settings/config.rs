//! Settings of a training run: one source for the command line, the model file and the page.

use serde::{Deserialize, Serialize};

use super::limits::{COMPONENTS, Limits, MOST_SEARCH_STEPS, SEARCH_STEPS, Values};
use super::method::Method;
use crate::data::augment::Augment;
use crate::data::image::Preprocessing;
use crate::nn::{Architecture, ArchitectureError, CHANNELS, MAX_FEATURES, MAX_WIDTH, SIZES};
use crate::score::{Balance, Latent, Residual};

/// Settings of a training run. The defaults are the published settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default)]
pub struct TrainConfig {
    /// Method to train
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Method::SkipGanomaly))]
    pub method: Method,
    /// Side of the square images in pixels: 32, 64, 128 or 256
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 32))]
    pub size: usize,
    /// Channels of the images: 1 for grey, 3 for colour
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 3))]
    pub channels: usize,
    /// Base width of both networks in channels, from 1 to 256 (64 in the paper)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 64))]
    pub width: usize,
    /// Base width of the discriminator in channels, if it differs from the generator's
    #[cfg_attr(feature = "cli", arg(long))]
    pub discriminator_width: Option<usize>,
    /// Length of the discriminator's feature vector, or of the latent code z, from 1 to 4096
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 100))]
    pub features: usize,
    /// Number of principal components
    #[cfg_attr(feature = "cli", arg(long, default_value_t = COMPONENTS))]
    pub components: usize,
    /// Passes over the training images
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 15))]
    pub epochs: u32,
    /// Number of training steps, instead of --epochs
    #[cfg_attr(feature = "cli", arg(long))]
    pub steps: Option<u64>,
    /// Images per training step, from 2 to 4096
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 64))]
    pub batch: usize,
    /// Seed of the initial weights, the order of the images and the held-out split
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0))]
    pub seed: u64,
    /// Adam's learning rate, above 0 and at most 1 (0.001 by default for AnoGAN)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 2e-4))]
    pub learning_rate: f64,
    /// Weight of the adversarial loss
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1.0))]
    pub adversarial_weight: f64,
    /// Weight of the contextual loss (40 in the paper, 50 in its code; by default 0.4 for ALOCC and 1 for
    /// AAE)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 50.0))]
    pub contextual_weight: f64,
    /// Weight of the latent loss
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1.0))]
    pub latent_weight: f64,
    /// Whether the latent loss is part of the discriminator's loss, as in the published code
    #[cfg_attr(feature = "cli", arg(long, default_value_t = true, action = clap::ArgAction::Set))]
    pub latent_in_discriminator: bool,
    /// Standard deviation of the noise on the generator's input in training, from 0 to 2, for images in
    /// [-1, 1] (0 in the paper; 0.155 by default for ALOCC)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub input_noise: f64,
    /// Share of the generator's input that is masked in training, in squares of an eighth of the side
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub input_mask: f64,
    /// Probability with which a skip connection is dropped in training, separately for each image and
    /// connection
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub skip_dropout: f64,
    /// Number of skip connections to remove, from the outermost inwards; a number larger than there are
    /// removes all
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0))]
    pub cut_skips: usize,
    /// How training images are augmented
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Augment::None))]
    pub augment: Augment,
    /// Amount subtracted from the discriminator's target of 1 for real images (one-sided label smoothing)
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0))]
    pub label_smoothing: f64,
    /// Weight λ of the residual R in the score, from 0 to 1; the latent term L has weight 1 - λ (by
    /// default 0.9, but 0 for GANomaly and ALOCC and 1 for AAE)
    #[cfg_attr(feature = "cli", arg(long))]
    pub lambda: Option<f64>,
    /// How R measures the difference between image and reconstruction
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Residual::L1))]
    pub residual: Residual,
    /// Which features the latent term L compares
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Latent::Final))]
    pub latent: Latent,
    /// How R and L are normalised before they are added
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t = Balance::Raw))]
    pub balance: Balance,
    /// Steps of the latent optimisation for each image
    #[cfg_attr(feature = "cli", arg(long, default_value_t = SEARCH_STEPS))]
    pub search_steps: usize,
    /// Share of the normal images that is held out for calibration
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.1))]
    pub held_out: f64,
    /// Quantile of the held-out images' scores that becomes the threshold
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
            components: COMPONENTS,
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
            search_steps: SEARCH_STEPS,
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
        name: String,
        /// Its allowed range in words.
        expected: String,
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
            // A larger number removes all.
            cut_skips: self.cut_skips.min(self.size.max(2).ilog2() as usize - 1),
        }
    }

    /// From an image to the input of a run's networks.
    pub fn preprocessing(&self) -> Preprocessing {
        Preprocessing::new(self.size, self.channels)
    }

    /// Weights of the generator's loss.
    pub fn loss_weights(&self) -> crate::loss::Weights {
        crate::loss::Weights {
            adversarial: self.adversarial_weight,
            contextual: self.contextual_weight,
            latent: self.latent_weight,
        }
    }

    /// Checks every setting: the networks as a whole, then each setting by [`SETTINGS`].
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.architecture().check()?;
        for setting in &SETTINGS {
            setting.check(self)?;
        }
        Ok(())
    }
}

/// The groups in which settings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Images.
    Data,
    /// Method and shape.
    Networks,
    /// Length, order and speed.
    Training,
    /// What is minimised.
    Losses,
    /// Options that the paper does not have.
    Options,
    /// Scoring.
    Score,
}

/// What a setting's type does not express.
pub struct Setting {
    /// Its field of [`TrainConfig`].
    pub field: &'static str,
    /// The group in which it is shown.
    pub group: Group,
    /// The values it may have.
    pub values: Values,
    /// Its value, if it is a number and set.
    number: fn(&TrainConfig) -> Option<f64>,
}

impl Setting {
    /// Its name on the command line, without the dashes before it.
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
    }

    fn check(&self, config: &TrainConfig) -> Result<(), ConfigError> {
        let Some(got) = (self.number)(config) else {
            return Ok(());
        };
        let (fits, expected) = match self.values {
            Values::Integer(limits) => (limits.contains(got), limits.to_string()),
            Values::Number(limits) => {
                let a_number = if limits.max.is_none() {
                    "a number of "
                } else {
                    ""
                };
                (limits.contains(got), format!("{a_number}{limits}"))
            }
            Values::OneOf(choices) => (
                choices.iter().any(|&choice| choice as f64 == got),
                format!("one of {choices:?}"),
            ),
            Values::Choice | Values::Flag => return Ok(()),
        };
        if fits {
            return Ok(());
        }
        Err(ConfigError::Range {
            name: self.name(),
            expected,
            got: got.to_string(),
        })
    }
}

/// One row for each field of [`TrainConfig`]: the limits that [`TrainConfig::check`] enforces and that
/// forms show.
pub const SETTINGS: [Setting; 29] = {
    use Group::{Data, Losses, Networks, Options, Score, Training};
    use Values::{Choice, Flag, Integer, Number, OneOf};

    const fn row(
        field: &'static str,
        group: Group,
        values: Values,
        number: fn(&TrainConfig) -> Option<f64>,
    ) -> Setting {
        Setting {
            field,
            group,
            values,
            number,
        }
    }
    const fn named(field: &'static str, group: Group, values: Values) -> Setting {
        row(field, group, values, |_| None)
    }

    let width = Integer(Limits::between(1.0, MAX_WIDTH as f64));
    let features = Integer(Limits::between(1.0, MAX_FEATURES as f64));
    let from_0 = Integer(Limits::at_least(0.0));
    let from_1 = Integer(Limits::at_least(1.0));
    // A single image has no useful batch statistics.
    let batch = Integer(Limits::between(2.0, 4096.0));
    let rate = Number(Limits::between(0.0, 1.0).above_min());
    let weight = Number(Limits::at_least(0.0));
    let noise = Number(Limits::between(0.0, 2.0));
    let some = Number(Limits::between(0.0, 1.0).below_max());
    let portion = Number(Limits::between(0.0, 1.0).above_min().below_max());
    let lambda = Number(Limits::between(0.0, 1.0));
    let search = Integer(Limits::between(1.0, MOST_SEARCH_STEPS as f64));
    [
        named("method", Networks, Choice),
        row("size", Data, OneOf(&SIZES), |c| Some(c.size as f64)),
        row("channels", Data, OneOf(&CHANNELS), |c| {
            Some(c.channels as f64)
        }),
        row("width", Networks, width, |c| Some(c.width as f64)),
        row("discriminator_width", Networks, width, |c| {
            c.discriminator_width.map(|w| w as f64)
        }),
        row("features", Networks, features, |c| Some(c.features as f64)),
        row("components", Networks, from_1, |c| {
            Some(c.components as f64)
        }),
        row("epochs", Training, from_1, |c| Some(f64::from(c.epochs))),
        row("steps", Training, from_1, |c| {
            c.steps.map(|steps| steps as f64)
        }),
        row("batch", Training, batch, |c| Some(c.batch as f64)),
        row("seed", Training, from_0, |c| Some(c.seed as f64)),
        row("learning_rate", Training, rate, |c| Some(c.learning_rate)),
        row("adversarial_weight", Losses, weight, |c| {
            Some(c.adversarial_weight)
        }),
        row("contextual_weight", Losses, weight, |c| {
            Some(c.contextual_weight)
        }),
        row("latent_weight", Losses, weight, |c| Some(c.latent_weight)),
        named("latent_in_discriminator", Losses, Flag),
        row("input_noise", Options, noise, |c| Some(c.input_noise)),
        row("input_mask", Options, some, |c| Some(c.input_mask)),
        row("skip_dropout", Options, some, |c| Some(c.skip_dropout)),
        row("cut_skips", Options, from_0, |c| Some(c.cut_skips as f64)),
        named("augment", Data, Choice),
        row("label_smoothing", Losses, some, |c| Some(c.label_smoothing)),
        row("lambda", Score, lambda, |c| c.lambda),
        named("residual", Score, Choice),
        named("latent", Score, Choice),
        named("balance", Score, Choice),
        row("search_steps", Score, search, |c| {
            Some(c.search_steps as f64)
        }),
        row("held_out", Score, portion, |c| Some(c.held_out)),
        row("threshold_quantile", Score, portion, |c| {
            Some(c.threshold_quantile)
        }),
    ]
};

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

    #[test]
    fn ranges_in_words() {
        let message = |change: fn(&mut TrainConfig)| {
            let mut config = TrainConfig::default();
            change(&mut config);
            config.check().expect_err("out of range").to_string()
        };
        for (change, expected) in [
            (
                (|c| c.steps = Some(0)) as fn(&mut TrainConfig),
                "steps must be at least 1, got 0",
            ),
            (
                |c| c.batch = 5000,
                "batch must be between 2 and 4096, got 5000",
            ),
            (
                |c| c.learning_rate = 0.0,
                "learning-rate must be above 0 and at most 1, got 0",
            ),
            (
                |c| c.contextual_weight = f64::INFINITY,
                "contextual-weight must be a number of at least 0, got inf",
            ),
            (
                |c| c.input_noise = 2.5,
                "input-noise must be between 0 and 2, got 2.5",
            ),
            (
                |c| c.skip_dropout = 1.0,
                "skip-dropout must be at least 0 and below 1, got 1",
            ),
            (
                |c| c.threshold_quantile = 0.0,
                "threshold-quantile must be above 0 and below 1, got 0",
            ),
        ] {
            assert_eq!(message(change), expected);
        }
    }
}
