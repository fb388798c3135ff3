use super::content::{LEAK, PARTLY_LEAK};
use super::*;
use crate::evaluation::{
    ClassMetrics, EpochChoice, Evaluation, FaultSeries, FaultTrial, ScoredImage, Simulated,
    published,
};
use crate::metrics::{Confusion, PixelMetrics, auprc, auroc};
use crate::report::sample_data::{bell, calibration, sample, wobble};
use crate::score::RawScore;

const FAULTS: [&str; 6] = [
    "cell",
    "cracking",
    "diode-multi",
    "hot-spot",
    "soiling",
    "vegetation",
];

/// Names that would do harm if they were written without escaping.
const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>.png",
    "a \"quoted\", name\nof two lines.png",
    "#no-remark.png",
    "\u{1}\u{b}--></svg>.png",
];

/// Images with scores of the size of real ones; `shift` sets the abnormal ones apart.
fn pictures(seed: usize, normals: usize, shift: f64) -> Vec<ScoredImage> {
    let labelled = |k: usize, class: &str, abnormal: bool, residual: f64| {
        let latent = 0.002 + 0.02 * bell(k + seed + 31).powi(3);
        ScoredImage {
            name: HOSTILE.get(k / 7).filter(|_| k % 7 == 3).map_or_else(
                || format!("test/{class}_{k}.png"),
                |hostile| (*hostile).to_owned(),
            ),
            class: class.to_owned(),
            abnormal,
            raw: RawScore {
                anomaly_score: 0.9 * residual + 0.1 * latent,
                residual,
                latent: Some(latent),
                marks: None,
            },
        }
    };
    let normal =
        (0..normals).map(|k| labelled(k, "normal", false, 0.02 + 0.06 * bell(k + seed).powi(2)));
    let faults = (0..2 * normals).map(|k| {
        let fault = FAULTS[(wobble(k + 5) * 6.0) as usize];
        let own = shift * (0.5 + fault.len() as f64 / 10.0);
        labelled(
            normals + k,
            fault,
            true,
            0.02 + 0.06 * bell(k + seed + 777).powi(2) + own * wobble(k),
        )
    });
    normal.chain(faults).collect()
}

fn metrics_of(pictures: &[ScoredImage], class: Option<&str>) -> ClassMetrics {
    let kept = pictures
        .iter()
        .filter(|p| !p.abnormal || class.is_none_or(|class| p.class == class));
    let (scores, abnormal): (Vec<f64>, Vec<bool>) =
        kept.map(|p| (p.raw.anomaly_score, p.abnormal)).unzip();
    let count = abnormal.iter().filter(|a| **a).count();
    let half = 0.8 / (count as f64).sqrt();
    let interval = |value: f64| Interval {
        value,
        low: (value - half).max(0.0),
        high: (value + half).min(1.0),
    };
    ClassMetrics {
        class: class.map(str::to_owned),
        metrics: Metrics {
            normals: abnormal.len() - count,
            abnormal: count,
            auroc: interval(auroc(&scores, &abnormal).unwrap()),
            auprc: interval(auprc(&scores, &abnormal).unwrap()),
            f1_max: 0.831,
            f1_threshold: 0.0312,
            eer: 0.312,
            fpr_at_95_tpr: 0.71,
        },
        residual_auroc: 0.761,
        latent_auroc: Some(0.513),
        marks_auroc: None,
    }
}

fn result(
    method: &str,
    protocol: Protocol,
    seed: usize,
    normals: usize,
    shift: f64,
) -> MethodResult {
    let pictures = pictures(seed, normals, shift);
    let classes = std::iter::once(None).chain(FAULTS.into_iter().map(Some));
    MethodResult {
        method: method.to_owned(),
        protocol,
        classes: classes.map(|class| metrics_of(&pictures, class)).collect(),
        pictures,
        threshold: None,
        confusion: None,
        pixel: None,
        epochs: None,
        parameters: 32_768,
        milliseconds_per_picture: 0.0421,
    }
}

