//! The metrics of a ranking: areas, curves, the best F1, error rates and quantiles.

use super::error::{MetricError, check_finite, check_lengths};

/// Area under the ROC curve: the probability that an abnormal score exceeds a normal one, ties
/// counting one half.
///
/// By ranks (Mann and Whitney): `(S - m (m + 1) / 2) / (m n)`, with `S` the sum of the abnormal
/// scores' ranks, equal scores sharing the middle rank, `m` abnormal and `n` normal.
///
/// # Errors
/// If the lengths differ, a score is not finite, or a class is missing.
pub fn auroc(scores: &[f64], abnormal: &[bool]) -> Result<f64, MetricError> {
    Ok(auroc_of(&groups(scores, abnormal)?))
}

pub(super) fn auroc_of(groups: &[Group]) -> f64 {
    let (m, n) = totals(groups);
    // Counting pairs in integers is exact, and gives exactly 1 - AUROC for negated scores.
    let mut normals_below = n as u128;
    let mut twice_wins: u128 = 0;
    for group in groups {
        normals_below -= group.normals as u128;
        twice_wins += group.abnormal as u128 * (2 * normals_below + group.normals as u128);
    }
    twice_wins as f64 / (2.0 * m as f64 * n as f64)
}

/// Area under the precision-recall curve as average precision, `Σ (R_k - R_{k-1}) P_k` over falling
/// thresholds: what scikit-learn's `average_precision_score` computes. There is no interpolation, which
/// would be too optimistic.
///
/// # Errors
/// As [`auroc`].
pub fn auprc(scores: &[f64], abnormal: &[bool]) -> Result<f64, MetricError> {
    Ok(auprc_of(&groups(scores, abnormal)?))
}

pub(super) fn auprc_of(groups: &[Group]) -> f64 {
    let (m, _) = totals(groups);
    let (mut hits, mut flagged, mut area) = (0, 0, 0.0);
    for group in groups {
        hits += group.abnormal;
        flagged += group.abnormal + group.normals;
        // A resample may have drawn nothing so far.
        if group.abnormal > 0 {
            area += group.abnormal as f64 * hits as f64 / flagged as f64;
        }
    }
    area / m as f64
}

/// The ROC curve as (false-positive rate, true-positive rate), from (0, 0) to (1, 1), one point for
/// every distinct score.
///
/// # Errors
/// As [`auroc`].
pub fn roc_curve(scores: &[f64], abnormal: &[bool]) -> Result<Vec<(f64, f64)>, MetricError> {
    let groups = groups(scores, abnormal)?;
    let (m, n) = totals(&groups);
    let (mut hits, mut false_alarms) = (0, 0);
    let mut curve = vec![(0.0, 0.0)];
    for group in &groups {
        hits += group.abnormal;
        false_alarms += group.normals;
        curve.push((false_alarms as f64 / n as f64, hits as f64 / m as f64));
    }
    Ok(curve)
}

/// The precision-recall curve as (recall, precision) in order of rising recall, one point for every
/// distinct score.
///
/// # Errors
/// As [`auroc`].
pub fn pr_curve(scores: &[f64], abnormal: &[bool]) -> Result<Vec<(f64, f64)>, MetricError> {
    let groups = groups(scores, abnormal)?;
    let (m, _) = totals(&groups);
    let (mut hits, mut flagged) = (0, 0);
    Ok(groups
        .iter()
        .map(|group| {
            hits += group.abnormal;
            flagged += group.abnormal + group.normals;
            (hits as f64 / m as f64, hits as f64 / flagged as f64)
        })
        .collect())
}

/// The best F1 over all thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestF1 {
    /// `2 P R / (P + R)`.
    pub f1: f64,
    /// Share of the flagged that is abnormal.
    pub precision: f64,
    /// Share of the abnormal that is flagged.
    pub recall: f64,
    /// A score above this is flagged: halfway between the lowest flagged score and the next lower
    /// one, or just below the lowest score where everything is flagged.
    pub threshold: f64,
}

