//! The layout of a folder of images, recognised from its paths alone: the program lists a folder, the
//! page receives a list.

use std::collections::BTreeSet;

use super::DataError;
use super::image::EXTENSIONS;

/// The layout of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `train/0.normal`, `test/0.normal`, `test/1.abnormal`: the paper's code.
    Paper,
    /// `train/good`, `test/good`, `test/<defect>`, `ground_truth/<defect>/*_mask.png`.
    Mvtec,
    /// Images, in subfolders or not, all of them normal.
    Plain,
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Paper => "paper layout (train/0.normal, test/0.normal, test/1.abnormal)",
            Self::Mvtec => "MVTec layout (train/good, test/good, test/<defect>)",
            Self::Plain => "plain folder of normal images",
        })
    }
}

impl Layout {
    /// A short name: `paper`, `mvtec` or `plain`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Mvtec => "mvtec",
            Self::Plain => "plain",
        }
    }

    /// The layout of a folder with the subfolders that `has` reports; `None` if there is `train` or
    /// `test` in an unknown layout.
    pub fn of(has: impl Fn(&str) -> bool) -> Option<Self> {
        if has("train/0.normal") {
            Some(Self::Paper)
        } else if has("train/good") {
            Some(Self::Mvtec)
        } else if has("train") || has("test") {
            None
        } else {
            Some(Self::Plain)
        }
    }

    /// The folder that training images are in, below the one that was opened.
    pub fn training_folder(self) -> &'static str {
        match self {
            Self::Paper => "train/0.normal",
            Self::Mvtec => "train/good",
            Self::Plain => "",
        }
    }

    /// What the image at a path is used for; `None` if the layout does not use it.
    fn role(self, path: &str) -> Option<Role> {
        let parts: Vec<&str> = path.split('/').collect();
        match (self, &parts[..]) {
            (Self::Plain, _) => Some(Role::Training),
            (Self::Paper, ["train", "0.normal", _, ..])
            | (Self::Mvtec, ["train", "good", _, ..]) => Some(Role::Training),
            (Self::Paper, ["test", "0.normal", _, ..]) | (Self::Mvtec, ["test", "good", _, ..]) => {
                Some(Role::Normal)
            }
            (Self::Paper, ["test", "1.abnormal", name]) => {
                Some(Role::Abnormal(class_of_name(name)))
            }
            (Self::Paper, ["test", "1.abnormal", class, _, ..])
            | (Self::Mvtec, ["test", class, _, ..]) => Some(Role::Abnormal((*class).to_owned())),
            _ => None,
        }
    }
}

enum Role {
    Training,
    Normal,
    Abnormal(String),
}

/// An image whose label is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledFile {
    /// Its index among the paths.
    pub index: usize,
    /// Whether it is in a folder of abnormal images.
    pub abnormal: bool,
    /// `normal`, or the kind of defect. In the MVTec layout the defect's folder. In the paper's layout
    /// the subfolder of `1.abnormal` if there is one, else the file's name before a last `_` or `-` and
    /// digits (`cell-multi_3559.png` is `cell-multi`), else `abnormal`.
    pub class: String,
}

/// The content of a folder, as indices into its paths, in the order of the paths' parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The layout recognised.
    pub layout: Layout,
    /// Images to train on: all normal.
    pub train: Vec<usize>,
    /// Images to test on: empty for a plain folder.
    pub test: Vec<LabelledFile>,
    /// Files that are not images by name, hidden, or in no folder of the layout.
    pub left_out: Vec<usize>,
}

/// Recognises the layout of files. Paths are relative to the folder, separated by `/`; loose files count
/// as a plain folder.
///
/// # Errors
/// [`DataError::UnknownLayout`] if there is `train` or `test` in an unknown layout,
/// [`DataError::NoPictures`] if there is nothing to train on.
pub fn recognise(paths: &[String]) -> Result<Listing, DataError> {
    let folders: BTreeSet<&str> = paths
        .iter()
        .flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]))
        .collect();
    let Some(layout) = Layout::of(|folder| folders.contains(folder)) else {
        let inside = |folder: &&&str| {
            let parts: Vec<&str> = folder.split('/').collect();
            matches!(parts[..], ["train" | "test", _])
        };
        let mut found: Vec<&str> = folders.iter().filter(inside).copied().collect();
        found.truncate(8);
        return Err(DataError::UnknownLayout {
            root: "the folder".into(),
            found: match found.is_empty() {
                true => "train or test without subfolders".to_owned(),
                false => found.join(", "),
            },
            advice: "For a folder of classes, choose the subfolder with the normal images",
        });
    };
    let listing = arrange(layout, paths);
    if listing.train.is_empty() {
        let folder = match layout.training_folder() {
            "" => "what was given",
            folder => folder,
        };
        return Err(DataError::NoPictures {
            folder: folder.into(),
            expected: expected_extensions(),
        });
    }
    Ok(listing)
}

