//! Importing PyTorch checkpoints: every size, one channel and three, widths that differ, and the ways
//! in which such files are met; then files that are damaged, swapped or of another kind.
//! `tests/golden/reference.py` made the checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData, activation::sigmoid};
use pollster::block_on;
use proptest::prelude::*;
use skip_ganomaly::detector::{self, Detector, ganomaly, score_batch, self_check_images};
use skip_ganomaly::import::import;
use skip_ganomaly::model_file::{ModelFile, Precision};
use skip_ganomaly::nn::init::Initialiser;
use skip_ganomaly::nn::tensors::load;
use skip_ganomaly::nn::{Architecture, Discriminator, Mode, Network};
use skip_ganomaly::score::{Residual, residual};
use skip_ganomaly::settings::method::Method;

/// Checkpoints of `tests/golden`: `shapes/skip-64` is `shapes/skip-64_netG.pth` and its netD.
fn golden(name: &str, network: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}_net{network}.pth"))
}

fn try_import(generator: &Path, discriminator: &Path) -> Result<ModelFile, String> {
    import(generator, discriminator, Residual::default()).map_err(|error| error.to_string())
}

fn imported(name: &str) -> ModelFile {
    try_import(&golden(name, "G"), &golden(name, "D"))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    method: Method,
    architecture: Architecture,
    pictures: Vec<Expected>,
}

#[derive(serde::Deserialize)]
struct Expected {
    residual_l1: f64,
    residual_l2: f64,
    latent: f64,
    /// D's probabilities for the image and for its reconstruction.
    real: f64,
    fake: f64,
    /// Some values from the first to the last.
    x_hat: Vec<f64>,
    f: Vec<f64>,
    f_hat: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let path = golden("shapes/", "").with_file_name("expected.json");
    let json = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&json).expect("expected.json")
}

fn assert_close(what: &str, got: f64, expected: f64) {
    let allowed = 1e-4 * expected.abs().max(0.1);
    assert!(
        (got - expected).abs() <= allowed,
        "{what}: got {got}, expected {expected}"
    );
}

fn assert_some_close(what: &str, got: &[f32], expected: &[f64]) {
    for (k, &expected) in expected.iter().enumerate() {
        let got = got[k * (got.len() - 1) / (VALUES.min(got.len()) - 1).max(1)];
        assert_close(&format!("{what} {k}"), got.into(), expected);
    }
}

/// As in reference.py.
const VALUES: usize = 8;

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("f32")
}

/// The built-in image and a second made of it, as reference.py has them.
fn pictures(detector: &dyn Detector) -> Vec<f32> {
    let mut values = self_check_images(detector.preprocessing(), 1);
    let side = detector.preprocessing().size;
    let transposed: Vec<f32> = values
        .chunks_exact(side * side)
        .flat_map(|plane| (0..side * side).map(|at| plane[at % side * side + at / side]))
        .map(|value| 0.25 - 0.5 * value)
        .collect();
    values.extend(transposed);
    values
}

/// D's probabilities.
fn judged(model: &ModelFile, x: Tensor<4>) -> Vec<f32> {
    let architecture = model.header.architecture.expect("networks");
    let mut init = Initialiser::blank(&Device::flex());
    let logit = match model.header.method {
        Method::Ganomaly => {
            let blank = ganomaly::Discriminator::new(&architecture, &mut init);
            let d = load(blank, "discriminator", &model.tensors).expect("imported weights");
            d.forward(x, Mode::Inference).logit
        }
        _ => {
            let blank = Discriminator::new(&architecture, &mut init);
            let d = load(blank, "discriminator", &model.tensors).expect("imported weights");
            d.forward(x, Mode::Inference).logit
        }
    };
    host(sigmoid(logit))
}

