//! The program as its users meet it: files, lines, exit codes, messages.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use skip_ganomaly::data::batch::split_held_out;
use skip_ganomaly::data::folder::Folder;
use skip_ganomaly::metrics::quantile;
use skip_ganomaly::model_file::ModelFile;

use crate::common::*;

#[test]
fn a_run_leaves_its_files() {
    let trained = &*TRAINED;
    assert_eq!(
        trained.files.keys().collect::<Vec<_>>(),
        RUN_FILES,
        "and no temporary ones"
    );

    let summary = json_lines(&trained.summary);
    assert_eq!(summary.len(), 1, "{}", trained.summary);
    let summary = &summary[0];
    assert_eq!(summary["pictures"], 450);
    assert_eq!(summary["held_out"], 50);
    assert_eq!(summary["steps"], 56);
    assert_eq!(summary["skipped"], 0);
    assert_eq!(summary["bytes"], trained.files["model.safetensors"].len());

    let model = trained.model();
    let calibration = model.header.calibration.as_ref().expect("calibrated");
    assert_eq!(calibration.normals, 50);
    assert_eq!(number(&summary["threshold"]), calibration.threshold);
    assert_eq!(model.header.licence.as_deref(), Some("MIT"));
    assert!(model.header.self_check.is_some());
    assert!(model.tensors.keys().all(|name| !name.starts_with("adam.")));
    let checkpoint = ModelFile::from_bytes(&trained.files["checkpoint.safetensors"]);
    let checkpoint = checkpoint.expect("a whole checkpoint");
    assert_eq!(checkpoint.header.training.expect("settings").steps, 56);

    let events = json_lines(&trained.text("events.jsonl"));
    let of = |kind: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| event["event"] == kind)
            .collect()
    };
    assert_eq!(events[0]["event"], "started");
    assert_eq!(events[0]["total_steps"], 56);
    assert_eq!(events[0]["config"]["width"], 2);
    let steps = of("step");
    assert_eq!(steps.len(), 56);
    for (number, event) in (1_u64..).zip(&steps) {
        assert_eq!(event["step"], number);
        assert_eq!(event["epoch"], (number - 1) / 28 + 1);
        for loss in [
            "adversarial",
            "contextual",
            "latent",
            "generator",
            "discriminator",
        ] {
            assert!(event[loss].is_f64(), "{event}");
        }
    }
    // Five seeds ended between 0.15 and 0.56 of the first, each by its last step alone.
    let contextual: Vec<f64> = steps.iter().map(|s| number(&s["contextual"])).collect();
    let last = contextual[46..].iter().sum::<f64>() / 10.0;
    assert!(last < 0.8 * contextual[0], "it learns: {contextual:?}");
    assert_eq!(of("epoch").len(), 2);
    assert!(number(&of("epoch")[1]["held_out_residual"]) > 0.0);
    let last = events.last().expect("events");
    assert_eq!(last["event"], "finished");
    assert_eq!(last["threshold"], summary["threshold"]);

    let settings = json(&trained.text("run.json"));
    let command = settings["command"].as_str().expect("the command line");
    assert!(command.starts_with("skip-ganomaly train"), "{command}");
}

#[test]
fn the_report_loads_nothing() {
    let html = TRAINED.text("report.html");
    assert!(html.starts_with("<!DOCTYPE html>"), "{:.80}", html);
    assert!(html.contains("<svg") && html.contains("data:image/png;base64,"));
    let lower = html.to_lowercase();
    for attribute in ["src=", "href=", "data=", "action=", "srcset=", "url("] {
        for (at, _) in lower.match_indices(attribute) {
            let value = lower[at + attribute.len()..].trim_start_matches(['"', '\'', ' ']);
            assert!(
                value.starts_with("data:image/png;base64,") || value.starts_with('#'),
                "{:.100}",
                &lower[at..]
            );
        }
    }
    for forbidden in ["<script src", "<link", "@import", "<iframe", "<base"] {
        assert!(!lower.contains(forbidden), "{forbidden}");
    }
    let threshold = TRAINED.model().header.calibration.expect("calibrated");
    let digits = threshold.threshold.to_string();
    assert!(html.contains(&digits[..5]), "the threshold {digits}");
}

