//! Whether a device computes as the CPU does: scores by a model, and training steps.

use anyhow::{Context, Result};
use burn::tensor::Device;

use crate::calibration::rounded;
use crate::data::pictures::InMemory;
use crate::detector::{self, Detector, LoadError, self_check, self_check_images};
use crate::device::DeviceKind;
use crate::model_file::{ModelFile, Precision, SelfCheck};
use crate::random::{generator, stream, unit};
use crate::run::Run;
use crate::run::fit::fit;
use crate::settings::config::TrainConfig;
use crate::train::Losses;

/// What a device has to compute as the CPU does before it is trusted.
#[derive(Default)]
pub struct Check<'a> {
    /// Models that are scored with.
    pub models: &'a [&'a ModelFile],
    /// Settings that are trained or fitted with.
    pub training: &'a [TrainConfig],
}

impl Check<'_> {
    /// # Errors
    /// The first difference that is found.
    pub(super) fn of(&self, device: &Device) -> Result<()> {
        let on_device = |model: &ModelFile| detector::load(model, device);
        let mut models = self.models.iter();
        models.try_for_each(|model| scores(model, on_device))?;
        let mut training = self.training.iter();
        training.try_for_each(|config| trains(config, device))
    }
}

/// The device that others are compared with.
pub fn reference() -> Result<Device> {
    let cpu = pollster::block_on(DeviceKind::Cpu.open());
    cpu.context("a check compares with the CPU")
}

/// Steps of a latent optimisation that two devices are compared by: each amplifies rounding differences.
const FEW_STEPS: usize = 20;

type Loaded = Result<Box<dyn Detector>, LoadError>;

/// Whether a device, on which `load` puts a model, scores as the model's stored check says; as the CPU does,
/// where the file stores no check, or one of an earlier program, which is not complete, and where a method
/// optimises codes.
pub(super) fn scores(model: &ModelFile, load: impl Fn(&ModelFile) -> Loaded) -> Result<()> {
    let checked = |detector: Loaded| -> Result<SelfCheck> {
        Ok(pollster::block_on(self_check(&*detector?))?)
    };
    let optimises = model.header.method.optimises_latent();
    if let Some(stored) = &model.header.self_check
        && stored.is_complete()
        && !optimises
    {
        return Ok(stored.compare(&checked(load(model))?)?);
    }
    let mut model = model.clone();
    if optimises {
        model.header.scoring.search_steps = Some(FEW_STEPS);
    }
    let expected = checked(detector::load(&model, &reference()?))?;
    Ok(expected.compare(&checked(load(&model))?)?)
}

/// Images that a device is tried on before it trains: more than a memory bank has components, of which those
/// without variance would amplify rounding.
const TRIED: usize = 120;

/// Steps that are compared: what the first does to the weights shows in the losses of the second.
const STEPS: u64 = 2;

/// Largest difference of a loss, relative to itself or to a hundredth of the step's largest.
const LOSS_TOLERANCE: f64 = 1e-3;

/// The settings for a trial of a device: a few small steps.
fn trial(config: &TrainConfig) -> TrainConfig {
    TrainConfig {
        batch: config.batch.min(8),
        steps: Some(STEPS),
        held_out: 0.2,
        search_steps: match config.method.optimises_latent() {
            true => FEW_STEPS,
            false => config.search_steps,
        },
        ..config.clone()
    }
}

/// The images of a trial: built-in ones under noise. Those that a self check scores must not be among them, nor
/// be made of few components, or their scores would be rounding alone.
fn trial_images(config: &TrainConfig) -> InMemory {
    let input = config.preprocessing();
    let mut random = generator(config.seed, stream::TRIAL);
    let mut values = self_check_images(&input, TRIED);
    for value in &mut values {
        *value = 0.5 * *value + (unit(&mut random) - 0.5) as f32;
    }
    InMemory::new(values, input.values(), "built-in images")
}

