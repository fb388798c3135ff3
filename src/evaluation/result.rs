//! The result of a method, and an evaluation of several.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::measure::{
    ClassMetrics, EvaluationError, Resampling, ScoreComponent, ScoredImage, by_class, failed,
    ranked,
};
use super::protocol::{EpochChoice, Protocol};
use super::published::PublishedTable;
use super::simulated::Simulated;
use super::threshold::{Threshold, ThresholdSource, adaptive_threshold, validation_split};
use crate::metrics::{Confusion, PixelMetrics, confusion};

/// Facts about a method that do not depend on its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodInfo {
    /// Its name in tables: `skip-ganomaly`, `pca-32`.
    pub method: String,
    /// How the images were scored.
    pub protocol: Protocol,
    /// Number of parameters.
    pub parameters: usize,
    /// Time to score an image, in a batch.
    pub milliseconds_per_picture: f64,
}

/// One method on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// Its name in tables: `skip-ganomaly`, `pca-32`.
    pub method: String,
    /// How the images were scored.
    pub protocol: Protocol,
    /// The images behind every number here.
    pub pictures: Vec<ScoredImage>,
    /// The full mix first, then by class if there is more than one, by name.
    pub classes: Vec<ClassMetrics>,
    /// The threshold of the verdicts, if there is one.
    pub threshold: Option<Threshold>,
    /// Verdicts at that threshold.
    pub confusion: Option<Confusion>,
    /// How well defects are localised, if there are masks. Set by the caller.
    pub pixel: Option<PixelMetrics>,
    /// For the published protocol only. Set by the caller.
    pub epochs: Option<EpochChoice>,
    /// Number of parameters.
    pub parameters: usize,
    /// Time to score an image, in a batch.
    pub milliseconds_per_picture: f64,
}

impl MethodResult {
    /// Measures scored images, with verdicts at a threshold that was not chosen on them.
    ///
    /// # Errors
    /// If a score or the threshold is not finite, there are no normal or no abnormal images, or
    /// `resampling` has no resamples.
    pub fn new(
        info: MethodInfo,
        pictures: Vec<ScoredImage>,
        threshold: Option<Threshold>,
        resampling: Resampling,
    ) -> Result<Self, EvaluationError> {
        let classes = by_class(&pictures, resampling)?;
        let MethodInfo {
            method,
            protocol,
            parameters,
            milliseconds_per_picture,
        } = info;
        let mut result = Self {
            method,
            protocol,
            pictures,
            classes,
            threshold: None,
            confusion: None,
            pixel: None,
            epochs: None,
            parameters,
            milliseconds_per_picture,
        };
        if let Some(threshold) = threshold {
            result.set_threshold(threshold)?;
        }
        Ok(result)
    }

    /// Chooses the threshold by the best F1 on one half of the images and reports the other half.
    ///
    /// The halves are [`validation_split`]'s. The validation half chooses the threshold and is then left
    /// out of everything: `pictures`, `classes` and `confusion` cover the other half alone, so no number
    /// includes an image that helped to choose. Pixel metrics set later must be of that half too.
    ///
    /// # Errors
    /// As [`MethodResult::new`], or if the validation half lacks a class.
    pub fn with_adaptive_threshold(
        info: MethodInfo,
        pictures: Vec<ScoredImage>,
        seed: u64,
        resampling: Resampling,
    ) -> Result<Self, EvaluationError> {
        let halves = validation_split(&pictures, seed);
        let threshold = adaptive_threshold(&pictures, &halves, seed)?;
        let mut in_test = vec![false; pictures.len()];
        for &index in &halves.test {
            in_test[index] = true;
        }
        let test = pictures
            .into_iter()
            .zip(in_test)
            .filter_map(|(picture, kept)| kept.then_some(picture))
            .collect();
        Self::new(info, test, Some(threshold), resampling)
    }

    /// Counts verdicts at another threshold, for example one set by hand.
    ///
    /// # Errors
    /// If it is not finite; nothing changes then.
    pub fn set_threshold(&mut self, threshold: Threshold) -> Result<(), EvaluationError> {
        let (scores, abnormal) = ranked(&self.pictures, ScoreComponent::AnomalyScore, None)?
            .expect("every method has an anomaly score");
        let counted = confusion(&scores, &abnormal, threshold.value)
            .map_err(|source| failed(ScoreComponent::AnomalyScore, None, source))?;
        self.threshold = Some(threshold);
        self.confusion = Some(counted);
        Ok(())
    }