/// An evaluation with everything that can be in one.
fn full(normals: usize) -> Evaluation {
    let mut own = result("Skip-GANomaly", Protocol::Honest, 0, normals, 0.02);
    own.set_threshold(Threshold::calibrated(&calibration()))
        .unwrap();
    own.pixel = Some(PixelMetrics {
        auroc: 0.871,
        pro: 0.612,
        masked_pictures: 63,
        regions: 91,
    });
    own.parameters = 323_509;
    own.milliseconds_per_picture = 1.93;
    let mut published = result("Skip-GANomaly", Protocol::Published, 40, normals, 0.12);
    published.parameters = 323_509;
    published.epochs = EpochChoice::new((0..15).map(|k| 0.9 + 0.08 * wobble(k + 2)).collect());
    Evaluation {
        data: "data/solar-ir <b>".into(),
        split: "the folder's own test part".into(),
        warnings: vec![
            PUBLISHED_WARNING.into(),
            "The baselines are fitted on 500 images, the model on 6,000.".into(),
        ],
        methods: vec![
            own,
            published,
            result("PCA, 32 components", Protocol::Honest, 3, normals, 0.04),
            result("nearest neighbour", Protocol::Honest, 9, normals, 0.041),
        ],
        skipped: vec![(
            "b<script>.png".into(),
            "expected an image, got an empty file".into(),
        )],
        published: published::table("cifar10", Some("bird")),
        simulated: None,
    }
}

/// Faults of two kinds: one found from about 8 pixels at a high contrast, one never.
fn simulated() -> Simulated {
    let series = |kind: &str, origin, contrast: f64, from: f64| {
        let trial = |k: usize| {
            let size = 2.0 + 0.25 * k as f64;
            let score = size / from + 0.3 * (wobble(k) - 0.5);
            FaultTrial {
                size,
                score,
                found: score > 1.0,
            }
        };
        FaultSeries::new(kind, origin, contrast, (0..64).map(trial).collect()).unwrap()
    };
    let series = vec![
        series("scratch", FaultOrigin::Simulated, 0.1, 1000.0),
        series("scratch", FaultOrigin::Simulated, 0.2, 8.0),
        series("hole", FaultOrigin::Rendered, 1.0, 1.0),
    ];
    Simulated {
        seed: 7,
        normals: 50,
        damaged: 100,
        image_auroc: 0.91,
        pixel_auroc: 0.92,
        pro: 0.83,
        threshold: 1.0,
        false_alarm_rate: 0.02,
        contrast: 0.2,
        detection: Simulated::together(&series, 0.2).unwrap(),
        series,
    }
}

fn misses() -> Vec<Miss> {
    (0..8)
        .map(|k| {
            let mut sample = sample(k);
            sample.verdict = if k < 6 { "normal" } else { "anomalous" }.into();
            if k == 1 {
                sample.name = HOSTILE[0].into();
            }
            Miss {
                sample,
                class: if k < 4 {
                    "<i>cell".into()
                } else {
                    "normal".into()
                },
                abnormal: k < 4,
            }
        })
        .collect()
}

const COMMAND: &str = "skip-ganomaly evaluate --model runs/solar-ir/model.safetensors --data data/solar-ir --report out";

/// A report's page and files.
fn made(evaluation: &Evaluation) -> (String, Vec<(String, Vec<u8>)>) {
    let settings = [("size", "32 × 32"), ("channels", "1"), ("seed", "0")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (calibration, misses) = (calibration(), misses());
    let report = EvaluationReport {
        title: "Evaluation report",
        command: COMMAND,
        evaluation,
        calibration: Some(&calibration),
        misses: &misses,
        settings: &settings,
    };
    (report.to_html(), report.files())
}

fn text<'a>(files: &'a [(String, Vec<u8>)], name: &str) -> &'a str {
    let file = files.iter().find(|file| file.0 == name);
    std::str::from_utf8(&file.unwrap_or_else(|| panic!("no {name}")).1).unwrap()
}

fn rows(text: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|row| row.expect("rows of one length"))
        .collect()
}

