//! The values that a setting may have.

/// Steps of AnoGAN's published latent optimisation.
pub const LATENT_STEPS: usize = 500;

/// The largest number of steps that a latent optimisation may have.
pub const MOST_LATENT_STEPS: usize = 100_000;

/// Default number of principal components.
pub const COMPONENTS: usize = 32;

/// A range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The smallest number.
    pub min: f64,
    /// The largest number; `None` allows any finite number.
    pub max: Option<f64>,
    /// Whether `min` itself is excluded.
    pub above_min: bool,
    /// Whether `max` itself is excluded.
    pub below_max: bool,
}

impl Limits {
    /// `min` or more.
    pub(super) const fn at_least(min: f64) -> Self {
        Self {
            min,
            max: None,
            above_min: false,
            below_max: false,
        }
    }

    /// From `min` to `max`, both included.
    pub(super) const fn between(min: f64, max: f64) -> Self {
        Self {
            max: Some(max),
            ..Self::at_least(min)
        }
    }

    pub(super) const fn above_min(self) -> Self {
        Self {
            above_min: true,
            ..self
        }
    }

    pub(super) const fn below_max(self) -> Self {
        Self {
            below_max: true,
            ..self
        }
    }

    /// Whether a number lies in the range.
    pub fn contains(&self, value: f64) -> bool {
        let above = value > self.min || (value == self.min && !self.above_min);
        let below = self
            .max
            .is_none_or(|max| value < max || (value == max && !self.below_max));
        value.is_finite() && above && below
    }
}

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { min, .. } = self;
        match (self.max, self.above_min, self.below_max) {
            (None, false, _) => write!(f, "at least {min}"),
            (None, true, _) => write!(f, "above {min}"),
            (Some(max), false, false) => write!(f, "between {min} and {max}"),
            (Some(max), true, false) => write!(f, "above {min} and at most {max}"),
            (Some(max), false, true) => write!(f, "at least {min} and below {max}"),
            (Some(max), true, true) => write!(f, "above {min} and below {max}"),
        }
    }
}

/// The allowed values of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// A whole number.
    Integer(Limits),
    /// One of a few whole numbers.
    OneOf(&'static [usize]),
    /// Any number.
    Number(Limits),
    /// One of the names of its type.
    Choice,
    /// Yes or no.
    Flag,
}
