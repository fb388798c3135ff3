//! Faults of a known size and contrast on normal pictures: to measure how small a fault a model finds.

use rand_chacha::ChaCha8Rng;

use crate::random::{below, generator, stream, unit};

/// Shapes of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A straight line, an eighth as wide as it is long and at least one pixel.
    Scratch,
    /// A disc.
    Spot,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 2] = [Self::Scratch, Self::Spot];

    /// Its name in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Spot => "spot",
        }
    }

    /// Length of the middle line, and the distance from it at which the fault ends. A disc's line is a point.
    fn line_and_radius(self, size: f64) -> (f64, f64) {
        let width = match self {
            Self::Scratch => (size / 8.0).max(1.0).min(size),
            Self::Spot => size,
        };
        (size - width, width / 2.0)
    }
}

/// A fault of a known size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizedFault {
    /// Its shape.
    pub shape: Shape,
    /// Length of a scratch or diameter of a spot, in pixels of the picture it is put into.
    pub size: f64,
    /// Change of the values in its middle, as a share of their range `[-1, 1]`: 1 turns black into white.
    pub contrast: f64,
}

impl SizedFault {
    /// Puts the fault into a picture at a place and direction that `seed` and `number` determine to the last bit, and
    /// marks the pixels that it changes: `[size, size]`.
    ///
    /// The fault lies within the picture; its edge is one pixel soft. It is brighter or darker, in a picture of several
    /// channels in some of them or all; where the values leave no room for that, it turns to the other side. Values
    /// stay in `[-1, 1]`.
    ///
    /// # Shapes
    /// - `values`: `[channels, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If the values are not those of whole channels of `size` pixels a side.
    pub fn apply(&self, values: &mut [f32], size: usize, seed: u64, number: u64) -> Vec<bool> {
        let plane = size * size;
        assert!(
            plane > 0 && values.len().is_multiple_of(plane),
            "expected whole channels of {size} x {size} values, got {}",
            values.len()
        );
        let mut random = generator(seed, stream::SIZED_FAULT.wrapping_add(number));
        let cover = self.cover(size, &mut random);
        let channels = values.len() / plane;
        // Which channels change: any but none.
        let chosen = 1 + below((1 << channels) - 1, &mut random);
        let mut mask = vec![false; plane];
        for (channel, values) in values.chunks_exact_mut(plane).enumerate() {
            let change = 2.0 * self.contrast as f32;
            let change = if below(2, &mut random) == 0 {
                change
            } else {
                -change
            };
            if chosen >> channel & 1 == 0 {
                continue;
            }
            let changed = |change: f32| {
                let pairs = values.iter().zip(&cover);
                pairs.map(move |(&value, &part)| (value + part * change).clamp(-1.0, 1.0))
            };
            let total = |change: f32| -> f32 {
                let pairs = values.iter().zip(changed(change));
                pairs.map(|(a, b)| (a - b).abs()).sum()
            };
            // The side drawn, unless clipping takes more from it than from the other.
            let change = if total(-change) > total(change) {
                -change
            } else {
                change
            };
            let after: Vec<f32> = changed(change).collect();
            for ((value, after), mark) in values.iter_mut().zip(after).zip(&mut mask) {
                *mark |= *value != after;
                *value = after;
            }
        }
        mask
    }

    /// How much of each pixel the fault covers, `[size, size]`, in `[0, 1]`: by the distance of the pixel's centre from
    /// the fault's middle line.
    fn cover(&self, size: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
        let (line, radius) = self.shape.line_and_radius(self.size);
        let [dx, dy] = direction(random).map(|part| part * line / 2.0);
        let mut middle = |half: f64| {
            // A fault larger than the picture lies in its middle.
            let room = (size as f64 - 2.0 * (half.abs() + radius)).max(0.0);
            (size as f64 - room) / 2.0 + unit(random) * room
        };
        let (x, y) = (middle(dx), middle(dy));
        let pixel = |at: usize| {
            let (px, py) = ((at % size) as f64 + 0.5 - x, (at / size) as f64 + 0.5 - y);
            let along = match line > 0.0 {
                true => ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(-1.0, 1.0),
                false => 0.0,
            };
            let (px, py) = (px - along * dx, py - along * dy);
            (radius + 0.5 - (px * px + py * py).sqrt()).clamp(0.0, 1.0) as f32
        };
        (0..size * size).map(pixel).collect()
    }
}

