//! The page's interface to the crate, the only part with `#[wasm_bindgen]`: scoring is here, training in
//! [`training`].
//!
//! The device is only read without blocking, since WebGPU traps on a blocking read. No borrow is held
//! across an await.

pub mod training;

use std::ops::ControlFlow;
use std::str::FromStr;

use js_sys::{Error, Function, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::calibration::{self, Verdict};
use crate::data::image::{self, Picture, Preprocessing};
use crate::detector::{self, Detector, Progress, Scored};
use crate::device::DeviceKind;
use crate::model_file::{Header, ModelFile};
use crate::nn::tensors::TensorError;

/// Turns any error of the crate into a JavaScript `Error` with its message.
fn error(reason: impl std::fmt::Display) -> JsValue {
    Error::new(&reason.to_string()).into()
}

/// An error that the page recognises by its name.
fn named(name: &str, reason: impl std::fmt::Display) -> JsValue {
    let error = Error::new(&reason.to_string());
    error.set_name(name);
    error.into()
}

/// Reports the progress of long work to the page's functions. If one of them fails, the work continues.
#[derive(Default)]
struct ProgressCallbacks {
    /// Called with the number of images done and the total.
    on_pictures: Option<Function>,
    done: usize,
    total: usize,
    /// Called with the step of a latent optimisation and the total; `false` stops it.
    on_search: Option<Function>,
}

impl ProgressCallbacks {
    fn of_searches(on_search: Option<Function>) -> Self {
        Self {
            on_search,
            ..Self::default()
        }
    }
}

impl Progress for ProgressCallbacks {
    fn images(&mut self, count: usize) {
        self.done += count;
        if let Some(on_pictures) = &self.on_pictures {
            let (done, total) = (self.done.into(), self.total.into());
            let _ = on_pictures.call2(&JsValue::NULL, &done, &total);
        }
    }

    fn optimisation(&mut self, step: usize, steps: usize) -> ControlFlow<()> {
        let answer = self
            .on_search
            .as_ref()
            .and_then(|f| f.call2(&JsValue::NULL, &step.into(), &steps.into()).ok());
        match answer.is_some_and(|answer| answer.as_bool() == Some(false)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Plain JavaScript objects rather than `Map`s; `None` becomes `null`.
fn to_js(value: &(impl Serialize + ?Sized)) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(error)
}

/// Makes a panic readable in the console. Called once after the module is loaded.
#[wasm_bindgen]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// Version of the crate, and the devices that this module supports.
#[wasm_bindgen]
pub fn build_info() -> Result<JsValue, JsValue> {
    #[derive(Serialize)]
    struct BuildInfo {
        version: &'static str,
        devices: Vec<&'static str>,
    }
    let devices = DeviceKind::BUILT_IN
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    to_js(&BuildInfo {
        version: env!("CARGO_PKG_VERSION"),
        devices,
    })
}

/// An image decoded and scaled to fit a square of `side` pixels: `{width, height, rgba}`.
#[wasm_bindgen]
pub fn preview(bytes: &[u8], side: usize) -> Result<JsValue, JsValue> {
    let (width, height, rgba) = image::decode(bytes).map_err(error)?.thumbnail_rgba(side);
    let preview = to_js(&serde_json::json!({ "width": width, "height": height }))?;
    set(&preview, "rgba", &Uint8Array::from(&rgba[..]))?;
    Ok(preview)
}

/// The score as shown for a changed threshold; `null` without a calibration.
#[wasm_bindgen]
pub fn display_score(header: JsValue, threshold: f64, score: f64) -> Result<Option<f64>, JsValue> {
    let header: Header = serde_wasm_bindgen::from_value(header).map_err(error)?;
    let median = header
        .calibration
        .map(|calibration| calibration.anomaly_score.median);
    Ok(median.map(|median| calibration::display(score, threshold, median)))
}

/// Where tensors live.
#[wasm_bindgen]
pub struct Device {
    kind: DeviceKind,
    device: burn::tensor::Device,
}

#[wasm_bindgen]
impl Device {
    /// Opens `"cpu"` or `"webgpu"`, whichever this module supports.
    pub async fn open(kind: String) -> Result<Device, JsValue> {
        let kind = DeviceKind::from_str(&kind).map_err(error)?;
        let device = kind.open().await.map_err(error)?;
        Ok(Device { kind, device })
    }

    /// `"cpu"` or `"webgpu"`.
    #[wasm_bindgen(getter)]
    pub fn kind(&self) -> String {
        self.kind.as_str().to_owned()
    }
}

/// A trained model on a device.
#[wasm_bindgen]
pub struct Model {
    header: Header,
    detector: Box<dyn Detector>,
}

/// What the page shows about a model.
#[derive(Serialize)]
struct ModelInfo<'a> {
    method: &'static str,
    size: usize,
    channels: usize,
    parameters: usize,
    calibrated: bool,
    threshold: Option<f64>,
    search_steps: Option<usize>,
    header: &'a Header,
}

/// What the page shows about an image, except for its pixels.
#[derive(Serialize)]
struct ScoredPicture {
    score: f64,
    residual: f64,
    latent: Option<f64>,
    threshold: Option<f64>,
    verdict: Verdict,
    display: Option<f64>,
    width: u32,
    height: u32,
    size: usize,
}

#[wasm_bindgen]
impl Model {
    /// Reads a model file and puts its weights on a device.
    pub fn load(device: &Device, bytes: &[u8]) -> Result<Model, JsValue> {
        let file = ModelFile::from_bytes(bytes).map_err(error)?;
        let detector = detector::load(&file, &device.device).map_err(error)?;
        Ok(Model {
            header: file.header,
            detector,
        })
    }

    /// `{method, size, channels, parameters, calibrated, threshold, search_steps, header}`; the steps are
    /// `null` for methods without a latent optimisation.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let Preprocessing { size, channels, .. } = *self.detector.preprocessing();
        let calibration = self.header.calibration.as_ref();
        to_js(&ModelInfo {
            method: self.detector.method().as_str(),
            size,
            channels,
            parameters: self.detector.parameters(),
            calibrated: calibration.is_some(),
            threshold: calibration.map(|calibration| calibration.threshold),
            search_steps: self.detector.search_steps(),
            header: &self.header,
        })
    }

    /// Scores the built-in images and compares: `{passed, part, expected, got}`, or `null` if the file
    /// stores no scores. `part` says which score differs first; where none does, it is A of the first image.
    pub async fn self_check(&self) -> Result<JsValue, JsValue> {
        let Some(stored) = &self.header.self_check else {
            return Ok(JsValue::NULL);
        };
        let got = detector::self_check(&*self.detector).await.map_err(error)?;
        let failed = stored.compare(&got).err();
        let (part, expected, given) = match &failed {
            None => ("the anomaly score", stored.anomaly_score, got.anomaly_score),
            Some(mismatch) => (mismatch.part, mismatch.expected, mismatch.got),
        };
        to_js(&serde_json::json!({
            "passed": failed.is_none(),
            "part": part,
            "expected": expected,
            "got": given,
        }))
    }

    /// Scores image files. Returns one entry per file, in order; a file that is not a readable image
    /// gives `{error}`, and the others are still scored.
    ///
    /// If the method optimises latent codes, `on_search(step, steps)` is called from time to time; if it
    /// returns `false`, the optimisation stops and the promise rejects with an error named `Stopped`.
    pub async fn score(
        &self,
        files: Vec<Uint8Array>,
        on_search: Option<Function>,
    ) -> Result<Vec<JsValue>, JsValue> {
        let preprocessing = self.detector.preprocessing();
        let mut values = Vec::with_capacity(files.len() * preprocessing.values());
        let mut results = Vec::with_capacity(files.len());
        for file in files {
            let picture = image::decode(&file.to_vec());
            if let Ok(picture) = &picture {
                values.extend(preprocessing.apply(picture));
            }
            // The decoded pixels are dropped here: a batch of large images would not fit into memory.
            results.push(picture.map(|picture: Picture| (picture.width(), picture.height())));
        }
        let mut scored = if values.is_empty() {
            Vec::new().into_iter()
        } else {
            let mut progress = ProgressCallbacks::of_searches(on_search);
            let scored =
                detector::score_with_progress(&*self.detector, &values, &mut progress).await;
            let scored = scored.map_err(|reason| match reason {
                TensorError::Stopped => named("Stopped", reason),
                reason => error(reason),
            });
            scored?.into_iter()
        };
        let mut inputs = values.chunks_exact(preprocessing.values());
        results
            .into_iter()
            .map(|result| match result {
                Err(reason) => to_js(&serde_json::json!({ "error": reason.to_string() })),
                Ok(sides) => {
                    let missing = || error("an image was prepared but not scored");
                    let input = inputs.next().ok_or_else(missing)?;
                    self.picture(sides, input, &scored.next().ok_or_else(missing)?)
                }
            })
            .collect()
    }

    fn picture(
        &self,
        (width, height): (u32, u32),
        input: &[f32],
        scored: &Scored,
    ) -> Result<JsValue, JsValue> {
        let Preprocessing { size, channels, .. } = *self.detector.preprocessing();
        let calibration = self.header.calibration.as_ref();
        let score = scored.raw.anomaly_score;
        let picture = to_js(&ScoredPicture {
            score,
            residual: scored.raw.residual,
            latent: scored.raw.latent,
            threshold: calibration.map(|c| c.threshold),
            verdict: calibration.map_or(Verdict::Uncalibrated, |c| c.verdict(score)),
            display: calibration.map(|c| c.display(score)),
            width,
            height,
            size,
        })?;
        let scale = calibration::heat_map_scale(calibration);
        let pixels = [
            ("input", image::to_rgba(input, channels, size)),
            (
                "reconstruction",
                image::to_rgba(&scored.x_hat, channels, size),
            ),
            ("heat", image::heat_map_rgba(&scored.residual_map, scale)),
        ];
        for (name, rgba) in pixels {
            set(&picture, name, &Uint8Array::from(&rgba[..]))?;
        }
        Ok(picture)
    }
}

fn set(object: &JsValue, name: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &name.into(), value).map(|_| ())
}
