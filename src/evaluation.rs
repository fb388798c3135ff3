//! Turns scored, labelled test images into results: without tensors, without files, on any platform.
//!
//! A [`MethodResult`] says how well one method's scores separate abnormal images from normal ones,
//! overall and by class. An [`Evaluation`] holds the methods that were measured on one data set, and the
//! warnings that belong with its numbers.
//!
//! Nothing reported was chosen on the images that it is reported for, with two exceptions:
//! [`Metrics::f1_max`] is the best of all thresholds, and [`EpochChoice`] belongs to the published
//! protocol, which leaks.

pub mod published;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::metrics::{
    Confusion, MetricError, RESAMPLES, auroc, bootstrap, confusion, eer, f1_max, fpr_at_tpr,
};
use crate::random::{generator, shuffle, stream};
use crate::score::RawScore;

pub use crate::metrics::{Interval, PixelMetrics};
pub use published::PublishedTable;

/// The warning in every output under [`Protocol::Published`].
pub const PUBLISHED_WARNING: &str = "published protocol: these numbers leak. Images were scored \
    with the batch statistics of batches that are nearly all of one class (normal ones first), which \
    gives the class away, and the best epoch was chosen on the test images. They show what the \
    published code would report, not how well the method detects anything.";

/// True-positive rate at which [`Metrics::fpr_at_95_tpr`] is taken.
const HIGH_TPR: f64 = 0.95;

/// Scoring protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Inference mode: a score depends on the image and the model alone, not on other images.
    #[default]
    Honest,
    /// As in the published code: the labels of the test images leak into the scores.
    Published,
}

impl Protocol {
    /// Its name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Published => "published",
        }
    }

    /// The warning that belongs with every number obtained this way.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Honest => None,
            Self::Published => Some(PUBLISHED_WARNING),
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of an image's raw scores ranks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum ScoreComponent {
    /// A, the anomaly score.
    #[default]
    AnomalyScore,
    /// R alone.
    Residual,
    /// L alone.
    Latent,
}

impl ScoreComponent {
    /// This component of a score, if the method has it.
    pub fn of(self, raw: &RawScore) -> Option<f64> {
        match self {
            Self::AnomalyScore => Some(raw.anomaly_score),
            Self::Residual => Some(raw.residual),
            Self::Latent => raw.latent,
        }
    }

    /// Its name in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnomalyScore => "anomaly score",
            Self::Residual => "residual",
            Self::Latent => "latent",
        }
    }
}

/// One labelled test image with its raw score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredImage {
    /// File name or label.
    pub name: String,
    /// `normal`, or the kind of defect.
    pub class: String,
    /// Its label.
    pub abnormal: bool,
    /// The method's scores.
    pub raw: RawScore,
}

/// Why scores could not be turned into results.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A metric has no value.
    #[error("{component} of {}: {source}", .class.as_deref().unwrap_or("all test images"))]
    Metric {
        /// What was ranked: a score's name.
        component: &'static str,
        /// The abnormal class, or none for all together.
        class: Option<String>,
        /// The reason.
        source: MetricError,
    },
    /// An image's score is infinite or not a number.
    #[error("expected finite scores, got {value} as the {component} of {picture}")]
    NotFinite {
        /// Which image.
        picture: String,
        /// Which score.
        component: &'static str,
        /// NaN or an infinity.
        value: f64,
    },
    /// The labelled images cannot be divided into a half that chooses and one that is reported.
    #[error(
        "a threshold chosen on labelled images needs two normal images and two of an abnormal \
         class, one to choose with and one to report; got {normals} normal and {abnormal} abnormal \
         to choose with"
    )]
    Validation {
        /// Normal images in the validation half.
        normals: usize,
        /// Abnormal images in the validation half.
        abnormal: usize,
    },
}

/// How many resamples an interval takes, and their seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resampling {
    /// At least 1.
    pub resamples: usize,
    /// See [`bootstrap`](crate::metrics::bootstrap()).
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            resamples: RESAMPLES,
            seed: 0,
        }
    }
}

