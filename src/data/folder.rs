//! Folders of images: which layout, which images, and loading them on all cores.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::DataError;
use super::digest::PicturesDigest;
use super::image::{self, Preprocessing};
use super::layout::{self, Labelled, Layout, expected_extensions};

/// Larger files are not read: no image that would be decoded needs that much.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// One image of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The file.
    pub path: PathBuf,
    /// Whether it is in a folder of abnormal images.
    pub abnormal: bool,
    /// As [`Labelled::class`].
    pub class: String,
    /// The mask that marks the defect (MVTec layout), if there is one.
    pub mask: Option<PathBuf>,
}

/// The images of a data folder, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The folder that was opened.
    pub root: PathBuf,
    /// The layout recognised.
    pub layout: Layout,
    /// Images to train on: all normal.
    pub train: Vec<Sample>,
    /// Images to test on: empty for a plain folder.
    pub test: Vec<Sample>,
}

impl Folder {
    /// Lists the images of `root` by their file name extensions. Links are followed; names that
    /// begin with a dot are left out.
    ///
    /// # Errors
    /// If there is no such folder, it cannot be read, it has `train` or `test` in a layout that is
    /// not known, or there is nothing to train on.
    pub fn open(root: &Path) -> Result<Self, DataError> {
        if !root.exists() {
            return Err(DataError::NotFound(root.into()));
        }
        if !root.is_dir() {
            return Err(DataError::NotAFolder(root.into()));
        }
        let Some(layout) = Layout::of(|folder| root.join(folder).is_dir()) else {
            return Err(DataError::UnknownLayout {
                root: root.into(),
                found: describe(root)?,
                advice: "Folders of classes (train/<class> with test/<class>) need --abnormal CLASS \
                         or --normal CLASS",
            });
        };
        let folder = root.join(layout.training_folder());
        let mut files = pictures_in(&folder)?;
        if files.is_empty() {
            return Err(DataError::NoPictures {
                folder,
                expected: expected_extensions(),
            });
        }
        if layout != Layout::Plain {
            files.extend(pictures_if_there(&root.join("test"))?);
        }
        let names: Vec<String> = files.iter().map(|path| name_below(root, path)).collect();
        let listing = layout::arrange(layout, &names);
        let train = listing.train.into_iter().map(|index| Sample {
            path: files[index].clone(),
            abnormal: false,
            class: "normal".into(),
            mask: None,
        });
        let test = listing.test.into_iter().map(|labelled| {
            let path = files[labelled.index].clone();
            Sample {
                mask: mask(root, layout, &labelled, &path),
                path,
                abnormal: labelled.abnormal,
                class: labelled.class,
            }
        });
        Ok(Self {
            root: root.into(),
            layout,
            train: train.collect(),
            test: test.collect(),
        })
    }
}

/// The mask that marks a defect, if there is one.
fn mask(root: &Path, layout: Layout, labelled: &Labelled, path: &Path) -> Option<PathBuf> {
    if layout != Layout::Mvtec || !labelled.abnormal {
        return None;
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mask = root
        .join("ground_truth")
        .join(&labelled.class)
        .join(format!("{stem}_mask.png"));
    mask.is_file().then_some(mask)
}

/// The images of a folder per class, sorted by class and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFolders {
    /// The classes: every name of a folder in `train` or `test`, sorted.
    pub classes: Vec<String>,
    /// Images of `train`, each with its class as an index.
    pub train: Vec<(PathBuf, usize)>,
    /// Images of `test`.
    pub test: Vec<(PathBuf, usize)>,
}

impl ClassFolders {
    /// Lists the images of `train/<class>` and `test/<class>`, as [`Folder::open`] does. Images beside
    /// the class folders belong to no class and are left out.
    ///
    /// # Errors
    /// If there is no such folder, it cannot be read, or it has one of the layouts of [`Folder`], which
    /// already say what is normal.
    pub fn open(root: &Path) -> Result<Self, DataError> {
        if !root.is_dir() || !root.join("train").is_dir() || known_layout(root) {
            // Gives the specific error if there is one.
            return Err(DataError::NotSelectable {
                root: root.into(),
                layout: Folder::open(root)?.layout.to_string(),
            });
        }
        let parts = ["train", "test"].map(|part| root.join(part));
        let mut folders = Vec::new();
        for part in &parts {
            folders.push(match part.is_dir() {
                true => subfolders(part)?,
                false => Vec::new(),
            });
        }
        let classes: BTreeSet<String> = folders.iter().flatten().map(|f| folder_name(f)).collect();
        let classes: Vec<String> = classes.into_iter().collect();
        let list = |folders: &[PathBuf]| -> Result<Vec<(PathBuf, usize)>, DataError> {
            let mut pictures = Vec::new();
            for folder in folders {
                let class = classes
                    .binary_search(&folder_name(folder))
                    .unwrap_or_default();
                pictures.extend(pictures_in(folder)?.into_iter().map(|path| (path, class)));
            }
            Ok(pictures)
        };
        let (train, test) = (list(&folders[0])?, list(&folders[1])?);
        Ok(Self {
            classes,
            train,
            test,
        })
    }
}

