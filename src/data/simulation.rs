//! Simulated faults: normal pictures damaged on purpose, with a mark for each pixel that says how much.
//!
//! A fault is a shape (`shape`), filled from a source (`source`) that is blended in (`blend`). Nothing but the
//! normal pictures themselves is needed. There are two simulators, so that what was
//! trained with one is chosen, and its worth estimated, with the other.

mod blend;
mod plane;
mod shape;
mod source;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::data::product::noise::Draw;
use crate::data::sized_fault::{Shape, SizedFault};
use blend::{Rectangle, by_gradient, by_share, hard_edge, soft_edge};
use plane::{Picture, blurred};
use shape::spread;

/// By how much a value must change for its pixel to be marked, and for the mark to be whole.
const UNMARKED: f32 = 0.03;
const MARKED: f32 = 0.15;

/// How often a fault is drawn again that would change nothing.
const TRIES: usize = 8;

/// A way to damage normal pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// What the repairing networks are trained with. Half are Perlin shapes, blobs, scars and rectangles with hard
    /// or soft edges, filled from many sources; half are rectangles of other normal pictures, resized and blended
    /// by their gradients.
    ///
    /// Source: Zavrtanik et al. 2021 (DRAEM) and Li et al. 2021 (CutPaste), without external textures; Schlüter
    /// et al. 2022 (NSA).
    Patches,
    /// What is chosen and measured with: scratches, spots and distorted places, none of which comes from elsewhere
    /// in a picture.
    Drawn,
}

/// Damaged pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Damaged {
    /// `[n, channels, size, size]`, in `[-1, 1]`.
    pub values: Vec<f32>,
    /// How much each pixel was changed, `[n, size, size]`: 0 for not at all, 1 for plainly.
    pub marks: Vec<f32>,
}

impl Simulator {
    /// Damages each picture with probability `share`; the others stay as they are.
    ///
    /// # Shapes
    /// - `pictures`: `[n, channels, size, size]`, in `[-1, 1]`
    ///
    /// # Panics
    /// If `pictures` is not a whole number of pictures.
    pub fn damage(
        self,
        pictures: &[f32],
        channels: usize,
        size: usize,
        share: f64,
        random: &mut ChaCha8Rng,
    ) -> Damaged {
        let length = channels * size * size;
        assert!(
            pictures.len().is_multiple_of(length),
            "expected whole pictures of {length} values, got {} values",
            pictures.len()
        );
        let all: Vec<Picture<'_>> = pictures
            .chunks_exact(length)
            .map(|values| Picture {
                values,
                channels,
                size,
            })
            .collect();
        let mut damaged = Damaged {
            values: Vec::with_capacity(pictures.len()),
            marks: Vec::with_capacity(all.len() * size * size),
        };
        for (at, &picture) in all.iter().enumerate() {
            let mut draw = Draw::new(random.next_u64(), 0);
            let (values, marks) = match f64::from(draw.unit()) < share {
                true => {
                    // Of a single picture, the other one is itself.
                    let other = (at + 1 + draw.below(all.len().max(2) - 1)) % all.len();
                    self.one(picture, all[other], &mut draw)
                }
                false => (picture.values.to_vec(), vec![0.0; picture.plane()]),
            };
            damaged.values.extend(values);
            damaged.marks.extend(marks);
        }
        damaged
    }

    /// One damaged picture and its marks.
    fn one(
        self,
        picture: Picture<'_>,
        other: Picture<'_>,
        draw: &mut Draw,
    ) -> (Vec<f32>, Vec<f32>) {
        for _ in 0..TRIES {
            let values = match (self, draw.unit()) {
                (Self::Patches, ..0.5) => painted(picture, other, draw),
                (Self::Patches, _) => blended(picture, other, draw),
                (Self::Drawn, ..0.3) => drawn(picture, Shape::Scratch, draw),
                (Self::Drawn, ..0.6) => drawn(picture, Shape::Spot, draw),
                (Self::Drawn, _) => distorted(picture, draw),
            };
            let marks = marks(picture, &values);
            if marks.iter().any(|&mark| mark >= 0.5) {
                return (values, marks);
            }
        }
        (picture.values.to_vec(), vec![0.0; picture.plane()])
    }
}

/// A shape filled from a source.
fn painted(picture: Picture<'_>, other: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let size = picture.size;
    let shape = match draw.unit() {
        ..0.3 => shape::perlin(size, draw),
        ..0.6 => shape::blob(size, draw),
        ..0.8 => shape::scar(size, draw),
        _ => shape::rectangle(size, draw),
    };
    let source = match draw.unit() {
        ..0.25 => source::another(other, draw),
        ..0.35 => source::displaced(picture, draw),
        ..0.45 => source::shuffled(picture, draw),
        ..0.65 => source::brightened(picture, draw),
        ..0.75 => source::tinted(picture, draw),
        ..0.9 => source::constant(picture, draw),
        _ => source::softened(picture, draw),
    };
    let opacity = draw.between(0.3, 1.0);
    let mut share = match draw.unit() < 0.5 {
        true => hard_edge(&shape),
        false => soft_edge(&shape, size, 1 + draw.below(size / 32)),
    };
    share.iter_mut().for_each(|share| *share *= opacity);
    by_share(picture, &source, &share)
}

