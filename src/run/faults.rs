//! How small a fault a finished run's model finds.

use std::ops::ControlFlow;

use burn::tensor::Device;
use serde::Serialize;

use super::RunError;
use crate::data::batch::evenly_spread;
use crate::data::pictures::Pictures;
use crate::data::sized_fault::SizedFault;
use crate::detector::{self, Detector, SCORED_AT_ONCE};
use crate::evaluation::{
    FaultOrigin, FaultSeries, FaultTrial, MIDDLE_CONTRAST, MOST_PICTURES, TRIALS, simulated_series,
    trial_size,
};
use crate::model_file::ModelFile;
use crate::nn::tensors::TensorError;
use crate::platform::yield_now;

/// How small a simulated fault of medium contrast a model finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundFaults {
    /// Held-out normal images.
    pub normals: usize,
    /// Side of the images in pixels, which the sizes are in.
    pub side: usize,
    /// Share of the undamaged images above the threshold.
    pub false_alarm_rate: f64,
    /// Contrast of the faults.
    pub contrast: f64,
    /// Each shape by itself.
    pub series: Vec<FaultSeries>,
}

/// Puts faults of known sizes into the normal images that a model's run held out, and counts which are found at the
/// model's threshold: the series of `evaluate --simulated` with the same seed that have medium contrast. `progress`
/// receives the number of images scored and the total.
///
/// # Errors
/// If these are not the images of the model's run, it is not calibrated, an image cannot be read, the device fails, or
/// `progress` ends the measurement.
pub async fn find_faults(
    model: &ModelFile,
    device: &Device,
    pictures: &dyn Pictures,
    seed: u64,
    mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<FoundFaults, RunError> {
    let header = &model.header;
    let calibration = header.calibration.as_ref().ok_or(RunError::NotMeasured)?;
    let training = header.training.as_ref();
    let split = training.and_then(|training| training.split(pictures));
    let (_, held_out) = split.ok_or(RunError::NotMeasured)?;
    let held_out = evenly_spread(&held_out, MOST_PICTURES);
    let detector = detector::load(model, device)?;
    let side = header.preprocessing.size;
    let wanted = || simulated_series().filter(|&(_, contrast, _)| contrast == MIDDLE_CONTRAST);
    let total = held_out.len() + wanted().count() * TRIALS;
    let mut done = 0;
    let mut scored = |count: usize| {
        done += count;
        match progress(done, total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RunError::from(TensorError::Stopped)),
        }
    };

    let mut alarms = 0;
    for chunk in held_out.chunks(SCORED_AT_ONCE) {
        let scores = scores(&*detector, &pictures.values(chunk)?).await?;
        alarms += scores
            .iter()
            .filter(|&&score| score > calibration.threshold)
            .count();
        scored(chunk.len())?;
    }
    let mut series = Vec::new();
    for (shape, contrast, first) in wanted() {
        let mut each = Vec::with_capacity(TRIALS);
        let trials: Vec<usize> = (0..TRIALS).collect();
        for chunk in trials.chunks(SCORED_AT_ONCE) {
            let size = |trial| trial_size(trial, TRIALS, side);
            let mut values = Vec::new();
            for &trial in chunk {
                let mut faulty = pictures.values(&[held_out[trial % held_out.len()]])?;
                let size = size(trial);
                let fault = SizedFault {
                    shape,
                    size,
                    contrast,
                };
                fault.apply(&mut faulty, side, seed, first + trial as u64);
                values.extend(faulty);
            }
            let scores = scores(&*detector, &values).await?;
            each.extend(chunk.iter().zip(scores).map(|(&trial, score)| FaultTrial {
                size: size(trial),
                score,
                found: score > calibration.threshold,
            }));
            scored(chunk.len())?;
        }
        let fitted = FaultSeries::new(shape.as_str(), FaultOrigin::Simulated, contrast, each);
        series.push(fitted.expect("sizes above 0"));
    }
    Ok(FoundFaults {
        normals: held_out.len(),
        side,
        false_alarm_rate: alarms as f64 / held_out.len() as f64,
        contrast: MIDDLE_CONTRAST,
        series,
    })
}

/// A of each image; a browser's worker takes its messages afterwards.
async fn scores(detector: &dyn Detector, values: &[f32]) -> Result<Vec<f64>, RunError> {
    let scored = detector::score_with_progress(detector, values, &mut ()).await?;
    yield_now().await;
    Ok(scored
        .iter()
        .map(|scored| scored.raw.anomaly_score)
        .collect())
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::data::pictures::InMemory;
    use crate::model_file::Precision;
    use crate::run::Run;
    use crate::settings::config::TrainConfig;

    #[test]
    fn a_run_is_measured_on_its_own_images_and_can_be_left() {
        let images = |digest: &str| {
            let values = (0..20 * 1024).map(|k| (k % 37) as f32 / 37.0);
            InMemory::new(values.collect(), 1024, digest)
        };
        let config = TrainConfig {
            channels: 1,
            width: 2,
            batch: 4,
            steps: Some(1),
            ..TrainConfig::default()
        };
        let device = Device::flex();
        let run = Run::new(&config, Box::new(images("d")), &device).expect("a run");
        let model = block_on(run.finish(Precision::F32, &mut ()))
            .expect("a model")
            .model;
        let mut told = Vec::new();
        let found = block_on(find_faults(
            &model,
            &device,
            &images("d"),
            0,
            |done, total| {
                told.push((done, total));
                ControlFlow::Continue(())
            },
        ));
        let found = found.expect("a measurement");
        assert_eq!((found.normals, found.side, found.series.len()), (2, 32, 2));
        assert!(
            found
                .series
                .iter()
                .all(|one| one.trials == TRIALS && !one.words.is_empty())
        );
        assert_eq!(told.last(), Some(&(242, 242)));
        let of_others = block_on(find_faults(&model, &device, &images("e"), 0, |_, _| {
            ControlFlow::Continue(())
        }));
        assert!(matches!(of_others, Err(RunError::NotMeasured)));
        let left = block_on(find_faults(&model, &device, &images("d"), 0, |_, _| {
            ControlFlow::Break(())
        }));
        assert!(left.expect_err("an end").is_stopped());
    }
}