#[test]
fn an_interrupted_run_ends_like_an_uninterrupted_one() {
    let folder = temporary();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let more = ["--batch", "16", "--epochs", "3", "--seed", "9"];
    run(&mut train(&solar_ir(), &whole, &more), 0);

    let child = train(&solar_ir(), &parts, &more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut child = Running(child);
    let events = parts.join("events.jsonl");
    let steps_done = || {
        let log = fs::read_to_string(&events).unwrap_or_default();
        log.matches(r#""event":"step""#).count()
    };
    wait_until("the third step", || steps_done() >= 3);
    signal(&child.0, "INT");
    let status = child.0.wait().expect("an ended program");
    assert_eq!(status.code(), Some(INTERRUPTED));
    let mut message = String::new();
    let stderr = child.0.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut message).expect("UTF-8");
    assert!(message.contains("--resume"), "{message}");
    assert!(!parts.join("model.safetensors").exists());
    let stopped = json_lines(&fs::read_to_string(&events).expect("events"));
    let last = stopped.last().expect("events");
    assert_eq!(last["event"], "interrupted");
    let stopped_at = last["step"].as_u64().expect("a step");
    assert!((3..84).contains(&stopped_at), "{last}");

    // What would overwrite it is refused.
    refused(
        &mut train(&solar_ir(), &parts, &more),
        &["already holds a run", "--resume"],
    );

    let resume = |out: &Path| {
        let mut command = program();
        command.args(["train", "--json", "--resume"]).arg(out);
        command
    };
    // The checkpoint alone, wherever it was carried, is enough to go on.
    let carried = folder.path().join("carried.safetensors");
    fs::copy(parts.join("checkpoint.safetensors"), &carried).expect("a copy");
    let elsewhere = folder.path().join("elsewhere");
    let solar_ir = solar_ir();
    refused(&mut resume(&carried), &["--out RUN", "checkpoint file"]);
    refused(
        resume(&carried).arg("--out").arg(&elsewhere),
        &["--data DATA", "checkpoint file"],
    );
    refused(
        resume(&parts).arg("--out").arg(&elsewhere),
        &["expected no --out"],
    );
    let mut from_file = resume(&carried);
    from_file.arg("--data").arg(&solar_ir).arg("--out");
    refused(from_file.arg(&whole), &["already holds a run"]);
    assert!(
        !elsewhere.exists(),
        "nothing is written before a run can start"
    );
    let mut from_file = resume(&carried);
    from_file.arg("--data").arg(&solar_ir).arg("--out");
    let (summary, _) = run(from_file.arg(&elsewhere), 0);
    assert_eq!(json(&summary)["steps"], 84);

    let (summary, _) = run(&mut resume(&parts), 0);
    assert_eq!(json(&summary)["steps"], 84);

    let read = |out: &Path| {
        let bytes = fs::read(out.join("model.safetensors")).expect("a model");
        ModelFile::from_bytes(&bytes).expect("a whole model file")
    };
    let expected = read(&whole);
    for got in [read(&parts), read(&elsewhere)] {
        assert!(
            got.tensors.keys().eq(expected.tensors.keys()),
            "the same tensors"
        );
        for (name, expected) in &expected.tensors {
            for (got, expected) in got.tensors[name].values.iter().zip(&expected.values) {
                assert!(
                    (got - expected).abs() <= 1e-6 * expected.abs().max(1e-3),
                    "{name}: got {got}, expected {expected}"
                );
            }
        }
        let threshold = |model: &ModelFile| model.header.calibration.as_ref().map(|c| c.threshold);
        assert_close(
            "threshold",
            threshold(&got).expect("calibrated"),
            threshold(&expected).expect("calibrated"),
        );
    }
    // And every loss after it.
    let losses = |out: &Path| -> Vec<Value> {
        let text = fs::read_to_string(out.join("events.jsonl")).expect("events");
        let mut events = json_lines(&text);
        events
            .retain(|event| event["event"] == "step" && event["step"].as_u64() > Some(stopped_at));
        events
    };
    let (expected, got) = (losses(&whole), losses(&elsewhere));
    assert_eq!(got.len() as u64, 84 - stopped_at);
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(got["step"], expected["step"]);
        assert_close(
            "contextual",
            number(&got["contextual"]),
            number(&expected["contextual"]),
        );
    }
    // Its folder is a run's like any other.
    let files = |out: &Path| -> Vec<_> {
        let entries = fs::read_dir(out).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("a file").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(files(&elsewhere), RUN_FILES);

    // Each step is logged once, in order, whoever took it.
    let events = json_lines(&fs::read_to_string(&events).expect("events"));
    let steps: Vec<u64> = events
        .iter()
        .filter(|event| event["event"] == "step")
        .map(|event| event["step"].as_u64().expect("a step"))
        .collect();
    assert_eq!(steps, (1..=84).collect::<Vec<_>>());
    assert_eq!(events.iter().filter(|e| e["event"] == "started").count(), 2);

    // Other images do not go with the checkpoint.
    let other = folder.path().join("other");
    for k in 0..20 {
        save(&picture(k, false), &other.join(format!("{k}.png")));
    }
    refused(
        resume(&parts).arg("--data").arg(&other),
        &["other images", "digest", "got"],
    );
}

#[test]
fn a_finished_run_resumed_gives_the_same_model() {
    let folder = temporary();
    for (name, bytes) in &TRAINED.files {
        fs::write(folder.path().join(name), bytes).expect("a written file");
    }
    let mut command = program();
    command
        .args(["train", "--json", "--resume"])
        .arg(folder.path());
    let (summary, _) = run(&mut command, 0);
    assert_eq!(json(&summary)["steps"], 56);
    let model = fs::read(folder.path().join("model.safetensors")).expect("a model");
    let read = ModelFile::from_bytes(&model).expect("a whole model file");
    // The licence was an option of the first command.
    assert_eq!(read.header, TRAINED.model().header);
    assert!(
        model == TRAINED.files["model.safetensors"],
        "the same bytes"
    );
}

#[test]
fn scores_do_not_depend_on_order_batch_or_threads() {
    let (_folder, model) = with_model();
    let paths = some_pictures();
    assert!(paths.len() > 8);
    let expected = scored(&model, &paths, &[]);
    assert_eq!(paths_of(&expected), paths, "one line an image, in order");
    let threshold = TRAINED.model().header.calibration.expect("calibrated");
    let threshold = threshold.threshold;
    for row in &expected {
        let score = number(&row["score"]);
        let parts = 0.9 * number(&row["residual"]) + 0.1 * number(&row["latent"]);
        assert_close("A = 0.9 R + 0.1 L", score, parts);
        assert_eq!(number(&row["threshold"]), threshold);
        let anomalous = score > threshold;
        let verdict = if anomalous { "anomalous" } else { "normal" };
        assert_eq!(row["verdict"], verdict);
        let display = number(&row["display"]);
        assert!((0.0..=1.0).contains(&display) && (display > 0.5) == anomalous);
        assert!(row.get("error").is_none(), "{row}");
    }

    let by_path: BTreeMap<PathBuf, &Value> =
        paths_of(&expected).into_iter().zip(&expected).collect();
    let check = |rows: Vec<Value>, order: &[PathBuf]| {
        assert_eq!(paths_of(&rows), order);
        for (row, path) in rows.iter().zip(order) {
            for part in ["score", "residual", "latent", "display"] {
                let what = format!("{part} of {}", path.display());
                assert_close(&what, number(&row[part]), number(&by_path[path][part]));
            }
        }
    };
    for path in [&paths[0], &paths[5]] {
        let alone = std::slice::from_ref(path);
        check(scored(&model, alone, &[]), alone);
    }
    let reversed: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    check(scored(&model, &reversed, &[]), &reversed);
    for batch in ["1", "7", "64"] {
        check(scored(&model, &paths, &["--batch", batch]), &paths);
    }
    let mut command = score(&model, &paths, &["--json"]);
    let (stdout, _) = run(command.env("RAYON_NUM_THREADS", "1"), 0);
    check(json_lines(&stdout), &paths);
}

#[test]
fn unreadable_pictures_are_named_and_the_rest_is_scored() {
    let (folder, model) = with_model();
    let good = some_pictures();
    let png = fs::read(&good[0]).expect("an image");
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a written file");
        path
    };
    let paths = [
        good[0].clone(),
        at("empty.png", b""),
        at(
            "text.png",
            b"This is no image at all, but a line of text.\n",
        ),
        good[1].clone(),
        at("half.png", &png[..png.len() / 2]),
        folder.path().join("missing.png"),
        good[2].clone(),
    ];
    let command = &mut score(&model, &paths, &["--json", "--batch", "3"]);
    let (stdout, stderr) = run(command, SOME_SKIPPED);
    let rows = json_lines(&stdout);
    assert_eq!(paths_of(&rows), paths);
    let whole = scored(&model, &good[..3], &[]);
    for (at, row) in rows.iter().enumerate() {
        match [0, 3, 6].iter().position(|&good| good == at) {
            Some(good) => {
                assert!(row.get("error").is_none(), "{row}");
                assert_close(
                    "score",
                    number(&row["score"]),
                    number(&whole[good]["score"]),
                );
            }
            None => {
                let reason = row["error"].as_str().expect("a reason");
                assert!(reason.len() > 10, "{row}");
                assert!(row["score"].is_null() && row["verdict"].is_null(), "{row}");
            }
        }
    }
    let reason = |at: usize| rows[at]["error"].as_str().expect("a reason");
    assert!(reason(1).contains("empty"), "{}", reason(1));
    assert!(reason(2).contains("text"), "{}", reason(2));
    assert!(reason(4).contains("PNG"), "{}", reason(4));
    assert!(stderr.contains("4 of 7"), "{stderr}");

    // None that can be read is no crash either; the table says the same.
    let (stdout, _) = run(&mut score(&model, &paths[1..3], &[]), SOME_SKIPPED);
    assert_eq!(stdout.matches("error").count(), 2, "{stdout}");
}

