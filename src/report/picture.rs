//! Images in the HTML, as PNG data URIs, with a model's results.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use maud::{Markup, html};

use super::format::figures;
use crate::calibration::Calibration;
use crate::data::image::heat_colour;
use crate::score::RawScore;

/// An image with the model's results. Images are RGBA, `size * size * 4` bytes each.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportSample {
    /// File name or label.
    pub name: String,
    /// Side of the images in pixels.
    pub size: usize,
    /// The network's input.
    pub input: Vec<u8>,
    /// The reconstruction, if the method has one.
    pub reconstruction: Option<Vec<u8>>,
    /// The heat map.
    pub heat: Vec<u8>,
    /// The raw scores.
    pub score: RawScore,
    /// `normal`, `anomalous` or `uncalibrated`.
    pub verdict: String,
}

/// An image's card in a list; `note` stands under its name.
pub(super) fn card(sample: &ReportSample, note: Option<&str>) -> Markup {
    let pictures = [
        ("input", Some(&sample.input)),
        ("reconstruction", sample.reconstruction.as_ref()),
        ("heat map", Some(&sample.heat)),
    ];
    html! {
        li {
            p.name { (sample.name) }
            @if let Some(note) = note { p { (note) } }
            div.pictures {
                @for (what, rgba) in pictures {
                    @if let Some(uri) = rgba.and_then(|rgba| data_uri(rgba, sample.size)) {
                        img src=(uri) alt=(format!("{what} of {}", sample.name)) width=(sample.size) height=(sample.size);
                    }
                }
            }
            p.scores {
                (VerdictMark(&sample.verdict))
                " A " (figures(sample.score.anomaly_score)) ", R " (figures(sample.score.residual))
                @if let Some(latent) = sample.score.latent { ", L " (figures(latent)) }
                @if let Some(marks) = sample.score.marks { ", M " (figures(marks)) }
            }
        }
    }
}

/// What the samples' heat maps are of.
pub(super) fn heat_words<'a>(mut samples: impl Iterator<Item = &'a ReportSample>) -> &'static str {
    match samples.any(|sample| sample.score.marks.is_some()) {
        true => "heat map of what the model marks as damaged",
        false => "heat map of the difference",
    }
}

/// A verdict in colour, with a sign that does not depend on it.
pub(super) struct VerdictMark<'a>(pub &'a str);

impl maud::Render for VerdictMark<'_> {
    fn render(&self) -> Markup {
        let anomalous = self.0 == "anomalous";
        html! { span.verdict.anomalous[anomalous] { @if anomalous { "▲ " } @else { "● " } (self.0) } }
    }
}

/// What the heat maps' colours mean.
pub(super) fn heat_legend(calibration: &Calibration) -> Markup {
    let stops: Vec<_> = (0..=8)
        .map(|k| {
            let [r, g, b] = heat_colour(k as f32 / 8.0);
            format!("rgb({r} {g} {b})")
        })
        .collect();
    html! {
        p.heat {
            "heat map " (figures(calibration.heat_map_floor)) " "
            span.bar aria-hidden="true" style=(format!("background:linear-gradient(to right,{})", stops.join(","))) {}
            " " (figures(calibration.heat_map_scale)) " and above"
        }
    }
}

/// A square of RGBA pixels as a `data:` URI; none if there are not `size * size * 4` bytes.
pub(super) fn data_uri(rgba: &[u8], size: usize) -> Option<String> {
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

/// RFC 4648 with padding.
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