/// One to four rectangles of another picture, blended by their gradients.
///
/// Half a side is Gamma(2, 0.05) + 0.03 of the picture's, from 0.03 to 0.4; at least three pixels, without which
/// there is nothing inside the rim. What is pasted is first resized by N(1, 0.5), from 0.7 to 1.3.
///
/// Source: Schlüter et al. 2022 (NSA), section 3.1, whose constants hold for 256 pixels.
fn blended(picture: Picture<'_>, other: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let side = picture.size as f32;
    let mut values = picture.values.to_vec();
    for _ in 0..1 + draw.below(4) {
        let mut extent = || {
            let gamma = -0.05 * libm::logf((1.0 - draw.unit()) * (1.0 - draw.unit()));
            ((2.0 * side * (gamma + 0.03).clamp(0.03, 0.4)) as usize).max(5)
        };
        let (width, height) = (extent(), extent());
        let mut place = |extent: usize| draw.below(picture.size - extent.min(picture.size) + 1);
        let at = Rectangle {
            left: place(width),
            top: place(height),
            width: width.min(picture.size),
            height: height.min(picture.size),
        };
        let scale = (1.0 + 0.5 * normal(draw)).clamp(0.7, 1.3);
        let (x, y) = (draw.unit() * side, draw.unit() * side);
        let source = resized(other, at, (x, y), scale);
        let so_far = Picture {
            values: &values,
            ..picture
        };
        values = by_gradient(so_far, &source, at);
    }
    values
}

/// A scratch or a spot, from three pixels to a third of the side large, its contrast from a tenth to two fifths.
fn drawn(picture: Picture<'_>, shape: Shape, draw: &mut Draw) -> Vec<f32> {
    let fault = SizedFault {
        shape,
        size: spread(3.0, picture.size as f32 / 3.0, draw).into(),
        contrast: spread(0.1, 0.4, draw).into(),
    };
    let mut values = picture.values.to_vec();
    fault.apply(&mut values, picture.size, draw.seed().into(), 0);
    values
}

/// A place that is pulled aside: within a disc whose radius is a twelfth to a quarter of the side, each pixel comes
/// from up to half a radius away, those in the middle the farthest.
fn distorted(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let size = picture.size as f32;
    let radius = spread(size / 12.0, size / 4.0, draw);
    let mut place = || radius + draw.unit() * (size - 2.0 * radius);
    let (x, y) = (place(), place());
    let mut reach = || draw.sign() * draw.between(0.2, 0.5) * radius;
    let (right, down) = (reach(), reach());
    let mut values = picture.values.to_vec();
    let planes = values.chunks_exact_mut(picture.plane());
    for (plane, before) in planes.zip(picture.values.chunks_exact(picture.plane())) {
        for (at, value) in plane.iter_mut().enumerate() {
            let at = ((at % picture.size) as f32, (at / picture.size) as f32);
            let (dx, dy) = ((at.0 - x) / radius, (at.1 - y) / radius);
            let near = (1.0 - dx * dx - dy * dy).max(0.0);
            if near > 0.0 {
                let from = (at.0 + near * right, at.1 + near * down);
                *value = sampled(before, picture.size, from);
            }
        }
    }
    values
}

/// Nearly normal with mean 0 and deviation 1: the sum of twelve uniform numbers.
fn normal(draw: &mut Draw) -> f32 {
    (0..12).map(|_| draw.unit()).sum::<f32>() - 6.0
}

/// A rectangle's worth of a picture from about `(x, y)`, `scale` times as large, `[channels, height, width]`.
/// Beyond its edges the picture is mirrored.
fn resized(picture: Picture<'_>, at: Rectangle, (x, y): (f32, f32), scale: f32) -> Vec<f32> {
    let mut values = Vec::with_capacity(picture.channels * at.width * at.height);
    for plane in picture.values.chunks_exact(picture.plane()) {
        for row in 0..at.height {
            for column in 0..at.width {
                let from = (x + column as f32 / scale, y + row as f32 / scale);
                values.push(sampled(plane, picture.size, from));
            }
        }
    }
    values
}

/// A plane's value at a place between its pixels; beyond its edges it is mirrored.
fn sampled(plane: &[f32], size: usize, (x, y): (f32, f32)) -> f32 {
    let mirrored = |at: f32| {
        let last = (size - 1) as f32;
        let within = at.rem_euclid(2.0 * last);
        let within = if within > last {
            2.0 * last - within
        } else {
            within
        };
        let whole = (within as usize).min(size - 1);
        (whole, (whole + 1).min(size - 1), within - whole as f32)
    };
    let ((left, right, u), (top, bottom, v)) = (mirrored(x), mirrored(y));
    let mix = |a: f32, b: f32, t: f32| a + t * (b - a);
    let row = |row: usize| mix(plane[row * size + left], plane[row * size + right], u);
    mix(row(top), row(bottom), v)
}

/// How plainly each pixel was changed: 0 for up to [`UNMARKED`], 1 from [`MARKED`] on, in between in proportion.
///
/// The largest change of a pixel's channels, averaged over 3 × 3 pixels of those that changed: in a texture a
/// fault's value may be the normal one by chance.
///
/// Source: Schlüter et al. 2022 (NSA), section 3.2, whose labels are a logistic function of the change.
fn marks(picture: Picture<'_>, damaged: &[f32]) -> Vec<f32> {
    let plane = picture.plane();
    let changes: Vec<f32> = (0..plane)
        .map(|at| {
            let channels = (0..picture.channels).map(|channel| channel * plane + at);
            let change = |at: usize| (damaged[at] - picture.values[at]).abs();
            channels.map(change).fold(0.0, f32::max)
        })
        .collect();
    let around = blurred(&changes, picture.size, 1);
    let marked = changes
        .iter()
        .zip(around)
        .map(|(&change, around)| match change {
            0.0 => 0.0,
            change => ((change.max(around) - UNMARKED) / (MARKED - UNMARKED)).clamp(0.0, 1.0),
        });
    marked.collect()
}

#[cfg(test)]
mod tests;
