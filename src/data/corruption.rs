//! Corruption of the generator's input in training.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::random::unit;

/// A corruption of the generator's input that discourages copying: the losses still compare with the
/// clean image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corruption {
    /// Standard deviation of the normal noise that is added.
    pub noise: f64,
    /// Share of the squares that are set to 0 (mid-grey).
    pub mask: f64,
}

/// Squares along a side of a masked image.
const SQUARES: usize = 8;

impl Corruption {
    /// Whether the input stays as it is.
    pub fn is_none(&self) -> bool {
        self.noise == 0.0 && self.mask == 0.0
    }

    /// Factors and summands of a batch: the corrupted image is `factor · x + summand`.
    ///
    /// # Shapes
    /// - both returned: `[n, channels, size, size]`
    pub fn sample(
        &self,
        [n, channels, size, _]: [usize; 4],
        random: &mut ChaCha8Rng,
    ) -> (Vec<f32>, Vec<f32>) {
        let plane = size * size;
        let square = (size / SQUARES).max(1);
        let across = size.div_ceil(square);
        let mut factors = Vec::with_capacity(n * channels * plane);
        for _ in 0..n {
            let kept: Vec<bool> = (0..across * across)
                .map(|_| unit(random) >= self.mask)
                .collect();
            for at in 0..channels * plane {
                let (y, x) = (at % plane / size, at % size);
                let kept = kept[y / square * across + x / square];
                factors.push(f32::from(u8::from(kept)));
            }
        }
        let deviate = |random: &mut ChaCha8Rng| -> f32 { StandardNormal.sample(random) };
        let summands = match self.noise > 0.0 {
            true => (0..factors.len())
                .map(|_| self.noise as f32 * deviate(random))
                .collect(),
            false => vec![0.0; factors.len()],
        };
        (factors, summands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    #[test]
    fn a_mask_blanks_whole_squares_of_all_channels() {
        let corruption = Corruption {
            noise: 0.0,
            mask: 0.5,
        };
        let (factors, summands) = corruption.sample([20, 3, 32, 32], &mut generator(0, 0));
        assert!(summands.iter().all(|&s| s == 0.0));
        for picture in factors.chunks_exact(3 * 1024) {
            for (at, &factor) in picture.iter().enumerate() {
                let (y, x) = (at % 1024 / 32, at % 32);
                assert_eq!(factor, picture[y / 4 * 4 * 32 + x / 4 * 4]);
            }
        }
        let kept = factors.iter().sum::<f32>() / factors.len() as f32;
        assert!((0.45..0.55).contains(&kept), "{kept}");
    }

    #[test]
    fn noise_has_its_deviation() {
        let corruption = Corruption {
            noise: 0.2,
            mask: 0.0,
        };
        let (factors, noise) = corruption.sample([10, 1, 32, 32], &mut generator(0, 0));
        assert!(factors.iter().all(|&f| f == 1.0));
        let square = noise.iter().map(|n| n * n).sum::<f32>() / noise.len() as f32;
        assert!((square.sqrt() - 0.2).abs() < 0.01, "{square}");
        assert!(
            Corruption {
                noise: 0.0,
                mask: 0.0
            }
            .is_none()
                && !corruption.is_none()
        );
    }
}
