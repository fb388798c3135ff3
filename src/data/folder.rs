//! Folders of images: their layout, and which images they hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::DataError;
use super::classes::{ClassSample, ClassSet};
use super::files::{check_folder, folder_name, name_below, pictures_in, subfolders};
use super::layout::{self, Layout, expected_extensions};
use super::mask::Mask;
use super::sample::{Origin, Sample};

/// The images of a data folder, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
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
        check_folder(root)?;
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
        let test = root.join("test");
        if layout != Layout::Plain && test.is_dir() {
            files.extend(pictures_in(&test)?);
        }
        let names: Vec<String> = files.iter().map(|path| name_below(root, path)).collect();
        let listing = layout::arrange(layout, &names);
        let sample = |index: usize, abnormal: bool, class: String| Sample {
            name: names[index].clone(),
            origin: Origin::File(files[index].clone()),
            mask: match abnormal && layout == Layout::Mvtec {
                true => mask(root, &class, &files[index]).map(Mask::File),
                false => None,
            },
            abnormal,
            class,
        };
        let train = listing.train.into_iter();
        let train = train.map(|index| sample(index, false, "normal".into()));
        let test = listing.test.into_iter();
        let test = test.map(|file| sample(file.index, file.abnormal, file.class));
        Ok(Self {
            layout,
            train: train.collect(),
            test: test.collect(),
        })
    }
}

/// The mask that marks the defect of an image in MVTec's layout, if there is one.
fn mask(root: &Path, class: &str, path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mask = root
        .join("ground_truth")
        .join(class)
        .join(format!("{stem}_mask.png"));
    mask.is_file().then_some(mask)
}

/// Lists the images of `train/<class>` and `test/<class>`, as [`Folder::open`] does, sorted by class and
/// path. The classes are all names of a folder in `train` or `test`, sorted. Images beside the class
/// folders belong to no class and are left out.
///
/// # Errors
/// If there is no such folder, it cannot be read, or it has one of the layouts of [`Folder`], which
/// already say what is normal.
pub fn open_classes(root: &Path) -> Result<ClassSet, DataError> {
    let known = Layout::of(|folder| root.join(folder).is_dir());
    if !root.join("train").is_dir() || known.is_some() {
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
    let list = |folders: &[PathBuf]| -> Result<Vec<ClassSample>, DataError> {
        let mut samples = Vec::new();
        for folder in folders {
            let class = classes
                .binary_search(&folder_name(folder))
                .unwrap_or_default();
            let sample = |path: PathBuf| ClassSample {
                name: name_below(root, &path),
                origin: Origin::File(path),
                class,
            };
            samples.extend(pictures_in(folder)?.into_iter().map(sample));
        }
        Ok(samples)
    };
    let (train, test) = (list(&folders[0])?, list(&folders[1])?);
    Ok(ClassSet {
        classes,
        train,
        test,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::files::tests::png_folder;

    #[test]
    fn the_papers_layout() {
        let root = png_folder(&[
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
        let train: Vec<_> = data.train.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(train, ["train/0.normal/a.JPG", "train/0.normal/b.png"]);
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
        let root = png_folder(&[
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
        let root = png_folder(&[
            "train/b/1.png",
            "train/a/2.png",
            "train/loose.png",
            "test/c/deep/3.png",
            "test/a/4.png",
        ]);
        let data = open_classes(root.path()).unwrap();
        assert_eq!(data.classes, ["a", "b", "c"]);
        let below = |list: &[ClassSample]| -> Vec<(String, usize)> {
            list.iter().map(|s| (s.name.clone(), s.class)).collect()
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
            let message = open_classes(png_folder(files).path())
                .unwrap_err()
                .to_string();
            assert!(message.contains(word), "{message}");
        }
        assert!(open_classes(&root.path().join("x")).is_err());
    }

    #[test]
    fn a_plain_folder_is_all_normal() {
        let root = png_folder(&["b/2.png", "1.png", "__MACOSX/3.png"]);
        let data = Folder::open(root.path()).unwrap();
        assert_eq!(
            (data.layout, data.train.len(), data.test.len()),
            (Layout::Plain, 2, 0)
        );
    }

    #[test]
    fn errors_name_what_was_expected() {
        let message = |path: &Path| Folder::open(path).unwrap_err().to_string();
        let root = png_folder(&["train/fine/1.png", "test/broken/1.png"]);
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
}
