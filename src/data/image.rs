//! From the bytes of an image to the network's input, and back to pixels that can be shown.
//!
//! The same bytes give the same values, bit for bit, in a browser and in the program:
//! colours become 8-bit grey or RGB by integer arithmetic, and the resampling of 8-bit pixels in
//! `fast_image_resize` sums 16-bit fixed-point weights in 32-bit integers in each of its
//! implementations (plain, SSE4.1, AVX2, NEON, SIMD128), so that the order of the additions does not
//! matter. The weights themselves come from `f64` additions, multiplications and divisions, which
//! every platform rounds alike. `resampling_is_the_same_with_and_without_simd` holds it to that.
//! The JPEG decoder's AVX2 and plain code gave the same pixels for 64 files of all subsamplings and
//! qualities, and x86-64 and wasm with SIMD128 the same inputs for 300 images, JPEG and WebP among
//! them.

mod decode;
mod display;
mod preprocess;
mod sniff;

pub use decode::{EXTENSIONS, ImageError, MAX_PIXELS, MAX_SIDE, Picture, decode};
pub use display::{NOT_A_NUMBER, heat_colour, heat_map_rgba, to_rgba};
pub use preprocess::{Preprocessing, PreprocessingError, Resize, to_value};
