//! `compare` as its users meet it: one split, the same seeds, one budget, and going on with what is there.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use skip_ganomaly::model_file::ModelFile;
use tempfile::TempDir;

use crate::common::*;

const METHODS: [&str; 3] = ["skip-ganomaly", "ganomaly", "pca"];

/// Settings of the tiny runs, but for data, methods and budget.
const SMALL: [&str; 14] = [
    "--size",
    "32",
    "--channels",
    "1",
    "--width",
    "2",
    "--features",
    "20",
    "--batch",
    "4",
    "--bootstrap",
    "50",
    "--held-out",
    "0.1",
];

/// Normal images to train on, normal and abnormal ones to test on.
fn pictures(folder: &Path) {
    for k in 0..20 {
        let name = format!("train/0.normal/{k}.png");
        save(&picture(k, false), &folder.join(name));
    }
    for k in 0..12 {
        let (part, abnormal) = if k < 6 {
            ("0.normal", false)
        } else {
            ("1.abnormal", true)
        };
        let name = format!("test/{part}/square_{k}.png");
        save(&picture(100 + k, abnormal), &folder.join(name));
    }
}

fn compare(data: &Path, report: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.arg("compare").arg("--data").arg(data);
    command.arg("--report").arg(report).args(SMALL).args(more);
    command
}

/// What all tests look at: two seeds, three methods.
const WHOLE: [&str; 9] = [
    "--components",
    "4",
    "--methods",
    "skip-ganomaly,ganomaly,pca",
    "--seeds",
    "0,1",
    "--steps",
    "6",
    "--json",
];

struct Compared {
    folder: TempDir,
    object: Value,
}

impl Compared {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }
}

static COMPARED: LazyLock<Compared> = LazyLock::new(|| {
    let folder = temporary();
    let (data, report) = (folder.path().join("data"), folder.path().join("report"));
    pictures(&data);
    let (stdout, _) = run(&mut compare(&data, &report, &WHOLE), 0);
    Compared {
        folder,
        object: json(&stdout),
    }
});

fn rows(object: &Value) -> &[Value] {
    object["rows"].as_array().expect("rows")
}