/// A unit vector in any direction, all equally likely: a point of the unit disc, stretched. No sine, which platforms
/// round differently.
fn direction(random: &mut ChaCha8Rng) -> [f64; 2] {
    loop {
        let [x, y] = [(); 2].map(|()| 2.0 * unit(random) - 1.0);
        let length = (x * x + y * y).sqrt();
        if (1e-3..=1.0).contains(&length) {
            return [x / length, y / length];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture with both extremes in it.
    fn picture(channels: usize, size: usize) -> Vec<f32> {
        let value = |at: usize| (at * 37 % 101) as f32 / 50.0 - 1.0;
        (0..channels * size * size).map(value).collect()
    }

    /// The largest distance between two marked pixels, outer edge to outer edge.
    fn extent(mask: &[bool], size: usize) -> f64 {
        let marked: Vec<[f64; 2]> = (0..mask.len())
            .filter(|&at| mask[at])
            .map(|at| [(at % size) as f64, (at / size) as f64])
            .collect();
        let pairs = marked
            .iter()
            .flat_map(|a| marked.iter().map(move |b| (a[0] - b[0]).hypot(a[1] - b[1])));
        1.0 + pairs.fold(0.0, f64::max)
    }

    #[test]
    fn half_covered_pixels_end_a_fault() {
        for shape in Shape::ALL {
            for size in [2.0, 3.0, 7.5, 16.0, 21.0] {
                for number in 0..20 {
                    let fault = SizedFault {
                        shape,
                        size,
                        contrast: 0.5,
                    };
                    let cover = fault.cover(64, &mut generator(1, number));
                    let inside: Vec<bool> = cover.iter().map(|&part| part >= 0.5).collect();
                    let got = extent(&inside, 64);
                    assert!(
                        (got - size).abs() <= 1.2,
                        "{shape:?} of {size} measures {got}"
                    );
                    let (line, radius) = shape.line_and_radius(size);
                    let area = 2.0 * radius * line + std::f64::consts::PI * radius * radius;
                    let covered = f64::from(cover.iter().sum::<f32>());
                    assert!(
                        (covered / area - 1.0).abs() < 0.35,
                        "{shape:?} of {size}: {covered}, {area}"
                    );
                }
            }
        }
    }

    #[test]
    fn there_is_always_room_for_the_contrast() {
        let fault = SizedFault {
            shape: Shape::Spot,
            size: 8.0,
            contrast: 0.3,
        };
        for level in [-1.0_f32, -0.9, 0.9, 1.0] {
            for number in 0..20 {
                let mut values = vec![level; 32 * 32];
                fault.apply(&mut values, 32, 0, number);
                let most = values
                    .iter()
                    .map(|value| (value - level).abs())
                    .fold(0.0, f32::max);
                assert!((most - 0.6).abs() < 1e-6, "{level}: {most}");
            }
        }
    }

    proptest! {
        #[test]
        fn only_the_mask_changes_and_a_seed_repeats(
            scratch: bool, channels in 1usize..4, size in 1.0f64..30.0, contrast in 0.0f64..1.0, seed: u64, number in 0u64..1000,
        ) {
            let shape = if scratch { Shape::Scratch } else { Shape::Spot };
            let fault = SizedFault { shape, size, contrast };
            let before = picture(channels, 32);
            let mut after = before.clone();
            let mask = fault.apply(&mut after, 32, seed, number);
            prop_assert!(after.iter().all(|value| (-1.0..=1.0).contains(value)));
            for (at, &marked) in mask.iter().enumerate() {
                let changed = (0..channels).any(|c| before[c * 1024 + at] != after[c * 1024 + at]);
                prop_assert_eq!(changed, marked);
            }
            prop_assert!(extent(&mask, 32) <= size + 3.0);
            let mut again = before.clone();
            prop_assert_eq!(fault.apply(&mut again, 32, seed, number), mask);
            prop_assert_eq!(again, after);
        }
    }
}
