//! The anomaly score of one picture, from what a network said of it.
//!
//! Computed on the host in f64, picture by picture: sums do not depend on the device, the batch or
//! the neighbours.
//!
//! Source: Akçay et al. 2019, section 3.3, without its min-max over the test set, which leaves the
//! score of a single picture undefined.

/// λ of the paper.
pub const LAMBDA: f64 = 0.9;

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
}

/// The raw scores of one picture.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RawScore {
    /// A(x), the higher the more anomalous.
    pub anomaly_score: f64,
    /// R(x), the reconstruction's share.
    pub residual: f64,
    /// L(x), the features' share, where the method has one.
    pub latent: Option<f64>,
}

/// A(x) = λ R(x) + (1 - λ) L(x)
pub fn anomaly_score(lambda: f64, residual: f64, latent: f64) -> f64 {
    lambda * residual + (1.0 - lambda) * latent
}

/// R(x): mean |x - x̂| or mean (x - x̂)² over all values of the picture.
///
/// # Panics
/// If the lengths differ.
pub fn residual(kind: Residual, x: &[f32], x_hat: &[f32]) -> f64 {
    assert_eq!(
        x.len(),
        x_hat.len(),
        "an image and its reconstruction differ in length"
    );
    let differences = x
        .iter()
        .zip(x_hat)
        .map(|(&x, &y)| f64::from(x) - f64::from(y));
    let sum: f64 = match kind {
        Residual::L1 => differences.map(f64::abs).sum(),
        Residual::L2 => differences.map(|d| d * d).sum(),
    };
    sum / x.len() as f64
}

/// L(x): mean (f(x) - f(x̂))² over the features.
///
/// # Panics
/// If the lengths differ.
pub fn latent(f: &[f32], f_hat: &[f32]) -> f64 {
    residual(Residual::L2, f, f_hat)
}

/// The map behind a heat map: |x - x̂| at each pixel, its mean over the channels.
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
        assert_eq!(residual(Residual::L1, &x, &y), 1.5 / 4.0);
        assert_eq!(residual(Residual::L2, &x, &y), 1.25 / 4.0);
        assert_eq!(latent(&x, &y), 1.25 / 4.0);
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
        assert_eq!(mean, residual(Residual::L1, &x, &y));
    }
}
