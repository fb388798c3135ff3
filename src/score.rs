//! The anomaly score of one image, from the networks' output.
//!
//! Computed on the host in f64, image by image: sums do not depend on the device, the batch or the other
//! images.
//!
//! Source: Akçay et al. 2019, section 3.3, without its min-max over the test set, which leaves the
//! score of a single image undefined.

/// λ of the paper.
pub const LAMBDA: f64 = 0.9;

/// Sides of the squares that [`Residual::MultiScale`] averages over.
const SCALES: [usize; 4] = [1, 2, 4, 8];

/// Side of the square that [`Residual::Smoothed`] averages over.
const SMOOTHED_OVER: usize = 3;

/// How the residual R measures x - x̂.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Residual {
    /// Mean |x - x̂|, as in the paper.
    #[default]
    L1,
    /// Mean (x - x̂)², as in the published code.
    L2,
    /// Mean |x - x̂| after averaging x - x̂ over 3 × 3 pixels: noise in single pixels cancels.
    Smoothed,
    /// Mean of |x - x̂| after averaging x - x̂ over squares of 1, 2, 4 and 8 pixels: differences over an
    /// area count more than noise.
    MultiScale,
}

impl Residual {
    /// What R is: follows "The residual R is the".
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::L1 => "mean absolute difference between the image and its reconstruction",
            Self::L2 => "mean squared difference between the image and its reconstruction",
            Self::Smoothed => {
                "mean absolute difference between the image and its reconstruction, averaged over 3 × 3 \
                 pixels first"
            }
            Self::MultiScale => {
                "mean absolute difference between the image and its reconstruction, averaged over \
                 squares of 1, 2, 4 and 8 pixels first"
            }
        }
    }
}

/// Which features the latent term L compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Latent {
    /// D's last hidden layer, as in the paper.
    #[default]
    Final,
    /// All of D's layers, each feature's difference divided by its size on held-out normal images.
    Layers,
    /// The generator's encoding and the nearest one in a memory bank of normal training images.
    Memory,
}

impl Latent {
    /// What L is: follows "The latent term L".
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Final => {
                "compares the discriminator's features of the image and of the reconstruction"
            }
            Self::Layers => {
                "compares the features of all layers of the discriminator for the image and for the \
                 reconstruction"
            }
            Self::Memory => {
                "is the distance from the generator's encoding of the image to the nearest encoding in \
                 the memory bank, which stands for the normal training images"
            }
        }
    }
}

/// How R and L are normalised before they are added. Files say `raw` for no normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Not normalised, as in the paper.
    #[default]
    #[serde(rename = "raw")]
    #[cfg_attr(feature = "cli", value(alias = "raw"))]
    None,
    /// Each shifted and scaled by its quantiles on held-out normal images, so that λ weighs comparable
    /// quantities.
    Quantile,
}

/// The raw scores of one image.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RawScore {
    /// A(x), the higher the more anomalous.
    pub anomaly_score: f64,
    /// R(x), the residual of the reconstruction.
    pub residual: f64,
    /// L(x), the difference of the features, if the method has one.
    pub latent: Option<f64>,
    /// M(x), how plainly something is marked, if the method marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<f64>,
}

impl RawScore {
    /// Whether each part is a finite number.
    pub fn is_finite(&self) -> bool {
        let parts = [
            Some(self.anomaly_score),
            Some(self.residual),
            self.latent,
            self.marks,
        ];
        parts.iter().flatten().all(|part| part.is_finite())
    }
}

/// A(x) = λ R(x) + (1 - λ) L(x)
pub fn anomaly_score(lambda: f64, residual: f64, latent: f64) -> f64 {
    lambda * residual + (1.0 - lambda) * latent
}

/// A(x) = μ M(x) + (1 - μ) (λ R(x) + (1 - λ) L(x)), for a method that marks.
pub fn anomaly_score_with_marks(mu: f64, marks: f64, without: f64) -> f64 {
    mu * marks + (1.0 - mu) * without
}

/// Sides of the squares that marks are averaged over, as shares of the image's, and at least how many pixels.
///
/// A thin line is plainest over few pixels, a large area over many.
const MARKED_OVER: [(f64, usize); MARK_SCALES] = [(0.0, 3), (1.0 / 12.0, 3), (0.25, 3), (2.0, 1)];

/// Number of scales that marks are measured at.
pub const MARK_SCALES: usize = 4;

