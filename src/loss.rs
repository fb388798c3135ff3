//! The losses of the adversarial methods: one function, one equation.
//!
//! D returns logits rather than probabilities: BCE(σ(l), t) is computed from l, which does not overflow
//! where the sigmoid saturates.
//!
//! Source: Akçay et al. 2019, section 3.2, and 2018, section 3.2; differences from the published code are
//! noted.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;

/// Weights of the terms in the generator's loss.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Weights {
    /// λ_adv.
    pub adversarial: f64,
    /// λ_con: 40 in the paper, 50 in the published code (the default here).
    pub contextual: f64,
    /// λ_lat.
    pub latent: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            adversarial: 1.0,
            contextual: 50.0,
            latent: 1.0,
        }
    }
}

/// Binary cross entropy against "real": BCE(σ(l), 1) = -E log σ(l)
///
/// The generator's adversarial loss on D(x̂), and the discriminator's on D(x).
///
/// # Shapes
/// - `logit`: `[n]`
/// - returns `[1]`
pub fn bce_real(logit: Tensor<1>) -> Tensor<1> {
    log_sigmoid(logit).mean().neg()
}

/// Binary cross entropy against "fake": BCE(σ(l), 0) = -E log (1 - σ(l))
///
/// # Shapes
/// - `logit`: `[n]`
/// - returns `[1]`
pub fn bce_fake(logit: Tensor<1>) -> Tensor<1> {
    log_sigmoid(logit.neg()).mean().neg()
}

/// Binary cross entropy against a probability: BCE(σ(l), t) = t BCE(σ(l), 1) + (1 - t) BCE(σ(l), 0)
///
/// With t below 1 the discriminator is not rewarded for certainty (one-sided label smoothing,
/// Salimans et al. 2016, section 3.4).
///
/// # Shapes
/// - `logit`: `[n]`
/// - returns `[1]`
pub fn bce(logit: Tensor<1>, target: f64) -> Tensor<1> {
    if target == 1.0 {
        return bce_real(logit);
    }
    bce_real(logit.clone()).mul_scalar(target) + bce_fake(logit).mul_scalar(1.0 - target)
}

/// D's probability that an image is real: D(x) = σ(l)
///
/// # Shapes
/// - `logit`: `[n]`
/// - returns `[n]`
pub fn probability(logit: Tensor<1>) -> Tensor<1> {
    sigmoid(logit)
}

/// Contextual loss: L_con = E|x - x̂|
///
/// # Shapes
/// - `x`, `x_hat`: `[n, c, h, w]`, in `[-1, 1]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ: Burn would broadcast axes of length 1 silently.
pub fn contextual(x: Tensor<4>, x_hat: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        x.dims(),
        x_hat.dims(),
        "an image and its reconstruction differ in shape"
    );
    (x - x_hat).abs().mean()
}

/// Latent loss: L_lat = E(f(x) - f(x̂))²
///
/// # Shapes
/// - `f`, `f_hat`: `[n, features]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
pub fn latent(f: Tensor<2>, f_hat: Tensor<2>) -> Tensor<1> {
    assert_eq!(
        f.dims(),
        f_hat.dims(),
        "features of an image and its reconstruction differ"
    );
    (f - f_hat).square().mean()
}

/// Structural loss: L_str = 1 - E SSIM(x, x̂), over windows of 8 × 8 pixels, four apart.
///
/// SSIM = (2 μ μ̂ + c₁)(2 cov + c₂) / ((μ² + μ̂² + c₁)(σ² + σ̂² + c₂)), of each channel and window
///
/// # Shapes
/// - `x`, `x_hat`: `[n, c, h, w]`, in `[-1, 1]`, sides of at least 8
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Wang et al. 2004, equation 13, with square windows.
pub fn structural(x: Tensor<4>, x_hat: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        x.dims(),
        x_hat.dims(),
        "an image and its reconstruction differ in shape"
    );
    let mean = |t: Tensor<4>| avg_pool2d(t, AvgPoolOptions::new([8, 8]).with_stride([4, 4]));
    // Of values in [-1, 1], whose range is 2.
    let (c1, c2) = ((0.01_f64 * 2.0).powi(2), (0.03_f64 * 2.0).powi(2));
    let (mu, mu_hat) = (mean(x.clone()), mean(x_hat.clone()));
    let (squares, product) = (mu.clone().square() + mu_hat.clone().square(), mu * mu_hat);
    let variances = mean(x.clone().square() + x_hat.clone().square()) - squares.clone();
    let covariance = mean(x * x_hat) - product.clone();
    let above = (product.mul_scalar(2.0) + c1) * (covariance.mul_scalar(2.0) + c2);
    let below = (squares + c1) * (variances + c2);
    (above / below).mean().neg().add_scalar(1.0)
}

