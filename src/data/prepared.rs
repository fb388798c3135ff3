//! Images prepared once and kept as bytes: the page trains on them and stores them for the next visit.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::DataError;
use super::digest::PicturesDigest;
use super::image::{self, ImageError, Picture, Preprocessing, to_value};
use super::pictures::Pictures;

/// Key of the JSON object, and name of the one tensor, in the stored bytes.
const KEY: &str = "skip-ganomaly-pictures";
const PIXELS: &str = "pixels";

/// Images as the networks take them, one byte per value.
#[derive(Clone, Debug)]
pub struct PreparedPictures {
    preprocessing: Preprocessing,
    /// `[n, c, size, size]` as one vector.
    pixels: Vec<u8>,
    names: Vec<String>,
    running: PicturesDigest,
    digest: String,
    /// Read from storage: the files behind the digest are no longer available.
    closed: bool,
}

/// Why an image was not added, or stored images could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreparedError {
    /// The file is not a readable image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A set that was read from storage cannot be extended.
    #[error(
        "a stored set of images cannot be extended: expected a new set, got a stored one of {0} images"
    )]
    Closed(usize),
    /// The images were prepared for other networks.
    #[error(
        "expected images prepared at {0} × {0} pixels with {1} channels, got {2} × {2} with {3}",
        .expected[0], .expected[1], .got[0], .got[1]
    )]
    Otherwise {
        /// Side and channels as they should be.
        expected: [usize; 2],
        /// As they are.
        got: [usize; 2],
    },
    /// The bytes are not what [`PreparedPictures::to_bytes`] gives.
    #[error("expected prepared images of skip-ganomaly, got something else: {0}")]
    Foreign(String),
}

/// What is stored besides the pixels.
#[derive(Serialize, Deserialize)]
struct Kept {
    preprocessing: Preprocessing,
    names: Vec<String>,
    digest: String,
}

impl PreparedPictures {
    /// An empty set.
    pub fn new(preprocessing: Preprocessing) -> Self {
        let running = PicturesDigest::default();
        Self {
            preprocessing,
            pixels: Vec::new(),
            names: Vec::new(),
            digest: running.clone().finish(),
            running,
            closed: false,
        }
    }

    /// Decodes and prepares an image file; returns its width and height.
    ///
    /// # Errors
    /// If it is not a readable image, or the set cannot be extended; nothing is added then.
    pub fn add(&mut self, name: String, file: &[u8]) -> Result<(u32, u32), PreparedError> {
        self.check_open()?;
        let picture = image::decode(file)?;
        self.take(name, &picture, file);
        Ok((picture.width(), picture.height()))
    }

    /// Prepares a square image from `size * size` pixels row by row, each of `channels` bytes. In the digest it counts as
    /// a file that holds these bytes.
    ///
    /// # Errors
    /// If the set cannot be extended.
    ///
    /// # Panics
    /// If there are not `size * size * channels` bytes, or the channels are neither 1 nor 3.
    pub fn add_pixels(
        &mut self,
        name: String,
        pixels: Vec<u8>,
        size: usize,
        channels: usize,
    ) -> Result<(), PreparedError> {
        self.check_open()?;
        let side = size as u32;
        let picture = Picture::from_raw(side, side, channels, pixels.clone());
        self.take(name, &picture, &pixels);
        Ok(())
    }

    fn check_open(&self) -> Result<(), PreparedError> {
        match self.closed {
            true => Err(PreparedError::Closed(self.len())),
            false => Ok(()),
        }
    }

    fn take(&mut self, name: String, picture: &Picture, bytes: &[u8]) {
        self.pixels.extend(self.preprocessing.pixels(picture));
        self.running.add(&name, bytes);
        self.digest = self.running.clone().finish();
        self.names.push(name);
    }

    /// The preprocessing from an image to its bytes.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Checks that the images were prepared so.
    ///
    /// # Errors
    /// If they were prepared at another size, or with other channels.
    pub fn check(&self, expected: &Preprocessing) -> Result<(), PreparedError> {
        let got = &self.preprocessing;
        match (got.size, got.channels) == (expected.size, expected.channels) {
            true => Ok(()),
            false => Err(PreparedError::Otherwise {
                expected: [expected.size, expected.channels],
                got: [got.size, got.channels],
            }),
        }
    }

