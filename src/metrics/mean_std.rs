//! The same number from several runs.

use serde::{Deserialize, Serialize};

use super::error::{MetricError, check_finite};

/// Mean and standard deviation over runs that differ in their seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanStd {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation, with n - 1 in the denominator: none for one run.
    pub sd: Option<f64>,
    /// Number of runs.
    pub n: usize,
}

impl std::fmt::Display for MeanStd {
    /// `.812 ± .004`, or `.812` for one run.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&three_decimals(self.mean))?;
        match self.sd {
            Some(sd) => write!(f, " ± {}", three_decimals(sd)),
            None => Ok(()),
        }
    }
}

/// Mean and sample standard deviation, `√(Σ (x - x̄)² / (n - 1))`.
///
/// # Errors
/// If there are no values or one is not finite.
pub fn mean_std(values: &[f64]) -> Result<MeanStd, MetricError> {
    if values.is_empty() {
        return Err(MetricError::Empty);
    }
    check_finite(values)?;
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    Ok(MeanStd {
        mean,
        sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
        n,
    })
}

/// As the papers print rates: `.812`, `1.000`, `-.050`.
pub(super) fn three_decimals(value: f64) -> String {
    let text = format!("{value:.3}");
    match text.strip_prefix("-0.") {
        Some("000") => ".000".into(),
        Some(decimals) => format!("-.{decimals}"),
        None => text.strip_prefix('0').map_or(text.clone(), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_runs() {
        let got = mean_std(&[0.808, 0.812, 0.816]).unwrap();
        assert!((got.mean - 0.812).abs() < 1e-12);
        assert!((got.sd.unwrap() - 0.004).abs() < 1e-12);
        assert_eq!(got.n, 3);
        assert_eq!(got.to_string(), ".812 ± .004");
    }

    #[test]
    fn one_run_has_no_deviation() {
        let got = mean_std(&[0.5]).unwrap();
        assert_eq!((got.sd, got.n), (None, 1));
        assert_eq!(got.to_string(), ".500");
        assert_eq!(mean_std(&[0.5, 0.5]).unwrap().sd, Some(0.0));
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (1.0, "1.000"),
            (0.9996, "1.000"),
            (0.0, ".000"),
            (-0.0001, ".000"),
            (-0.05, "-.050"),
            (-1.25, "-1.250"),
            (12.0, "12.000"),
        ] {
            assert_eq!(three_decimals(value), expected);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(mean_std(&[]), Err(MetricError::Empty));
        assert!(mean_std(&[0.5, f64::NAN]).is_err());
    }
}
