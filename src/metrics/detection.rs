//! Probability of detection: how large a fault must be to be found, as non-destructive testing measures it.
//!
//! Sources: MIL-HDBK-1823A (2009), *Nondestructive Evaluation System Reliability Assessment*, appendix G, for the
//! model of hits and misses, a90, and bounds by the likelihood ratio; Firth 1993, *Bias reduction of maximum
//! likelihood estimates*, Biometrika 80, with Heinze and Schemper 2002, *A solution to the problem of separation in
//! logistic regression*, Statistics in Medicine 21, for trials that a size separates.

use serde::{Deserialize, Serialize};

use super::error::{MetricError, check_finite, check_lengths};

/// The probability of detection that a90 stands for.
pub const DETECTED: f64 = 0.9;

/// The .9 quantile of χ² with one degree of freedom: beyond it lies an upper bound with 95 % confidence.
const CRITICAL: f64 = 2.705_543_454_095_404;

/// Largest number of Newton's steps, and of halvings of a step or an interval.
const STEPS: usize = 200;
const HALVINGS: usize = 60;

/// The probability that a fault is found, as a function of its size a: a logistic curve over ln a.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionCurve {
    /// β₀.
    pub intercept: f64,
    /// β₁, above 0.
    pub slope: f64,
}

/// Why a90 or its bound is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreached {
    /// Faults of the smallest size tried are found with a probability of .9 or more.
    SmallerThanTried,
    /// Faults of the largest size tried are not found with a probability of .9.
    LargerThanTried,
    /// Larger faults are not found more often than smaller ones, and fewer than .9 of all.
    NotRising,
    /// a90 is within the sizes tried, its bound is not: too few trials.
    Uncertain,
}

/// How large a fault must be to be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The curve; none if all or none were found, or larger ones not more often.
    pub curve: Option<DetectionCurve>,
    /// The size found with a probability of .9, if it is within the sizes tried: none is extrapolated.
    pub a90: Option<f64>,
    /// Upper bound of a90 with 95 % confidence, if it is within the sizes tried.
    pub a90_95: Option<f64>,
    /// Why one of them is missing.
    pub reason: Option<Unreached>,
}

impl DetectionCurve {
    /// `POD(a) = 1 / (1 + exp(-(β₀ + β₁ ln a)))`.
    ///
    /// Source: MIL-HDBK-1823A, appendix G, the logit link.
    pub fn probability(&self, size: f64) -> f64 {
        logistic(self.intercept + self.slope * size.ln())
    }

    /// The size that is found with probability p: `exp((ln(p / (1 - p)) - β₀) / β₁)`.
    pub fn size(&self, probability: f64) -> f64 {
        ((logit(probability) - self.intercept) / self.slope).exp()
    }
}