#[test]
fn tables_csv_and_heat_maps() {
    let (folder, model) = with_model();
    let paths = &some_pictures()[..3];
    let expected = scored(&model, paths, &[]);

    let (table, _) = run(&mut score(&model, paths, &[]), 0);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    for (line, row) in lines[1..].iter().zip(&expected) {
        let digits = format!("{:.6}", number(&row["score"]));
        assert!(line.contains(&digits), "{digits} in {line}");
        assert!(line.contains(row["verdict"].as_str().expect("a verdict")));
        assert!(line.ends_with(row["path"].as_str().expect("a path")));
    }

    let bad = folder.path().join("bad, and \"quoted\".png");
    fs::write(&bad, "").expect("a written file");
    let (csv, maps) = (folder.path().join("s.csv"), folder.path().join("maps"));
    let mut all = paths.to_vec();
    all.insert(1, bad.clone());
    let command = &mut score(&model, &all, &[]);
    let (stdout, _) = run(
        command.arg("--csv").arg(&csv).arg("--maps").arg(&maps),
        SOME_SKIPPED,
    );
    assert_eq!(stdout, "", "the rows are in the file");
    let mut reader = csv::Reader::from_path(&csv).expect("a CSV file");
    let rows: Vec<BTreeMap<String, String>> = reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("whole rows");
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[1]["path"], bad.display().to_string());
    assert!(rows[1]["error"].contains("empty") && rows[1]["score"].is_empty());
    for (row, expected) in [&rows[0], &rows[2], &rows[3]].into_iter().zip(&expected) {
        for column in ["score", "residual", "latent", "threshold", "display"] {
            let got: f64 = row[column].parse().expect("a number");
            assert_close(column, got, number(&expected[column]));
        }
        assert_eq!(
            row["verdict"],
            expected["verdict"].as_str().expect("a verdict")
        );
        assert_eq!(row["error"], "");
    }

    let mut names: Vec<String> = fs::read_dir(&maps)
        .expect("the folder of maps")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into()
        })
        .collect();
    names.sort();
    let mut wanted: Vec<String> = paths
        .iter()
        .map(|path| {
            format!(
                "{}.heat.png",
                path.file_stem().expect("a name").to_string_lossy()
            )
        })
        .collect();
    wanted.sort();
    assert_eq!(names, wanted);
    let map = image::open(maps.join(&names[0]))
        .expect("an image")
        .into_rgba8();
    assert_eq!(map.dimensions(), (32, 32));
    assert!(map.pixels().all(|pixel| pixel.0[3] == 255));
}

