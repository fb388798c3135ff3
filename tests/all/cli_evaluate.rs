//! `evaluate` and `calibrate` as their users meet them, and the methods that need no training.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use skip_ganomaly::data::dataset::{Dataset, Options};
use skip_ganomaly::data::folder::Folder;
use skip_ganomaly::data::picture_cache::PictureCache;
use skip_ganomaly::data::pictures::Pictures;
use skip_ganomaly::model_file::ModelFile;

use crate::common::*;

fn evaluate(model: &Path, data: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.arg("evaluate").arg("--model").arg(model);
    command.arg("--data").arg(data).args(more);
    command
}

fn evaluated(model: &Path, data: &Path, more: &[&str]) -> Value {
    let more = [&["--json", "--bootstrap", "50"], more].concat();
    json(&run(&mut evaluate(model, data, &more), 0).0)
}

/// The full mix of a method under a protocol.
fn mix<'a>(object: &'a Value, method: &str, protocol: &str) -> &'a Value {
    let rows = object["rows"].as_array().expect("rows");
    let wanted = |row: &&Value| {
        row["method"] == method && row["protocol"] == protocol && row["class"] == "full mix"
    };
    rows.iter()
        .find(wanted)
        .unwrap_or_else(|| panic!("no {method}: {object}"))
}

fn read(path: &Path) -> ModelFile {
    ModelFile::from_bytes(&fs::read(path).expect("a file")).expect("a whole model file")
}

#[test]
fn evaluate_stands_beside_two_baselines() {
    let (_folder, model) = with_model();
    let evaluate = |more: &[&str]| {
        let mut command = program();
        command.arg("evaluate").arg("--model").arg(&model);
        command.arg("--data").arg(solar_ir()).args(more);
        run(&mut command, 0).0
    };
    let object = json(&evaluate(&["--json"]));
    let rows = object["rows"].as_array().expect("rows");
    let folder = Folder::open(&solar_ir()).expect("the sample images");
    let mut classes: Vec<&str> = folder
        .test
        .iter()
        .filter(|sample| sample.abnormal)
        .map(|sample| sample.class.as_str())
        .collect();
    let abnormal = classes.len();
    let normal = folder.test.len() - abnormal;
    classes.sort_unstable();
    classes.dedup();
    assert!(classes.len() > 5, "{classes:?}");
    for method in ["skip-ganomaly", "pca-32", "nearest"] {
        let rows: Vec<&Value> = rows.iter().filter(|row| row["method"] == method).collect();
        assert_eq!(rows[0]["class"], "full mix");
        assert_eq!(rows[0]["normal"], normal);
        assert_eq!(rows[0]["abnormal"], abnormal);
        let names: Vec<&str> = rows[1..]
            .iter()
            .map(|row| row["class"].as_str().expect("a class"))
            .collect();
        assert_eq!(names, classes);
        let mut of_classes = 0;
        for row in &rows {
            for figure in ["auroc", "auprc"] {
                assert!((0.0..=1.0).contains(&number(&row[figure])), "{row}");
            }
            if row["class"] != "full mix" {
                of_classes += row["abnormal"].as_u64().expect("a count");
            }
        }
        assert_eq!(of_classes, abnormal as u64);
    }
    for baseline in ["pca-32", "nearest"] {
        let row = rows.iter().find(|row| row["method"] == baseline);
        let auroc = number(&row.expect("a row")["auroc"]);
        assert!(auroc > 0.65, "{baseline} finds faults: {auroc}");
    }
    let threshold = number(&object["at_threshold"]["threshold"]);
    let calibration = TRAINED.model().header.calibration.expect("calibrated");
    assert_eq!(threshold, calibration.threshold);

    let table = evaluate(&["--no-baselines"]);
    assert!(table.contains("full mix") && table.contains("threshold"));
    assert!(!table.contains("nearest") && !table.contains("pca"));
}

