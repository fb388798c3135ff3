//! The source of a run's batches.

use super::DataError;

/// The normal images of a run, prepared for the networks.
///
/// The program keeps as many as fit into its memory (`picture_cache`), the page all of them
/// ([`InMemory`]).
pub trait Pictures {
    /// Number of images.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Digest over names and bytes of all of them, in hexadecimal.
    fn digest(&self) -> &str;

    /// The name of an image at its source.
    ///
    /// # Panics
    /// If there is no such image.
    fn name(&self, index: usize) -> String;

    /// `[indices.len(), c, size, size]` as one vector, in `[-1, 1]`.
    ///
    /// # Errors
    /// If an image has to be read again and cannot be.
    ///
    /// # Panics
    /// If there is no such image.
    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError>;

    /// Announces which images [`Pictures::values`] will be asked for next, in that order, so that they
    /// can be prepared in the meantime. Changes no value.
    fn prefetch(&self, indices: &[usize]) {
        let _ = indices;
    }
}

/// Images held in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct InMemory {
    /// `[n, c, size, size]` as one vector.
    values: Vec<f32>,
    /// Values of one image: `c * size * size`.
    length: usize,
    digest: String,
}

impl InMemory {
    /// Images of `length` values each, named by their number: `values` is `[n, c, size, size]` as one
    /// vector, `length` is `c * size * size`, and `digest` stands for their names and bytes.
    ///
    /// # Panics
    /// If the values are not those of whole images.
    pub fn new(values: Vec<f32>, length: usize, digest: impl Into<String>) -> Self {
        assert!(
            length > 0 && values.len().is_multiple_of(length),
            "expected whole images of {length} values, got {} values",
            values.len()
        );
        Self {
            values,
            length,
            digest: digest.into(),
        }
    }
}

impl Pictures for InMemory {
    fn len(&self) -> usize {
        self.values.len() / self.length
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn name(&self, index: usize) -> String {
        assert!(
            index < self.len(),
            "expected an image index below {}, got {index}",
            self.len()
        );
        format!("image {}", index + 1)
    }

    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        let mut values = Vec::with_capacity(indices.len() * self.length);
        for &index in indices {
            values.extend_from_slice(&self.values[index * self.length..(index + 1) * self.length]);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_in_the_order_asked_for() {
        let pictures = InMemory::new(vec![0.0, 0.5, 1.0, -1.0], 2, "d");
        assert_eq!((pictures.len(), pictures.is_empty()), (2, false));
        assert_eq!(
            pictures.values(&[1, 0, 1]).unwrap(),
            [1.0, -1.0, 0.0, 0.5, 1.0, -1.0]
        );
        pictures.prefetch(&[1]);
        assert_eq!(pictures.name(1), "image 2");
        assert_eq!(pictures.digest(), "d");
        assert!(InMemory::new(Vec::new(), 2, "d").is_empty());
    }

    #[test]
    #[should_panic(expected = "whole images of 3 values, got 4")]
    fn half_a_picture_is_a_mistake() {
        InMemory::new(vec![0.0; 4], 3, String::new());
    }
}
