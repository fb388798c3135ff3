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

use std::io::Cursor;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};

/// Images with more pixels than this are refused before they are decoded.
pub const MAX_PIXELS: u64 = 64_000_000;

/// Images with a longer side than this are refused before they are decoded.
pub const MAX_SIDE: u32 = 30_000;

/// What a decoder may allocate: the largest image accepted at 16 bits and four channels, and
/// 64 MiB for its own tables.
const MAX_DECODER_BYTES: u64 = MAX_PIXELS * 8 + (64 << 20);

/// The file name extensions of images, in lower case. Those after `tiff` cannot be read; they are listed
/// so that such files are reported with the reason.
pub const EXTENSIONS: [&str; 13] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "bmp", "gif", "webp", "tif", "tiff", "heic", "heif",
    "avif",
];

/// Why the bytes of a file are not an image that can be scored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// No bytes at all.
    #[error("the file is empty; choose a PNG, JPEG, WebP, GIF, BMP or TIFF file")]
    Empty,
    /// A known kind of file that is not read here.
    #[error("{what}; {advice}")]
    Unsupported {
        /// What such files are not, in the plural.
        what: &'static str,
        /// What the user can do instead.
        advice: &'static str,
    },
    /// The first bytes match no known kind of file.
    #[error("the file is of an unknown kind; choose a PNG, JPEG, WebP, GIF, BMP or TIFF file")]
    UnknownFormat,
    /// More pixels than are decoded here.
    #[error(
        "expected at most {max_pixels} pixels and sides of at most {max_side}, \
         got {width} x {height} = {} pixels", u64::from(*.width) * u64::from(*.height)
    )]
    TooLarge {
        /// Width that the file states.
        width: u32,
        /// Height that the file states.
        height: u32,
        /// [`MAX_PIXELS`].
        max_pixels: u64,
        /// [`MAX_SIDE`].
        max_side: u32,
    },
    /// The file begins like an image, but is damaged.
    #[error("damaged or unusual {format} image: {reason}")]
    Decode {
        /// The format by the first bytes.
        format: &'static str,
        /// The decoder's message.
        reason: String,
    },
}

/// Settings that no network input can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected images of 1 to 4096 pixels a side with 1 or 3 channels, got {size} with {channels}"
)]
pub struct PreprocessingError {
    /// Side in pixels.
    pub size: usize,
    /// Number of channels.
    pub channels: usize,
}

/// A decoded image, upright.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The pixels as the file stores them, turned as its EXIF orientation says.
    pub pixels: DynamicImage,
    /// The format by the first bytes; the file's name does not matter. Raw pixels have none.
    pub format: Option<ImageFormat>,
}

impl Picture {
    /// An image from raw 8-bit pixels, row by row, the channels of a pixel side by side: 1 for grey,
    /// 3 for RGB. It is prepared like a file with these pixels.
    ///
    /// # Panics
    /// If there are not `width * height * channels` pixels, or the channels are neither 1 nor 3.
    pub fn from_raw(width: u32, height: u32, channels: usize, pixels: Vec<u8>) -> Self {
        let expected = width as usize * height as usize * channels;
        assert_eq!(
            pixels.len(),
            expected,
            "expected {width} x {height} x {channels} values"
        );
        let pixels = match channels {
            1 => image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
            3 => image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
            other => panic!("expected 1 or 3 channels, got {other}"),
        };
        Self {
            pixels: pixels.expect("the length was checked"),
            format: None,
        }
    }

