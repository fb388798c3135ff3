//! From an image to the network's input.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;
use serde::{Deserialize, Serialize};

use super::decode::Picture;

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
/// - Unlike the published loader, EXIF orientation has been applied by [`decode`](super::decode()).
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
pub(super) fn rgb8(pixels: &DynamicImage) -> Vec<u8> {
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
pub(super) fn luma601(r: u8, g: u8, b: u8) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000) >> 16) as u8
}

/// Stretches interleaved 8-bit pixels with the triangle filter. Equal sizes are copied.
pub(super) fn resample(
    pixels: &[u8],
    channels: usize,
    from: (usize, usize),
    to: (usize, usize),
) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use fast_image_resize::CpuExtensions;
    use image::ImageFormat;
    use proptest::prelude::*;

    use super::*;
    use crate::data::image::decode::decode;
    use crate::data::image::decode::tests::{encode, noise, rgb_picture};

    /// The six pixels that most test files hold.
    const RGB: [u8; 18] = [
        255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 30, 255, 255, 255, 7, 8, 9,
    ];

    /// Files that Pillow 13 wrote, against what its `convert('RGB')` and `convert('L')` say of them.
    #[test]
    fn colours_as_pillow() {
        let grey = [76, 150, 29, 124, 255, 8];
        for (name, bytes) in [
            ("rgba.png", &include_bytes!("../testdata/rgba.png")[..]),
            ("palette.png", include_bytes!("../testdata/palette.png")),
            ("lossless.webp", include_bytes!("../testdata/lossless.webp")),
            ("colour.gif", include_bytes!("../testdata/colour.gif")),
            ("colour.bmp", include_bytes!("../testdata/colour.bmp")),
        ] {
            let picture = decode(bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), (3, 2), "{name}");
            assert_eq!(rgb8(&picture.pixels), RGB, "{name}");
            assert_eq!(grey8(&picture.pixels), grey, "{name}");
        }
        let grey_alpha = decode(include_bytes!("../testdata/grey-alpha.png")).unwrap();
        assert_eq!(grey8(&grey_alpha.pixels), [0, 100, 255]);
        assert_eq!(
            rgb8(&grey_alpha.pixels),
            [0, 0, 0, 100, 100, 100, 255, 255, 255]
        );
        let cyan = decode(include_bytes!("../testdata/cmyk.jpg")).unwrap();
        for (got, expected) in rgb8(&cyan.pixels).iter().zip([0, 255, 255].iter().cycle()) {
            assert!(got.abs_diff(*expected) <= 3, "{got} for {expected}");
        }
    }

    #[test]
    fn sixteen_bits_keep_the_high_byte() {
        for bytes in [
            &include_bytes!("../testdata/grey16.png")[..],
            include_bytes!("../testdata/grey16.tif"),
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
        let picture = decode(include_bytes!("../testdata/colour.bmp")).unwrap();
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
    }
}