/// Fits the curve to trials by maximum likelihood, and bounds a90 by the likelihood ratio.
///
/// If one size separates all misses from all hits, the likelihood has no maximum; it is then penalised as Firth
/// proposed, which gives a steep but finite curve. `sizes` are above 0, in any unit: a90 has the same.
///
/// # Errors
/// If there are no trials, a size is not above 0 and finite, or sizes and verdicts do not pair up.
pub fn detection(sizes: &[f64], found: &[bool]) -> Result<Detection, MetricError> {
    check_lengths(sizes, found)?;
    let logs: Vec<f64> = sizes.iter().map(|size| size.ln()).collect();
    check_finite(&logs)?;
    let (Some(smallest), Some(largest)) = (
        logs.iter().copied().reduce(f64::min),
        logs.iter().copied().reduce(f64::max),
    ) else {
        return Err(MetricError::Empty);
    };
    let without = |curve, reason| {
        Ok(Detection {
            curve,
            a90: None,
            a90_95: None,
            reason: Some(reason),
        })
    };
    if !found.contains(&true) {
        return without(None, Unreached::LargerThanTried);
    }
    if !found.contains(&false) {
        return without(None, Unreached::SmallerThanTried);
    }
    let trials = Trials::new(logs, found);
    let [intercept, slope] = trials.fit();
    // A slope that rounding alone keeps from 0 is none.
    if slope * (largest - smallest) < 1e-6 {
        let hits = found.iter().filter(|&&found| found).count();
        let everywhere = hits as f64 >= DETECTED * found.len() as f64;
        return match everywhere {
            true => without(None, Unreached::SmallerThanTried),
            false => without(None, Unreached::NotRising),
        };
    }
    let curve = DetectionCurve { intercept, slope };
    let a90 = (logit(DETECTED) - intercept) / slope;
    if a90 > largest {
        return without(Some(curve), Unreached::LargerThanTried);
    }
    if a90 < smallest {
        return without(Some(curve), Unreached::SmallerThanTried);
    }
    let bound = trials.bound([intercept, slope], a90, largest);
    Ok(Detection {
        curve: Some(curve),
        a90: Some(a90.exp()),
        a90_95: bound.map(f64::exp),
        reason: bound.is_none().then_some(Unreached::Uncertain),
    })
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// Trials of faults: ln a and whether each was found, by size, so that no result depends on their order.
struct Trials {
    pairs: Vec<(f64, f64)>,
    /// Weight of Firth's penalty, 0 or 1.
    penalty: f64,
}

impl Trials {
    fn new(logs: Vec<f64>, found: &[bool]) -> Self {
        let hits = found.iter().map(|&found| f64::from(u8::from(found)));
        let mut pairs: Vec<(f64, f64)> = logs.into_iter().zip(hits).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let ends = |hit: f64| {
            let of = || pairs.iter().filter(|pair| pair.1 == hit).map(|pair| pair.0);
            (
                of().fold(f64::INFINITY, f64::min),
                of().fold(f64::NEG_INFINITY, f64::max),
            )
        };
        let ((first_miss, last_miss), (first_hit, last_hit)) = (ends(0.0), ends(1.0));
        let separated = last_miss <= first_hit || last_hit <= first_miss;
        let penalty = f64::from(u8::from(separated));
        Self { pairs, penalty }
    }

    /// Fisher's information of `(β₀, β₁)`, `Σ p (1 - p) (1, x) (1, x)ᵀ`: its entries 00, 01 and 11.
    fn information(&self, [b0, b1]: [f64; 2]) -> [f64; 3] {
        self.pairs.iter().fold([0.0; 3], |[a, b, c], &(x, _)| {
            let p = logistic(b0 + b1 * x);
            let weight = p * (1.0 - p);
            [a + weight, b + weight * x, c + weight * x * x]
        })
    }

    /// `ℓ(β) = Σ y η - ln(1 + exp η)` with `η = β₀ + β₁ x`; where trials are separated plus Firth's penalty,
    /// `½ ln det I(β)`.
    fn likelihood(&self, beta: [f64; 2]) -> f64 {
        let own = |&(x, y): &(f64, f64)| {
            let eta = beta[0] + beta[1] * x;
            y * eta - (eta.max(0.0) + (-eta.abs()).exp().ln_1p())
        };
        let plain: f64 = self.pairs.iter().map(own).sum();
        match self.penalty > 0.0 {
            true => plain + self.penalty * 0.5 * determinant(self.information(beta)).ln(),
            false => plain,
        }
    }

    /// The gradient of [`Trials::likelihood`]: `Σ (y - p + h (½ - p)) (1, x)`, where h is a trial's leverage,
    /// `p (1 - p) (1, x) I⁻¹ (1, x)ᵀ`, and counts under the penalty only.
    fn gradient(&self, [b0, b1]: [f64; 2]) -> [f64; 2] {
        let [a, b, c] = self.information([b0, b1]);
        let det = determinant([a, b, c]);
        self.pairs.iter().fold([0.0; 2], |[g0, g1], &(x, y)| {
            let p = logistic(b0 + b1 * x);
            let leverage = match self.penalty > 0.0 {
                true => p * (1.0 - p) * (c - 2.0 * b * x + a * x * x) / det,
                false => 0.0,
            };
            let residual = y - p + self.penalty * leverage * (0.5 - p);
            [g0 + residual, g1 + residual * x]
        })
    }

    /// Where the likelihood is largest: Newton's method with Fisher's information, halving steps that would lower it.
    fn fit(&self) -> [f64; 2] {
        let mut beta = [0.0; 2];
        let mut best = self.likelihood(beta);
        for _ in 0..STEPS {
            let ([a, b, c], [g0, g1]) = (self.information(beta), self.gradient(beta));
            let det = determinant([a, b, c]);
            let step = [(c * g0 - b * g1) / det, (a * g1 - b * g0) / det];
            let moved = (0..HALVINGS).find_map(|halvings| {
                let part = 0.5_f64.powi(halvings as i32);
                let next = [beta[0] + part * step[0], beta[1] + part * step[1]];
                let value = self.likelihood(next);
                (value > best).then_some((next, value))
            });
            let Some((next, value)) = moved else { break };
            (beta, best) = (next, value);
        }
        beta
    }

    /// The largest likelihood of all rising curves that pass through `POD(exp(x)) = .9`: along
    /// `β = (logit .9 - β₁ x, β₁)` the slope's derivative changes its sign there.
    fn profile(&self, x: f64) -> f64 {
        let at = |slope: f64| [logit(DETECTED) - slope * x, slope];
        let rising = |slope: f64| {
            let [g0, g1] = self.gradient(at(slope));
            g1 - x * g0 > 0.0
        };
        let (mut low, mut high) = (0.0, 1.0);
        while rising(high) && high < 1e6 {
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            *(if rising(middle) { &mut low } else { &mut high }) = middle;
        }
        self.likelihood(at(low))
    }

    /// ln of the upper bound of a90 with 95 % confidence, if it is at most `largest`: the first size above a90 whose
    /// profile likelihood falls below the largest one by half the critical value, `2 (ℓ(β̂) - ℓ(x)) = χ²`.
    ///
    /// Source: MIL-HDBK-1823A, appendix G, bounds by the likelihood ratio, here of a90 itself (one degree of freedom).
    fn bound(&self, beta: [f64; 2], a90: f64, largest: f64) -> Option<f64> {
        let top = self.likelihood(beta);
        let beyond = |x: f64| 2.0 * (top - self.profile(x)) >= CRITICAL;
        if !beyond(largest) {
            return None;
        }
        let (mut low, mut high) = (a90, largest);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            *(if beyond(middle) { &mut high } else { &mut low }) = middle;
        }
        Some(high)
    }
}