#[test]
fn every_section_is_there_in_order() {
    let (page, files) = made(&full(300));
    let headings = [
        "What was evaluated",
        "Results",
        "By class",
        "Beside the published numbers",
        "Curves",
        "Scores",
        "At the threshold",
        "Where in the image",
        "By epoch",
        "The worst misses",
        "Settings",
        "Skipped files",
        "How to repeat it",
    ];
    let mut from = 0;
    for heading in headings {
        let at = page[from..].find(&format!("<h2>{heading}</h2>"));
        from += at.unwrap_or_else(|| panic!("no {heading} after {from}"));
    }
    assert!(page.contains(COMMAND));
    for name in [
        "roc.svg",
        "pr.svg",
        "histogram-score.svg",
        "histogram-residual.svg",
        "histogram-latent.svg",
        "histogram-class-03-diode-multi.svg",
        "epochs.svg",
        "metrics.csv",
        "scores.csv",
        "roc.csv",
        "pr.csv",
    ] {
        text(&files, name);
    }
    // To look at them: REPORT_TO=folder cargo test report::evaluation
    if let Ok(folder) = std::env::var("REPORT_TO") {
        let folder = std::path::Path::new(&folder);
        let mut honest = full(5000);
        honest.methods.retain(|m| m.protocol == Protocol::Honest);
        for (name, evaluation) in [("both", full(5000)), ("honest", honest)] {
            let folder = folder.join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let (page, files) = made(&evaluation);
            std::fs::write(folder.join("report.html"), page).unwrap();
            for (name, bytes) in files {
                std::fs::write(folder.join(name), bytes).unwrap();
            }
        }
    }
}

#[test]
fn the_page_needs_nothing_else_and_escapes_names() {
    let (page, files) = made(&full(300));
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.contains("default-src 'none'"));
    for foreign in [
        "http://", "https://", "<script", "<link", "url(", "<i>", "<b>",
    ] {
        assert!(!page.contains(foreign), "found {foreign}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("&lt;i&gt;cell"));
    for (name, bytes) in files.iter().filter(|file| file.0.ends_with(".svg")) {
        let svg = std::str::from_utf8(bytes).unwrap();
        assert!(
            !svg.contains("<script") && !svg.contains("var(--"),
            "{name}"
        );
        assert!(
            svg.matches("http").count() == 1
                && svg.contains("xmlns=\"http://www.w3.org/2000/svg\""),
            "{name}"
        );
        assert!(svg.contains("prefers-color-scheme: dark"), "{name}");
    }
}

#[test]
fn every_drawing_is_named_and_has_a_table() {
    let (page, _) = made(&full(300));
    let drawings = page.matches("<figure").count();
    // ROC, PR, A twice, R, L, six classes, epochs.
    assert_eq!(drawings, 13);
    assert_eq!(page.matches("role=\"img\"").count(), drawings);
    assert_eq!(page.matches("<details>").count(), drawings);
    assert_eq!(page.matches("<img").count(), page.matches(" alt=").count());
    let ids = page
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next());
    let mut seen = std::collections::HashSet::new();
    assert!(
        ids.into_iter().all(|id| seen.insert(id)),
        "an id is there twice"
    );
}

