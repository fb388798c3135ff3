//! A digest over a set of pictures, so that one can tell later what a model was trained on.

use sha2::{Digest as _, Sha256};

/// SHA-256, in hexadecimal, of what is in a set of files: for each, in the order given, its path below
/// the folder with `/` between the parts, the length of that path and of the file as 8 bytes each
/// (little-endian; path's length, path, file's length, file).
#[derive(Clone, Debug, Default)]
pub struct PicturesDigest(Sha256);

impl PicturesDigest {
    /// Takes in one file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name.as_bytes());
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The digest of all files so far.
    pub fn finish(self) -> String {
        let hash = self.0.finalize();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
