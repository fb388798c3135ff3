//! IDX files, the format of MNIST and similar sets: images and labels of a training and a test part.
//!
//! A file is a magic number (two zero bytes, the kind of value, the number of axes), the length of each
//! axis in 4 bytes, most significant first, and then the values. Only unsigned bytes (kind 8) are read.
//! Images have the axes `[n, height, width]` (grey), `[n, height, width, 1 or 3]` or
//! `[n, 3, height, width]`, labels `[n]`. A file may be compressed with gzip, which is recognised by its
//! first two bytes, whatever its name.
//!
//! Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database, "The IDX file format".

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::DataError;
use super::files::{check_folder, missing};
use super::image::{MAX_PIXELS, MAX_SIDE};
use super::records::{Order, RecordSet, Records, Shape};

/// Larger files are refused by their header: images stay in memory.
const MAX_BYTES: u64 = 4 << 30;

/// The magic number's third byte for unsigned bytes.
const UNSIGNED_BYTES: u8 = 8;

/// Deflate cannot pack more bytes than this into one.
const MAX_RATIO: u64 = 1032;

/// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte` of a folder, each with or without `.gz`; images may be called `idx4`, and
/// a dot may stand before `idx`. The classes are `0` up to the highest label of the training part.
///
/// # Errors
/// If the folder or a file is missing, cannot be read or is not as described above; if there are not as
/// many labels as images; if the test part has a label or a size that the training part has not.
pub fn open(folder: &Path) -> Result<RecordSet, DataError> {
    check_folder(folder)?;
    let (train, _) = part(folder, "train")?;
    let (test, labels) = part(folder, "t10k")?;
    let highest = train.labels().iter().max().copied().unwrap_or_default();
    if let Some(at) = test.labels().iter().position(|&label| label > highest) {
        return Err(DataError::Malformed {
            path: labels,
            expected: format!("labels from 0 to {highest}, as in the training part"),
            got: format!("{} at place {at}", test.labels()[at]),
        });
    }
    if train.shape() != test.shape() {
        return Err(DataError::Malformed {
            path: find(folder, "t10k", "images")?,
            expected: format!("images of {}, as in the training part", train.shape()),
            got: test.shape().to_string(),
        });
    }
    Ok(RecordSet {
        classes: (0..=highest).map(|class| class.to_string()).collect(),
        train: vec![Arc::new(train)],
        test: vec![Arc::new(test)],
    })
}

/// Images and labels of one part, and where the labels came from.
fn part(folder: &Path, name: &str) -> Result<(Records, PathBuf), DataError> {
    let (images, labels) = (find(folder, name, "images")?, find(folder, name, "labels")?);
    let pictures = read(&images, &[3, 4])?;
    let shape = shape(&images, &pictures.axes)?;
    let classes = read(&labels, &[1])?;
    if classes.axes[0] != pictures.axes[0] {
        return Err(DataError::Malformed {
            path: labels,
            expected: format!(
                "{} labels, as many as images in {}",
                pictures.axes[0],
                images.display()
            ),
            got: classes.axes[0].to_string(),
        });
    }
    Ok((
        Records::new(name, shape, pictures.values, classes.values),
        labels,
    ))
}

/// The file of one part, under one of its usual names.
fn find(folder: &Path, part: &str, what: &str) -> Result<PathBuf, DataError> {
    let kinds: &[&str] = if what == "images" {
        &["idx3", "idx4"]
    } else {
        &["idx1"]
    };
    for kind in kinds {
        for dot in ["-", "."] {
            for end in ["", ".gz"] {
                let path = folder.join(format!("{part}-{what}{dot}{kind}-ubyte{end}"));
                if path.is_file() {
                    return Ok(path);
                }
            }
        }
    }
    let expected = format!("{part}-{what}-{}-ubyte or the same with .gz", kinds[0]);
    Err(missing(folder, &expected))
}

/// The content of an IDX file.
#[derive(Debug, PartialEq, Eq)]
struct Array {
    axes: Vec<u32>,
    values: Vec<u8>,
}