#[test]
fn another_residual_has_no_threshold() {
    let (_folder, model) = with_model();
    let paths = &some_pictures()[..2];
    let (l1, l2) = (
        scored(&model, paths, &["--residual", "l1"]),
        scored(&model, paths, &["--residual", "l2"]),
    );
    assert_eq!(l1, scored(&model, paths, &[]), "L1 is the model's own");
    for (l1, l2) in l1.iter().zip(&l2) {
        assert!(number(&l1["threshold"]) > 0.0);
        for absent in ["threshold", "verdict", "display"] {
            assert!(l2[absent].is_null(), "{l2}");
        }
        // The mean of squares is at least the square of the mean, and here below the mean.
        let (mean, squares) = (number(&l1["residual"]), number(&l2["residual"]));
        assert!(squares >= mean * mean && squares < 2.0 * mean);
        assert_ne!(l1["score"], l2["score"]);
        assert_eq!(l1["latent"], l2["latent"]);
    }
    let (table, _) = run(&mut score(&model, paths, &["--residual", "l2"]), 0);
    assert_eq!(table.matches("uncalibrated").count(), 2, "{table}");
}

#[test]
fn inspect_tells_what_a_file_holds() {
    let (_folder, model) = with_model();
    let bytes = &TRAINED.files["model.safetensors"];
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let calibration = TRAINED.model().header.calibration.expect("calibrated");

    let inspect = |more: &[&str]| run(program().arg("inspect").arg(&model).args(more), 0).0;
    let words = inspect(&[]);
    for word in [
        "skip-ganomaly",
        "32 × 32",
        "grey",
        &hex,
        "56 steps",
        "450 normal images",
        "50 held out",
        &calibration.threshold.to_string(),
        "MIT",
    ] {
        assert!(words.contains(word), "{word:?} is not in:\n{words}");
    }
    assert!(words.contains("A = 0.9 R + 0.1 L"), "{words}");

    let object = json(&inspect(&["--json"]));
    assert_eq!(object["bytes"], bytes.len());
    assert_eq!(object["sha256"], hex);
    assert_eq!(object["header"]["architecture"]["size"], 32);
    assert_eq!(object["header"]["training"]["config"]["epochs"], 2);
    let threshold = number(&object["header"]["calibration"]["threshold"]);
    assert_eq!(threshold, calibration.threshold);
    let shape = &object["tensors"]["generator.encoder.0.conv.weight"];
    assert_eq!(*shape, serde_json::json!([2, 1, 4, 4]));
}

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file)
}

