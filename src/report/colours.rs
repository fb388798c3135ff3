//! The reports' two palettes, light and dark: one source for the page and for separate drawings.

/// Name and value of every colour, light.
///
/// `s1` to `s8` distinguish lines and bars. They also differ in lightness, and no line is identified by
/// its colour alone.
pub const LIGHT: &[(&str, &str)] = &[
    ("page", "#f6f7f9"),
    ("card", "#ffffff"),
    ("ink", "#16202c"),
    ("soft", "#55616f"),
    ("rule", "#d5dbe3"),
    ("faint", "#e8ecf1"),
    ("s1", "#1f5fbf"),
    ("s2", "#ad4c06"),
    ("s3", "#00776b"),
    ("s4", "#8b3fa8"),
    ("s5", "#6f6100"),
    ("s6", "#b0287a"),
    ("s7", "#3a6d10"),
    ("s8", "#4b3fbf"),
    ("mark", "#a3123a"),
    ("code", "#eef1f5"),
    ("warn", "#fdf1dc"),
];

/// The same names, dark.
pub const DARK: &[(&str, &str)] = &[
    ("page", "#10151c"),
    ("card", "#18202a"),
    ("ink", "#e8edf3"),
    ("soft", "#a3b0be"),
    ("rule", "#354252"),
    ("faint", "#243040"),
    ("s1", "#78aef8"),
    ("s2", "#f59f5b"),
    ("s3", "#4cc9b8"),
    ("s4", "#cf95e8"),
    ("s5", "#d6c552"),
    ("s6", "#ff8fcb"),
    ("s7", "#8fd15f"),
    ("s8", "#aaa4ff"),
    ("mark", "#ff7d9c"),
    ("code", "#202b38"),
    ("warn", "#3a2d12"),
];

/// The page's variables: light, dark if the reader prefers it, light in print.
pub fn variables() -> String {
    let set = |palette: &[(&str, &str)]| {
        palette.iter().fold(String::new(), |css, (name, value)| {
            css + &format!("--{name}:{value};")
        })
    };
    let (light, dark) = (set(LIGHT), set(DARK));
    format!(
        ":root{{color-scheme:light dark;{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
}

/// A style sheet with each `var(--name)` replaced by its value. Some programs that render SVG do not
/// support variables and would draw nothing.
pub fn written_out(css: &str, palette: &[(&str, &str)]) -> String {
    palette.iter().fold(css.to_owned(), |css, (name, value)| {
        css.replace(&format!("var(--{name})"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG's contrast of two colours.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |hex: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.040_45 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_colour_can_be_read_on_its_ground() {
        for palette in [LIGHT, DARK] {
            let of = |wanted: &str| palette.iter().find(|(name, _)| *name == wanted).unwrap().1;
            for ground in ["card", "page", "warn"] {
                for name in [
                    "ink", "soft", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "mark",
                ] {
                    let got = contrast(of(name), of(ground));
                    assert!(got >= 4.5, "{name} on {ground}: {got:.2}");
                }
            }
        }
        let names =
            |palette: &[(&'static str, &str)]| palette.iter().map(|c| c.0).collect::<Vec<_>>();
        assert_eq!(names(LIGHT), names(DARK));
    }

    #[test]
    fn no_variable_is_left() {
        let css = written_out(include_str!("chart.css"), LIGHT);
        assert!(!css.contains("var("), "{css}");
    }
}