    /// Width in pixels, after turning.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Height in pixels, after turning.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The image scaled down to fit into a square of `side` pixels, as width, height and RGBA.
    /// An image that fits is not enlarged. A side of 0 counts as 1.
    pub fn thumbnail_rgba(&self, side: usize) -> (usize, usize, Vec<u8>) {
        let (width, height) = (self.width() as usize, self.height() as usize);
        let side = side.max(1);
        let longer = width.max(height);
        let fit = |length: usize| {
            if longer <= side {
                length
            } else {
                (length * side / longer).max(1)
            }
        };
        let (to_width, to_height) = (fit(width), fit(height));
        let rgb = resample(
            &rgb8(&self.pixels),
            3,
            (width, height),
            (to_width, to_height),
        );
        let rgba = rgb
            .chunks_exact(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect();
        (to_width, to_height, rgba)
    }
}

/// Decodes an image, the first frame of an animation, and turns it upright.
///
/// The size is read and checked before the pixels are decoded: a small file that states a huge
/// image costs nothing.
///
/// # Errors
/// If the bytes are empty, of a kind that is not read here, state more than [`MAX_PIXELS`] pixels or
/// a side over [`MAX_SIDE`], or are damaged. A JPEG that ends early is damaged: its missing part
/// would be grey, and would be scored as a defect.
pub fn decode(bytes: &[u8]) -> Result<Picture, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    if let Some((what, advice)) = recognise_other(bytes) {
        return Err(ImageError::Unsupported { what, advice });
    }
    let format = image::guess_format(bytes).map_err(|_| ImageError::UnknownFormat)?;
    let name = format_name(format).ok_or(ImageError::UnknownFormat)?;
    let damaged = |reason: String| ImageError::Decode {
        format: name,
        reason,
    };
    let plain = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => damaged(format!(
            "it needs more than the {} MiB of memory that are allowed for one image",
            MAX_DECODER_BYTES >> 20
        )),
        other => damaged(other.to_string()),
    };

    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err(damaged("the file ends before the image does".into()));
    }
    // A PNG states its size at a fixed place, so that even a bare header is refused for its size.
    if let (ImageFormat::Png, Some(header)) = (format, bytes.get(16..24)) {
        let side = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        check_size(side(0), side(4))?;
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(plain)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(damaged(format!(
            "expected at least one pixel, got {width} x {height}"
        )));
    }
    check_size(width, height)?;
    limits.reserve(decoder.total_bytes()).map_err(plain)?;
    decoder.set_limits(limits).map_err(plain)?;
    // An unreadable EXIF block is no reason to refuse an image.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut pixels = DynamicImage::from_decoder(decoder).map_err(plain)?;
    pixels.apply_orientation(orientation);
    Ok(Picture {
        pixels,
        format: Some(format),
    })
}

fn check_size(width: u32, height: u32) -> Result<(), ImageError> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width > MAX_SIDE || height > MAX_SIDE {
        return Err(ImageError::TooLarge {
            width,
            height,
            max_pixels: MAX_PIXELS,
            max_side: MAX_SIDE,
        });
    }
    Ok(())
}

/// The name of a format that is read here.
fn format_name(format: ImageFormat) -> Option<&'static str> {
    Some(match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Gif => "GIF",
        ImageFormat::WebP => "WebP",
        ImageFormat::Tiff => "TIFF",
        _ => return None,
    })
}

/// Common files that are not read here: what they are, and what to do instead.
fn recognise_other(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const CONVERT: &str = "convert them to PNG, JPEG, WebP, GIF, BMP or TIFF";
    if bytes.len() >= 12 && &bytes[4..8] == b"ftyp" {
        // A box of brands: the major one at 8, compatible ones from 16 on.
        let length = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let end = length.min(bytes.len()).min(256);
        let brands = |wanted: &[&[u8; 4]]| {
            let major = &bytes[8..12];
            let compatible = bytes.get(16..end.max(16)).unwrap_or_default();
            std::iter::once(major)
                .chain(compatible.chunks_exact(4))
                .any(|b| wanted.iter().any(|w| b == *w))
        };
        if brands(&[b"avif", b"avis"]) {
            return Some(("AVIF images cannot be read", CONVERT));
        }
        if brands(&[
            b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
        ]) {
            return Some(("HEIC images cannot be read", CONVERT));
        }
        return Some((
            "videos are not images",
            "save single frames as PNG, JPEG, WebP, GIF, BMP or TIFF",
        ));
    }
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"%PDF") {
        return Some((
            "PDF documents are not images",
            "save their images as PNG, JPEG, WebP, GIF, BMP or TIFF",
        ));
    }
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some((
            "ZIP archives are not images",
            "unpack the archive and choose its PNG, JPEG, WebP, GIF, BMP or TIFF files",
        ));
    }
    if starts(b"\0\0\0\x0cJXL \r\n\x87\n") || starts(b"\xff\x0a") {
        return Some(("JPEG XL images cannot be read", CONVERT));
    }
    if starts(b"\0\0\0\x0cjP  \r\n\x87\n") {
        return Some(("JPEG 2000 images cannot be read", CONVERT));
    }
    // safetensors: the length of a JSON object in 8 bytes, then the object.
    if bytes.len() >= 10 && bytes[8] == b'{' && bytes[6] == 0 && bytes[7] == 0 {
        return Some((
            "model files (safetensors) are not images",
            "open the file as a model",
        ));
    }
    let head = &bytes[..bytes.len().min(1024)];
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    if text.starts_with(b"<svg")
        || text.starts_with(b"<?xml") && head.windows(4).any(|w| w == b"<svg")
    {
        return Some(("SVG drawings cannot be read", CONVERT));
    }
    if image::guess_format(bytes).is_err() && looks_like_text(head) {
        return Some((
            "text files are not images",
            "choose a PNG, JPEG, WebP, GIF, BMP or TIFF file",
        ));
    }
    None
}