    /// Whether there are several images and all are the same.
    pub fn all_alike(&self) -> bool {
        let mut pictures = self.pixels.chunks_exact(self.preprocessing.values());
        let first = pictures.next();
        self.len() > 1 && pictures.all(|picture| Some(picture) == first)
    }

    /// Everything, for storage: a safetensors file with one tensor of bytes.
    ///
    /// # Errors
    /// If the file cannot be laid out.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PreparedError> {
        let kept = Kept {
            preprocessing: self.preprocessing.clone(),
            names: self.names.clone(),
            digest: self.digest.clone(),
        };
        let foreign = |error: String| PreparedError::Foreign(error);
        let kept = serde_json::to_string(&kept).map_err(|e| foreign(e.to_string()))?;
        let shape = vec![self.len(), self.preprocessing.values()];
        let view = TensorView::new(Dtype::U8, shape, &self.pixels);
        let view = view.map_err(|e| foreign(e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), kept)]);
        safetensors::serialize([(PIXELS, view)], Some(metadata)).map_err(|e| foreign(e.to_string()))
    }

    /// Reads what [`PreparedPictures::to_bytes`] returned. The set cannot be extended.
    ///
    /// # Errors
    /// [`PreparedError::Foreign`] if it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PreparedError> {
        let foreign = |error: String| PreparedError::Foreign(error);
        let unreadable = |e: safetensors::SafeTensorError| foreign(e.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let metadata = metadata.metadata().as_ref();
        let kept = metadata
            .and_then(|map| map.get(KEY))
            .ok_or_else(|| foreign(format!("it has no {KEY}")))?;
        let kept: Kept = serde_json::from_str(kept).map_err(|e| foreign(e.to_string()))?;
        let preparable = kept.preprocessing.check();
        preparable.map_err(|error| foreign(error.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let view = file.tensor(PIXELS).map_err(unreadable)?;
        let expected = [kept.names.len(), kept.preprocessing.values()];
        if view.dtype() != Dtype::U8 || view.shape() != expected {
            return Err(foreign(format!(
                "its pixels must be bytes of the shape {expected:?}, got {:?} of {:?}",
                view.dtype(),
                view.shape()
            )));
        }
        Ok(Self {
            preprocessing: kept.preprocessing,
            pixels: view.data().to_vec(),
            names: kept.names,
            running: PicturesDigest::default(),
            digest: kept.digest,
            closed: true,
        })
    }
}

impl Pictures for PreparedPictures {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn name(&self, index: usize) -> String {
        self.names[index].clone()
    }

    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        let length = self.preprocessing.values();
        let mut values = Vec::with_capacity(indices.len() * length);
        for &index in indices {
            let pixels = &self.pixels[index * length..(index + 1) * length];
            values.extend(pixels.iter().map(|&pixel| to_value(pixel)));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png(value: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = ::image::RgbImage::from_pixel(5, 4, ::image::Rgb([value, 0, 9]));
        picture
            .write_to(&mut bytes, ::image::ImageFormat::Png)
            .expect("an image");
        bytes.into_inner()
    }

    fn pictures(values: &[u8]) -> PreparedPictures {
        let mut pictures = PreparedPictures::new(Preprocessing::new(32, 3));
        for (at, &value) in values.iter().enumerate() {
            let sides = pictures.add(format!("{at}.png"), &png(value));
            assert_eq!(sides.expect("an image"), (5, 4));
        }
        pictures
    }

    #[test]
    fn a_bad_file_adds_nothing() {
        let mut some = pictures(&[1, 2]);
        let before = (some.digest().to_owned(), some.len());
        assert!(some.add("x.png".into(), b"no image").is_err());
        assert_eq!((some.digest().to_owned(), some.len()), before);
    }

    #[test]
    fn raw_pixels_are_prepared_as_a_file_with_them_and_count_as_they_are() {
        let raw: Vec<u8> = (0..40 * 40 * 3).map(|at| (at % 251) as u8).collect();
        let mut file = std::io::Cursor::new(Vec::new());
        let picture = ::image::RgbImage::from_raw(40, 40, raw.clone()).expect("an image");
        picture
            .write_to(&mut file, ::image::ImageFormat::Png)
            .expect("an image");
        let [mut one, mut other] = [pictures(&[]), pictures(&[])];
        one.add_pixels("a".into(), raw.clone(), 40, 3)
            .expect("open");
        other.add("a".into(), file.get_ref()).expect("an image");
        assert_eq!(one.values(&[0]).unwrap(), other.values(&[0]).unwrap());
        let mut digest = PicturesDigest::default();
        digest.add("a", &raw);
        assert_eq!(one.digest(), digest.finish());
        let bytes = one.to_bytes().expect("a file");
        let mut read = PreparedPictures::from_bytes(&bytes).expect("the same file");
        let more = read.add_pixels("b".into(), raw, 40, 3);
        assert!(matches!(more, Err(PreparedError::Closed(1))));
    }

    #[test]
    fn values_are_what_preprocessing_gives() {
        let some = pictures(&[10, 200]);
        let picture = image::decode(&png(200)).expect("an image");
        assert_eq!(
            some.values(&[1]).expect("in memory"),
            some.preprocessing().apply(&picture)
        );
        assert!(!some.all_alike() && pictures(&[7, 7]).all_alike());
        assert!(!pictures(&[7]).all_alike());
    }

    #[test]
    fn what_was_kept_comes_back_and_takes_no_more() {
        let some = pictures(&[10, 200]);
        let bytes = some.to_bytes().expect("a file");
        let mut read = PreparedPictures::from_bytes(&bytes).expect("the same file");
        assert_eq!(read.digest(), some.digest());
        assert_eq!(read.name(1), "1.png");
        let all = [0, 1];
        assert_eq!(read.values(&all).unwrap(), some.values(&all).unwrap());
        assert!(matches!(
            read.add("x.png".into(), &png(1)),
            Err(PreparedError::Closed(2))
        ));
    }

    /// A folder recognised and added as in the page gives what the program trains on.
    #[cfg(feature = "cli")]
    #[test]
    fn the_page_and_the_program_take_a_folder_alike() {
        use crate::data::dataset::{Dataset, Options};
        use crate::data::picture_cache::PictureCache;

        let folder = tempfile::tempdir().expect("a folder");
        let paths = [
            "train/good/b.png",
            "train/good/a-c/1.png",
            "train/good/a/2.png",
            "train/good/.x.png",
            "test/good/3.png",
            "notes.txt",
        ]
        .map(str::to_owned);
        let mut files = Vec::new();
        for (value, path) in (0..).zip(&paths) {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            files.push(png(value));
            std::fs::write(file, png(value)).expect("a file");
        }
        let source = folder.path().display().to_string();
        let set = Dataset::open(&source, &Options::default()).expect("a folder");
        let preprocessing = Preprocessing::new(32, 3);
        let program = PictureCache::new(set.train, &preprocessing, u64::MAX, |_| ());

        let listing = crate::data::layout::recognise(&paths).expect("MVTec's layout");
        let mut page = PreparedPictures::new(preprocessing);
        for index in listing.train {
            let added = page.add(paths[index].clone(), &files[index]);
            added.expect("an image");
        }
        assert_eq!((page.len(), program.len()), (3, 3));
        assert_eq!(page.digest(), program.digest());
        for index in 0..3 {
            assert_eq!(page.name(index), program.name(index));
            assert_eq!(
                page.values(&[index]).expect("in memory"),
                program.values(&[index]).expect("in memory")
            );
        }
    }

    proptest! {
        #[test]
        fn any_truncation_is_an_error(cut in 0usize..6_000) {
            let bytes = pictures(&[1, 2]).to_bytes().expect("a file");
            prop_assume!(cut < bytes.len());
            prop_assert!(PreparedPictures::from_bytes(&bytes[..cut]).is_err());
        }
    }
}