/// The largest mean of the marks over a square, of each of [`MARK_SCALES`] sides: 3 pixels, a twelfth and a
/// quarter of the image's, and the whole image.
///
/// # Shapes
/// - `marks`: `[side, side]`
///
/// # Panics
/// If `marks` is not square or empty.
pub fn largest_marks(marks: &[f32], side: usize) -> [f64; MARK_SCALES] {
    assert!(
        side > 0 && marks.len() == side * side,
        "expected {side} × {side} marks, got {}",
        marks.len()
    );
    let marks: Vec<f64> = marks.iter().map(|&mark| f64::from(mark)).collect();
    MARKED_OVER.map(|(share, least)| match share > 1.0 {
        true => mean(marks.iter().copied()),
        false => {
            let width = ((share * side as f64) as usize).max(least) | 1;
            box_mean(&marks, side, width)
                .into_iter()
                .fold(0.0, f64::max)
        }
    })
}

/// R(x) of an image and its reconstruction.
///
/// # Shapes
/// - `x`, `x_hat`: `[channels, side, side]`
///
/// # Panics
/// If the lengths differ or are not a whole number of squares.
pub fn residual(kind: Residual, x: &[f32], x_hat: &[f32], channels: usize) -> f64 {
    let differences = differences(x, x_hat);
    match kind {
        Residual::L1 => mean(differences.map(f64::abs)),
        Residual::L2 => mean(differences.map(|d| d * d)),
        Residual::Smoothed => {
            let side = side(x.len(), channels);
            let planes: Vec<f64> = differences.collect();
            let smooth = planes
                .chunks_exact(side * side)
                .flat_map(|plane| box_mean(plane, side, SMOOTHED_OVER));
            mean(smooth.map(f64::abs))
        }
        Residual::MultiScale => {
            let side = side(x.len(), channels);
            let planes: Vec<f64> = differences.collect();
            let at_scale = |&scale: &usize| {
                let pooled = planes
                    .chunks_exact(side * side)
                    .flat_map(|plane| pool(plane, side, scale));
                mean(pooled.map(f64::abs))
            };
            SCALES.iter().map(at_scale).sum::<f64>() / SCALES.len() as f64
        }
    }
}

/// L(x): mean (f(x) - f(x̂))² over the features.
///
/// # Panics
/// If the lengths differ.
pub fn latent(f: &[f32], f_hat: &[f32]) -> f64 {
    mean(differences(f, f_hat).map(|d| d * d))
}

/// ‖f(x) - f(x̂)‖₁, the sum of the absolute differences.
///
/// # Panics
/// If the lengths differ.
pub fn l1_distance(f: &[f32], f_hat: &[f32]) -> f64 {
    differences(f, f_hat).map(f64::abs).sum()
}

/// L(x) with a weight for each feature: Σ w (f(x) - f(x̂))²
///
/// # Panics
/// If the lengths differ.
pub fn weighted_latent(f: &[f32], f_hat: &[f32], weights: &[f32]) -> f64 {
    assert_eq!(
        f.len(),
        weights.len(),
        "features and their weights differ in length"
    );
    differences(f, f_hat)
        .zip(weights)
        .map(|(d, &w)| f64::from(w) * d * d)
        .sum()
}

/// L(x) = 1 - σ(l), D's probability that an image is not normal, as in ALOCC.
pub fn fake_probability(logit: f32) -> f64 {
    1.0 / (1.0 + f64::from(logit).exp())
}

fn differences<'a>(x: &'a [f32], x_hat: &'a [f32]) -> impl ExactSizeIterator<Item = f64> + 'a {
    assert_eq!(
        x.len(),
        x_hat.len(),
        "an image and its reconstruction differ in length"
    );
    x.iter()
        .zip(x_hat)
        .map(|(&x, &y)| f64::from(x) - f64::from(y))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_usize, 0.0), |(n, sum), v| (n + 1, sum + v));
    sum / count as f64
}

/// Side of the square planes of an image.
fn side(values: usize, channels: usize) -> usize {
    let side = (values / channels).isqrt();
    assert_eq!(
        channels * side * side,
        values,
        "expected {channels} square planes, got {values} values"
    );
    side
}

/// Means over adjacent squares; a square at the edge has the pixels that are there.
fn pool(plane: &[f64], side: usize, scale: usize) -> Vec<f64> {
    let squares = side.div_ceil(scale);
    (0..squares * squares)
        .map(|at| {
            let (top, left) = (at / squares * scale, at % squares * scale);
            square_mean(plane, side, top..top + scale, left..left + scale)
        })
        .collect()
}

