//! A scene: one part of a product line with its fault and its drift, to be photographed at any size.

use super::board::{self, Board};
use super::camera::Camera;
use super::drift::Drift;
use super::fabric::{self, Fabric};
use super::fault::{Fault, FaultKind};
use super::gear::{self, Gear};
use super::photograph::{photograph, sample};
use super::wood::{self, Wood};

/// Sizes at which a scene can be photographed, in pixels a side.
pub const SIZES: std::ops::RangeInclusive<usize> = 32..=2048;

/// The product lines.
///
/// A line's number is part of what its seeds give: a new line goes to the end, lest those after it change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// Woven cloth.
    Fabric,
    /// A circuit board with its components.
    Board,
    /// A steel gear that lies at any angle on a mat.
    Gear,
    /// A planed board of wood.
    Wood,
}

impl Product {
    /// All product lines.
    pub const ALL: [Self; 4] = [Self::Fabric, Self::Board, Self::Gear, Self::Wood];

    /// Its name in commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fabric => "fabric",
            Self::Board => "board",
            Self::Gear => "gear",
            Self::Wood => "wood",
        }
    }

    /// The faults that it can have.
    pub fn faults(self) -> &'static [FaultKind] {
        match self {
            Self::Fabric => &fabric::FAULTS,
            Self::Board => &board::FAULTS,
            Self::Gear => &gear::FAULTS,
            Self::Wood => &wood::FAULTS,
        }
    }
}

/// One part in front of the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// The product line.
    pub product: Product,
    /// The part and the picture: what varies from one normal to the next.
    pub seed: u64,
    /// What is wrong with it, if anything.
    pub fault: Option<Fault>,
    /// What differs from the usual and is no fault.
    pub drift: Option<Drift>,
}

impl Scene {
    /// The picture: `size * size` pixels row by row, each of `channels` bytes (1 is grey, 3 is RGB).
    ///
    /// # Panics
    /// If `size` is not one of [`SIZES`], or `channels` is neither 1 nor 3.
    pub fn photograph(&self, size: usize, channels: usize) -> Vec<u8> {
        assert!(
            SIZES.contains(&size),
            "expected a size of 32 to 2048 pixels, got {size}"
        );
        assert!(
            channels == 1 || channels == 3,
            "expected 1 or 3 channels, got {channels}"
        );
        let camera = Camera::new(self.seed, self.drift.as_ref());
        let fault = self
            .fault
            .filter(|fault| fault.size > 0.0 && fault.contrast > 0.0);
        let sample = sample(size);
        let (seed, fault, drift) = (self.seed, fault.as_ref(), self.drift.as_ref());
        match self.product {
            Product::Fabric => photograph(
                &Fabric::new(seed, fault, drift, sample),
                &camera,
                size,
                channels,
            ),
            Product::Board => photograph(
                &Board::new(seed, fault, drift, sample),
                &camera,
                size,
                channels,
            ),
            Product::Gear => photograph(
                &Gear::new(seed, fault, drift, sample),
                &camera,
                size,
                channels,
            ),
            Product::Wood => photograph(
                &Wood::new(seed, fault, drift, sample),
                &camera,
                size,
                channels,
            ),
        }
    }

    /// Where the fault shows, 1 a pixel or 0: where the picture differs from the one without the fault.
    ///
    /// # Panics
    /// As [`Scene::photograph`].
    pub fn mask(&self, size: usize, channels: usize) -> Vec<u8> {
        let sound = Self {
            fault: None,
            ..*self
        }
        .photograph(size, channels);
        mask(&sound, &self.photograph(size, channels), channels)
    }
}

/// Where two pictures differ, 1 a pixel or 0.
///
/// # Panics
/// If they are not of one size.
pub fn mask(sound: &[u8], faulty: &[u8], channels: usize) -> Vec<u8> {
    assert_eq!(
        sound.len(),
        faulty.len(),
        "expected two pictures of one size"
    );
    let pixels = sound
        .chunks_exact(channels)
        .zip(faulty.chunks_exact(channels));
    pixels.map(|(a, b)| u8::from(a != b)).collect()
}

/// The smallest box around the pixels that a mask marks: left, top, width and height. None if it marks none.
///
/// `size` is the mask's width in pixels.
pub fn bounds(mask: &[u8], size: usize) -> Option<[usize; 4]> {
    let marked = (0..mask.len()).filter(|&at| mask[at] != 0);
    let around =
        marked
            .map(|at| [at % size, at / size])
            .fold(None, |around: Option<[usize; 4]>, [x, y]| {
                let [left, top, right, bottom] = around.unwrap_or([x, y, x, y]);
                Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
            });
    around.map(|[left, top, right, bottom]| [left, top, right - left + 1, bottom - top + 1])
}
