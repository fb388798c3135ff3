//! How small a fault a model finds: measured with simulated faults on held-out normal images, no labelled one needed.

use serde::{Deserialize, Serialize};

use crate::data::sized_fault::Shape;
use crate::metrics::{Detection, MetricError, Unreached, detection};

/// Groups in which the trials of a series are shown.
const GROUPS: usize = 8;

/// Sizes of faults: from this many pixels to this share of a side.
const SMALLEST: f64 = 2.0;
const LARGEST: f64 = 1.0 / 3.0;

/// Most held-out images that are measured with.
pub const MOST_PICTURES: usize = 500;

/// Contrasts of simulated faults.
const CONTRASTS: [f64; 3] = [0.1, MIDDLE_CONTRAST, 0.4];
/// The contrast that an answer in one sentence is about.
pub const MIDDLE_CONTRAST: f64 = 0.2;
/// Trials of each shape and contrast.
pub const TRIALS: usize = 120;

/// Shape, contrast and number of the first fault of each series of simulated faults.
pub fn simulated_series() -> impl Iterator<Item = (Shape, f64, u64)> {
    let pairs = Shape::ALL
        .into_iter()
        .flat_map(|shape| CONTRASTS.map(|contrast| (shape, contrast)));
    pairs
        .enumerate()
        .map(|(at, (shape, contrast))| (shape, contrast, (at * TRIALS) as u64))
}

/// The size of one of `count` faults in pictures of `side` pixels. The sizes are evenly spread over their logarithms: in
/// groups they would leave the curve undetermined between them.
pub fn trial_size(trial: usize, count: usize, side: usize) -> f64 {
    let largest = (side as f64 * LARGEST).max(SMALLEST);
    SMALLEST * (largest / SMALLEST).powf((trial as f64 + 0.5) / count as f64)
}

/// Where faults come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultOrigin {
    /// Drawn onto held-out normal images.
    Simulated,
    /// True faults of a product line, rendered on its normal test parts.
    Rendered,
}

impl FaultOrigin {
    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Rendered => "rendered",
        }
    }
}

/// A fault and whether the model found it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultTrial {
    /// Length or diameter in pixels of the picture as the model sees it.
    pub size: f64,
    /// A of the image with the fault.
    pub score: f64,
    /// Whether A is above the threshold.
    pub found: bool,
}

/// Neighbouring sizes of a series together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultGroup {
    /// Smallest size.
    pub from: f64,
    /// Largest size.
    pub to: f64,
    /// Geometric mean of the sizes.
    pub size: f64,
    /// Faults that were found.
    pub hits: usize,
    /// Faults that were tried.
    pub trials: usize,
    /// The curve's probability at `size`, if there is a curve.
    pub probability: Option<f64>,
}

/// Faults of one kind and contrast, small and large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSeries {
    /// What they look like.
    pub kind: String,
    /// Where they come from.
    pub origin: FaultOrigin,
    /// Of simulated faults the change as a share of the range of values, of rendered ones the share of their full depth
    /// or colour.
    pub contrast: f64,
    /// Faults that were tried.
    pub trials: usize,
    /// Faults that were found.
    pub hits: usize,
    /// a90 and its bound.
    #[serde(flatten)]
    pub detection: Detection,
    /// The same as [`detection_in_words`].
    #[serde(default)]
    pub words: String,
    /// The trials by size, in groups of equal number.
    pub groups: Vec<FaultGroup>,
    /// Each trial by itself, by size.
    #[serde(skip)]
    pub each: Vec<FaultTrial>,
}

impl FaultSeries {
    /// Fits the curve of a series.
    ///
    /// # Errors
    /// If there are no trials or a size is not above 0 and finite.
    pub fn new(
        kind: impl Into<String>,
        origin: FaultOrigin,
        contrast: f64,
        mut each: Vec<FaultTrial>,
    ) -> Result<Self, MetricError> {
        each.sort_by(|a, b| a.size.total_cmp(&b.size));
        let detection = detect(&each)?;
        let groups = each.chunks(each.len().div_ceil(GROUPS)).map(|trials| {
            let logs: f64 = trials.iter().map(|trial| trial.size.ln()).sum();
            let size = (logs / trials.len() as f64).exp();
            FaultGroup {
                from: trials[0].size,
                to: trials[trials.len() - 1].size,
                size,
                hits: hits(trials),
                trials: trials.len(),
                probability: detection.curve.map(|curve| curve.probability(size)),
            }
        });
        Ok(Self {
            kind: kind.into(),
            origin,
            contrast,
            trials: each.len(),
            hits: hits(&each),
            words: detection_in_words(&detection),
            detection,
            groups: groups.collect(),
            each,
        })
    }

    /// Smallest and largest size tried.
    pub fn range(&self) -> (f64, f64) {
        let ends = self.each.first().zip(self.each.last());
        ends.map_or((f64::NAN, f64::NAN), |(first, last)| {
            (first.size, last.size)
        })
    }
}

fn hits(trials: &[FaultTrial]) -> usize {
    trials.iter().filter(|trial| trial.found).count()
}