/// The marks' loss: L_mark = E |m - σ(l)|² BCE(σ(l), m), which counts pixels that are marked well for little.
///
/// # Shapes
/// - `logits`, `marks`: `[n, 1, h, w]`, the marks in `[0, 1]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Lin et al. 2017 (focal loss, γ = 2), for graded marks as Li et al. 2020 (quality focal loss).
pub fn marking(logits: Tensor<4>, marks: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        logits.dims(),
        marks.dims(),
        "marks and their logits differ in shape"
    );
    let entropy = marks.clone() * log_sigmoid(logits.clone())
        + marks.clone().neg().add_scalar(1.0) * log_sigmoid(logits.clone().neg());
    let missed = (sigmoid(logits) - marks).square();
    (missed * entropy).mean().neg()
}

/// GANomaly's adversarial loss, feature matching: L_adv = E(f(x) - f(x̂))²
///
/// The paper has the norm of the difference, the code its mean square.
///
/// # Shapes
/// - `f`, `f_hat`: `[n, c, h, w]`, D's last features
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Akçay et al. 2018, equation 1.
pub fn feature_matching(f: Tensor<4>, f_hat: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        f.dims(),
        f_hat.dims(),
        "features of an image and its reconstruction differ"
    );
    (f - f_hat).square().mean()
}

/// GANomaly's encoder loss: L_enc = E(z - ẑ)²
///
/// The paper has the norm of the difference, the code its mean square.
///
/// # Shapes
/// - `z`, `z_hat`: `[n, features]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Akçay et al. 2018, equation 3.
pub fn encoder(z: Tensor<2>, z_hat: Tensor<2>) -> Tensor<1> {
    assert_eq!(
        z.dims(),
        z_hat.dims(),
        "vectors of an image and its reconstruction differ"
    );
    (z - z_hat).square().mean()
}

/// ALOCC's refinement loss: L_R = E(x - x̂)²
///
/// The paper has the squared norm of the difference, which grows with the image; here it is the
/// mean. The code has a cross entropy of the pixels, whose sigmoid comes after the tanh.
///
/// # Shapes
/// - `x`, `x_hat`: `[n, c, h, w]`, in `[-1, 1]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Sabokrou et al. 2018, equation 3.
pub fn refinement(x: Tensor<4>, x_hat: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        x.dims(),
        x_hat.dims(),
        "an image and its reconstruction differ in shape"
    );
    (x - x_hat).square().mean()
}

/// The reconstruction error of adversarial auto-encoders: E(x - x̂)²
///
/// # Shapes
/// - `x`, `x_hat`: `[n, c, h, w]`, in `[-1, 1]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Makhzani et al. 2015, section 2.
pub fn reconstruction(x: Tensor<4>, x_hat: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        x.dims(),
        x_hat.dims(),
        "an image and its reconstruction differ in shape"
    );
    (x - x_hat).square().mean()
}

/// Distance of generated images from real ones: the mean, over the real ones, of E(x - G(z))² to the
/// nearest generated one. It is logged only, not optimised.
///
/// # Shapes
/// - `x`, `generated`: `[n, c, h, w]`, in `[-1, 1]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
pub fn nearest_generated(x: Tensor<4>, generated: Tensor<4>) -> Tensor<1> {
    assert_eq!(
        x.dims(),
        generated.dims(),
        "real and generated images differ in shape"
    );
    let [n, channels, height, width] = x.dims();
    let length = channels * height * width;
    let (x, generated) = (x.reshape([n, length]), generated.reshape([n, length]));
    let squares = |t: &Tensor<2>| t.clone().square().sum_dim(1);
    // ‖x - g‖² = ‖x‖² - 2 x·g + ‖g‖², of each x with each g.
    let distances = squares(&x) + squares(&generated).transpose()
        - x.matmul(generated.transpose()).mul_scalar(2.0);
    distances.min_dim(1).mean().div_scalar(length as f64)
}

