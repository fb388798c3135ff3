//! Scoring in the page.

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

use super::border::{ProgressCallbacks, error, stopped, to_js};
use super::device::Device;
use super::types::{ImageResult, ModelInfo, SelfCheckResult};
use crate::model::{self, Error};
use crate::model_file::ModelFile;
use crate::nn::tensors::TensorError;

/// A trained model on a device.
#[wasm_bindgen]
pub struct Model {
    model: model::Model,
}

#[wasm_bindgen]
impl Model {
    /// Reads a model file and puts its weights on a device.
    pub fn load(device: &Device, bytes: &[u8]) -> Result<Model, JsValue> {
        let file = ModelFile::from_bytes(bytes).map_err(error)?;
        let model = model::Model::load(file, &device.device).map_err(error)?;
        Ok(Model { model })
    }

    /// Everything about the model except its weights.
    #[wasm_bindgen(unchecked_return_type = "ModelInfo")]
    pub fn info(&self) -> Result<JsValue, JsValue> {
        to_js(&ModelInfo::of(&self.model))
    }

    /// Scores the built-in images and compares; `null` if the file stores no scores.
    #[wasm_bindgen(unchecked_return_type = "SelfCheckResult | null")]
    pub async fn self_check(&self) -> Result<JsValue, JsValue> {
        let check = self.model.check_device().await.map_err(error)?;
        to_js(&check.map(SelfCheckResult::of))
    }

    /// Scores image files. Returns one entry per file, in order; a file that is not a readable image
    /// gives `{error}`, and the others are still scored.
    ///
    /// If the method optimises latent codes, `on_optimisation(step, steps)` is called from time to time;
    /// if it returns `false`, the optimisation stops and the promise rejects with an error named `Stopped`.
    #[wasm_bindgen(unchecked_return_type = "ImageResult[]")]
    pub async fn score(
        &self,
        files: Vec<Uint8Array>,
        #[wasm_bindgen(unchecked_optional_param_type = "OnOptimisation")] on_optimisation: Option<
            Function,
        >,
    ) -> Result<JsValue, JsValue> {
        let mut progress = ProgressCallbacks::of_optimisation(on_optimisation);
        let files = files.into_iter().map(|file| file.to_vec());
        let scores = self.model.score_all(files, &mut progress).await;
        let scores = scores.map_err(|reason| match reason {
            Error::Tensor(TensorError::Stopped) => stopped(reason),
            reason => error(reason),
        })?;
        let threshold = self.model.calibration().map(|c| c.threshold);
        let results = scores.into_iter().map(|s| ImageResult::of(s, threshold));
        to_js(&results.collect::<Vec<_>>())
    }

    /// The scores on their display scale for another threshold; `undefined` without a calibration.
    pub fn display_scores(&self, threshold: f64, scores: &[f64]) -> Option<Vec<f64>> {
        self.model.display_scores(threshold, scores)
    }
}
