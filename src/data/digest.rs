//! A digest of a set of images, which records what a model was trained on.

use sha2::{Digest as _, Sha256};

/// SHA-256, in hexadecimal, of a set of files. For each file, in the order given, it covers the length of
/// its path, the path below the folder with `/` between the parts, the length of the file, and the file;
/// lengths are 8 bytes each, little-endian.
#[derive(Clone, Debug, Default)]
pub struct PicturesDigest(Sha256);

impl PicturesDigest {
    /// Adds one file.
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