#[test]
fn every_shape_scores_as_in_pytorch() {
    let cases = cases();
    assert_eq!(cases.len(), 8);
    for case in &cases {
        let model = imported(&format!("shapes/{}", case.name));
        assert_eq!(model.header.method, case.method, "{}", case.name);
        assert_eq!(
            model.header.architecture,
            Some(case.architecture),
            "{}",
            case.name
        );
        assert_eq!(model.header.calibration, None);
        let bytes = model.to_bytes(Precision::F32).expect("finite weights");
        assert_eq!(ModelFile::from_bytes(&bytes).expect("a whole file"), model);

        let detector = detector::load(&model, &Device::flex()).expect("imported weights");
        let x = pictures(&*detector);
        let scored = block_on(score_batch(&*detector, &x)).expect("a readable device");
        let Architecture { size, channels, .. } = case.architecture;
        let tensor = |values: Vec<f32>| {
            let data = TensorData::new(values, [2, channels, size, size]);
            Tensor::<4>::from_data(data, &Device::flex())
        };
        let x_hat: Vec<f32> = scored.iter().flat_map(|s| s.x_hat.clone()).collect();
        let (real, fake) = (
            judged(&model, tensor(x.clone())),
            judged(&model, tensor(x_hat)),
        );
        let inferred = block_on(detector.infer(tensor(x.clone())).finish(&mut ()));
        let (f, f_hat) = inferred.expect("readable").features.expect("features");
        let (f, f_hat) = (host(f), host(f_hat));
        let features = f.len() / 2;
        for (k, expected) in case.pictures.iter().enumerate() {
            let name = |what: &str| format!("{}, image {k}, {what}", case.name);
            let input = &x[k * x.len() / 2..(k + 1) * x.len() / 2];
            let (raw, x_hat) = (scored[k].raw, &scored[k].x_hat);
            let squared = residual(Residual::L2, input, x_hat, channels);
            let latent = raw.latent.expect("features");
            let score = match case.method {
                Method::Ganomaly => expected.latent,
                _ => 0.9 * expected.residual_l1 + 0.1 * expected.latent,
            };
            assert_close(&name("R (L1)"), raw.residual, expected.residual_l1);
            assert_close(&name("R (L2)"), squared, expected.residual_l2);
            assert_close(&name("L"), latent, expected.latent);
            assert_close(&name("A"), raw.anomaly_score, score);
            assert_close(&name("D(x)"), real[k].into(), expected.real);
            assert_close(&name("D(x̂)"), fake[k].into(), expected.fake);
            assert_some_close(&name("x̂"), x_hat, &expected.x_hat);
            let row = k * features..(k + 1) * features;
            assert_some_close(&name("f(x)"), &f[row.clone()], &expected.f);
            assert_some_close(&name("f(x̂)"), &f_hat[row], &expected.f_hat);
        }
    }
}

/// In inference mode a neighbour changes nothing; with the batch's statistics it must.
#[test]
fn batch_statistics_let_neighbours_in() {
    for name in ["shapes/skip-64", "shapes/gan-64"] {
        let model = imported(name);
        let score = |detector: &dyn Detector, x: &[f32]| {
            block_on(score_batch(detector, x)).expect("a readable device")[0]
                .raw
                .anomaly_score
        };
        let change = |detector: &dyn Detector| {
            let x = pictures(detector);
            let (alone, together) = (score(detector, &x[..x.len() / 2]), score(detector, &x));
            (alone - together).abs() / alone
        };
        let device = Device::flex();
        let inference = detector::load(&model, &device).expect("imported weights");
        assert!(change(&*inference) < 1e-5, "{name}");
        let leaking = detector::load_with_batch_statistics(&model, &device).expect("weights");
        assert!(change(&*leaking) > 1e-2, "{name}");
    }
}

/// Asserts a refusal whose message has all of `words`.
fn refused(generator: &Path, discriminator: &Path, words: &[&str]) {
    let message = try_import(generator, discriminator).expect_err("files that do not go together");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

#[test]
fn pairs_that_do_not_belong_together_are_named() {
    let (g, d) = (golden("shapes/skip-64", "G"), golden("shapes/skip-64", "D"));
    refused(
        &d,
        &g,
        &[
            "expected a generator",
            "got a discriminator of skip-ganomaly",
            "swapped",
        ],
    );
    refused(&g, &g, &["expected a discriminator", "got a generator"]);
    let other = golden("shapes/gan-64", "D");
    refused(&g, &other, &["the method skip-ganomaly", "and ganomaly"]);
    let other = golden("shapes/skip-256", "D");
    refused(&g, &other, &["the size 64", "and 256"]);
    let other = golden("skip_ganomaly", "D");
    refused(
        &golden("shapes/skip-32", "G"),
        &other,
        &["the channels 1", "and 3"],
    );
}

#[test]
fn other_files_are_named() {
    let d = golden("shapes/skip-64", "D");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a writable folder");
        path
    };
    refused(&folder.path().join("nowhere.pth"), &d, &["nowhere.pth"]);
    refused(folder.path(), &d, &["expected a file", "a folder"]);
    let expected = "expected a whole PyTorch checkpoint";
    refused(&write("empty.pth", b""), &d, &["empty.pth", expected]);
    refused(&write("text.pth", b"not a model"), &d, &[expected]);
    let model = imported("shapes/skip-64");
    let bytes = model.to_bytes(Precision::F32).expect("finite weights");
    refused(&write("model.safetensors", &bytes), &d, &[expected]);
    // A pickle of {'a': 1}: no tensors.
    let pickle = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.";
    refused(
        &write("pickle.pth", pickle),
        &d,
        &["a generator of Skip-GANomaly or GANomaly", "no tensors"],
    );
}