#[test]
fn numbers_that_leak_are_marked_wherever_they_are() {
    let everything = full(300);
    let mut only = everything.clone();
    only.methods.retain(|m| m.protocol == Protocol::Published);
    for (evaluation, words) in [(&everything, PARTLY_LEAK), (&only, LEAK)] {
        let (page, files) = made(evaluation);
        assert!(page.contains("Warning: numbers of the published protocol leak"));
        assert!(page.contains("class away") && page.contains("chosen on the test images"));
        for file in ["metrics.csv", "scores.csv", "roc.csv", "pr.csv"] {
            assert!(
                text(&files, file).contains(&format!(
                    "# WARNING{}: {PUBLISHED_WARNING}\n",
                    if words == LEAK {
                        ""
                    } else {
                        " for the numbers marked published"
                    }
                )),
                "{file}"
            );
        }
        for file in ["roc.svg", "pr.svg"] {
            assert!(text(&files, file).contains(words), "{file}");
        }
        assert!(text(&files, "epochs.svg").contains(LEAK));
        for table in [
            "All classes together, with 95 % intervals ",
            "AUROC by class; the best honest value of each row is bold ",
        ] {
            let caption = format!("<caption><span class=\"stay\">{table}<span class=\"leak\">");
            assert!(page.contains(&caption), "{caption}");
        }
        for chart in [
            "ROC curves",
            "Precision and recall",
            "AUROC after each epoch",
        ] {
            let caption = format!("<figcaption>{chart}<span class=\"leak\">");
            assert!(page.contains(&caption), "{caption}");
        }
    }
    // Where only the published protocol was run, all of it leaks.
    let (page, files) = made(&only);
    let drawings = page.matches("<figure").count();
    assert_eq!(page.matches("<figcaption>").count(), drawings);
    let marked = page.split("<figcaption>").skip(1).filter(|rest| {
        rest.split("</figcaption>")
            .next()
            .is_some_and(|caption| caption.contains("class=\"leak\""))
    });
    assert_eq!(marked.count(), drawings);
    for (name, bytes) in &files {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.contains("leak"), "{name}");
    }
    // And where it was not, nothing speaks of it.
    let mut honest = everything;
    honest.methods.retain(|m| m.protocol == Protocol::Honest);
    honest.published = None;
    let (page, files) = made(&honest);
    assert!(!page.contains("published protocol") && !page.contains("class=\"leak\""));
    assert!(
        files
            .iter()
            .all(|(_, bytes)| !std::str::from_utf8(bytes).unwrap().contains("leak"))
    );
}

#[test]
fn csv_files_hold_every_picture_and_every_name() {
    let evaluation = full(300);
    let (_, files) = made(&evaluation);
    let scores = rows(text(&files, "scores.csv"));
    assert_eq!(scores.len(), 1 + 900);
    assert_eq!(&scores[0][4], "Skip-GANomaly (honest) score");
    assert_eq!(&scores[0][8], "Skip-GANomaly (published protocol) score");
    for (k, picture) in evaluation.methods[0].pictures.iter().enumerate() {
        let row = &scores[k + 1];
        assert_eq!(
            (&row[0], &row[1]),
            (picture.name.as_str(), picture.class.as_str())
        );
        assert_eq!(row[4].parse::<f64>(), Ok(picture.raw.anomaly_score));
        let verdict = if picture.raw.anomaly_score > 0.061 {
            "anomalous"
        } else {
            "normal"
        };
        assert_eq!(&row[3], verdict);
    }
    for hostile in HOSTILE {
        assert!(scores.iter().any(|row| &row[0] == hostile), "{hostile:?}");
    }
    let metrics = rows(text(&files, "metrics.csv"));
    assert_eq!(metrics.len(), 1 + 4 * 7);
    assert_eq!(
        (&metrics[1][0], &metrics[1][2]),
        ("Skip-GANomaly", "full mix")
    );
    assert_eq!(&metrics[8][1], "published (leaks)");
    // All points, whatever the drawing shows: one a distinct score, and the start of each ROC curve.
    let roc = rows(text(&files, "roc.csv"));
    let distinct: usize = evaluation
        .methods
        .iter()
        .map(|m| {
            crate::metrics::roc_curve(&charts::labelled(m).0, &charts::labelled(m).1)
                .unwrap()
                .len()
        })
        .sum();
    assert_eq!(roc.len(), 1 + distinct);
    assert_eq!((&roc[1][2], &roc[1][3], &roc[1][4]), ("0", "0", ""));
    let top = evaluation.methods[0]
        .pictures
        .iter()
        .map(|p| p.raw.anomaly_score)
        .fold(0.0, f64::max);
    assert_eq!(roc[2][4].parse::<f64>(), Ok(top));
    assert!(text(&files, "roc.csv").starts_with("# ROC curves: all points"));
    assert_eq!(rows(text(&files, "pr.csv")).len(), 1 + distinct - 4);
}

