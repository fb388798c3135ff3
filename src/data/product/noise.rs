//! Random functions of the plane: the same seed and point give the same value, whatever was asked before.

use super::arithmetic::{length, mix};

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

/// The whole number at or below `x`, and what is left; `floor` alone calls a library on old processors.
fn split(x: f32) -> (i32, f32) {
    let towards_zero = x as i32;
    let whole = towards_zero - i32::from(towards_zero as f32 > x);
    (whole, x - whole as f32)
}

/// Smooth noise in `[-1, 1]` whose hills are about one unit wide (value noise).
pub(super) fn value(seed: u32, x: f32, y: f32) -> f32 {
    let ((column, u), (row, v)) = (split(x), split(y));
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let corner = |dx: i32, dy: i32| unit(seed, column.wrapping_add(dx), row.wrapping_add(dy));
    let above = mix(corner(0, 0), corner(1, 0), u);
    let below = mix(corner(0, 1), corner(1, 1), u);
    2.0 * mix(above, below, v) - 1.0
}

/// Noise along a line, in `[-1, 1]`.
pub(super) fn line(seed: u32, x: f32) -> f32 {
    let (at, t) = split(x);
    let t = t * t * (3.0 - 2.0 * t);
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

/// A point strewn into each unit square, away from its borders: how far the one in this square is, and 16 bits
/// that are its own. What is drawn about it must stay within 0.2 of it.
pub(super) fn strewn(seed: u32, x: f32, y: f32) -> (f32, u32) {
    let ((column, u), (row, v)) = (split(x), split(y));
    let bits = hash(seed, column, row);
    let place = |bits: u32| 0.2 + 0.6 / 256.0 * (bits & 0xFF) as f32;
    (length(u - place(bits), v - place(bits >> 8)), bits >> 16)
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
