//! Reading and writing files as a whole.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::model_file::{MAX_BYTES, ModelFile};

/// Reads a model file, after checking its size.
pub fn read_model(path: &Path) -> Result<(ModelFile, Vec<u8>)> {
    let named = || format!("model file {}", path.display());
    let metadata = std::fs::metadata(path).with_context(named)?;
    anyhow::ensure!(
        metadata.is_file() && metadata.len() <= MAX_BYTES as u64,
        "model file {}: expected a file of at most {MAX_BYTES} bytes, got {}",
        path.display(),
        if metadata.is_file() {
            format!("{} bytes", metadata.len())
        } else {
            "a folder".into()
        },
    );
    let bytes = std::fs::read(path).with_context(named)?;
    let model = ModelFile::from_bytes(&bytes).with_context(named)?;
    Ok((model, bytes))
}

/// Writes a file completely or not at all: to a temporary file in the same folder, which is then renamed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let named = || format!("cannot write {}", path.display());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&folder).with_context(named)?;
    let mut file = temporary_in(&folder).with_context(named)?;
    file.write_all(bytes).with_context(named)?;
    file.as_file().sync_all().with_context(named)?;
    file.persist(path).with_context(named)?;
    Ok(())
}

/// A temporary file with the permissions of any new file: 0666 less the umask. By default, `tempfile`
/// lets only the owner read and write it.
#[cfg(unix)]
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// A temporary file.
#[cfg(not(unix))]
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(folder)
}

/// A temporary folder with the permissions of any new folder: 0777 less the umask.
#[cfg(unix)]
pub fn folder_in(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o777))
        .tempdir_in(parent)
}

/// A temporary folder.
#[cfg(not(unix))]
pub fn folder_in(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in(parent)
}

/// SHA-256 of some bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        for bytes in [&b"one"[..], b"another"] {
            write_whole(&path, bytes).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        let files = std::fs::read_dir(folder.path().join("new")).unwrap();
        assert_eq!(files.count(), 1, "no temporary file is left");
    }

    /// Whatever the umask is here.
    #[test]
    #[cfg(unix)]
    fn a_written_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_whole(&ours, b"ours").unwrap();
        std::fs::write(&plain, b"plain").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
