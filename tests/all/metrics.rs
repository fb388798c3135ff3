//! Metrics against scikit-learn and SciPy: `tests/fixtures/metrics.py` made the numbers.

use serde::Deserialize;
use skip_ganomaly::metrics::{self, PixelScores};

#[derive(Deserialize)]
struct Fixture {
    ranking: Vec<Ranking>,
    localisation: Vec<Localisation>,
}

#[derive(Deserialize)]
struct Ranking {
    name: String,
    scores: Vec<f64>,
    abnormal: Vec<u8>,
    auroc: f64,
    auprc: f64,
    f1_max: f64,
    eer: f64,
    fpr_at: Vec<(f64, f64)>,
    confusion: Vec<Confusion>,
}

#[derive(Deserialize)]
struct Confusion {
    threshold: f64,
    tp: usize,
    fp: usize,
    tn: usize,
    #[serde(rename = "fn")]
    fn_: usize,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    false_alarms: Option<f64>,
}

#[derive(Deserialize)]
struct Localisation {
    name: String,
    pictures: Vec<Picture>,
    regions: usize,
    masked_pictures: usize,
    auroc: f64,
    pro: std::collections::BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Picture {
    width: usize,
    /// In units of 1/256.
    map: Vec<i32>,
    /// Rows; `#` is defective.
    mask: Option<Vec<String>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/metrics.json")).expect("the fixture is JSON")
}

fn close(name: &str, what: &str, got: f64, expected: f64, tolerance: f64) {
    assert!(
        (got - expected).abs() <= tolerance,
        "{name}: expected the {what} {expected}, got {got}"
    );
}

#[test]
fn rankings_as_scikit_learn() {
    for case in fixture().ranking {
        let Ranking { name, scores, .. } = &case;
        let abnormal: Vec<bool> = case.abnormal.iter().map(|&label| label == 1).collect();
        let best = metrics::f1_max(scores, &abnormal).unwrap();
        for (what, got, expected) in [
            ("AUROC", metrics::auroc(scores, &abnormal), case.auroc),
            ("AUPRC", metrics::auprc(scores, &abnormal), case.auprc),
            ("F1", Ok(best.f1), case.f1_max),
            ("EER", metrics::eer(scores, &abnormal), case.eer),
        ] {
            close(name, what, got.unwrap(), expected, 1e-12);
        }
        for &(tpr, expected) in &case.fpr_at {
            let got = metrics::fpr_at_tpr(scores, &abnormal, tpr).unwrap();
            close(name, &format!("FPR at TPR {tpr}"), got, expected, 1e-12);
        }
        // The threshold gives the F1 that it promises.
        let at_best = metrics::confusion(scores, &abnormal, best.threshold).unwrap();
        close(name, "F1", at_best.f1.unwrap(), case.f1_max, 1e-12);
    }
}

#[test]
fn verdicts_as_scikit_learn() {
    for case in fixture().ranking {
        let abnormal: Vec<bool> = case.abnormal.iter().map(|&label| label == 1).collect();
        for expected in &case.confusion {
            let got = metrics::confusion(&case.scores, &abnormal, expected.threshold).unwrap();
            assert_eq!(
                (
                    got.true_positives,
                    got.false_positives,
                    got.true_negatives,
                    got.false_negatives
                ),
                (expected.tp, expected.fp, expected.tn, expected.fn_),
                "{} at {}",
                case.name,
                expected.threshold
            );
            for (what, got, expected) in [
                ("precision", got.precision, expected.precision),
                ("recall", got.recall, expected.recall),
                ("F1", got.f1, expected.f1),
                ("false alarms", got.false_alarms, expected.false_alarms),
            ] {
                assert_eq!(got.is_some(), expected.is_some(), "{}: {what}", case.name);
                if let (Some(got), Some(expected)) = (got, expected) {
                    close(&case.name, what, got, expected, 1e-12);
                }
            }
        }
    }
}

#[test]
fn maps_as_their_definition() {
    for case in fixture().localisation {
        let maps: Vec<Vec<f32>> = case
            .pictures
            .iter()
            .map(|p| p.map.iter().map(|&v| v as f32 / 256.0).collect())
            .collect();
        let masks: Vec<Option<Vec<bool>>> = case
            .pictures
            .iter()
            .map(|p| {
                let rows = p.mask.as_ref()?;
                Some(rows.concat().bytes().map(|b| b == b'#').collect())
            })
            .collect();
        let pictures: Vec<PixelScores> = case
            .pictures
            .iter()
            .zip(maps.iter().zip(&masks))
            .map(|(picture, (map, mask))| PixelScores {
                map,
                mask: mask.as_deref(),
                width: picture.width,
            })
            .collect();
        let got = metrics::pixel_metrics(&pictures).unwrap();
        assert_eq!(got.regions, case.regions, "{}", case.name);
        assert_eq!(got.masked_pictures, case.masked_pictures, "{}", case.name);
        close(&case.name, "pixel AUROC", got.auroc, case.auroc, 1e-12);
        close(&case.name, "PRO", got.pro, case.pro["0.3"], 1e-12);
        for (limit, &expected) in &case.pro {
            let got = metrics::pro(&pictures, limit.parse().unwrap()).unwrap();
            close(&case.name, &format!("PRO to {limit}"), got, expected, 1e-12);
        }
    }
}