#[test]
fn many_pictures_make_no_large_page_and_few_a_whole_one() {
    let (page, files) = made(&full(5000));
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(text(&files, "roc.svg").len() < 60_000);
    assert!(made(&full(9)).0.contains("ROC curves"));
}

#[test]
fn what_is_too_much_for_a_drawing_is_left_to_the_files() {
    let mut evaluation = full(60);
    let baseline = evaluation.methods[3].clone();
    for k in 0..6 {
        let method = format!("baseline {k}");
        evaluation.methods.push(MethodResult {
            method,
            ..baseline.clone()
        });
    }
    for (k, picture) in evaluation.methods[0].pictures.iter_mut().enumerate() {
        if picture.abnormal {
            picture.class = format!("class {}", k % 30);
        }
    }
    let (page, files) = made(&evaluation);
    assert!(page.contains("The first 8 methods are drawn"));
    assert!(page.contains("The 24 classes with the most images are drawn"));
    assert!(!text(&files, "roc.svg").contains("baseline 5"));
    assert!(text(&files, "roc.csv").contains("baseline 5"));
    let drawn = |part: &str| files.iter().filter(|f| f.0.starts_with(part)).count();
    assert_eq!(drawn("histogram-class-"), 24);
}

#[test]
fn nonsense_is_neither_drawn_nor_hidden() {
    let mut evaluation = full(60);
    for result in &mut evaluation.methods {
        result.pictures[5].raw.anomaly_score = f64::NAN;
        result.pictures[70].raw.residual = f64::INFINITY;
        result.milliseconds_per_picture = f64::NAN;
        result.classes[0].metrics.eer = f64::NAN;
        if let Some(epochs) = &mut result.epochs {
            epochs.per_epoch_auroc[3] = f64::NAN;
        }
    }
    // One method of one kind of images only: it has no curve.
    evaluation.methods[3].pictures.retain(|p| !p.abnormal);
    let (page, files) = made(&evaluation);
    for text in files
        .iter()
        .map(|(_, bytes)| std::str::from_utf8(bytes).unwrap())
        .chain([page.as_str()])
    {
        assert!(!text.contains("NaN") && !text.contains("inf ") && !text.contains("inf\""));
    }
    let empty = Evaluation {
        methods: Vec::new(),
        skipped: Vec::new(),
        published: None,
        simulated: None,
        warnings: Vec::new(),
        ..evaluation
    };
    let report = EvaluationReport {
        title: "t",
        command: "",
        evaluation: &empty,
        calibration: None,
        misses: &[],
        settings: &[],
    };
    assert!(report.to_html().contains("No method has a result"));
    assert_eq!(report.files().len(), 4);
}

#[test]
fn how_small_a_fault_is_found_stands_on_a_page_of_its_own_too() {
    let simulated = simulated();
    let a90 = simulated.detection.a90.unwrap();
    assert!((7.0..10.0).contains(&a90), "{a90}");
    let mut evaluation = full(60);
    evaluation.simulated = Some(simulated.clone());
    // Images without any labelled fault.
    let alone = Evaluation::new("data", "normal images", vec![], vec![], None);
    for evaluation in [
        evaluation,
        Evaluation {
            simulated: Some(simulated),
            ..alone
        },
    ] {
        let (page, files) = made(&evaluation);
        let answer = format!(
            "At 2.0 % false alarms the model finds 90 % of simulated faults with a contrast of 0.2 from {a90:.1} pixels"
        );
        for words in [
            &*answer,
            "not yours",
            "at no size tried",
            "from the smallest size tried",
            "detection.csv",
        ] {
            assert!(page.contains(words), "{words:?} is not in the page");
        }
        let rows = rows(text(&files, "detection.csv"));
        assert_eq!(rows.len(), 1 + 3 * 64);
        assert_eq!(&rows[1][0], "scratch");
        for name in [
            "detection-simulated-scratch.svg",
            "detection-rendered-hole.svg",
        ] {
            assert!(text(&files, name).contains("share found"));
        }
    }
    let (page, files) = made(&full(60));
    assert!(
        !page.contains("How small") && files.iter().all(|(name, _)| !name.contains("detection"))
    );
}

