//! The camera and the lamps of one picture.

use super::arithmetic::{Turn, cos, sin};
use super::drift::{Drift, DriftKind};
use super::noise::Draw;

/// What a picture owes to its camera and lamps, not to the part.
#[derive(Clone, Debug)]
pub(super) struct Camera {
    /// Where the picture's middle is, off the scene's, in sides.
    pub(super) shift: [f32; 2],
    /// How the picture is turned.
    pub(super) turn: Turn,
    /// Sides of the scene that the picture shows.
    pub(super) zoom: f32,
    /// Unit vector to the main lamp; y points down, z to the camera.
    pub(super) light: [f32; 3],
    /// Strength of the main lamp.
    pub(super) key: f32,
    /// Strength of the weak lamp on the other side.
    pub(super) fill: f32,
    /// Light from all around.
    pub(super) sky: f32,
    /// Factor of all light.
    pub(super) exposure: f32,
    /// Factors of red, green and blue.
    pub(super) balance: [f32; 3],
    /// How much darker the corners are.
    pub(super) vignette: f32,
    /// Standard deviation of the lens's blur, in sides.
    pub(super) blur: f32,
    /// Standard deviation of shot noise at a light of 1.
    pub(super) shot: f32,
    /// Standard deviation of read noise.
    pub(super) read: f32,
    /// Seed of the sensor's noise.
    pub(super) noise: u32,
}

impl Camera {
    /// The camera of the picture with this seed.
    pub(super) fn new(seed: u64, drift: Option<&Drift>) -> Self {
        let mut draw = Draw::new(seed, 0xCA3E_7A01);
        let of = |kind| Drift::of(drift, kind);
        let (moved, lamp) = (of(DriftKind::Camera), of(DriftKind::Light));
        let way = [draw.sign(), draw.sign(), draw.sign()];
        // The lamp stands at the upper left, half way up.
        let azimuth = -2.25 + draw.about(0.10) + 0.8 * lamp * way[0];
        let (low, high) = (0.66_f32, 0.751_f32);
        let warm = draw.about(0.02) + 0.10 * lamp * way[2];
        // The camera chooses its gain, so that the noise of no two pictures is quite the same.
        let gain = 1.0 + draw.about(0.2);
        Self {
            shift: [
                draw.about(0.006) + 0.03 * moved * way[0],
                draw.about(0.006) + 0.03 * moved * way[1],
            ],
            turn: Turn::by(draw.about(0.008) + 0.05 * moved * way[2]),
            zoom: 1.0 + draw.about(0.006) + 0.04 * moved * way[0],
            light: [low * cos(azimuth), low * sin(azimuth), high],
            key: 0.95,
            fill: 0.12,
            sky: 0.28,
            exposure: 1.0 + draw.about(0.05) + 0.22 * lamp * way[1],
            balance: [1.0 + warm, 1.0, 1.0 - warm],
            vignette: 0.22 + draw.about(0.05),
            blur: 0.0016 + 0.0008 * draw.unit() + 0.009 * of(DriftKind::Focus),
            shot: 0.010 * gain,
            read: 0.0016 * gain,
            noise: draw.seed(),
        }
    }
}