/// The largest F1 and a threshold that gives it; of equal ones, the highest threshold.
///
/// # Errors
/// As [`auroc`].
pub fn f1_max(scores: &[f64], abnormal: &[bool]) -> Result<BestF1, MetricError> {
    let groups = groups(scores, abnormal)?;
    let (m, _) = totals(&groups);
    let (mut hits, mut flagged) = (0, 0);
    let mut best = BestF1 {
        f1: -1.0,
        precision: 0.0,
        recall: 0.0,
        threshold: f64::NAN,
    };
    for (k, group) in groups.iter().enumerate() {
        hits += group.abnormal;
        flagged += group.abnormal + group.normals;
        let f1 = 2.0 * hits as f64 / (flagged + m) as f64;
        if f1 > best.f1 {
            best = BestF1 {
                f1,
                precision: hits as f64 / flagged as f64,
                recall: hits as f64 / m as f64,
                threshold: threshold_below(group.score, groups.get(k + 1).map(|next| next.score)),
            };
        }
    }
    Ok(best)
}

/// A threshold that `flagged` exceeds and `next` does not.
fn threshold_below(flagged: f64, next: Option<f64>) -> f64 {
    match next {
        // Halves first: the sum of two large scores may overflow.
        Some(next) => {
            let middle = next / 2.0 + flagged / 2.0;
            if middle > next && middle < flagged {
                middle
            } else {
                next
            }
        }
        None => flagged.next_down(),
    }
}

/// Equal error rate: where the ROC curve, with straight lines between its points, has as many false
/// alarms as misses (as rates).
///
/// # Errors
/// As [`auroc`].
pub fn eer(scores: &[f64], abnormal: &[bool]) -> Result<f64, MetricError> {
    let curve = roc_curve(scores, abnormal)?;
    for pair in curve.windows(2) {
        let ((fpr0, tpr0), (fpr1, tpr1)) = (pair[0], pair[1]);
        // Rises from -1 at (0, 0) to 1 at (1, 1).
        let (before, after) = (fpr0 + tpr0 - 1.0, fpr1 + tpr1 - 1.0);
        if after >= 0.0 {
            let part = -before / (after - before);
            return Ok(fpr0 + part * (fpr1 - fpr0));
        }
    }
    // The last point is (1, 1).
    unreachable!("a ROC curve ends at (1, 1)")
}

/// False-positive rate at a true-positive rate of at least `tpr`: the share of normal images that
/// are flagged by the highest threshold that flags the share `tpr` of the abnormal ones.
///
/// The smallest false-positive rate among the points of [`roc_curve`] whose true-positive rate is
/// `tpr` or more. Nothing is interpolated: images of one score are flagged together or not at all,
/// so with ties the true-positive rate may be well above `tpr`. At `tpr` 0 it is 0.
///
/// # Errors
/// As [`auroc`], or if `tpr` is not from 0 to 1.
pub fn fpr_at_tpr(scores: &[f64], abnormal: &[bool], tpr: f64) -> Result<f64, MetricError> {
    if !(0.0..=1.0).contains(&tpr) {
        return Err(MetricError::Rate(tpr));
    }
    // Both rates rise along the curve, so the first point that reaches `tpr` is the one.
    let curve = roc_curve(scores, abnormal)?;
    let reached = curve.iter().find(|point| point.1 >= tpr);
    // The last point is (1, 1).
    Ok(reached.map_or(1.0, |point| point.0))
}

/// The `q`-quantile with linear interpolation between order statistics (type 7 of Hyndman and Fan,
/// NumPy's default). The values need not be sorted.
///
/// # Errors
/// If there are no values, one is not finite, or `q` is not from 0 to 1.
pub fn quantile(values: &[f64], q: f64) -> Result<f64, MetricError> {
    if values.is_empty() {
        return Err(MetricError::Empty);
    }
    if !(0.0..=1.0).contains(&q) {
        return Err(MetricError::Quantile(q));
    }
    check_finite(values)?;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let part = position - below as f64;
    Ok(sorted[below] + (sorted[above] - sorted[below]) * part)
}

/// All images of one score.
#[derive(Clone, Debug)]
pub(super) struct Group {
    score: f64,
    pub(super) abnormal: usize,
    pub(super) normals: usize,
}