fn looks_like_text(head: &[u8]) -> bool {
    let printable = head
        .iter()
        .all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0c));
    // The excerpt may end inside a character.
    printable
        && match std::str::from_utf8(head) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        }
}

/// Whether an end marker follows the first scan. (The decoder fills the missing part with grey.)
/// Thumbnails come before the first scan, in segments that are skipped.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while at + 4 <= bytes.len() {
        if bytes[at] != 0xff {
            at += 1;
            continue;
        }
        match bytes[at + 1] {
            // Fill bytes and markers without a length.
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => return true,
            0xda => return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            _ => at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]])),
        }
    }
    false
}

/// How an image is resized to the network's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Resize {
    /// Stretched to the square with a triangle filter that widens when shrinking, as Pillow's
    /// `BILINEAR` and torchvision's `Resize` on a PIL image do. Weights have 16 bits here and 22
    /// there: values may differ by one grey level from Pillow's.
    #[default]
    Bilinear,
}

/// How an image becomes the network's input. Stored in the model file.
///
/// In this order, as the published loader does it: to 8-bit grey or RGB, stretched to
/// `size` x `size` (the aspect ratio is not kept), then `(v / 255 - 0.5) / 0.5`.
///
/// - Grey is `(19595 R + 38470 G + 7471 B + 32768) >> 16`, the Rec. 601 luma of Pillow's
///   `convert('L')`; the `image` crate's own luma is Rec. 709 and would shift every colour image.
/// - Alpha is dropped, not composed onto a background, as `convert('RGB')` does.
/// - 16-bit values keep their high byte (Pillow cuts grey ones off at 255, which whitens most of such
///   an image); floating-point values are clamped to 0..1.
/// - Palettes are resolved and CMYK is converted to RGB by the decoder.
/// - Unlike the published loader, EXIF orientation has been applied by [`decode`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Side of the network's input in pixels.
    pub size: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// The filter that resizes.
    pub resize: Resize,
}

impl Preprocessing {
    /// Images of `size` x `size` with 1 or 3 `channels`.
    pub fn new(size: usize, channels: usize) -> Self {
        Self {
            size,
            channels,
            resize: Resize::Bilinear,
        }
    }

    /// Checks what a file or a user asked for.
    ///
    /// # Errors
    /// If the size is not 1 to 4096, or the channels are not 1 or 3.
    pub fn check(&self) -> Result<(), PreprocessingError> {
        let Self { size, channels, .. } = *self;
        if (1..=4096).contains(&size) && matches!(channels, 1 | 3) {
            Ok(())
        } else {
            Err(PreprocessingError { size, channels })
        }
    }

