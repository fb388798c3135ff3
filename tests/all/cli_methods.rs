//! Every method of the list through the program: train, inspect, score, evaluate, calibrate.

use std::fs;

use crate::common::{
    json, number, paths_of, program, refused, run, scored, solar_ir, some_pictures, temporary,
};
use skip_ganomaly::settings::method::Method;

/// What a tiny training of a method takes beside the data.
fn settings(method: Method) -> Vec<&'static str> {
    let mut settings = vec!["--size", "32", "--channels", "1"];
    if method.has_networks() {
        settings.extend(["--width", "2", "--batch", "16", "--steps", "3"]);
    }
    if method.optimises_latent() {
        settings.extend(["--latent-steps", "4"]);
    }
    settings
}

#[test]
fn every_method_goes_through_the_program() {
    for &method in Method::ALL {
        let folder = temporary();
        let out = folder.path().join("run");
        let mut train = program();
        train.args(["train", "--json", "--method", method.as_str(), "--data"]);
        train.arg(solar_ir()).arg("--out").arg(&out);
        let summary = json(&run(train.args(settings(method)), 0).0);
        assert_eq!(summary["method"], method.as_str());
        let model = out.join("model.safetensors");
        assert!(fs::read_to_string(out.join("report.html")).is_ok());

        let inspect = run(program().args(["inspect", "--json"]).arg(&model), 0).0;
        let header = &json(&inspect)["header"];
        assert_eq!(header["method"], method.as_str());
        assert_eq!(header["architecture"].is_object(), method.has_networks());
        assert_eq!(number(&header["scoring"]["lambda"]), method.lambda());
        let steps = header["scoring"].get("search_steps").map(number);
        assert_eq!(steps, method.optimises_latent().then_some(4.0));
        let lines = run(program().arg("inspect").arg(&model), 0).0;
        assert!(
            lines.contains(&format!("method        {method} ")),
            "{lines}"
        );
        assert_eq!(
            lines.contains("4 steps for each image"),
            method.optimises_latent()
        );

        // One at a time and together: the same lines.
        let pictures = some_pictures();
        let maps = folder.path().join("maps");
        let with_maps = ["--maps", maps.to_str().expect("UTF-8")];
        let together = scored(&model, &pictures, &with_maps);
        assert_eq!(paths_of(&together), pictures);
        assert_eq!(
            together,
            scored(&model, &pictures, &["--batch", "1"]),
            "{method}"
        );
        assert!(
            together.iter().all(|row| row["score"].is_f64()),
            "{together:?}"
        );
        assert_eq!(fs::read_dir(&maps).expect("maps").count(), pictures.len());

        let mut evaluate = program();
        evaluate.args(["evaluate", "--json", "--bootstrap", "20", "--model"]);
        evaluate.arg(&model).arg("--data").arg(solar_ir());
        let result = run(&mut evaluate, 0).0;
        assert!(result.contains(&format!("\"{method}\"")), "{result}");

        let again = folder.path().join("again.safetensors");
        let mut calibrate = program();
        calibrate.args([
            "calibrate",
            "--json",
            "--threshold-quantile",
            "0.5",
            "--model",
        ]);
        calibrate.arg(&model).arg("--data").arg(solar_ir());
        run(calibrate.arg("--out").arg(&again), 0);
        let inspect = run(program().args(["inspect", "--json"]).arg(&again), 0).0;
        let calibration = &json(&inspect)["header"]["calibration"];
        // The same scores, of which another quantile is taken. A threshold says less: after three steps a
        // method may score all images alike.
        let before = &header["calibration"];
        assert_eq!(calibration["anomaly_score"], before["anomaly_score"]);
        assert_eq!(calibration["rule"]["held-out-quantile"], 0.5, "{method}");
    }
}

#[test]
fn a_search_can_be_made_longer_and_only_where_there_is_one() {
    let folder = temporary();
    let trained = |method: Method| {
        let out = folder.path().join(method.as_str());
        let mut train = program();
        train.args(["train", "--method", method.as_str(), "--data"]);
        train.arg(solar_ir()).arg("--out").arg(&out);
        run(train.args(settings(method)), 0);
        out.join("model.safetensors")
    };
    let calibrate = |method: Method, more: &[&str]| {
        let mut calibrate = program();
        calibrate
            .arg("calibrate")
            .args(more)
            .arg("--model")
            .arg(trained(method));
        calibrate.arg("--data").arg(solar_ir());
        calibrate
            .arg("--out")
            .arg(folder.path().join("longer.safetensors"));
        calibrate
    };
    run(&mut calibrate(Method::Anogan, &["--search-steps", "9"]), 0);
    let longer = folder.path().join("longer.safetensors");
    let inspect = run(program().args(["inspect", "--json"]).arg(&longer), 0).0;
    let header = &json(&inspect)["header"];
    assert_eq!(header["scoring"]["search_steps"], 9);
    // At most 256 held-out normal images are searched for, here all fifty.
    assert_eq!(header["calibration"]["normals"], 50);
    let pca = &mut calibrate(Method::Pca, &["--latent-steps", "9"]);
    refused(pca, &["--latent-steps", "pca"]);
}

/// An option that is given at its default was given all the same.
#[test]
fn a_setting_without_a_use_is_refused_whatever_its_value() {
    let folder = temporary();
    let out = folder.path().join("run");
    for (method, option, value) in [
        ("pca", "epochs", "14"),
        ("pca", "epochs", "15"),
        ("nearest", "lambda", "0.9"),
        ("nearest", "latent", "layers"),
        ("egbad", "latent", "final"),
        ("aae", "latent-in-discriminator", "true"),
        ("ganomaly", "latent-steps", "500"),
    ] {
        let mut train = program();
        train.args([
            "train",
            "--method",
            method,
            &format!("--{option}={value}"),
            "--data",
        ]);
        let expected = format!("{option} must be left out: the method {method} does not use it");
        refused(train.arg(solar_ir()).arg("--out").arg(&out), &[&expected]);
    }
    assert!(!out.exists());
}
