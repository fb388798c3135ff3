//! Settings of a training run: one row each, from which the configuration, the command line, the files, the
//! page's form and the tables of docs/using.md follow.

use serde::{Deserialize, Serialize};

use super::limits::{COMPONENTS, LATENT_STEPS, Limits, MOST_LATENT_STEPS, Values};
use super::method::{Method, listed};
pub use super::rows::Group;
use super::rows::{Row, Value, settings};
use super::schedule::Schedule;
use crate::calibration::THRESHOLD_QUANTILE;
use crate::data::augment::Augment;
use crate::data::image::Preprocessing;
use crate::nn::{Architecture, ArchitectureError, CHANNELS, MAX_FEATURES, MAX_WIDTH, SIZES};
use crate::score::{Latent, Normalisation, Residual};
use Values::{Choice, Flag, Integer, Number, OneOf};

const WIDTH: Values = Integer(Limits::between(1.0, MAX_WIDTH as f64));
const FROM_0: Values = Integer(Limits::at_least(0.0));
const FROM_1: Values = Integer(Limits::at_least(1.0));
const WEIGHT: Values = Number(Limits::at_least(0.0));
/// From 0 to below 1.
const SHARE: Values = Number(Limits::between(0.0, 1.0).below_max());
/// Neither 0 nor 1.
const PART: Values = Number(Limits::between(0.0, 1.0).above_min().below_max());

settings! {
    /// Method to train
    ///
    /// A method without networks is fitted directly, without gradient training: it takes no steps and writes
    /// no checkpoint. A setting that the method does not use is refused
    method: Method = Method::default(), Networks, Choice;
    /// Side of the square images in pixels: 32, 64, 128 or 256
    size: usize = 32, Data, OneOf(&SIZES);
    /// Channels of the images: 1 for grey, 3 for colour
    channels: usize = 3, Data, OneOf(&CHANNELS);
    /// Base width of both networks in channels, from 1 to 256 (64 in the paper)
    ///
    /// The paper's 64 is slow on a CPU
    width: usize = 64, Networks, WIDTH;
    /// Base width of the discriminator in channels, if it differs from the generator's
    discriminator_width: Option<usize> = None, Networks, WIDTH;
    /// Length of the discriminator's feature vector, or of the latent code z, from 1 to 4096
    features: usize = 100, Networks, Integer(Limits::between(1.0, MAX_FEATURES as f64));
    /// Number of principal components
    components: usize = COMPONENTS, Networks, FROM_1;
    /// Passes over the training images
    epochs: u32 = 15, Training, FROM_1;
    /// Number of training steps, instead of --epochs
    steps: Option<u64> = None, Training, FROM_1;
    // A single image has no useful batch statistics.
    /// Images per training step, from 2 to 4096
    ///
    /// An incomplete batch at the end of an epoch is dropped
    batch: usize = 64, Training, Integer(Limits::between(2.0, 4096.0));
    /// Seed of the initial weights, the order of the images and the held-out split
    ///
    /// A seed repeats a run on the same kind of processor; on another kind, rounding differs and training
    /// amplifies the difference
    seed: u64 = 0, Training, FROM_0;
    /// Adam's learning rate, above 0 and at most 1
    learning_rate: f64 = 2e-4, Training, Number(Limits::between(0.0, 1.0).above_min());
    /// How the learning rate changes over the run
    schedule: Schedule = Schedule::Constant, Training, Choice;
    /// Weight of the adversarial loss
    adversarial_weight: f64 = 1.0, Losses, WEIGHT;
    /// Weight of the contextual loss (40 in the paper, 50 in its code)
    contextual_weight: f64 = 50.0, Losses, WEIGHT;
    /// Weight of the latent loss
    latent_weight: f64 = 1.0, Losses, WEIGHT;
    /// Whether the latent loss is part of the discriminator's loss, as in the published code
    ///
    /// `false` as in the paper's text
    latent_in_discriminator: bool = true, Losses, Flag;
    /// Weight of the structural loss, 1 - SSIM of image and reconstruction
    structural_weight: f64 = 0.0, Losses, WEIGHT;
    /// Weight of the marks' loss, by which the discriminator learns to mark what was damaged
    marks_weight: f64 = 1.0, Losses, WEIGHT;
    /// Share of the training images that are damaged on purpose, each time in another way; the others stay as
    /// they are
    damaged_share: f64 = 0.7, Data, PART;
    /// Standard deviation of the noise on the generator's input in training, from 0 to 2, for images in
    /// [-1, 1] (0 in the paper)
    input_noise: f64 = 0.0, Options, Number(Limits::between(0.0, 2.0));
    /// Share of the generator's input that is masked in training, in squares of an eighth of the side
    input_mask: f64 = 0.0, Options, SHARE;
    /// Probability with which a skip connection is dropped in training, separately for each image and
    /// connection
    skip_dropout: f64 = 0.0, Options, SHARE;
    /// Number of skip connections to remove, from the outermost inwards; a number larger than there are
    /// removes all
    cut_skips: usize = 0, Options, FROM_0;
    /// How training images are augmented
    augment: Augment = Augment::None, Data, Choice;
    /// Amount subtracted from the discriminator's target of 1 for real images (one-sided label smoothing)
    label_smoothing: f64 = 0.0, Losses, SHARE;
    /// Weight λ of the residual R in the score, from 0 to 1; the latent term L has weight 1 - λ; by
    /// default the method's own
    lambda: Option<f64> = None, Score, Number(Limits::between(0.0, 1.0));
    /// Weight μ of the marks M in the score, from 0 to 1; R and L have weight 1 - μ
    mu: f64 = 0.7, Score, Number(Limits::between(0.0, 1.0));
    /// How R measures the difference between image and reconstruction
    residual: Residual = Residual::L1, Score, Choice;
    /// Which features the latent term L compares
    latent: Latent = Latent::Final, Score, Choice;
    /// How R and L are normalised before they are added
    balance as "normalise": Normalisation = Normalisation::None, Score, Choice;
    /// Steps of the latent optimisation for each image
    search_steps as "latent-steps": usize = LATENT_STEPS, Score,
        Integer(Limits::between(1.0, MOST_LATENT_STEPS as f64));
    /// Share of the normal images that is held out for calibration
    held_out: f64 = 0.1, Score, PART;
    /// Quantile of the held-out images' scores that becomes the threshold
    threshold_quantile: f64 = THRESHOLD_QUANTILE, Score, PART;
}

