//! The gradients of a training step against finite differences, and what the step makes of them.
//!
//! A step leaves its gradients in Adam's first moments (after one step, half of them), so that what
//! is checked is the step itself: which terms each network's loss has, what is detached, and every
//! layer's backward pass. The differences come from the networks without automatic
//! differentiation, with the losses written anew in f64.

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Uniform};
use skip_ganomaly::detector::egbad::sample;
use skip_ganomaly::detector::{aae, alocc, anogan, egbad, ganomaly, options};
use skip_ganomaly::nn::init::Initialiser;
use skip_ganomaly::nn::tensors::{NamedTensors, load};
use skip_ganomaly::nn::{
    Architecture, Discriminator, Generator, MarkingDiscriminator, Mode, Network,
};
use skip_ganomaly::settings::config::TrainConfig;
use skip_ganomaly::settings::method::Method;
use skip_ganomaly::train::step::{Batch, DamagedImages, Trainer, Update};

const BATCH: usize = 4;
const SIZE: usize = 32;

/// Entries that are checked in each tensor, the one with the largest gradient among them.
const ENTRIES: usize = 4;

/// Largest difference that is taken, relative to the largest gradient in the tensor. Activations
/// with a kink and f32 leave up to half of this.
const TOLERANCE: f64 = 4e-2;

fn config() -> TrainConfig {
    TrainConfig {
        size: SIZE,
        channels: 1,
        width: 2,
        features: 10,
        batch: BATCH,
        ..TrainConfig::default()
    }
}

/// The method's training with fresh weights, or with these.
fn trainer(config: &TrainConfig, tensors: Option<&NamedTensors>) -> Box<dyn Trainer> {
    let device = Device::flex();
    let method = config
        .method
        .gradient_trained()
        .expect("a method with networks");
    match tensors {
        None => method.trainer(config, &device),
        Some(tensors) => {
            let trainer = method.trainer_of(config, tensors, &device);
            trainer.expect("a trainer's own weights")
        }
    }
}

/// Fresh weights, the convolutions' five times as large: the published ones are so small that most
/// of a fresh network's signal comes from the batch norms.
fn weights(config: &TrainConfig) -> NamedTensors {
    let fresh = trainer(config, None);
    let mut tensors = block_on(fresh.read_weights().read()).expect("a readable device");
    for (name, tensor) in &mut tensors {
        let dense = tensor.shape.len() == 2 && config.method != Method::Egbad;
        if tensor.shape.len() == 4 || dense {
            tensor.values.iter_mut().for_each(|value| *value *= 5.0);
            // Where D alone says what to learn, gradients drown in rounding unless it speaks up.
            if dense && name == "discriminator.classifier.weight" {
                tensor.values.iter_mut().for_each(|value| *value *= 20.0);
            }
        } else if name.ends_with(".beta") || name.ends_with(".bias") {
            // Zeros hide a forgotten shift.
            let shifts = uniform(name.len() as u64, tensor.values.len());
            tensor.values = shifts.iter().map(|shift| 0.2 * shift).collect();
        }
    }
    tensors
}

/// Numbers in `[-1, 1)`.
fn uniform(seed: u64, count: usize) -> Vec<f32> {
    let numbers = Uniform::new(-1.0, 1.0).expect("a range");
    numbers
        .sample_iter(ChaCha8Rng::seed_from_u64(seed))
        .take(count)
        .collect()
}

fn batch(device: &Device) -> Tensor<4> {
    let values = uniform(7, BATCH * SIZE * SIZE);
    Tensor::from_data(TensorData::new(values, [BATCH, 1, SIZE, SIZE]), device)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    let values = tensor.into_data().try_into_vec::<f32>().expect("f32");
    values.into_iter().map(f64::from).collect()
}

/// A method's networks without automatic differentiation.
fn networks_of<G: Network, D: Network>(
    architecture: &Architecture,
    tensors: &NamedTensors,
) -> (G, D) {
    let mut init = Initialiser::new(0, &Device::flex());
    let generator = G::new(architecture, &mut init);
    let discriminator = D::new(architecture, &mut init);
    (
        load(generator, "generator", tensors).expect("a trainer's own weights"),
        load(discriminator, "discriminator", tensors).expect("a trainer's own weights"),
    )
}