#[test]
fn intervals_hold_their_value_and_thresholds_can_be_moved() {
    let (_folder, model) = with_model();
    let object = evaluated(&model, &solar_ir(), &["--no-baselines"]);
    let row = mix(&object, "skip-ganomaly", "honest");
    for figure in ["auroc", "auprc"] {
        let at = |end: &str| number(&row[format!("{figure}{end}")]);
        assert!(at("_low") <= at("") && at("") <= at("_high"), "{row}");
        assert!(at("_low") < at("_high"), "{row}");
    }
    for part in [
        "f1_max",
        "eer",
        "fpr_at_95_tpr",
        "residual_auroc",
        "latent_auroc",
    ] {
        assert!((0.0..=1.0).contains(&number(&row[part])), "{part}: {row}");
    }
    assert_eq!(object["warnings"], serde_json::json!([]));
    assert_eq!(
        (&object["size"], &object["channels"], &object["protocol"]),
        (&32.into(), &1.into(), &"honest".into())
    );

    let all = evaluated(
        &model,
        &solar_ir(),
        &["--no-baselines", "--threshold", "-1"],
    );
    assert_eq!(number(&all["at_threshold"]["normal_called_anomalous"]), 1.0);
    let half = evaluated(
        &model,
        &solar_ir(),
        &["--no-baselines", "--adaptive-threshold"],
    );
    let counted = mix(&half, "skip-ganomaly", "honest");
    // Of an odd number of a fault's images the reported half has one more.
    assert_eq!(
        (&counted["normal"], &counted["abnormal"]),
        (&25.into(), &28.into())
    );
    let warning = half["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("threshold was chosen"), "{warning}");
    let squared = evaluated(&model, &solar_ir(), &["--no-baselines", "--residual", "l2"]);
    assert_eq!(squared["at_threshold"], Value::Null);
    for wrong in [
        &["--threshold", "nan"][..],
        &["--threshold", "inf"],
        &["--threshold", "1", "--adaptive-threshold"],
        &["--components", "0"],
        &["--bootstrap", "0"],
    ] {
        let mut command = evaluate(&model, &solar_ir(), wrong);
        run(&mut command, WRONG_COMMAND_LINE);
    }
}

/// A row is found by its method's name.
#[test]
fn methods_that_share_a_name_are_told_apart() {
    let (folder, model) = with_model();
    let out = folder.path().join("nearest");
    let mut command = program();
    command.arg("train").arg("--data").arg(solar_ir());
    command.arg("--out").arg(&out);
    run(command.args(["--channels", "1", "--method", "nearest"]), 0);
    let nearest = out.join("model.safetensors");
    let more = ["--against", model.to_str().expect("UTF-8")];
    let more = [
        &more[..],
        &more,
        &["--threshold", "-1", "--components", "4"],
    ]
    .concat();
    let object = evaluated(&nearest, &solar_ir(), &more);
    let methods = object["methods"].as_array().expect("methods");
    let at = |method: &Value| method["at_threshold"]["threshold"].clone();
    let found: Vec<(&str, Value)> = methods
        .iter()
        .map(|method| (method["method"].as_str().expect("a name"), at(method)))
        .collect();
    let own = TRAINED.model().header.calibration.expect("calibrated");
    let own = Value::from(own.threshold);
    assert_eq!(
        found,
        [
            ("nearest", Value::from(-1.0)),
            ("skip-ganomaly", own.clone()),
            (
                &*format!(
                    "skip-ganomaly {}",
                    folder.path().file_name().expect("a name").to_string_lossy()
                ),
                own
            ),
            ("pca-4", Value::Null),
            ("nearest (baseline)", Value::Null),
        ]
    );
    let cut = folder.path().join("cut.safetensors");
    let whole = &TRAINED.files["model.safetensors"];
    fs::write(&cut, &whole[..whole.len() / 2]).expect("written");
    refused(&mut evaluate(&cut, &solar_ir(), &[]), &["cut.safetensors"]);
}

/// With batch statistics a score depends on its neighbours; that is what leaks.
#[test]
fn the_published_protocol_is_repeated_and_called_a_leak() {
    let folder = temporary();
    let run_folder = folder.path().join("run");
    let more = ["--batch", "16", "--epochs", "2", "--keep-epochs"];
    run(&mut train(&solar_ir(), &run_folder, &more), 0);
    let epochs = run_folder.join("epochs");
    assert!(epochs.join("epoch-01.safetensors").is_file());
    let model = run_folder.join("model.safetensors");

    let report = folder.path().join("report");
    let more = ["--no-baselines", "--protocol", "published", "--report"];
    let more = [&more[..], &[report.to_str().expect("UTF-8")]].concat();
    let object = evaluated(&model, &solar_ir(), &more);
    let leaking = mix(&object, "skip-ganomaly", "published");
    let honest = mix(&object, "skip-ganomaly", "honest");
    assert_ne!(leaking["auroc"], honest["auroc"]);
    let plain = evaluated(&model, &solar_ir(), &["--no-baselines"]);
    assert_eq!(
        honest["auroc"],
        mix(&plain, "skip-ganomaly", "honest")["auroc"]
    );
    assert!(
        object["warnings"][0]
            .as_str()
            .expect("a warning")
            .contains("leak")
    );

    assert_eq!(object["protocol"], "published");
    assert_eq!(object["methods"][0]["at_threshold"], Value::Null);
    assert_eq!(
        object["at_threshold"], object["methods"][1]["at_threshold"],
        "the threshold is of the honest scores"
    );

    let chosen = &object["methods"][0]["epochs"];
    let by_epoch: Vec<f64> = chosen["per_epoch_auroc"]
        .as_array()
        .expect("epochs")
        .iter()
        .map(number)
        .collect();
    assert_eq!(by_epoch.len(), 2);
    assert_eq!(
        number(&chosen["best_auroc"]),
        by_epoch.iter().copied().fold(0.0, f64::max)
    );
    assert_eq!(number(&chosen["last_auroc"]), by_epoch[1]);
    assert_eq!(
        leaking["auroc"], chosen["last_auroc"],
        "the last epoch is the model"
    );

    let html = fs::read_to_string(report.join("report.html")).expect("a report");
    assert!(html.contains("leak") && html.contains("data:image/png"));
    for file in [
        "roc.svg",
        "pr.svg",
        "metrics.csv",
        "scores.csv",
        "histogram-score.svg",
    ] {
        assert!(report.join(file).is_file(), "{file}");
    }
    assert_eq!(object["warnings"].as_array().expect("warnings").len(), 1);
    fs::remove_file(epochs.join("epoch-02.safetensors")).expect("removed");
    let cut = evaluated(&model, &solar_ir(), &more[..3]);
    let said = cut["warnings"][1].as_str().expect("a warning");
    assert!(said.contains("last of the kept epochs"), "{said}");
    fs::remove_dir_all(&epochs).expect("removed");
    let (table, said) = run(&mut evaluate(&model, &solar_ir(), &more[..3]), 0);
    assert!(table.contains("warning: published protocol"), "{table}");
    assert!(said.contains("--keep-epochs"), "{said}");
}

#[test]
fn calibration_anew_finds_the_same_threshold_and_learns_other_scores() {
    let (folder, model) = with_model();
    let stored = TRAINED.model().header.calibration.expect("calibrated");
    let calibrate = |data: &Path, out: &Path, more: &[&str]| {
        let mut command = program();
        command.arg("calibrate").arg("--model").arg(&model);
        command
            .arg("--data")
            .arg(data)
            .arg("--out")
            .arg(out)
            .args(more);
        command
    };
    let same = folder.path().join("same.safetensors");
    run(&mut calibrate(&solar_ir(), &same, &[]), 0);
    assert_eq!(read(&same).header.calibration, Some(stored));

    let memory = folder.path().join("memory.safetensors");
    let options = ["--latent", "memory", "--lambda", "0", "--json"];
    let summary = json(&run(&mut calibrate(&solar_ir(), &memory, &options), 0).0);
    assert_eq!(summary["normals"], 50);
    let file = read(&memory);
    assert_eq!(file.tensors["memory.pictures"].shape, [450, 64]);
    let paths = some_pictures();
    let together = scored(&memory, &paths, &[]);
    for (path, expected) in paths.iter().zip(&together) {
        let alone = scored(&memory, std::slice::from_ref(path), &["--batch", "1"]);
        let (got, expected) = (number(&alone[0]["score"]), number(&expected["score"]));
        assert!(
            (got - expected).abs() <= 1e-5 * expected,
            "{got} and {expected}"
        );
    }
    let beside = evaluated(
        &memory,
        &solar_ir(),
        &[
            "--no-baselines",
            "--against",
            model.to_str().expect("UTF-8"),
        ],
    );
    mix(&beside, "skip-ganomaly+memory", "honest");
    mix(&beside, "skip-ganomaly", "honest");

    let layers = folder.path().join("layers.safetensors");
    let options = [
        "--latent",
        "layers",
        "--balance",
        "quantile",
        "--lambda",
        "0.5",
    ];
    run(&mut calibrate(&solar_ir(), &layers, &options), 0);
    let header = read(&layers).header;
    let calibration = header.calibration.expect("calibrated");
    assert!(
        calibration.anomaly_score.median.abs() < 1.0,
        "balanced parts have their median at 0"
    );
    assert!(header.scoring.normaliser.is_some());

    let others = solar_ir().join("test/0.normal");
    let out = folder.path().join("others.safetensors");
    let (_, said) = run(&mut calibrate(&others, &out, &[]), 0);
    assert!(said.contains("not the images"), "{said}");
    assert_eq!(
        read(&out).header.calibration.expect("calibrated").normals,
        50
    );
    let (_, said) = run(&mut calibrate(&others, &out, &["--latent", "memory"]), 0);
    assert!(
        said.contains("one half goes into the memory bank"),
        "{said}"
    );
    assert_eq!(
        read(&out).header.calibration.expect("calibrated").normals,
        25
    );
    let (held, _) = run(program().arg("inspect").arg(&out), 0);
    assert!(held.contains("memory bank   25 encodings of "), "{held}");
    refused(
        &mut calibrate(&solar_ir(), &out, &["--threshold-quantile", "1"]),
        &["quantile", "got 1"],
    );
    refused(
        &mut calibrate(&solar_ir(), &out, &["--lambda", "2"]),
        &["--lambda", "got 2"],
    );
}

/// Not the usual quantile: what is not said on the command line is the model's.
#[test]
fn calibration_anew_keeps_the_quantile_of_the_model() {
    let folder = temporary();
    let out = folder.path().join("run");
    let mut command = program();
    command.arg("train").arg("--data").arg(solar_ir());
    command.arg("--out").arg(&out);
    command.args(["--channels", "1", "--method", "pca"]);
    run(command.args(["--threshold-quantile", "0.8"]), 0);
    let model = out.join("model.safetensors");
    let anew = folder.path().join("anew.safetensors");
    let calibrate = |more: &[&str]| {
        let mut command = program();
        command.arg("calibrate").arg("--model").arg(&model);
        command.arg("--data").arg(solar_ir());
        command.arg("--out").arg(&anew).args(more);
        command
    };
    run(&mut calibrate(&[]), 0);
    assert_eq!(
        read(&anew).header.calibration,
        read(&model).header.calibration
    );
    run(&mut calibrate(&["--threshold-quantile", "0.99"]), 0);
    let threshold = |path: &Path| read(path).header.calibration.expect("calibrated").threshold;
    assert!(threshold(&anew) > threshold(&model));
}

#[test]
fn calibration_refuses_what_the_method_has_not() {
    let folder = temporary();
    let out = folder.path().join("anew.safetensors");
    for (method, more) in [
        ("pca", &[][..]),
        ("nearest", &[]),
        (
            "ganomaly",
            &["--width", "2", "--batch", "16", "--steps", "2"],
        ),
    ] {
        let run_folder = folder.path().join(method);
        let mut command = program();
        command.arg("train").arg("--data").arg(solar_ir());
        command.arg("--out").arg(&run_folder);
        command.args(["--channels", "1", "--method", method]);
        run(command.args(more), 0);
        let calibrate = |latent: &str| {
            let mut command = program();
            command.arg("calibrate").arg("--model");
            command.arg(run_folder.join("model.safetensors"));
            command.arg("--data").arg(solar_ir());
            command.arg("--out").arg(&out).args(["--latent", latent]);
            command
        };
        refused(&mut calibrate("layers"), &["--latent layers", method]);
        if method != "nearest" {
            refused(&mut calibrate("memory"), &["encoder", method]);
        }
    }
    assert!(!out.exists());
}

#[test]
fn baselines_are_models_like_any_other() {
    let folder = temporary();
    let input: Vec<PathBuf> = some_pictures();
    for (name, options) in [
        ("pca", &["--method", "pca", "--components", "8"][..]),
        ("nearest", &["--method", "nearest"]),
        (
            "whitened",
            &["--method", "nearest", "--latent", "memory", "--lambda", "0"],
        ),
    ] {
        let out = folder.path().join(name);
        let mut command = program();
        command
            .arg("train")
            .arg("--data")
            .arg(solar_ir())
            .arg("--out")
            .arg(&out);
        command.args(["--channels", "1", "--json"]).args(options);
        let summary = json(&run(&mut command, 0).0);
        assert_eq!(
            (&summary["steps"], &summary["held_out"]),
            (&0.into(), &50.into())
        );
        let model = out.join("model.safetensors");
        let rows = scored(&model, &input, &[]);
        assert!(
            rows.iter()
                .all(|row| number(&row["score"]) > 0.0 && row["verdict"].is_string())
        );
        let mut inspect = program();
        let (text, _) = run(inspect.arg("inspect").arg(&model), 0);
        assert!(text.contains("networks      none"), "{text}");
        let published = ["--protocol", "published"];
        refused(
            &mut evaluate(&model, &solar_ir(), &published),
            &["batch statistics"],
        );
        let object = evaluated(&model, &solar_ir(), &["--no-baselines"]);
        let row = object["rows"][0].clone();
        assert!(number(&row["auroc"]) > 0.6, "{row}");
    }
}

#[test]
fn a_preset_gives_way_to_what_is_said() {
    let folder = temporary();
    let header = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let more = [
            &["--batch", "16", "--steps", "3", "--preset", "memory"],
            more,
        ]
        .concat();
        run(&mut train(&solar_ir(), &out, &more), 0);
        read(&out.join("model.safetensors")).header
    };
    let preset = header("preset", &[]);
    let scoring = serde_json::to_value(preset.scoring).expect("JSON");
    assert_eq!(
        (&scoring["latent"], &scoring["lambda"]),
        (&"memory".into(), &0.0.into())
    );
    let training = preset.training.expect("a training record");
    assert_eq!((training.steps, training.config.width), (3, 2));
    assert_eq!(
        preset.architecture.expect("networks").cut_skips,
        4,
        "all there are"
    );
    let own = header("own", &["--lambda", "0.25", "--cut-skips", "1"]);
    assert_eq!(own.scoring.lambda, 0.25);
    assert_eq!(own.architecture.expect("networks").cut_skips, 1);
}

