//! Image files on disk: which there are, and their bytes.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::image::{self, Picture};
use super::{DataError, layout};

/// Larger files are not read: no image that would be decoded needs that much.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Checks that a data set's folder is a folder.
pub(super) fn check_folder(folder: &Path) -> Result<(), DataError> {
    if !folder.exists() {
        return Err(DataError::NotFound(folder.into()));
    }
    if !folder.is_dir() {
        return Err(DataError::NotAFolder(folder.into()));
    }
    Ok(())
}

/// The error for a missing file, with a list of the files that are there.
pub(super) fn missing(folder: &Path, expected: &str) -> DataError {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let mut found = match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    };
    if more > 0 {
        found.push_str(&format!(" and {more} more"));
    }
    DataError::MissingFile {
        folder: folder.into(),
        expected: expected.into(),
        found,
    }
}

pub(super) fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |source| DataError::Read {
        path: folder.into(),
        source,
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && !is_hidden(&path) {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

pub(super) fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// All images under a folder, by their extension, sorted.
pub(super) fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let (pictures, mut unreadable) = walk(folder);
    match unreadable.pop() {
        Some((path, source)) => Err(DataError::Read { path, source }),
        None => Ok(pictures),
    }
}

/// All images under a folder, sorted, and the folders that could not be listed.
fn walk(folder: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, std::io::Error)>) {
    let (mut pictures, mut unreadable) = (Vec::new(), Vec::new());
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.path()));
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_file() && has_picture_extension(entry.path()) => {
                pictures.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_path_buf();
                // Its own words would name the path once more.
                let reason = error.to_string();
                let source = error.into_io_error();
                let source = source.unwrap_or_else(|| std::io::Error::other(reason));
                unreadable.push((path, source));
            }
        }
    }
    pictures.sort();
    (pictures, unreadable)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| layout::is_hidden(&name.to_string_lossy()))
}

fn has_picture_extension(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| layout::is_picture(&name.to_string_lossy()))
}

/// The files that paths on a command line stand for, each once, in the order given.
///
/// A folder stands for all images in it and below, by their extension, sorted. A path whose last part has
/// `*` or `?` and that does not exist stands for the files that match, sorted (for shells that do not
/// expand patterns). Any other path stands for itself, whatever its extension, even if it does not exist:
/// loading it then reports why. The same holds for a folder that cannot be listed.
pub fn expand(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let (pictures, unreadable) = walk(path);
            files.extend(pictures);
            files.extend(unreadable.into_iter().map(|(path, _)| path));
        } else if let Some(matches) = wildcard(path) {
            files.extend(matches);
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = HashSet::new();
    files.retain(|path| seen.insert(path.clone()));
    files
}

/// The files that a pattern in the last part of a path matches; `None` if it is no such pattern or
/// nothing matches.
fn wildcard(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.file_name()?.to_str()?;
    if !pattern.contains(['*', '?']) || path.exists() {
        return None;
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut files: Vec<_> = fs::read_dir(parent.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| {
            name.to_str()
                .is_some_and(|name| matches(pattern.as_bytes(), name.as_bytes()))
        })
        .map(|name| parent.map_or_else(|| PathBuf::from(&name), |parent| parent.join(&name)))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    if files.is_empty() { None } else { Some(files) }
}

/// Whether a name matches a pattern of `*` and `?`, going back to the last star when it does not.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((at, taken)) = star {
            p = at + 1;
            n = taken + 1;
            star = Some((at, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// Reads and decodes one image file.
///
/// # Errors
/// Why it is not an image that can be used, in words for the user.
pub fn read_picture(path: &Path) -> Result<Picture, String> {
    image::decode(&read_bounded(path)?).map_err(|error| error.to_string())
}

pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    // Checked before opening, since opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err("expected an image file, got a folder or a device".into());
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(
            "expected a file of at most {} MiB, got a larger one",
            MAX_FILE_BYTES >> 20
        ));
    }
    Ok(bytes)
}

/// A file's path below the folder that was opened, with `/` between the parts on every system.
pub(super) fn name_below(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
pub(super) mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A folder of small grey PNG files, each of another value.
    pub fn png_folder(files: &[&str]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (value, file) in files.iter().enumerate() {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let picture = ::image::GrayImage::from_pixel(4, 4, ::image::Luma([value as u8 * 10]));
            // By format and not by name: some of the names are no images.
            picture
                .save_with_format(path, ::image::ImageFormat::Png)
                .unwrap();
        }
        root
    }

    #[test]
    fn paths_become_files() {
        let root = png_folder(&["a/2.png", "a/1.png", "a/deep/3.webp", "x1.png", "x2.png"]);
        fs::write(root.path().join("a/readme.txt"), "").unwrap();
        let at = |name: &str| root.path().join(name);
        let got = expand(&[
            at("a/readme.txt"),
            at("a"),
            at("x?.png"),
            at("missing.png"),
            at("a/1.png"),
            at("no*.png"),
        ]);
        assert_eq!(
            got.iter()
                .map(|path| name_below(root.path(), path))
                .collect::<Vec<_>>(),
            [
                "a/readme.txt",
                "a/1.png",
                "a/2.png",
                "a/deep/3.webp",
                "x1.png",
                "x2.png",
                "missing.png",
                "no*.png",
            ]
        );
        for (pattern, name, expected) in [
            ("*.png", "a.png", true),
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("?", "", false),
            ("*.png", "a.jpg", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn only_whole_images_are_read() {
        let root = png_folder(&["0.png"]);
        assert_eq!(read_picture(&root.path().join("0.png")).unwrap().width(), 4);
        assert!(read_picture(root.path()).unwrap_err().contains("folder"));
    }
}
