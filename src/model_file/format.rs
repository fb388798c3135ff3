//! The format's versions, and its entry among a file's metadata.

/// Version of the format that this crate writes. Version 1 had neither `scoring.latent`,
/// `scoring.balance` and `scoring.normaliser` nor methods without networks.
pub const FORMAT: u32 = 2;

/// Oldest version that this crate reads.
pub(super) const OLDEST_FORMAT: u32 = 1;

/// Largest file that is read.
pub const MAX_BYTES: usize = 1 << 30;

/// Key of the JSON object under `__metadata__`.
pub(super) const KEY: &str = "skip-ganomaly";
