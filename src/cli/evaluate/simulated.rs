//! `--simulated`: how small a fault the model finds, measured on the normal images that its own run held out.

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use rand::Rng;

use super::bench::Bench;
use crate::cli::device::score_batch;
use crate::cli::images::prepare;
use crate::cli::progress;
use crate::data::batch::evenly_spread;
use crate::data::image::{Picture, Preprocessing};
use crate::data::picture_cache::PictureCache;
use crate::data::pictures::Pictures;
use crate::data::product::Fault;
use crate::data::product_set::Part;
use crate::data::sample::{Origin, load_chunks};
use crate::data::simulation::Simulator;
use crate::data::sized_fault::SizedFault;
use crate::detector::{Detector, Scored};
use crate::evaluation::{
    FaultOrigin, FaultSeries, FaultTrial, MIDDLE_CONTRAST, MOST_PICTURES, Simulated, TRIALS,
    simulated_series, trial_size,
};
use crate::metrics::{PixelScores, auroc, pixel_metrics};
use crate::model_file::ModelFile;
use crate::random::{generator, stream};

/// Images scored at once.
const BATCH: usize = 64;

/// Fewest damaged images: of few images each is damaged several times.
const LEAST_DAMAGED: usize = 100;

/// How much a pixel must be marked to count as damaged.
const MARKED: f32 = 0.5;

/// Contrasts of rendered faults, and the trials of each kind and contrast. The handbook asks for 60 trials where the answer is hit or miss.
const RENDERED_CONTRASTS: [f64; 2] = [0.5, 1.0];
const RENDERED_TRIALS: usize = 60;

/// What a model is measured with.
struct Inspection<'a> {
    bench: &'a Bench<'a>,
    detector: &'a dyn Detector,
    threshold: f64,
    seed: u64,
    pictures: PictureCache,
    held_out: Vec<usize>,
}

/// A scored image; the mask says where it is damaged, if it is.
struct Image {
    score: f64,
    map: Vec<f32>,
    mask: Option<Vec<bool>>,
}

impl Image {
    fn pixels(&self, width: usize) -> PixelScores<'_> {
        PixelScores {
            map: &self.map,
            mask: self.mask.as_deref(),
            width,
        }
    }
}

impl Bench<'_> {
    /// Measures how small a fault the model finds at a threshold.
    ///
    /// # Errors
    /// If these are not the images of the model's run, an image can no longer be read, or the device fails.
    pub fn simulated(
        &self,
        seed: u64,
        model: &ModelFile,
        detector: &dyn Detector,
        threshold: f64,
    ) -> Result<Simulated> {
        let train = self.set.train.clone();
        let pictures = prepare(
            train,
            detector.preprocessing(),
            self.args.data.cache_bytes(),
        )?;
        let training = model.header.training.as_ref();
        let split = training.and_then(|training| training.split(&pictures));
        let (_, held_out) = split.context(
            "--simulated damages the normal images that the model's run held out, but these are not the images of \
             that run, or the file does not record it: name the run's --data, classes, --limit and --seed, or train \
             on these images. Normal test images cannot take their place: a result must not depend on them",
        )?;
        anyhow::ensure!(!held_out.is_empty(), "the model's run held no images out");
        let inspection = Inspection {
            bench: self,
            detector,
            threshold,
            seed,
            held_out: evenly_spread(&held_out, MOST_PICTURES),
            pictures,
        };
        inspection.run()
    }

    /// Normal test parts of a product line.
    fn sound_parts(&self) -> Vec<&Part> {
        let normal = self.samples.iter().filter(|sample| !sample.abnormal);
        normal
            .filter_map(|sample| match &sample.origin {
                Origin::Rendered(part) => Some(part),
                Origin::File(_) | Origin::Record(..) => None,
            })
            .collect()
    }
}

