//! Planning a run: settings that suit a set of images, and the length and memory of a run.

use serde::Serialize;

use crate::data::batch::held_out_count;
use crate::data::image::{Picture, Preprocessing};
use crate::detector::Footprint;
use crate::nn::Architecture;
use crate::settings::config::TrainConfig;

/// Settings suggested for a set of images; the others keep their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// Side in pixels: 32 for images of up to 64 pixels, else 64.
    pub size: usize,
    /// 1 if all images are grey, otherwise 3.
    pub channels: usize,
    /// A width that a browser trains in minutes.
    pub width: usize,
    /// A quarter of the images, rounded down to a power of two, between 4 and 64.
    pub batch: usize,
    /// Enough for [`SUGGESTED_STEPS`].
    pub epochs: u32,
    /// What suits the method `repair` instead.
    pub repair: RepairSuggestion,
}

/// What suits the method `repair`: it needs more steps, which are short, and detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RepairSuggestion {
    /// Side in pixels: 32 for images of up to 32 pixels, else 64.
    pub size: usize,
    /// 8, or less if there are few images.
    pub batch: usize,
    /// [`REPAIR_STEPS`].
    pub steps: u64,
}

/// Steps of a suggested run of the method `repair`: fewer than its own, which would take a browser long.
pub const REPAIR_STEPS: u64 = 1_000;

/// Smallest number of steps of a suggested run: with few images, epochs alone would be over too soon.
pub const SUGGESTED_STEPS: usize = 150;

/// Smallest number of epochs of a suggested run: the preset's.
const FEWEST_EPOCHS: usize = 7;

/// An image counts as grey if its channels differ by less than this: JPEG rounds colours.
const GREY_TOLERANCE: u8 = 3;

/// Settings for training on `count` images, of which `some` are a sample.
pub fn suggest(some: &[Picture], count: usize) -> Suggestion {
    let longest = some.iter().map(|p| p.width().max(p.height())).max();
    let looked_at = Preprocessing::new(32, 3);
    let grey = |picture: &Picture| {
        let pixels = looked_at.pixels(picture);
        let plane = pixels.len() / 3;
        (0..plane).all(|at| {
            let [r, g, b] = [0, 1, 2].map(|c| pixels[c * plane + at]);
            r.max(g).max(b) - r.min(g).min(b) <= GREY_TOLERANCE
        })
    };
    let batch = (count / 4).clamp(4, 64);
    let batch = 1 << batch.ilog2();
    let steps_per_epoch = (count * 9 / 10 / batch).max(1);
    let longest = longest.unwrap_or(0);
    Suggestion {
        size: if longest <= 64 { 32 } else { 64 },
        channels: if some.iter().all(grey) { 1 } else { 3 },
        width: 8,
        batch,
        epochs: SUGGESTED_STEPS.div_ceil(steps_per_epoch).max(FEWEST_EPOCHS) as u32,
        repair: RepairSuggestion {
            size: if longest <= 32 { 32 } else { 64 },
            batch: batch.min(8),
            steps: REPAIR_STEPS,
        },
    }
}

/// A run's images, length and memory, known from its settings and the number of images alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RunPlan {
    /// Images trained on.
    pub training: usize,
    /// Images held out for calibration.
    pub held_out: usize,
    /// Steps in one epoch; 0 if the training images do not fill a batch.
    pub steps_per_epoch: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Peak memory.
    pub memory: MemoryEstimate,
}

/// Plans a run on `pictures` images: nothing is allocated.
///
/// # Panics
/// If [`TrainConfig::check`] fails.
pub fn plan(config: &TrainConfig, pictures: usize) -> RunPlan {
    let held_out = held_out_count(pictures, config.held_out);
    let training = pictures - held_out;
    let steps_per_epoch = (training / config.batch) as u64;
    RunPlan {
        training,
        held_out,
        steps_per_epoch,
        total_steps: total_steps(config, steps_per_epoch),
        memory: memory_estimate(config, pictures),
    }
}

/// Steps of a whole run.
pub(super) fn total_steps(config: &TrainConfig, steps_per_epoch: u64) -> u64 {
    config
        .steps
        .unwrap_or(u64::from(config.epochs) * steps_per_epoch)
}

/// Peak memory of a run in bytes, by use. It may exceed a `usize`, which has 32 bits in WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryEstimate {
    /// Weights of both networks.
    pub weights: u64,
    /// Both optimisers' moments.
    pub optimisers: u64,
    /// What a step keeps of its batch until the gradients are known, and the gradients.
    pub activations: u64,
    /// Prepared images, one byte per value.
    pub pictures: u64,
    /// A checkpoint while it is written: weights and moments on the host, and the file.
    pub checkpoint: u64,
    /// The total, including the program itself.
    pub total: u64,
    /// The largest single tensor.
    pub largest_buffer: u64,
}

/// Bytes of a value on the device.
const VALUE: u64 = size_of::<f32>() as u64;