/// How well one score separates one set of abnormal images from all normal ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of normal images.
    pub normals: usize,
    /// Number of abnormal images.
    pub abnormal: usize,
    /// Area under the ROC curve, with its 95 % interval.
    pub auroc: Interval,
    /// Average precision, with its 95 % interval. Depends on the share of abnormal images.
    pub auprc: Interval,
    /// F1 at the best of all thresholds for these same images: a bound, not what a user gets.
    pub f1_max: f64,
    /// That threshold: a score above it is flagged.
    pub f1_threshold: f64,
    /// Equal error rate.
    pub eer: f64,
    /// Smallest false-positive rate with a true-positive rate of at least .95, uninterpolated.
    pub fpr_at_95_tpr: f64,
}

/// One abnormal class, or all together, against all normal images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// None: all classes together, the full mix.
    pub class: Option<String>,
    /// Ranked by the anomaly score A.
    pub metrics: Metrics,
    /// AUROC when ranked by R alone.
    pub residual_auroc: f64,
    /// AUROC when ranked by L alone, where the method has it.
    pub latent_auroc: Option<f64>,
}

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

/// Which epoch the published code would report: the best on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochChoice {
    /// AUROC on the test images after each epoch.
    pub per_epoch_auroc: Vec<f64>,
    /// Which is largest, from 1; the earliest of equals.
    pub best_epoch: usize,
    /// Its AUROC: chosen on the test images.
    pub best_auroc: f64,
    /// AUROC after the last epoch: what an honest report gives.
    pub last_auroc: f64,
}

impl EpochChoice {
    /// Picks the best epoch. None if there is no epoch.
    pub fn new(per_epoch_auroc: Vec<f64>) -> Option<Self> {
        let last_auroc = *per_epoch_auroc.last()?;
        let (mut best_epoch, mut best_auroc) = (1, per_epoch_auroc[0]);
        for (epoch, &auroc) in (1..).zip(&per_epoch_auroc) {
            if auroc > best_auroc {
                (best_epoch, best_auroc) = (epoch, auroc);
            }
        }
        Some(Self {
            best_epoch,
            best_auroc,
            last_auroc,
            per_epoch_auroc,
        })
    }
}

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

/// Measures one score, of one abnormal class or (none) of all, against all normal images. `None` if the
/// method has no such score.
///
/// # Errors
/// If a score is not finite, there are no such abnormal images or no normal ones, or `resampling`
/// has no resamples.
pub fn measure(
    pictures: &[ScoredImage],
    component: ScoreComponent,
    class: Option<&str>,
    resampling: Resampling,
) -> Result<Option<Metrics>, EvaluationError> {
    let Some((scores, labels)) = ranked(pictures, component, class)? else {
        return Ok(None);
    };
    measured(&scores, &labels, resampling)
        .map(Some)
        .map_err(|source| failed(component, class, source))
}

fn measured(
    scores: &[f64],
    labels: &[bool],
    Resampling { resamples, seed }: Resampling,
) -> Result<Metrics, MetricError> {
    let areas = bootstrap(scores, labels, resamples, seed)?;
    let best = f1_max(scores, labels)?;
    let abnormal = labels.iter().filter(|&&label| label).count();
    Ok(Metrics {
        normals: labels.len() - abnormal,
        abnormal,
        auroc: areas.auroc,
        auprc: areas.auprc,
        f1_max: best.f1,
        f1_threshold: best.threshold,
        eer: eer(scores, labels)?,
        fpr_at_95_tpr: fpr_at_tpr(scores, labels, HIGH_TPR)?,
    })
}

/// The full mix, then each abnormal class if there is more than one.
fn by_class(
    pictures: &[ScoredImage],
    resampling: Resampling,
) -> Result<Vec<ClassMetrics>, EvaluationError> {
    let names: BTreeSet<&str> = pictures
        .iter()
        .filter(|picture| picture.abnormal)
        .map(|picture| picture.class.as_str())
        .collect();
    let single = if names.len() > 1 {
        names
    } else {
        BTreeSet::new()
    };
    std::iter::once(None)
        .chain(single.into_iter().map(Some))
        .map(|class| {
            let area = |component| -> Result<Option<f64>, EvaluationError> {
                ranked(pictures, component, class)?
                    .map(|(scores, labels)| auroc(&scores, &labels))
                    .transpose()
                    .map_err(|source| failed(component, class, source))
            };
            Ok(ClassMetrics {
                class: class.map(str::to_owned),
                metrics: measure(pictures, ScoreComponent::AnomalyScore, class, resampling)?
                    .expect("every method has an anomaly score"),
                residual_auroc: area(ScoreComponent::Residual)?
                    .expect("every method has a residual"),
                latent_auroc: area(ScoreComponent::Latent)?,
            })
        })
        .collect()
}