/// AnoGAN's loss of the latent optimisation: λ Σ|x - G(z)| + (1 - λ) Σ|f(x) - f(G(z))|
///
/// Summed over the batch, so that each image's gradient is its own.
///
/// # Shapes
/// - `x`, `x_hat`: `[n, c, h, w]`, in `[-1, 1]`
/// - `f`, `f_hat`: `[n, features]`
/// - returns `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// Source: Schlegl et al. 2017, equations 2, 4 and 5; λ there weighs the features.
pub fn latent_optimisation(
    lambda: f64,
    (x, x_hat): (Tensor<4>, Tensor<4>),
    (f, f_hat): (Tensor<2>, Tensor<2>),
) -> Tensor<1> {
    assert_eq!(
        (x.dims(), f.dims()),
        (x_hat.dims(), f_hat.dims()),
        "an image and its reconstruction differ in shape"
    );
    let residual = (x - x_hat).abs().sum();
    let features = (f - f_hat).abs().sum();
    residual.mul_scalar(lambda) + features.mul_scalar(1.0 - lambda)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn vector(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(TensorData::from(values), &Device::flex())
    }

    fn scalar(loss: Tensor<1>) -> f32 {
        loss.into_data().try_into_vec::<f32>().expect("f32")[0]
    }

    #[test]
    fn bce_is_the_log_of_the_probability() {
        let probability = |l: f32| 1.0 / (1.0 + (-l).exp());
        let logits = [-2.0, 0.0, 0.5, 3.0];
        let real: f32 = logits.iter().map(|&l| -probability(l).ln()).sum::<f32>() / 4.0;
        let fake: f32 = logits
            .iter()
            .map(|&l| -(1.0 - probability(l)).ln())
            .sum::<f32>()
            / 4.0;
        assert!((scalar(bce_real(vector(&logits))) - real).abs() < 1e-6);
        assert!((scalar(bce_fake(vector(&logits))) - fake).abs() < 1e-6);
    }

    #[test]
    fn bce_against_a_probability_is_smallest_there() {
        let at = |logit: f32| scalar(bce(vector(&[logit]), 0.9));
        let best = (0.9_f32 / 0.1).ln();
        assert!(at(best) < at(best + 0.5) && at(best) < at(best - 0.5));
        assert_eq!(
            scalar(bce(vector(&[0.3]), 1.0)),
            scalar(bce_real(vector(&[0.3])))
        );
    }

    #[test]
    fn bce_stays_finite_where_the_sigmoid_saturates() {
        assert!((scalar(bce_fake(vector(&[200.0]))) - 200.0).abs() < 1e-3);
        assert_eq!(scalar(bce_real(vector(&[200.0]))), 0.0);
    }

    #[test]
    fn differences_are_taken_as_means() {
        let x = vector(&[0.0, 1.0, -1.0, 0.5]);
        let y = vector(&[0.5, 1.0, 1.0, 0.5]);
        let image = |t: &Tensor<1>| t.clone().reshape([1, 1, 2, 2]);
        assert_eq!(scalar(contextual(image(&x), image(&y))), 2.5 / 4.0);
        assert_eq!(
            scalar(latent(x.clone().reshape([2, 2]), y.clone().reshape([2, 2]))),
            4.25 / 4.0
        );
        assert_eq!(scalar(feature_matching(image(&x), image(&y))), 4.25 / 4.0);
        assert_eq!(scalar(refinement(image(&x), image(&y))), 4.25 / 4.0);
        assert_eq!(scalar(reconstruction(image(&x), image(&y))), 4.25 / 4.0);
        assert_eq!(
            scalar(encoder(x.reshape([2, 2]), y.reshape([2, 2]))),
            4.25 / 4.0
        );
    }

    #[test]
    fn structure_counts_only_where_it_differs() {
        let wave = |phase: f32| {
            let values: Vec<f32> = (0..256)
                .map(|k| (k as f32 * 0.7 + phase).sin() / 2.0)
                .collect();
            vector(&values).reshape([1, 1, 16, 16])
        };
        assert!(scalar(structural(wave(0.0), wave(0.0))).abs() < 1e-5);
        let (near, far) = (
            structural(wave(0.0), wave(0.3)),
            structural(wave(0.0), wave(3.0)),
        );
        let (near, far) = (scalar(near), scalar(far));
        assert!(0.0 < near && near < far && far < 2.0, "{near}, {far}");
    }

    #[test]
    fn marks_that_are_right_cost_nothing() {
        let of = |logit: f32, mark: f32| {
            let one = |value: f32| vector(&[value]).reshape([1, 1, 1, 1]);
            scalar(marking(one(logit), one(mark)))
        };
        assert!(of(12.0, 1.0) < 1e-9 && of(-12.0, 0.0) < 1e-9);
        // (1 - ½)² log 2
        assert!((of(0.0, 1.0) - 0.25 * 2.0_f32.ln()).abs() < 1e-6);
        // A graded mark is met by its own probability.
        assert!(of((0.3_f32 / 0.7).ln(), 0.3) < 1e-9);
        assert!(of(200.0, 0.0).is_finite() && of(-200.0, 1.0).is_finite());
    }

    #[test]
    fn the_nearest_of_the_generated_pictures_counts() {
        let two = |values: &[f32]| vector(values).reshape([2, 1, 1, 2]);
        let x = two(&[0.0, 1.0, -1.0, 0.5]);
        // The first is nearest to both: (0.25 + 0)/2 and (0.25 + 0.25)/2.
        let generated = two(&[-0.5, 1.0, 1.0, -1.0]);
        assert!((scalar(nearest_generated(x, generated)) - (0.125 + 0.25) / 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_search_adds_up_pixels_and_features() {
        let image = |values: &[f32]| vector(values).reshape([1, 1, 1, 2]);
        let features = |values: &[f32]| vector(values).reshape([1, 2]);
        let loss = latent_optimisation(
            0.75,
            (image(&[0.0, 1.0]), image(&[0.5, -1.0])),
            (features(&[1.0, 2.0]), features(&[0.0, 4.0])),
        );
        assert_eq!(scalar(loss), 0.75 * 2.5 + 0.25 * 3.0);
    }

    #[test]
    #[should_panic(expected = "differ in shape")]
    fn contextual_refuses_to_broadcast() {
        let x = vector(&[0.0, 1.0, -1.0, 0.5]).reshape([1, 1, 2, 2]);
        let one = vector(&[0.0]).reshape([1, 1, 1, 1]);
        contextual(x, one);
    }
}
