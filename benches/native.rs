//! How long scoring and a training step take, in medians: one JSON object a line on stdout.
//!
//! `cargo bench --bench native -- --width 32 --repeats 15`

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use skip_ganomaly::data::image::Preprocessing;
use skip_ganomaly::detector::{self, score_on_all_threads, self_check_images};
use skip_ganomaly::model_file::{FORMAT, Header, ModelFile, Scoring};
use skip_ganomaly::settings::config::TrainConfig;
use skip_ganomaly::settings::method::Method;
use skip_ganomaly::train::step::{Batch, Update, read_losses};

const SIZE: usize = 32;
const CHANNELS: usize = 3;
const BATCH: usize = 64;

/// Uncounted repeats first: caches, thread pools and the clock's frequency settle.
const WARM_UP: usize = 3;

fn main() {
    let (width, repeats) = arguments();
    let device = Device::flex();
    let config = TrainConfig {
        size: SIZE,
        channels: CHANNELS,
        width,
        batch: BATCH,
        ..TrainConfig::default()
    };
    let method = config
        .method
        .gradient_trained()
        .expect("a method with networks");
    let mut trainer = method.trainer(&config, &device);
    let preprocessing = Preprocessing::new(SIZE, CHANNELS);
    let tensors = block_on(trainer.read_weights().read()).expect("a readable device");
    let model = ModelFile {
        header: Header {
            format: FORMAT,
            method: Method::SkipGanomaly,
            architecture: Some(config.architecture()),
            preprocessing: preprocessing.clone(),
            scoring: Scoring::default(),
            calibration: None,
            training: None,
            self_check: None,
            licence: None,
        },
        tensors,
    };
    let detector = detector::load(&model, &device).expect("a trainer's own weights");

    let picture = self_check_images(&preprocessing, 1);
    for n in [1, BATCH] {
        let pictures = picture.repeat(n);
        let median = median_ms(repeats, || {
            let scored = score_on_all_threads(&*detector, &pictures).expect("a readable device");
            assert_eq!(scored.len(), n);
        });
        report(&format!("score_{n}"), median, width);
    }

    let pictures = picture.repeat(BATCH);
    let median = median_ms(repeats, || {
        let data = TensorData::new(pictures.clone(), [BATCH, CHANNELS, SIZE, SIZE]);
        let pending = trainer.step(
            Batch::new(Tensor::from_data(data, trainer.device()), 0),
            Update::Both,
        );
        // Reading the losses waits for the step.
        block_on(read_losses(trainer.loss_terms(), vec![pending])).expect("a readable device");
    });
    report(&format!("train_step_{BATCH}"), median, width);
}

/// `--width N --repeats N`; cargo adds an argument `--bench` of its own.
fn arguments() -> (usize, usize) {
    let (mut width, mut repeats) = (32, 15);
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let setting = match name.as_str() {
            "--bench" => continue,
            "--width" => &mut width,
            "--repeats" => &mut repeats,
            other => fail(&format!("expected --width N or --repeats N, got {other}")),
        };
        let value = given.next().unwrap_or_default();
        *setting = match value.parse() {
            Ok(number) if number > 0 => number,
            _ => fail(&format!(
                "expected a number above 0 after {name}, got {value:?}"
            )),
        };
    }
    (width, repeats)
}

fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(2)
}

fn median_ms(repeats: usize, mut work: impl FnMut()) -> f64 {
    for _ in 0..WARM_UP {
        work();
    }
    let mut times: Vec<f64> = (0..repeats)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    f64::midpoint(times[(repeats - 1) / 2], times[repeats / 2])
}

fn report(name: &str, median_ms: f64, width: usize) {
    let line = serde_json::json!({
        "name": name,
        "median_ms": median_ms,
        "size": SIZE,
        "channels": CHANNELS,
        "width": width,
    });
    println!("{line}");
}
