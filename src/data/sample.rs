//! One image of a data set, and loading many.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::files::read_bounded;
use super::image::{self, Picture, Preprocessing};
use super::mask::Mask;
use super::product_set::Part;
use super::records::Records;

/// Where an image's pixels are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// In memory, as one of a data set's records.
    Record(Arc<Records>, usize),
    /// Nowhere: they are rendered each time.
    Rendered(Part),
}

/// One image of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its file below the data folder with `/` between the parts, or its record (`test_batch/17`). A rendered
    /// image is named as the file that `generate` writes.
    pub name: String,
    /// Where its pixels are.
    pub origin: Origin,
    /// Whether it counts as abnormal.
    pub abnormal: bool,
    /// What it shows. If the layout of a folder says what is normal: `normal`, or the kind of defect.
    pub class: String,
    /// The mask that marks the defect, if there is one.
    pub mask: Option<Mask>,
}

impl Sample {
    /// The file, or the name: for messages.
    pub fn path(&self) -> &Path {
        match &self.origin {
            Origin::File(path) => path,
            Origin::Record(..) | Origin::Rendered(_) => Path::new(&self.name),
        }
    }

    /// The bytes of the file, of the record as its file holds it, or of the rendered pixels row by row.
    ///
    /// # Errors
    /// Why there are none, in words for the user.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, String> {
        Ok(match &self.origin {
            Origin::File(path) => Cow::Owned(read_bounded(path)?),
            Origin::Record(records, index) => Cow::Borrowed(records.bytes(*index)),
            Origin::Rendered(part) => Cow::Owned(part.render()?.pixels),
        })
    }

    /// The image in those bytes.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Picture, String> {
        match &self.origin {
            Origin::File(_) => image::decode(bytes).map_err(|error| error.to_string()),
            Origin::Record(records, index) => Ok(records.picture(*index)),
            Origin::Rendered(part) => {
                let (size, channels) = (part.set().size(), part.set().channels());
                let side = size as u32;
                Ok(Picture::from_raw(side, side, channels, bytes.to_vec()))
            }
        }
    }

    /// The image.
    ///
    /// # Errors
    /// Why it cannot be read, in words for the user.
    pub fn picture(&self) -> Result<Picture, String> {
        self.decode(&self.bytes()?)
    }

    /// The image, ready for the network: `[channels, size, size]`, in `[-1, 1]`.
    ///
    /// # Errors
    /// Why it cannot be read, in words for the user.
    pub fn load(&self, preprocessing: &Preprocessing) -> Result<Vec<f32>, String> {
        Ok(preprocessing.apply(&self.picture()?))
    }
}

/// Loads `chunk` images at a time, each chunk on all cores, in order: for scoring any number of them in
/// bounded memory. A chunk of 0 counts as 1.
pub fn load_chunks<'a, T: Sync, R: Send>(
    images: &'a [T],
    chunk: usize,
    load: impl Fn(&'a T) -> R + Sync + 'a,
) -> impl Iterator<Item = Vec<(&'a T, R)>> + 'a {
    images.chunks(chunk.max(1)).map(move |images| {
        let loaded = images.par_iter().map(|image| (image, load(image)));
        loaded.collect()
    })
}