    /// Number of values of one image: `channels * size * size`.
    pub fn values(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// The image as the network's input: `[channels, size, size]`, in `[-1, 1]`.
    ///
    /// # Panics
    /// If the channels are neither 1 nor 3: see [`Preprocessing::check`].
    pub fn apply(&self, picture: &Picture) -> Vec<f32> {
        self.pixels(picture).into_iter().map(to_value).collect()
    }

    /// The image before its values are scaled: `[channels, size, size]`, 8 bits each. Together with
    /// [`to_value`] this is [`Preprocessing::apply`], in a quarter of the memory.
    ///
    /// # Panics
    /// If the channels are neither 1 nor 3: see [`Preprocessing::check`].
    pub fn pixels(&self, picture: &Picture) -> Vec<u8> {
        let from = (picture.width() as usize, picture.height() as usize);
        let pixels = match self.channels {
            1 => grey8(&picture.pixels),
            3 => rgb8(&picture.pixels),
            other => panic!("expected 1 or 3 channels, got {other}"),
        };
        let pixels = resample(&pixels, self.channels, from, (self.size, self.size));
        if self.channels == 1 {
            return pixels;
        }
        let plane = self.size * self.size;
        let mut planar = vec![0; self.values()];
        for (at, pixel) in pixels.chunks_exact(self.channels).enumerate() {
            for (channel, &value) in pixel.iter().enumerate() {
                planar[channel * plane + at] = value;
            }
        }
        planar
    }
}

/// An 8-bit pixel as the network sees it, in `[-1, 1]`.
///
/// (v / 255 - 0.5) / 0.5
pub fn to_value(pixel: u8) -> f32 {
    (f32::from(pixel) / 255.0 - 0.5) / 0.5
}

/// Interleaved 8-bit RGB, without alpha.
fn rgb8(pixels: &DynamicImage) -> Vec<u8> {
    fn repeat(grey: impl Iterator<Item = u8>) -> Vec<u8> {
        grey.flat_map(|v| [v, v, v]).collect()
    }
    fn first3<T: Copy>(values: &[T], stride: usize, to8: impl Fn(T) -> u8 + Copy) -> Vec<u8> {
        values
            .chunks_exact(stride)
            .flat_map(|p| [to8(p[0]), to8(p[1]), to8(p[2])])
            .collect()
    }
    match pixels {
        DynamicImage::ImageLuma8(p) => repeat(p.iter().copied()),
        DynamicImage::ImageLumaA8(p) => repeat(p.chunks_exact(2).map(|p| p[0])),
        DynamicImage::ImageLuma16(p) => repeat(p.iter().map(|&v| high_byte(v))),
        DynamicImage::ImageLumaA16(p) => repeat(p.chunks_exact(2).map(|p| high_byte(p[0]))),
        DynamicImage::ImageRgb8(p) => p.as_raw().clone(),
        DynamicImage::ImageRgba8(p) => first3(p, 4, |v| v),
        DynamicImage::ImageRgb16(p) => first3(p, 3, high_byte),
        DynamicImage::ImageRgba16(p) => first3(p, 4, high_byte),
        DynamicImage::ImageRgb32F(p) => first3(p, 3, unit_to_byte),
        DynamicImage::ImageRgba32F(p) => first3(p, 4, unit_to_byte),
        // The enum may grow; the crate's own conversion is at least defined.
        other => other.to_rgb8().into_raw(),
    }
}

/// 8-bit grey, without alpha.
fn grey8(pixels: &DynamicImage) -> Vec<u8> {
    match pixels {
        DynamicImage::ImageLuma8(p) => p.as_raw().clone(),
        DynamicImage::ImageLumaA8(p) => p.chunks_exact(2).map(|p| p[0]).collect(),
        DynamicImage::ImageLuma16(p) => p.iter().map(|&v| high_byte(v)).collect(),
        DynamicImage::ImageLumaA16(p) => p.chunks_exact(2).map(|p| high_byte(p[0])).collect(),
        colour => rgb8(colour)
            .chunks_exact(3)
            .map(|p| luma601(p[0], p[1], p[2]))
            .collect(),
    }
}

fn high_byte(value: u16) -> u8 {
    (value >> 8) as u8
}

/// `as` takes NaN to 0 and clamps the rest.
fn unit_to_byte(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

/// Rec. 601 luma in 16-bit fixed point, Pillow's.
fn luma601(r: u8, g: u8, b: u8) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000) >> 16) as u8
}

/// Stretches interleaved 8-bit pixels with the triangle filter. Equal sizes are copied.
fn resample(pixels: &[u8], channels: usize, from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    resample_with(&mut Resizer::new(), pixels, channels, from, to)
}

