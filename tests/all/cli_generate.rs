//! `generate`, and the same data without files, as `--data product:LINE`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use skip_ganomaly::data::dataset::{Dataset, Kind, Options};
use skip_ganomaly::data::image::Preprocessing;
use walkdir::WalkDir;

use crate::common::*;

/// A small set; the source has the same options.
const SMALL: [&str; 14] = [
    "--product",
    "gear",
    "--size",
    "32",
    "--channels",
    "1",
    "--normals",
    "24",
    "--test",
    "12",
    "--faults",
    "chip,discolouration",
    "--fault-size",
    "6..12",
];
const SOURCE: &str = "product:gear,size=32,channels=1,normals=24,test=12,faults=chip+discolouration,fault-size=6..12";

fn generate(options: &[&str], out: &Path) -> Command {
    let mut command = program();
    command.arg("generate").args(options).arg("--out").arg(out);
    command
}

/// All files of a folder, below it.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    let below = |path: PathBuf| {
        path.strip_prefix(folder)
            .expect("below")
            .display()
            .to_string()
    };
    files.map(|entry| below(entry.into_path())).collect()
}

fn grey(path: &Path) -> image::GrayImage {
    match image::open(path).expect("an image") {
        image::DynamicImage::ImageLuma8(grey) => grey,
        other => panic!("expected grey, got {:?}", other.color()),
    }
}