/// Whether a folder's layout says what is normal.
fn known_layout(root: &Path) -> bool {
    let train = root.join("train");
    train.join("0.normal").is_dir() || train.join("good").is_dir()
}

fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The subfolders of `train` and `test`, for an error message.
fn describe(root: &Path) -> Result<String, DataError> {
    let mut found = Vec::new();
    for part in ["train", "test"] {
        let folder = root.join(part);
        if !folder.is_dir() {
            continue;
        }
        let names = subfolders(&folder)?;
        if names.is_empty() {
            found.push(format!("{part} without subfolders"));
        }
        for name in names.iter().take(8) {
            found.push(format!(
                "{part}/{}",
                name.file_name().unwrap_or_default().to_string_lossy()
            ));
        }
        if names.len() > 8 {
            found.push(format!("and {} more in {part}", names.len() - 8));
        }
    }
    Ok(found.join(", "))
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
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

fn pictures_if_there(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    if folder.is_dir() {
        pictures_in(folder)
    } else {
        Ok(Vec::new())
    }
}

/// All images under a folder, by their extension, sorted.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
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

/// An image ready for the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// `[channels, size, size]`, in `[-1, 1]`.
    pub values: Vec<f32>,
    /// Width of the original in pixels.
    pub width: u32,
    /// Height of the original in pixels.
    pub height: u32,
}

/// Reads, decodes and resizes one file.
///
/// # Errors
/// Why the file cannot be scored, in words for the user.
pub fn load_one(path: &Path, preprocessing: &Preprocessing) -> Result<Prepared, String> {
    let bytes = read_bounded(path)?;
    let picture = image::decode(&bytes).map_err(|error| error.to_string())?;
    Ok(Prepared {
        values: preprocessing.apply(&picture),
        width: picture.width(),
        height: picture.height(),
    })
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

/// Images loaded together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadedPictures {
    /// The network's inputs one after another: `kept.len()` times `channels * size * size` values.
    pub values: Vec<f32>,
    /// Which of the paths they come from, ascending.
    pub kept: Vec<usize>,
    /// The images that were left out, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Loads images on all cores, in order, and keeps them in memory: for training.
///
/// Unreadable images are left out and listed. `on_progress` is called from any thread with the number of
/// files done.
pub fn load(
    paths: &[PathBuf],
    preprocessing: &Preprocessing,
    on_progress: impl Fn(usize) + Sync,
) -> LoadedPictures {
    let done = AtomicUsize::new(0);
    let pictures: Vec<_> = paths
        .par_iter()
        .map(|path| {
            let picture = load_one(path, preprocessing).map(|picture| picture.values);
            on_progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            picture
        })
        .collect();
    let mut loaded = LoadedPictures::default();
    loaded
        .values
        .reserve_exact(preprocessing.values() * pictures.iter().filter(|p| p.is_ok()).count());
    for (index, picture) in pictures.into_iter().enumerate() {
        match picture {
            Ok(values) => {
                loaded.values.extend_from_slice(&values);
                loaded.kept.push(index);
            }
            Err(reason) => loaded.skipped.push((paths[index].clone(), reason)),
        }
    }
    loaded
}

/// One file of a chunk: its index in the whole list, and the image or the reason why it could not be
/// read.
#[derive(Clone, Debug)]
pub struct Loaded<'a> {
    /// Index into the paths given to [`chunks`].
    pub index: usize,
    /// The file.
    pub path: &'a Path,
    /// The image, or the reason in words for the user.
    pub picture: Result<Prepared, String>,
}

