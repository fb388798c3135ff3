//! Bins, ticks and ranges: round numbers that cover the data.

/// Bins of equal, round width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    pub start: f64,
    pub width: f64,
    pub count: usize,
}

impl Bins {
    /// About `wanted` bins that cover all finite values. One bin around 0 if there are none.
    pub fn covering(values: impl Iterator<Item = f64>, wanted: usize) -> Self {
        let (low, high) = extent(values);
        let width = round_step((high - low) / wanted.max(1) as f64);
        let start = (low / width).floor() * width;
        let count = ((high - start) / width).floor() as usize + 1;
        Self {
            start,
            width,
            count,
        }
    }

    /// The bin of a value.
    fn index(&self, value: f64) -> usize {
        (((value - self.start) / self.width).floor().max(0.0) as usize).min(self.count - 1)
    }

    /// Number of finite values in each bin.
    pub fn counts(&self, values: impl Iterator<Item = f64>) -> Vec<usize> {
        let mut counts = vec![0; self.count];
        for value in values.filter(|value| value.is_finite()) {
            counts[self.index(value)] += 1;
        }
        counts
    }

    /// Lower edge of a bin; the upper edge of the bin before.
    pub fn edge(&self, bin: usize) -> f64 {
        self.start + self.width * bin as f64
    }
}

/// Smallest and largest finite value, widened if they are equal.
pub fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        // Wide enough that the difference is not lost in rounding.
        let half = (low.abs() * 1e-3).max(1e-9);
        (low - half, high + half)
    } else {
        (low, high)
    }
}

/// 1, 2 or 5 times a power of ten, near to and not below `raw`.
fn round_step(raw: f64) -> f64 {
    let raw = if raw.is_finite() && raw > 0.0 {
        raw
    } else {
        1.0
    };
    let power = 10f64.powf(raw.log10().floor());
    // A little slack, or 0.30000000000000004 would become 0.5.
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|step| step * power >= raw * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// Round values from `low` to `high`, about `wanted` of them and at least `apart`, and the number of
/// decimals that distinguishes them.
pub fn ticks(low: f64, high: f64, wanted: usize, apart: f64) -> (Vec<f64>, usize) {
    let step = round_step((high - low) / wanted.max(1) as f64).max(apart);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let first = (low / step - 1e-9).ceil();
    let ticks = (0..=(2 * wanted.max(1) + 2))
        .map(|k| (first + k as f64) * step)
        .take_while(|&tick| tick <= high + step * 1e-9)
        // No minus zero.
        .map(|tick| tick + 0.0)
        .collect();
    (ticks, decimals)
}

/// A tick's label: plain decimals, or scientific notation if there would be many.
pub(super) fn label(tick: f64, decimals: usize) -> String {
    if decimals > 5 || tick.abs() >= 1e6 {
        format!("{tick:.0e}")
    } else {
        format!("{tick:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            ticks(0.0, 1.0, 5, 0.0),
            (vec![0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0], 1)
        );
        let (at, decimals) = ticks(0.0312, 0.0789, 4, 0.0);
        assert_eq!(
            at.iter().map(|t| label(*t, decimals)).collect::<Vec<_>>(),
            ["0.04", "0.06"]
        );
        let (at, decimals) = ticks(-3.0, 4800.0, 5, 1.0);
        assert_eq!(
            at.iter().map(|t| label(*t, decimals)).collect::<Vec<_>>(),
            ["0", "1000", "2000", "3000", "4000"]
        );
        // Epochs have whole numbers only.
        assert_eq!(ticks(1.0, 3.0, 5, 1.0), (vec![1.0, 2.0, 3.0], 0));
        // Invalid input does not loop forever.
        assert!(ticks(f64::NAN, 1.0, 4, 0.0).0.len() < 20);
    }

    #[test]
    fn bins_hold_every_value_once() {
        let values = [0.031, 0.04, 0.05, 0.0999, 0.1];
        let bins = Bins::covering(values.iter().copied(), 7);
        assert_eq!(bins.counts(values.iter().copied()).iter().sum::<usize>(), 5);
        assert!(bins.start <= 0.031 && bins.edge(bins.count) > 0.1 - 1e-12);
        assert_eq!(
            Bins::covering([2.0, 2.0].into_iter(), 5)
                .counts([2.0].into_iter())
                .iter()
                .sum::<usize>(),
            1
        );
        assert!(Bins::covering([].into_iter(), 5).count >= 1);
        assert_eq!(
            bins.counts([f64::NAN, f64::INFINITY].into_iter())
                .iter()
                .sum::<usize>(),
            0
        );
    }
}
