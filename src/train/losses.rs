//! The losses of a training step, by the names that the method gives them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::calibration::rounded;

/// What a method calls one of its losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LossTerm {
    /// Its name in files.
    pub name: &'static str,
    /// Its title in charts.
    pub title: &'static str,
    /// What it is, in words.
    pub meaning: &'static str,
    /// Which of the five names that every method's losses once had it was stored by, if by any:
    /// adversarial, contextual, latent, generator, discriminator.
    #[serde(skip)]
    pub earlier: Option<&'static str>,
}

impl LossTerm {
    /// A loss that always had this name.
    pub const fn new(name: &'static str, title: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            title,
            meaning,
            earlier: Some(name),
        }
    }

    /// With another name in earlier files.
    pub const fn earlier(self, name: &'static str) -> Self {
        Self {
            earlier: Some(name),
            ..self
        }
    }
}

/// What the discriminator is trained on; every method has it.
pub const DISCRIMINATOR_LOSS: LossTerm = LossTerm::new(
    "discriminator",
    "Discriminator",
    "what the discriminator is trained on",
);

/// D's outputs, which follow the losses of every method.
pub const OUTPUTS: [LossTerm; 2] = [
    LossTerm::new(
        "real",
        "D(x)",
        "D's estimate that the training images are real",
    ),
    LossTerm::new(
        "fake",
        "D(x̂)",
        "D's estimate that the reconstructions are real",
    ),
];

/// The losses of one training step in the method's order, then the means of D(x) and of D(x̂).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses(Vec<(Cow<'static, str>, f64)>);

impl Losses {
    /// From the values of a method's losses, then of [`OUTPUTS`]; values beyond these are ignored.
    pub(crate) fn new(terms: &[LossTerm], values: &[f32]) -> Self {
        let names = terms.iter().chain(&OUTPUTS).map(|term| term.name);
        names.zip(values.iter().copied()).collect()
    }

    /// A loss by its name, if the method has it.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|loss| loss.0 == name).map(|loss| loss.1)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// The same by the names of `terms`, if earlier versions gave them the five names of every method;
    /// otherwise as they are.
    pub fn renamed(self, terms: &[LossTerm]) -> Self {
        let known = |term: &LossTerm| self.get(term.name).is_some();
        if terms.iter().all(known) {
            return self;
        }
        let known = terms.iter().chain(&OUTPUTS);
        let named = known.filter_map(|term| Some((term.name, self.get(term.earlier?)?)));
        let named = named.map(|(name, value)| (Cow::Borrowed(name), value));
        Self(named.collect())
    }

    /// Whether every value is finite.
    pub fn is_finite(&self) -> bool {
        self.iter().all(|(_, value)| value.is_finite())
    }
}

impl<S: Into<Cow<'static, str>>> FromIterator<(S, f32)> for Losses {
    fn from_iter<I: IntoIterator<Item = (S, f32)>>(losses: I) -> Self {
        let losses = losses.into_iter();
        Self(
            losses
                .map(|(name, v)| (name.into(), rounded(v.into())))
                .collect(),
        )
    }
}

impl Serialize for Losses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Losses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;
        impl<'de> Visitor<'de> for Named {
            type Value = Losses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("losses by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Losses, A::Error> {
                let mut losses = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Option<f64>>()? {
                    // Earlier versions wrote `null` for what they did not know.
                    losses.extend(value.map(|value| (Cow::Owned(name), value)));
                }
                Ok(Losses(losses))
            }
        }
        deserializer.deserialize_map(Named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_written_and_read_by_name() {
        let losses = Losses::new(&[DISCRIMINATOR_LOSS], &[0.25, 0.5, 0.75]);
        let text = serde_json::to_string(&losses).expect("numbers");
        assert_eq!(text, r#"{"discriminator":0.25,"real":0.5,"fake":0.75}"#);
        assert_eq!(serde_json::from_str::<Losses>(&text).ok(), Some(losses));
        let earlier = r#"{"latent":0.5,"real":null}"#;
        let earlier: Losses = serde_json::from_str(earlier).expect("losses");
        assert_eq!(
            (earlier.get("latent"), earlier.get("real")),
            (Some(0.5), None)
        );
    }

    #[test]
    fn earlier_names_become_those_of_the_method() {
        const TERMS: [LossTerm; 2] = [
            LossTerm::new("encoder", "Encoder loss", "how far codes are").earlier("latent"),
            DISCRIMINATOR_LOSS,
        ];
        let earlier = r#"{"contextual":9.0,"latent":0.5,"discriminator":0.25,"real":0.75}"#;
        let earlier: Losses = serde_json::from_str(earlier).expect("losses");
        let now = earlier.renamed(&TERMS);
        let all: Vec<_> = now.iter().collect();
        assert_eq!(
            all,
            [("encoder", 0.5), ("discriminator", 0.25), ("real", 0.75)]
        );
        assert_eq!(now.clone().renamed(&TERMS), now);
    }
}
