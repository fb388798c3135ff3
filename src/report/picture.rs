//! Pictures inside the HTML: PNG as a data URI.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

/// A square of RGBA pixels as a `data:` URI; none if there are not `size * size * 4` bytes.
pub fn data_uri(rgba: &[u8], size: usize) -> Option<String> {
    let side = u32::try_from(size).ok()?;
    if size == 0 || rgba.len() != size.checked_mul(size)?.checked_mul(4)? {
        return None;
    }
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(rgba, side, side, ExtendedColorType::Rgba8)
        .ok()?;
    Some(format!("data:image/png;base64,{}", base64(&png)))
}

/// RFC 4648 with padding. Fifteen lines do not need a crate.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= three.len() {
                ALPHABET[sextet] as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn only_whole_squares_become_pictures() {
        assert!(
            data_uri(&[0; 16], 2)
                .unwrap()
                .starts_with("data:image/png;base64,iVBORw0KGgo")
        );
        assert_eq!(data_uri(&[0; 15], 2), None);
        assert_eq!(data_uri(&[], 0), None);
        assert_eq!(data_uri(&[0; 16], usize::MAX), None);
    }
}