/// Columns of the published networks' outputs for the images of `tests/golden/images`.
fn published(file: &str, column: &str) -> Vec<f64> {
    let bytes = fs::read(golden(file)).expect("golden vectors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("golden vectors");
    let data = tensors.tensor(column).expect("a golden column").data();
    data.chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into())
        .collect()
}

fn import(method: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = program();
    let network = |name: &str| golden(&format!("{method}_{name}.pth"));
    command
        .arg("import")
        .arg("--generator")
        .arg(network("netG"));
    command.arg("--discriminator").arg(network("netD"));
    command.arg("--out").arg(out).args(more);
    command
}

/// From the authors' checkpoints to the authors' scores.
#[test]
fn imported_checkpoints_score_as_published() {
    let folder = temporary();
    let images: Vec<PathBuf> = (0..8).map(|k| golden(&format!("images/{k}.png"))).collect();
    let inspect = |model: &Path| run(program().arg("inspect").arg(model), 0).0;
    let compare = |model: &Path, residual: &str, file: &str, column: &str| {
        let rows = scored(model, &images, &["--residual", residual]);
        for (row, expected) in rows.iter().zip(published(file, column)) {
            let got = number(&row["score"]);
            assert!(
                (got - expected).abs() <= 1e-4 * expected,
                "{column}: got {got}, expected {expected}"
            );
            for absent in ["threshold", "verdict", "display"] {
                assert!(row[absent].is_null(), "{row}");
            }
        }
    };

    let model = folder.path().join("skip.safetensors");
    let (words, _) = run(&mut import("skip_ganomaly", &model, &[]), 0);
    assert!(words.contains("threshold  none"), "{words}");
    let held = inspect(&model);
    for word in [
        "method        skip-ganomaly",
        "32 × 32 pixels, colour",
        "widths 16 (G) and 16 (D), 100 features",
        "training      not recorded",
        "calibration   none",
    ] {
        assert!(held.contains(word), "{word:?} is not in:\n{held}");
    }
    let eval = "skip_ganomaly_eval.safetensors";
    compare(&model, "l1", eval, "score_paper");
    compare(&model, "l2", eval, "score_code");
    // Imported with the code's residual, the model has it as its own.
    let by_code = folder.path().join("code.safetensors");
    run(
        &mut import("skip_ganomaly", &by_code, &["--residual", "l2"]),
        0,
    );
    compare(&by_code, "l2", eval, "score_code");

    let model = folder.path().join("new/ganomaly.safetensors");
    let (summary, _) = run(&mut import("ganomaly", &model, &["--json"]), 0);
    let summary = json(&summary);
    assert_eq!(summary["method"], "ganomaly");
    assert_eq!(summary["architecture"]["features"], 100);
    assert!(summary["threshold"].is_null(), "{summary}");
    let held = inspect(&model);
    assert!(held.contains("A = 0 R + 1 L"), "{held}");
    compare(&model, "l1", "ganomaly_eval.safetensors", "score");
}

#[test]
fn normals_calibrate_an_imported_model() {
    let folder = temporary();
    let normals = folder.path().join("normals");
    fs::create_dir(&normals).expect("a new folder");
    for k in 0..8 {
        let name = format!("{k}.png");
        fs::copy(golden("images").join(&name), normals.join(&name)).expect("a copy");
    }
    let model = folder.path().join("model.safetensors");
    let more = ["--normals", normals.to_str().expect("UTF-8"), "--json"];
    let summary = json(&run(&mut import("skip_ganomaly", &model, &more), 0).0);
    assert_eq!(
        (&summary["normals"], &summary["skipped"]),
        (&8.into(), &0.into())
    );
    let scores = published("skip_ganomaly_eval.safetensors", "score_paper");
    let expected = quantile(&scores, 0.99).expect("scores");
    let threshold = number(&summary["threshold"]);
    assert!(
        (threshold - expected).abs() < 1e-4 * expected,
        "{threshold} {expected}"
    );
    let rows = scored(&model, std::slice::from_ref(&normals), &[]);
    assert!(
        rows.iter()
            .all(|row| number(&row["threshold"]) == threshold)
    );
    assert!(rows.iter().any(|row| row["verdict"] == "normal"));

    fs::write(normals.join("broken.png"), b"no image").expect("a written file");
    let (summary, stderr) = run(&mut import("skip_ganomaly", &model, &more), SOME_SKIPPED);
    assert_eq!(json(&summary)["skipped"], 1);
    assert!(stderr.contains("broken.png"), "{stderr}");
}