#[test]
fn the_answer_does_not_flatter() {
    let evaluation = full(60);
    let said = |change: &dyn Fn(&mut Evaluation)| {
        let mut evaluation = evaluation.clone();
        change(&mut evaluation);
        let report = EvaluationReport {
            title: "",
            command: "",
            evaluation: &evaluation,
            calibration: None,
            misses: &[],
            settings: &[],
        };
        report.answer().join(" ")
    };
    fn set(evaluation: &mut Evaluation, method: usize, value: f64, half: f64) {
        evaluation.methods[method].classes[0].metrics.auroc = Interval {
            value,
            low: value - half,
            high: value + half,
        };
    }
    let honest = |own: f64, other: f64, half: f64| {
        said(&|e| {
            e.methods.remove(1);
            set(e, 0, own, half);
            set(e, 1, other, half);
            set(e, 2, 0.1, half);
        })
    };
    assert_eq!(
        honest(0.75, 0.82, 0.01),
        "Skip-GANomaly ranks the images worse than PCA, 32 components, the best of the others: AUROC 0.750 (0.740 to 0.760) against 0.820 (0.810 to 0.830)."
    );
    assert!(
        honest(0.75, 0.72, 0.02)
            .ends_with("The intervals overlap, so the difference may be due to chance.")
    );
    assert!(honest(0.9, 0.72, 0.02).contains("better than PCA"));
    assert!(honest(0.7, 0.70004, 0.02).contains("as well as PCA"));
    assert!(honest(0.49, 0.7, 0.02).contains("cannot be distinguished from chance"));
    assert!(honest(0.4, 0.7, 0.02).contains("worse than chance"));
    // A number that leaks is never called better.
    let leaking = said(&|e| e.methods[0].protocol = Protocol::Published);
    assert!(leaking.contains("a number that leaks") && !leaking.contains("better"));
    let both = said(&|_| ());
    assert!(both.contains("scored honestly and") && both.contains("not come from a better model"));
    assert!(!both.contains("the best of the others: Skip"));
}

#[test]
fn the_worst_come_first() {
    let evaluation = full(60);
    let pictures = &evaluation.methods[0].pictures;
    let places = worst(pictures, 4);
    assert_eq!(places.len(), 8);
    let score = |k: usize| pictures[places[k]].raw.anomaly_score;
    assert!(places[..4].iter().all(|&k| pictures[k].abnormal));
    assert!(places[4..].iter().all(|&k| !pictures[k].abnormal));
    assert!(score(0) <= score(1) && score(4) >= score(5));
    assert!(
        pictures
            .iter()
            .filter(|p| p.abnormal)
            .all(|p| p.raw.anomaly_score >= score(0))
    );
    assert_eq!(worst(&[], 3), [0; 0]);
}

#[test]
fn verdicts_are_told_in_words() {
    let confusion = Confusion {
        threshold: 0.03,
        true_positives: 226,
        false_positives: 14,
        true_negatives: 986,
        false_negatives: 1773,
        precision: Some(226.0 / 240.0),
        recall: Some(226.0 / 1999.0),
        f1: Some(0.2),
        false_alarms: Some(0.014),
    };
    let html = tables::confusion("m", Some("set by hand"), &confusion, None).into_string();
    for words in [
        "Of 1,000 normal images, <strong>14</strong> (1.4 %)",
        "<strong>226</strong> (11.3 %) are found",
        "1,773</strong> missed",
        "94.2 % are abnormal",
    ] {
        assert!(html.contains(words), "{words} in {html}");
    }
    assert_eq!(
        [0, 999, 1000, 1_234_567].map(grouped),
        ["0", "999", "1,000", "1,234,567"]
    );
}
