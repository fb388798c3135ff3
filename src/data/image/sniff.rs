//! Files that are no images, or not of a kind that is read here, recognised by their first bytes.

/// Common files that are not read here: what they are, and what to do instead.
pub(super) fn recognise_other(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
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
