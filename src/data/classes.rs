//! Images with class labels, and which of the classes count as normal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DataError;
use super::records::{RecordSet, Records};
use super::sample::Origin;

/// Which images are tested on if a class is chosen. Training always uses the normal classes' images of
/// the training part.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The test part alone
    #[default]
    Official,
    /// The test part and the abnormal classes' images of the training part, as in the published code
    Published,
}

impl Split {
    /// `official` or `published`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Published => "published",
        }
    }
}

/// Which classes count as normal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// All but this one.
    Abnormal(String),
    /// This one alone.
    Normal(String),
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Abnormal(class) => write!(f, "class {class} abnormal and all others normal"),
            Self::Normal(class) => write!(f, "class {class} normal and all others abnormal"),
        }
    }
}

impl Selection {
    /// The number of the chosen class, and the selection.
    ///
    /// # Errors
    /// If there is not exactly one choice, or no such class.
    pub(super) fn new(
        source: &str,
        abnormal: Option<&str>,
        normal: Option<&str>,
        classes: &[String],
    ) -> Result<(usize, Self), DataError> {
        let (asked, choice): (_, fn(String) -> Self) = match (abnormal, normal) {
            (Some(class), None) => (class, Self::Abnormal),
            (None, Some(class)) => (class, Self::Normal),
            (abnormal, _) => {
                return Err(DataError::Selection {
                    data: source.to_owned(),
                    got: if abnormal.is_some() {
                        "both"
                    } else {
                        "neither"
                    },
                    classes: listed(classes),
                });
            }
        };
        let class = find_class(asked, classes)?;
        Ok((class, choice(classes[class].clone())))
    }
}

/// An image with the number of its class, before it is known whether it counts as normal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassSample {
    /// As [`Sample::name`](super::sample::Sample::name).
    pub name: String,
    /// Where its pixels are.
    pub origin: Origin,
    /// Its class, as an index into [`ClassSet::classes`].
    pub class: usize,
}

/// Images with class labels, in a training and a test part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassSet {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The training part.
    pub train: Vec<ClassSample>,
    /// The test part.
    pub test: Vec<ClassSample>,
}

impl From<RecordSet> for ClassSet {
    fn from(set: RecordSet) -> Self {
        let list = |files: &[Arc<Records>]| -> Vec<ClassSample> {
            let file = |records: &Arc<Records>| {
                let records = Arc::clone(records);
                (0..records.len()).map(move |index| ClassSample {
                    name: records.name(index),
                    origin: Origin::Record(Arc::clone(&records), index),
                    class: records.labels()[index].into(),
                })
            };
            files.iter().flat_map(file).collect()
        };
        Self {
            train: list(&set.train),
            test: list(&set.test),
            classes: set.classes,
        }
    }
}

/// A class by its name, ignoring case, or by its number.
fn find_class(asked: &str, classes: &[String]) -> Result<usize, DataError> {
    let exact = classes.iter().position(|class| class == asked);
    let alike = || {
        classes
            .iter()
            .position(|class| class.eq_ignore_ascii_case(asked))
    };
    let number = || {
        asked
            .parse()
            .ok()
            .filter(|&number: &usize| number < classes.len())
    };
    exact
        .or_else(alike)
        .or_else(number)
        .ok_or_else(|| DataError::UnknownClass {
            asked: asked.to_owned(),
            classes: listed(classes),
        })
}

/// Classes as listed in a message, with their numbers if these add to the names.
fn listed(classes: &[String]) -> String {
    let entry = |(number, class): (usize, &String)| match *class == number.to_string() {
        true => class.clone(),
        false => format!("{class} ({number})"),
    };
    classes
        .iter()
        .enumerate()
        .map(entry)
        .collect::<Vec<_>>()
        .join(", ")
}
