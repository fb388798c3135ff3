//! Training as a whole: it learns, repeats itself, goes on where it stopped, and what it leaves
//! scores as it did when it was calibrated.

use std::ops::{ControlFlow, Range};

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use skip_ganomaly::data::augment::Augment;
use skip_ganomaly::data::image::Preprocessing;
use skip_ganomaly::data::pictures::{InMemory, Pictures};
use skip_ganomaly::detector::{
    self, Progress, Scored, egbad, options, score_batch, score_with_progress,
};
use skip_ganomaly::metrics::quantile;
use skip_ganomaly::model_file::{ModelFile, Precision};
use skip_ganomaly::nn::init::Initialiser;
use skip_ganomaly::nn::tensors::{TensorError, load};
use skip_ganomaly::nn::{BatchNorm, Mode, Network, dcgan};
use skip_ganomaly::run::preview::LabelledImages;
use skip_ganomaly::run::{Run, RunError};
use skip_ganomaly::score::{Latent, Normalisation, Residual};
use skip_ganomaly::settings::config::TrainConfig;
use skip_ganomaly::settings::method::Method;
use skip_ganomaly::settings::schedule::Schedule;
use skip_ganomaly::train::losses::{Losses, OUTPUTS};
use skip_ganomaly::train::step::{Batch, DamagedImages, Trainer, Update, read_losses};

const SIZE: usize = 32;

fn config() -> TrainConfig {
    TrainConfig {
        size: SIZE,
        channels: 1,
        width: 4,
        batch: 8,
        epochs: 2,
        ..TrainConfig::default()
    }
}

/// The same for a method, with what it was published with.
fn config_of(method: Method) -> TrainConfig {
    let width = if method == Method::Alocc { 2 } else { 4 };
    TrainConfig {
        size: SIZE,
        channels: 1,
        width,
        batch: 8,
        epochs: 2,
        steps: None,
        // Steps by themselves are all at the beginning of a cycle.
        schedule: Schedule::Constant,
        search_steps: if method.optimises_latent() {
            5
        } else {
            config().search_steps
        },
        ..options::published(method)
    }
}

/// One for each method that is trained, and one with every option that draws.
fn configs() -> Vec<TrainConfig> {
    let options = TrainConfig {
        input_noise: 0.1,
        input_mask: 0.2,
        skip_dropout: 0.3,
        cut_skips: 1,
        augment: Augment::FlipsAndShift,
        label_smoothing: 0.1,
        ..config()
    };
    let trained = Method::ALL.iter().copied().filter(|m| m.has_networks());
    trained.map(config_of).chain([options]).collect()
}

fn trainer(config: &TrainConfig) -> Box<dyn Trainer> {
    let method = config
        .method
        .gradient_trained()
        .expect("a method with networks");
    method.trainer(config, &Device::flex())
}

/// One of each way to score.
fn scorings() -> [TrainConfig; 3] {
    let layers = TrainConfig {
        residual: Residual::Smoothed,
        latent: Latent::Layers,
        balance: Normalisation::Quantile,
        lambda: Some(0.5),
        ..config()
    };
    let memory = TrainConfig {
        residual: Residual::MultiScale,
        latent: Latent::Memory,
        lambda: Some(0.1),
        ..config()
    };
    [config(), layers, memory]
}

/// Smooth images that differ in direction, frequency and brightness.
fn pictures(n: usize) -> Box<dyn Pictures> {
    in_memory(waves(n), n)
}

fn in_memory(values: Vec<f32>, n: usize) -> Box<dyn Pictures> {
    Box::new(InMemory::new(values, SIZE * SIZE, format!("{n} waves")))
}

fn waves(n: usize) -> Vec<f32> {
    (0..n * SIZE * SIZE)
        .map(|i| {
            let (k, y, x) = (i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE);
            let k = k as f32;
            let phase = (x as f32 * (0.2 + 0.03 * k) + y as f32 * (0.6 - 0.05 * k)).sin();
            (0.6 * phase + 0.3 * (1.7 * k).sin()).clamp(-1.0, 1.0)
        })
        .collect()
}

fn start(config: &TrainConfig, n: usize) -> Run {
    Run::new(config, pictures(n), &Device::flex()).expect("a run that can start")
}

