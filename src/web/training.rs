//! Training in the page: images, steps, previews, checkpoints and the finished model.

use std::cell::{Cell, RefCell};

use js_sys::{Function, Uint8Array};
use serde::Serialize;
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

use super::{Device, ProgressCallbacks, error, named, set, to_js};
use crate::calibration;
use crate::data::image::{self, Preprocessing};
use crate::data::layout;
use crate::data::pictures::Pictures;
use crate::data::prepared::PreparedPictures;
use crate::detector::{self, options};
use crate::lent::Lent;
use crate::model_file::{ModelFile, ModelFileError, Precision};
use crate::run::plan;
use crate::run::preview::{Labelled, LabelledScores, Preview, score_labelled};
use crate::run::{Run, RunError};
use crate::settings::config::{Setting, TrainConfig};
use crate::settings::preset::Preset;
use crate::train::history::{Check, StepLosses};
use crate::train::step::Update;

/// Which of a folder's files are trained on, labelled or left out, as indices into `paths`. The paths are
/// relative to the folder, separated by `/`.
#[wasm_bindgen]
pub fn recognise(paths: Vec<String>) -> Result<JsValue, JsValue> {
    let listing = layout::recognise(&paths).map_err(error)?;
    let test: Vec<Value> = listing
        .test
        .iter()
        .map(|one| json!({ "index": one.index, "abnormal": one.abnormal, "class": one.class }))
        .collect();
    to_js(&json!({
        "layout": listing.layout.as_str(),
        "said": listing.layout.to_string(),
        "training": listing.train,
        "test": test,
        "left_out": listing.left_out,
    }))
}

/// All settings of a run, completed from those given, which may name a preset, and checked.
#[wasm_bindgen]
pub fn complete_settings(given: JsValue) -> Result<JsValue, JsValue> {
    to_js(&settings(given)?)
}

/// The settings from what the page passes, `{preset?, ...settings}`.
fn settings(given: JsValue) -> Result<TrainConfig, JsValue> {
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
#[wasm_bindgen]
pub fn suggest_settings(files: Vec<Uint8Array>, count: usize) -> Result<JsValue, JsValue> {
    let some: Vec<_> = files
        .iter()
        .filter_map(|file| image::decode(&file.to_vec()).ok())
        .collect();
    to_js(&plan::suggest(&some, count))
}

/// Peak memory of a run in bytes, by use; nothing is allocated.
#[wasm_bindgen]
pub fn plan_memory(given: JsValue, pictures: usize) -> Result<JsValue, JsValue> {
    to_js(&plan::memory_estimate(&settings(given)?, pictures))
}

/// Images prepared for training.
#[wasm_bindgen]
pub struct TrainingPictures {
    prepared: PreparedPictures,
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

    /// Decodes and prepares one image: `{width, height}`. A file that is not a readable image adds
    /// nothing.
    pub fn add(&mut self, name: String, file: &[u8]) -> Result<JsValue, JsValue> {
        let (width, height) = self.prepared.add(name, file).map_err(error)?;
        to_js(&json!({ "width": width, "height": height }))
    }

    /// Number of images.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.prepared.len()
    }

    /// Memory that they take, in bytes.
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> usize {
        self.prepared.len() * self.prepared.preprocessing().values()
    }

    /// The digest of names and files, as the program computes it.
    pub fn digest(&self) -> String {
        self.prepared.digest().to_owned()
    }

    /// Whether there are several images and all are the same.
    pub fn all_alike(&self) -> bool {
        self.prepared.all_alike()
    }

    /// The name of an image.
    pub fn name(&self, index: usize) -> Result<String, JsValue> {
        match index < self.prepared.len() {
            true => Ok(self.prepared.name(index)),
            false => Err(error(format!(
                "expected an image index below {}, got {index}",
                self.prepared.len()
            ))),
        }
    }

    /// Everything, for storage.
    pub fn to_bytes(&self) -> Result<Uint8Array, JsValue> {
        let bytes = self.prepared.to_bytes().map_err(error)?;
        Ok(Uint8Array::from(&bytes[..]))
    }

    /// Reads what [`TrainingPictures::to_bytes`] returned.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainingPictures, JsValue> {
        let prepared = PreparedPictures::from_bytes(bytes).map_err(error)?;
        Ok(Self { prepared })
    }
}

/// A training run. Only one asynchronous call at a time, and no step during it.
#[wasm_bindgen]
pub struct Training {
    /// `None` during a call, so that no borrow is held across an await.
    run: Cell<Option<Run>>,
    labelled: RefCell<Option<Labelled>>,
    parameters: usize,
}

#[wasm_bindgen]
impl Training {
    /// Starts a run with new networks on prepared images, which it takes over.
    pub fn start(
        device: &Device,
        given: JsValue,
        pictures: TrainingPictures,
    ) -> Result<Training, JsValue> {
        let config = settings(given)?;
        fits(&config, &pictures.prepared)?;
        let run = Run::new(&config, Box::new(pictures.prepared), &device.device);
        Self::of(run.map_err(error)?, device)
    }

