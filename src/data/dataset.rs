//! One set of images, whatever its source: a folder, CIFAR-10's files or IDX files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::batch::subsample;
use super::folder::{ClassFolders, Folder, Prepared, name_below, read_bounded};
use super::image::{self, Picture, Preprocessing};
use super::records::{RecordSet, Records};
use super::{DataError, cifar10, folder, idx};

/// The source of a set of images. Published tables are chosen by this and [`Dataset::abnormal_class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Files in folders.
    Folder,
    /// CIFAR-10's binary version.
    Cifar10,
    /// IDX files. They do not record which data set they hold.
    Idx,
}

impl Kind {
    /// `folder`, `cifar10` or `idx`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Cifar10 => "cifar10",
            Self::Idx => "idx",
        }
    }
}

/// Which images are tested on if a class is chosen. Training always uses the normal classes' images of
/// the training part.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The test part alone
    #[default]
    Official,
    /// The test part and the abnormal classes' images of the training part, as in the published code
    Published,
}

impl Split {
    /// `official` or `published`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Published => "published",
        }
    }
}

/// Which classes count as normal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// All but this one.
    Abnormal(String),
    /// This one alone.
    Normal(String),
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Abnormal(class) => write!(f, "class {class} abnormal and all others normal"),
            Self::Normal(class) => write!(f, "class {class} normal and all others abnormal"),
        }
    }
}

/// Which part of a set of images is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Name or number of the one abnormal class.
    pub abnormal: Option<String>,
    /// Name or number of the one normal class.
    pub normal: Option<String>,
    /// Which images are tested on; [`Split::Official`] by default.
    pub split: Option<Split>,
    /// Largest number of training images; more are subsampled.
    pub limit: Option<NonZeroUsize>,
    /// Largest number of test images; more are subsampled in proportion to the classes.
    pub test_limit: Option<NonZeroUsize>,
    /// Seed of both draws.
    pub seed: u64,
    /// Seed of the draw of training images, if it differs from `seed`.
    pub limit_seed: Option<u64>,
}

/// Where an image's pixels are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// In memory, as one of a data set's records.
    Record(Arc<Records>, usize),
}

/// One image of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its file below the data folder with `/` between the parts, or its record (`test_batch/17`).
    pub name: String,
    /// Where its pixels are.
    pub origin: Origin,
    /// Whether it counts as abnormal.
    pub abnormal: bool,
    /// What it shows. If the layout of a folder says what is normal: `normal`, or the kind of defect.
    pub class: String,
    /// The mask that marks the defect, if there is one; see [`super::mask`].
    pub mask: Option<PathBuf>,
}

impl Sample {
    /// The file, or the record's name: for messages.
    pub fn path(&self) -> &Path {
        match &self.origin {
            Origin::File(path) => path,
            Origin::Record(..) => Path::new(&self.name),
        }
    }

    /// The bytes of the file, or of the record as its file holds it.
    ///
    /// # Errors
    /// Why the file cannot be read, in words for the user.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, String> {
        Ok(match &self.origin {
            Origin::File(path) => Cow::Owned(read_bounded(path)?),
            Origin::Record(records, index) => Cow::Borrowed(records.bytes(*index)),
        })
    }

    /// The image in those bytes.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Picture, String> {
        match &self.origin {
            Origin::File(_) => image::decode(bytes).map_err(|error| error.to_string()),
            Origin::Record(records, index) => Ok(records.picture(*index)),
        }
    }

    /// The image.
    ///
    /// # Errors
    /// Why it cannot be read, in words for the user.
    pub fn picture(&self) -> Result<Picture, String> {
        self.decode(&self.bytes()?)
    }

    /// The image, ready for the network.
    ///
    /// # Errors
    /// Why it cannot be read, in words for the user.
    pub fn load(&self, preprocessing: &Preprocessing) -> Result<Prepared, String> {
        let picture = self.picture()?;
        Ok(Prepared {
            values: preprocessing.apply(&picture),
            width: picture.width(),
            height: picture.height(),
        })
    }
}

