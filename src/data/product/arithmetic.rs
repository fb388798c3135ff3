//! Arithmetic that gives the same bits on every platform: sums, products, quotients and square roots, which
//! IEEE 754 defines, and `libm` in place of each system's own sines.

/// From `a` at `t` = 0 to `b` at `t` = 1.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// [`mix`] of each channel.
pub(super) fn mix3(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

/// Each channel times `factor`.
pub(super) fn scale3(a: [f32; 3], factor: f32) -> [f32; 3] {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}

/// 0 below `from`, 1 above `to`, a smooth step between; the other way round if `from` > `to`.
pub(super) fn smooth(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The smaller of two numbers, the corner rounded where they differ by less than `round`.
pub(super) fn soft_min(a: f32, b: f32, round: f32) -> f32 {
    let gap = (round - (a - b).abs()).max(0.0);
    a.min(b) - 0.25 * gap * gap / round
}

/// The sine of `x` radians.
pub(super) fn sin(x: f32) -> f32 {
    libm::sinf(x)
}

/// The cosine of `x` radians.
pub(super) fn cos(x: f32) -> f32 {
    libm::cosf(x)
}

/// The angle of `(x, y)` in radians, in `[-π, π]`.
pub(super) fn angle(x: f32, y: f32) -> f32 {
    libm::atan2f(y, x)
}

/// The length of `(x, y)`.
pub(super) fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// A turn about the origin, its sine and cosine computed once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    sin: f32,
    cos: f32,
}

impl Turn {
    /// By `angle` radians, from the x axis towards the y axis.
    pub(super) fn by(angle: f32) -> Self {
        Self {
            sin: sin(angle),
            cos: cos(angle),
        }
    }

    /// The point `(x, y)`, turned.
    pub(super) fn apply(self, x: f32, y: f32) -> (f32, f32) {
        (x * self.cos - y * self.sin, x * self.sin + y * self.cos)
    }

    /// The point `(x, y)`, turned the other way.
    pub(super) fn undo(self, x: f32, y: f32) -> (f32, f32) {
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }
}
