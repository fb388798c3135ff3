//! Augmentation that keeps training images normal, drawn at random for each image of a step.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::data::product::noise::{Draw, gradient};
use crate::random::below;

/// How training images are augmented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// No augmentation, as in the published code.
    #[default]
    None,
    /// Mirrored left to right with probability ½.
    Flip,
    /// Mirrored left to right and top to bottom, each with probability ½.
    Flips,
    /// Shifted by up to a sixteenth of the side; the edge is repeated.
    Shift,
    /// Mirrored both ways and shifted.
    FlipsAndShift,
    /// Lit otherwise: brightness, contrast and, in colour, tint change a little, and slowly across the image.
    Light,
    /// Shifted and lit otherwise.
    ShiftAndLight,
    /// Mirrored both ways, shifted and lit otherwise.
    All,
}

impl Augment {
    /// Augments a batch in place.
    ///
    /// # Shapes
    /// - `values`: `[n, channels, size, size]`
    pub fn apply(self, values: &mut [f32], channels: usize, size: usize, random: &mut ChaCha8Rng) {
        use Augment::{All, Flip, Flips, FlipsAndShift, Light, None, Shift, ShiftAndLight};
        if self == None {
            return;
        }
        let reach = match self {
            Shift | FlipsAndShift | ShiftAndLight | All => size as i64 / 16,
            None | Flip | Flips | Light => 0,
        };
        for picture in values.chunks_exact_mut(channels * size * size) {
            let mirror_x =
                matches!(self, Flip | Flips | FlipsAndShift | All) && below(2, random) == 1;
            let mirror_y = matches!(self, Flips | FlipsAndShift | All) && below(2, random) == 1;
            let mut shift = || below(2 * reach as u64 + 1, random) as i64 - reach;
            let (shift_x, shift_y) = (shift(), shift());
            for plane in picture.chunks_exact_mut(size * size) {
                let original = plane.to_vec();
                let from = |at: usize, shift: i64, mirror: bool| {
                    let last = size as i64 - 1;
                    let at = (at as i64 + shift).clamp(0, last);
                    (if mirror { last - at } else { at }) as usize
                };
                for (at, value) in plane.iter_mut().enumerate() {
                    let y = from(at / size, shift_y, mirror_y);
                    let x = from(at % size, shift_x, mirror_x);
                    *value = original[y * size + x];
                }
            }
            if matches!(self, Light | ShiftAndLight | All) {
                relight(
                    picture,
                    channels,
                    size,
                    &mut Draw::new(random.next_u64(), 0),
                );
            }
        }
    }
}

/// Largest change of the brightness, of a channel's own, and of the brightness across the image, in units of the
/// values, and of the logarithm of the contrast.
const BRIGHTNESS: f32 = 0.15;
const TINT: f32 = 0.05;
const GRADIENT: f32 = 0.15;
const CONTRAST: f32 = 0.2;

/// Changes an image as other lighting would.
fn relight(picture: &mut [f32], channels: usize, size: usize, draw: &mut Draw) {
    let contrast = libm::expf(draw.about(CONTRAST));
    let brightness = draw.about(BRIGHTNESS);
    let (seed, strength) = (draw.seed(), draw.about(GRADIENT));
    // Hills as wide as the image.
    let (scale, x0, y0) = (1.0 / size as f32, draw.unit(), draw.unit());
    for plane in picture.chunks_exact_mut(size * size) {
        let own = if channels > 1 { draw.about(TINT) } else { 0.0 };
        for (at, value) in plane.iter_mut().enumerate() {
            let (x, y) = ((at % size) as f32 * scale, (at / size) as f32 * scale);
            let slope = strength * gradient(seed, x0 + x, y0 + y);
            *value = (contrast * *value + brightness + own + slope).clamp(-1.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    fn ramp(channels: usize, size: usize) -> Vec<f32> {
        (0..channels * size * size).map(|v| v as f32).collect()
    }

    #[test]
    fn every_way_keeps_the_shape_and_comes_from_the_picture() {
        for augment in [
            Augment::Flip,
            Augment::Flips,
            Augment::Shift,
            Augment::FlipsAndShift,
        ] {
            let original = ramp(2, 32);
            let mut values = original.repeat(8);
            augment.apply(&mut values, 2, 32, &mut generator(1, 2));
            let mut changed = 0;
            for picture in values.chunks_exact(original.len()) {
                changed += usize::from(picture != original);
                // Both channels move alike.
                let (first, second) = picture.split_at(1024);
                assert!(first.iter().zip(second).all(|(a, b)| a + 1024.0 == *b));
                assert!(first.iter().all(|v| original.contains(v)));
            }
            assert!(
                (1..=8).contains(&changed),
                "{augment:?}: {changed} of 8 changed"
            );
        }
        let mut values = ramp(1, 32);
        Augment::None.apply(&mut values, 1, 32, &mut generator(1, 2));
        assert_eq!(values, ramp(1, 32));
    }

    #[test]
    fn a_flip_mirrors() {
        let mut values = [1.0, 2.0, 3.0, 4.0].repeat(16);
        Augment::Flip.apply(&mut values, 1, 2, &mut generator(3, 0));
        let mirrored = values
            .chunks_exact(4)
            .filter(|p| *p == [2.0, 1.0, 4.0, 3.0])
            .count();
        let plain = values
            .chunks_exact(4)
            .filter(|p| *p == [1.0, 2.0, 3.0, 4.0])
            .count();
        assert_eq!(mirrored + plain, 16);
        assert!(mirrored > 2 && plain > 2, "{mirrored} and {plain}");
    }
}
