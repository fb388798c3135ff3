//! The module itself, and the device that it computes on.

use std::str::FromStr;

use wasm_bindgen::prelude::*;

use super::border::{error, to_js};
use super::types::BuildInfo;
use crate::device::DeviceKind;

/// Makes a panic readable in the console. Called once after the module is loaded.
#[wasm_bindgen]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// Version of the crate, and the devices that this module supports.
#[wasm_bindgen(unchecked_return_type = "BuildInfo")]
pub fn build_info() -> Result<JsValue, JsValue> {
    to_js(&BuildInfo::new())
}

/// Where tensors live.
#[wasm_bindgen]
pub struct Device {
    pub(super) kind: DeviceKind,
    pub(super) device: burn::tensor::Device,
}

#[wasm_bindgen]
impl Device {
    /// Opens `"cpu"` or `"webgpu"`, whichever this module supports.
    pub async fn open(
        #[wasm_bindgen(unchecked_param_type = "DeviceKind")] kind: String,
    ) -> Result<Device, JsValue> {
        let kind = DeviceKind::from_str(&kind).map_err(error)?;
        let device = kind.open().await.map_err(error)?;
        Ok(Device { kind, device })
    }

    /// `"cpu"` or `"webgpu"`.
    #[wasm_bindgen(getter, unchecked_return_type = "DeviceKind")]
    pub fn kind(&self) -> String {
        self.kind.as_str().to_owned()
    }
}