#[test]
fn checkpoints_that_cannot_be_imported_leave_nothing() {
    let folder = temporary();
    let out = folder.path().join("model.safetensors");
    let netg = golden("ganomaly_netG.pth");
    let mut command = program();
    command.arg("import").arg("--generator").arg(&netg);
    command.arg("--discriminator").arg(&netg);
    let words = [
        "ganomaly_netG.pth",
        "expected a discriminator",
        "got a generator",
    ];
    refused(command.arg("--out").arg(&out), &words);
    assert!(!out.exists());
}

#[test]
fn ganomaly_is_trained_too() {
    let folder = temporary();
    let out = folder.path().join("run");
    let more = ["--method", "ganomaly", "--batch", "16", "--epochs", "1"];
    run(&mut train(&solar_ir(), &out, &more), 0);
    let model = out.join("model.safetensors");
    let held = run(program().arg("inspect").arg(&model), 0).0;
    assert!(held.contains("ganomaly (format"), "{held}");
    assert!(held.contains("A = 0 R + 1 L"), "{held}");
    for row in scored(&model, &some_pictures(), &[]) {
        assert_eq!(row["score"], row["latent"]);
        assert!(number(&row["threshold"]) > 0.0);
    }
    let more = ["--method", "ganomaly", "--input-noise", "0.1"];
    let other = folder.path().join("other");
    refused(
        &mut train(&solar_ir(), &other, &more),
        &["input-noise", "method ganomaly"],
    );
}

#[test]
fn half_precision_is_calibrated_as_it_is_written() {
    let folder = temporary();
    let out = folder.path().join("run");
    let more = [
        "--batch",
        "16",
        "--epochs",
        "2",
        "--precision",
        "f16",
        "--json",
    ];
    run(&mut train(&solar_ir(), &out, &more), 0);
    let model = out.join("model.safetensors");
    let bytes = fs::read(&model).expect("a model");
    let full = TRAINED.files["model.safetensors"].len();
    assert!(
        bytes.len() < full * 6 / 10,
        "{} of {full} bytes",
        bytes.len()
    );

    // The very images that it was calibrated on, scored by the program from the file.
    let header = ModelFile::from_bytes(&bytes).expect("a whole file").header;
    let calibration = header.calibration.expect("calibrated");
    let normals = Folder::open(&solar_ir()).expect("the sample images").train;
    let (_, held_out) = split_held_out(normals.len(), 0.1, 0);
    let paths: Vec<PathBuf> = held_out
        .iter()
        .map(|&i| normals[i].path().to_path_buf())
        .collect();
    let rows = scored(&model, &paths, &[]);
    let scores: Vec<f64> = rows.iter().map(|row| number(&row["score"])).collect();
    for (name, q, expected) in [
        ("median", 0.5, calibration.anomaly_score.median),
        ("maximum", 1.0, calibration.anomaly_score.max),
        ("threshold", 0.99, calibration.threshold),
    ] {
        assert_close(name, quantile(&scores, q).expect("scores"), expected);
    }
    let anomalous = rows.iter().filter(|row| row["verdict"] == "anomalous");
    assert_eq!(
        anomalous.count(),
        1,
        "of 50, the 99th percentile leaves one"
    );
}

