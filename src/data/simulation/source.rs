//! What a simulated fault is made of: pictures `[channels, size, size]` that replace the damaged one inside a
//! shape. All come from the normal pictures themselves; none needs pictures of faults or of textures.
//!
//! Source: Zavrtanik et al. 2021 (DRAEM), section 3.2, with the data's own pictures in place of textures; where a
//! function names another, that one.

use super::plane::{Picture, blurred};
use crate::data::product::noise::Draw;

/// Changes that another picture is put through.
const CHANGES: usize = 3;

/// Another normal picture under [`CHANGES`] random changes.
pub(super) fn another(other: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let mut values = other.values.to_vec();
    for _ in 0..CHANGES {
        let picture = Picture {
            values: &values,
            ..other
        };
        let last = other.size - 1;
        values = match draw.below(8) {
            0 => picture.moved(|x, y| (last - x, y)),
            1 => picture.moved(|x, y| (x, last - y)),
            2 => picture.moved(|x, y| (y, last - x)),
            3 => shifted(picture, draw),
            4 => brightened(picture, draw),
            5 => contrasted(picture, draw),
            6 => posterised(picture, draw),
            _ => tinted(picture, draw),
        };
    }
    values
}

/// The picture itself from another place of it.
///
/// Source: Li et al. 2021 (CutPaste), section 2.1.
pub(super) fn displaced(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    shifted(picture, draw)
}

/// The picture's own squares of an eighth of the side, shuffled.
pub(super) fn shuffled(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let side = picture.size / 8;
    let across = picture.size / side;
    let mut order: Vec<usize> = (0..across * across).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, draw.below(last + 1));
    }
    picture.moved(|x, y| {
        let from = order[y / side * across + x / side];
        (
            from % across * side + x % side,
            from / across * side + y % side,
        )
    })
}

/// Brighter or darker by 5 to 50 % of the range, all channels alike or, in half of the colour pictures, each by
/// its own share.
pub(super) fn brightened(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let change = draw.sign() * draw.between(0.1, 1.0);
    let own = picture.channels > 1 && draw.unit() < 0.5;
    let mut share = || if own { draw.unit() } else { 1.0 };
    let changes: Vec<f32> = (0..picture.channels).map(|_| change * share()).collect();
    by_channel(picture, |channel, value| value + changes[channel])
}

/// Another colour of the same brightness: each channel's shift is its own, their sum 0. A grey picture has none,
/// and is brightened.
pub(super) fn tinted(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    if picture.channels == 1 {
        return brightened(picture, draw);
    }
    let shifts: Vec<f32> = (0..picture.channels).map(|_| draw.about(0.7)).collect();
    let mean = shifts.iter().sum::<f32>() / shifts.len() as f32;
    by_channel(picture, |channel, value| value + shifts[channel] - mean)
}

/// One colour, or one grey, with noise of up to 10 % of the range.
pub(super) fn constant(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let grey = draw.about(1.0);
    let own = picture.channels > 1 && draw.unit() < 0.5;
    let mut level = || if own { draw.about(1.0) } else { grey };
    let levels: Vec<f32> = (0..picture.channels).map(|_| level()).collect();
    let noise = draw.between(0.0, 0.2);
    by_channel(picture, |channel, _| levels[channel] + draw.about(noise))
}

/// The picture averaged over squares of about a tenth of the side, and a little brighter or darker.
pub(super) fn softened(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let radius = 1 + draw.below(picture.size / 16);
    let factor = draw.between(0.7, 1.3);
    let planes = picture.values.chunks_exact(picture.plane());
    let blur = planes.flat_map(|plane| blurred(plane, picture.size, radius));
    blur.map(|value| value * factor).collect()
}

fn shifted(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let (right, down) = (draw.below(picture.size), draw.below(picture.size));
    picture.moved(|x, y| (x + right, y + down))
}

fn contrasted(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let factor = draw.between(0.4, 1.6);
    by_channel(picture, |_, value| value * factor)
}

fn posterised(picture: Picture<'_>, draw: &mut Draw) -> Vec<f32> {
    let steps = (2 + draw.below(4)) as f32;
    by_channel(picture, |_, value| (value * steps).round() / steps)
}

fn by_channel(picture: Picture<'_>, mut change: impl FnMut(usize, f32) -> f32) -> Vec<f32> {
    let plane = picture.plane();
    let values = picture.values.iter().enumerate();
    values
        .map(|(at, &value)| change(at / plane, value))
        .collect()
}
