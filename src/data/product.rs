//! Product lines: pictures of parts that a seed determines to the last bit on every platform, with faults of known
//! kind, place, size and mask. Rendered, and to be labelled so wherever they are shown.

mod arithmetic;
mod blemish;
mod board;
mod board_layout;
mod camera;
mod drift;
mod fabric;
mod fault;
mod gear;
mod lot;
pub(super) mod noise;
mod photograph;
mod scene;
mod surface;
mod wood;

pub use drift::{Drift, DriftKind};
pub use fault::{Fault, FaultKind};
pub use lot::{Lot, Purpose};
pub use scene::{Product, SIZES, Scene, bounds, mask};