/// Mean over a square around each pixel; at the edge over the pixels that are there.
fn box_mean(plane: &[f64], side: usize, width: usize) -> Vec<f64> {
    let reach = width / 2;
    (0..side * side)
        .map(|at| {
            let (y, x) = (at / side, at % side);
            let around = |c: usize| c.saturating_sub(reach)..c + reach + 1;
            square_mean(plane, side, around(y), around(x))
        })
        .collect()
}

fn square_mean(
    plane: &[f64],
    side: usize,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
) -> f64 {
    let columns = columns.start..columns.end.min(side);
    let rows = rows.start..rows.end.min(side);
    mean(rows.flat_map(|y| plane[y * side..][columns.clone()].iter().copied()))
}

/// The map shown as a heat map: |x - x̂| at each pixel, its mean over the channels.
///
/// # Shapes
/// - `x`, `x_hat`: `[channels, pixels]`
/// - returns `[pixels]`
///
/// # Panics
/// If the lengths differ or are no multiple of `channels`.
pub fn residual_map(x: &[f32], x_hat: &[f32], channels: usize) -> Vec<f32> {
    assert_eq!(
        x.len(),
        x_hat.len(),
        "an image and its reconstruction differ in length"
    );
    assert_eq!(
        x.len() % channels,
        0,
        "values do not divide into {channels} channels"
    );
    let pixels = x.len() / channels;
    (0..pixels)
        .map(|pixel| {
            let at = |channel: usize| channel * pixels + pixel;
            let sum: f32 = (0..channels).map(|c| (x[at(c)] - x_hat[at(c)]).abs()).sum();
            sum / channels as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residuals_are_means() {
        let (x, y) = ([1.0, -1.0, 0.5, 0.0], [0.5, -1.0, -0.5, 0.0]);
        assert_eq!(residual(Residual::L1, &x, &y, 1), 1.5 / 4.0);
        assert_eq!(residual(Residual::L2, &x, &y, 1), 1.25 / 4.0);
        assert_eq!(latent(&x, &y), 1.25 / 4.0);
        assert_eq!(l1_distance(&x, &y), 1.5);
    }

    /// Alternating signs cancel over squares; an even shift stays at every scale.
    #[test]
    fn scales_tell_noise_from_an_area() {
        let side = 16;
        let flat = vec![0.0; side * side];
        let shifted = vec![0.5; side * side];
        let checkered: Vec<f32> = (0..side * side)
            .map(|at| {
                if (at / side + at % side) % 2 == 0 {
                    0.5
                } else {
                    -0.5
                }
            })
            .collect();
        for kind in [Residual::Smoothed, Residual::MultiScale] {
            assert!((residual(kind, &shifted, &flat, 1) - 0.5).abs() < 1e-12);
        }
        // Of scales 1, 2, 4 and 8 only the first sees the checkerboard.
        assert!((residual(Residual::MultiScale, &checkered, &flat, 1) - 0.125).abs() < 1e-12);
        // A 3 × 3 square has one pixel more of one sign; fewer cancel at the edge.
        let smoothed = residual(Residual::Smoothed, &checkered, &flat, 1);
        assert!(smoothed < 0.1, "{smoothed}");
        // By hand: 2 × 2 pixels, each square is the whole image.
        let whole = residual(Residual::Smoothed, &[1.0, 0.0, 0.0, 0.0], &[0.0; 4], 1);
        assert_eq!(whole, 0.25);
        let scales = residual(Residual::MultiScale, &[1.0, 0.0, 0.0, 0.0], &[0.0; 4], 1);
        assert_eq!(scales, 0.25);
    }

    #[test]
    fn weights_take_the_place_of_the_mean() {
        let (f, g) = ([1.0, 2.0], [0.0, 4.0]);
        assert_eq!(weighted_latent(&f, &g, &[0.5, 0.5]), latent(&f, &g));
        assert_eq!(weighted_latent(&f, &g, &[1.0, 0.0]), 1.0);
    }

    #[test]
    fn lambda_weighs_residual_against_latent() {
        assert!((anomaly_score(LAMBDA, 0.5, 2.0) - 0.65).abs() < 1e-12);
    }

    #[test]
    fn the_map_averages_channels_and_its_mean_is_the_residual() {
        let x = [0.0, 1.0, 0.0, 0.0];
        let y = [0.5, 0.0, 0.0, -1.0];
        let map = residual_map(&x, &y, 2);
        assert_eq!(map, [0.25, 1.0]);
        let mean = f64::from(map.iter().sum::<f32>()) / 2.0;
        assert_eq!(mean, residual(Residual::L1, &x, &y, 2));
    }
}