/// The distinct scores, highest first, with how many images of each class have them.
pub(super) fn groups(scores: &[f64], abnormal: &[bool]) -> Result<Vec<Group>, MetricError> {
    check_lengths(scores, abnormal)?;
    check_finite(scores)?;
    let mut pairs: Vec<_> = scores
        .iter()
        .copied()
        .zip(abnormal.iter().copied())
        .collect();
    pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut groups: Vec<Group> = Vec::new();
    for (score, abnormal) in pairs {
        // `==` and not the total order: -0 and 0 are one score.
        match groups.last_mut() {
            Some(group) if group.score == score => {
                group.abnormal += usize::from(abnormal);
                group.normals += usize::from(!abnormal);
            }
            _ => groups.push(Group {
                score,
                abnormal: usize::from(abnormal),
                normals: usize::from(!abnormal),
            }),
        }
    }
    match totals(&groups) {
        (0, normals) => Err(MetricError::OneClass {
            normals,
            abnormal: 0,
        }),
        (abnormal, 0) => Err(MetricError::OneClass {
            normals: 0,
            abnormal,
        }),
        _ => Ok(groups),
    }
}

/// Abnormal and normal images.
pub(super) fn totals(groups: &[Group]) -> (usize, usize) {
    groups.iter().fold((0, 0), |(m, n), group| {
        (m + group.abnormal, n + group.normals)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCORES: [f64; 12] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.7, 0.2, 0.8, 0.05, 0.4, 0.6];
    const ABNORMAL: [bool; 12] = [
        false, false, true, true, true, false, false, false, true, false, true, true,
    ];

    fn close(got: f64, expected: f64) {
        assert!(
            (got - expected).abs() < 1e-12,
            "expected {expected}, got {got}"
        );
    }

    #[test]
    fn a_small_set_with_ties_as_scikit_learn() {
        close(auroc(&SCORES, &ABNORMAL).unwrap(), 0.777_777_777_777_777_8);
        close(auprc(&SCORES, &ABNORMAL).unwrap(), 0.777_777_777_777_777_8);
        close(eer(&SCORES, &ABNORMAL).unwrap(), 1.0 / 3.0);
        let best = f1_max(&SCORES, &ABNORMAL).unwrap();
        close(best.f1, 0.8);
        close(best.precision, 2.0 / 3.0);
        close(best.recall, 1.0);
        close(best.threshold, 0.275);
        let roc = roc_curve(&SCORES, &ABNORMAL).unwrap();
        let expected = [
            (0.0, 0.0),
            (0.0, 1.0 / 3.0),
            (1.0 / 6.0, 1.0 / 3.0),
            (1.0 / 6.0, 0.5),
            (0.5, 5.0 / 6.0),
            (0.5, 1.0),
            (2.0 / 3.0, 1.0),
            (5.0 / 6.0, 1.0),
            (1.0, 1.0),
        ];
        assert_eq!(roc.len(), expected.len());
        for (got, expected) in roc.iter().zip(expected) {
            close(got.0, expected.0);
            close(got.1, expected.1);
        }
        let pr = pr_curve(&SCORES, &ABNORMAL).unwrap();
        let expected = [
            (1.0 / 3.0, 1.0),
            (1.0 / 3.0, 2.0 / 3.0),
            (0.5, 0.75),
            (5.0 / 6.0, 0.625),
            (1.0, 2.0 / 3.0),
            (1.0, 0.6),
            (1.0, 6.0 / 11.0),
            (1.0, 0.5),
        ];
        assert_eq!(pr.len(), expected.len());
        for (got, expected) in pr.iter().zip(expected) {
            close(got.0, expected.0);
            close(got.1, expected.1);
        }
    }

    /// 200 scores of 50 values from a written-out generator, so that scikit-learn 1.9 could be asked
    /// about the same ones.
    #[test]
    fn a_larger_set_with_many_ties_as_scikit_learn() {
        let mut x: u64 = 12_345;
        let mut next = || {
            x = (x * 1_103_515_245 + 12_345) % (1 << 31);
            x >> 16
        };
        let (mut scores, mut abnormal) = (Vec::new(), Vec::new());
        for _ in 0..200 {
            let score = (next() % 50) as f64 / 10.0;
            abnormal.push(next() % 100 < if score > 2.5 { 50 } else { 30 });
            scores.push(score);
        }
        assert_eq!(abnormal.iter().filter(|&&a| a).count(), 82);
        close(auroc(&scores, &abnormal).unwrap(), 0.649_648_615_130_219_2);
        close(auprc(&scores, &abnormal).unwrap(), 0.542_296_891_606_258_2);
        close(
            f1_max(&scores, &abnormal).unwrap().f1,
            0.611_570_247_933_884_3,
        );
    }

    #[test]
    fn by_hand() {
        let perfect = [1.0, 2.0, 3.0];
        assert_eq!(auroc(&perfect, &[false, false, true]), Ok(1.0));
        assert_eq!(auprc(&perfect, &[false, false, true]), Ok(1.0));
        assert_eq!(eer(&perfect, &[false, false, true]), Ok(0.0));
        assert_eq!(auroc(&perfect, &[true, false, false]), Ok(0.0));
        assert_eq!(eer(&perfect, &[true, false, false]), Ok(1.0));
        // A constant score carries no information; precision is then the share of abnormal images.
        assert_eq!(auroc(&[5.0; 4], &[true, false, false, false]), Ok(0.5));
        assert_eq!(auprc(&[5.0; 4], &[true, false, false, false]), Ok(0.25));
        assert_eq!(eer(&[5.0; 4], &[true, false, false, false]), Ok(0.5));
        // Zero has two signs and one value.
        assert_eq!(auroc(&[0.0, -0.0], &[true, false]), Ok(0.5));
    }

    #[test]
    fn quantiles_as_numpy() {
        for (q, expected) in [
            (0.0, 0.05),
            (0.01, 0.0555),
            (0.25, 0.3125),
            (0.5, 0.4),
            (0.9, 0.79),
            (1.0, 0.8),
        ] {
            close(quantile(&SCORES, q).unwrap(), expected);
        }
        assert_eq!(quantile(&[3.0], 0.99), Ok(3.0));
    }

    #[test]
    fn nonsense_is_refused() {
        let nan = [0.1, f64::NAN];
        let both = [true, false];
        for error in [
            auroc(&nan, &both).unwrap_err(),
            auprc(&nan, &both).unwrap_err(),
            eer(&nan, &both).unwrap_err(),
            f1_max(&nan, &both).unwrap_err(),
            quantile(&nan, 0.5).unwrap_err(),
        ] {
            assert!(
                matches!(error, MetricError::NotFinite { index: 1, .. }),
                "{error}"
            );
        }
        assert_eq!(
            auroc(&[1.0], &both),
            Err(MetricError::Lengths {
                scores: 1,
                labels: 2
            })
        );
        assert_eq!(
            auroc(&[1.0, 2.0], &[false, false]),
            Err(MetricError::OneClass {
                normals: 2,
                abnormal: 0
            })
        );
        assert_eq!(
            auroc(&[], &[]),
            Err(MetricError::OneClass {
                normals: 0,
                abnormal: 0
            })
        );
        assert_eq!(quantile(&[], 0.5), Err(MetricError::Empty));
        assert_eq!(quantile(&[1.0], 1.5), Err(MetricError::Quantile(1.5)));
        assert!(quantile(&[1.0], f64::NAN).is_err());
    }

    /// Scores from few values, so that ties are common, with both classes in them.
    fn scored() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
        proptest::collection::vec((0i32..20, any::<bool>()), 2..80)
            .prop_filter("both classes", |pairs| {
                pairs.iter().any(|p| p.1) && pairs.iter().any(|p| !p.1)
            })
            .prop_map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(s, a)| (f64::from(s) / 4.0 - 2.0, a))
                    .unzip()
            })
    }

    proptest! {
        #[test]
        fn auroc_counts_pairs((scores, abnormal) in scored()) {
            let (mut wins, mut pairs) = (0.0, 0.0);
            for i in 0..scores.len() {
                for j in 0..scores.len() {
                    if abnormal[i] && !abnormal[j] {
                        pairs += 1.0;
                        wins += match scores[i].total_cmp(&scores[j]) {
                            std::cmp::Ordering::Greater => 1.0,
                            std::cmp::Ordering::Equal => 0.5,
                            std::cmp::Ordering::Less => 0.0,
                        };
                    }
                }
            }
            let got = auroc(&scores, &abnormal).unwrap();
            prop_assert!((0.0..=1.0).contains(&got));
            prop_assert!((got - wins / pairs).abs() < 1e-12);
        }

        #[test]
        fn only_the_order_of_the_scores_counts((scores, abnormal) in scored()) {
            let mapped: Vec<f64> = scores.iter().map(|s| s.exp() * 3.0 + s.powi(3)).collect();
            prop_assert_eq!(auroc(&mapped, &abnormal), auroc(&scores, &abnormal));
            prop_assert_eq!(auprc(&mapped, &abnormal), auprc(&scores, &abnormal));
            prop_assert_eq!(eer(&mapped, &abnormal), eer(&scores, &abnormal));
            prop_assert_eq!(f1_max(&mapped, &abnormal).unwrap().f1, f1_max(&scores, &abnormal).unwrap().f1);
        }

        #[test]
        fn negated_scores_turn_auroc_round((scores, abnormal) in scored()) {
            let negated: Vec<f64> = scores.iter().map(|s| -s).collect();
            let sum = auroc(&negated, &abnormal).unwrap() + auroc(&scores, &abnormal).unwrap();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }

        #[test]
        fn auroc_is_the_area_under_the_curve((scores, abnormal) in scored()) {
            let curve = roc_curve(&scores, &abnormal).unwrap();
            let area: f64 = curve.windows(2).map(|p| (p[1].0 - p[0].0) * (p[0].1 + p[1].1) / 2.0).sum();
            prop_assert!((area - auroc(&scores, &abnormal).unwrap()).abs() < 1e-12);
            prop_assert!(curve.windows(2).all(|p| p[0].0 <= p[1].0 && p[0].1 <= p[1].1));
            prop_assert_eq!(curve.last(), Some(&(1.0, 1.0)));
        }

        #[test]
        fn the_order_of_the_pictures_does_not_count((scores, abnormal) in scored(), turn in 0usize..80) {
            let (mut s, mut a) = (scores.clone(), abnormal.clone());
            let turn = turn % s.len();
            s.rotate_left(turn);
            a.rotate_left(turn);
            s.reverse();
            a.reverse();
            prop_assert_eq!(auroc(&s, &a), auroc(&scores, &abnormal));
            prop_assert_eq!(auprc(&s, &a), auprc(&scores, &abnormal));
            prop_assert_eq!(eer(&s, &a), eer(&scores, &abnormal));
            prop_assert_eq!(f1_max(&s, &a), f1_max(&scores, &abnormal));
        }

        #[test]
        fn rates_are_rates((scores, abnormal) in scored()) {
            let auprc = auprc(&scores, &abnormal).unwrap();
            prop_assert!(auprc > 0.0 && auprc <= 1.0);
            let eer = eer(&scores, &abnormal).unwrap();
            prop_assert!((0.0..=1.0).contains(&eer));
        }

        #[test]
        fn the_best_threshold_gives_the_best_f1((scores, abnormal) in scored()) {
            let f1 = |threshold: f64| {
                let flagged = |i: &usize| scores[*i] > threshold;
                let all = 0..scores.len();
                let hits = all.clone().filter(flagged).filter(|&i| abnormal[i]).count();
                let flagged = all.clone().filter(flagged).count();
                2.0 * hits as f64 / (flagged + all.filter(|&i| abnormal[i]).count()) as f64
            };
            let best = f1_max(&scores, &abnormal).unwrap();
            prop_assert!((f1(best.threshold) - best.f1).abs() < 1e-12);
            for &threshold in &scores {
                prop_assert!(f1(threshold) <= best.f1 + 1e-12);
            }
        }

        #[test]
        fn quantiles_rise_and_stay_inside(values in proptest::collection::vec(-1e6f64..1e6, 1..50), a in 0.0f64..=1.0, b in 0.0f64..=1.0) {
            let (low, high) = (a.min(b), a.max(b));
            let (x, y) = (quantile(&values, low).unwrap(), quantile(&values, high).unwrap());
            let min = values.iter().copied().fold(f64::INFINITY, f64::min);
            let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(x <= y + 1e-9 && min <= x + 1e-9 && y <= max + 1e-9);
        }
    }
}
