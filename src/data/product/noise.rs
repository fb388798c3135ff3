//! Random functions of the plane: the same seed and point give the same value, whatever was asked before.

use super::arithmetic::{length, mix};

/// 32 well mixed bits of three numbers.
pub(in crate::data) fn hash(seed: u32, x: i32, y: i32) -> u32 {
    let mut bits = seed
        .wrapping_add((x as u32).wrapping_mul(0x9E37_79B1))
        .wrapping_add((y as u32).wrapping_mul(0x85EB_CA77));
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x7FEB_352D);
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x846C_A68B);
    bits ^ (bits >> 16)
}

/// Uniform in `[0, 1)`.
pub(in crate::data) fn unit(seed: u32, x: i32, y: i32) -> f32 {
    (hash(seed, x, y) >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The whole number at or below `x`, and what is left; `floor` alone calls a library on old processors.
fn split(x: f32) -> (i32, f32) {
    let towards_zero = x as i32;
    let whole = towards_zero - i32::from(towards_zero as f32 > x);
    (whole, x - whole as f32)
}

/// Smooth noise in `[-1, 1]` whose hills are about one unit wide (value noise).
pub(in crate::data) fn value(seed: u32, x: f32, y: f32) -> f32 {
    let ((column, u), (row, v)) = (split(x), split(y));
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let corner = |dx: i32, dy: i32| unit(seed, column.wrapping_add(dx), row.wrapping_add(dy));
    let above = mix(corner(0, 0), corner(1, 0), u);
    let below = mix(corner(0, 1), corner(1, 1), u);
    2.0 * mix(above, below, v) - 1.0
}

/// Where the gradient at a corner points: sixteen directions around the circle.
const DIRECTIONS: [(f32, f32); 16] = {
    const A: f32 = 0.923_879_5;
    const B: f32 = 0.382_683_43;
    const C: f32 = std::f32::consts::FRAC_1_SQRT_2;
    [
        (1.0, 0.0),
        (A, B),
        (C, C),
        (B, A),
        (0.0, 1.0),
        (-B, A),
        (-C, C),
        (-A, B),
        (-1.0, 0.0),
        (-A, -B),
        (-C, -C),
        (-B, -A),
        (0.0, -1.0),
        (B, -A),
        (C, -C),
        (A, -B),
    ]
};

/// Smooth noise about in `[-1, 1]`, 0 at whole coordinates (gradient noise).
///
/// Source: Perlin 2002, Improving Noise, with sixteen gradients of the plane.
pub(in crate::data) fn gradient(seed: u32, x: f32, y: f32) -> f32 {
    let ((column, u), (row, v)) = (split(x), split(y));
    let corner = |dx: i32, dy: i32| {
        let bits = hash(seed, column.wrapping_add(dx), row.wrapping_add(dy));
        let (gx, gy) = DIRECTIONS[(bits >> 28) as usize];
        gx * (u - dx as f32) + gy * (v - dy as f32)
    };
    let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (above, below) = (
        mix(corner(0, 0), corner(1, 0), fade(u)),
        mix(corner(0, 1), corner(1, 1), fade(u)),
    );
    std::f32::consts::SQRT_2 * mix(above, below, fade(v))
}

/// Noise along a line, in `[-1, 1]`.
pub(in crate::data) fn line(seed: u32, x: f32) -> f32 {
    let (at, t) = split(x);
    let t = t * t * (3.0 - 2.0 * t);
    2.0 * mix(unit(seed, at, 0), unit(seed, at.wrapping_add(1), 0), t) - 1.0
}

/// A sum of octaves of [`value`], each twice as fine and half as strong, about in `[-1, 1]`. Octaves whose hills
/// would be narrower than two samples are left out: they would only flicker.
///
/// `sample` is the distance of two samples in the units of `x`.
pub(in crate::data) fn octaves(seed: u32, x: f32, y: f32, most: u32, sample: f32) -> f32 {
    let (mut sum, mut weight, mut frequency) = (0.0, 0.5, 1.0);
    for octave in 0..most {
        if octave > 0 && frequency * sample > 0.5 {
            break;
        }
        sum += weight * value(seed.wrapping_add(octave), x * frequency, y * frequency);
        weight *= 0.5;
        frequency *= 2.0;
    }
    sum
}

/// A point strewn into each unit square, away from its borders: how far the one in this square is, and 16 bits
/// that are its own. What is drawn about it must stay within 0.2 of it.
pub(in crate::data) fn strewn(seed: u32, x: f32, y: f32) -> (f32, u32) {
    let ((column, u), (row, v)) = (split(x), split(y));
    let bits = hash(seed, column, row);
    let place = |bits: u32| 0.2 + 0.6 / 256.0 * (bits & 0xFF) as f32;
    (length(u - place(bits), v - place(bits >> 8)), bits >> 16)
}

/// Nearly normal, with mean 0 and standard deviation 1: four uniform numbers from 64 bits.
pub(in crate::data) fn normal(seed: u32, x: i32, y: i32) -> f32 {
    let (a, b) = (hash(seed, x, y), hash(seed ^ 0xA511_E9B3, x, y));
    let sum = (a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16);
    (sum as f32 - 131_070.0) * (1.0 / 37_837.0)
}

/// 64 well mixed bits of as many: no two numbers give the same.
fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A number for each thing that a scene varies, from the scene's seed (SplitMix64; Steele, Lea and Flood, 2014).
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct Draw(u64);

impl Draw {
    /// The numbers that `purpose` draws from a seed: another purpose draws others.
    pub(in crate::data) fn new(seed: u64, purpose: u64) -> Self {
        Self(mixed(mixed(seed).wrapping_add(purpose)))
    }

    /// 32 bits, as the seed of a noise.
    pub(in crate::data) fn seed(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (mixed(self.0) >> 32) as u32
    }

    /// Uniform in `[0, 1)`.
    pub(in crate::data) fn unit(&mut self) -> f32 {
        (self.seed() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `[from, to)`.
    pub(in crate::data) fn between(&mut self, from: f32, to: f32) -> f32 {
        mix(from, to, self.unit())
    }

    /// -1 or 1.
    pub(in crate::data) fn sign(&mut self) -> f32 {
        if self.unit() < 0.5 { -1.0 } else { 1.0 }
    }

    /// Uniform in `[-most, most)`.
    pub(in crate::data) fn about(&mut self, most: f32) -> f32 {
        self.between(-most, most)
    }

    /// One of `0..count`, all equally likely as far as a picture can show.
    pub(in crate::data) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f32) as usize).min(count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_split_as_floor_splits_it() {
        for x in [0.0, 0.25, 3.0, 3.99, -0.0, -0.25, -3.0, -3.01, 1e6] {
            let (whole, rest) = split(x);
            assert_eq!((whole as f32, rest), (x.floor(), x - x.floor()), "{x}");
        }
    }

    #[test]
    fn noise_is_smooth_bounded_and_differs_by_seed() {
        let (mut least, mut most) = (f32::MAX, f32::MIN);
        for i in 0..20_000 {
            let (x, y) = (i as f32 * 0.0137 - 120.0, (i % 97) as f32 * 0.31 - 15.0);
            let here = value(7, x, y);
            assert!((value(7, x + 1e-3, y) - here).abs() < 0.02, "{x}, {y}");
            (least, most) = (least.min(here), most.max(here));
        }
        assert!((-1.0..-0.8).contains(&least) && (0.8..1.0).contains(&most));
        assert_ne!(value(7, 0.5, 0.5), value(8, 0.5, 0.5));
        assert_ne!(line(7, 0.5), line(8, 0.5));
    }

    #[test]
    fn octaves_finer_than_the_samples_are_left_out() {
        let coarse = octaves(1, 0.3, 0.7, 5, 0.4);
        assert_eq!(coarse, octaves(1, 0.3, 0.7, 1, 0.0));
        assert_ne!(coarse, octaves(1, 0.3, 0.7, 5, 0.0));
    }

    #[test]
    fn strewn_points_leave_room_for_what_is_drawn_about_them() {
        for i in 0..400 {
            let at = i as f32 * 0.25;
            // At the border of a square its point is at least 0.2 away.
            assert!(strewn(3, at.floor(), at).0 >= 0.2 - 1e-4);
        }
    }

    #[test]
    fn the_sensor_noise_has_mean_0_and_deviation_1() {
        let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
        for y in 0..200 {
            for x in 0..200 {
                let deviate = f64::from(normal(5, x, y));
                sum += deviate;
                squares += deviate * deviate;
            }
        }
        let (mean, variance) = (sum / 4e4, squares / 4e4);
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03,
            "{mean}, {variance}"
        );
    }

    #[test]
    fn purposes_and_seeds_draw_other_numbers() {
        let first = |seed, purpose| Draw::new(seed, purpose).seed();
        assert_ne!(first(0, 0), first(0, 1));
        assert_ne!(first(0, 0), first(1, 0));
        assert_ne!(first(0, 0), first(1 << 32, 0));
        let mut draw = Draw::new(0, 0);
        assert!((0..1000).all(|_| draw.below(3) < 3 && (-2.0..2.0).contains(&draw.about(2.0))));
    }
}