fn steps_unread(run: &mut Run, count: usize) {
    (0..count).for_each(|_| run.step().expect("readable images"));
}

fn steps(run: &mut Run, count: usize) -> Vec<Losses> {
    steps_unread(run, count);
    block_on(run.read_losses()).expect("finite losses")
}

fn scores(model: &ModelFile, values: &[f32]) -> Vec<Scored> {
    let detector = detector::load(model, &Device::flex()).expect("weights that fit");
    block_on(score_batch(&*detector, values)).expect("a readable device")
}

/// G alone learns to reconstruct a few images: a fixed task, as below. Over five seeds and three vector widths
/// the error ended at 0.19 of the first at most.
#[test]
fn every_method_that_reconstructs_memorises_eight_images() {
    for (method, loss) in [
        (Method::SkipGanomaly, "contextual"),
        (Method::Repair, "contextual"),
        (Method::Ganomaly, "contextual"),
        (Method::Alocc, "refinement"),
        (Method::Aae, "reconstruction"),
    ] {
        let share = memorised(&config_of(method), loss);
        assert!(
            share < 0.4,
            "{method}: the error is still {share} of what it was"
        );
    }
}

/// Mean of a reconstruction loss over the last steps of G, as a share of that of the first.
fn memorised(config: &TrainConfig, loss: &str) -> f64 {
    let mut config = TrainConfig {
        width: 2 * config.width,
        learning_rate: 2e-3,
        ..config.clone()
    };
    if config.method == Method::Alocc {
        // Its published weight leaves most to D.
        config.contextual_weight = 50.0;
    }
    let losses = steps_on_eight(&mut *trainer(&config), 0..160, Update::Generator);
    share(&losses, loss)
}

/// Files keep losses to the last bit: a resumed run writes the bytes that it would have written.
#[test]
fn losses_are_read_as_they_were_written() {
    for losses in steps_on_eight(&mut *trainer(&config()), 0..20, Update::Both) {
        let text = serde_json::to_string(&losses).expect("JSON");
        let read: Losses = serde_json::from_str(&text).expect("the same JSON");
        assert_eq!(read, losses, "{text}");
    }
}

/// Losses of steps on the same eight images, with the same damage if the method repairs.
fn steps_on_eight(trainer: &mut dyn Trainer, steps: Range<u64>, update: Update) -> Vec<Losses> {
    let values = waves(8);
    let damaged = trainer.simulator().map(|simulator| {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        simulator.damage(&values, 1, SIZE, 1.0, &mut random)
    });
    let pending = steps
        .map(|step| {
            let on_device = |values: &[f32]| {
                let data = TensorData::new(values.to_vec(), [8, 1, SIZE, SIZE]);
                Tensor::from_data(data, trainer.device())
            };
            let damaged = damaged.as_ref().map(|damaged| DamagedImages {
                x: on_device(&damaged.values),
                marks: on_device(&damaged.marks),
            });
            let x = on_device(&values);
            let batch = Batch {
                damaged,
                ..Batch::new(x, step)
            };
            trainer.step(batch, update)
        })
        .collect();
    let losses = block_on(read_losses(trainer.loss_terms(), pending)).expect("a readable device");
    assert!(losses.iter().all(Losses::is_finite));
    losses
}

/// Mean of a loss over the last few steps, as a share of that over the first few.
fn share(losses: &[Losses], name: &str) -> f64 {
    const FEW: usize = 5;
    let of = |losses: &Losses| losses.get(name).expect("a loss of the method");
    let sum = |losses: &[Losses]| losses.iter().map(of).sum::<f64>();
    sum(&losses[losses.len() - FEW..]) / sum(&losses[..FEW])
}

/// D learns while G stands still, then G against the D that came of it: two fixed tasks, whose ends do not
/// hang on how a machine rounds. What becomes of the game between the two does, so that no test asks for it.
/// Over five seeds and three vector widths D ended at 0.63 of its first losses at most, G at 0.82.
#[test]
fn each_network_learns_against_a_fixed_other() {
    for config in configs() {
        let [of_d, of_g] = learnt_alone(&config);
        let method = config.method;
        assert!(
            of_d < 0.9,
            "{method}: D's loss is still {of_d} of what it was"
        );
        assert!(
            of_g < 0.9,
            "{method}: G's loss is still {of_g} of what it was"
        );
    }
}