    /// All abnormal classes together.
    pub fn full_mix(&self) -> Option<&ClassMetrics> {
        self.classes.iter().find(|row| row.class.is_none())
    }
}

/// What was measured on one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The data set: a folder's name, or `cifar10` and the abnormal class.
    pub data: String,
    /// Which of its images are used for what.
    pub split: String,
    /// What belongs with the numbers in every output.
    pub warnings: Vec<String>,
    /// The methods, the reported one first.
    pub methods: Vec<MethodResult>,
    /// Images that could not be read: name and reason.
    pub skipped: Vec<(String, String)>,
    /// Published numbers to show with the results.
    pub published: Option<PublishedTable>,
    /// How small a fault the first method finds, if that was measured. Set by the caller.
    #[serde(default)]
    pub simulated: Option<Simulated>,
}

impl Evaluation {
    /// Puts methods together and collects the warnings that apply to them.
    pub fn new(
        data: impl Into<String>,
        split: impl Into<String>,
        methods: Vec<MethodResult>,
        skipped: Vec<(String, String)>,
        published: Option<PublishedTable>,
    ) -> Self {
        Self {
            data: data.into(),
            split: split.into(),
            warnings: warnings(&methods),
            methods,
            skipped,
            published,
            simulated: None,
        }
    }
}

