//! Training in the page: steps, previews, checkpoints and the finished model.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

use super::border::{ProgressCallbacks, bytes_to_js, error, named, stopped, to_js};
use super::device::Device;
use super::pictures::TrainingPictures;
use super::plan::settings;
use super::types;
use crate::data::pictures::Pictures;
use crate::device::DeviceKind;
use crate::lent::Lent;
use crate::model_file::{ModelFile, ModelFileError, Precision};
use crate::run::faults::find_faults;
use crate::run::preview::{LabelledImages, score_labelled};
use crate::run::{Run, RunError};
use crate::train::step::Update;

/// A training run. Only one asynchronous call at a time, and no step during it.
#[wasm_bindgen]
pub struct Training {
    /// `None` during a call, so that no borrow is held across an await.
    run: Cell<Option<Run>>,
    labelled: RefCell<Option<LabelledImages>>,
    parameters: usize,
}

#[wasm_bindgen]
impl Training {
    /// Starts a run with new networks on prepared images, which it takes over.
    pub fn start(
        device: &Device,
        #[wasm_bindgen(unchecked_param_type = "GivenSettings")] given: JsValue,
        pictures: TrainingPictures,
    ) -> Result<Training, JsValue> {
        let config = settings(given)?;
        pictures
            .prepared
            .check(&config.preprocessing())
            .map_err(error)?;
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
            pictures
                .prepared
                .check(&training.config.preprocessing())
                .map_err(error)?;
        }
        let run = Run::resume(&file, Box::new(pictures.prepared), &device.device);
        Self::of(run.map_err(error)?, device)
    }

    fn of(mut run: Run, device: &Device) -> Result<Training, JsValue> {
        // On the CPU they are in memory already.
        if device.kind == DeviceKind::Gpu {
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
        self.with(|run| pictures.check(&run.config().preprocessing()))?
            .map_err(error)?;
        *self.labelled.borrow_mut() = Some(LabelledImages {
            pictures: Box::new(pictures),
            abnormal: abnormal.iter().map(|&label| label != 0).collect(),
        });
        Ok(())
    }

    /// The run's settings, its position, and its images.
    #[wasm_bindgen(unchecked_return_type = "TrainingInfo")]
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let labelled = self.labelled.borrow();
        let info = |run: &mut Run| {
            to_js(&types::TrainingInfo::of(
                run,
                labelled.as_ref(),
                self.parameters,
            ))
        };
        self.with(info)?
    }

    /// Queues one step that updates `"both"` networks, the `"generator"` or the `"discriminator"`.
    pub fn step(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Update")] update: JsValue,
    ) -> Result<(), JsValue> {
        let update: Update = serde_wasm_bindgen::from_value(update).map_err(error)?;
        self.with(|run| run.step_on(update))?.map_err(error)
    }

    /// Losses of every step since the last call, with their step; rejects with an error named `Diverged`
    /// if one is not a number.
    #[wasm_bindgen(unchecked_return_type = "StepLosses[]")]
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

    /// Losses and previews so far, including those before a resumed checkpoint.
    #[wasm_bindgen(unchecked_return_type = "History")]
    pub fn history(&self) -> Result<JsValue, JsValue> {
        self.with(|run| to_js(&types::History::of(run.history())))?
    }

    /// The results of the current weights on held-out and labelled images; `shown` of the held-out ones
    /// come with their reconstruction and heat map. `on_optimisation` as in [`super::model::Model::score`].
    #[wasm_bindgen(unchecked_return_type = "Preview")]
    pub async fn preview(
        &self,
        shown: usize,
        #[wasm_bindgen(unchecked_optional_param_type = "OnOptimisation")] on_optimisation: Option<
            Function,
        >,
    ) -> Result<JsValue, JsValue> {
        let mut run = self.take()?;
        let labelled = Lent::from(&self.labelled);
        let progress = &mut ProgressCallbacks::of_optimisation(on_optimisation);
        let preview = run.preview(labelled.get(), shown, progress).await;
        let preprocessing = run.config().preprocessing();
        self.put(run);
        let preview = preview.map_err(stopped_or_error)?;
        to_js(&types::Preview::of(&preview, &preprocessing))
    }

    /// A checkpoint to resume from, like the program's `checkpoint.safetensors`; rejects with an error
    /// named `Diverged` if a value is not finite, which can happen before a loss shows it.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer>")]
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
        Ok(bytes_to_js(&bytes))
    }

    /// Calibrates on the held-out images. `on_progress` receives the number of images done and the total;
    /// `on_optimisation` as in [`super::model::Model::score`].
    #[wasm_bindgen(unchecked_return_type = "Finished")]
    pub async fn finish(
        &self,
        #[wasm_bindgen(unchecked_param_type = "(done: number, total: number) => void")]
        on_progress: Function,
        #[wasm_bindgen(unchecked_optional_param_type = "OnOptimisation")] on_optimisation: Option<
            Function,
        >,
    ) -> Result<JsValue, JsValue> {
        let run = self.take()?;
        let mut progress = ProgressCallbacks::of_optimisation(on_optimisation)
            .with_images(on_progress, run.pictures_to_finish());
        let fitted = run.finish(Precision::F32, &mut progress).await;
        self.put(run);
        let fitted = fitted.map_err(stopped_or_error)?;
        let labelled = Lent::from(&self.labelled);
        let scores = match labelled.get() {
            Some(labelled) => {
                let all = usize::MAX;
                Some(score_labelled(&*fitted.detector, labelled, all, &mut progress).await)
            }
            None => None,
        };
        let scores = scores.transpose().map_err(stopped_or_error)?;
        to_js(&types::Finished::of(&fitted, scores).map_err(error)?)
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

/// Measures how small a fault a model finds in the images that its run held out, of all that it was given: `pictures`.
/// `on_progress` receives the number of images done and the total; if it returns `false`, the promise rejects with an
/// error named `Stopped`.
#[wasm_bindgen(unchecked_return_type = "FoundFaults")]
pub async fn find_small_faults(
    device: &Device,
    model: &[u8],
    pictures: &TrainingPictures,
    seed: u32,
    #[wasm_bindgen(unchecked_param_type = "(done: number, total: number) => boolean")]
    on_progress: Function,
) -> Result<JsValue, JsValue> {
    let file = ModelFile::from_bytes(model).map_err(error)?;
    let progress = |done: usize, total: usize| {
        let answer = on_progress.call2(&JsValue::NULL, &done.into(), &total.into());
        match answer.is_ok_and(|answer| answer.as_bool() == Some(false)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let found = find_faults(
        &file,
        &device.device,
        &pictures.prepared,
        seed.into(),
        progress,
    );
    to_js(&found.await.map_err(stopped_or_error)?)
}

fn diverged(reason: impl std::fmt::Display) -> JsValue {
    named("Diverged", reason)
}

fn stopped_or_error(reason: RunError) -> JsValue {
    match reason.is_stopped() {
        true => stopped(reason),
        false => error(reason),
    }
}