/// D's loss, then G's, at the end of their steps alone, as a share of that at the beginning.
fn learnt_alone(config: &TrainConfig) -> [f64; 2] {
    const STEPS: u64 = 60;
    let mut config = TrainConfig {
        learning_rate: 2e-3,
        ..config.clone()
    };
    if config.method == Method::Anogan {
        // A narrow D sees no more than that a batch is not one image.
        (config.width, config.features) = (16, 8);
    }
    let mut trainer = trainer(&config);
    let d = steps_on_eight(&mut *trainer, 0..STEPS, Update::Discriminator);
    let g = steps_on_eight(&mut *trainer, STEPS..2 * STEPS, Update::Generator);
    [share(&d, "discriminator"), share(&g, "generator")]
}

/// Every method says what its networks are trained on, and gives as many losses as it names.
#[test]
fn losses_have_the_names_that_the_method_gives_them() {
    for method in Method::ALL.iter().copied().filter(|m| m.has_networks()) {
        let mut trainer = trainer(&config_of(method));
        let terms = trainer.loss_terms().iter().chain(&OUTPUTS);
        let names: Vec<&str> = terms.map(|term| term.name).collect();
        for name in ["generator", "discriminator"] {
            assert!(names.contains(&name), "{method} has no {name} loss");
        }
        for losses in steps_on_eight(&mut *trainer, 0..2, Update::Both) {
            assert!(
                losses
                    .iter()
                    .map(|(name, _)| name)
                    .eq(names.iter().copied()),
                "{method}"
            );
        }
    }
}

/// AnoGAN on a fixed network: the more steps the latent optimisation takes, the nearer it comes to an image
/// that G can make.
#[test]
fn latent_optimisation_finds_what_the_generator_can_make() {
    let [few, some, many] = optimised(5);
    assert!(some < few && many < 0.6 * some, "{few}, {some}, {many}");
}

/// Mean R of images that G makes, after 1, 50 and 500 steps.
fn optimised(seed: u64) -> [f64; 3] {
    let config = TrainConfig {
        seed,
        features: 8,
        ..config_of(Method::Anogan)
    };
    let run = start(&config, 20);
    let mut model = block_on(run.model()).expect("a readable device");
    // Fresh weights make images of one grey; larger ones make images that differ.
    for (name, tensor) in &mut model.tensors {
        if name.starts_with("generator") && name.ends_with("weight") {
            tensor.values.iter_mut().for_each(|value| *value *= 12.0);
        }
    }
    let device = Device::flex();
    let fresh = dcgan::Generator::new(&config.architecture(), &mut Initialiser::new(0, &device));
    let generator = load(fresh, "generator", &model.tensors).expect("weights that fit");
    // Codes as the optimisation's own are: N(0, 1).
    let (z, _) = egbad::sample(&config, 8, seed, &device);
    let images = generator.forward(z, Mode::Inference).into_data();
    let images = images.try_into_vec::<f32>().expect("f32");
    [1, 50, 500].map(|steps| {
        model.header.scoring.search_steps = Some(steps);
        let scored = scores(&model, &images);
        scored.iter().map(|s| s.raw.residual).sum::<f64>() / 8.0
    })
}