/// What is wrong with a [`TrainConfig`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The networks cannot be built.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A number is out of range.
    #[error("{} must be {expected}, got {got}", setting.name())]
    Range {
        /// Which setting.
        setting: Setting,
        /// Its allowed range in words.
        expected: String,
        /// What was given.
        got: f64,
    },
    /// A setting would silently be ignored.
    #[error("{} must be left out: {} it with these settings", setting.name(), unused_by(methods))]
    NotUsed {
        /// Which setting.
        setting: Setting,
        /// The methods.
        methods: Vec<Method>,
    },
}

fn unused_by(methods: &[Method]) -> String {
    let names = listed(methods);
    match methods.len() {
        1 => format!("the method {names} does not use"),
        _ => format!("none of the methods {names} uses"),
    }
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

    /// Checks that every setting is in its range: the networks as a whole, then each setting.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.architecture().check()?;
        let mut settings = Setting::ALL.iter();
        settings.try_for_each(|setting| setting.check(self))
    }
}

impl Setting {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Its name in files, which is that of its field.
    pub fn field(self) -> &'static str {
        self.row().field
    }

    /// Its name on the command line, without the dashes before it.
    pub fn name(self) -> String {
        match self.row().option {
            "" => self.field().replace('_', "-"),
            option => option.to_owned(),
        }
    }

    /// What it is, in a line.
    pub fn help(self) -> String {
        self.paragraphs().swap_remove(0)
    }

    /// What it is, in a line, and what else there is to say of it.
    pub fn paragraphs(self) -> Vec<String> {
        let lines = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        self.row().doc.split("\n\n").map(lines).collect()
    }

    /// The group in which it is shown.
    pub fn group(self) -> Group {
        self.row().group
    }

    /// The values that it may have.
    pub fn values(self) -> Values {
        self.row().values
    }

    fn check(self, config: &TrainConfig) -> Result<(), ConfigError> {
        let Some(got) = self.number(config) else {
            return Ok(());
        };
        let (fits, expected) = match self.values() {
            Integer(limits) => (limits.contains(got), limits.to_string()),
            Number(limits) => {
                let a_number = if limits.max.is_none() {
                    "a number of "
                } else {
                    ""
                };
                (limits.contains(got), format!("{a_number}{limits}"))
            }
            OneOf(choices) => (
                choices.iter().any(|&choice| choice as f64 == got),
                format!("one of {choices:?}"),
            ),
            Choice | Flag => return Ok(()),
        };
        match fits {
            true => Ok(()),
            false => Err(ConfigError::Range {
                setting: self,
                expected,
                got,
            }),
        }
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
    fn each_bad_setting_is_named() {
        let bad = |change: fn(&mut TrainConfig)| {
            let mut config = TrainConfig::default();
            change(&mut config);
            config.check().expect_err("out of range").to_string()
        };
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
