//! CIFAR-10 in its binary version: five files of training images and one of test images.
//!
//! A file is records of 3,073 bytes: the label, then 32 x 32 pixels, all red values row by row, then all
//! green, then all blue ones. The published files hold 10,000 records each; files with fewer are read
//! too, as long as their records are whole.
//!
//! Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009, and the page
//! that offers the data.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::DataError;
use super::files::{check_folder, missing};
use super::records::{Order, RecordSet, Records, Shape};

/// Bytes of one image.
const PIXELS: usize = 3 * 32 * 32;

/// A label and an image.
const RECORD: usize = 1 + PIXELS;

/// Larger files are not read: ten times the published ones.
const MAX_BYTES: u64 = 100_000 * RECORD as u64;

/// Longer lists of names are not read.
const MAX_NAMES_BYTES: u64 = 1 << 16;

/// Files of the training part.
const TRAIN: [&str; 5] = [
    "data_batch_1",
    "data_batch_2",
    "data_batch_3",
    "data_batch_4",
    "data_batch_5",
];

/// File of the test part.
const TEST: &str = "test_batch";

/// The folder that the published archive unpacks to.
const UNPACKED: &str = "cifar-10-batches-bin";

/// Where the classes are named.
const NAMES: &str = "batches.meta.txt";

/// The classes, in the order of their labels.
pub const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Reads `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` of a folder, or of the folder
/// `cifar-10-batches-bin` in it. The classes are named by `batches.meta.txt` where there is one.
///
/// # Errors
/// If the folder or a file is missing, cannot be read, or does not consist of whole records; if a label
/// is above 9 or there are not ten names of classes.
pub fn open(folder: &Path) -> Result<RecordSet, DataError> {
    check_folder(folder)?;
    let inside = folder.join(UNPACKED);
    let first = format!("{}.bin", TRAIN[0]);
    let folder = if !folder.join(first).is_file() && inside.is_dir() {
        inside.as_path()
    } else {
        folder
    };
    let classes = class_names(&folder.join(NAMES))?;
    let mut train = Vec::new();
    for name in TRAIN {
        train.push(Arc::new(batch(folder, name)?));
    }
    Ok(RecordSet {
        classes,
        train,
        test: vec![Arc::new(batch(folder, TEST)?)],
    })
}