    /// Resumes from a checkpoint of the program or the page, with the images that it was made with.
    pub fn resume(
        device: &Device,
        checkpoint: &[u8],
        pictures: TrainingPictures,
    ) -> Result<Training, JsValue> {
        let file = ModelFile::from_bytes(checkpoint).map_err(error)?;
        if let Some(training) = &file.header.training {
            fits(&training.config, &pictures.prepared)?;
        }
        let run = Run::resume(&file, Box::new(pictures.prepared), &device.device);
        Self::of(run.map_err(error)?, device)
    }

    fn of(mut run: Run, device: &Device) -> Result<Training, JsValue> {
        // On the CPU they are in memory already.
        if device.kind() == "webgpu" {
            run.preload_to_device().map_err(error)?;
        }
        Ok(Training {
            parameters: run.num_params(),
            run: Cell::new(Some(run)),
            labelled: RefCell::default(),
        })
    }

    /// Sets images with known labels, one byte each: 0 for normal, otherwise abnormal. They are for
    /// information only; nothing is chosen by them.
    pub fn set_labelled(&self, pictures: TrainingPictures, abnormal: &[u8]) -> Result<(), JsValue> {
        let pictures = pictures.prepared;
        if pictures.len() != abnormal.len() {
            return Err(error(format!(
                "expected a label for each of {} images, got {}",
                pictures.len(),
                abnormal.len()
            )));
        }
        self.with(|run| fits(run.config(), &pictures))??;
        *self.labelled.borrow_mut() = Some(Labelled {
            pictures: Box::new(pictures),
            abnormal: abnormal.iter().map(|&label| label != 0).collect(),
        });
        Ok(())
    }

    /// `{method, settings, step, total_steps, steps_per_epoch, training, held_out, labelled,
    /// parameters}`
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let labelled = self.labelled.borrow().as_ref().map(|labelled| {
            let abnormal = labelled.abnormal.iter().filter(|&&label| label).count();
            json!({ "normal": labelled.abnormal.len() - abnormal, "abnormal": abnormal })
        });
        self.with(|run| {
            let (training, held_out) = run.counts();
            to_js(&json!({
                "method": run.config().method,
                "settings": run.config(),
                "step": run.steps(),
                "total_steps": run.total_steps(),
                "steps_per_epoch": run.steps_per_epoch(),
                "training": training,
                "held_out": held_out,
                "labelled": labelled,
                "parameters": self.parameters,
            }))
        })?
    }

    /// Queues one step that updates `"both"` networks, the `"generator"` or the `"discriminator"`.
    pub fn step(&self, update: JsValue) -> Result<(), JsValue> {
        let update: Update = serde_wasm_bindgen::from_value(update).map_err(error)?;
        self.with(|run| run.step_on(update))?.map_err(error)
    }

    /// Losses of every step since the last call, with their step; rejects with an error named `Diverged`
    /// if one is not a number.
    pub async fn losses(&self) -> Result<JsValue, JsValue> {
        let mut run = self.take()?;
        let before = run.history().losses.len();
        let read = run.read_losses().await;
        let losses = to_js(&run.history().losses[before..]);
        self.put(run);
        match read {
            Ok(_) => losses,
            Err(reason @ RunError::Diverged { .. }) => Err(diverged(reason)),
            Err(reason) => Err(error(reason)),
        }
    }

    /// Whether D was re-initialised since the last call.
    pub fn restarted(&self) -> Result<bool, JsValue> {
        self.with(Run::take_restarted)
    }

    /// `{losses, previews}` so far, including those before a resumed checkpoint.
    pub fn history(&self) -> Result<JsValue, JsValue> {
        #[derive(Serialize)]
        struct ProgressCallbacks<'a> {
            losses: &'a [StepLosses],
            previews: &'a [Check],
        }
        self.with(|run| {
            let history = run.history();
            to_js(&ProgressCallbacks {
                losses: &history.losses,
                previews: &history.checks,
            })
        })?
    }

    /// The results of the current weights on held-out and labelled images; `shown` of the held-out ones
    /// come with their reconstruction and heat map. `on_search` as in [`super::Model::score`].
    pub async fn preview(
        &self,
        shown: usize,
        on_search: Option<Function>,
    ) -> Result<JsValue, JsValue> {
        let mut run = self.take()?;
        let labelled = Lent::from(&self.labelled);
        let progress = &mut ProgressCallbacks::of_searches(on_search);
        let preview = run.preview(labelled.get(), shown, progress).await;
        let preprocessing = Preprocessing::new(run.config().size, run.config().channels);
        self.put(run);
        preview_to_js(&preview.map_err(stopped_or_error)?, &preprocessing)
    }

    /// A checkpoint to resume from, like the program's `checkpoint.safetensors`; rejects with an error
    /// named `Diverged` if a value is not finite, which can happen before a loss shows it.
    pub async fn checkpoint(&self) -> Result<Uint8Array, JsValue> {
        let run = self.take()?;
        let (step, rate) = (run.steps(), run.config().learning_rate);
        let checkpoint = run.checkpoint().await;
        self.put(run);
        let bytes = checkpoint.map_err(error)?.to_bytes(Precision::F32);
        let bytes = bytes.map_err(|reason| match reason {
            ModelFileError::NotFinite(_) => diverged(format!(
                "training diverged by step {step}: {reason}; try a lower learning rate than {rate}"
            )),
            reason => error(reason),
        })?;
        Ok(Uint8Array::from(&bytes[..]))
    }

    /// Calibrates on the held-out images: `{model, threshold, held_out, labelled}`. `on_progress`
    /// receives the number of images done and the total; `on_search` as in [`super::Model::score`].
    pub async fn finish(
        &self,
        on_progress: Function,
        on_search: Option<Function>,
    ) -> Result<JsValue, JsValue> {
        let run = self.take()?;
        let mut progress = ProgressCallbacks {
            on_pictures: Some(on_progress),
            total: run.pictures_to_finish(),
            on_search,
            ..ProgressCallbacks::default()
        };
        let fitted = run.finish(Precision::F32, &mut progress).await;
        self.put(run);
        let fitted = fitted.map_err(stopped_or_error)?;
        // If the model cannot be loaded, the labelled images go back for the next attempt.
        let labelled = Lent::from(&self.labelled);
        let scores = match labelled.get() {
            Some(labelled) => {
                let all = usize::MAX;
                Some(score_labelled(&*fitted.detector, labelled, all, &mut progress).await)
            }
            None => None,
        };
        drop(labelled);
        #[derive(Serialize)]
        struct Finished {
            threshold: Option<f64>,
            held_out: Vec<f64>,
            labelled: Option<LabelledScores>,
        }
        let calibration = fitted.model.header.calibration.as_ref();
        let finished = to_js(&Finished {
            threshold: calibration.map(|calibration| calibration.threshold),
            held_out: scores_of(fitted.held_out.iter().map(|(_, raw)| raw)),
            labelled: scores.transpose().map_err(stopped_or_error)?,
        })?;
        let bytes = fitted.model.to_bytes(Precision::F32).map_err(error)?;
        set(&finished, "model", &Uint8Array::from(&bytes[..]))?;
        Ok(finished)
    }

    fn take(&self) -> Result<Run, JsValue> {
        self.run
            .take()
            .ok_or_else(|| error("another call is still in progress"))
    }

    fn put(&self, run: Run) {
        self.run.set(Some(run));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Run) -> T) -> Result<T, JsValue> {
        let mut run = self.take()?;
        let result = work(&mut run);
        self.put(run);
        Ok(result)
    }
}