/// Each warning once, in the order of the methods.
fn warnings(methods: &[MethodResult]) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    let mut warn = |text: String| {
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    };
    for method in methods {
        if let Some(text) = method.protocol.warning() {
            warn(text.to_owned());
        }
        if let Some(Threshold {
            source:
                ThresholdSource::Validation {
                    normals, abnormal, ..
                },
            ..
        }) = method.threshold
        {
            warn(format!(
                "a threshold was chosen on {normals} normal and {abnormal} abnormal labelled \
                 images; all numbers are of the other {}",
                method.pictures.len()
            ));
        }
    }
    let names = |method: &MethodResult| -> BTreeSet<(String, String)> {
        let key = |p: &ScoredImage| (p.class.clone(), p.name.clone());
        method.pictures.iter().map(key).collect()
    };
    if let Some((first, others)) = methods.split_first() {
        let expected = names(first);
        if others.iter().any(|other| names(other) != expected) {
            warn("the methods were measured on different images: compare them with care".into());
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::measure::Metrics;
    use crate::evaluation::measure::tests::{picture, pictures};
    use crate::evaluation::protocol::PUBLISHED_WARNING;
    use crate::evaluation::published;

    fn info(protocol: Protocol) -> MethodInfo {
        MethodInfo {
            method: "pca-32".into(),
            protocol,
            parameters: 3,
            milliseconds_per_picture: 0.5,
        }
    }

    fn result(pictures: Vec<ScoredImage>, threshold: Option<f64>) -> MethodResult {
        let threshold = threshold.map(Threshold::manual);
        MethodResult::new(
            info(Protocol::Honest),
            pictures,
            threshold,
            Resampling::default(),
        )
        .unwrap()
    }

    #[test]
    fn the_mix_comes_first_then_classes_against_all_normals() {
        let got = result(pictures(), Some(7.5));
        let rows: Vec<_> = got
            .classes
            .iter()
            .map(|row| {
                let Metrics {
                    normals,
                    abnormal,
                    auroc,
                    ..
                } = row.metrics;
                (row.class.as_deref(), normals, abnormal, auroc.value)
            })
            .collect();
        // The crack 6 loses to one normal and ties with one, the crack 7 ties with one.
        assert_eq!(
            rows,
            [
                (None, 8, 6, 46.0 / 48.0),
                (Some("crack"), 8, 4, 30.0 / 32.0),
                (Some("dust"), 8, 2, 1.0),
            ]
        );
        let mix = got.full_mix().unwrap();
        assert_eq!(mix.residual_auroc, 46.0 / 48.0);
        assert_eq!(mix.latent_auroc, Some(0.5));
        assert_eq!(mix.metrics.fpr_at_95_tpr, 2.0 / 8.0);
        assert!(mix.metrics.auroc.low <= mix.metrics.auroc.value);
        // A is R + 1: above 7.5 are the normal 7, and all but no crack.
        let confusion = got.confusion.unwrap();
        assert_eq!(
            (confusion.true_positives, confusion.false_positives),
            (5, 1)
        );
        assert_eq!(got.threshold, Some(Threshold::manual(7.5)));
    }

    #[test]
    fn one_class_is_the_mix() {
        let two: Vec<_> = pictures()
            .into_iter()
            .filter(|p| p.class != "crack")
            .collect();
        let got = result(two, None);
        assert_eq!(got.classes.len(), 1);
        assert_eq!((got.threshold, got.confusion), (None, None));
    }

    #[test]
    fn a_threshold_moves() {
        let mut got = result(pictures(), None);
        got.set_threshold(Threshold::manual(100.0)).unwrap();
        assert_eq!(got.confusion.unwrap().recall, Some(0.0));
        assert!(got.set_threshold(Threshold::manual(f64::NAN)).is_err());
        assert_eq!(got.threshold, Some(Threshold::manual(100.0)));
    }

    #[test]
    fn the_pictures_that_choose_are_not_reported() {
        let halves = validation_split(&pictures(), 2);
        // The test half must not influence the threshold, nor the validation half the results.
        let adaptive = |pictures: Vec<ScoredImage>| {
            MethodResult::with_adaptive_threshold(
                info(Protocol::Honest),
                pictures,
                2,
                Resampling::default(),
            )
            .unwrap()
        };
        let plain = adaptive(pictures());
        let expected: Vec<_> = halves.test.iter().map(|&i| pictures()[i].clone()).collect();
        assert_eq!(plain.pictures, expected);
        assert_eq!(plain.full_mix().unwrap().metrics.normals, 4);
        let confusion = plain.confusion.unwrap();
        assert_eq!(confusion.true_positives + confusion.false_negatives, 3);

        let mut other = pictures();
        for &index in &halves.test {
            other[index].raw.anomaly_score = -5.0;
        }
        assert_eq!(adaptive(other).threshold, plain.threshold);
        let mut other = pictures();
        for &index in &halves.validation {
            other[index].raw.anomaly_score *= 3.0;
        }
        let moved = adaptive(other);
        assert_ne!(moved.threshold, plain.threshold);
        assert_eq!(moved.classes, plain.classes);
        assert!(matches!(
            plain.threshold.unwrap().source,
            ThresholdSource::Validation {
                normals: 4,
                abnormal: 3,
                seed: 2,
                ..
            }
        ));
    }

    #[test]
    fn too_few_to_choose_with_are_refused() {
        let few = vec![
            picture("a", "normal", 0.0, None),
            picture("b", "normal", 0.0, None),
            picture("c", "crack", 1.0, None),
        ];
        assert_eq!(
            MethodResult::with_adaptive_threshold(
                info(Protocol::Honest),
                few,
                0,
                Resampling::default()
            ),
            Err(EvaluationError::Validation {
                normals: 1,
                abnormal: 0
            })
        );
    }

    #[test]
    fn the_published_protocol_warns_everywhere_once() {
        let published =
            |p| MethodResult::new(info(p), pictures(), None, Resampling::default()).unwrap();
        let evaluation = Evaluation::new(
            "folder",
            "test",
            vec![
                published(Protocol::Honest),
                published(Protocol::Published),
                published(Protocol::Published),
            ],
            Vec::new(),
            None,
        );
        assert_eq!(evaluation.warnings, [PUBLISHED_WARNING]);
        assert!(!PUBLISHED_WARNING.contains("  "), "one line of text");
        let honest = Evaluation::new("f", "t", vec![result(pictures(), None)], Vec::new(), None);
        assert_eq!(honest.warnings, [""; 0]);
        let fewer = result(pictures()[1..].to_vec(), None);
        let uneven = Evaluation::new(
            "f",
            "t",
            vec![result(pictures(), None), fewer],
            Vec::new(),
            None,
        );
        assert!(uneven.warnings[0].contains("different images"));
    }

    #[test]
    fn an_evaluation_survives_json() {
        let mut method = result(pictures(), Some(3.0));
        method.epochs = EpochChoice::new(vec![0.5, 0.75]);
        let skipped = vec![("a.png".into(), "truncated".into())];
        let table = published::table("cifar10", Some("plane"));
        let evaluation = Evaluation::new("cifar10", "full", vec![method], skipped, table);
        let json = serde_json::to_string(&evaluation).unwrap();
        let mut back: Evaluation = serde_json::from_str(&json).unwrap();
        // serde_json may be off by one in the last place.
        let (got, expected) = (&mut back.methods[0], &evaluation.methods[0]);
        for (got, expected) in got.classes.iter_mut().zip(&expected.classes) {
            assert!((got.metrics.eer - expected.metrics.eer).abs() < 1e-12);
            got.metrics = expected.metrics;
        }
        got.classes.clone_from(&expected.classes);
        got.confusion = expected.confusion;
        assert_eq!(back, evaluation);
        assert!(json.contains(r#""protocol":"honest""#));
    }
}
