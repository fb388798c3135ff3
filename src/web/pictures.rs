//! Images for training, prepared and stored.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use super::border::{bytes_to_js, error, to_js};
use super::types::{Listing, PartRequest};
use crate::data::image::Preprocessing;
use crate::data::layout;
use crate::data::pictures::Pictures;
use crate::data::prepared::PreparedPictures;

/// Which of a folder's files are trained on, labelled or left out, as indices into `paths`. The paths are
/// relative to the folder, separated by `/`.
#[wasm_bindgen(unchecked_return_type = "Listing")]
pub fn recognise(paths: Vec<String>) -> Result<JsValue, JsValue> {
    to_js(&Listing::of(&layout::recognise(&paths).map_err(error)?))
}

/// Images prepared for training.
#[wasm_bindgen]
pub struct TrainingPictures {
    pub(super) prepared: PreparedPictures,
}

#[wasm_bindgen]
impl TrainingPictures {
    /// An empty set of images, to be prepared at `size` pixels a side with 1 or 3 channels.
    #[wasm_bindgen(constructor)]
    pub fn new(size: usize, channels: usize) -> Result<TrainingPictures, JsValue> {
        let preprocessing = Preprocessing::new(size, channels);
        preprocessing.check().map_err(error)?;
        let prepared = PreparedPictures::new(preprocessing);
        Ok(Self { prepared })
    }

    /// Decodes and prepares one image. A file that is not a readable image adds nothing.
    pub fn add(&mut self, name: String, file: &[u8]) -> Result<(), JsValue> {
        self.prepared.add(name, file).map(|_| ()).map_err(error)
    }

    /// Renders and prepares a part.
    pub fn add_part(
        &mut self,
        name: String,
        #[wasm_bindgen(unchecked_param_type = "PartRequest")] request: JsValue,
    ) -> Result<(), JsValue> {
        let request: PartRequest = serde_wasm_bindgen::from_value(request).map_err(error)?;
        let (size, channels) = (request.size, request.channels);
        let pixels = request.scene().map_err(error)?.photograph(size, channels);
        let added = self.prepared.add_pixels(name, pixels, size, channels);
        added.map_err(error)
    }

    /// Number of images.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.prepared.len()
    }

    /// The digest of names and files, as the program computes it.
    pub fn digest(&self) -> String {
        self.prepared.digest().to_owned()
    }

    /// Whether there are several images and all are the same.
    pub fn all_alike(&self) -> bool {
        self.prepared.all_alike()
    }

    /// Everything, for storage.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
    pub fn to_bytes(&self) -> Result<Uint8Array, JsValue> {
        let bytes = self.prepared.to_bytes().map_err(error)?;
        Ok(bytes_to_js(&bytes))
    }

    /// Reads what [`TrainingPictures::to_bytes`] returned.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainingPictures, JsValue> {
        let prepared = PreparedPictures::from_bytes(bytes).map_err(error)?;
        Ok(Self { prepared })
    }
}