/// A set of images to train and to test on.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// As the user named it.
    pub source: String,
    /// What it comes from.
    pub kind: Kind,
    /// Layout, choice of classes, split and numbers, in words.
    pub description: String,
    /// All classes, in the order of their numbers. A folder whose layout says what is normal has those
    /// of its images.
    pub classes: Vec<String>,
    /// Which classes count as normal; `None` if the layout of a folder says it.
    pub selection: Option<Selection>,
    /// Which images are tested on, if a class was chosen.
    pub split: Option<Split>,
    /// Images to train on: all normal.
    pub train: Vec<Sample>,
    /// Images to test on.
    pub test: Vec<Sample>,
}

/// The kind and the place in `cifar10:DIR`, `idx:DIR` or `DIR`.
pub fn parse_source(source: &str) -> (Kind, &Path) {
    match source.split_once(':') {
        Some(("cifar10", folder)) => (Kind::Cifar10, Path::new(folder)),
        Some(("idx", folder)) => (Kind::Idx, Path::new(folder)),
        _ => (Kind::Folder, Path::new(source)),
    }
}

impl Dataset {
    /// Opens `cifar10:DIR`, `idx:DIR` or a folder `DIR`, and lists its images. Raw images are read
    /// into memory, files are not.
    ///
    /// # Errors
    /// If the data are missing or malformed, there is nothing to train on, the class is not one of
    /// theirs, or a class is chosen where the layout says what is normal, or none where it does not.
    pub fn open(source: &str, options: &Options) -> Result<Self, DataError> {
        let (kind, folder) = parse_source(source);
        let mut set = match kind {
            Kind::Cifar10 => from_records(source, kind, cifar10::open(folder)?, options)?,
            Kind::Idx => from_records(source, kind, idx::open(folder)?, options)?,
            Kind::Folder => from_folder(source, folder, options)?,
        };
        set.draw(options);
        Ok(set)
    }

    /// The one class that counts as abnormal, if one was chosen.
    pub fn abnormal_class(&self) -> Option<&str> {
        match &self.selection {
            Some(Selection::Abnormal(class)) => Some(class),
            _ => None,
        }
    }

    /// Normal and abnormal test images.
    pub fn test_counts(&self) -> (usize, usize) {
        let abnormal = self.test.iter().filter(|sample| sample.abnormal).count();
        (self.test.len() - abnormal, abnormal)
    }

    /// Keeps as many images as were requested and records it in the description.
    fn draw(&mut self, options: &Options) {
        let (train, test) = (self.train.len(), self.test.len());
        let limit_seed = options.limit_seed.unwrap_or(options.seed);
        if let Some(limit) = options.limit {
            let kept = subsample(train, limit.get(), limit_seed, 0);
            keep(&mut self.train, &kept);
        }
        if let Some(limit) = options.test_limit {
            let kept = stratified(&self.test, limit.get(), options.seed);
            keep(&mut self.test, &kept);
        }
        let drawn = |kept: usize, of: usize, seed: u64| match kept < of {
            true => format!(" (of {of}, drawn with seed {seed})"),
            false => String::new(),
        };
        let (normal, abnormal) = self.test_counts();
        self.description.push_str(&format!(
            "; {} normal training images{}; {normal} normal and {abnormal} abnormal test images{}",
            self.train.len(),
            drawn(self.train.len(), train, limit_seed),
            drawn(self.test.len(), test, options.seed),
        ));
    }
}

/// Keeps the samples at the given indices, which must ascend.
fn keep(samples: &mut Vec<Sample>, kept: &[usize]) {
    let mut kept = kept.iter().copied().peekable();
    let mut at = 0;
    samples.retain(|_| {
        let wanted = kept.next_if_eq(&at).is_some();
        at += 1;
        wanted
    });
}