/// Scores, and whether each is of an abnormal image.
type Ranked = (Vec<f64>, Vec<bool>);

/// One score of all normal images and of one abnormal class or all, with the truth. `None` if any of
/// them lacks it.
fn ranked(
    pictures: &[ScoredImage],
    component: ScoreComponent,
    class: Option<&str>,
) -> Result<Option<Ranked>, EvaluationError> {
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for picture in pictures {
        if picture.abnormal && class.is_some_and(|class| class != picture.class) {
            continue;
        }
        let Some(value) = component.of(&picture.raw) else {
            return Ok(None);
        };
        if !value.is_finite() {
            return Err(EvaluationError::NotFinite {
                picture: picture.name.clone(),
                component: component.as_str(),
                value,
            });
        }
        scores.push(value);
        labels.push(picture.abnormal);
    }
    Ok(Some((scores, labels)))
}

fn failed(component: ScoreComponent, class: Option<&str>, source: MetricError) -> EvaluationError {
    EvaluationError::Metric {
        component: component.as_str(),
        class: class.map(str::to_owned),
        source,
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
fn adaptive_threshold(
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
    use super::*;

    fn picture(name: &str, class: &str, residual: f64, latent: Option<f64>) -> ScoredImage {
        ScoredImage {
            name: name.into(),
            class: class.into(),
            abnormal: class != "normal",
            raw: RawScore {
                anomaly_score: residual + latent.unwrap_or(0.0),
                residual,
                latent,
            },
        }
    }

    /// Normals 0 to 7, cracks 6 to 9 (one tied pair), dust 20 and 21; L is the same for all.
    fn pictures() -> Vec<ScoredImage> {
        let of = |class: &str, values: &[i32]| -> Vec<ScoredImage> {
            values
                .iter()
                .map(|&v| picture(&format!("{class}-{v}"), class, v.into(), Some(1.0)))
                .collect()
        };
        [
            of("normal", &[0, 1, 2, 3, 4, 5, 6, 7]),
            of("crack", &[6, 7, 8, 9]),
            of("dust", &[20, 21]),
        ]
        .concat()
    }

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
    fn each_score_ranks_and_a_missing_one_is_none() {
        let mut pictures = pictures();
        let measure = |pictures: &[ScoredImage], component| {
            measure(pictures, component, Some("dust"), Resampling::default()).unwrap()
        };
        assert_eq!(
            measure(&pictures, ScoreComponent::Residual)
                .unwrap()
                .auroc
                .value,
            1.0
        );
        assert_eq!(
            measure(&pictures, ScoreComponent::Latent)
                .unwrap()
                .auroc
                .value,
            0.5
        );
        for picture in &mut pictures {
            picture.raw.latent = None;
        }
        assert_eq!(measure(&pictures, ScoreComponent::Latent), None);
        assert_eq!(result(pictures, None).classes[0].latent_auroc, None);
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
    fn nonsense_names_what_is_wrong() {
        let failed = |pictures, resamples| {
            let resampling = Resampling { resamples, seed: 0 };
            MethodResult::new(info(Protocol::Honest), pictures, None, resampling)
                .unwrap_err()
                .to_string()
        };
        let mut nan = pictures();
        nan[9].raw.latent = Some(f64::NAN);
        let message = failed(nan, 1);
        assert!(
            message.contains("crack-7") && message.contains("latent"),
            "{message}"
        );
        let normals: Vec<_> = pictures().into_iter().filter(|p| !p.abnormal).collect();
        let message = failed(normals, 1);
        assert!(message.contains("8 normal and 0 abnormal"), "{message}");
        assert!(failed(pictures(), 0).contains("resample"));
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
    fn the_best_epoch_is_the_earliest_of_equals() {
        let got = EpochChoice::new(vec![0.5, 0.8, 0.7, 0.8, 0.6]).unwrap();
        assert_eq!(
            (got.best_epoch, got.best_auroc, got.last_auroc),
            (2, 0.8, 0.6)
        );
        assert_eq!(EpochChoice::new(Vec::new()), None);
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
