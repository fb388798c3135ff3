//! Right and wrong verdicts at one threshold.

use serde::{Deserialize, Serialize};

use super::error::{MetricError, check_finite, check_lengths};

/// Counts of verdicts, and the rates that follow from them. A share of nothing is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// An image is called anomalous when its score is above this.
    pub threshold: f64,
    /// Abnormal images called anomalous.
    pub true_positives: usize,
    /// Normal images called anomalous.
    pub false_positives: usize,
    /// Normal images called normal.
    pub true_negatives: usize,
    /// Abnormal images called normal.
    pub false_negatives: usize,
    /// Share of the images called anomalous that is abnormal: TP / (TP + FP).
    pub precision: Option<f64>,
    /// Share of the abnormal images that is called anomalous: TP / (TP + FN).
    pub recall: Option<f64>,
    /// 2 TP / (2 TP + FP + FN).
    pub f1: Option<f64>,
    /// Share of the normal images that is called anomalous: FP / (FP + TN).
    pub false_alarms: Option<f64>,
}

impl Confusion {
    /// From the four counts.
    fn new(threshold: f64, tp: usize, fp: usize, tn: usize, fn_: usize) -> Self {
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        Self {
            threshold,
            true_positives: tp,
            false_positives: fp,
            true_negatives: tn,
            false_negatives: fn_,
            precision: share(tp, tp + fp),
            recall: share(tp, tp + fn_),
            f1: share(2 * tp, 2 * tp + fp + fn_),
            false_alarms: share(fp, fp + tn),
        }
    }
}

/// Compares each score with the threshold: anomalous when it is above, normal when it is equal or
/// below, as [`Calibration::verdict`](crate::calibration::Calibration::verdict) does. One class may
/// be missing, or both.
///
/// # Errors
/// If the lengths differ, or a score or the threshold is not finite.
pub fn confusion(
    scores: &[f64],
    abnormal: &[bool],
    threshold: f64,
) -> Result<Confusion, MetricError> {
    check_lengths(scores, abnormal)?;
    check_finite(scores)?;
    if !threshold.is_finite() {
        return Err(MetricError::Threshold(threshold));
    }
    let (mut tp, mut fp, mut tn, mut fn_) = (0, 0, 0, 0);
    for (&score, &abnormal) in scores.iter().zip(abnormal) {
        *match (score > threshold, abnormal) {
            (true, true) => &mut tp,
            (true, false) => &mut fp,
            (false, false) => &mut tn,
            (false, true) => &mut fn_,
        } += 1;
    }
    Ok(Confusion::new(threshold, tp, fp, tn, fn_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_at_the_threshold_is_normal() {
        let got = confusion(
            &[1.0, 2.0, 2.0, 3.0, 4.0, 0.0],
            &[false, true, false, false, true, true],
            2.0,
        )
        .unwrap();
        assert_eq!((got.true_positives, got.false_positives), (1, 1));
        assert_eq!((got.true_negatives, got.false_negatives), (2, 2));
        assert_eq!((got.precision, got.recall), (Some(0.5), Some(1.0 / 3.0)));
        assert_eq!((got.f1, got.false_alarms), (Some(0.4), Some(1.0 / 3.0)));
    }

    #[test]
    fn a_share_of_nothing_is_none() {
        let got = confusion(&[1.0, 2.0], &[false, false], f64::MAX).unwrap();
        assert_eq!((got.precision, got.recall, got.f1), (None, None, None));
        assert_eq!(got.false_alarms, Some(0.0));
        let got = confusion(&[1.0], &[true], 0.5).unwrap();
        assert_eq!((got.recall, got.false_alarms), (Some(1.0), None));
    }

    #[test]
    fn nonsense_is_refused() {
        for threshold in [f64::NAN, f64::INFINITY] {
            assert!(matches!(
                confusion(&[1.0], &[true], threshold),
                Err(MetricError::Threshold(_))
            ));
        }
        assert!(matches!(
            confusion(&[1.0], &[], 0.0),
            Err(MetricError::Lengths { .. })
        ));
        assert!(matches!(
            confusion(&[f64::INFINITY], &[true], 0.0),
            Err(MetricError::NotFinite { index: 0, .. })
        ));
    }
}