/// Draws `count` samples in ascending order, in proportion to the classes, rounded by largest remainders,
/// with at least one of each class if `count` allows.
fn stratified(samples: &[Sample], count: usize, seed: u64) -> Vec<usize> {
    let mut classes: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (at, sample) in samples.iter().enumerate() {
        let class = (sample.abnormal, sample.class.as_str());
        classes.entry(class).or_default().push(at);
    }
    let total = samples.len();
    if count >= total {
        return (0..total).collect();
    }
    let classes: Vec<Vec<usize>> = classes.into_values().collect();
    let mut shares: Vec<usize> = classes.iter().map(|c| c.len() * count / total).collect();
    let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(classes[class].len() * count % total));
    let left = count - shares.iter().sum::<usize>();
    for &class in by_remainder.iter().take(left) {
        shares[class] += 1;
    }
    if count >= classes.len() {
        while let Some(none) = shares.iter().position(|&share| share == 0) {
            let Some(most) = (0..shares.len()).max_by_key(|&class| shares[class]) else {
                break;
            };
            shares[most] -= 1;
            shares[none] += 1;
        }
    }
    let mut drawn: Vec<usize> = std::iter::zip(&classes, &shares)
        .enumerate()
        .flat_map(|(class, (places, &share))| {
            // Separate streams: otherwise classes of the same size would get the same draws.
            let part = u32::try_from(class + 1).unwrap_or(u32::MAX);
            let kept = subsample(places.len(), share, seed, part);
            kept.into_iter().map(|at| places[at]).collect::<Vec<_>>()
        })
        .collect();
    drawn.sort_unstable();
    drawn
}

/// An image with the number of its class, before it is known whether it counts as normal.
struct Labelled {
    name: String,
    origin: Origin,
    class: usize,
}

fn from_records(
    source: &str,
    kind: Kind,
    set: RecordSet,
    options: &Options,
) -> Result<Dataset, DataError> {
    let list = |files: &[Arc<Records>]| -> Vec<Labelled> {
        let file = |records: &Arc<Records>| {
            let records = Arc::clone(records);
            (0..records.len()).map(move |index| Labelled {
                name: records.name(index),
                origin: Origin::Record(Arc::clone(&records), index),
                class: records.labels()[index].into(),
            })
        };
        files.iter().flat_map(file).collect()
    };
    let shape = set.train.first().map(|records| records.shape());
    let what = match (kind, shape) {
        (Kind::Cifar10, _) => "CIFAR-10".to_owned(),
        (_, Some(shape)) => format!("IDX images, {shape}"),
        (_, None) => "IDX images".to_owned(),
    };
    let (train, test) = (list(&set.train), list(&set.test));
    select(source, kind, &what, set.classes, train, test, options)
}

fn from_folder(source: &str, root: &Path, options: &Options) -> Result<Dataset, DataError> {
    let chosen = options.abnormal.is_some() || options.normal.is_some() || options.split.is_some();
    if chosen {
        let set = ClassFolders::open(root)?;
        let list = |pictures: Vec<(PathBuf, usize)>| -> Vec<Labelled> {
            let labelled = |(path, class): (PathBuf, usize)| Labelled {
                name: name_below(root, &path),
                origin: Origin::File(path),
                class,
            };
            pictures.into_iter().map(labelled).collect()
        };
        let what = "folder per class (train/<class>, test/<class>)";
        let (train, test) = (list(set.train), list(set.test));
        return select(
            source,
            Kind::Folder,
            what,
            set.classes,
            train,
            test,
            options,
        );
    }
    let Folder {
        root,
        layout,
        train,
        test,
    } = Folder::open(root)?;
    let list = |samples: Vec<folder::Sample>| -> Vec<Sample> {
        let sample = |sample: folder::Sample| Sample {
            name: name_below(&root, &sample.path),
            origin: Origin::File(sample.path),
            abnormal: sample.abnormal,
            class: sample.class,
            mask: sample.mask,
        };
        samples.into_iter().map(sample).collect()
    };
    let (train, test) = (list(train), list(test));
    let mut classes: Vec<String> = train.iter().chain(&test).map(|s| s.class.clone()).collect();
    classes.sort();
    classes.dedup();
    Ok(Dataset {
        source: source.to_owned(),
        kind: Kind::Folder,
        description: layout.to_string(),
        classes,
        selection: None,
        split: None,
        train,
        test,
    })
}

