//! The threshold between normal and anomalous, and how it may be chosen on labelled images.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measure::{EvaluationError, ScoreComponent, ScoredImage, failed, ranked};
use crate::calibration::Calibration;
use crate::metrics::f1_max;
use crate::random::{generator, shuffle, stream};

/// An image is called anomalous when its anomaly score is above `value`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// In units of A.
    pub value: f64,
    /// How it was chosen.
    pub source: ThresholdSource,
}

/// Where a threshold comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdSource {
    /// The model file's own, fitted on held-out normal images only.
    Calibration,
    /// Set by hand.
    Manual,
    /// The best F1 on labelled validation images, none of which is reported.
    Validation {
        /// Normal images that chose it.
        normals: usize,
        /// Abnormal images that chose it.
        abnormal: usize,
        /// F1 on them.
        f1: f64,
        /// Seed of the split.
        seed: u64,
    },
}

impl Threshold {
    /// The model file's own.
    pub fn calibrated(calibration: &Calibration) -> Self {
        Self {
            value: calibration.threshold,
            source: ThresholdSource::Calibration,
        }
    }

    /// Set by hand.
    pub fn manual(value: f64) -> Self {
        Self {
            value,
            source: ThresholdSource::Manual,
        }
    }
}

/// Two halves of labelled images, as indices in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationSplit {
    /// To choose with.
    pub validation: Vec<usize>,
    /// To report.
    pub test: Vec<usize>,
}

/// Divides labelled images into a half that may choose a threshold and one that is reported.
///
/// Each class is halved by itself; of an odd number the test half gets one more, so that no class
/// goes missing from what is reported. The split follows from the images' names and the seed, not
/// from their scores or their order: methods that are compared share it.
pub fn validation_split(pictures: &[ScoredImage], seed: u64) -> ValidationSplit {
    let mut classes: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (index, picture) in pictures.iter().enumerate() {
        let class = (picture.abnormal, picture.class.as_str());
        classes.entry(class).or_default().push(index);
    }
    let mut random = generator(seed, stream::VALIDATION);
    let mut halves = ValidationSplit {
        validation: Vec::new(),
        test: Vec::new(),
    };
    for mut members in classes.into_values() {
        members.sort_by(|&a, &b| pictures[a].name.cmp(&pictures[b].name));
        shuffle(&mut members, &mut random);
        halves.test.extend(members.split_off(members.len() / 2));
        halves.validation.extend(members);
    }
    halves.validation.sort_unstable();
    halves.test.sort_unstable();
    halves
}

/// The threshold with the best F1 on the validation half.
pub(super) fn adaptive_threshold(
    pictures: &[ScoredImage],
    halves: &ValidationSplit,
    seed: u64,
) -> Result<Threshold, EvaluationError> {
    let chosen: Vec<ScoredImage> = halves
        .validation
        .iter()
        .map(|&index| pictures[index].clone())
        .collect();
    let abnormal = chosen.iter().filter(|picture| picture.abnormal).count();
    let normals = chosen.len() - abnormal;
    if abnormal == 0 || normals == 0 {
        return Err(EvaluationError::Validation { normals, abnormal });
    }
    let (scores, labels) = ranked(&chosen, ScoreComponent::AnomalyScore, None)?
        .expect("every method has an anomaly score");
    let best = f1_max(&scores, &labels)
        .map_err(|source| failed(ScoreComponent::AnomalyScore, None, source))?;
    Ok(Threshold {
        value: best.threshold,
        source: ThresholdSource::Validation {
            normals,
            abnormal,
            f1: best.f1,
            seed,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::evaluation::measure::tests::{picture, pictures};

    #[test]
    fn halves_share_each_class_and_follow_the_names() {
        let mut pictures = pictures();
        pictures.push(picture("alone", "hole", 3.0, None));
        let halves = validation_split(&pictures, 4);
        let mut all = [halves.validation.clone(), halves.test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..pictures.len()).collect::<Vec<_>>());
        let count = |half: &[usize], class: &str| {
            half.iter().filter(|&&i| pictures[i].class == class).count()
        };
        for (class, chosen, reported) in [
            ("normal", 4, 4),
            ("crack", 2, 2),
            ("dust", 1, 1),
            ("hole", 0, 1),
        ] {
            assert_eq!(count(&halves.validation, class), chosen, "{class}");
            assert_eq!(count(&halves.test, class), reported, "{class}");
        }
        let names = |pictures: &[ScoredImage], half: &[usize]| -> BTreeSet<String> {
            half.iter().map(|&i| pictures[i].name.clone()).collect()
        };
        let expected = names(&pictures, &halves.test);
        let mut turned = pictures.clone();
        turned.rotate_left(5);
        assert_eq!(names(&turned, &validation_split(&turned, 4).test), expected);
        assert_ne!(
            names(&pictures, &validation_split(&pictures, 5).test),
            expected
        );
    }
}
