//! What the files of the interface share: errors, values and progress as JavaScript has them.

use std::ops::ControlFlow;

use js_sys::{Error, Function, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::detector::Progress;

/// Turns any error of the crate into a JavaScript `Error` with its message.
pub(super) fn error(reason: impl std::fmt::Display) -> JsValue {
    Error::new(&reason.to_string()).into()
}

/// An error that the page recognises by its name.
pub(super) fn named(name: &str, reason: impl std::fmt::Display) -> JsValue {
    let error = Error::new(&reason.to_string());
    error.set_name(name);
    error.into()
}

/// A latent optimisation that the page ended.
pub(super) fn stopped(reason: impl std::fmt::Display) -> JsValue {
    named("Stopped", reason)
}

/// Plain JavaScript objects rather than `Map`s; `None` becomes `null`, bytes a `Uint8Array`.
pub(super) fn to_js(value: &(impl Serialize + ?Sized)) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let serializer = serializer.serialize_bytes_as_arrays(false);
    value.serialize(&serializer).map_err(error)
}

pub(super) fn bytes_to_js(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// Reports the progress of long work to the page's functions. If one of them fails, the work continues.
#[derive(Default)]
pub(super) struct ProgressCallbacks {
    /// Called with the number of images done and the total.
    on_images: Option<Function>,
    done: usize,
    total: usize,
    /// Called with the step of a latent optimisation and the total; `false` stops it.
    on_optimisation: Option<Function>,
}

impl ProgressCallbacks {
    pub(super) fn of_optimisation(on_optimisation: Option<Function>) -> Self {
        Self {
            on_optimisation,
            ..Self::default()
        }
    }

    pub(super) fn with_images(self, on_images: Function, total: usize) -> Self {
        Self {
            on_images: Some(on_images),
            total,
            ..self
        }
    }
}

impl Progress for ProgressCallbacks {
    fn images(&mut self, count: usize) {
        self.done += count;
        if let Some(on_images) = &self.on_images {
            let (done, total) = (self.done.into(), self.total.into());
            let _ = on_images.call2(&JsValue::NULL, &done, &total);
        }
    }

    fn optimisation(&mut self, step: usize, steps: usize) -> ControlFlow<()> {
        let answer = self
            .on_optimisation
            .as_ref()
            .and_then(|f| f.call2(&JsValue::NULL, &step.into(), &steps.into()).ok());
        match answer.is_some_and(|answer| answer.as_bool() == Some(false)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
