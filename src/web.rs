//! The page's interface to the crate, the only part with `#[wasm_bindgen]`. Each file here only passes
//! on; what is passed has its types in [`types`], for TypeScript too.
//!
//! The device is only read without blocking, since WebGPU traps on a blocking read. No borrow is held
//! across an await.

pub mod types;

#[cfg(target_family = "wasm")]
mod border;
#[cfg(target_family = "wasm")]
pub mod device;
#[cfg(target_family = "wasm")]
pub mod model;
#[cfg(target_family = "wasm")]
pub mod pictures;
#[cfg(target_family = "wasm")]
pub mod plan;
#[cfg(target_family = "wasm")]
pub mod product;
#[cfg(target_family = "wasm")]
pub mod training;