impl Inspection<'_> {
    fn input(&self) -> &Preprocessing {
        self.detector.preprocessing()
    }

    fn score(&self, values: &[f32]) -> Result<Vec<Scored>> {
        score_batch(self.bench.device.kind, self.detector, values)
    }

    fn run(&self) -> Result<Simulated> {
        let parts = self.bench.sound_parts();
        let kinds = parts.first().map_or(&[][..], |part| part.set().faults());
        let normals = self.held_out.len();
        let rounds = LEAST_DAMAGED.div_ceil(normals);
        let simulated = simulated_series().count() * TRIALS;
        let rendered = kinds.len() * RENDERED_CONTRASTS.len() * RENDERED_TRIALS;
        eprintln!(
            "scoring {normals} held-out normal images, {} damaged ones, {simulated} faults of known sizes on them and \
             {rendered} rendered faults (--simulated)",
            normals * rounds
        );
        let total = normals * (1 + rounds) + simulated + rendered;
        let bar = progress::bar(total as u64, "simulated");

        let images = self.images(rounds, &bar)?;
        let scores: Vec<f64> = images.iter().map(|image| image.score).collect();
        let damaged: Vec<bool> = images.iter().map(|image| image.mask.is_some()).collect();
        let maps: Vec<PixelScores<'_>> = images
            .iter()
            .map(|image| image.pixels(self.input().size))
            .collect();
        let pixel = pixel_metrics(&maps).context("the simulated faults' pixels")?;
        let alarms = scores[..normals]
            .iter()
            .filter(|&&score| score > self.threshold)
            .count();

        let mut series = Vec::new();
        for (shape, contrast, first) in simulated_series() {
            let faulty = |trial: usize, size| {
                let fault = SizedFault {
                    shape,
                    size,
                    contrast,
                };
                self.with_fault(trial, fault, first + trial as u64)
                    .map(Some)
            };
            let each = self.trials(TRIALS, &bar, faulty)?;
            series.push(FaultSeries::new(
                shape.as_str(),
                FaultOrigin::Simulated,
                contrast,
                each,
            )?);
        }
        for &kind in kinds {
            for contrast in RENDERED_CONTRASTS {
                let first = (series.len() * TRIALS) as u64;
                let faulty = |trial: usize, size: f64| {
                    let number = stream::SIZED_FAULT + first + trial as u64;
                    let fault = Fault {
                        kind,
                        size: (size / self.input().size as f64) as f32,
                        contrast: contrast as f32,
                        seed: generator(self.seed, number).next_u64(),
                    };
                    Ok(self.rendered(parts[trial % parts.len()], fault))
                };
                let each = self.trials(RENDERED_TRIALS, &bar, faulty)?;
                if !each.is_empty() {
                    series.push(FaultSeries::new(
                        kind.as_str(),
                        FaultOrigin::Rendered,
                        contrast,
                        each,
                    )?);
                }
            }
        }
        bar.finish_and_clear();
        Ok(Simulated {
            seed: self.seed,
            normals,
            damaged: images.len() - normals,
            image_auroc: auroc(&scores, &damaged)?,
            pixel_auroc: pixel.auroc,
            pro: pixel.pro,
            threshold: self.threshold,
            false_alarm_rate: alarms as f64 / normals as f64,
            contrast: MIDDLE_CONTRAST,
            detection: Simulated::together(&series, MIDDLE_CONTRAST)?,
            series,
        })
    }

    /// The held-out images as they are, then damaged as often as there are rounds.
    fn images(&self, rounds: usize, bar: &ProgressBar) -> Result<Vec<Image>> {
        let Preprocessing { size, channels, .. } = *self.input();
        let mut random = generator(self.seed, stream::SIMULATED);
        let mut images = Vec::new();
        for round in 0..=rounds {
            for chunk in self.held_out.chunks(BATCH) {
                let mut values = self.pictures.values(chunk)?;
                let mut masks = vec![None; chunk.len()];
                if round > 0 {
                    let damaged =
                        Simulator::Drawn.damage(&values, channels, size, 1.0, &mut random);
                    let marked = |marks: &[f32]| marks.iter().map(|&mark| mark >= MARKED).collect();
                    let marks = damaged.marks.chunks_exact(size * size);
                    masks = marks.map(|marks| Some(marked(marks))).collect();
                    values = damaged.values;
                }
                let scored = self.score(&values)?.into_iter().zip(masks);
                images.extend(scored.map(|(scored, mask)| Image {
                    score: scored.raw.anomaly_score,
                    map: scored.map,
                    mask,
                }));
                bar.inc(chunk.len() as u64);
            }
        }
        // Damage that left no mark is none.
        images.retain(|image| image.mask.as_ref().is_none_or(|mask| mask.contains(&true)));
        Ok(images)
    }

    /// A held-out image, prepared, with a fault.
    fn with_fault(&self, trial: usize, fault: SizedFault, number: u64) -> Result<Vec<f32>> {
        let index = self.held_out[trial % self.held_out.len()];
        let mut values = self.pictures.values(&[index])?;
        fault.apply(&mut values, self.input().size, self.seed, number);
        Ok(values)
    }

    /// A normal test part, prepared, with a rendered fault; none if that does not show.
    fn rendered(&self, part: &Part, fault: Fault) -> Option<Vec<f32>> {
        let (size, channels) = (part.set().size(), part.set().channels());
        let rendered = part.with_fault(fault)?;
        let picture = Picture::from_raw(size as u32, size as u32, channels, rendered.pixels);
        Some(self.input().apply(&picture))
    }

    /// Scores images with a fault each, given its number and size; those without an image are left out.
    fn trials(
        &self,
        count: usize,
        bar: &ProgressBar,
        image: impl Fn(usize, f64) -> Result<Option<Vec<f32>>> + Sync,
    ) -> Result<Vec<FaultTrial>> {
        let size = |trial| trial_size(trial, count, self.input().size);
        let sizes: Vec<(usize, f64)> = (0..count).map(|trial| (trial, size(trial))).collect();
        let mut trials = Vec::with_capacity(count);
        for chunk in load_chunks(&sizes, BATCH, |&(trial, size)| image(trial, size)) {
            let (mut shown, mut values) = (Vec::new(), Vec::new());
            for (&(_, size), loaded) in chunk {
                bar.inc(1);
                if let Some(loaded) = loaded? {
                    shown.push(size);
                    values.extend(loaded);
                }
            }
            if shown.is_empty() {
                continue;
            }
            let scores = self
                .score(&values)?
                .into_iter()
                .map(|scored| scored.raw.anomaly_score);
            trials.extend(
                shown
                    .into_iter()
                    .zip(scores)
                    .map(|(size, score)| FaultTrial {
                        size,
                        score,
                        found: score > self.threshold,
                    }),
            );
        }
        Ok(trials)
    }
}
