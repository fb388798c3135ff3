//! Against numbers of the published PyTorch networks: outputs, features and scores in inference
//! mode, then the losses of five training steps and what they leave in every tensor.
//! `tests/golden/convert.py` tells where they come from.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use skip_ganomaly::detector::skip_ganomaly::SkipGanomaly;
use skip_ganomaly::detector::{Detector, score_batch};
use skip_ganomaly::model_file::ModelFile;
use skip_ganomaly::score::{LAMBDA, Residual, anomaly_score, residual};
use skip_ganomaly::train::config::TrainConfig;
use skip_ganomaly::train::skip_ganomaly::SkipGanomalyTrainer;
use skip_ganomaly::train::step::{Trainer, read_losses};

fn golden(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn networks() -> ModelFile {
    ModelFile::from_bytes(&golden("skip_ganomaly.safetensors")).expect("a whole model file")
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = file.tensor(name).expect("a golden tensor").data();
    data.chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// |got - expected| ≤ tolerance · max(|expected|, floor)
fn assert_close(what: &str, got: f64, expected: f64, tolerance: f64, floor: f64) {
    let allowed = tolerance * expected.abs().max(floor);
    assert!(
        (got - expected).abs() <= allowed,
        "{what}: got {got}, expected {expected}"
    );
}

#[test]
fn inference_agrees_with_the_published_networks() {
    let bytes = golden("skip_ganomaly_eval.safetensors");
    let expected = SafeTensors::deserialize(&bytes).expect("golden vectors");
    let detector = SkipGanomaly::from_file(&networks(), &Device::flex()).expect("golden weights");
    let x = floats(&expected, "x");
    let scored = pollster::block_on(score_batch(&detector, &x)).expect("a readable device");
    assert_eq!(scored.len(), 8);

    let [x_hat, paper, code, l1, l2, latent] = [
        "x_hat",
        "score_paper",
        "score_code",
        "residual_l1",
        "residual_l2",
        "latent_l2",
    ]
    .map(|name| floats(&expected, name));
    for (i, picture) in scored.iter().enumerate() {
        let input = &x[i * 3072..(i + 1) * 3072];
        for (got, want) in picture.x_hat.iter().zip(&x_hat[i * 3072..]) {
            assert_close("x_hat", (*got).into(), (*want).into(), 1e-4, 0.1);
        }
        let raw = picture.raw;
        let squared = residual(Residual::L2, input, &picture.x_hat, 3);
        let l = raw.latent.expect("Skip-GANomaly has features");
        assert_close("R (L1)", raw.residual, l1[i].into(), 1e-4, 0.0);
        assert_close("R (L2)", squared, l2[i].into(), 1e-4, 0.0);
        assert_close("L", l, latent[i].into(), 1e-4, 0.0);
        assert_close("A, paper", raw.anomaly_score, paper[i].into(), 1e-4, 0.0);
        assert_close(
            "A, code",
            anomaly_score(LAMBDA, squared, l),
            code[i].into(),
            1e-4,
            0.0,
        );
    }

    let data = TensorData::new(x, [8, 3, 32, 32]);
    let measured = detector.measure(Tensor::from_data(data, &Device::flex()));
    let (f, f_hat) = measured.features.expect("features");
    for (name, got) in [("f_real", f), ("f_fake", f_hat)] {
        let got = got.into_data().try_into_vec::<f32>().expect("f32");
        for (got, want) in got.iter().zip(floats(&expected, name)) {
            assert_close(name, (*got).into(), want.into(), 1e-4, 0.1);
        }
    }
}

/// Mean and L2 norm of a tensor, as the golden file lists them.
type Statistics = [f64; 2];

#[derive(serde::Deserialize)]
struct Step {
    g_adv: f64,
    g_con: f64,
    g_lat: f64,
    d_real: f64,
    d_fake: f64,
    d_lat: f64,
    tensors: BTreeMap<String, Statistics>,
}

#[test]
fn five_training_steps_agree_with_the_published_ones() {
    let steps: Vec<Step> =
        serde_json::from_slice(&golden("skip_ganomaly_steps.json")).expect("golden losses");
    let bytes = golden("skip_ganomaly_pictures.safetensors");
    let pictures = SafeTensors::deserialize(&bytes).expect("golden pictures");
    let pixels = pictures.tensor("x").expect("48 pictures").data();
    let config = TrainConfig {
        width: 16,
        batch: 8,
        ..TrainConfig::default()
    };
    let mut trainer =
        SkipGanomalyTrainer::from_weights(&config, &networks().tensors, &Device::flex())
            .expect("golden weights");

    assert_eq!(steps.len(), 5);
    for (number, expected) in (1..).zip(&steps) {
        let batch = &pixels[number * 8 * 3072..(number + 1) * 8 * 3072];
        let values: Vec<f32> = batch.iter().map(|&p| f32::from(p) / 127.5 - 1.0).collect();
        let x = Tensor::from_data(TensorData::new(values, [8, 3, 32, 32]), trainer.device());
        let pending = trainer.step(x);
        let losses = pollster::block_on(read_losses(vec![pending])).expect("a readable device")[0];
        let name = |loss: &str| format!("step {number}, {loss}");
        assert_close(
            &name("adversarial"),
            losses.adversarial,
            expected.g_adv,
            1e-3,
            0.0,
        );
        assert_close(
            &name("contextual"),
            losses.contextual,
            expected.g_con,
            1e-3,
            0.0,
        );
        assert_close(&name("latent"), losses.latent, expected.g_lat, 1e-3, 0.0);
        let discriminator = expected.d_real + expected.d_fake + expected.d_lat;
        assert_close(
            &name("discriminator"),
            losses.discriminator,
            discriminator,
            1e-3,
            0.0,
        );

        let tensors = pollster::block_on(trainer.read_weights().read()).expect("a readable device");
        assert_eq!(
            tensors.keys().collect::<Vec<_>>(),
            expected.tensors.keys().collect::<Vec<_>>()
        );
        for (tensor, [_, norm]) in &expected.tensors {
            let values = &tensors[tensor].values;
            let got = values
                .iter()
                .map(|&v| f64::from(v).powi(2))
                .sum::<f64>()
                .sqrt();
            // A freshly started β or mean is nearly zero: its norm is compared absolutely.
            assert_close(&name(tensor), got, *norm, 1e-3, 1e-2);
        }
    }
}