/// Whether a device trains and scores as the CPU does: two steps on small batches, then the scores by the model
/// that the CPU made of them.
fn trains(config: &TrainConfig, device: &Device) -> Result<()> {
    let config = trial(config);
    let on_device = |model: &ModelFile| detector::load(model, device);
    let cpu = reference()?;
    eprintln!("comparing the device with the CPU: {}", config.method);
    if !config.method.has_networks() {
        let fitted = |device| {
            let images = trial_images(&config);
            pollster::block_on(fit(&config, &images, Precision::F32, device))
        };
        let (expected, own) = (fitted(&cpu)?.model, fitted(device)?.model);
        scores(&expected, on_device)?;
        // What the device fits has to score as what the CPU fits.
        return scores(&expected, |_| detector::load(&own, device));
    }
    let started = |device| Run::new(&config, Box::new(trial_images(&config)), device);
    let mut runs = [started(&cpu)?, started(device)?];
    for number in 1..=STEPS {
        let [expected, got] = &mut runs;
        agree(number, &losses(expected)?, &losses(got)?)?;
    }
    let watch = &mut ();
    let finished = runs[0].finish(Precision::F32, watch);
    scores(&pollster::block_on(finished)?.model, on_device)
}

/// Takes one more step; gives its losses.
fn losses(run: &mut Run) -> Result<Losses> {
    run.step()?;
    let losses = pollster::block_on(run.read_losses())?;
    losses.last().cloned().context("a step without losses")
}