/// Sorts a folder's files by what they are for.
pub fn arrange(layout: Layout, paths: &[String]) -> Listing {
    let mut order: Vec<usize> = (0..paths.len()).collect();
    // By parts, as file systems are listed: `a/b` comes before `a-c`.
    order.sort_by(|&a, &b| paths[a].split('/').cmp(paths[b].split('/')));
    let mut listing = Listing {
        layout,
        train: Vec::new(),
        test: Vec::new(),
        left_out: Vec::new(),
    };
    for index in order {
        let path = &paths[index];
        let shown = is_picture(path) && !path.split('/').any(is_hidden);
        match layout.role(path).filter(|_| shown) {
            Some(Role::Training) => listing.train.push(index),
            Some(Role::Normal) => listing.test.push(LabelledFile {
                index,
                abnormal: false,
                class: "normal".into(),
            }),
            Some(Role::Abnormal(class)) => listing.test.push(LabelledFile {
                index,
                abnormal: true,
                class,
            }),
            None => listing.left_out.push(index),
        }
    }
    listing
}

/// The part of a file's name before the last `_` or `-` and digits.
fn class_of_name(name: &str) -> String {
    let stem = match name.rfind('.') {
        None | Some(0) => name,
        Some(dot) => &name[..dot],
    };
    let lead = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    if lead.len() == stem.len() {
        return "abnormal".into();
    }
    match lead.strip_suffix(['_', '-']) {
        Some(class) if !class.is_empty() => class.into(),
        _ => "abnormal".into(),
    }
}

/// Whether a file or folder of this name is ignored.
pub fn is_hidden(name: &str) -> bool {
    // `__MACOSX` is what macOS leaves in archives.
    name.starts_with('.') || name == "__MACOSX"
}

/// Whether a file is an image by its name.
pub fn is_picture(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => {
            EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}

/// The extensions that can be read, for an error message.
pub fn expected_extensions() -> String {
    EXTENSIONS[..10]
        .iter()
        .map(|extension| format!(".{extension}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(paths: &[&str]) -> Result<Listing, DataError> {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        recognise(&paths)
    }

    #[test]
    fn loose_files_are_a_plain_folder_in_order() {
        let listing = listed(&["b.png", "a-c.png", "a/b.JPG", "notes.txt", ".x.png"]).unwrap();
        assert_eq!(listing.layout, Layout::Plain);
        assert_eq!(listing.train, [2, 1, 0]);
        assert_eq!(listing.left_out, [4, 3]);
        assert!(listing.test.is_empty());
    }

    #[test]
    fn the_papers_and_mvtecs_layouts() {
        let paper = listed(&[
            "test/1.abnormal/cell-multi_3559.png",
            "test/1.abnormal/dent/1.png",
            "test/0.normal/5.png",
            "train/0.normal/b.png",
            "train/1.other/b.png",
        ])
        .unwrap();
        assert_eq!((paper.layout, &paper.train[..]), (Layout::Paper, &[3][..]));
        let test: Vec<_> = paper.test.iter().map(|t| (t.index, &t.class[..])).collect();
        assert_eq!(test, [(2, "normal"), (0, "cell-multi"), (1, "dent")]);
        assert_eq!(paper.left_out, [4]);
        let mvtec = listed(&[
            "train/good/0.png",
            "test/bent/1.png",
            "test/good/2.png",
            "ground_truth/bent/1_mask.png",
        ])
        .unwrap();
        assert_eq!(mvtec.layout, Layout::Mvtec);
        let test: Vec<_> = mvtec.test.iter().map(|t| (t.index, t.abnormal)).collect();
        assert_eq!(test, [(1, true), (2, false)]);
    }

    #[test]
    fn what_cannot_be_trained_on_says_what_was_expected() {
        let unknown = listed(&["train/cats/1.png", "test/dogs/2.png"]).unwrap_err();
        assert!(
            unknown.to_string().contains("test/dogs, train/cats"),
            "{unknown}"
        );
        let nothing = listed(&["train/good/readme.txt", "test/good/1.png"]).unwrap_err();
        assert!(nothing.to_string().contains("train/good"), "{nothing}");
        assert!(listed(&[]).unwrap_err().to_string().contains(".png"));
    }
}
