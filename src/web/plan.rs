//! Settings of a run and what follows from them, before it starts.

use js_sys::Uint8Array;
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use super::border::{error, to_js};
use crate::data::image;
use crate::detector::options;
use crate::model_file::ModelFile;
use crate::run::{RunError, plan};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::preset::Preset;

/// All settings of a run, completed from those given, which may name a preset, and checked.
#[wasm_bindgen(unchecked_return_type = "Settings")]
pub fn complete_settings(
    #[wasm_bindgen(unchecked_param_type = "GivenSettings")] given: JsValue,
) -> Result<JsValue, JsValue> {
    to_js(&settings(given)?)
}

/// The settings from what the page passes, `{preset?, ...settings}`.
pub(super) fn settings(given: JsValue) -> Result<TrainConfig, JsValue> {
    let mut given: Map<String, Value> = serde_wasm_bindgen::from_value(given).map_err(error)?;
    let preset: Preset = match given.remove("preset") {
        Some(preset) => serde_json::from_value(preset).map_err(error)?,
        None => Preset::default(),
    };
    let own = Value::Object(given.clone());
    let own: TrainConfig = serde_json::from_value(own).map_err(error)?;
    let mut fields = Setting::ALL.to_vec();
    fields.retain(|setting| given.contains_key(setting.field()));
    let config = options::complete(preset, &own, &fields);
    // Nobody gave all of them: those are what `complete_settings` returned, to be planned or trained.
    match fields.len() < Setting::ALL.len() {
        true => options::check_given(std::slice::from_ref(&config), &fields),
        false => options::check(&config),
    }
    .map_err(error)?;
    if !config.method.has_networks() {
        return Err(error(RunError::NoNetworks(config.method)));
    }
    Ok(config)
}

/// Settings that suit `count` images, of which `files` are a sample; files that cannot be read are
/// ignored.
#[wasm_bindgen(unchecked_return_type = "Suggestion")]
pub fn suggest_settings(files: Vec<Uint8Array>, count: usize) -> Result<JsValue, JsValue> {
    let some: Vec<_> = files
        .iter()
        .filter_map(|file| image::decode(&file.to_vec()).ok())
        .collect();
    to_js(&plan::suggest(&some, count))
}

/// The images, length and memory of a run on a number of images; nothing is allocated.
#[wasm_bindgen(unchecked_return_type = "RunPlan")]
pub fn plan_run(
    #[wasm_bindgen(unchecked_param_type = "GivenSettings")] given: JsValue,
    pictures: usize,
) -> Result<JsValue, JsValue> {
    to_js(&plan::plan(&settings(given)?, pictures))
}

/// How the images of a checkpoint or a model are prepared.
#[wasm_bindgen(unchecked_return_type = "Preprocessing")]
pub fn preprocessing_of(file: &[u8]) -> Result<JsValue, JsValue> {
    to_js(&ModelFile::read_header(file).map_err(error)?.preprocessing)
}
