//! How well one score separates abnormal images from normal ones, overall and by class.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::metrics::{Interval, MetricError, RESAMPLES, auroc, bootstrap, eer, f1_max, fpr_at_tpr};
use crate::score::RawScore;

/// True-positive rate at which [`Metrics::fpr_at_95_tpr`] is taken.
const HIGH_TPR: f64 = 0.95;

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
    /// M alone.
    Marks,
}

impl ScoreComponent {
    /// This component of a score, if the method has it.
    pub fn of(self, raw: &RawScore) -> Option<f64> {
        match self {
            Self::AnomalyScore => Some(raw.anomaly_score),
            Self::Residual => Some(raw.residual),
            Self::Latent => raw.latent,
            Self::Marks => raw.marks,
        }
    }

    /// Its name in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnomalyScore => "anomaly score",
            Self::Residual => "residual",
            Self::Latent => "latent",
            Self::Marks => "marks",
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
    /// AUROC when ranked by M alone, where the method marks.
    pub marks_auroc: Option<f64>,
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
pub(super) fn by_class(
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
                marks_auroc: area(ScoreComponent::Marks)?,
            })
        })
        .collect()
}

/// Scores, and whether each is of an abnormal image.
type Ranked = (Vec<f64>, Vec<bool>);

/// One score of all normal images and of one abnormal class or all, with the truth. `None` if any of
/// them lacks it.
pub(super) fn ranked(
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

pub(super) fn failed(
    component: ScoreComponent,
    class: Option<&str>,
    source: MetricError,
) -> EvaluationError {
    EvaluationError::Metric {
        component: component.as_str(),
        class: class.map(str::to_owned),
        source,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn picture(name: &str, class: &str, residual: f64, latent: Option<f64>) -> ScoredImage {
        ScoredImage {
            name: name.into(),
            class: class.into(),
            abnormal: class != "normal",
            raw: RawScore {
                anomaly_score: residual + latent.unwrap_or(0.0),
                residual,
                latent,
                marks: None,
            },
        }
    }

    /// Normals 0 to 7, cracks 6 to 9 (one tied pair), dust 20 and 21; L is the same for all.
    pub fn pictures() -> Vec<ScoredImage> {
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
        let classes = by_class(&pictures, Resampling::default()).unwrap();
        assert_eq!(classes[0].latent_auroc, None);
    }

    #[test]
    fn nonsense_names_what_is_wrong() {
        let failed = |pictures: &[ScoredImage], resamples| {
            let resampling = Resampling { resamples, seed: 0 };
            by_class(pictures, resampling).unwrap_err().to_string()
        };
        let mut nan = pictures();
        nan[9].raw.latent = Some(f64::NAN);
        let message = failed(&nan, 1);
        assert!(
            message.contains("crack-7") && message.contains("latent"),
            "{message}"
        );
        let normals: Vec<_> = pictures().into_iter().filter(|p| !p.abnormal).collect();
        let message = failed(&normals, 1);
        assert!(message.contains("8 normal and 0 abnormal"), "{message}");
        assert!(failed(&pictures(), 0).contains("resample"));
    }
}
