//! Made-up numbers for the reports' tests.

use super::picture::ReportSample;
use crate::calibration::{Calibration, Quantiles, ThresholdRule};
use crate::score::RawScore;

fn quantiles(low: f64, high: f64) -> Quantiles {
    let at = |part: f64| low + (high - low) * part;
    Quantiles {
        min: low,
        q01: at(0.02),
        q05: at(0.1),
        q25: at(0.3),
        median: at(0.4),
        q75: at(0.55),
        q95: at(0.8),
        q99: at(0.92),
        max: high,
    }
}

/// As for 600 held-out normal images.
pub fn calibration() -> Calibration {
    Calibration {
        normals: 600,
        threshold: 0.061,
        rule: ThresholdRule::HeldOutQuantile(0.99),
        anomaly_score: quantiles(0.021, 0.066),
        residual: quantiles(0.022, 0.07),
        latent: Some(quantiles(0.0004, 0.02)),
        heat_map_scale: 0.31,
        heat_map_floor: 0.0,
    }
}

/// Numbers with the look of real ones.
pub fn wobble(k: usize) -> f64 {
    let x = (k as f64 * 12.9898).sin() * 43_758.545_3;
    x - x.floor()
}

/// Between 0 and 1, mostly in the middle.
pub fn bell(k: usize) -> f64 {
    (0..4).map(|i| wobble(4 * k + i)).sum::<f64>() / 4.0
}

/// A grey image; number 3 has a hot spot.
pub fn sample(k: usize) -> ReportSample {
    let size = 32;
    let pixel = |at: usize| {
        let (x, y) = (at % size, at / size);
        let hot = k == 3 && (8..15).contains(&x) && (10..20).contains(&y);
        let value = 90 + (x * 2 + y + k * 10) as u8 % 90;
        if hot { 250 } else { value }
    };
    let grey = |f: &dyn Fn(usize) -> u8| {
        (0..size * size)
            .flat_map(|at| [f(at), f(at), f(at), 255])
            .collect()
    };
    let heat: Vec<f32> = (0..size * size)
        .map(|at| f32::from(pixel(at)) / 255.0 * if k == 3 { 0.3 } else { 0.04 })
        .collect();
    ReportSample {
        name: format!("test/1.abnormal/cell-multi_{}.png", 3500 + k),
        size,
        input: grey(&pixel),
        reconstruction: Some(grey(&|at| 90 + (at % size * 2) as u8)),
        heat: crate::data::image::heat_map_rgba(&heat, &(0.0..0.31)),
        score: RawScore {
            anomaly_score: 0.031_234,
            residual: 0.034,
            latent: Some(0.003_21),
            marks: None,
        },
        verdict: if k == 3 { "anomalous" } else { "normal" }.into(),
    }
}