fn determinant([a, b, c]: [f64; 3]) -> f64 {
    a * c - b * b
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(got: f64, expected: f64) {
        assert!(
            (got - expected).abs() < 1e-6 * expected.abs().max(1.0),
            "{got}, {expected}"
        );
    }

    /// Sizes 1 to 20, each `times` times.
    fn twenty(times: usize) -> (Vec<f64>, Vec<bool>) {
        let found =
            [0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1].map(|hit| hit == 1);
        let sizes: Vec<f64> = (1..=20).map(f64::from).collect();
        (sizes.repeat(times), found.repeat(times))
    }

    #[test]
    fn two_sizes_by_hand() {
        // A quarter of the faults of size 1 is found and three quarters of those of size e: β₀ = -ln 3, β₁ = 2 ln 3.
        let sizes = [1.0, std::f64::consts::E].map(|size| [size; 4]).concat();
        let found = [true, false, false, false, true, true, true, false];
        let got = detection(&sizes, &found).unwrap();
        let curve = got.curve.unwrap();
        close(curve.intercept, -3_f64.ln());
        close(curve.slope, 2.0 * 3_f64.ln());
        close(curve.probability(1.0), 0.25);
        close(curve.size(0.5), 0.5_f64.exp());
        // a90 = exp 1.5 is larger than any size tried.
        close(curve.size(DETECTED), 1.5_f64.exp());
        assert_eq!((got.a90, got.a90_95), (None, None));
        assert_eq!(got.reason, Some(Unreached::LargerThanTried));
    }

    #[test]
    fn a_published_fit() {
        // Damaged O-rings of the space shuttle by temperature: logit p = 15.0429 - .2322 t, deviance 20.315
        // (data of Dalal, Fowlkes and Hoadley 1989, Journal of the American Statistical Association 84; the
        // fit as in R's glm). Cold stands for size here: ln a = -t / 10.
        let fahrenheit = [
            66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76,
            58,
        ];
        let damaged = [1, 8, 9, 10, 13, 20, 22];
        let sizes = fahrenheit.map(|t| (-0.1 * f64::from(t)).exp());
        let found: Vec<bool> = (0..23).map(|flight| damaged.contains(&flight)).collect();
        let got = detection(&sizes, &found).unwrap();
        let DetectionCurve { intercept, slope } = got.curve.unwrap();
        assert!(
            (intercept - 15.0429).abs() < 5e-5 && (slope - 2.322).abs() < 5e-4,
            "{intercept} {slope}"
        );
        let trials = Trials::new(sizes.iter().map(|size| size.ln()).collect(), &found);
        assert!((-2.0 * trials.likelihood([intercept, slope]) - 20.315).abs() < 5e-4);
        close(got.a90.unwrap().ln(), -5.533_048_449);
        assert_eq!((got.a90_95, got.reason), (None, Some(Unreached::Uncertain)));
        let bound = trials.bound([intercept, slope], got.a90.unwrap().ln(), 0.0);
        close(bound.unwrap(), -3.225_436_855);
    }

    #[test]
    fn the_bound_narrows_with_trials() {
        // By nested golden sections over slope and intercept, outside this crate.
        let [few, many] = [1, 4].map(|times| {
            let (sizes, found) = twenty(times);
            detection(&sizes, &found).unwrap()
        });
        close(few.a90.unwrap(), 14.431_522_376);
        close(many.a90.unwrap(), 14.431_522_376);
        assert_eq!((few.a90_95, few.reason), (None, Some(Unreached::Uncertain)));
        close(many.a90_95.unwrap(), 19.318_394_808);
        assert_eq!(many.reason, None);
    }

    #[test]
    fn separated_trials_have_a_finite_curve() {
        // With two sizes Firth's penalty adds half a hit and half a miss to each.
        let sizes = [[1.0; 4], [2.0; 4]].concat();
        let found = [[false; 4], [true; 4]].concat();
        let curve = detection(&sizes, &found).unwrap().curve.unwrap();
        close(curve.probability(1.0), 0.1);
        close(curve.probability(2.0), 0.9);

        let sizes: Vec<f64> = (1..=30).map(f64::from).collect();
        let found: Vec<bool> = sizes.iter().map(|&size| size > 9.0).collect();
        let got = detection(&sizes, &found).unwrap();
        close(got.a90.unwrap(), 12.324_176_151);
        close(got.a90_95.unwrap(), 18.437_366_975);
    }

    #[test]
    fn what_cannot_be_said_is_not() {
        let sizes: Vec<f64> = (1..=8).map(f64::from).collect();
        let reason = |found: &dyn Fn(usize) -> bool| {
            let found: Vec<bool> = (0..8).map(found).collect();
            let got = detection(&sizes, &found).unwrap();
            assert_eq!((got.a90, got.a90_95), (None, None));
            got.reason.unwrap()
        };
        assert_eq!(reason(&|_| false), Unreached::LargerThanTried);
        assert_eq!(reason(&|_| true), Unreached::SmallerThanTried);
        assert_eq!(reason(&|at| at < 3), Unreached::NotRising);
        assert_eq!(reason(&|at| at == 3), Unreached::LargerThanTried);
        // Nearly all found, the one miss among the largest.
        let sizes: Vec<f64> = (1..=20).map(f64::from).collect();
        let found: Vec<bool> = (0..20).map(|at| at != 18).collect();
        let reason = detection(&sizes, &found).unwrap().reason;
        assert_eq!(reason, Some(Unreached::SmallerThanTried));
        let one_size = detection(&[3.0; 4], &[true, false, true, true]).unwrap();
        assert_eq!(one_size.reason, Some(Unreached::NotRising));
        assert_eq!(detection(&[], &[]), Err(MetricError::Empty));
        for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(detection(&[1.0, size], &[true, false]).is_err(), "{size}");
        }
        assert!(detection(&[1.0], &[]).is_err());
    }

    proptest! {
        #[test]
        fn order_and_unit_do_not_count(
            trials in proptest::collection::vec((1.0f64..50.0, any::<bool>()), 4..40),
            unit in 0.01f64..100.0,
        ) {
            let of = |trials: &[(f64, bool)], unit: f64| {
                let sizes: Vec<f64> = trials.iter().map(|t| t.0 * unit).collect();
                let found: Vec<bool> = trials.iter().map(|t| t.1).collect();
                detection(&sizes, &found).unwrap()
            };
            let got = of(&trials, 1.0);
            let mut other = trials.clone();
            other.reverse();
            prop_assert_eq!(got, of(&other, 1.0));
            let scaled = of(&trials, unit);
            if let (Some(a), Some(b)) = (got.a90, scaled.a90) {
                prop_assert!((b / a / unit - 1.0).abs() < 1e-5, "{} {}", a, b);
                prop_assert!(got.a90_95.is_none_or(|bound| bound >= a));
            }
            if let Some(curve) = got.curve {
                let heights: Vec<f64> = (1..60).map(|a| curve.probability(f64::from(a))).collect();
                prop_assert!(heights.is_sorted());
            }
        }
    }
}
