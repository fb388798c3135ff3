//! Against numbers of the published PyTorch networks, imported from the authors' kind of checkpoint:
//! outputs, features and scores in inference mode, then the losses of five training steps and what
//! they leave in every tensor. `tests/golden/convert.py` tells where the numbers come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use safetensors::SafeTensors;
use skip_ganomaly::detector::{self, Scored, ganomaly, score_batch};
use skip_ganomaly::import::{import, official_name};
use skip_ganomaly::model_file::ModelFile;
use skip_ganomaly::nn::init::Initialiser;
use skip_ganomaly::nn::tensors::{HostTensor, NamedTensors, load};
use skip_ganomaly::nn::{Discriminator, Mode, Network};
use skip_ganomaly::score::{LAMBDA, Residual, anomaly_score, residual};
use skip_ganomaly::settings::config::TrainConfig;
use skip_ganomaly::settings::method::Method;
use skip_ganomaly::train::step::{Batch, Trainer, Update, read_losses};

/// Images in a golden batch, and values of one.
const BATCH: usize = 8;
const VALUES: usize = 3 * 32 * 32;

fn golden_path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file)
}

fn golden(file: &str) -> Vec<u8> {
    let path = golden_path(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn imported(method: &str) -> ModelFile {
    let network = |name: &str| golden_path(&format!("{method}_{name}.pth"));
    import(&network("netG"), &network("netD"), Residual::L1).expect("golden checkpoints")
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = file.tensor(name).expect("a golden tensor").data();
    data.chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("f32")
}

/// |got - expected| ≤ tolerance · max(|expected|, floor)
fn assert_close(what: &str, got: f64, expected: f64, tolerance: f64, floor: f64) {
    let allowed = tolerance * expected.abs().max(floor);
    assert!(
        (got - expected).abs() <= allowed,
        "{what}: got {got}, expected {expected}"
    );
}

fn assert_all_close(what: &str, got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (&got, &expected) in got.iter().zip(expected) {
        assert_close(what, got.into(), expected.into(), 1e-4, 0.1);
    }
}

/// A method in inference mode on the golden images.
struct Inference {
    model: ModelFile,
    scored: Vec<Scored>,
    features: (Vec<f32>, Vec<f32>),
    x: Vec<f32>,
}

fn infer(method: &str, expected: &SafeTensors<'_>) -> Inference {
    let model = imported(method);
    let detector = detector::load(&model, &Device::flex()).expect("golden weights");
    let x = floats(expected, "x");
    let scored = block_on(score_batch(&*detector, &x)).expect("a readable device");
    assert_eq!(scored.len(), BATCH);
    let inferred = block_on(detector.infer(batch(&x)).finish(&mut ()));
    let (f, f_hat) = inferred.expect("readable").features.expect("features");
    let x_hat: Vec<f32> = scored.iter().flat_map(|s| s.x_hat.clone()).collect();
    assert_all_close("x_hat", &x_hat, &floats(expected, "x_hat"));
    Inference {
        model,
        scored,
        features: (host(f), host(f_hat)),
        x,
    }
}

fn batch(x: &[f32]) -> Tensor<4> {
    let data = TensorData::new(x.to_vec(), [BATCH, 3, 32, 32]);
    Tensor::from_data(data, &Device::flex())
}

/// D's probability of "real", from its logit.
fn probabilities(logit: Tensor<1>) -> Vec<f32> {
    host(burn::tensor::activation::sigmoid(logit))
}

#[test]
fn skip_ganomaly_infers_as_published() {
    let bytes = golden("skip_ganomaly_eval.safetensors");
    let expected = SafeTensors::deserialize(&bytes).expect("golden vectors");
    let inference = infer("skip_ganomaly", &expected);
    assert_eq!(inference.model.header.method, Method::SkipGanomaly);
    let column = |name: &str| floats(&expected, name);
    let [paper, code, l1, l2, latent] = [
        "score_paper",
        "score_code",
        "residual_l1",
        "residual_l2",
        "latent_l2",
    ]
    .map(column);
    for (i, picture) in inference.scored.iter().enumerate() {
        let input = &inference.x[i * VALUES..(i + 1) * VALUES];
        let raw = picture.raw;
        let squared = residual(Residual::L2, input, &picture.x_hat, 3);
        let l = raw.latent.expect("Skip-GANomaly has features");
        let by_code = anomaly_score(LAMBDA, squared, l);
        for (what, got, expected) in [
            ("R (L1)", raw.residual, l1[i]),
            ("R (L2)", squared, l2[i]),
            ("L", l, latent[i]),
            ("A, paper", raw.anomaly_score, paper[i]),
            ("A, code", by_code, code[i]),
        ] {
            assert_close(what, got, expected.into(), 1e-4, 0.0);
        }
    }
    assert_all_close("f(x)", &inference.features.0, &column("f_real"));
    assert_all_close("f(x̂)", &inference.features.1, &column("f_fake"));

    let architecture = inference.model.header.architecture.expect("networks");
    let blank = Discriminator::new(&architecture, &mut Initialiser::blank(&Device::flex()));
    let d = load(blank, "discriminator", &inference.model.tensors).expect("golden weights");
    for (x, name) in [("x", "d_real"), ("x_hat", "d_fake")] {
        let judgement = d.forward(batch(&column(x)), Mode::Inference);
        assert_all_close(name, &probabilities(judgement.logit), &column(name));
    }
}

#[test]
fn ganomaly_infers_as_published() {
    let bytes = golden("ganomaly_eval.safetensors");
    let expected = SafeTensors::deserialize(&bytes).expect("golden vectors");
    let inference = infer("ganomaly", &expected);
    assert_eq!(inference.model.header.method, Method::Ganomaly);
    let column = |name: &str| floats(&expected, name);
    assert_all_close("z", &inference.features.0, &column("z"));
    assert_all_close("ẑ", &inference.features.1, &column("z_hat"));
    let x_hat = column("x_hat");
    for (i, (picture, score)) in inference.scored.iter().zip(column("score")).enumerate() {
        let at = i * VALUES..(i + 1) * VALUES;
        let shown = residual(Residual::L1, &inference.x[at.clone()], &x_hat[at], 3);
        assert_close("A", picture.raw.anomaly_score, score.into(), 1e-4, 0.0);
        assert_eq!(picture.raw.latent, Some(picture.raw.anomaly_score));
        assert_close("R", picture.raw.residual, shown, 1e-4, 0.0);
    }

    let architecture = inference.model.header.architecture.expect("networks");
    let mut init = Initialiser::blank(&Device::flex());
    let blank = ganomaly::Discriminator::new(&architecture, &mut init);
    let d = load(blank, "discriminator", &inference.model.tensors).expect("golden weights");
    for (x, name) in [("x", "d_real"), ("x_hat", "d_fake")] {
        let judgement = d.forward(batch(&column(x)), Mode::Inference);
        assert_all_close(name, &probabilities(judgement.logit), &column(name));
    }
}

/// Mean and L2 norm of a tensor, as the golden file lists them.
type Statistics = [f64; 2];

#[derive(serde::Deserialize)]
struct Run {
    steps: Vec<Step>,
}

/// One step's losses, whichever the method has, and what it left in the tensors.
#[derive(serde::Deserialize)]
struct Step {
    #[serde(rename = "G")]
    generator: BTreeMap<String, Statistics>,
    #[serde(rename = "D")]
    discriminator: BTreeMap<String, Statistics>,
    #[serde(flatten)]
    losses: BTreeMap<String, f64>,
}

impl Step {
    fn tensors(&self) -> usize {
        self.generator.len() + self.discriminator.len()
    }

    /// By this crate's name of a tensor.
    fn statistics(&self, model: &ModelFile, name: &str) -> Statistics {
        let official = official(model, name);
        let network = match name.starts_with("generator") {
            true => &self.generator,
            false => &self.discriminator,
        };
        network[&official]
    }
}

fn official(model: &ModelFile, name: &str) -> String {
    let architecture = model.header.architecture.expect("networks");
    official_name(model.header.method, &architecture, name).expect("a tensor of the method")
}

/// The method's training with the golden weights.
fn trainer(config: &TrainConfig, model: &ModelFile) -> Box<dyn Trainer> {
    let method = config
        .method
        .gradient_trained()
        .expect("a method with networks");
    let trainer = method.trainer_of(config, &model.tensors, &Device::flex());
    trainer.expect("golden weights")
}

/// Trains for five steps and compares each; gives the weights after the last.
fn five_steps(
    model: &ModelFile,
    steps: &str,
    trainer: &mut dyn Trainer,
    expected_losses: impl Fn(&BTreeMap<String, f64>) -> [(&'static str, f64); 5],
) -> NamedTensors {
    let run: Run = serde_json::from_slice(&golden(steps)).expect("golden losses");
    let bytes = golden("pictures.safetensors");
    let pictures = SafeTensors::deserialize(&bytes).expect("golden images");
    let pixels = pictures.tensor("x").expect("48 images").data();
    assert_eq!(run.steps.len(), 5);
    let mut tensors = NamedTensors::new();
    for (number, step) in (1..).zip(&run.steps) {
        let pixels = &pixels[number * BATCH * VALUES..(number + 1) * BATCH * VALUES];
        let values: Vec<f32> = pixels.iter().map(|&p| f32::from(p) / 127.5 - 1.0).collect();
        let data = TensorData::new(values, [BATCH, 3, 32, 32]);
        let pending = trainer.step(
            Batch::new(Tensor::from_data(data, trainer.device()), 0),
            Update::Both,
        );
        let read = block_on(read_losses(trainer.loss_terms(), vec![pending]));
        let got = &read.expect("a readable device")[0];
        let name = |what: &str| format!("step {number}, {what}");
        for (what, expected) in expected_losses(&step.losses) {
            let got = got.get(what).expect("a loss of the method");
            assert_close(&name(what), got, expected, 1e-3, 0.0);
        }

        tensors = block_on(trainer.read_weights().read()).expect("a readable device");
        assert_eq!(tensors.len(), step.tensors());
        for (tensor, HostTensor { values, .. }) in &tensors {
            let [mean, norm] = step.statistics(model, tensor);
            let values = values.iter().map(|&v| f64::from(v));
            let count = values.len() as f64;
            let got = values.clone().map(|v| v * v).sum::<f64>().sqrt();
            // A freshly started β or mean is nearly zero: its norm is compared absolutely.
            assert_close(&name(tensor), got, norm, 1e-3, 1e-2);
            // A mean that is small beside the values is a sum of what cancels: rounding remains.
            let floor = (0.1 * norm / count.sqrt()).max(1e-3);
            let got = values.sum::<f64>() / count;
            assert_close(&name(&format!("mean of {tensor}")), got, mean, 1e-3, floor);
        }
    }
    tensors
}

fn config(method: Method) -> TrainConfig {
    TrainConfig {
        method,
        width: 16,
        batch: BATCH,
        ..TrainConfig::default()
    }
}

#[test]
fn five_steps_of_skip_ganomaly_are_the_published_ones() {
    let model = imported("skip_ganomaly");
    let config = config(Method::SkipGanomaly);
    let mut trainer = trainer(&config, &model);
    let expected = |losses: &BTreeMap<String, f64>| {
        [
            ("adversarial", losses["g_adv"]),
            ("contextual", losses["g_con"]),
            ("latent", losses["g_lat"]),
            (
                "generator",
                losses["g_adv"] + 50.0 * losses["g_con"] + losses["g_lat"],
            ),
            (
                "discriminator",
                losses["d_real"] + losses["d_fake"] + losses["d_lat"],
            ),
        ]
    };
    let steps = "skip_ganomaly_train.json";
    let tensors = five_steps(&model, steps, &mut *trainer, expected);

    // Not only norms: eight values of each tensor.
    let samples: BTreeMap<String, Vec<f64>> =
        serde_json::from_slice(&golden("skip_ganomaly_after5.json")).expect("golden samples");
    for (name, HostTensor { values, .. }) in &tensors {
        let network = if name.starts_with("generator") {
            "G"
        } else {
            "D"
        };
        let samples = &samples[&format!("{network}.{}", official(&model, name))];
        for (k, &expected) in samples.iter().enumerate() {
            let at = k * (values.len() - 1) / (samples.len() - 1).max(1);
            let got = f64::from(values[at]);
            // Small values may differ by a quarter of one of Adam's steps: where a gradient is
            // nearly zero, rounding decides on its sign.
            assert_close(&format!("{name}, sample {k}"), got, expected, 1e-3, 0.05);
        }
    }
}

#[test]
fn five_steps_of_ganomaly_are_the_published_ones() {
    let model = imported("ganomaly");
    let config = config(Method::Ganomaly);
    let mut trainer = trainer(&config, &model);
    let expected = |losses: &BTreeMap<String, f64>| {
        [
            ("adversarial", losses["g_adv"]),
            ("contextual", losses["g_con"]),
            ("encoder", losses["g_enc"]),
            (
                "generator",
                losses["g_adv"] + 50.0 * losses["g_con"] + losses["g_enc"],
            ),
            ("discriminator", losses["d"]),
        ]
    };
    five_steps(&model, "ganomaly_train.json", &mut *trainer, expected);
}
