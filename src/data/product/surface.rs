//! What a product is made of, point by point. Lengths are in sides of the picture, x to the right and y down.

use super::arithmetic::{mix, mix3};

/// One point of a surface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Height above the ground, in sides.
    pub(super) height: f32,
    /// Share of red, green and blue light that comes back, in `[0, 1]`, linear.
    pub(super) albedo: [f32; 3],
    /// 0 is matt, 1 is polished.
    pub(super) gloss: f32,
    /// 0 is a body colour, 1 is bare metal, which mirrors its surroundings and has no colour of its own but theirs.
    pub(super) metal: f32,
    /// Unit vector along the grooves of brushed metal, or `[0, 0]`.
    pub(super) grooves: [f32; 2],
}

impl Point {
    /// A matt point.
    pub(super) fn matt(height: f32, albedo: [f32; 3]) -> Self {
        Self {
            height,
            albedo,
            gloss: 0.0,
            metal: 0.0,
            grooves: [0.0; 2],
        }
    }

    /// From this point at `t` = 0 to another at `t` = 1.
    pub(super) fn mix(self, other: Self, t: f32) -> Self {
        let kept = 1.0 - t;
        Self {
            height: mix(self.height, other.height, t),
            albedo: mix3(self.albedo, other.albedo, t),
            gloss: mix(self.gloss, other.gloss, t),
            metal: mix(self.metal, other.metal, t),
            grooves: [
                self.grooves[0] * kept + other.grooves[0] * t,
                self.grooves[1] * kept + other.grooves[1] * t,
            ],
        }
    }
}

/// A surface that can be photographed.
pub(super) trait Surface {
    /// The surface at `(x, y)`; the picture covers `[0, 1]²`, and asks for a little beyond it.
    fn at(&self, x: f32, y: f32) -> Point;
}