#[test]
fn colour_pictures_in_the_mvtec_layout_with_a_bad_one_among_them() {
    let folder = temporary();
    let data = folder.path().join("data");
    for k in 0..24 {
        save(
            &picture(k, false),
            &data.join(format!("train/good/{k:03}.png")),
        );
    }
    fs::write(data.join("train/good/broken.png"), b"\x89PNG\r\n").expect("a written file");
    for k in 30..36 {
        save(&picture(k, false), &data.join(format!("test/good/{k}.png")));
        save(
            &picture(k, true),
            &data.join(format!("test/square/{k}.png")),
        );
    }
    let out = folder.path().join("run");
    let mut command = train(&data, &out, &["--batch", "8", "--epochs", "4", "--json"]);
    let (summary, stderr) = run(command.args(["--held-out", "0.2"]), SOME_SKIPPED);
    let summary = json(&summary);
    assert_eq!(summary["skipped"], 1);
    assert_eq!(summary["pictures"], 19);
    assert_eq!(summary["held_out"], 5);
    assert!(stderr.contains("broken.png"), "{stderr}");

    let mut command = program();
    command
        .arg("evaluate")
        .arg("--json")
        .arg("--data")
        .arg(&data);
    command.arg("--model").arg(out.join("model.safetensors"));
    let object = json(&run(&mut command, 0).0);
    let rows = object["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 3, "a single class is the full mix: {object}");
    assert!(
        rows.iter()
            .all(|row| row["normal"] == 6 && row["abnormal"] == 6)
    );
    let nearest = rows.iter().find(|row| row["method"] == "nearest");
    assert_eq!(number(&nearest.expect("a row")["auroc"]), 1.0);
}

#[test]
fn unusable_models_are_refused_in_words() {
    let (folder, model) = with_model();
    let bytes = &TRAINED.files["model.safetensors"];
    let picture = &some_pictures()[..1];
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a written file");
        path
    };
    let missing = folder.path().join("missing.safetensors");
    refused(
        &mut score(&missing, picture, &[]),
        &["missing.safetensors", "No such file"],
    );
    refused(
        &mut score(folder.path(), picture, &[]),
        &["expected a file", "got a folder"],
    );
    let cut = at("cut.safetensors", &bytes[..bytes.len() - 100]);
    refused(
        &mut score(&cut, picture, &[]),
        &[
            "cut.safetensors",
            "a complete safetensors file",
            "truncated",
        ],
    );
    let empty = at("empty.safetensors", b"");
    refused(&mut score(&empty, picture, &[]), &["is empty", "expected"]);
    let other = at(
        "picture.safetensors",
        &fs::read(&picture[0]).expect("an image"),
    );
    refused(
        &mut score(&other, picture, &[]),
        &["a complete safetensors file"],
    );

    let mut foreign = br#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_vec();
    let length = (foreign.len() as u64).to_le_bytes();
    foreign.splice(..0, length);
    foreign.extend([0; 4]);
    let foreign = at("foreign.safetensors", &foreign);
    for verb in ["score", "evaluate", "inspect"] {
        let mut command = program();
        match verb {
            "score" => command.arg(verb).arg("--model").arg(&foreign).args(picture),
            "evaluate" => {
                let command = command.arg(verb).arg("--model").arg(&foreign);
                command.arg("--data").arg(solar_ir())
            }
            _ => command.arg(verb).arg(&foreign),
        };
        refused(&mut command, &["another program", "skip-ganomaly"]);
    }

    let mut lost = TRAINED.model();
    lost.tensors.remove("generator.encoder.0.conv.weight");
    let lost = lost.to_bytes(Default::default()).expect("finite weights");
    let lost = at("lost.safetensors", &lost);
    refused(
        &mut score(&lost, picture, &[]),
        &["generator.encoder.0.conv.weight", "missing"],
    );

    let nothing = folder.path().join("nothing");
    fs::create_dir(&nothing).expect("a new folder");
    refused(&mut score(&model, &[nothing], &[]), &["no images found"]);
}