/// Loads images `chunk` at a time, each chunk on all cores, in order: for scoring any number of
/// them in bounded memory. A chunk of 0 counts as 1.
pub fn chunks<'a>(
    paths: &'a [PathBuf],
    preprocessing: &'a Preprocessing,
    chunk: usize,
) -> impl Iterator<Item = Vec<Loaded<'a>>> + 'a {
    let chunk = chunk.max(1);
    paths.chunks(chunk).enumerate().map(move |(number, paths)| {
        paths
            .par_iter()
            .enumerate()
            .map(|(at, path)| Loaded {
                index: number * chunk + at,
                path,
                picture: load_one(path, preprocessing),
            })
            .collect()
    })
}

/// [`PicturesDigest`] of files below a folder.
///
/// # Errors
/// If a file cannot be read.
pub fn digest(root: &Path, paths: &[PathBuf]) -> Result<String, DataError> {
    let mut digest = PicturesDigest::default();
    for path in paths {
        let bytes = fs::read(path).map_err(|source| DataError::Read {
            path: path.clone(),
            source,
        })?;
        digest.add(&name_below(root, path), &bytes);
    }
    Ok(digest.finish())
}

/// A file's path below the folder that was opened, with `/` between the parts on every system.
pub(super) fn name_below(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn png(value: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = ::image::GrayImage::from_pixel(4, 4, ::image::Luma([value]));
        picture
            .write_to(&mut bytes, ::image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    }

    fn folder(files: &[&str]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (value, file) in files.iter().enumerate() {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, png(value as u8 * 10)).unwrap();
        }
        root
    }

    fn names(root: &TempDir, paths: &[PathBuf]) -> Vec<String> {
        let below = |path: &PathBuf| {
            path.strip_prefix(root.path())
                .unwrap_or(path)
                .display()
                .to_string()
        };
        paths.iter().map(below).collect()
    }

    #[test]
    fn the_papers_layout() {
        let root = folder(&[
            "train/0.normal/b.png",
            "train/0.normal/a.JPG",
            "train/0.normal/.hidden.png",
            "train/0.normal/notes.txt",
            "test/0.normal/5.png",
            "test/1.abnormal/cell-multi_3559.png",
            "test/1.abnormal/soiling-12.png",
            "test/1.abnormal/777.png",
            "test/1.abnormal/odd.png",
            "test/1.abnormal/crack9.png",
            "test/1.abnormal/dent/x_1.png",
        ]);
        let data = Folder::open(root.path()).unwrap();
        assert_eq!(data.layout, Layout::Paper);
        let train: Vec<_> = data.train.iter().map(|s| s.path.clone()).collect();
        assert_eq!(
            names(&root, &train),
            ["train/0.normal/a.JPG", "train/0.normal/b.png"]
        );
        assert!(
            data.train
                .iter()
                .all(|s| !s.abnormal && s.class == "normal")
        );
        let test: Vec<_> = data
            .test
            .iter()
            .map(|s| (s.abnormal, s.class.as_str()))
            .collect();
        assert_eq!(
            test,
            [
                (false, "normal"),
                (true, "abnormal"),
                (true, "cell-multi"),
                (true, "abnormal"),
                (true, "dent"),
                (true, "abnormal"),
                (true, "soiling"),
            ]
        );
    }

    #[test]
    fn mvtecs_layout_with_masks() {
        let root = folder(&[
            "train/good/000.png",
            "test/good/000.png",
            "test/scratch/000.png",
            "test/scratch/001.png",
            "test/bent/000.png",
            "ground_truth/scratch/000_mask.png",
        ]);
        let data = Folder::open(root.path()).unwrap();
        assert_eq!((data.layout, data.train.len()), (Layout::Mvtec, 1));
        let test: Vec<_> = data
            .test
            .iter()
            .map(|s| (s.class.as_str(), s.abnormal, s.mask.is_some()))
            .collect();
        assert_eq!(
            test,
            [
                ("bent", true, false),
                ("normal", false, false),
                ("scratch", true, true),
                ("scratch", true, false),
            ]
        );
    }

    #[test]
    fn a_folder_per_class() {
        let root = folder(&[
            "train/b/1.png",
            "train/a/2.png",
            "train/loose.png",
            "test/c/deep/3.png",
            "test/a/4.png",
        ]);
        let data = ClassFolders::open(root.path()).unwrap();
        assert_eq!(data.classes, ["a", "b", "c"]);
        let below = |list: &[(PathBuf, usize)]| -> Vec<(String, usize)> {
            let name = |path| name_below(root.path(), path);
            list.iter()
                .map(|(path, class)| (name(path), *class))
                .collect()
        };
        assert_eq!(
            below(&data.train),
            [("train/a/2.png".into(), 0), ("train/b/1.png".into(), 1)]
        );
        assert_eq!(
            below(&data.test),
            [("test/a/4.png".into(), 0), ("test/c/deep/3.png".into(), 2)]
        );

        for (files, word) in [
            (&["train/good/1.png"][..], "MVTec"),
            (&["train/0.normal/1.png"], "paper layout"),
            (&["1.png"], "plain folder"),
            (&["test/a/1.png"], "not in a known layout"),
        ] {
            let message = ClassFolders::open(folder(files).path())
                .unwrap_err()
                .to_string();
            assert!(message.contains(word), "{message}");
        }
        assert!(ClassFolders::open(&root.path().join("x")).is_err());
    }

    #[test]
    fn a_plain_folder_is_all_normal() {
        let root = folder(&["b/2.png", "1.png", "__MACOSX/3.png"]);
        let data = Folder::open(root.path()).unwrap();
        assert_eq!(
            (data.layout, data.train.len(), data.test.len()),
            (Layout::Plain, 2, 0)
        );
    }

    #[test]
    fn errors_name_what_was_expected() {
        let message = |path: &Path| Folder::open(path).unwrap_err().to_string();
        let root = folder(&["train/fine/1.png", "test/broken/1.png"]);
        let unknown = message(root.path());
        assert!(
            unknown.contains("train/fine, test/broken")
                && unknown.contains("train/0.normal")
                && unknown.contains("--abnormal CLASS"),
            "{unknown}"
        );
        let empty = tempfile::tempdir().unwrap();
        let nothing = message(empty.path());
        assert!(
            nothing.contains(".png") && nothing.contains("no images"),
            "{nothing}"
        );
        assert!(message(&empty.path().join("x")).contains("does not exist"));
        assert!(message(&root.path().join("train/fine/1.png")).contains("is a file"));
    }

    #[test]
    fn loading_skips_bad_files_and_says_why() {
        let root = folder(&["0.png", "1.png", "2.png"]);
        fs::write(root.path().join("1.png"), b"").unwrap();
        fs::write(root.path().join("2.png"), b"just text").unwrap();
        let paths: Vec<_> = ["0.png", "1.png", "2.png", "none.png", "0.png"]
            .map(|n| root.path().join(n))
            .into();
        let most = AtomicUsize::new(0);
        let preprocessing = Preprocessing::new(2, 1);
        let loaded = load(&paths, &preprocessing, |done| {
            most.fetch_max(done, Ordering::Relaxed);
        });
        assert_eq!(most.into_inner(), 5);
        assert_eq!(loaded.kept, [0, 4]);
        assert_eq!(loaded.values, [-1.0; 8]);
        let reasons: Vec<_> = loaded
            .skipped
            .iter()
            .map(|(_, reason)| reason.as_str())
            .collect();
        assert!(
            reasons[0].contains("empty")
                && reasons[1].contains("text")
                && reasons[2].contains("cannot be read")
        );

        let chunked: Vec<_> = chunks(&paths, &preprocessing, 2).collect();
        assert_eq!(chunked.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        let flat: Vec<_> = chunked.into_iter().flatten().collect();
        assert!(
            flat.iter()
                .enumerate()
                .all(|(i, l)| l.index == i && l.path == paths[i])
        );
        assert_eq!(
            flat.iter()
                .filter(|l| l.picture.is_ok())
                .map(|l| l.index)
                .collect::<Vec<_>>(),
            loaded.kept
        );
        assert!(
            load_one(root.path(), &preprocessing)
                .unwrap_err()
                .contains("folder")
        );
    }

    #[test]
    fn paths_become_files() {
        let root = folder(&["a/2.png", "a/1.png", "a/deep/3.webp", "x1.png", "x2.png"]);
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
            names(&root, &got),
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
    fn the_digest_follows_names_and_bytes_but_not_the_place() {
        let (one, other) = (folder(&["a.png", "b/c.png"]), folder(&["a.png", "b/c.png"]));
        let of = |root: &TempDir| digest(root.path(), &expand(&[root.path().into()])).unwrap();
        assert_eq!(of(&one), of(&other));
        assert_eq!(of(&one).len(), 64);
        fs::rename(one.path().join("a.png"), one.path().join("a2.png")).unwrap();
        assert_ne!(of(&one), of(&other));
        fs::write(other.path().join("a.png"), png(99)).unwrap();
        assert_ne!(of(&folder(&["a.png", "b/c.png"])), of(&other));
        assert!(digest(one.path(), &[one.path().join("gone.png")]).is_err());
    }
}
