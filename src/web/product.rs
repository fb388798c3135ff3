//! Rendered parts of the product lines.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::border::{error, to_js};
use super::types::{PartRequest, ProductLine, RenderedPart};
use crate::data::product::Scene;

/// A sound part's picture, with the scene, size and channels that it is of.
type Sound = ((Scene, usize, usize), Vec<u8>);

thread_local! {
    /// The last one: while a fault grows, it stays the same.
    static SOUND: RefCell<Option<Sound>> = const { RefCell::new(None) };
}

/// The product lines.
#[wasm_bindgen(unchecked_return_type = "ProductLine[]")]
pub fn product_lines() -> Result<JsValue, JsValue> {
    to_js(&ProductLine::all())
}

/// The picture of a part, and where its fault shows.
#[wasm_bindgen(unchecked_return_type = "RenderedPart")]
pub fn render_part(
    #[wasm_bindgen(unchecked_param_type = "PartRequest")] request: JsValue,
) -> Result<JsValue, JsValue> {
    let request: PartRequest = serde_wasm_bindgen::from_value(request).map_err(error)?;
    let scene = request.scene().map_err(error)?;
    let (size, channels) = (request.size, request.channels);
    let fault = None;
    let key = (Scene { fault, ..scene }, size, channels);
    SOUND.with_borrow_mut(|kept| {
        let sound = match kept.take() {
            Some((of, sound)) if of == key => sound,
            _ => key.0.photograph(size, channels),
        };
        let part = RenderedPart::of(&scene, &sound, size, channels);
        *kept = Some((key, sound));
        to_js(&part)
    })
}