/// The networks without automatic differentiation.
struct Networks(Generator, Discriminator);

impl Networks {
    fn new(architecture: &Architecture, tensors: &NamedTensors) -> Self {
        let (generator, discriminator) = networks_of(architecture, tensors);
        Self(generator, discriminator)
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// -log σ(l)
fn softplus_of_minus(logit: f64) -> f64 {
    (-logit).exp().ln_1p()
}

/// Everything that the two losses are made of.
struct Terms {
    contextual: f64,
    latent: f64,
    /// BCE of D(x) and of D(x̂) against "real", of D(x̂) against "fake".
    real: f64,
    deceived: f64,
    fake: f64,
}

fn terms(networks: &Networks, x: &Tensor<4>, x_hat: &Tensor<4>) -> Terms {
    let Networks(_, discriminator) = networks;
    let real = discriminator.forward(x.clone(), Mode::Training);
    let fake = discriminator.forward(x_hat.clone(), Mode::Training);
    let (x, x_hat) = (host(x.clone()), host(x_hat.clone()));
    let (f, f_hat) = (host(real.features), host(fake.features));
    let (logit, logit_hat) = (host(real.logit), host(fake.logit));
    Terms {
        contextual: mean(x.iter().zip(&x_hat).map(|(a, b)| (a - b).abs())),
        latent: mean(f.iter().zip(&f_hat).map(|(a, b)| (a - b).powi(2))),
        real: mean(logit.iter().map(|&l| softplus_of_minus(l))),
        deceived: mean(logit_hat.iter().map(|&l| softplus_of_minus(l))),
        fake: mean(logit_hat.iter().map(|&l| softplus_of_minus(-l))),
    }
}

/// The generator's loss with D as it is.
fn generator_loss(networks: &Networks, x: &Tensor<4>) -> f64 {
    let x_hat = networks.0.forward(x.clone(), Mode::Training);
    let terms = terms(networks, x, &x_hat);
    terms.deceived + 50.0 * terms.contextual + terms.latent
}

/// The gradients of one step by name, from its first moments: of t updates with the same gradient,
/// 1 - β1ᵗ is left of it, with β1 = 0.5.
fn gradients_of_a_step(config: &TrainConfig, tensors: &NamedTensors) -> NamedTensors {
    gradients_of_an_update(config, tensors, Update::Both)
}

/// As [`gradients_of_a_step`], of the networks that `update` says.
fn gradients_of_an_update(
    config: &TrainConfig,
    tensors: &NamedTensors,
    update: Update,
) -> NamedTensors {
    let mut trainer = trainer(config, Some(tensors));
    trainer.step(Batch::new(batch(trainer.device()), 0), update);
    let read = block_on(trainer.read_state().read()).expect("a readable device");
    let moment = |name: &str| {
        let name = name.strip_prefix("adam.")?.strip_suffix(".first_moment")?;
        let (network, _) = name.split_once('.')?;
        let updates = read[&format!("adam.{network}.step")].values[0];
        Some((name.to_owned(), 1.0 - 0.5_f32.powf(updates)))
    };
    read.iter()
        .filter_map(|(name, tensor)| {
            let (name, left) = moment(name)?;
            let mut gradient = tensor.clone();
            gradient.values.iter_mut().for_each(|value| *value /= left);
            Some((name, gradient))
        })
        .collect()
}

/// Compares gradients of the tensors under `prefix` with central differences of `loss`.
fn compare(
    prefix: &str,
    gradients: &NamedTensors,
    tensors: &NamedTensors,
    loss: impl Fn(&NamedTensors) -> f64,
) {
    let learnt: Vec<&String> = tensors
        .keys()
        .filter(|name| name.starts_with(prefix) && !name.contains(".running_"))
        .collect();
    assert!(learnt.len() >= 6, "{prefix} has {learnt:?}");
    let mut failures = Vec::new();
    for (number, name) in learnt.into_iter().enumerate() {
        let gradient = &gradients
            .get(name)
            .unwrap_or_else(|| panic!("{name} got no gradient"))
            .values;
        let values = &tensors[name].values;
        assert_eq!(gradient.len(), values.len(), "{name}");
        let magnitude = |i: usize| f64::from(gradient[i].abs());
        let largest = (0..gradient.len())
            .max_by(|&a, &b| magnitude(a).total_cmp(&magnitude(b)))
            .expect("a value");
        assert!(magnitude(largest) > 0.0, "{name} has no gradient but 0");
        let others = uniform(number as u64, ENTRIES - 1);
        let others = others
            .iter()
            .map(|at| ((at + 1.0) / 2.0 * gradient.len() as f32) as usize % gradient.len());

        let rms = (values.iter().map(|v| f64::from(v * v)).sum::<f64>() / values.len() as f64)
            .sqrt()
            .max(0.1);
        // Longer steps cross more kinks, shorter ones drown in f32. Where a difference crosses a kink, a
        // shorter one may not; a wrong gradient is wrong at each.
        let steps = [2e-3, 5e-4, 2.5e-4, 1.25e-4].map(|share| share * rms);
        for entry in std::iter::once(largest).chain(others) {
            let at = |offset: f64| {
                let mut moved = tensors.clone();
                let value = &mut moved.get_mut(name).expect("the same names").values[entry];
                *value = (f64::from(*value) + offset) as f32;
                (f64::from(*value), loss(&moved))
            };
            let got = f64::from(gradient[entry]);
            let allowed = TOLERANCE * magnitude(largest) + 1e-4;
            let mut expected = Vec::new();
            let agrees = steps.iter().any(|&step| {
                let ((high, above), (low, below)) = (at(step), at(-step));
                let difference = (above - below) / (high - low);
                expected.push(difference);
                (got - difference).abs() <= allowed
            });
            if !agrees {
                failures.push(format!(
                    "{name}[{entry}]: got {got}, expected one of {expected:?} ± {allowed}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_generator_descends_its_own_loss() {
    let config = config();
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    compare("generator.", &gradients, &tensors, |moved| {
        generator_loss(&Networks::new(&config.architecture(), moved), &x)
    });
}

/// Were any of the generator's loss to reach D, or G's update to change what D is shown, D's
/// gradients would not be those of its own loss.
#[test]
fn the_discriminator_descends_its_own_loss_alone() {
    for latent_in_discriminator in [true, false] {
        let config = TrainConfig {
            latent_in_discriminator,
            ..config()
        };
        let tensors = weights(&config);
        let x = batch(&Device::flex());
        let gradients = gradients_of_a_step(&config, &tensors);
        let before = Networks::new(&config.architecture(), &tensors);
        let x_hat = before.0.forward(x.clone(), Mode::Training);
        compare("discriminator.", &gradients, &tensors, |moved| {
            let networks = Networks::new(&config.architecture(), moved);
            let terms = terms(&networks, &x, &x_hat);
            let latent = if latent_in_discriminator {
                terms.latent
            } else {
                0.0
            };
            terms.real + terms.fake + latent
        });
    }
}

/// GANomaly's networks without automatic differentiation.
struct GanomalyNetworks(ganomaly::Generator, ganomaly::Discriminator);

impl GanomalyNetworks {
    fn new(architecture: &Architecture, tensors: &NamedTensors) -> Self {
        let (generator, discriminator) = networks_of(architecture, tensors);
        Self(generator, discriminator)
    }

    /// L_adv, L_con and L_enc.
    fn terms(&self, x: &Tensor<4>) -> [f64; 3] {
        let made = self.0.forward(x.clone(), Mode::Training);
        let real = self.1.forward(x.clone(), Mode::Training);
        let fake = self.1.forward(made.x_hat.clone(), Mode::Training);
        let apart = |a: &[f64], b: &[f64], power: i32| {
            mean(a.iter().zip(b).map(|(a, b)| (a - b).abs().powi(power)))
        };
        [
            apart(&host(real.features), &host(fake.features), 2),
            apart(&host(x.clone()), &host(made.x_hat), 1),
            apart(&host(made.z), &host(made.z_hat), 2),
        ]
    }
}

fn ganomaly_config() -> TrainConfig {
    TrainConfig {
        method: Method::Ganomaly,
        ..config()
    }
}

#[test]
fn ganomalys_generator_descends_its_own_loss() {
    let config = ganomaly_config();
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    compare("generator.", &gradients, &tensors, |moved| {
        let networks = GanomalyNetworks::new(&config.architecture(), moved);
        let [adversarial, contextual, encoder] = networks.terms(&x);
        adversarial + 50.0 * contextual + encoder
    });
}

#[test]
fn ganomalys_discriminator_descends_its_own_loss_alone() {
    let config = ganomaly_config();
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    let before = GanomalyNetworks::new(&config.architecture(), &tensors);
    let x_hat = before.0.forward(x.clone(), Mode::Training).x_hat;
    compare("discriminator.", &gradients, &tensors, |moved| {
        let GanomalyNetworks(_, d) = GanomalyNetworks::new(&config.architecture(), moved);
        let real = host(d.forward(x.clone(), Mode::Training).logit);
        let fake = host(d.forward(x_hat.clone(), Mode::Training).logit);
        let real = mean(real.iter().map(|&l| softplus_of_minus(l)));
        let fake = mean(fake.iter().map(|&l| softplus_of_minus(-l)));
        (real + fake) / 2.0
    });
}

/// The repairing networks without automatic differentiation.
struct RepairNetworks(Generator, MarkingDiscriminator);

/// With the game against D, and its share alone in the loss of G: SSIM's would hide it.
fn repair_config() -> TrainConfig {
    TrainConfig {
        adversarial_weight: 2.0,
        latent_weight: 0.003,
        structural_weight: 0.0,
        marks_weight: 5.0,
        contextual_weight: 0.0,
        method: Method::Repair,
        ..config()
    }
}

/// Without the game.
fn repair_alone_config() -> TrainConfig {
    TrainConfig {
        adversarial_weight: 0.0,
        latent_weight: 0.0,
        structural_weight: 4.0,
        contextual_weight: 10.0,
        ..repair_config()
    }
}

/// Images damaged beyond recognition, and marks of all strengths.
fn damaged(device: &Device) -> DamagedImages {
    let on_device = |values: Vec<f32>| {
        Tensor::from_data(TensorData::new(values, [BATCH, 1, SIZE, SIZE]), device)
    };
    let marks = uniform(12, BATCH * SIZE * SIZE);
    DamagedImages {
        x: on_device(uniform(13, BATCH * SIZE * SIZE)),
        marks: on_device(marks.iter().map(|mark| (mark + 1.0) / 2.0).collect()),
    }
}

impl RepairNetworks {
    fn new(tensors: &NamedTensors) -> Self {
        let (generator, discriminator) = networks_of(&repair_config().architecture(), tensors);
        Self(generator, discriminator)
    }

    fn repair(&self) -> Tensor<4> {
        self.0.forward(damaged(&Device::flex()).x, Mode::Training)
    }
}

/// 1 - SSIM over windows of 8 × 8 pixels, four apart, in f64.
fn dissimilarity(x: &[f64], x_hat: &[f64]) -> f64 {
    let mut all = Vec::new();
    for image in 0..BATCH {
        for window in 0..49 {
            let (top, left) = (window / 7 * 4, window % 7 * 4);
            let at = |k: usize| image * SIZE * SIZE + (top + k / 8) * SIZE + left + k % 8;
            let of = |part: &dyn Fn(usize) -> f64| mean((0..64).map(|k| part(at(k))));
            let (mu, mu_hat) = (of(&|k| x[k]), of(&|k| x_hat[k]));
            let (c1, c2) = (4e-4, 3.6e-3);
            let variances = of(&|k| (x[k] - mu).powi(2) + (x_hat[k] - mu_hat).powi(2));
            let covariance = of(&|k| (x[k] - mu) * (x_hat[k] - mu_hat));
            let above = (2.0 * mu * mu_hat + c1) * (2.0 * covariance + c2);
            all.push(above / ((mu * mu + mu_hat * mu_hat + c1) * (variances + c2)));
        }
    }
    1.0 - mean(all.into_iter())
}

/// The gradients of one step on damaged images, whose first moments keep a tenth of them.
fn gradients_of_a_repair(config: &TrainConfig, tensors: &NamedTensors) -> NamedTensors {
    let mut trainer = trainer(config, Some(tensors));
    let device = trainer.device().clone();
    let batch = Batch {
        damaged: Some(damaged(&device)),
        ..Batch::new(batch(&device), 0)
    };
    trainer.step(batch, Update::Both);
    let read = block_on(trainer.read_state().read()).expect("a readable device");
    let moments = read.iter().filter_map(|(name, tensor)| {
        let name = name.strip_prefix("adam.")?.strip_suffix(".first_moment")?;
        let mut gradient = tensor.clone();
        gradient.values.iter_mut().for_each(|value| *value *= 10.0);
        Some((name.to_owned(), gradient))
    });
    moments.collect()
}

#[test]
fn the_repairing_generator_descends_its_own_loss() {
    for config in [repair_config(), repair_alone_config()] {
        let tensors = weights(&config);
        let x = batch(&Device::flex());
        let damaged = damaged(&Device::flex());
        let gradients = gradients_of_a_repair(&config, &tensors);
        compare("generator.", &gradients, &tensors, |moved| {
            let networks = RepairNetworks::new(moved);
            let x_hat = networks.repair();
            let judge = |y: &Tensor<4>| {
                let d = &networks.1;
                d.judge(damaged.x.clone(), y.clone(), Mode::Training)
            };
            let (original, repair) = (judge(&x), judge(&x_hat));
            let (f, f_hat) = (host(original.features), host(repair.features));
            let (values, values_hat) = (host(x.clone()), host(x_hat));
            let deceived = mean(host(repair.logit).into_iter().map(softplus_of_minus));
            let latent = mean(f.iter().zip(&f_hat).map(|(a, b)| (a - b).powi(2)));
            let contextual = mean(values.iter().zip(&values_hat).map(|(a, b)| (a - b).abs()));
            let structural = dissimilarity(&values, &values_hat);
            config.adversarial_weight * deceived
                + config.contextual_weight * contextual
                + config.latent_weight * latent
                + config.structural_weight * structural
        });
    }
}

#[test]
fn the_marking_discriminator_descends_its_own_loss_alone() {
    let tensors = weights(&repair_config());
    let x = batch(&Device::flex());
    let damaged = damaged(&Device::flex());
    let gradients = gradients_of_a_repair(&repair_config(), &tensors);
    let x_hat = RepairNetworks::new(&tensors).repair();
    compare("discriminator.", &gradients, &tensors, |moved| {
        let RepairNetworks(_, d) = RepairNetworks::new(moved);
        let original = d.judge(damaged.x.clone(), x.clone(), Mode::Training);
        let marked = d.forward(damaged.x.clone(), x_hat.clone(), Mode::Training);
        let real = mean(host(original.logit).into_iter().map(softplus_of_minus));
        let fake = host(marked.judged.logit).into_iter();
        let fake = mean(fake.map(|l| softplus_of_minus(-l)));
        let (logits, marks) = (host(marked.marks), host(damaged.marks.clone()));
        let marking = mean(logits.iter().zip(&marks).map(|(&l, &m)| {
            let missed = m - 1.0 / (1.0 + (-l).exp());
            missed.powi(2) * (m * softplus_of_minus(l) + (1.0 - m) * softplus_of_minus(-l))
        }));
        2.0 * (real + fake) + 5.0 * marking
    });
}

/// EGBAD's networks without automatic differentiation.
struct EgbadNetworks(egbad::Pair, egbad::Discriminator);

/// Logits of (x, E(x)) and of (G(z), z), with what the first step draws.
struct EgbadLogits {
    real: Vec<f64>,
    fake: Vec<f64>,
}

impl EgbadNetworks {
    fn new(config: &TrainConfig, tensors: &NamedTensors) -> Self {
        let (pair, discriminator) = networks_of(&config.architecture(), tensors);
        Self(pair, discriminator)
    }

    /// As D judges them for its own update, or for that of E and G, which comes after.
    fn logits(&self, pair: &egbad::Pair, config: &TrainConfig, of_d: bool) -> EgbadLogits {
        let device = Device::flex();
        let (z, mut dropout) = sample(config, BATCH, 0, &device);
        let x = batch(&device);
        let encoded = pair.encoder.forward(x.clone(), Mode::Training);
        let generated = pair.generator.forward(z.clone(), Mode::Training);
        let mut judge = || {
            let mut judge = |x: &Tensor<4>, z: &Tensor<2>| {
                let (x, z) = (x.clone(), z.clone());
                host(
                    self.1
                        .forward(x, z, Mode::Training, Some(&mut dropout))
                        .logit,
                )
            };
            let real = judge(&x, &encoded);
            let fake = judge(&generated, &z);
            EgbadLogits { real, fake }
        };
        let first = judge();
        if of_d { first } else { judge() }
    }
}

fn egbad_config() -> TrainConfig {
    TrainConfig {
        method: Method::Egbad,
        ..config()
    }
}

/// E and G each descend their own loss, against D as it is: their update alone.
#[test]
fn egbads_encoder_and_generator_descend_their_losses() {
    let config = egbad_config();
    let tensors = weights(&config);
    let gradients = gradients_of_an_update(&config, &tensors, Update::Generator);
    // What E descends depends on E alone, and G's on G alone: no term of the other's.
    compare("generator.encoder.", &gradients, &tensors, |moved| {
        let networks = EgbadNetworks::new(&config, moved);
        let real = networks.logits(&networks.0, &config, false).real;
        mean(real.iter().map(|&l| softplus_of_minus(-l)))
    });
    compare("generator.generator.", &gradients, &tensors, |moved| {
        let networks = EgbadNetworks::new(&config, moved);
        let fake = networks.logits(&networks.0, &config, false).fake;
        mean(fake.iter().map(|&l| softplus_of_minus(l)))
    });
}

#[test]
fn egbads_discriminator_descends_its_own_loss_alone() {
    let config = egbad_config();
    let tensors = weights(&config);
    let gradients = gradients_of_a_step(&config, &tensors);
    let before = EgbadNetworks::new(&config, &tensors);
    compare("discriminator.", &gradients, &tensors, |moved| {
        let networks = EgbadNetworks::new(&config, moved);
        let EgbadLogits { real, fake } = networks.logits(&before.0, &config, true);
        let real = mean(real.iter().map(|&l| softplus_of_minus(l)));
        real + mean(fake.iter().map(|&l| softplus_of_minus(-l)))
    });
}

/// ALOCC's networks without automatic differentiation.
struct AloccNetworks(alocc::Refiner, alocc::Discriminator);

impl AloccNetworks {
    fn new(architecture: &Architecture, tensors: &NamedTensors) -> Self {
        let (refiner, discriminator) = networks_of(architecture, tensors);
        Self(refiner, discriminator)
    }
}

/// A step updates D before R, and R twice: at this rate they stay where they are. Without noise, so
/// that there is nothing to draw again.
fn alocc_config() -> TrainConfig {
    TrainConfig {
        input_noise: 0.0,
        features: TrainConfig::default().features,
        ..still(Method::Alocc)
    }
}

#[test]
fn aloccs_refiner_descends_its_own_loss() {
    let config = alocc_config();
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    compare("generator.", &gradients, &tensors, |moved| {
        let AloccNetworks(r, d) = AloccNetworks::new(&config.architecture(), moved);
        let x_hat = r.forward(x.clone(), Mode::Training);
        let fake = host(d.forward(x_hat.clone(), Mode::Training));
        let pixels = host(x.clone()).into_iter().zip(host(x_hat));
        let refinement = mean(pixels.map(|(x, x_hat)| (x - x_hat).powi(2)));
        mean(fake.iter().map(|&l| softplus_of_minus(l))) + 0.4 * refinement
    });
}

#[test]
fn aloccs_discriminator_descends_its_own_loss_alone() {
    let config = alocc_config();
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    let AloccNetworks(r, _) = AloccNetworks::new(&config.architecture(), &tensors);
    let x_hat = r.forward(x.clone(), Mode::Training);
    compare("discriminator.", &gradients, &tensors, |moved| {
        let AloccNetworks(_, d) = AloccNetworks::new(&config.architecture(), moved);
        let real = host(d.forward(x.clone(), Mode::Training));
        let fake = host(d.forward(x_hat.clone(), Mode::Training));
        let real = mean(real.iter().map(|&l| softplus_of_minus(l)));
        real + mean(fake.iter().map(|&l| softplus_of_minus(-l)))
    });
}

/// The published remedy against a D that wins.
#[test]
fn alocc_updates_its_refiner_twice_for_each_update_of_its_discriminator() {
    let config = alocc_config();
    let mut trainer = trainer(&config, Some(&weights(&config)));
    trainer.step(Batch::new(batch(trainer.device()), 0), Update::Both);
    let read = block_on(trainer.read_state().read()).expect("a readable device");
    let updates = |network| read[&format!("adam.{network}.step")].values[0];
    assert_eq!((updates("generator"), updates("discriminator")), (2.0, 1.0));
}

/// The settings of a method whose step updates one network before the other: at this rate they stay
/// where they are.
fn still(method: Method) -> TrainConfig {
    TrainConfig {
        size: SIZE,
        channels: 1,
        width: 2,
        features: 10,
        batch: BATCH,
        learning_rate: 1e-12,
        ..options::published(method)
    }
}

/// BCE against "real", and against "fake", of logits.
fn called_real(logits: Tensor<1>) -> f64 {
    mean(host(logits).iter().map(|&l| softplus_of_minus(l)))
}

fn called_fake(logits: Tensor<1>) -> f64 {
    mean(host(logits).iter().map(|&l| softplus_of_minus(-l)))
}

type AnoganNetworks = (skip_ganomaly::nn::dcgan::Generator, anogan::Discriminator);

#[test]
fn anogans_generator_descends_its_own_loss() {
    let config = still(Method::Anogan);
    let tensors = weights(&config);
    let gradients = gradients_of_a_step(&config, &tensors);
    let z = sample(&config, BATCH, 0, &Device::flex()).0;
    compare("generator.", &gradients, &tensors, |moved| {
        let (g, d): AnoganNetworks = networks_of(&config.architecture(), moved);
        let generated = g.forward(z.clone(), Mode::Training);
        called_real(d.forward(generated, Mode::Training).logit)
    });
}

#[test]
fn anogans_discriminator_descends_its_own_loss_alone() {
    let config = still(Method::Anogan);
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    let (g, _): AnoganNetworks = networks_of(&config.architecture(), &tensors);
    let z = sample(&config, BATCH, 0, &Device::flex()).0;
    let generated = g.forward(z, Mode::Training);
    compare("discriminator.", &gradients, &tensors, |moved| {
        let (_, d): AnoganNetworks = networks_of(&config.architecture(), moved);
        let logit = |x: &Tensor<4>| d.forward(x.clone(), Mode::Training).logit;
        called_real(logit(&x)) + called_fake(logit(&generated))
    });
}

type AaeNetworks = (aae::Autoencoder, aae::Discriminator);

/// Encoder and decoder descend the reconstruction error, then the encoder alone what D says of its z.
#[test]
fn aaes_two_phases_descend_a_loss_each() {
    let config = still(Method::Aae);
    let tensors = weights(&config);
    let x = batch(&Device::flex());
    let gradients = gradients_of_a_step(&config, &tensors);
    compare("generator.", &gradients, &tensors, |moved| {
        let (ae, _): AaeNetworks = networks_of(&config.architecture(), moved);
        let z = ae.encoder.forward(x.clone(), Mode::Training);
        let x_hat = ae.decoder.forward(z, Mode::Training);
        let pixels = host(x.clone()).into_iter().zip(host(x_hat));
        mean(pixels.map(|(x, x_hat)| (x - x_hat).powi(2)))
    });

    let second: NamedTensors = gradients
        .into_iter()
        .filter_map(|(name, gradient)| {
            let name = name.strip_prefix("second_phase.")?;
            Some((format!("generator.{name}"), gradient))
        })
        .collect();
    assert!(
        second
            .keys()
            .all(|name| name.starts_with("generator.encoder."))
    );
    compare("generator.encoder.", &second, &tensors, |moved| {
        let (ae, d): AaeNetworks = networks_of(&config.architecture(), moved);
        called_real(d.forward(ae.encoder.forward(x.clone(), Mode::Training)))
    });
}

#[test]
fn aaes_discriminator_descends_its_own_loss_alone() {
    let config = still(Method::Aae);
    let tensors = weights(&config);
    let gradients = gradients_of_a_step(&config, &tensors);
    let (ae, _): AaeNetworks = networks_of(&config.architecture(), &tensors);
    let encoded = ae.encoder.forward(batch(&Device::flex()), Mode::Training);
    let of_prior = sample(&config, BATCH, 0, &Device::flex()).0;
    compare("discriminator.", &gradients, &tensors, |moved| {
        let (_, d): AaeNetworks = networks_of(&config.architecture(), moved);
        called_real(d.forward(of_prior.clone())) + called_fake(d.forward(encoded.clone()))
    });
}

/// Adam's first step is η against the sign of the gradient, wherever the gradient is not as small
/// as ε.
#[test]
fn the_first_step_moves_each_weight_by_the_learning_rate() {
    let config = TrainConfig {
        learning_rate: 1e-3,
        ..config()
    };
    let tensors = weights(&config);
    let gradients = gradients_of_a_step(&config, &tensors);
    let mut trainer = trainer(&config, Some(&tensors));
    trainer.step(Batch::new(batch(trainer.device()), 0), Update::Both);
    let after = block_on(trainer.read_weights().read()).expect("a readable device");
    let mut moved = 0;
    for (name, gradient) in &gradients {
        let (old, new) = (&tensors[name].values, &after[name].values);
        for ((g, old), new) in gradient.values.iter().zip(old).zip(new) {
            if g.abs() > 1e-4 {
                let expected = -1e-3 * g.signum();
                assert!(
                    (new - old - expected).abs() < 1e-6,
                    "{name}: moved by {}, expected {expected}",
                    new - old
                );
                moved += 1;
            }
        }
    }
    assert!(moved > 1000, "only {moved} weights moved");
}

/// The terms as `loss` computes them on the device are those of the equations.
#[test]
fn the_device_and_the_host_agree_on_the_losses() {
    use skip_ganomaly::loss;
    let config = config();
    let networks = Networks::new(&config.architecture(), &weights(&config));
    let x = batch(&Device::flex());
    let x_hat = networks.0.forward(x.clone(), Mode::Training);
    let expected = terms(&networks, &x, &x_hat);
    let real = networks.1.forward(x.clone(), Mode::Training);
    let fake = networks.1.forward(x_hat.clone(), Mode::Training);
    for (name, got, expected) in [
        (
            "contextual",
            loss::contextual(x, x_hat),
            expected.contextual,
        ),
        (
            "latent",
            loss::latent(real.features, fake.features),
            expected.latent,
        ),
        ("real", loss::bce_real(real.logit), expected.real),
        (
            "deceived",
            loss::bce_real(fake.logit.clone()),
            expected.deceived,
        ),
        ("fake", loss::bce_fake(fake.logit), expected.fake),
    ] {
        let got = host(got)[0];
        assert!(
            (got - expected).abs() <= 1e-5 * expected,
            "{name}: got {got}, expected {expected}"
        );
    }

    let config = ganomaly_config();
    let networks = GanomalyNetworks::new(&config.architecture(), &weights(&config));
    let x = batch(&Device::flex());
    let made = networks.0.forward(x.clone(), Mode::Training);
    let real = networks.1.forward(x.clone(), Mode::Training);
    let fake = networks.1.forward(made.x_hat, Mode::Training);
    let [adversarial, _, encoder] = networks.terms(&x);
    for (got, expected) in [
        (
            loss::feature_matching(real.features, fake.features),
            adversarial,
        ),
        (loss::encoder(made.z, made.z_hat), encoder),
    ] {
        let got = host(got)[0];
        assert!(
            (got - expected).abs() <= 1e-5 * expected,
            "got {got}, expected {expected}"
        );
    }
}
