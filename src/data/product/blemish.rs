//! Shapes that several products' faults share: a wobbling line and an irregular disc.

use super::arithmetic::{Turn, length, smooth};
use super::noise::{self, Draw};

/// How far a stroke of wobble 1 strays, in sides.
const REACH: f32 = 0.06;

/// A line that wobbles about a straight one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    middle: [f32; 2],
    turn: Turn,
    half_length: f32,
    half_width: f32,
    wobble: f32,
    seed: u32,
}

impl Stroke {
    /// Lengths are in sides, `direction` in radians; `wobble` is how far it strays, in [`REACH`].
    pub(super) fn new(
        draw: &mut Draw,
        middle: [f32; 2],
        direction: f32,
        [length, width]: [f32; 2],
        wobble: f32,
    ) -> Self {
        Self {
            middle,
            turn: Turn::by(direction),
            half_length: 0.5 * length,
            half_width: 0.5 * width,
            wobble,
            seed: draw.seed(),
        }
    }

    /// Where a point is: along the stroke (-1 to 1 from end to end) and off it, in half widths, signed; `None` where
    /// it is too far to matter. The stroke thins out towards its ends.
    pub(super) fn locate(&self, x: f32, y: f32) -> Option<(f32, f32)> {
        let (along, off) = self.turn.undo(x - self.middle[0], y - self.middle[1]);
        if along.abs() > self.half_length
            || off.abs() > 3.0 * self.half_width + 1.5 * self.wobble * REACH
        {
            return None;
        }
        // In absolute lengths, so that a growing stroke keeps its course.
        let bend =
            noise::line(self.seed, along * 18.0) + 0.4 * noise::line(self.seed ^ 1, along * 61.0);
        let stray = bend * self.wobble * REACH;
        let share = along / self.half_length;
        let taper = 1.0 - share * share;
        Some((
            share,
            (off - stray) / (self.half_width * (0.25 + 0.75 * taper)),
        ))
    }

    /// 1 on the line, 0 off it, soft between.
    pub(super) fn cover(&self, x: f32, y: f32) -> f32 {
        self.locate(x, y).map_or(0.0, |(share, off)| {
            smooth(1.3, 0.5, off.abs()) * smooth(1.0, 0.85, share.abs())
        })
    }
}

/// A disc with an uneven edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blot {
    middle: [f32; 2],
    radius: f32,
    uneven: f32,
    seed: u32,
}

impl Blot {
    /// `uneven` is how far the edge strays, as a share of the radius.
    pub(super) fn new(draw: &mut Draw, middle: [f32; 2], radius: f32, uneven: f32) -> Self {
        Self {
            middle,
            radius,
            uneven,
            seed: draw.seed(),
        }
    }

    /// The distance from the middle in radii: 1 on the edge. Beyond 2 it may be anything above 1.
    pub(super) fn locate(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.middle[0], y - self.middle[1]);
        let far = length(dx, dy);
        let straight = far / self.radius;
        if straight > 2.0 || far == 0.0 {
            return straight;
        }
        // The edge depends on the direction alone, so that a growing blot keeps its shape.
        let (c, s) = (dx / far, dy / far);
        let edge = noise::value(self.seed, 1.7 * c, 1.7 * s)
            + 0.5 * noise::value(self.seed ^ 1, 4.1 * c, 4.1 * s);
        straight / (1.0 + self.uneven * edge)
    }

    /// How far outside the edge a point is, in sides; negative inside.
    pub(super) fn beyond(&self, x: f32, y: f32) -> f32 {
        (self.locate(x, y) - 1.0) * self.radius
    }
}