#[test]
fn runs_that_cannot_start_say_why_and_leave_nothing() {
    let folder = temporary();
    let out = folder.path().join("run");
    let few = folder.path().join("few");
    for k in 0..5 {
        save(&picture(k, false), &few.join(format!("{k}.png")));
    }
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("a new folder");
    let odd = folder.path().join("odd");
    fs::create_dir_all(odd.join("train/nominal")).expect("a new folder");

    refused(
        &mut train(&empty, &out, &[]),
        &["no images in", "expected", "png"],
    );
    refused(
        &mut train(&folder.path().join("missing"), &out, &[]),
        &["missing", "expected a folder"],
    );
    refused(
        &mut train(&odd, &out, &[]),
        &["train/0.normal", "train/good", "nominal"],
    );
    // Of five, one is held out.
    refused(
        &mut train(&few, &out, &["--batch", "16"]),
        &["batch size", "got 16"],
    );
    let setting = |name: &str, value: &str| {
        let mut command = program();
        command.args(["train", "--data"]).arg(&few);
        command.arg("--out").arg(&out).args([name, value]);
        command
    };
    refused(
        &mut setting("--size", "33"),
        &["32, 64, 128 or 256", "got 33"],
    );
    refused(&mut setting("--channels", "2"), &["1 (grey) or 3", "got 2"]);
    refused(
        &mut setting("--batch", "1"),
        &["between 2 and 4096", "got 1"],
    );
    refused(
        &mut setting("--held-out", "1.5"),
        &["held-out", "above 0 and below 1", "got 1.5"],
    );
    refused(
        &mut setting("--learning-rate", "0"),
        &["learning-rate", "above 0", "got 0"],
    );
    assert!(!out.exists(), "nothing is written before a run can start");

    let mut command = program();
    command.args(["train", "--resume"]).arg(&few);
    refused(&mut command, &["neither a run's folder"]);

    // What can be scored with cannot be trained on.
    let model = folder.path().join("model.safetensors");
    fs::write(&model, &TRAINED.files["model.safetensors"]).expect("a written file");
    let resumed = |data: &Path| {
        let mut command = program();
        command.args(["train", "--resume"]).arg(&model);
        command.arg("--data").arg(data).arg("--out").arg(&out);
        command
    };
    refused(
        &mut resumed(&solar_ir()),
        &["a model, not a checkpoint", "optimiser"],
    );
    refused(&mut resumed(&few), &["other images", "digest"]);
    assert!(!out.exists(), "nothing is written before a run can start");

    // What clap refuses has its own code.
    for arguments in [
        &["train"][..],
        &["train", "--data", "x", "--out", "y", "--device", "abacus"],
        &["score", "--model", "x"],
        &["score", "--model", "x", "--batch", "0", "y"],
        &["paint"],
        &[],
    ] {
        let (stdout, stderr) = run(program().args(arguments), WRONG_COMMAND_LINE);
        assert!(stdout.is_empty(), "{stdout}");
        assert!(stderr.contains("--help"), "{stderr}");
    }
    let (version, _) = run(program().arg("--version"), 0);
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

/// `skip-ganomaly score ... --json | head -1` is no failure.
#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let (_folder, model) = with_model();
    let all = solar_ir().join("test");
    let mut child = score(&model, &[all], &["--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let Output { status, stderr, .. } = child.wait_with_output().expect("an ended program");
    assert_eq!(status.code(), Some(0), "{}", text(&stderr));
    assert!(!text(&stderr).contains("error"), "{}", text(&stderr));
}

#[test]
fn the_page_is_served_and_nothing_else() {
    let folder = temporary();
    let root = folder.path().join("root");
    for (file, content) in [
        ("root/www/index.html", "the page"),
        ("root/www/app.js", "export {}"),
        ("root/pkg/cpu/module.wasm", "wasm"),
        ("root/secret.txt", "the secret"),
        ("secret.txt", "the secret"),
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, content).expect("a written file");
    }
    let child = program()
        .args(["serve", "--port", "0", "--dir"])
        .arg(&root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut child = Running(child);
    let mut url = String::new();
    let stdout = child.0.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut url).expect("a line");
    let address = url
        .trim()
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix('/'))
        .unwrap_or_else(|| panic!("expected a URL, got {url:?}"));
    assert!(address.starts_with("127.0.0.1:"), "{address}");

    let (head, body) = get(address, "/");
    assert!(
        head.starts_with("http/1.1 200") && body == "the page",
        "{head}"
    );
    assert!(head.contains("content-type: text/html"), "{head}");
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let (head, _) = get(address, "/app.js");
    assert!(
        head.starts_with("http/1.1 200") && head.contains("javascript"),
        "{head}"
    );
    let (head, body) = get(address, "/pkg/cpu/module.wasm");
    assert!(head.starts_with("http/1.1 200") && body == "wasm", "{head}");
    assert!(head.contains("content-type: application/wasm"), "{head}");
    for absent in ["/pkg/none.js", "/none.html", "/pkg/"] {
        let (head, _) = get(address, absent);
        assert!(head.starts_with("http/1.1 404"), "{absent}: {head}");
    }
    for outside in [
        "/../secret.txt",
        "/../../secret.txt",
        "/pkg/../secret.txt",
        "/pkg/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/pkg/%2e%2e/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
    ] {
        let (head, body) = get(address, outside);
        assert!(head.starts_with("http/1.1 4"), "{outside}: {head}");
        assert!(!body.contains("the secret"), "{outside}");
    }

    signal(&child.0, "TERM");
    child.0.wait().expect("an ended program");
    assert!(TcpStream::connect(address).is_err());

    refused(
        program()
            .args(["serve", "--port", "0", "--dir"])
            .arg(folder.path()),
        &["expected www/index.html", "pkg"],
    );
}

/// Status line and headers in lower case, and body.
fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a server");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time limit");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("a request sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_lowercase(), body.to_owned())
}
