//! How far AUROC and AUPRC would vary with other test images of the same kind.

use serde::{Deserialize, Serialize};

use super::error::MetricError;
use super::mean_std::three_decimals;
use super::ranking::{Group, auprc_of, auroc_of, groups, quantile, totals};
use crate::random::{below, generator, stream};

/// Resamples by default: enough for the ends of a 95 % interval.
pub const RESAMPLES: usize = 1_000;

/// The ends of the interval, as quantiles of the resamples.
const LOW: f64 = 0.025;
const HIGH: f64 = 0.975;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The value on the actual images.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl std::fmt::Display for Interval {
    /// `.812 (.790 to .833)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = three_decimals;
        let Self { value, low, high } = *self;
        write!(f, "{} ({} to {})", short(value), short(low), short(high))
    }
}

/// The two areas with their intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Area under the ROC curve.
    pub auroc: Interval,
    /// Average precision.
    pub auprc: Interval,
}

/// AUROC and AUPRC with 95 % percentile intervals of a stratified bootstrap.
///
/// Each resample draws, with replacement, as many normal scores as there are from the normal ones, and as
/// many abnormal from the abnormal: no resample lacks a class, and the share of abnormal images, on
/// which AUPRC depends, stays. The interval goes from the .025 to the .975 [`quantile`] of the resamples'
/// areas. It covers the choice of test images only, not the variation between training runs: for that,
/// see [`mean_std`](super::mean_std()). With fewer than some twenty images of a class it is too narrow,
/// and where the classes do not overlap at all it has no width.
///
/// The scores are sorted once; a resample counts how often each distinct score was drawn. Resample k has
/// its own random numbers, so the first 100 of 1,000 resamples are the same as 100 resamples, and a seed
/// gives the same interval on every machine, whatever the order of the images.
///
/// # Errors
/// As [`auroc`](super::auroc), or if there are no resamples.
///
/// Source: Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, chapter 13.
pub fn bootstrap(
    scores: &[f64],
    abnormal: &[bool],
    resamples: usize,
    seed: u64,
) -> Result<Bootstrap, MetricError> {
    let mut groups = groups(scores, abnormal)?;
    if resamples == 0 {
        return Err(MetricError::NoResamples);
    }
    let (auroc, auprc) = (auroc_of(&groups), auprc_of(&groups));
    // The position of each image in the ranking.
    let (m, n) = totals(&groups);
    let (mut of_abnormal, mut of_normals) = (Vec::with_capacity(m), Vec::with_capacity(n));
    for (index, group) in groups.iter().enumerate() {
        of_abnormal.extend(std::iter::repeat_n(index, group.abnormal));
        of_normals.extend(std::iter::repeat_n(index, group.normals));
    }
    let (mut aurocs, mut auprcs) = (Vec::with_capacity(resamples), Vec::with_capacity(resamples));
    for resample in 0..resamples {
        let mut random = generator(seed, stream::BOOTSTRAP + resample as u64);
        for Group {
            abnormal, normals, ..
        } in &mut groups
        {
            (*abnormal, *normals) = (0, 0);
        }
        for _ in 0..m {
            groups[of_abnormal[below(m as u64, &mut random) as usize]].abnormal += 1;
        }
        for _ in 0..n {
            groups[of_normals[below(n as u64, &mut random) as usize]].normals += 1;
        }
        aurocs.push(auroc_of(&groups));
        auprcs.push(auprc_of(&groups));
    }
    let interval = |value, resampled: &[f64]| {
        Ok(Interval {
            value,
            low: quantile(resampled, LOW)?,
            high: quantile(resampled, HIGH)?,
        })
    };
    Ok(Bootstrap {
        auroc: interval(auroc, &aurocs)?,
        auprc: interval(auprc, &auprcs)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;

    use super::*;

    /// Normally distributed, by the sum of twelve uniform numbers.
    fn gaussian(random: &mut impl Rng) -> f64 {
        let uniform = |random: &mut dyn FnMut() -> u64| random() as f64 / u64::MAX as f64;
        let mut draw = || random.next_u64();
        (0..12).map(|_| uniform(&mut draw)).sum::<f64>() - 6.0
    }

    /// Normals around 0, abnormal ones around `shift`.
    fn sample(normals: usize, abnormal: usize, shift: f64, seed: u64) -> (Vec<f64>, Vec<bool>) {
        let mut random = generator(seed, 7);
        let labels: Vec<bool> = (0..normals + abnormal).map(|i| i >= normals).collect();
        let scores = labels
            .iter()
            .map(|&label| gaussian(&mut random) + if label { shift } else { 0.0 })
            .collect();
        (scores, labels)
    }

    #[test]
    fn a_seed_is_pinned() {
        // A change here would silently change what every seed means.
        let (scores, abnormal) = sample(40, 25, 1.0, 3);
        let got = bootstrap(&scores, &abnormal, 100, 5).unwrap();
        assert_eq!(got, bootstrap(&scores, &abnormal, 100, 5).unwrap());
        assert_ne!(got, bootstrap(&scores, &abnormal, 100, 6).unwrap());
        assert_eq!(got.auroc.to_string(), ".776 (.629 to .863)");
        assert_eq!(got.auprc.to_string(), ".711 (.552 to .837)");
        let (mut reversed, mut labels) = (scores.clone(), abnormal.clone());
        reversed.reverse();
        labels.reverse();
        assert_eq!(got, bootstrap(&reversed, &labels, 100, 5).unwrap());
    }

    /// AUROC of two unit Gaussians 1 apart is Φ(1/√2) = .76025.
    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let sets = 400;
        let mut held = 0;
        for seed in 0..sets {
            let (scores, abnormal) = sample(120, 60, 1.0, seed);
            let Interval { low, high, .. } =
                bootstrap(&scores, &abnormal, 200, seed).unwrap().auroc;
            held += u64::from(low <= 0.76025 && 0.76025 <= high);
        }
        let share = held as f64 / sets as f64;
        assert!((0.91..=0.98).contains(&share), "{share}");
    }

    #[test]
    fn the_width_falls_with_the_root_of_the_pictures() {
        let width = |k: usize| {
            let (scores, abnormal) = sample(100 * k, 100 * k, 1.0, 11);
            let Interval { low, high, .. } = bootstrap(&scores, &abnormal, 500, 0).unwrap().auroc;
            high - low
        };
        let ratio = width(1) / width(16);
        assert!((3.0..5.3).contains(&ratio), "{ratio}");
    }

    #[test]
    fn separated_and_constant_scores_have_no_width() {
        let abnormal = [true, true, false, false, false];
        let got = bootstrap(&[3.0, 2.0, 1.0, 0.0, -0.0], &abnormal, 50, 0).unwrap();
        let one = Interval {
            value: 1.0,
            low: 1.0,
            high: 1.0,
        };
        assert_eq!((got.auroc, got.auprc), (one, one));
        let got = bootstrap(&[0.0, -0.0, 0.0, 0.0, -0.0], &abnormal, 50, 0).unwrap();
        assert_eq!(
            (got.auroc.low, got.auroc.value, got.auroc.high),
            (0.5, 0.5, 0.5)
        );
        assert_eq!((got.auprc.low, got.auprc.high), (0.4, 0.4));
    }

    #[test]
    fn nonsense_is_refused() {
        let both = [true, false];
        assert_eq!(
            bootstrap(&[1.0, 2.0], &both, 0, 0),
            Err(MetricError::NoResamples)
        );
        assert!(matches!(
            bootstrap(&[1.0, f64::NAN], &both, 10, 0),
            Err(MetricError::NotFinite { index: 1, .. })
        ));
        assert!(matches!(
            bootstrap(&[1.0, 2.0], &[true, true], 10, 0),
            Err(MetricError::OneClass { .. })
        ));
    }

    #[test]
    fn many_images_have_a_narrow_interval() {
        let (scores, abnormal) = sample(9_000, 6_000, 0.5, 1);
        let got = bootstrap(&scores, &abnormal, RESAMPLES, 0).unwrap();
        assert!(got.auroc.high - got.auroc.low < 0.03);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_estimate(
            pairs in proptest::collection::vec((0i32..40, any::<bool>()), 40..120),
            seed: u64,
        ) {
            let (scores, abnormal): (Vec<f64>, Vec<bool>) =
                pairs.into_iter().map(|(s, a)| (f64::from(s), a)).unzip();
            prop_assume!(abnormal.iter().filter(|&&a| a).count() >= 5);
            prop_assume!(abnormal.iter().filter(|&&a| !a).count() >= 5);
            let got = bootstrap(&scores, &abnormal, 200, seed).unwrap();
            for Interval { value, low, high } in [got.auroc, got.auprc] {
                prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
            }
        }
    }
}
