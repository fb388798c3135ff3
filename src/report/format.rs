//! Numbers in words: short, and never hiding nonsense.

use crate::calibration::ThresholdRule;
use crate::metrics::Interval;

pub fn rule_in_words(rule: ThresholdRule) -> String {
    match rule {
        ThresholdRule::HeldOutQuantile(q) => {
            let percent = format!("{:.3}", q * 100.0);
            format!(
                "the {} % quantile of held-out normal images",
                percent.trim_end_matches('0').trim_end_matches('.')
            )
        }
        ThresholdRule::Manual => "set by hand".into(),
    }
}

pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// At most four significant figures.
pub fn figures(value: f64) -> String {
    if value.is_nan() {
        return "not a number".into();
    }
    if value.is_infinite() {
        return "infinite".into();
    }
    let magnitude = value.abs();
    if value == 0.0 {
        "0".into()
    } else if !(1e-4..1e6).contains(&magnitude) {
        format!("{value:.3e}")
    } else {
        let decimals = (3 - magnitude.log10().floor() as i32).max(0) as usize;
        let text = format!("{value:.decimals$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').into(),
            false => text,
        }
    }
}

/// Three decimals, as is usual for such rates.
pub fn rate(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        "–".into()
    }
}

pub fn duration(secs: f64) -> String {
    let whole = secs.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{:.1} s", secs.max(0.0)),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// The ends of an interval.
pub fn range(interval: Interval) -> String {
    format!("{} to {}", rate(interval.low), rate(interval.high))
}

/// A count with its thousands separated.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in per cent.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1} %", 100.0 * share)
    } else {
        "–".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_hide_nonsense() {
        let got = [0.0, 0.031_234_5, 12.3456, 1234.5, 1e-7, 2.5e7, f64::NAN].map(figures);
        assert_eq!(
            got,
            [
                "0",
                "0.03123",
                "12.35",
                "1234",
                "1.000e-7",
                "2.500e7",
                "not a number"
            ]
        );
        assert_eq!(
            [5.0, 61.0, 7260.0].map(duration),
            ["5.0 s", "1 min 1 s", "2 h 1 min"]
        );
        assert_eq!(
            rule_in_words(ThresholdRule::HeldOutQuantile(0.99)),
            "the 99 % quantile of held-out normal images"
        );
    }
}
