//! Normal pictures that a run draws from, wherever they are kept.

use super::DataError;

/// Normal pictures, prepared for the networks.
pub trait Pictures {
    /// How many.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Digest over names and bytes of all of them.
    fn digest(&self) -> &str;

    /// What one is called, for people.
    fn name(&self, index: usize) -> String;

    /// Some of them.
    ///
    /// # Shapes
    /// - returns `[indices.len(), c, size, size]` as one vector, in `[-1, 1]`
    ///
    /// # Errors
    /// If one can no longer be read.
    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError>;
}

/// Pictures that are all in memory: the page's, and the tests'.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    /// `[n, c, size, size]` as one vector.
    values: Vec<f32>,
    /// Values of one picture.
    length: usize,
    digest: String,
}

impl InMemory {
    /// Takes over prepared pictures of `length` values each.
    ///
    /// # Panics
    /// If `length` is 0 or `values` is no whole number of pictures.
    pub fn new(values: Vec<f32>, length: usize, digest: impl Into<String>) -> Self {
        assert!(
            length > 0 && values.len().is_multiple_of(length),
            "expected whole pictures of {length} values, got {} values",
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
        self.values.len() / self.length.max(1)
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn name(&self, index: usize) -> String {
        format!("picture {}", index + 1)
    }

    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        let picture = |&index: &usize| &self.values[index * self.length..][..self.length];
        Ok(indices.iter().flat_map(picture).copied().collect())
    }
}
