//! A lot: the parts of one product line to train and to test on, each determined by the lot's seed and its number.

use std::ops::RangeInclusive;

use super::drift::Drift;
use super::fault::{Fault, FaultKind};
use super::noise::Draw;
use super::scene::{Product, Scene};

/// What a part is for. The parts of one purpose are never those of another. A purpose's number is part of their seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Normal, to train on.
    Train,
    /// Normal, to test on.
    Good,
    /// Faulty, to test on.
    Faulty,
}

/// The parts of one product line.
#[derive(Clone, Debug, PartialEq)]
pub struct Lot {
    /// The product line.
    pub product: Product,
    /// Another seed gives other parts.
    pub seed: u64,
    /// The kinds of its faults, taken in turn.
    pub faults: Vec<FaultKind>,
    /// Sizes of its faults, in sides of the picture, all equally likely.
    pub sizes: RangeInclusive<f32>,
    /// Contrasts of its faults, in `[0, 1]`, all equally likely.
    pub contrasts: RangeInclusive<f32>,
    /// Drift of its parts to test on; those to train on have none.
    pub drift: Option<Drift>,
}

impl Lot {
    /// A lot with all faults of its product, small and large, faint and plain.
    pub fn new(product: Product, seed: u64) -> Self {
        Self {
            product,
            seed,
            faults: product.faults().to_vec(),
            sizes: 0.04..=0.20,
            contrasts: 0.4..=1.0,
            drift: None,
        }
    }

    /// The part with this number.
    ///
    /// # Panics
    /// If a faulty one is asked for and the lot has no kinds of faults.
    pub fn part(&self, purpose: Purpose, number: u32) -> Scene {
        self.redrawn(purpose, number, 0)
    }

    /// The part with this number, its fault drawn anew `times` times: another size, contrast, place and shape of the
    /// same kind. For a fault that does not show where it came to lie.
    ///
    /// # Panics
    /// As [`Lot::part`].
    pub fn redrawn(&self, purpose: Purpose, number: u32, times: u32) -> Scene {
        // Parts of two lines, purposes or numbers share nothing.
        let line = (self.product as u64) << 8 | purpose as u64;
        let mut draw = Draw::new(self.seed, line << 32 | u64::from(number));
        let seed = long_seed(&mut draw);
        let mut own = long_seed(&mut draw);
        if times > 0 {
            draw = Draw::new(own, u64::from(times));
            own = long_seed(&mut draw);
        }
        let fault = (purpose == Purpose::Faulty).then(|| Fault {
            kind: self.faults[number as usize % self.faults.len()],
            size: draw.between(*self.sizes.start(), *self.sizes.end()),
            contrast: draw.between(*self.contrasts.start(), *self.contrasts.end()),
            seed: own,
        });
        Scene {
            product: self.product,
            seed,
            fault,
            drift: self.drift.filter(|_| purpose != Purpose::Train),
        }
    }
}

fn long_seed(draw: &mut Draw) -> u64 {
    u64::from(draw.seed()) << 32 | u64::from(draw.seed())
}