/// IDX files of two classes: stripes along and across.
fn idx(folder: &Path) {
    fs::create_dir_all(folder).expect("a new folder");
    for (lead, count) in [("train", 60_u32), ("t10k", 20)] {
        let mut images = vec![0, 0, 8, 3];
        for size in [count, 28, 28] {
            images.extend(size.to_be_bytes());
        }
        let mut labels = vec![0, 0, 8, 1];
        labels.extend(count.to_be_bytes());
        for k in 0..count {
            labels.push((k % 2) as u8);
            images.extend((0..784_u32).map(|at| {
                let along = if k % 2 == 0 { at % 28 } else { at / 28 };
                ((along + k) % 8 * 30) as u8
            }));
        }
        fs::write(folder.join(format!("{lead}-images-idx3-ubyte")), images).expect("written");
        fs::write(folder.join(format!("{lead}-labels-idx1-ubyte")), labels).expect("written");
    }
}

#[test]
fn labelled_sets_are_trained_on_and_evaluated() {
    let folder = temporary();
    let data = folder.path().join("digits");
    idx(&data);
    let data = PathBuf::from(format!("idx:{}", data.display()));
    let mut models = Vec::new();
    for (name, more) in [("cached", "1024"), ("streamed", "0")] {
        let out = folder.path().join(name);
        let more = [
            "--abnormal",
            "1",
            "--batch",
            "8",
            "--epochs",
            "1",
            "--cache-mib",
            more,
        ];
        run(&mut train(&data, &out, &more), 0);
        models.push(fs::read(out.join("model.safetensors")).expect("a model"));
    }
    assert!(
        models[0] == models[1],
        "what is decoded anew is what was kept"
    );
    let model = folder.path().join("cached/model.safetensors");
    let object = evaluated(&model, &data, &["--abnormal", "1"]);
    let row = mix(&object, "nearest", "honest");
    assert_eq!((&row["normal"], &row["abnormal"]), (&10.into(), &10.into()));
    assert_eq!(
        number(&row["auroc"]),
        1.0,
        "stripes along are not stripes across"
    );
    let split = ["--abnormal", "1", "--split", "published", "--no-baselines"];
    let published = evaluated(&model, &data, &split);
    assert_eq!(mix(&published, "skip-ganomaly", "honest")["abnormal"], 40);
    let more = ["--abnormal", "1", "--no-baselines", "--bootstrap", "5"];
    let table = [&more[..], &["--published-table", "mnist"]].concat();
    let (table, _) = run(&mut evaluate(&model, &data, &table), 0);
    assert!(
        table.contains("GANomaly") && table.contains("0.330"),
        "{table}"
    );
    let (table, _) = run(&mut evaluate(&model, &data, &more), 0);
    assert!(!table.contains("GANomaly"), "IDX files need not be MNIST's");
    refused(
        &mut evaluate(
            &model,
            &data,
            &["--normal", "1", "--published-table", "mnist"],
        ),
        &["--published-table mnist", "--abnormal"],
    );
    refused(&mut evaluate(&model, &data, &[]), &["--abnormal"]);
    refused(
        &mut evaluate(&model, &data, &["--abnormal", "seven"]),
        &["seven", "classes"],
    );
}