/// Replaces bytes of the same length everywhere in a checkpoint, whose archive's checksums of what
/// changed are made void: readers take a checksum of 0 for none.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "nothing to replace");
    // Entries of the central directory begin with this, their checksum 16 bytes behind it.
    for at in 0..bytes.len() - 20 {
        if bytes[at..].starts_with(b"PK\x01\x02") {
            bytes[at + 16..at + 20].fill(0);
        }
    }
    bytes
}

#[test]
fn tensors_missing_left_over_and_misshapen_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("changed.pth");
    let change = |from: &[u8], to: &[u8]| {
        let bytes = fs::read(golden("skip_ganomaly", "D")).expect("a golden file");
        fs::write(&path, replaced(&bytes, from, to)).expect("a writable folder");
    };
    let g = golden("skip_ganomaly", "G");

    change(b"32-batchnorm.bias", b"32-batchnorm.bios");
    refused(
        &g,
        &path,
        &["changed.pth", "missing", "feat.pyramid-32-batchnorm.bias"],
    );
    // A spare name in place of the counter that is dropped.
    change(
        b"64-batchnorm.num_batches_tracked",
        b"64-batchnorm.num_batches_counted",
    );
    refused(
        &g,
        &path,
        &["1 more", "feat.pyramid-64-batchnorm.num_batches_counted"],
    );
    // The classifier's [1, 100, 3, 3] as [1, 100, 3, 1]: K is the pickle's byte-sized number.
    change(b"K\x01KdK\x03K\x03", b"K\x01KdK\x03K\x01");
    refused(
        &g,
        &path,
        &["clas.classifier.weight", "[1, 100, 3, 3]", "[1, 100, 3, 1]"],
    );
}

#[test]
fn every_truncation_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, network) in [
        ("shapes/skip-32", "D"),
        ("shapes/skip-128", "D"),
        ("shapes/gan-32", "D"),
        ("shapes/gan-128", "D"),
    ] {
        let whole = fs::read(golden(name, network)).expect("a golden file");
        let path = folder.path().join("cut.pth");
        let step = (whole.len() / 120).max(1);
        let ends = (0..64).chain((64..whole.len()).step_by(step));
        for cut in ends.chain(whole.len() - 64..whole.len()) {
            fs::write(&path, &whole[..cut]).expect("a writable folder");
            let result = try_import(&golden(name, "G"), &path);
            let message = result.expect_err("a truncated file").to_string();
            assert!(message.contains("cut.pth"), "{message}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Damage may go unnoticed where nothing checks it, in a weight without a checksum; it must never
    /// end the program.
    #[test]
    fn damage_never_panics(
        legacy: bool,
        place in 0.0_f64..1.0,
        head: bool,
        bytes in prop::collection::vec(any::<u8>(), 1..4),
    ) {
        let name = if legacy { "shapes/gan-128" } else { "shapes/skip-32" };
        let mut damaged = fs::read(golden(name, "D")).expect("a golden file");
        // Half of the damage where names and sizes stand.
        let reach = if head { 4000 } else { damaged.len() - bytes.len() };
        let at = (place * reach as f64) as usize;
        damaged[at..at + bytes.len()].copy_from_slice(&bytes);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("damaged.pth");
        fs::write(&path, damaged).expect("a writable folder");
        let _ = try_import(&golden(name, "G"), &path);
    }
}
