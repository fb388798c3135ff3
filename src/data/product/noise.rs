//! Random functions of the plane: the same seed and point give the same value, whatever was asked before.

use super::arithmetic::mix;

/// 32 well mixed bits of three numbers.
pub(super) fn hash(seed: u32, x: i32, y: i32) -> u32 {
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
pub(super) fn unit(seed: u32, x: i32, y: i32) -> f32 {
    (hash(seed, x, y) >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Smooth noise in `[-1, 1]` whose hills are about one unit wide (value noise).
pub(super) fn value(seed: u32, x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (u, v) = (x - left, y - top);
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let (column, row) = (left as i32, top as i32);
    let corner = |dx: i32, dy: i32| unit(seed, column.wrapping_add(dx), row.wrapping_add(dy));
    let above = mix(corner(0, 0), corner(1, 0), u);
    let below = mix(corner(0, 1), corner(1, 1), u);
    2.0 * mix(above, below, v) - 1.0
}

/// Noise along a line, in `[-1, 1]`.
pub(super) fn line(seed: u32, x: f32) -> f32 {
    let left = x.floor();
    let t = x - left;
    let t = t * t * (3.0 - 2.0 * t);
    let at = left as i32;
    2.0 * mix(unit(seed, at, 0), unit(seed, at.wrapping_add(1), 0), t) - 1.0
}

/// A sum of octaves of [`value`], each twice as fine and half as strong, about in `[-1, 1]`. Octaves whose hills
/// would be narrower than two samples are left out: they would only flicker.
///
/// `sample` is the distance of two samples in the units of `x`.
pub(super) fn octaves(seed: u32, x: f32, y: f32, most: u32, sample: f32) -> f32 {
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

/// The nearest of points strewn one to a unit square: its distance, and 32 bits that are its own.
pub(super) fn nearest_point(seed: u32, x: f32, y: f32) -> (f32, u32) {
    let (column, row) = (x.floor() as i32, y.floor() as i32);
    let (mut best, mut own) = (f32::MAX, 0);
    for dy in -1..=1_i32 {
        for dx in -1..=1_i32 {
            let (i, j) = (column.wrapping_add(dx), row.wrapping_add(dy));
            let bits = hash(seed, i, j);
            let px = i as f32 + (bits & 0xFFFF) as f32 * (1.0 / 65_536.0);
            let py = j as f32 + (bits >> 16) as f32 * (1.0 / 65_536.0);
            let square = (px - x) * (px - x) + (py - y) * (py - y);
            if square < best {
                (best, own) = (square, hash(seed ^ 0x5BD1_E995, i, j));
            }
        }
    }
    (best.sqrt(), own)
}

/// Nearly normal, with mean 0 and standard deviation 1: four uniform numbers from 64 bits.
pub(super) fn normal(seed: u32, x: i32, y: i32) -> f32 {
    let (a, b) = (hash(seed, x, y), hash(seed ^ 0xA511_E9B3, x, y));
    let sum = (a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16);
    (sum as f32 - 131_070.0) * (1.0 / 37_837.0)
}

/// A number for each thing that a scene varies, from the scene's seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    seed: u32,
    next: i32,
}

impl Draw {
    /// The numbers that `purpose` draws from a seed: another purpose draws others.
    pub(super) fn new(seed: u64, purpose: u32) -> Self {
        let low = hash(purpose, seed as i32, (seed >> 32) as i32);
        Self { seed: low, next: 0 }
    }

    /// 32 bits, as the seed of a noise.
    pub(super) fn seed(&mut self) -> u32 {
        self.next += 1;
        hash(self.seed, self.next, 0)
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f32 {
        (self.seed() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `[from, to)`.
    pub(super) fn between(&mut self, from: f32, to: f32) -> f32 {
        mix(from, to, self.unit())
    }

    /// Uniform in `[-most, most)`.
    pub(super) fn about(&mut self, most: f32) -> f32 {
        self.between(-most, most)
    }

    /// One of `0..count`, all equally likely as far as a picture can show.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f32) as usize).min(count.saturating_sub(1))
    }
}
