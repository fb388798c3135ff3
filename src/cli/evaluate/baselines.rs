//! PCA and nearest neighbour, fitted on the data's own training images: the baselines for a GAN.

use std::num::NonZeroUsize;

use anyhow::Result;

use super::bench::Bench;
use crate::cli::images::report_skipped;
use crate::data::batch::subsample;
use crate::data::image::Preprocessing;
use crate::data::sample::{Sample, load_chunks};
use crate::detector::Detector;
use crate::detector::nearest::Nearest;
use crate::detector::pca::Pca;
use crate::model_file::Header;
use crate::settings::config::TrainConfig;
use crate::settings::method::Method;

/// Images decoded at once.
const CHUNK: usize = 256;

/// What both baselines are fitted with, for the device's check.
pub fn settings(input: &Preprocessing, components: NonZeroUsize) -> Vec<TrainConfig> {
    let of = |method| TrainConfig {
        method,
        size: input.size,
        channels: input.channels,
        components: components.get(),
        ..TrainConfig::default()
    };
    vec![of(Method::Pca), of(Method::Nearest)]
}

impl Bench<'_> {
    /// Both baselines and their names.
    ///
    /// # Errors
    /// If no training image can be read, or the device fails.
    pub fn fit_baselines(
        &self,
        input: &Preprocessing,
        header: &Header,
    ) -> Result<Vec<(String, Box<dyn Detector>)>> {
        let values = self.baseline_values(input, header)?;
        let components = self.args.components.get();
        let pca = pollster::block_on(Pca::fit(&values, components, input, &self.device.device))?;
        let nearest = Nearest::fit(&values, input, &self.device.device);
        Ok(vec![
            (format!("pca-{components}"), Box::new(pca)),
            ("nearest".to_owned(), Box::new(nearest)),
        ])
    }

    /// The prepared training images in one vector, as both methods need them.
    fn baseline_values(&self, input: &Preprocessing, header: &Header) -> Result<Vec<f32>> {
        let train = &self.set.train;
        let most = self.args.baseline_pictures.get();
        let chosen = subsample(train.len(), most, self.args.seed(), 2);
        if chosen.len() < train.len() {
            eprintln!(
                "the baselines are fitted on {} of {} training images, drawn with seed {} (--baseline-pictures)",
                chosen.len(),
                train.len(),
                self.args.seed()
            );
        }
        let chosen: Vec<&Sample> = chosen.iter().map(|&index| &train[index]).collect();
        let mut values = Vec::with_capacity(chosen.len() * input.values());
        let mut skipped = Vec::new();
        let load = |sample: &&Sample| sample.load(input);
        for (sample, loaded) in load_chunks(&chosen, CHUNK, load).flatten() {
            match loaded {
                Ok(loaded) => values.extend(loaded),
                Err(reason) => skipped.push((sample.path().to_path_buf(), reason)),
            }
        }
        report_skipped(&skipped);
        anyhow::ensure!(
            !values.is_empty(),
            "the baselines need training images, but none can be read"
        );
        note_other_pictures(header, train.len() - skipped.len());
        Ok(values)
    }
}

/// The comparison is only fair on the same images. Comparing their numbers costs nothing and finds most
/// differences; comparing digests would find all of them, but needs every training image read.
fn note_other_pictures(header: &Header, here: usize) {
    if let Some(training) = &header.training {
        let there = training.pictures + training.held_out;
        if there != here {
            eprintln!(
                "note: the baselines have {here} training images to be fitted on; the model was trained and calibrated on {there}"
            );
        }
    }
}
