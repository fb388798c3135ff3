//! Data that are no folder of normal images, and what a score depends on, as users of the program
//! meet them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::*;

fn evaluate(model: &Path, data: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.arg("evaluate").arg("--model").arg(model);
    command.arg("--data").arg(data).args(more);
    command.args(["--bootstrap", "20"]);
    command
}

fn evaluated(model: &Path, data: &Path, more: &[&str]) -> Value {
    json(&run(evaluate(model, data, more).arg("--json"), 0).0)
}

/// The full mix of the first method.
fn mix(object: &Value) -> &Value {
    let row = &object["rows"][0];
    assert_eq!(row["class"], "full mix", "{object}");
    row
}

fn nearest(data: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.arg("train").arg("--data").arg(data);
    command.arg("--out").arg(out);
    command.args(["--method", "nearest", "--json"]).args(more);
    command
}

fn source(kind: &str, folder: &Path) -> PathBuf {
    PathBuf::from(format!("{kind}:{}", folder.display()))
}

/// Files of CIFAR-10 with a few records of each class: classes differ in their hue.
fn cifar10(folder: &Path) {
    fs::create_dir_all(folder).expect("a new folder");
    let names = (1..=5).map(|k| format!("data_batch_{k}"));
    for (k, name) in names.chain(["test_batch".to_owned()]).enumerate() {
        let mut bytes = Vec::new();
        for label in 0..10_u8 {
            bytes.push(label);
            for channel in 0..3 {
                let level = 25 * ((label + 3 * channel) % 10) + k as u8;
                bytes.extend((0..1024_u32).map(|at| level + (at % 5) as u8));
            }
        }
        fs::write(folder.join(format!("{name}.bin")), bytes).expect("written");
    }
}

#[test]
fn cifar10_is_read_and_stands_beside_published_numbers() {
    let folder = temporary();
    let files = folder.path().join("cifar");
    cifar10(&files);
    let data = source("cifar10", &files);
    let out = folder.path().join("run");
    let summary = json(&run(&mut nearest(&data, &out, &["--abnormal", "cat"]), 0).0);
    assert_eq!(
        (&summary["pictures"], &summary["held_out"]),
        (&40.into(), &5.into()),
        "five of nine classes, a tenth held out"
    );
    let model = out.join("model.safetensors");
    let by_name = evaluated(&model, &data, &["--abnormal", "cat", "--no-baselines"]);
    let row = mix(&by_name);
    assert_eq!((&row["normal"], &row["abnormal"]), (&9.into(), &1.into()));
    assert_eq!(number(&row["auroc"]), 1.0, "another hue");
    assert!(by_name["published"].is_object(), "{by_name}");
    let by_number = evaluated(&model, &data, &["--abnormal", "3", "--no-baselines"]);
    assert_eq!(by_name["rows"], by_number["rows"]);

    let more = [
        "--abnormal",
        "cat",
        "--split",
        "published",
        "--no-baselines",
    ];
    let (table, _) = run(&mut evaluate(&model, &data, &more), 0);
    assert!(table.contains("published, cat abnormal"), "{table}");
    assert_eq!(mix(&evaluated(&model, &data, &more))["abnormal"], 6);
    let none = [&more[..], &["--published-table", "none"]].concat();
    let (table, _) = run(&mut evaluate(&model, &data, &none), 0);
    assert!(!table.contains("published, cat"), "{table}");

    refused(
        &mut evaluate(&model, &data, &["--abnormal", "lynx"]),
        &["lynx", "airplane"],
    );
    let batch = files.join("data_batch_5.bin");
    let bytes = fs::read(&batch).expect("a file");
    fs::write(&batch, &bytes[..bytes.len() - 1]).expect("written");
    let other = folder.path().join("other");
    let mut cut = nearest(&data, &other, &["--abnormal", "cat"]);
    refused(&mut cut, &["data_batch_5", "3073"]);
    fs::remove_file(&batch).expect("removed");
    refused(&mut cut, &["expected a file data_batch_5.bin"]);
    assert!(!other.exists());
}

/// Folders of classes: stripes, and stripes with a square.
fn classes(root: &Path) {
    for (part, pictures) in [("train", 0..20), ("test", 20..28)] {
        for k in pictures {
            for (class, abnormal) in [("plain", false), ("square", true)] {
                let path = root.join(format!("{part}/{class}/{k}.png"));
                save(&picture(k, abnormal), &path);
            }
        }
    }
}

#[test]
fn a_class_of_a_folder_is_chosen_and_draws_repeat_themselves() {
    let folder = temporary();
    let data = folder.path().join("data");
    classes(&data);
    let out = folder.path().join("run");
    let chosen = ["--normal", "plain"];
    run(&mut nearest(&data, &out, &chosen), 0);
    let model = out.join("model.safetensors");
    let more = ["--normal", "plain", "--no-baselines"];
    let row = mix(&evaluated(&model, &data, &more)).clone();
    assert_eq!((&row["normal"], &row["abnormal"]), (&8.into(), &8.into()));
    assert_eq!(number(&row["auroc"]), 1.0);
    // Of two classes either choice says the same.
    let other = ["--abnormal", "square", "--no-baselines"];
    assert_eq!(mix(&evaluated(&model, &data, &other)), &row);

    let drawn = [&more[..], &["--test-limit", "6"]].concat();
    let object = evaluated(&model, &data, &drawn);
    let row = mix(&object);
    assert_eq!((&row["normal"], &row["abnormal"]), (&3.into(), &3.into()));
    let split = object["split"].as_str().expect("words");
    assert!(split.contains("of 16, drawn with seed 0"), "{split}");

    let models = ["a", "b"].map(|name| {
        let out = folder.path().join(name);
        let more = [&chosen[..], &["--limit", "10", "--seed", "3"]].concat();
        let summary = json(&run(&mut nearest(&data, &out, &more), 0).0);
        assert_eq!(
            (&summary["pictures"], &summary["held_out"]),
            (&9.into(), &1.into())
        );
        fs::read(out.join("model.safetensors")).expect("a model")
    });
    assert!(models[0] == models[1], "one seed, one draw");

    refused(
        &mut evaluate(&model, &data, &["--no-baselines"]),
        &["train/plain", "--abnormal CLASS"],
    );
    refused(
        &mut evaluate(&model, &solar_ir(), &chosen),
        &["paper layout"],
    );
    let both = ["--normal", "plain", "--abnormal", "square"];
    run(&mut evaluate(&model, &data, &both), WRONG_COMMAND_LINE);
}

