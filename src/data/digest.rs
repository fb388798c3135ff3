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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &[u8])]) -> String {
        let mut digest = PicturesDigest::default();
        for (name, bytes) in files {
            digest.add(name, bytes);
        }
        digest.finish()
    }

    #[test]
    fn the_digest_follows_names_bytes_and_order() {
        // Every model file holds one: it must stay the same.
        let [a, b] = [("a.png", &b"one"[..]), ("b/c.png", b"two")];
        let pinned = "92048f560f95e7a553161677db094d8a7bba20ecf3964b4c86c1a4c5ec0c622d";
        assert_eq!(of(&[a, b]), pinned);
        for other in [
            &[("a2.png", a.1), b][..],
            &[("a.png", b"onf"), b],
            &[("a.png", b"on"), ("eb/c.png", b.1)],
            &[b, a],
            &[a],
        ] {
            assert_ne!(of(other), pinned, "{other:?}");
        }
    }
}