/// Memory of the module, its code and the images being processed.
const PROGRAM: u64 = 8 << 20;

/// Copies of each layer's values at the peak of a step: after the convolution, the normalisation and the
/// activation. Layers free memory as their gradients are computed.
const COPIES_OF_LAYERS: u64 = 3;

/// Copies of the weights in a step, in addition to the weights and their moments: gradients and updates.
const COPIES_OF_WEIGHTS: u64 = 3;

/// The memory that a run with these settings on `pictures` images needs, estimated from the shapes alone:
/// nothing is allocated. Meant to overestimate: for five shapes in WebAssembly it gave 1.03 to 1.5 times
/// the memory used (docs/performance.md).
///
/// # Panics
/// If [`TrainConfig::check`] fails.
pub fn memory_estimate(config: &TrainConfig, pictures: usize) -> MemoryEstimate {
    config.check().expect("checked settings");
    let architecture = config.architecture();
    let Footprint {
        num_params,
        generator_layers: layers,
        discriminator_layers,
        passes_of_discriminator: passes,
    } = match config.method.gradient_trained() {
        Some(method) => method.footprint(&architecture),
        None => Footprint::default(),
    };
    let passes_of_d = passes * discriminator_layers.iter().sum::<usize>();
    let values = layers.iter().sum::<usize>() + passes_of_d;
    let weights = VALUE * num_params as u64;
    let batch = config.batch as u64;
    let kept = VALUE * batch * values as u64;
    let activations = COPIES_OF_LAYERS * kept + COPIES_OF_WEIGHTS * weights;
    let checkpoint = 2 * (3 * weights);
    let prepared = (pictures * config.channels) as u64 * (config.size as u64).pow(2);
    let largest_layer = layers.iter().max().copied().unwrap_or(0);
    MemoryEstimate {
        weights,
        optimisers: 2 * weights,
        activations,
        pictures: prepared,
        checkpoint,
        total: PROGRAM + 3 * weights + activations + prepared + checkpoint,
        largest_buffer: (VALUE * batch * largest_layer as u64)
            .max(VALUE * largest_kernel(&architecture) as u64)
            .max(VALUE * prepared),
    }
}

/// Values of the generator's largest kernel: the widest layer's, joined with its skip.
fn largest_kernel(architecture: &Architecture) -> usize {
    let widest = architecture.widths().into_iter().max().unwrap_or(0);
    16 * widest * 2 * widest
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::data::pictures::InMemory;
    use crate::run::Run;
    use crate::settings::method::Method;

    fn grey(side: u32) -> Picture {
        Picture::from_raw(side, side, 1, vec![9; (side * side) as usize])
    }

    #[test]
    fn settings_follow_the_pictures() {
        let few = suggest(&[grey(24), grey(40)], 20);
        assert_eq!((few.size, few.channels, few.batch), (32, 1, 4));
        assert_eq!(
            few.epochs, 38,
            "four steps an epoch make at least 150 steps"
        );
        let colour = Picture::from_raw(200, 100, 3, [200, 0, 0].repeat(20_000));
        let many = suggest(&[grey(24), colour], 2_000);
        assert_eq!((many.size, many.channels, many.batch), (64, 3, 64));
        assert_eq!(many.epochs, 7);
        let repair = many.repair;
        assert_eq!((repair.size, repair.batch, repair.steps), (64, 8, 1_000));
        // No images to look at is not an error.
        assert_eq!(suggest(&[], 0).batch, 4);
    }

    #[test]
    fn memory_grows_with_every_setting() {
        let small = TrainConfig {
            width: 8,
            batch: 16,
            ..TrainConfig::default()
        };
        let plan = memory_estimate(&small, 100);
        assert_eq!(plan.pictures, 100 * 3 * 32 * 32);
        for method in Method::ALL.iter().copied().filter(|m| m.has_networks()) {
            let config = TrainConfig {
                method,
                ..small.clone()
            };
            let run = InMemory::new(vec![0.0; 40 * 3072], 3072, "d");
            let run = Run::new(&config, Box::new(run), &Device::flex()).expect("a run");
            let planned = super::plan(&config, 40);
            let weights = planned.memory.weights;
            assert_eq!(weights, 4 * run.num_params() as u64, "{method}");
            assert_eq!((planned.training, planned.held_out), run.counts());
            assert_eq!(planned.steps_per_epoch, run.steps_per_epoch());
            assert_eq!(planned.total_steps, run.total_steps());
        }
        let total = |change: fn(&mut TrainConfig)| {
            let mut config = small.clone();
            change(&mut config);
            memory_estimate(&config, 100).total
        };
        assert!(total(|c| c.batch = 32) > plan.total);
        assert!(total(|c| c.width = 16) > plan.total);
        assert!(total(|c| c.size = 64) > plan.total);
        assert!(memory_estimate(&small, 1_000).total > plan.total);
    }
}
