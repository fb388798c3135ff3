//! One set of images, whatever its source: a folder, CIFAR-10's files, IDX files or a product line.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::batch::{stratified_subsample, subsample};
use super::classes::{ClassSample, ClassSet, Selection, Split};
use super::folder::{self, Folder};
use super::mask::Mask;
use super::product_set::{Part, ProductOptions, ProductSet};
use super::sample::{Origin, Sample};
use super::{DataError, cifar10, idx};

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
    /// Rendered parts of a product line.
    Product,
}

impl Kind {
    /// `folder`, `cifar10`, `idx` or `product`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Cifar10 => "cifar10",
            Self::Idx => "idx",
            Self::Product => "product",
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
    /// Seed of both subsamples.
    pub seed: u64,
    /// Seed of the subsample of training images, if it differs from `seed`.
    pub limit_seed: Option<u64>,
}

impl Options {
    fn choose_classes(&self) -> bool {
        self.abnormal.is_some() || self.normal.is_some() || self.split.is_some()
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

/// The kind, and the place in `cifar10:DIR`, `idx:DIR` or `DIR`. That of `product:LINE` are its options.
pub fn parse_source(source: &str) -> (Kind, &Path) {
    match source.split_once(':') {
        Some(("cifar10", folder)) => (Kind::Cifar10, Path::new(folder)),
        Some(("idx", folder)) => (Kind::Idx, Path::new(folder)),
        Some(("product", options)) => (Kind::Product, Path::new(options)),
        _ => (Kind::Folder, Path::new(source)),
    }
}

impl Dataset {
    /// Opens `cifar10:DIR`, `idx:DIR`, `product:LINE` or a folder `DIR`, and lists its images. Raw images are
    /// read into memory, files are not; those of a product line are rendered when they are asked for.
    ///
    /// # Errors
    /// If the data are missing or malformed, an option of a product line does not fit, there is nothing to train
    /// on, the class is not one of theirs, or a class is chosen where the layout says what is normal, or none
    /// where it does not.
    pub fn open(source: &str, options: &Options) -> Result<Self, DataError> {
        let (kind, folder) = parse_source(source);
        let mut set = match kind {
            Kind::Cifar10 => {
                let set = cifar10::open(folder)?.into();
                from_classes(source, kind, "CIFAR-10", set, options)?
            }
            Kind::Idx => {
                let set = idx::open(folder)?;
                let what = match set.train.first() {
                    Some(records) => format!("IDX images, {}", records.shape()),
                    None => "IDX images".to_owned(),
                };
                from_classes(source, kind, &what, set.into(), options)?
            }
            Kind::Product => from_product_line(source, options)?,
            Kind::Folder => from_folder(source, folder, options)?,
        };
        set.limit(options);
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
    fn limit(&mut self, options: &Options) {
        let (train, test) = (self.train.len(), self.test.len());
        let limit_seed = options.limit_seed.unwrap_or(options.seed);
        if let Some(limit) = options.limit {
            let kept = subsample(train, limit.get(), limit_seed, 0);
            keep(&mut self.train, &kept);
        }
        if let Some(limit) = options.test_limit {
            let classes = self.test.iter().map(|s| (s.abnormal, s.class.as_str()));
            let kept = stratified_subsample(classes, limit.get(), options.seed);
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

fn from_folder(source: &str, root: &Path, options: &Options) -> Result<Dataset, DataError> {
    if options.choose_classes() {
        let what = "folder per class (train/<class>, test/<class>)";
        return from_classes(
            source,
            Kind::Folder,
            what,
            folder::open_classes(root)?,
            options,
        );
    }
    let Folder {
        layout,
        train,
        test,
    } = Folder::open(root)?;
    Ok(of_known_kinds(
        source,
        Kind::Folder,
        layout.to_string(),
        train,
        test,
    ))
}

/// Makes a data set of samples that are known to be normal or abnormal.
fn of_known_kinds(
    source: &str,
    kind: Kind,
    description: String,
    train: Vec<Sample>,
    test: Vec<Sample>,
) -> Dataset {
    let mut classes: Vec<String> = train.iter().chain(&test).map(|s| s.class.clone()).collect();
    classes.sort();
    classes.dedup();
    Dataset {
        source: source.to_owned(),
        kind,
        description,
        classes,
        selection: None,
        split: None,
        train,
        test,
    }
}

fn from_product_line(source: &str, options: &Options) -> Result<Dataset, DataError> {
    if options.choose_classes() {
        return Err(DataError::NotSelectable {
            root: source.into(),
            layout: "a product line, whose faults are abnormal".to_owned(),
        });
    }
    let (_, asked) = source.split_once(':').unwrap_or_default();
    let set = ProductOptions::parse(asked).and_then(|options| ProductSet::new(&options));
    let set = Arc::new(set.map_err(|reason| DataError::ProductLine {
        asked: source.to_owned(),
        reason,
    })?);
    let sample = |part: Part| Sample {
        name: part.name(),
        abnormal: part.fault().is_some(),
        class: part
            .fault()
            .map_or("normal", |kind| kind.as_str())
            .to_owned(),
        mask: part.fault().map(|_| Mask::Rendered(part.clone())),
        origin: Origin::Rendered(part),
    };
    let [train, test] = set
        .parts()
        .map(|parts| parts.into_iter().map(sample).collect());
    Ok(of_known_kinds(
        source,
        Kind::Product,
        set.to_string(),
        train,
        test,
    ))
}

/// Makes a data set from images with class labels by choosing one class.
fn from_classes(
    source: &str,
    kind: Kind,
    what: &str,
    set: ClassSet,
    options: &Options,
) -> Result<Dataset, DataError> {
    let ClassSet {
        classes,
        train,
        test,
    } = set;
    let (abnormal, normal) = (options.abnormal.as_deref(), options.normal.as_deref());
    let (chosen, selection) = Selection::new(source, abnormal, normal, &classes)?;
    let is_abnormal = |class: usize| {
        let is_chosen = class == chosen;
        is_chosen == matches!(selection, Selection::Abnormal(_))
    };
    let sample = |picture: ClassSample| Sample {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::data::files::read_picture;
    use crate::data::files::tests::png_folder;
    use crate::data::image::{Preprocessing, to_value};
    use crate::data::sample::load_chunks;
    use crate::data::{cifar10, idx};

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
        let Some(Mask::File(mask)) = &set.test[0].mask else {
            panic!("expected a file, got {:?}", set.test[0].mask);
        };
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
        let load = |sample: &Sample| sample.load(&preprocessing);
        let loaded: Vec<_> = load_chunks(&set.train, 2, load).collect();
        assert_eq!(loaded.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let flat: Vec<_> = loaded.into_iter().flatten().collect();
        assert_eq!(flat[2].0.name, "2.png");
        assert_eq!(flat[2].1, Ok(vec![to_value(20); 4]));
        assert!(flat[1].1.as_ref().unwrap_err().contains("text"));
        assert!(flat[1].0.path().ends_with("1.png"));
        assert_eq!(load_chunks(&set.train, 0, load).count(), 3);
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
            let of_file = preprocessing.apply(&read_picture(&file).unwrap());
            assert_eq!(sample.load(&preprocessing).unwrap(), of_file);
        }
    }

    #[test]
    fn the_place_may_hold_a_colon() {
        assert_eq!(parse_source("idx:a:b"), (Kind::Idx, Path::new("a:b")));
        assert_eq!(parse_source("C:\\x"), (Kind::Folder, Path::new("C:\\x")));
    }
}