#[test]
fn a_folder_has_pictures_masks_and_a_manifest() {
    let folder = temporary();
    let out = folder.path().join("new/set");
    let (said, _) = run(&mut generate(&SMALL, &out), 0);
    for words in [
        "24 normal",
        "6 normal, 6 faulty",
        "3 chip, 3 discolouration",
    ] {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
    let mut expected = BTreeSet::from(["README.txt".to_owned(), "manifest.jsonl".to_owned()]);
    expected.extend((0..24).map(|number| format!("train/good/{number:03}.png")));
    expected.extend((0..6).map(|number| format!("test/good/{number:03}.png")));
    for kind in ["chip", "discolouration"] {
        expected.extend((0..3).map(|number| format!("test/{kind}/{number:03}.png")));
        expected.extend((0..3).map(|number| format!("ground_truth/{kind}/{number:03}_mask.png")));
    }
    assert_eq!(files(&out), expected);
    assert_eq!(
        fs::read_dir(out.parent().expect("a folder"))
            .expect("a folder")
            .count(),
        1
    );

    let readme = fs::read_to_string(out.join("README.txt")).expect("a text");
    for words in [
        "rendered, not photographed",
        env!("CARGO_PKG_VERSION"),
        "generate --product gear --size 32",
    ] {
        assert!(readme.contains(words), "{words:?} is not in: {readme}");
    }
    let manifest = json_lines(&fs::read_to_string(out.join("manifest.jsonl")).expect("a text"));
    assert_eq!(manifest.len(), 36);
    for row in &manifest {
        let file = row["file"].as_str().expect("a file");
        assert_eq!(
            (&row["product"], &row["drift"]),
            (&"gear".into(), &Value::Null)
        );
        assert_eq!(row["seed"].as_str().expect("a seed").len(), 16);
        assert_eq!(grey(&out.join(file)).dimensions(), (32, 32));
        if file.contains("good") {
            assert_eq!(row["fault"], Value::Null, "{file}");
            continue;
        }
        assert!(file.starts_with(&format!("test/{}/", row["fault"].as_str().expect("a kind"))));
        assert!((6.0..=12.0).contains(&number(&row["size"])), "{row}");
        assert!((0.4..=1.0).contains(&number(&row["contrast"])), "{row}");
        assert!(number(&row["difference"]) >= 1.0, "{row}");
        let mask = grey(&out.join(row["mask"].as_str().expect("a mask")));
        assert!(mask.iter().all(|&value| value == 0 || value == 255));
        let on: Vec<(u32, u32)> = mask
            .enumerate_pixels()
            .filter(|(.., value)| value.0 == [255])
            .map(|(x, y, _)| (x, y))
            .collect();
        assert_eq!(row["area"], on.len());
        let columns = || on.iter().map(|&(x, _)| x);
        let rows = || on.iter().map(|&(_, y)| y);
        let (left, top) = (
            columns().min().expect("a pixel"),
            rows().min().expect("a pixel"),
        );
        let (right, bottom) = (
            columns().max().expect("a pixel"),
            rows().max().expect("a pixel"),
        );
        let bounds = [left, top, right + 1 - left, bottom + 1 - top];
        assert_eq!(row["box"], serde_json::json!(bounds));
    }
}

#[test]
fn a_folder_that_holds_anything_is_refused() {
    let folder = temporary();
    let out = folder.path().join("set");
    fs::create_dir(&out).expect("a new folder");
    let few = [
        "--product",
        "gear",
        "--size",
        "32",
        "--normals",
        "2",
        "--test",
        "2",
        "--json",
    ];
    let summary = json(&run(&mut generate(&few, &out), 0).0);
    assert_eq!(
        (&summary["train"], &summary["good"], &summary["faulty"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(summary["faults"], serde_json::json!({ "chip": 1 }));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = folder.path().join("plain");
        fs::create_dir(&plain).expect("a new folder");
        let mode = |path: &Path| fs::metadata(path).expect("a folder").permissions().mode();
        assert_eq!(mode(&out), mode(&plain));
    }
    let before = files(&out);
    refused(&mut generate(&few, &out), &["already holds files", "--out"]);
    assert_eq!(files(&out), before);
    let file = out.join("README.txt");
    refused(
        &mut generate(&few, &file),
        &["a folder to create", "README.txt"],
    );
}

#[test]
fn bad_values_get_the_range_and_leave_nothing() {
    let folder = temporary();
    let out = folder.path().join("set");
    for (option, value, words) in [
        ("--size", "31", "32 to 2048 pixels, got 31"),
        ("--size", "2049", "32 to 2048 pixels"),
        ("--channels", "2", "1 or 3 channels"),
        ("--normals", "0", "expected 1 to"),
        ("--test", "-1", "expected 0 to"),
        ("--fault-size", "8..4", "the smaller one first"),
        ("--fault-share", "1.1", "a share of 0 to 1"),
        ("--drift", "rain", "light, focus, camera or material"),
        ("--seed", "x", "a seed of 0 to"),
    ] {
        let given = format!("{option}={value}");
        let (_, said) = run(
            &mut generate(&["--product", "gear", &given], &out),
            WRONG_COMMAND_LINE,
        );
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
    let (_, said) = run(
        &mut generate(&["--product", "cup"], &out),
        WRONG_COMMAND_LINE,
    );
    assert!(said.contains("fabric, board, gear or wood"), "{said}");
    for (option, value, words) in [
        ("--faults", "chip,knot", "bent-tooth, crack"),
        ("--fault-size", "4..65", "of 1 to 64, got 4..65"),
        ("--fault-contrast", "2", "of 0 to 1, got 2..2"),
    ] {
        refused(
            &mut generate(&["--product", "gear", option, value], &out),
            &[words],
        );
    }
    let faint = [
        "--product",
        "gear",
        "--size",
        "32",
        "--normals",
        "1",
        "--fault-contrast",
        "0",
    ];
    refused(&mut generate(&faint, &out), &["too small or too faint"]);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
#[cfg(unix)]
fn ctrl_c_leaves_nothing() {
    let folder = temporary();
    let out = folder.path().join("set");
    let mut command = generate(
        &["--product", "gear", "--size", "512", "--normals", "100000"],
        &out,
    );
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut child = Running(child);
    let entries = || fs::read_dir(folder.path()).expect("a folder").count();
    wait_until("the temporary folder", || entries() > 0);
    signal(&child.0, "INT");
    assert_eq!(child.0.wait().expect("an end").code(), Some(INTERRUPTED));
    assert_eq!(entries(), 0);
}

#[test]
fn the_source_gives_the_pictures_and_masks_of_the_folder() {
    let folder = temporary();
    let out = folder.path().join("set");
    run(&mut generate(&SMALL, &out), 0);
    let open = |source: &str| Dataset::open(source, &Options::default()).expect("a data set");
    let (files, source) = (open(&out.display().to_string()), open(SOURCE));
    assert_eq!(
        (source.kind, source.kind.as_str()),
        (Kind::Product, "product")
    );
    assert_eq!(source.classes, files.classes);
    assert_eq!((source.train.len(), source.test_counts()), (24, (6, 6)));
    for word in [
        "gear",
        "rendered",
        "32 x 32, grey",
        "chip, discolouration of 6 to 12 pixels",
    ] {
        assert!(source.description.contains(word), "{}", source.description);
    }
    let pairs = |a, b| std::iter::zip::<&Vec<_>, &Vec<_>>(a, b);
    let all = pairs(&files.train, &source.train).chain(pairs(&files.test, &source.test));
    for (file, rendered) in all {
        assert_eq!(
            (&file.name, &file.class, file.abnormal),
            (&rendered.name, &rendered.class, rendered.abnormal)
        );
        let [a, b] =
            [file, rendered].map(|sample| sample.picture().expect("a picture").pixels.into_bytes());
        assert_eq!(a, b, "{}", file.name);
        for input in [Preprocessing::new(32, 1), Preprocessing::new(64, 3)] {
            assert_eq!(file.load(&input), rendered.load(&input));
        }
        let [a, b] = [file, rendered].map(|sample| {
            sample
                .mask
                .as_ref()
                .map(|mask| mask.load(16).expect("a mask"))
        });
        assert_eq!(a, b, "{}", file.name);
        assert_eq!(a.is_some(), file.abnormal);
    }
}

/// What is trained from the source is what is trained from the folder, and every verb takes both.
#[test]
fn every_verb_takes_the_source() {
    let folder = temporary();
    let set = folder.path().join("set");
    run(&mut generate(&SMALL, &set), 0);
    let models = [("files", set.as_path()), ("source", Path::new(SOURCE))].map(|(name, data)| {
        let out = folder.path().join(name);
        run(&mut train(data, &out, &["--batch", "8", "--steps", "4"]), 0);
        out.join("model.safetensors")
    });
    let evaluated = |model: &Path, data: &Path| {
        let mut command = program();
        command
            .arg("evaluate")
            .arg("--model")
            .arg(model)
            .arg("--data")
            .arg(data);
        json(&run(command.args(["--bootstrap", "20", "--json"]), 0).0)
    };
    let objects = [
        evaluated(&models[0], &set),
        evaluated(&models[1], Path::new(SOURCE)),
    ];
    assert_eq!(objects[0]["rows"], objects[1]["rows"]);
    assert_eq!(objects[1]["data"], SOURCE);
    let methods = objects.map(|object| object["methods"].as_array().expect("methods").clone());
    assert_eq!(methods[1].len(), 3);
    for (of_files, of_source) in methods[0].iter().zip(&methods[1]) {
        assert_eq!(of_files["pixel"], of_source["pixel"]);
        assert_eq!(of_source["pixel"]["masked_pictures"], 6);
    }

    let fitted = folder.path().join("fitted.safetensors");
    let mut command = program();
    command
        .arg("calibrate")
        .arg("--model")
        .arg(&models[1])
        .args(["--data", SOURCE]);
    let (_, said) = run(command.arg("--out").arg(&fitted), 0);
    assert!(
        !said.contains("other"),
        "recognises what it was trained on: {said}"
    );

    let report = folder.path().join("report");
    let mut command = program();
    command.args([
        "compare",
        "--data",
        SOURCE,
        "--methods",
        "pca,nearest",
        "--steps",
        "1",
        "--size",
        "32",
    ]);
    command.args([
        "--channels",
        "1",
        "--components",
        "4",
        "--bootstrap",
        "20",
        "--json",
        "--report",
    ]);
    let first = run(command.arg(&report), 0).0;
    assert_eq!(json(&first)["data"], SOURCE);
    // The runs are found again.
    assert_eq!(run(&mut command, 0).0, first);

    for (source, words) in [
        (
            "product:cup",
            "product:cup: expected fabric, board, gear or wood",
        ),
        (
            "product:gear,size=9",
            "expected a size of 32 to 2048 pixels, got 9",
        ),
        (
            "product:gear,sizes=9",
            "expected one of the options size, channels",
        ),
    ] {
        let out = folder.path().join("none");
        refused(&mut train(Path::new(source), &out, &[]), &[words]);
        assert!(!out.exists());
    }
    let mut command = train(
        Path::new(SOURCE),
        &folder.path().join("none"),
        &["--abnormal", "chip"],
    );
    refused(&mut command, &["a product line, whose faults are abnormal"]);
}