fn class_names(path: &Path) -> Result<Vec<String>, DataError> {
    if !path.is_file() {
        return Ok(CLASSES.map(str::to_owned).into());
    }
    let bytes = read_bounded(path, MAX_NAMES_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if names.len() != CLASSES.len() {
        return Err(DataError::Malformed {
            path: path.into(),
            expected: format!("the names of {} classes, one per line", CLASSES.len()),
            got: names.len().to_string(),
        });
    }
    Ok(names)
}

fn batch(folder: &Path, name: &str) -> Result<Records, DataError> {
    let file = format!("{name}.bin");
    let path = folder.join(&file);
    if !path.is_file() {
        let expected = format!("{file} (of CIFAR-10's binary version)");
        return Err(missing(folder, &expected));
    }
    let bytes = read_bounded(&path, MAX_BYTES)?;
    parse(&path, name, bytes)
}

/// At most `most` bytes of a file; more are an error, found before they are read.
fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
    let failed = |source| DataError::Read {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if length <= most {
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
    }
    let length = length.max(bytes.len() as u64);
    if length > most {
        return Err(DataError::Malformed {
            path: path.into(),
            expected: format!("at most {most} bytes"),
            got: length.to_string(),
        });
    }
    Ok(bytes)
}

/// Separates the records of a file in place: labels are taken out and images moved together.
fn parse(path: &Path, name: &str, mut bytes: Vec<u8>) -> Result<Records, DataError> {
    let malformed = |expected: String, got: String| DataError::Malformed {
        path: path.into(),
        expected,
        got,
    };
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        return Err(malformed(
            format!("whole records of {RECORD} bytes"),
            format!("{} bytes", bytes.len()),
        ));
    }
    let labels: Vec<u8> = bytes.iter().step_by(RECORD).copied().collect();
    if let Some(at) = labels
        .iter()
        .position(|&label| usize::from(label) >= CLASSES.len())
    {
        return Err(malformed(
            format!("labels from 0 to {}", CLASSES.len() - 1),
            format!("{} in record {at}", labels[at]),
        ));
    }
    for record in 0..labels.len() {
        let start = record * RECORD + 1;
        bytes.copy_within(start..start + PIXELS, record * PIXELS);
    }
    bytes.truncate(labels.len() * PIXELS);
    let shape = Shape {
        width: 32,
        height: 32,
        channels: 3,
        order: Order::Planar,
    };
    Ok(Records::new(name, shape, bytes, labels))
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::data::image::Preprocessing;

    /// Records of these labels, every image of one colour that follows from its place.
    pub fn batch_file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, &label) in labels.iter().enumerate() {
            bytes.push(label);
            for channel in 0..3 {
                bytes.extend([(at * 3 + channel) as u8; 1024]);
            }
        }
        bytes
    }

    /// Two training images of each class in each file, and three test images of each.
    pub fn small_set() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let labels = |each: u8| -> Vec<u8> { (0..10 * each).map(|at| at % 10).collect() };
        for name in TRAIN {
            let path = folder.path().join(format!("{name}.bin"));
            fs::write(path, batch_file(&labels(2))).unwrap();
        }
        fs::write(folder.path().join("test_batch.bin"), batch_file(&labels(3))).unwrap();
        folder
    }

    #[test]
    fn six_files_and_names() {
        let folder = small_set();
        let set = open(folder.path()).unwrap();
        assert_eq!(set.classes, CLASSES);
        assert_eq!((set.train.len(), set.test.len()), (5, 1));
        assert_eq!((set.train[4].len(), set.test[0].len()), (20, 30));
        let records = &set.train[1];
        assert_eq!(
            (records.labels()[13], records.name(13)),
            (3, "data_batch_2/13".into())
        );
        // Planar in the file and for the network.
        let pixels = Preprocessing::new(32, 3).pixels(&records.picture(13));
        assert_eq!(pixels, records.bytes(13));
        assert_eq!((pixels[0], pixels[1024], pixels[3071]), (39, 40, 41));

        let names = "a b c d e f g h i j\n".replace(' ', "\n") + "\n";
        fs::write(folder.path().join(NAMES), names).unwrap();
        assert_eq!(open(folder.path()).unwrap().classes[9], "j");

        let outer = tempfile::tempdir().unwrap();
        fs::rename(folder.path(), outer.path().join(UNPACKED)).unwrap();
        assert_eq!(open(outer.path()).unwrap().classes[9], "j");
    }

    #[test]
    fn what_does_not_fit_names_file_expected_and_got() {
        let refused = |name: &str, bytes: Option<&[u8]>, words: &[&str]| {
            let folder = small_set();
            let path = folder.path().join(name);
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let message = open(folder.path()).unwrap_err().to_string();
            for word in words.iter().chain([&name]) {
                assert!(message.contains(word), "expected {word} in: {message}");
            }
        };
        refused(
            "data_batch_3.bin",
            None,
            &["expected a file", "binary version", "test_batch.bin"],
        );
        refused(
            "data_batch_3.bin",
            Some(b""),
            &["whole records of 3073", "got 0 bytes"],
        );
        let cut = &batch_file(&[1, 2])[..6000];
        refused(
            "test_batch.bin",
            Some(cut),
            &["whole records of 3073", "got 6000 bytes"],
        );
        refused(
            "test_batch.bin",
            Some(&batch_file(&[1, 10])),
            &["0 to 9", "got 10 in record 1"],
        );
        refused(NAMES, Some(b"a\nb\n"), &["10 classes", "got 2"]);
        refused(
            NAMES,
            Some(&[b'\n'; 70_000]),
            &["at most 65536 bytes", "got 70000"],
        );
        assert!(matches!(
            open(Path::new("/nowhere")),
            Err(DataError::NotFound(_))
        ));
    }

    proptest! {
        #[test]
        fn cut_within_a_record_it_is_an_error(records in 1usize..4, at in 0usize..4 * RECORD) {
            let whole = batch_file(&vec![3; records]);
            let cut = at % whole.len();
            let got = parse(Path::new("x"), "x", whole[..cut].to_vec());
            prop_assert_eq!(got.is_ok(), cut > 0 && cut.is_multiple_of(RECORD));
        }

        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..10)) {
            let whole = [&bytes, batch_file(&[0]).as_slice()].concat();
            let _ = parse(Path::new("x"), "x", whole[..RECORD].to_vec());
            let _ = parse(Path::new("x"), "x", bytes);
        }
    }
}
