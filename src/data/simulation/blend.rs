//! How a source comes into a picture: by its share of each pixel, or by its gradients.

use super::plane::{Picture, blurred};

/// A shape's share of each pixel: 1 inside and 0 outside.
pub(super) fn hard_edge(shape: &[bool]) -> Vec<f32> {
    shape
        .iter()
        .map(|&inside| f32::from(u8::from(inside)))
        .collect()
}

/// A shape's share of each pixel, its edge softened over `2 radius + 1` pixels, half of them outside.
pub(super) fn soft_edge(shape: &[bool], size: usize, radius: usize) -> Vec<f32> {
    blurred(&hard_edge(shape), size, radius)
}

/// x̃ = x + a (s - x), with a source s and its share a of each pixel, within the range of values.
pub(super) fn by_share(picture: Picture<'_>, source: &[f32], share: &[f32]) -> Vec<f32> {
    let values = picture.values.iter().zip(source).enumerate();
    let mixed = values.map(|(at, (&x, &s))| match share[at % share.len()] {
        0.0 => x,
        share => (x + share * (s.clamp(-1.0, 1.0) - x)).clamp(-1.0, 1.0),
    });
    mixed.collect()
}

/// A rectangle of pixels: its first column and row, and how many there are of both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rectangle {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

/// Gradient-domain blending: inside a rectangle the picture takes the source's gradients and keeps its own values
/// at the rim, so that no edge shows.
///
/// x̃ = s + h, where h is harmonic (Δh = 0) and x - s at the rim. It is found exactly, by sine transforms along
/// both axes.
///
/// # Shapes
/// - `source`: `[channels, height, width]`, the rectangle with its rim, which lies within the picture
///
/// Source: Pérez et al. 2003, equations 3 and 4; its use on patches is Schlüter et al. 2022 (NSA).
pub(super) fn by_gradient(picture: Picture<'_>, source: &[f32], at: Rectangle) -> Vec<f32> {
    let mut blended = picture.values.to_vec();
    let Rectangle {
        left,
        top,
        width,
        height,
    } = at;
    if width < 3 || height < 3 {
        return blended;
    }
    let (inner_width, inner_height) = (width - 2, height - 2);
    let (rows, columns) = (sines(inner_height), sines(inner_width));
    let planes = blended.chunks_exact_mut(picture.plane());
    for (plane, source) in planes.zip(source.chunks_exact(width * height)) {
        let at = |x: usize, y: usize| (top + y) * picture.size + left + x;
        let rim = |x: usize, y: usize| plane[at(x, y)] - source[y * width + x];
        // What the rim adds to the Laplacian of its inner neighbours.
        let mut known = vec![0.0_f32; inner_width * inner_height];
        for x in 0..inner_width {
            known[x] += rim(x + 1, 0);
            known[(inner_height - 1) * inner_width + x] += rim(x + 1, height - 1);
        }
        for y in 0..inner_height {
            known[y * inner_width] += rim(0, y + 1);
            known[y * inner_width + inner_width - 1] += rim(width - 1, y + 1);
        }
        let mut waves = transformed(&known, &rows, &columns);
        for (k, wave) in waves.iter_mut().enumerate() {
            *wave /=
                frequency(k % inner_width, inner_width) + frequency(k / inner_width, inner_height);
        }
        let harmonic = transformed(&waves, &rows, &columns);
        for y in 0..inner_height {
            for x in 0..inner_width {
                let value = source[(y + 1) * width + x + 1] + harmonic[y * inner_width + x];
                plane[at(x + 1, y + 1)] = value.clamp(-1.0, 1.0);
            }
        }
    }
    blended
}

/// The orthonormal sine transform of `n` values: √(2 / (n + 1)) sin(π (j + 1) (k + 1) / (n + 1)), its own inverse.
fn sines(n: usize) -> Vec<f32> {
    let step = std::f64::consts::PI / (n + 1) as f64;
    let scale = (2.0 / (n + 1) as f64).sqrt();
    let sine = |at: usize| {
        // Whole turns are left out, so that the angle stays exact.
        let times = (at / n + 1) * (at % n + 1) % (2 * (n + 1));
        (scale * libm::sin(step * times as f64)) as f32
    };
    (0..n * n).map(sine).collect()
}

/// Eigenvalue of the negated second difference: 2 - 2 cos(π (k + 1) / (n + 1)).
fn frequency(k: usize, n: usize) -> f32 {
    (2.0 - 2.0 * libm::cos(std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64)) as f32
}

/// rows · values · columns, the transform of both axes.
fn transformed(values: &[f32], rows: &[f32], columns: &[f32]) -> Vec<f32> {
    let (height, width) = (side(rows), side(columns));
    let along = product(values, columns, height, width, width);
    product(rows, &along, height, height, width)
}

/// Side of a square matrix.
fn side(square: &[f32]) -> usize {
    square.len().isqrt()
}

/// `[n, m]` times `[m, k]`.
fn product(a: &[f32], b: &[f32], n: usize, m: usize, k: usize) -> Vec<f32> {
    let mut c = vec![0.0; n * k];
    for (row, out) in a.chunks_exact(m).zip(c.chunks_exact_mut(k)) {
        for (&factor, b_row) in row.iter().zip(b.chunks_exact(k)) {
            out.iter_mut()
                .zip(b_row)
                .for_each(|(c, &b)| *c += factor * b);
        }
    }
    c
}