fn resample_with(
    resizer: &mut Resizer,
    pixels: &[u8],
    channels: usize,
    from: (usize, usize),
    to: (usize, usize),
) -> Vec<u8> {
    if from == to {
        return pixels.to_vec();
    }
    let kind = if channels == 1 {
        PixelType::U8
    } else {
        PixelType::U8x3
    };
    let side = |length: usize| u32::try_from(length).expect("sides are checked to be small");
    let source = ImageRef::new(side(from.0), side(from.1), pixels, kind)
        .expect("one value per channel and pixel");
    let mut target = Image::new(side(to.0), side(to.1), kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    resizer
        .resize(&source, &mut target, &options)
        .expect("both images have one pixel type");
    target.into_vec()
}

/// Network values `[channels, size, size]` in `[-1, 1]` as RGBA for display: clamped, opaque; grey is
/// repeated. A value that is not a number is shown in [`NOT_A_NUMBER`].
///
/// # Panics
/// If there are not `channels * size * size` values or the channels are neither 1 nor 3.
pub fn to_rgba(values: &[f32], channels: usize, size: usize) -> Vec<u8> {
    assert!(
        channels == 1 || channels == 3,
        "expected 1 or 3 channels, got {channels}"
    );
    let plane = size * size;
    assert_eq!(
        values.len(),
        channels * plane,
        "expected {channels} x {size} x {size} values"
    );
    let mut rgba = Vec::with_capacity(plane * 4);
    for at in 0..plane {
        let rgb: [f32; 3] = std::array::from_fn(|c| values[(c % channels) * plane + at]);
        if rgb.iter().any(|v| v.is_nan()) {
            rgba.extend(NOT_A_NUMBER);
        } else {
            rgba.extend(rgb.map(|v| ((v * 0.5 + 0.5) * 255.0).round() as u8));
        }
        rgba.push(255);
    }
    rgba
}

/// The colour of a value that is not a number: cyan, which the heat map does not contain.
pub const NOT_A_NUMBER: [u8; 3] = [0, 255, 255];

/// Nine colours, evenly spaced, of the inferno map by N. Smith and S. van der Walt (public domain):
/// lightness grows evenly from black to pale yellow, so that it reads the same in grey and with
/// every kind of colour blindness.
const HEAT: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// The colour of a heat-map value: black at 0, pale yellow at 1 and above.
pub fn heat_colour(value: f32) -> [u8; 3] {
    if value.is_nan() {
        return NOT_A_NUMBER;
    }
    let steps = (HEAT.len() - 1) as f32;
    let position = value.clamp(0.0, 1.0) * steps;
    let below = (position as usize).min(HEAT.len() - 2);
    let part = position - below as f32;
    std::array::from_fn(|c| {
        let (a, b) = (f32::from(HEAT[below][c]), f32::from(HEAT[below + 1][c]));
        (a + (b - a) * part).round() as u8
    })
}

/// A residual map as opaque RGBA: `value / scale`, clamped to 0..1, in the colours of [`heat_colour`].
/// The scale is the same for all images of a model: a separate scale for each image would make the small
/// differences of a normal part look like those of a defective one.
///
/// A scale that is not above 0 makes every difference the brightest colour, and no difference black.
pub fn heat_map_rgba(residual_map: &[f32], scale: f32) -> Vec<u8> {
    residual_map
        .iter()
        .flat_map(|&value| {
            let share = if scale > 0.0 || value.is_nan() {
                value / scale
            } else if value > 0.0 {
                1.0
            } else {
                0.0
            };
            let [r, g, b] = heat_colour(share);
            [r, g, b, 255]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use fast_image_resize::CpuExtensions;
    use proptest::prelude::*;

    use super::*;

    /// The six pixels that most test files hold.
    const RGB: [u8; 18] = [
        255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 30, 255, 255, 255, 7, 8, 9,
    ];

    fn encode(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        pixels.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn rgb_picture(width: u32, height: u32, values: &[u8]) -> DynamicImage {
        image::RgbImage::from_raw(width, height, values.to_vec())
            .unwrap()
            .into()
    }

    /// The same generator as in the script that asked Pillow.
    fn noise(n: usize) -> Vec<u8> {
        let mut x: u64 = 12_345;
        (0..n)
            .map(|_| {
                x = (x * 1_103_515_245 + 12_345) % (1 << 31);
                ((x >> 16) % 256) as u8
            })
            .collect()
    }

    /// Files that Pillow 13 wrote, against what its `convert('RGB')` and `convert('L')` say of them.
    #[test]
    fn colours_as_pillow() {
        let grey = [76, 150, 29, 124, 255, 8];
        for (name, bytes) in [
            ("rgba.png", &include_bytes!("testdata/rgba.png")[..]),
            ("palette.png", include_bytes!("testdata/palette.png")),
            ("lossless.webp", include_bytes!("testdata/lossless.webp")),
            ("colour.gif", include_bytes!("testdata/colour.gif")),
            ("colour.bmp", include_bytes!("testdata/colour.bmp")),
        ] {
            let picture = decode(bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (3, 2), "{name}");
            assert_eq!(rgb8(&picture.pixels), RGB, "{name}");
            assert_eq!(grey8(&picture.pixels), grey, "{name}");
        }
        let grey_alpha = decode(include_bytes!("testdata/grey-alpha.png")).unwrap();
        assert_eq!(grey8(&grey_alpha.pixels), [0, 100, 255]);
        assert_eq!(
            rgb8(&grey_alpha.pixels),
            [0, 0, 0, 100, 100, 100, 255, 255, 255]
        );
        let cyan = decode(include_bytes!("testdata/cmyk.jpg")).unwrap();
        for (got, expected) in rgb8(&cyan.pixels).iter().zip([0, 255, 255].iter().cycle()) {
            assert!(got.abs_diff(*expected) <= 3, "{got} for {expected}");
        }
    }

    #[test]
    fn sixteen_bits_keep_the_high_byte() {
        for bytes in [
            &include_bytes!("testdata/grey16.png")[..],
            include_bytes!("testdata/grey16.tif"),
        ] {
            let picture = decode(bytes).unwrap();
            assert_eq!(grey8(&picture.pixels), [0, 0, 1, 127, 254, 255]);
        }
        let deep =
            image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(1, 1, vec![256u16, 65_535, 128]);
        assert_eq!(rgb8(&deep.unwrap().into()), [1, 255, 0]);
        let float =
            image::Rgb32FImage::from_raw(1, 2, vec![0.5, -3.0, 9.0, f32::NAN, 1.0, 0.0]).unwrap();
        assert_eq!(rgb8(&float.into()), [128, 0, 255, 0, 255, 0]);
    }

    /// Pillow 13, `resize((s, s), Image.BILINEAR)`; its weights have more bits, so one level of
    /// difference is allowed.
    #[test]
    fn resizes_as_pillow() {
        fn check(channels: usize, from: (usize, usize), to: (usize, usize), expected: &[u8]) {
            let got = resample(&noise(from.0 * from.1 * channels), channels, from, to);
            assert_eq!(got.len(), expected.len());
            let worst = got.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(
                worst <= Some(1),
                "{from:?} to {to:?}: {worst:?}\n{got:?}\n{expected:?}"
            );
        }
        check(
            1,
            (24, 40),
            (6, 6),
            &[
                128, 130, 135, 132, 133, 129, 138, 134, 128, 119, 130, 156, 129, 131, 121, 133,
                127, 141, //
                117, 133, 125, 142, 141, 149, 131, 117, 129, 131, 134, 113, 153, 115, 112, 128,
                137, 136,
            ],
        );
        check(
            1,
            (5, 4),
            (8, 8),
            &[
                220, 126, 10, 71, 123, 166, 92, 31, 208, 122, 16, 71, 125, 177, 125, 81, 185, 114,
                27, 71, //
                128, 199, 191, 180, 173, 110, 32, 61, 110, 180, 181, 177, 172, 109, 29, 40, 70,
                121, 95, 72, //
                157, 111, 50, 50, 76, 129, 69, 18, 127, 114, 97, 91, 127, 206, 103, 17, 112, 116,
                120, 112, //
                153, 244, 120, 16,
            ],
        );
        check(
            3,
            (21, 13),
            (4, 4),
            &[
                120, 138, 148, 125, 119, 135, 168, 121, 125, 134, 122, 117, 124, 162, 136, 124,
                144, 119, //
                135, 137, 131, 116, 133, 127, 133, 153, 120, 128, 127, 141, 129, 151, 151, 123,
                114, 136, //
                136, 115, 125, 133, 113, 127, 146, 162, 118, 100, 128, 127,
            ],
        );
    }

    #[test]
    fn the_input_is_planar_and_from_minus_one_to_one() {
        let picture = decode(include_bytes!("testdata/colour.bmp")).unwrap();
        let values = Preprocessing::new(2, 3).apply(&picture);
        assert_eq!(values.len(), Preprocessing::new(2, 3).values());
        let square = rgb_picture(2, 2, &[0, 1, 2, 255, 254, 253, 128, 127, 126, 10, 20, 30]);
        let square = Picture {
            pixels: square,
            format: None,
        };
        let expected = [0u8, 255, 128, 10, 1, 254, 127, 20, 2, 253, 126, 30]
            .map(|v| (f32::from(v) / 255.0 - 0.5) / 0.5);
        assert_eq!(Preprocessing::new(2, 3).apply(&square), expected);
        assert_eq!((expected[0], expected[1]), (-1.0, 1.0));
        assert_eq!(Preprocessing::new(1, 1).apply(&square).len(), 1);
    }

    #[test]
    fn raw_pixels_are_prepared_like_a_file() {
        for (size, channels) in [(32, 1), (32, 3), (28, 1), (28, 3), (9, 1)] {
            let preprocessing = Preprocessing::new(size, channels);
            let grey = noise(28 * 28);
            let file = image::GrayImage::from_raw(28, 28, grey.clone()).unwrap();
            let file = decode(&encode(&file.into(), ImageFormat::Png)).unwrap();
            let raw = Picture::from_raw(28, 28, 1, grey);
            assert_eq!(preprocessing.apply(&raw), preprocessing.apply(&file));

            let colour = noise(40 * 30 * 3);
            let file = decode(&encode(&rgb_picture(40, 30, &colour), ImageFormat::Png)).unwrap();
            let raw = Picture::from_raw(40, 30, 3, colour);
            assert_eq!(preprocessing.apply(&raw), preprocessing.apply(&file));
        }
    }

    #[test]
    #[should_panic(expected = "expected 2 x 2 x 3 values")]
    fn raw_pixels_of_another_number_are_a_mistake() {
        Picture::from_raw(2, 2, 3, vec![0; 4]);
    }

    #[test]
    fn exif_orientation_turns_the_picture() {
        // Black on the left, white on the right; orientation 6 is shown turned clockwise.
        let row = [[0u8; 24], [255u8; 24]].concat();
        let upright = encode(&rgb_picture(16, 8, &row.repeat(8)), ImageFormat::Jpeg);
        let mut exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
        exif.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0");
        assert_eq!(exif.len(), 2 + 0x22);
        let turned = [&upright[..2], &exif, &upright[2..]].concat();
        let picture = decode(&turned).unwrap();
        assert_eq!((picture.width(), picture.height()), (8, 16));
        let grey = grey8(&picture.pixels);
        assert!(
            grey[..32].iter().all(|&v| v < 40) && grey[96..].iter().all(|&v| v > 215),
            "{grey:?}"
        );
    }

    #[test]
    fn a_huge_picture_is_refused_by_its_header() {
        let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        header.extend([20_000u32.to_be_bytes(), 20_000u32.to_be_bytes()].concat());
        header.extend([8, 0, 0, 0, 0, 1, 2, 3, 4]);
        let error = decode(&header).unwrap_err();
        assert!(
            matches!(
                error,
                ImageError::TooLarge {
                    width: 20_000,
                    height: 20_000,
                    ..
                }
            ),
            "{error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("20000 x 20000") && message.contains("64000000"),
            "{message}"
        );

        let mut bmp = encode(&rgb_picture(1, 1, &[1, 2, 3]), ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&31_000u32.to_le_bytes());
        assert!(matches!(
            decode(&bmp),
            Err(ImageError::TooLarge {
                width: 31_000,
                height: 1,
                ..
            })
        ));
        let mut gif = include_bytes!("testdata/colour.gif").to_vec();
        gif[6..10].copy_from_slice(&[255; 4]);
        assert!(matches!(
            decode(&gif),
            Err(ImageError::TooLarge { width: 65_535, .. })
        ));
        let mut jpeg = encode(&rgb_picture(8, 8, &[9; 192]), ImageFormat::Jpeg);
        let frame = jpeg
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[255; 4]);
        assert!(matches!(
            decode(&jpeg),
            Err(ImageError::TooLarge { height: 65_535, .. })
        ));
    }

    #[test]
    fn what_is_no_picture_is_refused_in_plain_words() {
        assert_eq!(decode(&[]).unwrap_err(), ImageError::Empty);
        for (bytes, word) in [
            (
                &b"this is a text file under a wrong name"[..],
                "text files are not images; choose a PNG",
            ),
            (b"BMW is text, too", "BMP"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", "AVIF"),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp41avc1", "videos"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
            (b"<?xml version='1.0'?>\n<!-- x --><svg/>", "SVG"),
            (b"%PDF-1.7 ...", "PDF"),
            (b"PK\x03\x04 docx", "ZIP"),
            (b"\x10\0\0\0\0\0\0\0{\"a\":1}", "safetensors"),
            (b"\x01\x02\x03\x04\xfe\x00", "unknown kind"),
        ] {
            let message = decode(bytes).unwrap_err().to_string();
            assert!(message.contains(word), "expected {word} in: {message}");
        }
        let heic = decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
            .unwrap_err()
            .to_string();
        assert_eq!(
            heic,
            "HEIC images cannot be read; convert them to PNG, JPEG, WebP, GIF, BMP or TIFF"
        );
    }

    #[test]
    fn damaged_pictures_are_errors() {
        let whole = rgb_picture(40, 30, &noise(3600));
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
        ] {
            let bytes = encode(&whole, format);
            assert!(decode(&bytes).is_ok(), "{format:?}");
            for part in [0.1, 0.5, 0.9] {
                let cut = &bytes[..(bytes.len() as f64 * part) as usize];
                let error = decode(cut).map(|picture| picture.pixels.width());
                assert!(
                    matches!(error, Err(ImageError::Decode { .. })),
                    "{format:?} {part}: {error:?}"
                );
            }
        }
    }

    #[test]
    fn sizes_and_channels_are_checked() {
        assert!(Preprocessing::new(32, 1).check().is_ok());
        for (size, channels) in [(0, 1), (5000, 1), (32, 2), (32, 0)] {
            assert!(Preprocessing::new(size, channels).check().is_err());
        }
    }

    #[test]
    fn preprocessing_is_stored_in_plain_words() {
        let text = serde_json::to_string(&Preprocessing::new(64, 1)).unwrap();
        assert_eq!(text, r#"{"size":64,"channels":1,"resize":"bilinear"}"#);
    }

    #[test]
    fn values_become_pixels_again() {
        let rgba = to_rgba(&[-1.0, 1.0, 0.0, f32::NAN], 1, 2);
        assert_eq!(
            rgba[..12],
            [0, 0, 0, 255, 255, 255, 255, 255, 128, 128, 128, 255]
        );
        assert_eq!(rgba[12..15], NOT_A_NUMBER);
        assert_eq!(to_rgba(&[-2.0, 0.5, 3.0], 3, 1), [0, 191, 255, 255]);
    }

    #[test]
    fn the_heat_map_has_one_scale_and_survives_nonsense() {
        assert_eq!(heat_colour(0.0), HEAT[0]);
        assert_eq!(heat_colour(1.0), HEAT[8]);
        assert_eq!(heat_colour(0.5), HEAT[4]);
        assert_eq!(heat_colour(f32::INFINITY), HEAT[8]);
        let map = heat_map_rgba(&[0.0, 0.2, 0.4, f32::NAN, -1.0], 0.2);
        assert_eq!(map[0..4], [0, 0, 4, 255]);
        assert_eq!(map[4..8], map[8..12]);
        assert_eq!(map[12..15], NOT_A_NUMBER);
        assert_eq!(map[16..19], HEAT[0]);
        assert_eq!(heat_map_rgba(&[0.0, 0.1], 0.0)[4..7], HEAT[8]);
        // Lightness only grows: the map reads the same without colours.
        let light: Vec<u8> = (0..=100)
            .map(|i| heat_colour(i as f32 / 100.0))
            .map(|[r, g, b]| luma601(r, g, b))
            .collect();
        assert!(light.is_sorted(), "{light:?}");
    }

    #[test]
    fn thumbnails_fit_and_keep_the_shape() {
        let picture = Picture {
            pixels: rgb_picture(40, 30, &noise(3600)),
            format: None,
        };
        let (width, height, rgba) = picture.thumbnail_rgba(20);
        assert_eq!((width, height, rgba.len()), (20, 15, 1200));
        assert_eq!(picture.thumbnail_rgba(64).0, 40);
        assert_eq!(picture.thumbnail_rgba(0).2.len(), 4);
    }

    proptest! {
        #[test]
        fn resampling_is_the_same_with_and_without_simd(
            (width, height, to) in (1usize..90, 1usize..90, 1usize..70),
            three: bool,
            seed: u8,
        ) {
            let channels = if three { 3 } else { 1 };
            let mut pixels = noise(width * height * channels);
            pixels.iter_mut().for_each(|v| *v = v.wrapping_add(seed));
            let mut plain = Resizer::new();
            // SAFETY: no extension is supported everywhere.
            unsafe { plain.set_cpu_extensions(CpuExtensions::None) };
            prop_assert_eq!(
                resample_with(&mut plain, &pixels, channels, (width, height), (to, to)),
                resample(&pixels, channels, (width, height), (to, to))
            );
        }

        #[test]
        fn an_even_picture_stays_even(width in 1usize..600, height in 1usize..50, to in 1usize..64, value: u8) {
            let got = resample(&vec![value; width * height], 1, (width, height), (to, to));
            prop_assert!(got.iter().all(|&v| v == value));
        }

        #[test]
        fn a_picture_of_the_right_size_is_not_touched(side in 1usize..40) {
            let pixels = rgb_picture(side as u32, side as u32, &noise(side * side * 3));
            let picture = Picture { pixels, format: None };
            let values = Preprocessing::new(side, 3).apply(&picture);
            let back = to_rgba(&values, 3, side);
            let expected: Vec<u8> = rgb8(&picture.pixels).chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
            prop_assert_eq!(back, expected);
        }

        #[test]
        fn any_bytes_give_an_answer(start in 0usize..9, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let magic: [&[u8]; 9] = [
                b"", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x04\0\0\0\x04", b"\xff\xd8\xff", b"GIF89a", b"BM",
                b"II*\0", b"MM\0*", b"RIFF\x10\0\0\0WEBP", b"\0\0\0\x18ftyp",
            ];
            let _ = decode(&[magic[start], &bytes].concat());
        }
    }
}