#[test]
fn masks_measure_the_heat_maps_and_bad_pictures_are_passed_over() {
    let (folder, _) = with_model();
    let data = folder.path().join("parts");
    for k in 0..20 {
        save(
            &picture(k, false),
            &data.join(format!("train/good/{k}.png")),
        );
    }
    for k in 20..26 {
        save(&picture(k, false), &data.join(format!("test/good/{k}.png")));
        save(
            &picture(k, true),
            &data.join(format!("test/square/{k}.png")),
        );
        let mask = image::RgbImage::from_fn(40, 36, |x, y| {
            let inside = (12..24).contains(&x) && (12..24).contains(&y);
            image::Rgb([if inside { 255 } else { 0 }; 3])
        });
        save(
            &mask,
            &data.join(format!("ground_truth/square/{k}_mask.png")),
        );
    }
    let out = folder.path().join("nearest");
    let mut command = program();
    command
        .arg("train")
        .arg("--data")
        .arg(&data)
        .arg("--out")
        .arg(&out);
    run(command.args(["--method", "nearest"]), 0);
    let model = out.join("model.safetensors");
    let object = evaluated(&model, &data, &["--no-baselines"]);
    let pixel = &object["methods"][0]["pixel"];
    assert_eq!(pixel["masked_pictures"], 6);
    assert!(
        number(&pixel["auroc"]) > 0.9 && number(&pixel["pro"]) > 0.8,
        "{pixel}"
    );

    let mask = data.join("ground_truth/square/20_mask.png");
    let whole = fs::read(&mask).expect("a mask");
    fs::write(&mask, "no image").expect("written");
    let more = ["--no-baselines", "--json"];
    let (stdout, stderr) = run(&mut evaluate(&model, &data, &more), SOME_SKIPPED);
    let object = json(&stdout);
    assert_eq!(object["rows"][0]["abnormal"], 6, "its score counts");
    assert_eq!(object["methods"][0]["pixel"]["masked_pictures"], 5);
    assert!(stderr.contains("20.png: its mask"), "{stderr}");
    fs::write(&mask, whole).expect("written");

    fs::write(data.join("test/good/bad.png"), "no image").expect("written");
    let more = ["--no-baselines", "--json"];
    let (stdout, stderr) = run(&mut evaluate(&model, &data, &more), SOME_SKIPPED);
    assert_eq!(json(&stdout)["skipped"], 1);
    assert!(stderr.contains("bad.png"), "{stderr}");

    let normals = data.join("train/good");
    refused(
        &mut evaluate(&model, &normals, &[]),
        &["0 normal and 0 abnormal"],
    );
    let folder = Folder::open(&data).expect("MVTec's layout");
    assert_eq!(
        folder
            .test
            .iter()
            .filter(|sample| sample.mask.is_some())
            .count(),
        6
    );
}

