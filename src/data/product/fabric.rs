//! Stub.

use super::drift::Drift;
use super::fault::{Fault, FaultKind};
use super::surface::{Point, Surface};

/// What can be wrong with it.
pub(super) const FAULTS: [FaultKind; 1] = [FaultKind::Scratch];

/// One part.
pub(super) struct Fabric {}

impl Fabric {
    /// The part of the picture with this seed. `sample` is the distance of two samples, in sides.
    pub(super) fn new(
        _seed: u64,
        _fault: Option<&Fault>,
        _drift: Option<&Drift>,
        _sample: f32,
    ) -> Self {
        Self {}
    }
}

impl Surface for Fabric {
    fn at(&self, _x: f32, _y: f32) -> Point {
        Point::matt(0.0, [0.3; 3])
    }
}
