//! The shape of a method's networks.

/// Largest side of the layers in an image's encoding.
pub(super) const ENCODING_SIDE: usize = 4;

/// Sides of the images that the networks accept: powers of two.
pub const SIZES: [usize; 4] = [32, 64, 128, 256];

/// Channels of the images that the networks accept: grey and colour.
pub const CHANNELS: [usize; 2] = [1, 3];

/// Largest base width of a network.
pub const MAX_WIDTH: usize = 256;

/// Longest feature vector.
pub const MAX_FEATURES: usize = 4096;

/// The shape of a method's networks: what must be known to build them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Architecture {
    /// Side of the square input image in pixels, one of [`SIZES`] (`isize`).
    pub size: usize,
    /// Channels of the input image: 1 grey, 3 colour (`nc`).
    pub channels: usize,
    /// Base width of the generator (`ngf`).
    pub generator_width: usize,
    /// Base width of the discriminator (`ndf`).
    pub discriminator_width: usize,
    /// Length of the discriminator's feature vector, or of GANomaly's z (`nz`).
    pub features: usize,
    /// Skips of the generator that are cut, counted from the outermost; none in the paper.
    #[serde(default)]
    pub cut_skips: usize,
}

/// What is wrong with an [`Architecture`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// More skips are cut than there are.
    #[error("at most {skips} skips can be cut at this size, got {got}")]
    Skips {
        /// How many there are.
        skips: usize,
        /// How many were to be cut.
        got: usize,
    },
    /// The side is none of [`SIZES`].
    #[error("image size must be 32, 64, 128 or 256, got {0}")]
    Size(usize),
    /// The number of channels is neither 1 nor 3.
    #[error("channels must be 1 (grey) or 3 (colour), got {0}")]
    Channels(usize),
    /// A width is zero or above 256.
    #[error("{name} must be between 1 and {limit}, got {got}")]
    Width {
        /// Which number.
        name: &'static str,
        /// The largest allowed number.
        limit: usize,
        /// What was given.
        got: usize,
    },
}

impl Architecture {
    /// The paper's shape for a size, with both base widths equal and 100 features.
    pub fn new(size: usize, channels: usize, width: usize) -> Self {
        Self {
            size,
            channels,
            generator_width: width,
            discriminator_width: width,
            features: 100,
            cut_skips: 0,
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// The first number that is out of range, with the range.
    pub fn check(&self) -> Result<(), ArchitectureError> {
        if !SIZES.contains(&self.size) {
            return Err(ArchitectureError::Size(self.size));
        }
        if !CHANNELS.contains(&self.channels) {
            return Err(ArchitectureError::Channels(self.channels));
        }
        for (name, got, limit) in [
            ("generator width", self.generator_width, MAX_WIDTH),
            ("discriminator width", self.discriminator_width, MAX_WIDTH),
            ("features", self.features, MAX_FEATURES),
        ] {
            if !(1..=limit).contains(&got) {
                return Err(ArchitectureError::Width { name, limit, got });
            }
        }
        let skips = self.levels() - 1;
        if self.cut_skips > skips {
            return Err(ArchitectureError::Skips {
                skips,
                got: self.cut_skips,
            });
        }
        Ok(())
    }

    /// The generator's channels after each down-step: 1, 2, 4, 8, 8, … times the base width.
    pub(crate) fn widths(&self) -> Vec<usize> {
        (0..self.levels())
            .map(|level| self.generator_width << level.min(3))
            .collect()
    }

    /// Number of values of an image's encoding from each layer of the generator's encoder, the bottleneck
    /// last: all layers of at most 4 × 4 pixels.
    pub fn encoding_layers(&self) -> Vec<usize> {
        let layer = |(level, width): (usize, usize)| (self.size >> (level + 1), width);
        let layers = self.widths().into_iter().enumerate().map(layer);
        layers
            .filter(|&(side, _)| side <= ENCODING_SIDE)
            .map(|(side, width)| side * side * width)
            .collect()
    }

    /// Down-steps from the image to a single pixel: log2(size).
    pub(crate) fn levels(&self) -> usize {
        self.size.ilog2() as usize
    }
}