/// Size of the images and order of their values.
fn shape(path: &Path, axes: &[u32]) -> Result<Shape, DataError> {
    let (height, width, channels, order) = match *axes {
        [_, height, width] => (height, width, 1, Order::Interleaved),
        [_, height, width, channels @ (1 | 3)] => {
            (height, width, channels as usize, Order::Interleaved)
        }
        [_, 3, height, width] => (height, width, 3, Order::Planar),
        _ => {
            return Err(DataError::Malformed {
                path: path.into(),
                expected: "the axes [n, height, width], [n, height, width, 3] or \
                           [n, 3, height, width]"
                    .into(),
                got: format!("{axes:?}"),
            });
        }
    };
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(DataError::Malformed {
            path: path.into(),
            expected: format!("images of at most {MAX_SIDE} a side and {MAX_PIXELS} pixels"),
            got: format!("{width} x {height}"),
        });
    }
    Ok(Shape {
        width,
        height,
        channels,
        order,
    })
}

fn read(path: &Path, ranks: &[u8]) -> Result<Array, DataError> {
    let failed = |source| DataError::Read {
        path: path.into(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut head = Vec::new();
    (&mut file).take(2).read_to_end(&mut head).map_err(failed)?;
    let zipped = head == [0x1f, 0x8b];
    let whole = head.as_slice().chain(file);
    if zipped {
        parse(
            path,
            MultiGzDecoder::new(whole),
            length.saturating_mul(MAX_RATIO),
            ranks,
        )
    } else {
        parse(path, whole, length, ranks)
    }
}

/// Reads an array with one of the given numbers of axes; the file holds at most `most` bytes.
fn parse(path: &Path, mut reader: impl Read, most: u64, ranks: &[u8]) -> Result<Array, DataError> {
    let malformed = |expected: String, got: String| DataError::Malformed {
        path: path.into(),
        expected,
        got,
    };
    // A damaged gzip file is an error of the file, anything else one of the system.
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            malformed(
                "a whole gzip file".into(),
                format!("a damaged one ({source})"),
            )
        }
        _ => DataError::Read {
            path: path.into(),
            source,
        },
    };
    let mut header = Vec::new();
    (&mut reader)
        .take(4)
        .read_to_end(&mut header)
        .map_err(failed)?;
    let named = ranks
        .iter()
        .map(|rank| format!("{:#010x}", 0x0800 + u32::from(*rank)));
    let magic = format!(
        "the magic number {}",
        named.collect::<Vec<_>>().join(" or ")
    );
    let rank = match *header.as_slice() {
        [0, 0, UNSIGNED_BYTES, rank] if ranks.contains(&rank) => rank,
        [a, b, c, d] => {
            return Err(malformed(
                magic,
                format!("{:#010x}", u32::from_be_bytes([a, b, c, d])),
            ));
        }
        _ => {
            return Err(malformed(
                magic,
                format!("a file of {} bytes", header.len()),
            ));
        }
    };
    let wanted = 4 * u64::from(rank);
    let mut lengths = Vec::new();
    (&mut reader)
        .take(wanted)
        .read_to_end(&mut lengths)
        .map_err(failed)?;
    if (lengths.len() as u64) < wanted {
        return Err(malformed(
            format!("a header of {} bytes", 4 + wanted),
            format!("a file of {} bytes", 4 + lengths.len()),
        ));
    }
    let axes: Vec<u32> = lengths
        .chunks_exact(4)
        .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let count = axes
        .iter()
        .try_fold(1u64, |product, &axis| product.checked_mul(axis.into()))
        .filter(|count| (1..=MAX_BYTES).contains(count))
        .ok_or_else(|| {
            malformed(
                format!("1 to {MAX_BYTES} values"),
                format!("the axes {axes:?}"),
            )
        })?;
    let header = 4 + wanted;
    let promised = format!("{count} values after the header, by its axes {axes:?}");
    // Checked before allocating: the file is too small for what its header states.
    if count > most.saturating_sub(header) {
        let got = format!("a file of no more than {most} bytes");
        return Err(malformed(promised, got));
    }
    let mut values = Vec::new();
    let room = usize::try_from(count + 1).ok();
    if room.is_none_or(|room| values.try_reserve_exact(room).is_err()) {
        let expected = format!("no more than this machine's memory, {count} values");
        return Err(malformed(expected, "more than there is".into()));
    }
    reader
        .take(count + 1)
        .read_to_end(&mut values)
        .map_err(failed)?;
    match (values.len() as u64).cmp(&count) {
        std::cmp::Ordering::Equal => Ok(Array { axes, values }),
        std::cmp::Ordering::Less => Err(malformed(promised, values.len().to_string())),
        std::cmp::Ordering::Greater => Err(malformed(promised, "more".into())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    /// An IDX file.
    pub fn idx(axes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, axes.len() as u8];
        bytes.extend(axes.iter().flat_map(|axis| axis.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    pub fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Twelve training and six test images of three classes, 4 x 4, half of the files compressed.
    pub fn small_set() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
        let pixels = |n: usize, first: usize| -> Vec<u8> {
            (0..n * 16)
                .map(|at| ((at + first) * 37 % 256) as u8)
                .collect()
        };
        let labels = |n: usize| -> Vec<u8> { (0..n).map(|at| (at % 3) as u8).collect() };
        put(
            "train-images-idx3-ubyte.gz",
            gzip(&idx(&[12, 4, 4], &pixels(12, 0))),
        );
        put("train-labels-idx1-ubyte", idx(&[12], &labels(12)));
        put("t10k-images-idx3-ubyte", idx(&[6, 4, 4], &pixels(6, 9)));
        put("t10k-labels.idx1-ubyte.gz", gzip(&idx(&[6], &labels(6))));
        folder
    }

    fn parsed(bytes: &[u8]) -> Result<Array, DataError> {
        parse(Path::new("x"), bytes, bytes.len() as u64, &[1, 3, 4])
    }

    #[test]
    fn a_folder_of_four_files() {
        let folder = small_set();
        let set = open(folder.path()).unwrap();
        assert_eq!(set.classes, ["0", "1", "2"]);
        let (train, test) = (&set.train[0], &set.test[0]);
        assert_eq!((train.len(), test.len()), (12, 6));
        assert_eq!(train.bytes(1)[..3], [80, 117, 154]);
        assert_eq!(train.name(3), "train/3");
        assert_eq!(test.labels(), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn what_does_not_fit_names_file_expected_and_got() {
        let refused = |change: &dyn Fn(&Path), words: &[&str]| {
            let folder = small_set();
            change(folder.path());
            let message = open(folder.path()).unwrap_err().to_string();
            for word in words {
                assert!(message.contains(word), "expected {word} in: {message}");
            }
        };
        let images = "t10k-images-idx3-ubyte";
        let write = |folder: &Path, name: &str, bytes: &[u8]| {
            fs::write(folder.join(name), bytes).unwrap();
        };
        refused(
            &|f| fs::remove_file(f.join(images)).unwrap(),
            &[images, "expected a file", "t10k-labels.idx1-ubyte.gz"],
        );
        refused(
            &|f| write(f, images, b""),
            &[images, "0x00000803 or 0x00000804", "0 bytes"],
        );
        refused(
            &|f| write(f, images, &idx(&[6], &[0; 6])),
            &[images, "0x00000803", "got 0x00000801"],
        );
        refused(
            &|f| write(f, images, b"PNG..."),
            &[images, "0x00000803", "got 0x504e472e"],
        );
        refused(
            &|f| write(f, images, &idx(&[6, 4, 4], &[0; 95])),
            &[images, "96 values", "[6, 4, 4]", "111 bytes"],
        );
        refused(
            &|f| write(f, images, &idx(&[6, 4, 4], &[0; 97])),
            &[images, "96 values", "got more"],
        );
        refused(
            &|f| write(f, images, &idx(&[0, 4, 4], &[])),
            &[images, "1 to", "[0, 4, 4]"],
        );
        refused(
            &|f| write(f, images, &idx(&[u32::MAX; 4], &[])),
            &[images, "4294967296 values", "4294967295"],
        );
        refused(
            &|f| write(f, images, &idx(&[6, 4, 4, 2], &[0; 192])),
            &[images, "[n, height, width, 3]", "[6, 4, 4, 2]"],
        );
        refused(
            &|f| write(f, images, &idx(&[6, 4, 1], &[0; 24])),
            &[images, "4 x 4, grey", "got 1 x 4"],
        );
        refused(
            &|f| write(f, images, &idx(&[1, 1, 30_001], &[0; 30_001])),
            &[images, "30000", "30001 x 1"],
        );
        refused(
            &|f| write(f, images, &idx(&[5, 4, 4], &[0; 80])),
            &["t10k-labels", "5 labels", "got 6"],
        );
        refused(
            &|f| {
                write(
                    f,
                    "t10k-labels.idx1-ubyte.gz",
                    &idx(&[6], &[0, 1, 2, 3, 0, 0]),
                )
            },
            &["t10k-labels", "0 to 2", "got 3 at place 3"],
        );
        assert!(matches!(
            open(Path::new("/nowhere")),
            Err(DataError::NotFound(_))
        ));
    }

    #[test]
    fn gzip_is_not_trusted() {
        let whole = idx(&[100, 100], &[7; 10_000]);
        let read =
            |bytes: &[u8], most: u64| parse(Path::new("x"), MultiGzDecoder::new(bytes), most, &[2]);
        let zipped = gzip(&whole);
        assert_eq!(read(&zipped, 1 << 20).unwrap().values, [7; 10_000]);
        // More than the header states: refused after one extra byte, not after reading all of it.
        let bomb = gzip(&[idx(&[2, 2], &[1; 4]), vec![0; 1 << 22]].concat());
        let message = read(&bomb, 1 << 30).unwrap_err().to_string();
        assert!(
            message.contains("4 values") && message.contains("got more"),
            "{message}"
        );
        // A size that so small a file cannot have.
        let promise = gzip(&idx(&[60_000, 60_000], &[0; 4]));
        let message = read(&promise, promise.len() as u64 * MAX_RATIO)
            .unwrap_err()
            .to_string();
        assert!(message.contains("3600000000 values"), "{message}");
        // A wrong checksum.
        let mut damaged = zipped.clone();
        let end = damaged.len() - 8;
        damaged[end] ^= 1;
        let message = read(&damaged, 1 << 20).unwrap_err().to_string();
        assert!(message.contains("whole gzip file"), "{message}");
    }

    #[test]
    fn colour_in_either_order() {
        let path = Path::new("x");
        let inter = shape(path, &[9, 4, 5, 3]).unwrap();
        assert_eq!(
            (inter.width, inter.height, inter.order),
            (5, 4, Order::Interleaved)
        );
        let planar = shape(path, &[9, 3, 4, 5]).unwrap();
        assert_eq!(
            (planar.width, planar.height, planar.order),
            (5, 4, Order::Planar)
        );
        assert_eq!(shape(path, &[9, 4, 5, 1]).unwrap().channels, 1);
    }

    proptest! {
        #[test]
        fn cut_anywhere_it_is_an_error(n in 1u32..6, side in 1u32..6, at in 0.0f64..1.0) {
            let whole = idx(&[n, side, side], &vec![5; (n * side * side) as usize]);
            prop_assert!(parsed(&whole).is_ok());
            let cut = (whole.len() as f64 * at) as usize;
            prop_assert!(parsed(&whole[..cut]).is_err());
            let zipped = gzip(&whole);
            let cut = (zipped.len() as f64 * at) as usize;
            let cut = MultiGzDecoder::new(&zipped[..cut]);
            prop_assert!(parse(Path::new("x"), cut, 1 << 20, &[3]).is_err());
        }

        #[test]
        fn any_bytes_give_an_answer(known: bool, bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let start: &[u8] = if known { &[0, 0, 8, 3, 0, 0, 0] } else { &[] };
            let bytes = [start, &bytes].concat();
            let _ = parsed(&bytes);
            let _ = parse(Path::new("x"), MultiGzDecoder::new(bytes.as_slice()), 1 << 20, &[3]);
        }
    }
}
