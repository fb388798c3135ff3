//! Where a simulated fault lies: shapes of `[size, size]` pixels, true inside.

use crate::data::product::noise::{Draw, gradient};

/// Share of the side that a coarse noise's hills may be narrow to: finer ones are single pixels.
const NARROWEST: usize = 4;

/// Thresholded Perlin noise, of one to a quarter of the side's cells along each axis, turned at random.
///
/// The threshold is a quantile of the noise, so that 2 to 30 % of the picture is inside.
///
/// Source: Zavrtanik et al. 2021 (DRAEM), section 3.2, whose 256 pixels have up to 2⁵ cells.
pub(super) fn perlin(size: usize, draw: &mut Draw) -> Vec<bool> {
    let noise = turned_noise(size, draw);
    let outside = draw.between(0.7, 0.98);
    let mut sorted = noise.clone();
    let at = ((sorted.len() - 1) as f32 * outside) as usize;
    let (_, &mut threshold, _) = sorted.select_nth_unstable_by(at, f32::total_cmp);
    noise.into_iter().map(|height| height > threshold).collect()
}

/// A disc with a rough rim, its radius from a pixel to a third of the side.
pub(super) fn blob(size: usize, draw: &mut Draw) -> Vec<bool> {
    let radius = spread(1.0, size as f32 / 3.0, draw);
    let (x, y) = (draw.unit() * size as f32, draw.unit() * size as f32);
    let (roughness, seed) = (draw.between(0.0, 0.6), draw.seed());
    // Hills of about half a radius.
    let scale = 2.0 / radius;
    pixels(size, |at_x, at_y| {
        let rough = roughness * gradient(seed, at_x * scale, at_y * scale);
        let (dx, dy) = (at_x - x, at_y - y);
        (dx * dx + dy * dy).sqrt() < radius * (1.0 + rough)
    })
}

/// A bent line: a twelfth to the whole of the side long, a pixel to a sixteenth of the side wide.
///
/// Source: Li et al. 2021 (CutPaste), section 2.3, where scars are straight.
pub(super) fn scar(size: usize, draw: &mut Draw) -> Vec<bool> {
    let side = size as f32;
    let length = spread(side / 12.0, side, draw);
    let width = spread(1.2, (side / 16.0).max(2.0), draw);
    let (x, y) = (draw.unit() * side, draw.unit() * side);
    let angle = draw.between(0.0, std::f32::consts::PI);
    let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
    let bend = draw.about(0.3) / length;
    pixels(size, |at_x, at_y| {
        let (dx, dy) = (at_x - x, at_y - y);
        let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
        along.abs() < 0.5 * length && (across - bend * along * along).abs() < 0.5 * width
    })
}

/// An upright rectangle, each side from two pixels to half of the picture's.
///
/// Source: Li et al. 2021 (CutPaste), section 2.1.
pub(super) fn rectangle(size: usize, draw: &mut Draw) -> Vec<bool> {
    let most = size as f32 / 2.0;
    let (width, height) = (spread(2.0, most, draw), spread(2.0, most, draw));
    let (x, y) = (draw.unit() * size as f32, draw.unit() * size as f32);
    pixels(size, |at_x, at_y| {
        (at_x - x).abs() < 0.5 * width && (at_y - y).abs() < 0.5 * height
    })
}

/// Perlin noise whose number of cells along each axis is a power of two, turned about the middle.
pub(super) fn turned_noise(size: usize, draw: &mut Draw) -> Vec<f32> {
    let finest = (size / NARROWEST).ilog2() as usize;
    let mut cells = || (1 << draw.below(finest + 1)) as f32 / size as f32;
    let (across, down) = (cells(), cells());
    let angle = draw.between(0.0, std::f32::consts::TAU);
    let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
    let seed = draw.seed();
    let middle = size as f32 / 2.0;
    let mut noise = Vec::with_capacity(size * size);
    for y in 0..size {
        for x in 0..size {
            let (dx, dy) = (x as f32 - middle, y as f32 - middle);
            let (u, v) = (dx * cos - dy * sin, dx * sin + dy * cos);
            noise.push(gradient(seed, u * across, v * down));
        }
    }
    noise
}

/// Uniform in its logarithm: as many shapes from 2 to 4 pixels as from 20 to 40.
pub(super) fn spread(from: f32, to: f32, draw: &mut Draw) -> f32 {
    from * libm::powf(to / from, draw.unit())
}

fn pixels(size: usize, inside: impl Fn(f32, f32) -> bool) -> Vec<bool> {
    let at = |at: usize| inside((at % size) as f32 + 0.5, (at / size) as f32 + 0.5);
    (0..size * size).map(at).collect()
}
