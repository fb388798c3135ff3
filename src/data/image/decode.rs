//! From the bytes of a file to an upright image.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::sniff::recognise_other;

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

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn encode(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        pixels.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    pub fn rgb_picture(width: u32, height: u32, values: &[u8]) -> DynamicImage {
        image::RgbImage::from_raw(width, height, values.to_vec())
            .unwrap()
            .into()
    }

    /// The same generator as in the script that asked Pillow.
    pub fn noise(n: usize) -> Vec<u8> {
        let mut x: u64 = 12_345;
        (0..n)
            .map(|_| {
                x = (x * 1_103_515_245 + 12_345) % (1 << 31);
                ((x >> 16) % 256) as u8
            })
            .collect()
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
        let grey = picture.pixels.to_luma8().into_raw();
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
        let mut gif = include_bytes!("../testdata/colour.gif").to_vec();
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

    proptest! {
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
