//! The published protocol, repeated on purpose. It leaks, and its numbers are marked wherever they
//! appear.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::bench::Bench;
use super::scoring::{Batches, TestScores, score_all};
use crate::cli::files::read_model;
use crate::detector;
use crate::evaluation::{
    EpochChoice, MethodInfo, MethodResult, Protocol, Resampling, ScoreComponent, measure,
};
use crate::model_file::ModelFile;
use crate::score::{Latent, Residual};

/// Remark if the kept epochs cannot be those of the model.
const OTHER_EPOCHS: &str = "the last of the kept epochs does not score as the model does: the \
    model was recalibrated since, or the epochs belong to another run; compare the best epoch with the \
    last one, not with the model";

impl Bench<'_> {
    /// The published protocol: batch statistics of batches of 64 in the published order, the residual
    /// squared as in the code, and the best epoch on the test images in addition to the last one if the
    /// run kept its epochs. The published code then maps the scores to 0..1 over the test set, which
    /// changes no ranking and therefore no number here.
    ///
    /// Also returns remarks that belong with the numbers.
    ///
    /// # Errors
    /// If an epoch's file is not a model, or the scores cannot be inferred.
    pub fn published(&self, name: &str, model: &ModelFile) -> Result<(MethodResult, Vec<String>)> {
        let (scores, parameters) = self.leaking_scores(model)?;
        let info = MethodInfo {
            method: name.to_owned(),
            protocol: Protocol::Published,
            parameters,
            milliseconds_per_picture: scores.milliseconds_per_picture,
        };
        let mut result = MethodResult::new(info, scores.pictures, None, self.resampling())?;
        let mut epochs = kept_epochs(&self.args.model)?;
        if epochs.is_empty() {
            eprintln!(
                "note: there is no epochs/ folder beside the model (train --keep-epochs writes it); only the last epoch is scored"
            );
        } else if model.header.scoring.latent == Latent::Memory {
            eprintln!(
                "note: the memory bank is built after the last epoch; earlier epochs have none and are not scored"
            );
            epochs.clear();
        }
        let mut by_epoch = Vec::with_capacity(epochs.len());
        for path in &epochs {
            by_epoch.push(
                self.leaking_auroc(path)
                    .with_context(|| path.display().to_string())?,
            );
        }
        result.epochs = EpochChoice::new(by_epoch);
        let auroc = result.full_mix().map(|row| row.metrics.auroc.value);
        let other = result
            .epochs
            .as_ref()
            .is_some_and(|epochs| Some(epochs.last_auroc) != auroc);
        let said = other.then(|| OTHER_EPOCHS.to_owned());
        Ok((result, said.into_iter().collect()))
    }

    /// Scores with batch statistics, and the number of parameters.
    fn leaking_scores(&self, model: &ModelFile) -> Result<(TestScores, usize)> {
        let mut model = model.clone();
        model.measure_residual(self.args.residual.unwrap_or(Residual::L2));
        let detector = detector::load_with_batch_statistics(&model, &self.device.device)?;
        let scores = score_all(&*detector, Batches::Whole, &self.samples)?;
        Ok((scores, detector.num_params()))
    }

    /// One epoch's AUROC on the test images.
    fn leaking_auroc(&self, path: &Path) -> Result<f64> {
        // The interval is not used.
        let once = Resampling {
            resamples: 1,
            seed: 0,
        };
        let (scores, _) = self.leaking_scores(&read_model(path)?.0)?;
        let metrics = measure(&scores.pictures, ScoreComponent::AnomalyScore, None, once)?;
        let metrics = metrics.context("the epoch's model gives no anomaly score")?;
        Ok(metrics.auroc.value)
    }
}

/// The models of each epoch, in order, that `train --keep-epochs` left beside a model.
fn kept_epochs(model: &Path) -> Result<Vec<PathBuf>> {
    let folder = model.parent().unwrap_or(Path::new(".")).join("epochs");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = || format!("cannot read {}", folder.display());
    let mut epochs = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        epochs.extend(epoch_of(&path).map(|epoch| (epoch, path)));
    }
    epochs.sort();
    Ok(epochs.into_iter().map(|(_, path)| path).collect())
}

/// The number in `epoch-NN.safetensors`; `None` for any other name.
fn epoch_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_prefix("epoch-")?.strip_suffix(".safetensors")?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_go_by_their_number() {
        let folder = tempfile::tempdir().unwrap();
        let epochs = folder.path().join("epochs");
        std::fs::create_dir(&epochs).unwrap();
        for name in [
            "epoch-100.safetensors",
            "epoch-11.safetensors",
            "epoch-09.safetensors",
            "best.safetensors",
            "epoch-12.txt",
        ] {
            std::fs::write(epochs.join(name), "").unwrap();
        }
        let found = kept_epochs(&folder.path().join("model.safetensors")).unwrap();
        let numbers: Vec<_> = found.iter().map(|path| epoch_of(path).unwrap()).collect();
        assert_eq!(numbers, [9, 11, 100]);
        assert!(kept_epochs(&epochs.join("x")).unwrap().is_empty());
    }
}