/// Files of a folder, with augmentation: what is decoded anew in each epoch is what was kept.
#[test]
fn streaming_changes_no_byte_of_a_model() {
    let folder = temporary();
    let models = [("kept", None), ("streamed", Some("0"))].map(|(name, mib)| {
        let out = folder.path().join(name);
        let mut command = train(
            &solar_ir(),
            &out,
            &["--batch", "16", "--steps", "40", "--augment", "flips"],
        );
        let (_, said) = match mib {
            Some(mib) => run(command.args(["--cache-mib", mib]), 0),
            None => run(&mut command, 0),
        };
        assert_eq!(said.contains("0 of 500 prepared"), mib.is_some(), "{said}");
        fs::read(out.join("model.safetensors")).expect("a model")
    });
    assert!(models[0] == models[1]);
}

/// Scores of each test image under both protocols, as the report's table has them.
fn scores_of(model: &Path, data: &Path, report: &Path) -> BTreeMap<String, [String; 2]> {
    let more = ["--no-baselines", "--protocol", "published"];
    run(evaluate(model, data, &more).arg("--report").arg(report), 0);
    let table = fs::read_to_string(report.join("scores.csv")).expect("a table");
    assert!(table.starts_with("# WARNING"), "{table:.80}");
    let mut lines = table.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let at = |leaks: bool| {
        let wanted = |name: &&str| name.ends_with("score") && name.contains("published") == leaks;
        header.iter().position(wanted).expect("a column")
    };
    let (honest, published) = (at(false), at(true));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let scores = [honest, published].map(|column| cells[column].to_owned());
            (cells[0].to_owned(), scores)
        })
        .collect()
}

/// The same model and the same images; half of their neighbours are gone.
#[test]
fn only_published_scores_depend_on_the_neighbours() {
    let (folder, model) = with_model();
    let half = folder.path().join("half");
    for part in ["train/0.normal", "test/0.normal", "test/1.abnormal"] {
        let (from, to) = (solar_ir().join(part), half.join(part));
        fs::create_dir_all(&to).expect("a new folder");
        let mut names: Vec<_> = fs::read_dir(&from)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        for name in names.iter().step_by(2) {
            fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
    let report = |name: &str| folder.path().join(name);
    let whole = scores_of(&model, &solar_ir(), &report("whole"));
    let halved = scores_of(&model, &half, &report("halved"));
    assert_eq!((whole.len(), halved.len()), (100, 50));
    let mut moved = 0;
    for (name, [honest, published]) in &halved {
        assert_eq!(honest, &whole[name][0], "{name}");
        moved += usize::from(published != &whole[name][1]);
    }
    assert!(moved > 40, "{moved} of 50 published scores moved");
}

#[test]
fn ganomaly_is_evaluated_and_calibrated_like_any_other() {
    let folder = temporary();
    let out = folder.path().join("run");
    let more = ["--method", "ganomaly", "--batch", "16", "--steps", "10"];
    run(&mut train(&solar_ir(), &out, &more), 0);
    let model = out.join("model.safetensors");
    let object = evaluated(&model, &solar_ir(), &["--no-baselines"]);
    assert_eq!(mix(&object)["method"], "ganomaly");
    assert_eq!(
        mix(&object)["auroc"],
        mix(&object)["latent_auroc"],
        "A is L"
    );
    let mixed = folder.path().join("mixed.safetensors");
    let mut command = program();
    command.arg("calibrate").arg("--model").arg(&model);
    command
        .arg("--data")
        .arg(solar_ir())
        .arg("--out")
        .arg(&mixed);
    run(command.args(["--lambda", "1", "--residual", "smoothed"]), 0);
    let object = evaluated(&mixed, &solar_ir(), &["--no-baselines"]);
    assert_eq!(mix(&object)["auroc"], mix(&object)["residual_auroc"]);
    assert!(object["at_threshold"].is_object());
}

/// Options that a method would pass over are named, and nothing is left behind.
#[test]
fn options_of_another_method_are_refused_by_name() {
    let folder = temporary();
    let out = folder.path().join("run");
    for (method, option, value) in [
        ("egbad", "--input-noise", "0.1"),
        ("egbad", "--contextual-weight", "2"),
        ("anogan", "--cut-skips", "1"),
        ("aae", "--latent-steps", "9"),
        ("ganomaly", "--skip-dropout", "0.1"),
        ("ganomaly", "--latent", "memory"),
        ("skip-ganomaly", "--steps", "0"),
        ("skip-ganomaly", "--input-mask", "1"),
    ] {
        let more = ["--method", method, option, value];
        refused(&mut train(&solar_ir(), &out, &more), &[&option[2..]]);
    }
    assert!(!out.exists());
}
