//! Random choices that are determined by a seed, the same on 32-bit and 64-bit machines and with any
//! version of the random number crates: ChaCha8's output is specified, and the choices are written here.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The streams of a seed and their uses, so that no two uses share numbers.
///
/// The order of training epoch k uses stream k; resample k of a bootstrap uses `BOOTSTRAP + k`.
pub(crate) mod stream {
    /// Held-out normal images.
    pub(crate) const HELD_OUT: u64 = u64::MAX;
    /// The labelled images that choose a threshold.
    pub(crate) const VALIDATION: u64 = 3 << 48;
    /// Subsamples, counted down from here.
    pub(crate) const SUBSAMPLE: u64 = u64::MAX - 1;
    /// Resamples, counted from here.
    pub(crate) const BOOTSTRAP: u64 = 1 << 62;
    /// Augmentation of training images; training step k uses `AUGMENT + k`.
    pub(crate) const AUGMENT: u64 = 1 << 48;
    /// Corrupted inputs and dropped skips of training steps, counted from here.
    pub(crate) const STEP: u64 = 2 << 48;
    /// Faults that training images are damaged with; training step k uses `DAMAGE + k`.
    pub(crate) const DAMAGE: u64 = 6 << 48;
    /// The images of a device's trial, which only the program makes.
    #[cfg(feature = "cli")]
    pub(crate) const TRIAL: u64 = 5 << 48;
    /// Simulated faults that a model is measured with.
    #[cfg(feature = "cli")]
    pub(crate) const SIMULATED: u64 = 7 << 48;
    /// Faults of a known size; fault k uses `SIZED_FAULT + k`.
    pub(crate) const SIZED_FAULT: u64 = 8 << 48;
    /// The start of a latent optimisation.
    pub(crate) const LATENT_CODE: u64 = 4 << 48;
}

/// The random numbers of one stream of a seed.
pub(crate) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// Fisher and Yates.
pub(crate) fn shuffle(items: &mut [usize], random: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, random) as usize);
    }
}

/// A number below `bound`, all equally likely: the high half of a 128-bit product, drawn again in the few
/// cases that would favour some numbers.
pub(crate) fn below(bound: u64, random: &mut impl Rng) -> u64 {
    loop {
        let product = u128::from(random.next_u64()) * u128::from(bound);
        let low = product as u64;
        // The remainder is below the bound: the division is hardly ever needed.
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 64) as u64;
        }
    }
}

/// Uniform in `[0, 1)` with 53 bits.
pub(crate) fn unit(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 * 0.5_f64.powi(53)
}