#[test]
fn evaluate_draws_the_training_images_that_train_drew() {
    let folder = temporary();
    let out = folder.path().join("run");
    let mut command = program();
    command.arg("train").arg("--data").arg(solar_ir());
    command.arg("--out").arg(&out);
    command.args(["--method", "nearest", "--size", "32", "--channels", "1"]);
    command.args(["--limit", "40", "--seed", "3"]);
    run(&mut command, 0);
    let model = out.join("model.safetensors");
    let header = read(&model).header;
    let trained_on = header.training.expect("a record of the training");
    let drawn = |options: &Options| {
        let set = Dataset::open(&solar_ir().display().to_string(), options);
        let train = set.expect("the sample images").train;
        let images = PictureCache::new(train, &header.preprocessing, 0, |_| ());
        images.digest().to_owned()
    };
    let options = Options {
        limit: NonZeroUsize::new(40),
        seed: 3,
        ..Options::default()
    };
    assert_eq!(trained_on.data_digest, drawn(&options));

    // The baselines are fitted on what `evaluate` draws.
    let baseline = |more: &[&str], seed: u64| {
        let more = [&["--limit", "40"][..], more].concat();
        let object = evaluated(&model, &solar_ir(), &more);
        let split = object["split"].as_str().expect("words");
        let words = format!("40 normal training images (of 500, drawn with seed {seed})");
        assert!(split.contains(&words), "{split}");
        number(&mix(&object, "nearest (baseline)", "honest")["auroc"])
    };
    let named = baseline(&["--seed", "3"], 3);
    assert_eq!(baseline(&[], 3), named, "the run's seed by default");
    baseline(&["--seed", "4"], 4);
}

