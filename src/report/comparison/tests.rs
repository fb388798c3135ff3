use super::*;
use crate::evaluation::{MethodInfo, Protocol, Resampling, ScoredImage};
use crate::report::sample_data::{sample, wobble};
use crate::score::RawScore;

/// A run whose abnormal images score higher by `shift`.
fn result(name: &str, seed: usize, shift: f64) -> MethodResult {
    let pictures = (0..60)
        .map(|k| {
            let abnormal = k % 3 == 0;
            let residual = wobble(k + 100 * seed) + if abnormal { shift } else { 0.0 };
            ScoredImage {
                name: format!("{k}<b>.png"),
                class: if abnormal { "hole" } else { "normal" }.into(),
                abnormal,
                raw: RawScore {
                    anomaly_score: residual,
                    residual,
                    latent: None,
                    marks: None,
                },
            }
        })
        .collect();
    let info = MethodInfo {
        method: name.into(),
        protocol: Protocol::Honest,
        parameters: 1234,
        milliseconds_per_picture: 0.5,
    };
    let resampling = Resampling {
        resamples: 20,
        seed: 0,
    };
    MethodResult::new(info, pictures, None, resampling).expect("results")
}

fn made(seeds: u64) -> (Evaluation, Vec<ComparedRun>, Vec<SideBySide>) {
    let methods = [("skip-ganomaly", 0.2), ("pca", 2.0), ("nearest", 0.1)];
    let (mut runs, mut results) = (Vec::new(), Vec::new());
    for seed in 0..seeds {
        for (method, shift) in methods {
            results.push(result(
                &format!("{method}, seed {seed}"),
                seed as usize,
                shift,
            ));
            runs.push(ComparedRun {
                method: method.into(),
                seed,
                steps: if method == "skip-ganomaly" { 30 } else { 0 },
                train_secs: 65.0,
            });
        }
    }
    let view = |(method, _): (&str, f64)| View {
        method: method.into(),
        reconstruction: sample(1).input,
        heat: sample(1).heat,
        score: 0.25,
        verdict: "anomalous".into(),
    };
    let pictures = vec![SideBySide {
        name: "a<script>.png".into(),
        class: "hole".into(),
        abnormal: true,
        size: 32,
        input: sample(3).input,
        views: methods.map(view).into(),
    }];
    let evaluation = Evaluation::new("data", "split", results, Vec::new(), None);
    (evaluation, runs, pictures)
}

fn page(seeds: u64) -> (String, Vec<(String, Vec<u8>)>) {
    let (evaluation, runs, pictures) = made(seeds);
    let settings = [("width, skip-ganomaly".to_owned(), "8".to_owned())];
    let report = ComparisonReport {
        command: "skip-ganomaly compare",
        budget: "30 steps of 4 images for each run",
        evaluation: &evaluation,
        runs: &runs,
        pictures: &pictures,
        settings: &settings,
    };
    (report.to_html(), report.files())
}

#[test]
fn the_best_is_named_and_every_run_has_a_row() {
    let (page, files) = page(3);
    assert!(page.contains("pca ranks the images best: AUROC 1.000 ± .000"));
    assert!(page.contains("Mean and standard deviation over the seeds"));
    for method in ["skip-ganomaly", "pca", "nearest"] {
        // Once in each of the tables of means and images, three times in that of runs.
        let cells = page.matches(&format!(">{method}</th>")).count();
        assert_eq!(cells, 5, "{method}");
    }
    let csv = files.iter().find(|file| file.0 == "comparison.csv");
    let csv = std::str::from_utf8(&csv.expect("comparison.csv").1).expect("UTF-8");
    assert_eq!(csv.lines().count(), 1 + 9, "{csv}");
    assert!(
        csv.lines()
            .nth(2)
            .is_some_and(|row| row.starts_with("pca,0,1,"))
    );
    for name in ["roc.svg", "roc.csv", "metrics.csv", "scores.csv"] {
        assert!(files.iter().any(|file| file.0 == name), "{name}");
    }
}

#[test]
fn pictures_stand_side_by_side_and_names_are_escaped() {
    let (page, _) = page(1);
    assert!(!page.contains("Mean and standard deviation"));
    assert!(page.contains("With one seed"));
    assert_eq!(page.matches("<img").count(), 7);
    assert_eq!(page.matches("<img").count(), page.matches(" alt=").count());
    assert!(page.contains("a&lt;script&gt;.png") && !page.contains("<script"));
    for foreign in ["http://", "https://", "url("] {
        assert!(!page.contains(foreign), "found {foreign}");
    }
    // To look at it: REPORT_TO=folder cargo test report::comparison
    if let Ok(folder) = std::env::var("REPORT_TO") {
        let file = std::path::Path::new(&folder).join("comparison.html");
        std::fs::write(file, super::tests::page(3).0).expect("a written page");
    }
}

#[test]
fn means_are_over_the_seeds() {
    let (evaluation, runs, _) = made(2);
    let means = means(&runs, &evaluation);
    let names: Vec<_> = means.iter().map(|mean| mean.method.as_str()).collect();
    assert_eq!(names, ["skip-ganomaly", "pca", "nearest"]);
    let of = |at: usize| {
        full_mix(&evaluation.methods[at])
            .expect("a mix")
            .auroc
            .value
    };
    let expected = (of(0) + of(3)) / 2.0;
    assert!((means[0].auroc.mean - expected).abs() < 1e-12);
    assert_eq!((means[0].auroc.n, means[0].train_secs.mean), (2, 65.0));
}