/// Makes a data set from labelled images by choosing one class.
fn select(
    source: &str,
    kind: Kind,
    what: &str,
    classes: Vec<String>,
    train: Vec<Labelled>,
    test: Vec<Labelled>,
    options: &Options,
) -> Result<Dataset, DataError> {
    let (chosen, selection) = match (&options.abnormal, &options.normal) {
        (Some(class), None) => {
            let class = find_class(class, &classes)?;
            (class, Selection::Abnormal(classes[class].clone()))
        }
        (None, Some(class)) => {
            let class = find_class(class, &classes)?;
            (class, Selection::Normal(classes[class].clone()))
        }
        (abnormal, _) => {
            return Err(DataError::Selection {
                data: source.to_owned(),
                got: if abnormal.is_some() {
                    "both"
                } else {
                    "neither"
                },
                classes: listed(&classes),
            });
        }
    };
    let is_abnormal = |class: usize| {
        let is_chosen = class == chosen;
        is_chosen == matches!(selection, Selection::Abnormal(_))
    };
    let sample = |picture: Labelled| Sample {
        abnormal: is_abnormal(picture.class),
        name: picture.name,
        origin: picture.origin,
        class: classes[picture.class].clone(),
        mask: None,
    };
    let split = options.split.unwrap_or_default();
    let (abnormal, train): (Vec<Sample>, Vec<Sample>) = train
        .into_iter()
        .map(sample)
        .partition(|sample| sample.abnormal);
    if train.is_empty() {
        return Err(DataError::NoNormals {
            data: source.to_owned(),
            selection: selection.to_string(),
        });
    }
    let mut test: Vec<Sample> = test.into_iter().map(sample).collect();
    let tested = match split {
        Split::Official => "the test part",
        Split::Published => {
            test.extend(abnormal);
            "the test part and the training part's abnormal images"
        }
    };
    Ok(Dataset {
        source: source.to_owned(),
        kind,
        description: format!(
            "{what}; {selection}; {} split, tested on {tested}",
            split.as_str()
        ),
        classes,
        selection: Some(selection),
        split: Some(split),
        train,
        test,
    })
}

/// A class by its name, ignoring case, or by its number.
fn find_class(asked: &str, classes: &[String]) -> Result<usize, DataError> {
    let exact = classes.iter().position(|class| class == asked);
    let alike = || {
        classes
            .iter()
            .position(|class| class.eq_ignore_ascii_case(asked))
    };
    let number = || {
        asked
            .parse()
            .ok()
            .filter(|&number: &usize| number < classes.len())
    };
    exact
        .or_else(alike)
        .or_else(number)
        .ok_or_else(|| DataError::UnknownClass {
            asked: asked.to_owned(),
            classes: listed(classes),
        })
}

/// Classes as listed in a message, with their numbers if these add to the names.
fn listed(classes: &[String]) -> String {
    let entry = |(number, class): (usize, &String)| match *class == number.to_string() {
        true => class.clone(),
        false => format!("{class} ({number})"),
    };
    classes
        .iter()
        .enumerate()
        .map(entry)
        .collect::<Vec<_>>()
        .join(", ")
}

/// One sample of a chunk: its index, and the image or the reason why it could not be read.
#[derive(Clone, Debug)]
pub struct Loaded<'a> {
    /// Index into the samples given to [`chunks`].
    pub index: usize,
    /// The sample.
    pub sample: &'a Sample,
    /// The image, or the reason in words for the user.
    pub picture: Result<Prepared, String>,
}