/// A copy that a test may change.
fn copied() -> (TempDir, PathBuf) {
    let copy = temporary();
    let report = copy.path().join("report");
    copy_folder(&COMPARED.report(), &report);
    (copy, report)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_method_has_a_row_for_each_seed_on_one_split() {
    let object = &COMPARED.object;
    let rows = rows(object);
    let names: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| {
            (
                row["method"].as_str().unwrap(),
                row["seed"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: Vec<(&str, u64)> = (0..2)
        .flat_map(|seed| METHODS.map(|method| (method, seed)))
        .collect();
    assert_eq!(names, expected);
    for row in rows {
        for figure in ["auroc", "auprc"] {
            let at = |end: &str| number(&row[format!("{figure}{end}")]);
            assert!(0.0 <= at("_low") && at("_high") <= 1.0, "{row}");
            assert!(at("_low") <= at("") && at("") <= at("_high"), "{row}");
        }
        for figure in ["train_secs", "ms_per_image", "parameters"] {
            assert!(number(&row[figure]) > 0.0, "{figure}: {row}");
        }
        let steps = if row["method"] == "pca" { 0 } else { 6 };
        assert_eq!(row["steps"], steps, "{row}");
        // 20 normal images, a tenth of them held out; 12 test images.
        assert_eq!(
            (&row["trained_on"], &row["held_out"]),
            (&18.into(), &2.into())
        );
        assert_eq!((&row["normal"], &row["abnormal"]), (&6.into(), &6.into()));
        assert_eq!(row["data_digest"], rows[0]["data_digest"]);
    }
    // Seeds make other networks, not other data.
    assert_ne!(rows[0]["auroc_low"], Value::Null);
    let model = |row: &Value| read(Path::new(row["model"].as_str().expect("a path")));
    assert!(model(&rows[0]) != model(&rows[3]), "seeds 0 and 1");
    let means = object["means"].as_array().expect("means");
    assert_eq!(means.len(), METHODS.len());
    for (k, mean) in means.iter().enumerate() {
        let own = [&rows[k], &rows[k + 3]].map(|row| number(&row["auroc"]));
        assert_close(
            "mean",
            number(&mean["auroc"]["mean"]),
            (own[0] + own[1]) / 2.0,
        );
    }
    assert_eq!(
        (&object["steps"], &object["minutes"]),
        (&6.into(), &Value::Null)
    );
}

#[test]
fn a_run_is_one_of_train_and_measures_as_evaluate_does() {
    let row = &rows(&COMPARED.object)[4];
    let folder = COMPARED.report().join("runs/ganomaly-seed1");
    for file in RUN_FILES {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let alone = temporary();
    let out = alone.path().join("run");
    let mut train = program();
    train
        .arg("train")
        .arg("--data")
        .arg(COMPARED.data())
        .arg("--out")
        .arg(&out);
    train
        .args(&SMALL[..10])
        .args(["--method", "ganomaly", "--seed", "1", "--steps", "6"]);
    run(&mut train, 0);
    let model = "model.safetensors";
    assert!(
        read(&out.join(model)) == read(&folder.join(model)),
        "the same model"
    );

    let mut evaluate = program();
    evaluate.arg("evaluate").arg("--model").arg(out.join(model));
    evaluate.arg("--data").arg(COMPARED.data());
    evaluate.args([
        "--seed",
        "1",
        "--bootstrap",
        "50",
        "--no-baselines",
        "--json",
    ]);
    let object = json(&run(&mut evaluate, 0).0);
    for figure in [
        "auroc",
        "auroc_low",
        "auroc_high",
        "auprc",
        "auprc_low",
        "auprc_high",
    ] {
        assert_close(
            figure,
            number(&row[figure]),
            number(&object["rows"][0][figure]),
        );
    }
}

#[test]
fn what_is_finished_is_taken_as_it_is() {
    let (_copy, report) = copied();
    let logs = |report: &Path| -> Vec<Vec<u8>> {
        let runs = METHODS.map(|method| format!("runs/{method}-seed0/events.jsonl"));
        runs.iter().map(|run| read(&report.join(run))).collect()
    };
    let before = logs(&report);
    let (stdout, stderr) = run(&mut compare(&COMPARED.data(), &report, &WHOLE), 0);
    assert_eq!(stderr.matches("already trained").count(), 6, "{stderr}");
    assert!(logs(&report) == before, "no step was taken");
    let again = json(&stdout);
    for (got, expected) in rows(&again).iter().zip(rows(&COMPARED.object)) {
        for figure in [
            "method",
            "seed",
            "auroc",
            "auroc_low",
            "auprc",
            "train_secs",
            "ms_per_image",
        ] {
            assert_eq!(got[figure], expected[figure], "{figure}");
        }
    }

    // A method more is trained; those that are there stay.
    let more = [
        "--methods",
        "nearest,skip-ganomaly",
        "--seeds",
        "0",
        "--steps",
        "6",
        "--json",
    ];
    let (stdout, stderr) = run(&mut compare(&COMPARED.data(), &report, &more), 0);
    assert_eq!(stderr.matches("already trained").count(), 1, "{stderr}");
    let object = json(&stdout);
    assert_eq!(rows(&object)[0]["method"], "nearest");
    assert_eq!(
        rows(&object)[1]["auroc"],
        rows(&COMPARED.object)[0]["auroc"]
    );
}

#[test]
fn what_is_interrupted_goes_on() {
    let folder = temporary();
    let report = folder.path().join("report");
    let more = ["--methods", "pca,ganomaly", "--steps", "300", "--json"];
    let child = compare(&COMPARED.data(), &report, &more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut child = Running(child);
    let ganomaly = report.join("runs/ganomaly-seed0");
    let steps = || {
        let log = fs::read_to_string(ganomaly.join("events.jsonl")).unwrap_or_default();
        log.matches(r#""event":"step""#).count()
    };
    wait_until("the third step", || steps() >= 3);
    signal(&child.0, "INT");
    let status = child.0.wait().expect("an ended program");
    assert_eq!(status.code(), Some(INTERRUPTED));
    let mut message = String::new();
    let stderr = child.0.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut message).expect("UTF-8");
    assert!(
        message.contains("resume with: skip-ganomaly compare"),
        "{message}"
    );
    assert!(!report.join("report.html").exists());
    assert!(!ganomaly.join("model.safetensors").exists());
    assert!(ganomaly.join("checkpoint.safetensors").exists());
    let stopped_at = steps();
    assert!(stopped_at < 300, "{stopped_at}");

    let (stdout, stderr) = run(&mut compare(&COMPARED.data(), &report, &more), 0);
    assert_eq!(stderr.matches("already trained").count(), 1, "{stderr}");
    let left = format!("; {} steps", 300 - stopped_at);
    assert!(stderr.contains(&left), "{left}: {stderr}");
    assert_eq!(steps(), 300);
    let row = rows(&json(&stdout))[1].clone();

    // As if it had never been stopped.
    let whole = folder.path().join("whole");
    let (stdout, _) = run(&mut compare(&COMPARED.data(), &whole, &more), 0);
    let expected = rows(&json(&stdout))[1].clone();
    for figure in ["auroc", "auprc", "steps"] {
        assert_close(figure, number(&row[figure]), number(&expected[figure]));
    }
    let threshold = |report: &Path| {
        let bytes = read(&report.join("runs/ganomaly-seed0/model.safetensors"));
        let model = ModelFile::from_bytes(&bytes).expect("a whole model file");
        model.header.calibration.expect("calibrated").threshold
    };
    assert_close("threshold", threshold(&report), threshold(&whole));
}

#[test]
fn other_settings_are_refused_with_what_differs() {
    let (_copy, report) = copied();
    let data = COMPARED.data();
    let seed = [
        "--components",
        "4",
        "--methods",
        "pca,ganomaly",
        "--seed",
        "0",
    ];
    for (changed, words) in [
        (&["--steps", "7"][..], &["steps 6, now 7"][..]),
        (&["--minutes", "1"], &["minutes null, now 1"]),
        (
            &["--steps", "6", "--contextual-weight", "9"],
            &["contextual-weight 50.0, now 9.0"],
        ),
        (&["--steps", "6", "--limit", "15"], &["limit null, now 15"]),
    ] {
        let mut words = words.to_vec();
        words.extend(["ganomaly-seed0", "other settings", "--report"]);
        if changed.contains(&"--limit") {
            words[1] = "pca-seed0";
        }
        refused(
            &mut compare(&data, &report, &[&seed[..], changed].concat()),
            &words,
        );
    }
    // Other images at the same place.
    let other = temporary();
    pictures(other.path());
    save(
        &picture(500, false),
        &other.path().join("train/0.normal/3.png"),
    );
    let more = [&seed[..], &["--steps", "6"]].concat();
    refused(
        &mut compare(other.path(), &report, &more),
        &["other images", "digest"],
    );
}

#[test]
fn minutes_are_a_budget_too() {
    let folder = temporary();
    let report = folder.path().join("report");
    let more = [
        "--methods",
        "ganomaly,nearest",
        "--minutes",
        "0.02",
        "--json",
    ];
    let object = json(&run(&mut compare(&COMPARED.data(), &report, &more), 0).0);
    let row = &rows(&object)[0];
    let (secs, steps) = (
        number(&row["train_secs"]),
        row["steps"].as_u64().expect("steps"),
    );
    assert!(secs >= 1.2 && steps >= 1, "{row}");
    assert_eq!(
        (&object["minutes"], &object["steps"]),
        (&0.02.into(), &Value::Null)
    );
    let (stdout, stderr) = run(&mut compare(&COMPARED.data(), &report, &more), 0);
    assert_eq!(stderr.matches("already trained").count(), 2, "{stderr}");
    assert_eq!(rows(&json(&stdout))[0], *row);
    let longer = ["--methods", "ganomaly", "--minutes", "0.03"];
    refused(
        &mut compare(&COMPARED.data(), &report, &longer),
        &["minutes 0.02, now 0.03"],
    );
}

#[test]
fn the_report_names_every_method() {
    let report = COMPARED.report();
    let page = text(&read(&report.join("report.html")));
    for heading in [
        "Results",
        "Curves",
        "The same images side by side",
        "Settings",
    ] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    for foreign in ["http://", "https://", "<script", "url("] {
        assert!(!page.contains(foreign), "found {foreign}");
    }
    let files = [
        "comparison.csv",
        "metrics.csv",
        "scores.csv",
        "roc.csv",
        "pr.csv",
        "roc.svg",
    ];
    for method in METHODS {
        assert!(page.contains(&format!("{method}</th>")), "{method}");
        for file in files {
            assert!(
                text(&read(&report.join(file))).contains(method),
                "{method} in {file}"
            );
        }
    }
    // Six abnormal and four normal images: each with its input and two images a method.
    assert_eq!(page.matches("<img").count(), 10 * (1 + 2 * METHODS.len()));
    assert_eq!(page.matches("<img").count(), page.matches(" alt=").count());
    let table = text(&read(&report.join("comparison.csv")));
    assert_eq!(table.lines().count(), 1 + 6, "{table}");

    let published = [
        "--methods",
        "pca,ganomaly",
        "--steps",
        "1",
        "--published-table",
        "mnist",
    ];
    let elsewhere = temporary();
    let words = ["--published-table", "abnormal class"];
    refused(
        &mut compare(&COMPARED.data(), elsewhere.path(), &published),
        &words,
    );
    let (_copy, report) = copied();
    let (table, _) = run(&mut compare(&COMPARED.data(), &report, &WHOLE[..8]), 0);
    for word in [
        "AUROC",
        "95 % interval",
        "train s",
        "ms/image",
        "parameters",
        "mean",
    ] {
        assert!(table.contains(word), "{word}: {table}");
    }
}

#[test]
fn wrong_commands_are_refused_before_anything_is_trained() {
    let folder = temporary();
    let report = folder.path().join("report");
    let data = COMPARED.data();
    let wrong = |more: &[&str], word: &str| {
        let (_, stderr) = run(&mut compare(&data, &report, more), WRONG_COMMAND_LINE);
        assert!(stderr.contains(word), "{word}: {stderr}");
    };
    wrong(&["--methods", "pca,nothing", "--steps", "6"], "nothing");
    wrong(&["--methods", "pca"], "--minutes");
    wrong(
        &["--methods", "pca", "--steps", "6", "--minutes", "1"],
        "--minutes",
    );
    wrong(&["--methods", "pca", "--minutes", "0"], "above 0");
    wrong(
        &["--methods", "pca", "--method", "pca", "--steps", "6"],
        "--method",
    );
    wrong(
        &[
            "--methods",
            "pca",
            "--steps",
            "6",
            "--seed",
            "1",
            "--seeds",
            "2",
        ],
        "--seed",
    );

    let refuse = |more: &[&str], words: &[&str]| {
        refused(&mut compare(&data, &report, more), words);
    };
    refuse(&["--methods", "pca,pca", "--steps", "6"], &["pca twice"]);
    refuse(
        &["--methods", "pca", "--seeds", "3,3", "--steps", "6"],
        &["3 twice"],
    );
    let memory = [
        "--methods",
        "ganomaly",
        "--preset",
        "memory",
        "--steps",
        "6",
    ];
    refuse(&memory, &["--preset", "skip-ganomaly"]);
    let masked = [
        "--methods",
        "ganomaly,pca",
        "--input-mask",
        "0.2",
        "--steps",
        "6",
    ];
    refuse(&masked, &["input-mask", "left out", "ganomaly, pca"]);
    let alone = ["--methods", "pca", "--steps", "6"];
    refuse(&alone, &["width", "left out", "pca"]);
    let out_of_range = [
        "--methods",
        "skip-ganomaly,pca",
        "--steps",
        "6",
        "--label-smoothing",
        "3",
    ];
    refuse(&out_of_range, &["label-smoothing", "got 3"]);
    let normal = data.join("train");
    let nothing = ["--methods", "pca,ganomaly", "--steps", "6"];
    refused(
        &mut compare(&normal, &report, &nothing),
        &["normal and abnormal test images"],
    );
    assert!(!report.exists(), "nothing was written");
}