fn diverged(reason: impl std::fmt::Display) -> JsValue {
    named("Diverged", reason)
}

fn stopped_or_error(reason: RunError) -> JsValue {
    match reason.is_stopped() {
        true => named("Stopped", reason),
        false => error(reason),
    }
}

/// Checks that images were prepared at the size and with the channels of the settings.
fn fits(config: &TrainConfig, pictures: &PreparedPictures) -> Result<(), JsValue> {
    let Preprocessing { size, channels, .. } = *pictures.preprocessing();
    if (size, channels) == (config.size, config.channels) {
        return Ok(());
    }
    Err(error(format!(
        "expected images prepared at {0} × {0} pixels with {1} channels, got {size} × {size} with {channels}",
        config.size, config.channels
    )))
}

fn scores_of<'a>(raw: impl Iterator<Item = &'a crate::score::RawScore>) -> Vec<f64> {
    raw.map(|raw| raw.anomaly_score).collect()
}

fn preview_to_js(preview: &Preview, preprocessing: &Preprocessing) -> Result<JsValue, JsValue> {
    #[derive(Serialize)]
    struct ProgressCallbacks<'a> {
        step: u64,
        residual: f64,
        remembered: Option<usize>,
        held_out: Vec<f64>,
        labelled: Option<&'a LabelledScores>,
    }
    let told = to_js(&ProgressCallbacks {
        step: preview.step,
        residual: preview.residual(),
        remembered: preview.remembered,
        held_out: scores_of(preview.held_out.iter()),
        labelled: preview.labelled.as_ref(),
    })?;
    let Preprocessing { size, channels, .. } = *preprocessing;
    let scale = calibration::heat_map_scale(None);
    let pictures = js_sys::Array::new();
    for shown in &preview.shown {
        let raw = shown.scored.raw;
        let picture = to_js(&json!({
            "name": shown.name,
            "score": raw.anomaly_score,
            "residual": raw.residual,
            "size": size,
        }))?;
        for (name, rgba) in [
            ("input", image::to_rgba(&shown.input, channels, size)),
            (
                "reconstruction",
                image::to_rgba(&shown.scored.x_hat, channels, size),
            ),
            (
                "heat",
                image::heat_map_rgba(&shown.scored.residual_map, scale),
            ),
        ] {
            set(&picture, name, &Uint8Array::from(&rgba[..]))?;
        }
        pictures.push(&picture);
    }
    set(&told, "pictures", &pictures)?;
    Ok(told)
}