/// Loads samples `chunk` at a time, each chunk on all cores, in order: for scoring any number of them in
/// bounded memory. A chunk of 0 counts as 1.
pub fn chunks<'a>(
    samples: &'a [Sample],
    preprocessing: &'a Preprocessing,
    chunk: usize,
) -> impl Iterator<Item = Vec<Loaded<'a>>> + 'a {
    let chunk = chunk.max(1);
    samples
        .chunks(chunk)
        .enumerate()
        .map(move |(number, samples)| {
            samples
                .par_iter()
                .enumerate()
                .map(|(at, sample)| Loaded {
                    index: number * chunk + at,
                    sample,
                    picture: sample.load(preprocessing),
                })
                .collect()
        })
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::data::{cifar10, idx};

    /// A folder of small grey PNG files, each of another value.
    pub fn png_folder(files: &[&str]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (value, file) in files.iter().enumerate() {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let picture = ::image::GrayImage::from_pixel(4, 4, ::image::Luma([value as u8 * 10]));
            picture.save(path).unwrap();
        }
        root
    }

    fn abnormal(class: &str, split: Split) -> Options {
        Options {
            abnormal: Some(class.into()),
            split: Some(split),
            ..Options::default()
        }
    }

    fn named(kind: &str, folder: &TempDir) -> String {
        format!("{kind}{}", folder.path().display())
    }

    fn names(samples: &[Sample]) -> Vec<&str> {
        samples.iter().map(|sample| sample.name.as_str()).collect()
    }

    #[test]
    fn one_class_of_cifar10_is_abnormal() {
        let folder = cifar10::tests::small_set();
        let source = named("cifar10:", &folder);
        let set = Dataset::open(&source, &abnormal("Frog", Split::Official)).unwrap();
        assert_eq!((set.kind, set.kind.as_str()), (Kind::Cifar10, "cifar10"));
        assert_eq!(set.abnormal_class(), Some("frog"));
        assert_eq!((set.train.len(), set.test_counts()), (90, (27, 3)));
        assert!(set.train.iter().all(|s| !s.abnormal && s.class != "frog"));
        assert!(set.test.iter().all(|s| s.abnormal == (s.class == "frog")));
        assert_eq!(set.source, source);
        for word in [
            "CIFAR-10",
            "class frog abnormal",
            "official",
            "90 normal",
            "27 normal and 3",
        ] {
            assert!(set.description.contains(word), "{}", set.description);
        }

        let set = Dataset::open(&source, &abnormal("6", Split::Published)).unwrap();
        assert_eq!(set.abnormal_class(), Some("frog"));
        assert_eq!((set.train.len(), set.test_counts()), (90, (27, 13)));
        assert_eq!(set.test[30].name, "data_batch_1/6");
        assert!(
            set.description.contains("published split"),
            "{}",
            set.description
        );
    }

    #[test]
    fn one_class_of_idx_files_is_normal() {
        let folder = idx::tests::small_set();
        let options = Options {
            normal: Some("2".into()),
            ..Options::default()
        };
        let set = Dataset::open(&named("idx:", &folder), &options).unwrap();
        assert_eq!((set.kind.as_str(), set.abnormal_class()), ("idx", None));
        assert_eq!(set.selection, Some(Selection::Normal("2".into())));
        assert_eq!(
            names(&set.train),
            ["train/2", "train/5", "train/8", "train/11"]
        );
        assert_eq!(set.test_counts(), (2, 4));
        assert!(
            set.description.contains("4 x 4, grey"),
            "{}",
            set.description
        );
        let options = Options {
            split: Some(Split::Published),
            ..options
        };
        let set = Dataset::open(&named("idx:", &folder), &options).unwrap();
        assert_eq!((set.train.len(), set.test_counts()), (4, (2, 12)));
    }

    #[test]
    fn classes_of_folders_can_be_chosen() {
        let files = [
            "train/a/1.png",
            "train/b/1.png",
            "train/b/2.png",
            "test/a/1.png",
            "test/c/1.png",
        ];
        let folder = png_folder(&files);
        let source = named("", &folder);
        let set = Dataset::open(&source, &abnormal("a", Split::Published)).unwrap();
        assert_eq!(set.kind, Kind::Folder);
        assert_eq!(set.classes, ["a", "b", "c"]);
        assert_eq!(names(&set.train), ["train/b/1.png", "train/b/2.png"]);
        assert_eq!(
            names(&set.test),
            ["test/a/1.png", "test/c/1.png", "train/a/1.png"]
        );
        assert_eq!(set.test_counts(), (1, 2));

        let message = |options: &Options| {
            let error = Dataset::open(&source, options).unwrap_err();
            error.to_string()
        };
        let unknown = message(&abnormal("d", Split::Official));
        assert!(
            unknown.contains("a (0), b (1), c (2)") && unknown.contains("got d"),
            "{unknown}"
        );
        let nothing = message(&Options::default());
        assert!(nothing.contains("--abnormal CLASS"), "{nothing}");
        let split_alone = message(&Options {
            split: Some(Split::Published),
            ..Options::default()
        });
        assert!(split_alone.contains("got neither"), "{split_alone}");
        let no_normals = message(&Options {
            normal: Some("c".into()),
            ..Options::default()
        });
        assert!(no_normals.contains("class c normal"), "{no_normals}");
    }

    #[test]
    fn known_layouts_stay_as_they_are() {
        let folder = png_folder(&[
            "train/good/0.png",
            "test/good/0.png",
            "test/dent/0.png",
            "ground_truth/dent/0_mask.png",
        ]);
        let source = named("", &folder);
        let set = Dataset::open(&source, &Options::default()).unwrap();
        assert_eq!((&set.selection, set.split), (&None, None));
        assert_eq!(set.classes, ["dent", "normal"]);
        assert_eq!((set.train.len(), set.test_counts()), (1, (1, 1)));
        let mask = set.test[0].mask.as_ref().unwrap();
        assert!(mask.ends_with("ground_truth/dent/0_mask.png"));
        assert!(
            set.description.starts_with("MVTec layout"),
            "{}",
            set.description
        );
        let refused = Dataset::open(&source, &abnormal("dent", Split::Official)).unwrap_err();
        assert!(
            refused.to_string().contains("recognised as MVTec layout"),
            "{refused}"
        );
    }

    #[test]
    fn labelled_classes_need_exactly_one_choice() {
        let folder = cifar10::tests::small_set();
        let source = named("cifar10:", &folder);
        let refused = |options: &Options, words: &[&str]| {
            let message = Dataset::open(&source, options).unwrap_err().to_string();
            for word in words {
                assert!(message.contains(word), "expected {word} in: {message}");
            }
        };
        refused(
            &Options::default(),
            &["got neither", "airplane (0)", "truck (9)"],
        );
        let mut both = abnormal("cat", Split::Official);
        both.normal = Some("dog".into());
        refused(&both, &["got both"]);
        refused(&abnormal("10", Split::Official), &["got 10", "truck (9)"]);
        let missing = Dataset::open("cifar10:/nowhere", &Options::default()).unwrap_err();
        assert!(missing.to_string().contains("/nowhere"), "{missing}");
    }

    #[test]
    fn limits_draw_and_say_so() {
        let folder = cifar10::tests::small_set();
        let source = named("cifar10:", &folder);
        let options = Options {
            limit: NonZeroUsize::new(7),
            test_limit: NonZeroUsize::new(15),
            seed: 3,
            ..abnormal("cat", Split::Published)
        };
        let all = Dataset::open(&source, &abnormal("cat", Split::Published)).unwrap();
        let set = Dataset::open(&source, &options).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (7, 15));
        // 13 of the 40 test images are cats.
        assert_eq!(set.test_counts(), (10, 5));
        let in_order = |some: &[Sample], all: &[Sample]| {
            let mut all = all.iter();
            some.iter().all(|sample| all.any(|other| other == sample))
        };
        assert!(in_order(&set.train, &all.train) && in_order(&set.test, &all.test));
        let description = &set.description;
        assert!(
            description.contains("7 normal training images (of 90, drawn with seed 3)")
                && description.contains("test images (of 40, drawn"),
            "{description}"
        );
        assert!(!all.description.contains("drawn"));
        let again = Dataset::open(&source, &options).unwrap();
        assert_eq!(names(&again.train), names(&set.train));
        let seed_4 = Options { seed: 4, ..options };
        let other = Dataset::open(&source, &seed_4).unwrap();
        assert_ne!(names(&other.train), names(&set.train));
        assert_ne!(names(&other.test), names(&set.test));

        // Training images drawn with one seed, test images with another.
        let both = Options {
            limit_seed: Some(3),
            ..seed_4
        };
        let both = Dataset::open(&source, &both).unwrap();
        assert_eq!(names(&both.train), names(&set.train));
        assert_eq!(names(&both.test), names(&other.test));
        assert!(
            both.description.contains("(of 90, drawn with seed 3)")
                && both.description.contains("(of 40, drawn with seed 4)"),
            "{}",
            both.description
        );
    }

    #[test]
    fn samples_are_loaded_in_chunks() {
        let folder = png_folder(&["0.png", "1.png", "2.png"]);
        fs::write(folder.path().join("1.png"), "text").unwrap();
        let set = Dataset::open(&named("", &folder), &Options::default()).unwrap();
        let preprocessing = Preprocessing::new(2, 1);
        let loaded: Vec<_> = chunks(&set.train, &preprocessing, 2).collect();
        assert_eq!(loaded.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let flat: Vec<_> = loaded.into_iter().flatten().collect();
        assert_eq!(flat[2].index, 2);
        assert_eq!(flat[2].sample.name, "2.png");
        assert_eq!(
            flat[2].picture.as_ref().unwrap().values,
            [image::to_value(20); 4]
        );
        assert!(flat[1].picture.as_ref().unwrap_err().contains("text"));
        assert!(flat[1].sample.path().ends_with("1.png"));
    }

    #[test]
    fn a_record_is_prepared_like_the_same_picture_as_a_file() {
        let folder = idx::tests::small_set();
        let options = abnormal("1", Split::Official);
        let set = Dataset::open(&named("idx:", &folder), &options).unwrap();
        let sample = &set.train[1];
        let raw = ::image::GrayImage::from_raw(4, 4, sample.bytes().unwrap().into_owned());
        let file = folder.path().join("digit.png");
        raw.unwrap().save(&file).unwrap();
        for (size, channels) in [(32, 1), (32, 3), (4, 1), (3, 3)] {
            let preprocessing = Preprocessing::new(size, channels);
            let prepared = sample.load(&preprocessing).unwrap();
            assert_eq!(prepared, folder::load_one(&file, &preprocessing).unwrap());
            assert_eq!((prepared.width, prepared.height), (4, 4));
        }
    }

    #[test]
    fn the_place_may_hold_a_colon() {
        assert_eq!(parse_source("idx:a:b"), (Kind::Idx, Path::new("a:b")));
        assert_eq!(parse_source("C:\\x"), (Kind::Folder, Path::new("C:\\x")));
    }

    proptest! {
        #[test]
        fn every_class_gets_its_share(sizes in proptest::collection::vec(1usize..40, 1..8), count in 0usize..200, seed: u64) {
            let sample = |class: usize| Sample {
                name: String::new(),
                origin: Origin::File(PathBuf::new()),
                abnormal: class.is_multiple_of(2),
                class: class.to_string(),
                mask: None,
            };
            let samples: Vec<Sample> = sizes
                .iter()
                .enumerate()
                .flat_map(|(class, &size)| std::iter::repeat_n(sample(class), size))
                .collect();
            let drawn = stratified(&samples, count, seed);
            prop_assert_eq!(drawn.len(), count.min(samples.len()));
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            for (class, &size) in sizes.iter().enumerate() {
                let got = drawn.iter().filter(|&&at| samples[at].class == class.to_string()).count();
                let share = (size * count) as f64 / samples.len() as f64;
                prop_assert!(got <= size && (got as f64) < share.max(1.0) + 1.0);
                prop_assert!(count < sizes.len() || got > 0);
            }
        }
    }
}