/// ProgressCallbacks as it goes, and ended when the watcher says so.
#[test]
fn a_search_is_watched_and_can_be_ended() {
    struct ProgressCallbacks(Vec<(usize, usize)>, usize);
    impl Progress for ProgressCallbacks {
        fn optimisation(&mut self, step: usize, steps: usize) -> ControlFlow<()> {
            self.0.push((step, steps));
            match step >= self.1 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    let config = TrainConfig {
        search_steps: 25,
        ..config_of(Method::Anogan)
    };
    let run = start(&config, 20);
    let model = block_on(run.model()).expect("a readable device");
    let detector = detector::load(&model, &Device::flex()).expect("weights that fit");
    assert_eq!(detector.latent_steps(), Some(25));
    let values = waves(2);
    let mut all = ProgressCallbacks(Vec::new(), usize::MAX);
    let watched = block_on(score_with_progress(&*detector, &values, &mut all)).expect("scores");
    assert_eq!(all.0, [(10, 25), (20, 25), (25, 25)]);
    let unwatched = block_on(score_batch(&*detector, &values)).expect("scores");
    assert_eq!(watched, unwatched);
    let mut ended = ProgressCallbacks(Vec::new(), 20);
    let error =
        block_on(score_with_progress(&*detector, &values, &mut ended)).expect_err("stopped");
    assert_eq!((error, ended.0.len()), (TensorError::Stopped, 2));
}

#[test]
fn a_seed_says_everything() {
    for config in configs() {
        let train = |seed| {
            let config = TrainConfig {
                seed,
                ..config.clone()
            };
            let mut run = start(&config, 20);
            let losses = steps(&mut run, 3);
            let state = block_on(run.checkpoint()).expect("a readable device");
            (losses, state.tensors)
        };
        let (once, again, other) = (train(5), train(5), train(6));
        assert_eq!(once, again);
        assert_ne!(once.0, other.0);
        assert_ne!(once.1, other.1);
    }
}

#[test]
fn a_run_goes_on_where_its_checkpoint_was_made() {
    configs().into_iter().for_each(goes_on);
}

fn goes_on(config: TrainConfig) {
    // 27 training images make three steps an epoch: the checkpoint lies within the second epoch.
    let config = TrainConfig {
        epochs: 4,
        ..config
    };
    let mut whole = start(&config, 30);
    let before = steps(&mut whole, 4);
    let checkpoint = block_on(whole.checkpoint()).expect("a readable device");
    let bytes = checkpoint.to_bytes(Precision::F32).expect("finite weights");

    let read = ModelFile::from_bytes(&bytes).expect("a whole file");
    assert_eq!(read, checkpoint);
    let training = read.header.training.as_ref().expect("a training record");
    assert_eq!((training.steps, training.epochs), (4, 1));
    assert_eq!(training.losses, before.last().cloned());
    let mut resumed = Run::resume(&read, pictures(30), &Device::flex()).expect("the same images");
    assert_eq!(resumed.steps(), 4);
    assert_eq!(resumed.total_steps(), 12);

    let (expected, got) = (steps(&mut whole, 4), steps(&mut resumed, 4));
    for (number, (expected, got)) in expected.iter().zip(&got).enumerate() {
        assert_eq!(got, expected, "step {number} after the checkpoint");
    }
}

#[test]
fn only_a_checkpoint_of_the_same_pictures_is_resumed() {
    let mut run = start(&config(), 20);
    steps(&mut run, 1);
    let checkpoint = block_on(run.checkpoint()).expect("a readable device");
    let resume = |file: &ModelFile, pictures| match Run::resume(file, pictures, &Device::flex()) {
        Ok(_) => panic!("a run that must not go on"),
        Err(error) => error,
    };

    let error = resume(&checkpoint, pictures(21));
    assert!(matches!(error, RunError::OtherPictures { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("20 waves") && message.contains("21 waves"),
        "{message}"
    );

    let finished = block_on(run.finish(Precision::F32, &mut ())).expect("finite scores");
    let error = resume(&finished.model, pictures(20));
    assert!(matches!(error, RunError::NoCheckpoint(_)), "{error}");

    let mut unknown = checkpoint.clone();
    unknown.header.training = None;
    let error = resume(&unknown, pictures(20));
    assert!(matches!(error, RunError::NoCheckpoint(_)), "{error}");

    let mut incomplete = checkpoint;
    let lost = "discriminator.feature.weight";
    incomplete.tensors.remove(lost).expect("a known name");
    let message = resume(&incomplete, pictures(20)).to_string();
    assert!(message.contains(lost), "{message}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run() {
    let broken = in_memory(vec![f32::NAN; 20 * SIZE * SIZE], 20);
    let mut run = Run::new(&config(), broken, &Device::flex()).expect("a run that can start");
    steps_unread(&mut run, 2);
    let error = block_on(run.read_losses()).expect_err("a loss that is no number");
    assert!(
        matches!(error, RunError::Diverged { step: 1, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("--learning-rate"), "{error}");
}

#[test]
fn a_run_needs_a_batch_of_pictures_and_sound_settings() {
    let refused = |config: &TrainConfig, n| match Run::new(config, pictures(n), &Device::flex()) {
        Ok(_) => panic!("a run that must not start"),
        Err(error) => error.to_string(),
    };
    // One of eight is held out.
    let message = refused(&config(), 8);
    assert!(message.contains('8') && message.contains('7'), "{message}");
    let bad = TrainConfig {
        size: 48,
        ..config()
    };
    assert!(refused(&bad, 20).contains("got 48"));
}

#[test]
fn the_running_variance_is_the_unbiased_one() {
    let device = Device::flex();
    let norm = BatchNorm::new(1, &mut Initialiser::new(0, &device));
    let x = Tensor::<4>::from_data(
        TensorData::new(vec![1.0_f32, 2.0, 3.0, 6.0], [2, 1, 1, 2]),
        &device,
    );
    let read = |t: Tensor<1>| t.into_data().try_into_vec::<f32>().expect("f32")[0];
    let mean = || read(norm.running_mean.value());
    let variance = || read(norm.running_variance.value());

    norm.forward(x.clone(), Mode::Inference);
    assert_eq!((mean(), variance()), (0.0, 1.0), "inference moves nothing");
    // The mean is 3; the squared differences 4, 1, 0 and 9 make 14/3 with n - 1, 14/4 with n.
    let y = norm.forward(x.clone(), Mode::Training);
    assert!((mean() - 0.3).abs() < 1e-6, "{}", mean());
    assert!(
        (variance() - (0.9 + 0.1 * 14.0 / 3.0)).abs() < 1e-6,
        "{}",
        variance()
    );
    // The batch itself is normalised with the biased one.
    let (gamma, beta) = (read(norm.gamma.val()), read(norm.beta.val()));
    let got = y.into_data().try_into_vec::<f32>().expect("f32");
    for (got, x) in got.iter().zip([1.0_f32, 2.0, 3.0, 6.0]) {
        let expected = gamma * (x - 3.0) / 3.5_f32.sqrt() + beta;
        assert!((got - expected).abs() < 1e-4, "{got} {expected}");
    }
    let (old_mean, old_variance) = (mean(), variance());
    let y = norm.forward(x, Mode::Inference);
    assert_eq!((mean(), variance()), (old_mean, old_variance));
    let got = y.into_data().try_into_vec::<f32>().expect("f32")[3];
    let expected = gamma * (6.0 - old_mean) / (old_variance + 1e-5).sqrt() + beta;
    assert!((got - expected).abs() < 1e-4, "{got} {expected}");
}

#[test]
fn a_score_does_not_depend_on_the_neighbours() {
    configs().iter().for_each(depends_on_no_neighbour);
}

fn depends_on_no_neighbour(config: &TrainConfig) {
    let mut run = start(config, 20);
    steps(&mut run, 4);
    let model = block_on(run.finish(Precision::F32, &mut ()))
        .expect("finite scores")
        .model;
    let length = SIZE * SIZE;
    let values = waves(5);
    let together = scores(&model, &values);
    let reversed: Vec<f32> = values.rchunks(length).flatten().copied().collect();
    let backwards = scores(&model, &reversed);
    for (i, expected) in together.iter().enumerate() {
        let alone = &scores(&model, &values[i * length..(i + 1) * length])[0];
        for other in [alone, &backwards[4 - i]] {
            let pairs = [
                (other.raw.anomaly_score, expected.raw.anomaly_score),
                (other.raw.residual, expected.raw.residual),
                (
                    other.raw.latent.expect("features"),
                    expected.raw.latent.expect("features"),
                ),
            ];
            for (got, expected) in pairs {
                assert_eq!(got, expected, "image {i}");
            }
        }
    }
}

/// The rounded weights are calibrated, not those before rounding: a model read back from its file
/// gives the very scores that its calibration was learnt from.
#[test]
fn a_file_scores_as_it_was_calibrated() {
    scorings().iter().for_each(scores_as_calibrated);
}

fn scores_as_calibrated(config: &TrainConfig) {
    let mut run = start(config, 70);
    steps(&mut run, 8);
    let mut thresholds = Vec::new();
    for precision in [Precision::F32, Precision::F16] {
        let finished = block_on(run.finish(precision, &mut ())).expect("finite scores");
        let bytes = finished.model.to_bytes(precision).expect("finite weights");
        let read = ModelFile::from_bytes(&bytes).expect("a whole file");
        assert_eq!(read, finished.model);

        assert_eq!(finished.held_out.len(), 7);
        let indices: Vec<usize> = finished.held_out.iter().map(|(index, _)| *index).collect();
        let values = run.pictures().values(&indices).expect("readable images");
        let again = scores(&read, &values);
        for (got, (index, expected)) in again.iter().zip(&finished.held_out) {
            assert_eq!(got.raw, *expected, "image {index} in {precision:?}");
        }

        let calibration = read.header.calibration.as_ref().expect("calibrated");
        let raw: Vec<f64> = again.iter().map(|s| s.raw.anomaly_score).collect();
        let close =
            |got: f64, expected: f64| (got - expected).abs() <= 1e-8 * expected.abs().max(1e-3);
        let q = |q| quantile(&raw, q).expect("scores");
        assert!(close(calibration.threshold, q(0.99)));
        assert!(close(calibration.anomaly_score.median, q(0.5)));
        assert_eq!(calibration.normals, 7);
        thresholds.push(calibration.threshold);

        let check = read.header.self_check.as_ref();
        let check = check.expect("a stored self check");
        let images = detector::self_check_images(&Preprocessing::new(SIZE, 1), 4);
        let got = scores(&read, &images);
        for (got, expected) in got.iter().zip(&check.scores) {
            assert!(close(got.raw.anomaly_score, expected.anomaly_score));
            assert!(close(got.raw.residual, expected.residual));
        }
        assert_eq!(check.anomaly_score, check.scores[0].anomaly_score);
        let detector = detector::load(&read, &Device::flex()).expect("weights that fit");
        let again = block_on(detector::self_check(&*detector)).expect("a readable device");
        assert_eq!(check.compare(&again), Ok(()));
    }
    assert_ne!(
        thresholds[0], thresholds[1],
        "rounding to f16 must show in the scores"
    );
}

/// Of a normal image the standardised features differ by about 1, and what is remembered is near.
#[test]
fn what_is_learnt_of_normals_gives_their_scores_a_unit() {
    let [_, layers, memory] = scorings();
    let finish = |config: &TrainConfig| {
        let mut run = start(config, 70);
        steps(&mut run, 8);
        let fitted = block_on(run.finish(Precision::F32, &mut ())).expect("finite scores");
        (fitted, run)
    };
    let (fitted, _) = finish(&layers);
    let latent = fitted.held_out.iter().filter_map(|(_, raw)| raw.latent);
    let mean = latent.sum::<f64>() / 7.0;
    assert!((0.9..=1.0 + 1e-6).contains(&mean), "{mean}");

    let (fitted, run) = finish(&memory);
    let held_out: Vec<usize> = fitted.held_out.iter().map(|(index, _)| *index).collect();
    let training: Vec<usize> = (0..70).filter(|index| !held_out.contains(index)).collect();
    let latent = |indices: &[usize]| -> Vec<f64> {
        let values = run.pictures().values(indices).expect("readable images");
        let scored = scores(&fitted.model, &values);
        scored
            .iter()
            .filter_map(|scored| scored.raw.latent)
            .collect()
    };
    let (own, others) = (latent(&training), latent(&held_out));
    let smallest = others.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        own.iter().all(|&l| l < 1e-4 * smallest),
        "{own:?} beside {smallest}"
    );

    // Without its memory the file is refused rather than scored otherwise.
    let mut broken = fitted.model.clone();
    broken.tensors.remove("memory.offset");
    let error = detector::load(&broken, &Device::flex())
        .err()
        .expect("refused");
    assert!(error.to_string().contains("memory.offset"), "{error}");
}

/// A discriminator that has won for good is drawn anew, unless it marks; the generator stays.
#[test]
fn a_collapsed_discriminator_starts_anew() {
    for config in configs() {
        let mut trainer = trainer(&config);
        let read = |trainer: &dyn Trainer| {
            block_on(trainer.read_weights().read()).expect("a readable device")
        };
        let before = read(&*trainer);
        let losses = |discriminator| {
            [("discriminator", discriminator)]
                .into_iter()
                .collect::<Losses>()
        };
        assert!(!trainer.restart_if_collapsed(&losses(1.1e-5)));
        assert_eq!(read(&*trainer), before);
        let marks = config.method.marks();
        assert_eq!(trainer.restart_if_collapsed(&losses(0.9e-5)), !marks);
        let after = read(&*trainer);
        if marks {
            assert_eq!(after, before);
            continue;
        }
        for (name, tensor) in &before {
            let drawn = name.ends_with("weight") || name.ends_with("gamma");
            let expected = name.starts_with("discriminator") && drawn;
            assert_eq!(after[name] != *tensor, expected, "{name}");
        }
    }
}

/// What a step updates is what was asked for, and the next full step goes on from there.
#[test]
fn one_network_can_be_trained_alone() {
    for config in configs() {
        let changed = |update| {
            let mut run = start(&config, 40);
            let read = |run: &Run| block_on(run.checkpoint()).expect("a checkpoint").tensors;
            let before = read(&run);
            run.step_on(update).expect("readable images");
            let losses = block_on(run.read_losses()).expect("finite losses");
            assert!(
                losses[0]
                    .get("real")
                    .is_some_and(|p| (0.0..=1.0).contains(&p))
            );
            assert!(
                losses[0]
                    .get("fake")
                    .is_some_and(|p| (0.0..=1.0).contains(&p))
            );
            let after = read(&run);
            let moved = |network: &str| {
                let mut learnt = before
                    .iter()
                    .filter(|(name, _)| name.starts_with(network) && name.ends_with("weight"));
                learnt.any(|(name, tensor)| after[name] != *tensor)
            };
            (moved("generator."), moved("discriminator."))
        };
        assert_eq!(changed(Update::Both), (true, true));
        assert_eq!(changed(Update::Generator), (true, false));
        assert_eq!(changed(Update::Discriminator), (false, true));
    }
}

/// Images kept on the device give the steps that images from the host give.
#[test]
fn pictures_on_the_device_are_the_same_pictures() {
    for config in configs() {
        let losses = |keep: bool| {
            let mut run = start(&config, 40);
            if keep {
                run.preload_to_device().expect("readable images");
            }
            steps(&mut run, 4)
        };
        assert_eq!(losses(true), losses(false));
    }
}

/// A preview changes nothing but the history, and knows the labels' AUROC.
#[test]
fn a_preview_only_looks() {
    let config = TrainConfig {
        latent: Latent::Memory,
        lambda: Some(0.0),
        ..config()
    };
    let (mut watched, mut alone) = (start(&config, 40), start(&config, 40));
    steps(&mut watched, 2);
    let values = [waves(4), vec![0.9; 2 * SIZE * SIZE]].concat();
    let labelled = LabelledImages {
        pictures: Box::new(InMemory::new(values, SIZE * SIZE, "labelled")),
        abnormal: vec![false, false, false, false, true, true],
    };
    let preview = block_on(watched.preview(Some(&labelled), 3, &mut ())).expect("finite scores");
    assert_eq!(preview.step, 2);
    assert_eq!(preview.held_out.len(), watched.counts().1);
    assert_eq!(preview.shown.len(), 3.min(watched.counts().1));
    assert!(preview.memory_bank.is_some_and(|n| n > 0));
    let scores = preview.labelled.expect("labelled images");
    assert_eq!((scores.normal.len(), scores.abnormal.len()), (4, 2));
    assert!(scores.auroc.is_some());
    assert_eq!(watched.history().checks.len(), 1);
    assert_eq!(watched.history().checks[0].auroc, scores.auroc);

    steps(&mut alone, 2);
    assert_eq!(steps(&mut watched, 2), steps(&mut alone, 2));
}

/// A resumed run knows its curves.
#[test]
fn a_checkpoint_brings_its_history() {
    for config in configs() {
        let mut first = start(&config, 40);
        steps(&mut first, 3);
        block_on(first.preview(None, 1, &mut ())).expect("finite scores");
        let checkpoint = block_on(first.checkpoint()).expect("a checkpoint");
        let bytes = checkpoint.to_bytes(Precision::F32).expect("finite weights");
        let file = ModelFile::from_bytes(&bytes).expect("the same file");
        let resumed = Run::resume(&file, pictures(40), &Device::flex()).expect("a run");
        assert_eq!(resumed.history().losses, first.history().losses);
        assert_eq!(resumed.history().losses[2].step, 3);
        assert_eq!(resumed.history().checks[0].step, 3);
        let (kept, told) = (resumed.history().checks[0], first.history().checks[0]);
        assert!((kept.residual - told.residual).abs() < 1e-6 * told.residual);
    }
}