/// Whether the losses of one step are the same on two devices, but for rounding.
fn agree(step: u64, expected: &Losses, got: &Losses) -> Result<()> {
    let largest = expected
        .iter()
        .map(|(_, loss)| loss.abs())
        .fold(0.0, f64::max);
    for (name, expected) in expected.iter() {
        let got = got.get(name).unwrap_or(f64::NAN);
        let tolerance = LOSS_TOLERANCE * expected.abs().max(1e-2 * largest);
        anyhow::ensure!(
            (got - expected).abs() <= tolerance,
            "the {name} loss of training step {step} is {got}, expected {expected} within {}",
            rounded(tolerance)
        );
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::image::Preprocessing;
    use crate::detector::{Inference, Reconstruction, options};
    use crate::score::{Latent, RawScore};
    use crate::settings::method::Method;
    use burn::tensor::Tensor;

    /// A device that computes right but for one thing.
    #[derive(Clone, Copy, PartialEq)]
    enum Lie {
        /// Each image gets the nearest stored encoding of its neighbour in the batch.
        OtherNearest,
        /// Reconstructions are off by a hundredth.
        Reconstruction,
        /// No lie: everything is rounded otherwise.
        Rounding,
    }

    struct Lying(Box<dyn Detector>, Lie);

    impl Detector for Lying {
        fn method(&self) -> Method {
            self.0.method()
        }
        fn preprocessing(&self) -> &Preprocessing {
            self.0.preprocessing()
        }
        fn num_params(&self) -> usize {
            self.0.num_params()
        }
        fn device(&self) -> Device {
            self.0.device()
        }
        fn infer(&self, x: Tensor<4>) -> Inference<'_> {
            let inferred = pollster::block_on(self.0.infer(x).finish(&mut ()));
            let Reconstruction {
                x_hat,
                features,
                marks,
            } = inferred.expect("a readable device");
            Inference::from(match self.1 {
                Lie::Reconstruction => Reconstruction {
                    x_hat: x_hat + 0.01,
                    features,
                    marks,
                },
                Lie::Rounding => Reconstruction {
                    x_hat: x_hat * (1.0 + 1e-6),
                    features: features.map(|(f, f_hat)| (f * (1.0 + 1e-6), f_hat)),
                    marks,
                },
                Lie::OtherNearest => Reconstruction {
                    x_hat,
                    features: features.map(|(f, nearest)| {
                        let n = nearest.dims()[0];
                        let rolled = [nearest.clone().narrow(0, 1, n - 1), nearest.narrow(0, 0, 1)];
                        (f, Tensor::cat(rolled.to_vec(), 0))
                    }),
                    marks,
                },
            })
        }
        fn score_as(&mut self, file: &ModelFile) -> Result<(), LoadError> {
            self.0.score_as(file)
        }

        fn score(&self, x: &[f32], x_hat: &[f32], features: Option<(&[f32], &[f32])>) -> RawScore {
            self.0.score(x, x_hat, features)
        }

        fn with_marks(&self, raw: RawScore, marks: &[f32]) -> RawScore {
            self.0.with_marks(raw, marks)
        }
    }

    fn config() -> TrainConfig {
        TrainConfig {
            size: 32,
            channels: 1,
            width: 2,
            features: 8,
            ..TrainConfig::default()
        }
    }

    /// What a trial makes of some settings on the CPU.
    fn tried(config: &TrainConfig) -> ModelFile {
        let (config, cpu) = (trial(config), Device::flex());
        let images = trial_images(&config);
        if !config.method.has_networks() {
            let fitted = pollster::block_on(fit(&config, &images, Precision::F32, &cpu));
            return fitted.expect("a fitted model").model;
        }
        let mut run = Run::new(&config, Box::new(images), &cpu).expect("a run");
        losses(&mut run).expect("a step");
        let finished = pollster::block_on(run.finish(Precision::F32, &mut ()));
        finished.expect("a calibrated model").model
    }

    /// A trained model that scores by its memory bank alone.
    pub fn model() -> ModelFile {
        tried(&TrainConfig {
            latent: Latent::Memory,
            lambda: Some(0.0),
            ..config()
        })
    }

    /// One for each method, and those that score by a memory bank.
    fn configs() -> Vec<TrainConfig> {
        let of = |&method: &Method| match method.has_networks() {
            true => TrainConfig {
                size: 32,
                channels: 1,
                width: 2,
                ..options::published(method)
            },
            false => TrainConfig { method, ..config() },
        };
        let memory = |method| TrainConfig {
            method,
            latent: Latent::Memory,
            lambda: Some(0.0),
            ..config()
        };
        let banks = [memory(Method::SkipGanomaly), memory(Method::Nearest)];
        Method::ALL.iter().map(of).chain(banks).collect()
    }

    fn on_cpu(model: &ModelFile) -> Loaded {
        detector::load(model, &Device::flex())
    }

    #[test]
    fn a_device_that_lies_is_found_out() {
        let whole = model();
        let mut earlier = whole.clone();
        let check = earlier.header.self_check.as_mut().expect("a stored check");
        check.scores.clear();
        let mut without = whole.clone();
        without.header.self_check = None;
        for model in [whole, earlier, without] {
            scores(&model, on_cpu).expect("the CPU agrees with itself");
            for (lie, part) in [
                (Lie::OtherNearest, "the anomaly score of built-in image"),
                (Lie::Reconstruction, "the residual R of built-in image"),
            ] {
                let lying =
                    |model: &ModelFile| -> Loaded { Ok(Box::new(Lying(on_cpu(model)?, lie))) };
                let error = format!("{:#}", scores(&model, lying).expect_err("a lie"));
                assert!(
                    error.contains(part) && error.contains("expected"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_device_that_rounds_otherwise_is_trusted() {
        for config in configs() {
            let name = format!("{}, L {:?}", config.method, config.latent);
            trains(&config, &Device::flex()).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            let model = tried(&config);
            let rounding = |model: &ModelFile| -> Loaded {
                Ok(Box::new(Lying(on_cpu(model)?, Lie::Rounding)))
            };
            scores(&model, rounding).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
    }

    /// A stored check belongs to the score that it was made with.
    #[test]
    fn another_residual_has_another_check() {
        let mut model = model();
        model.measure_residual(crate::score::Residual::L2);
        scores(&model, on_cpu).expect("the CPU agrees with itself");
    }

    #[test]
    fn losses_that_differ_by_more_than_rounding_are_refused() {
        let terms = Method::SkipGanomaly.loss_terms();
        let losses = |generator, latent| Losses::new(terms, &[0.7, 0.4, latent, generator, 1.4]);
        agree(1, &losses(21.165, 1e-6), &losses(21.165_02, 2e-6)).expect("rounding");
        // What a wrong shader compiler made of the first step of a real run.
        let error = agree(1, &losses(21.165, 1e-6), &losses(21.132, 1e-6)).expect_err("a lie");
        assert!(error.to_string().contains("21.132"), "{error}");
        agree(1, &losses(1.0, 1e-6), &losses(f32::NAN, 1e-6)).expect_err("no number");
    }
}
