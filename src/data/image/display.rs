//! From an image, the network's values or a residual map to pixels that can be shown.

use std::ops::Range;

/// Network values `[channels, size, size]` in `[-1, 1]` as RGBA for display: clamped, opaque; grey is
/// repeated. A value that is not a number is shown in [`NOT_A_NUMBER`].
///
/// # Panics
/// If there are not `channels * size * size` values or the channels are neither 1 nor 3.
pub fn to_rgba(values: &[f32], channels: usize, size: usize) -> Vec<u8> {
    assert!(
        channels == 1 || channels == 3,
        "expected 1 or 3 channels, got {channels}"
    );
    let plane = size * size;
    assert_eq!(
        values.len(),
        channels * plane,
        "expected {channels} x {size} x {size} values"
    );
    let mut rgba = Vec::with_capacity(plane * 4);
    for at in 0..plane {
        let rgb: [f32; 3] = std::array::from_fn(|c| values[(c % channels) * plane + at]);
        if rgb.iter().any(|v| v.is_nan()) {
            rgba.extend(NOT_A_NUMBER);
        } else {
            rgba.extend(rgb.map(|v| ((v * 0.5 + 0.5) * 255.0).round() as u8));
        }
        rgba.push(255);
    }
    rgba
}

/// The colour of a value that is not a number: cyan, which the heat map does not contain.
pub const NOT_A_NUMBER: [u8; 3] = [0, 255, 255];

/// Nine colours, evenly spaced, of the inferno map by N. Smith and S. van der Walt (public domain):
/// lightness grows evenly from black to pale yellow, so that it reads the same in grey and with
/// every kind of colour blindness.
const HEAT: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// The colour of a heat-map value: black at 0, pale yellow at 1 and above.
pub fn heat_colour(value: f32) -> [u8; 3] {
    if value.is_nan() {
        return NOT_A_NUMBER;
    }
    let steps = (HEAT.len() - 1) as f32;
    let position = value.clamp(0.0, 1.0) * steps;
    let below = (position as usize).min(HEAT.len() - 2);
    let part = position - below as f32;
    std::array::from_fn(|c| {
        let (a, b) = (f32::from(HEAT[below][c]), f32::from(HEAT[below + 1][c]));
        (a + (b - a) * part).round() as u8
    })
}

/// A map as opaque RGBA: values from the range's start, black, to its end, in the colours of [`heat_colour`].
/// The range is the same for all images of a model: a separate one for each image would make the small
/// differences of a normal part look like those of a defective one.
///
/// An empty range makes everything above its start the brightest colour, and the rest black.
pub fn heat_map_rgba(map: &[f32], range: &Range<f32>) -> Vec<u8> {
    map.iter()
        .flat_map(|&value| {
            let (value, width) = (value - range.start, range.end - range.start);
            let share = if width > 0.0 || value.is_nan() {
                value / width
            } else if value > 0.0 {
                1.0
            } else {
                0.0
            };
            let [r, g, b] = heat_colour(share);
            [r, g, b, 255]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::image::decode::Picture;
    use crate::data::image::decode::tests::{noise, rgb_picture};
    use crate::data::image::preprocess::{Preprocessing, luma601, rgb8};

    #[test]
    fn values_become_pixels_again() {
        let rgba = to_rgba(&[-1.0, 1.0, 0.0, f32::NAN], 1, 2);
        assert_eq!(
            rgba[..12],
            [0, 0, 0, 255, 255, 255, 255, 255, 128, 128, 128, 255]
        );
        assert_eq!(rgba[12..15], NOT_A_NUMBER);
        assert_eq!(to_rgba(&[-2.0, 0.5, 3.0], 3, 1), [0, 191, 255, 255]);
    }

    #[test]
    fn the_heat_map_has_one_scale_and_survives_nonsense() {
        assert_eq!(heat_colour(0.0), HEAT[0]);
        assert_eq!(heat_colour(1.0), HEAT[8]);
        assert_eq!(heat_colour(0.5), HEAT[4]);
        assert_eq!(heat_colour(f32::INFINITY), HEAT[8]);
        let map = heat_map_rgba(&[0.0, 0.2, 0.4, f32::NAN, -1.0], &(0.0..0.2));
        assert_eq!(map[0..4], [0, 0, 4, 255]);
        assert_eq!(map[4..8], map[8..12]);
        assert_eq!(map[12..15], NOT_A_NUMBER);
        assert_eq!(map[16..19], HEAT[0]);
        assert_eq!(heat_map_rgba(&[0.0, 0.1], &(0.0..0.0))[4..7], HEAT[8]);
        let floored = heat_map_rgba(&[0.1, 0.2, 0.4], &(0.2..0.4));
        assert_eq!(
            (&floored[..3], &floored[4..7]),
            (&HEAT[0][..], &HEAT[0][..])
        );
        assert_eq!(floored[8..11], HEAT[8]);
        // Lightness only grows: the map reads the same without colours.
        let light: Vec<u8> = (0..=100)
            .map(|i| heat_colour(i as f32 / 100.0))
            .map(|[r, g, b]| luma601(r, g, b))
            .collect();
        assert!(light.is_sorted(), "{light:?}");
    }

    proptest! {
        #[test]
        fn a_picture_of_the_right_size_is_not_touched(side in 1usize..40) {
            let pixels = rgb_picture(side as u32, side as u32, &noise(side * side * 3));
            let picture = Picture { pixels, format: None };
            let values = Preprocessing::new(side, 3).apply(&picture);
            let back = to_rgba(&values, 3, side);
            let expected: Vec<u8> = rgb8(&picture.pixels).chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
            prop_assert_eq!(back, expected);
        }
    }
}