/// The detection of some trials together.
///
/// # Errors
/// If there are none, or a size is not above 0 and finite.
fn detect<'a>(trials: impl IntoIterator<Item = &'a FaultTrial>) -> Result<Detection, MetricError> {
    let pairs = trials.into_iter().map(|trial| (trial.size, trial.found));
    let (sizes, found): (Vec<f64>, Vec<bool>) = pairs.unzip();
    detection(&sizes, &found)
}

/// A detection in words: `from 7.1 pixels, with 95 % confidence from 8.3`.
pub fn detection_in_words(detection: &Detection) -> String {
    let size = |size: Option<f64>| size.map_or(String::new(), |size| format!("{size:.1}"));
    match detection.reason {
        None => format!(
            "from {} pixels, with 95 % confidence from {}",
            size(detection.a90),
            size(detection.a90_95)
        ),
        Some(Unreached::Uncertain) => format!(
            "from {} pixels; with 95 % confidence at no size tried",
            size(detection.a90)
        ),
        Some(Unreached::SmallerThanTried) => "from the smallest size tried".to_owned(),
        Some(Unreached::LargerThanTried) => "at no size tried".to_owned(),
        Some(Unreached::NotRising) => "at no size: larger ones are not found more often".to_owned(),
    }
}

/// How well a model finds and marks simulated faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// Seed of the faults.
    pub seed: u64,
    /// Held-out normal images.
    pub normals: usize,
    /// Damaged ones among which AUROC and PRO are measured.
    pub damaged: usize,
    /// AUROC of damaged against undamaged images.
    pub image_auroc: f64,
    /// AUROC of the heat maps' pixels, damaged against undamaged.
    pub pixel_auroc: f64,
    /// PRO of the heat maps.
    pub pro: f64,
    /// The threshold of the verdicts.
    pub threshold: f64,
    /// Share of the undamaged images above it.
    pub false_alarm_rate: f64,
    /// Contrast of the faults behind the a90 and the bound here: simulated ones of all kinds together.
    pub contrast: f64,
    /// a90 and its bound.
    #[serde(flatten)]
    pub detection: Detection,
    /// Each kind and contrast by itself.
    pub series: Vec<FaultSeries>,
}

impl Simulated {
    /// All kinds of simulated faults with one contrast together.
    ///
    /// # Errors
    /// If there are none.
    pub fn together(series: &[FaultSeries], contrast: f64) -> Result<Detection, MetricError> {
        let fits = |s: &&FaultSeries| s.origin == FaultOrigin::Simulated && s.contrast == contrast;
        detect(series.iter().filter(fits).flat_map(|series| &series.each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every fault from `from` pixels is found, and one smaller one.
    fn series(kind: &str, contrast: f64, from: usize) -> FaultSeries {
        let trial = |size: usize| FaultTrial {
            size: size as f64,
            score: size as f64,
            found: size >= from || size + 3 == from,
        };
        let each = (2..=33).rev().map(trial).collect();
        FaultSeries::new(kind, FaultOrigin::Simulated, contrast, each).unwrap()
    }

    #[test]
    fn groups_hold_every_trial_once() {
        let series = series("spot", 0.2, 12);
        assert_eq!(
            (series.trials, series.hits, series.range()),
            (32, 23, (2.0, 33.0))
        );
        let groups = &series.groups;
        assert_eq!((groups.len(), groups[0].from, groups[7].to), (8, 2.0, 33.0));
        assert_eq!(groups.iter().map(|group| group.hits).sum::<usize>(), 23);
        assert!(groups.is_sorted_by_key(|group| group.probability));
        assert!(
            groups
                .iter()
                .all(|g| g.trials == 4 && g.from < g.size && g.size < g.to)
        );
        let json = serde_json::to_value(&series).unwrap();
        assert_eq!(
            (&json["kind"], &json["trials"]),
            (&"spot".into(), &32.into())
        );
        assert_eq!(json["a90"].as_f64(), series.detection.a90);
        assert!(json.get("each").is_none());
    }

    #[test]
    fn kinds_are_pooled_by_contrast() {
        let all = [
            series("spot", 0.2, 8),
            series("scratch", 0.2, 16),
            series("spot", 0.4, 4),
        ];
        let [spot, scratch, _] = all.each_ref().map(|series| series.detection.a90.unwrap());
        let both = Simulated::together(&all, 0.2).unwrap().a90.unwrap();
        assert!(
            spot < both && both < scratch + 4.0,
            "{spot} {both} {scratch}"
        );
        assert!(Simulated::together(&all, 0.3).is_err());
    }

    #[test]
    fn every_outcome_has_its_words() {
        let words = |a90, a90_95, reason| {
            detection_in_words(&Detection {
                curve: None,
                a90,
                a90_95,
                reason,
            })
        };
        assert_eq!(
            words(Some(7.12), Some(8.3), None),
            "from 7.1 pixels, with 95 % confidence from 8.3"
        );
        assert!(
            words(Some(7.12), None, Some(Unreached::Uncertain)).starts_with("from 7.1 pixels;")
        );
        for reason in [
            Unreached::SmallerThanTried,
            Unreached::LargerThanTried,
            Unreached::NotRising,
        ] {
            assert!(!words(None, None, Some(reason)).contains("  "));
        }
    }
}