#[test]
fn how_small_a_fault_a_model_finds_needs_no_labelled_one() {
    const LINE: &str =
        "product:gear,size=32,channels=1,normals=60,test=12,faults=chip+discolouration";
    let folder = temporary();
    let out = folder.path().join("run");
    let pca = [
        "--method",
        "pca",
        "--components",
        "8",
        "--held-out",
        "0.3",
        "--seed",
        "3",
    ];
    run(
        program()
            .args(["train", "--data", LINE, "--size", "32", "--channels", "1"])
            .args(pca)
            .arg("--out")
            .arg(&out),
        0,
    );
    let model = out.join("model.safetensors");
    let report = folder.path().join("report");
    let asked = [
        "--no-baselines",
        "--simulated",
        "5",
        "--report",
        report.to_str().expect("UTF-8"),
    ];
    let object = evaluated(&model, Path::new(LINE), &asked);

    let simulated = &object["simulated"];
    for part in ["image_auroc", "pixel_auroc", "pro"] {
        assert!(
            (0.5..=1.0).contains(&number(&simulated[part])),
            "{part}: {simulated}"
        );
    }
    assert_eq!(
        (&simulated["seed"], &simulated["normals"]),
        (&5.into(), &18.into())
    );
    assert!(number(&simulated["false_alarm_rate"]) < 0.06, "{simulated}");
    assert_eq!(
        number(&simulated["threshold"]),
        number(&object["at_threshold"]["threshold"])
    );
    let series = simulated["series"].as_array().expect("series");
    let origins = |origin: &str| series.iter().filter(|one| one["origin"] == origin).count();
    assert_eq!((origins("simulated"), origins("rendered")), (6, 4));
    for one in series {
        let groups = one["groups"].as_array().expect("groups");
        let sum = |part: &str| groups.iter().map(|group| number(&group[part])).sum::<f64>();
        assert_eq!(
            (sum("hits"), sum("trials")),
            (number(&one["hits"]), number(&one["trials"]))
        );
        let (a90, bound) = (one["a90"].as_f64(), one["a90_95"].as_f64());
        assert_eq!(bound.is_none(), one["reason"].is_string(), "{one}");
        assert!(
            bound.is_none_or(|bound| a90.expect("a90") <= bound && bound < 32.0 / 3.0),
            "{one}"
        );
    }
    let spots = |contrast: f64| {
        let fits = |one: &&Value| one["kind"] == "spot" && one["contrast"] == contrast;
        series.iter().find(fits).expect("spots")
    };
    assert!(number(&spots(0.4)["hits"]) > number(&spots(0.1)["hits"]));
    // A plain spot of ten pixels is hard to miss.
    assert!(
        number(&spots(0.4)["groups"][7]["hits"]) > 10.0,
        "{}",
        spots(0.4)
    );
    for file in [
        "detection.csv",
        "detection-simulated-spot.svg",
        "detection-rendered-chip.svg",
    ] {
        assert!(report.join(file).exists(), "{file}");
    }
    assert_eq!(
        evaluated(&model, Path::new(LINE), &asked)["simulated"],
        *simulated,
        "the seed repeats it"
    );
    assert!(
        evaluated(&model, Path::new(LINE), &["--no-baselines"])
            .get("simulated")
            .is_none()
    );

    // The same images in a folder without a fault or a label, as users have them: they are the run's no longer.
    let line = [
        "--product",
        "gear",
        "--size",
        "32",
        "--channels",
        "1",
        "--normals",
        "60",
        "--test",
        "0",
    ];
    let files = folder.path().join("set");
    run(
        program()
            .arg("generate")
            .args(line)
            .arg("--out")
            .arg(&files),
        0,
    );
    let normals = files.join("train/good");
    let words = ["the model's run held out", "--data", "--limit and --seed"];
    refused(
        &mut evaluate(&model, &normals, &["--simulated", "5"]),
        &words,
    );
    refused(
        &mut evaluate(&model, &normals, &[]),
        &["expected normal and abnormal test images"],
    );

    let out = folder.path().join("own");
    run(
        program()
            .args(["train", "--size", "32", "--channels", "1"])
            .args(pca)
            .arg("--data")
            .arg(&normals)
            .arg("--out")
            .arg(&out),
        0,
    );
    let model = out.join("model.safetensors");
    let object = evaluated(&model, &normals, &["--simulated", "5"]);
    assert_eq!(object["rows"], Value::Array(vec![]));
    assert_eq!(
        object["simulated"]["series"]
            .as_array()
            .expect("series")
            .len(),
        6
    );
    let (table, _) = run(&mut evaluate(&model, &normals, &["--simulated", "5"]), 0);
    for words in [
        "simulated faults on 18 held-out",
        "% false alarms",
        "scratch and spot",
        "spot",
        "pixels",
    ] {
        assert!(table.contains(words), "{words:?} is not in: {table}");
    }
}
