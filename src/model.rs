//! A trained model on a device: from the bytes of an image to its score. The library's own interface, and
//! what the page and the examples use.

use burn::tensor::Device;

use crate::calibration::{self, Calibration, Verdict};
use crate::data::image::{self, ImageError, Preprocessing};
use crate::data::prepared::PreparedError;
use crate::detector::{self, Detector, LoadError, Mismatch, Progress, Scored};
use crate::device::DeviceError;
use crate::model_file::{Header, ModelFile, ModelFileError};
use crate::nn::tensors::TensorError;
use crate::run::RunError;
use crate::score::RawScore;

/// Why a model cannot be opened, trained or asked for a score.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The file is not a usable model.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// The weights do not fit their header.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The bytes are not a readable image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The images were prepared otherwise than the settings say.
    #[error(transparent)]
    Prepared(#[from] PreparedError),
    /// The device failed, or a latent optimisation was stopped.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A training run cannot start or continue.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A trained model on a device.
pub struct Model {
    header: Header,
    detector: Box<dyn Detector>,
}

/// An image's score and what it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// A, the anomaly score: larger is more anomalous.
    pub anomaly_score: f64,
    /// R, how far the image is from its reconstruction.
    pub residual: f64,
    /// L, how far its features are from those of the reconstruction or of the nearest stored encoding; `None`
    /// for methods without features.
    pub latent: Option<f64>,
    /// M, how plainly something is marked as damaged; `None` for methods that do not mark.
    pub marks: Option<f64>,
    /// A against the threshold; [`Verdict::Uncalibrated`] without one.
    pub verdict: Verdict,
    /// A on a scale with 0 for the median normal image and ½ for the threshold, if there is one.
    pub display: Option<f64>,
    /// Width and height of the image in pixels, as decoded.
    pub original_size: (u32, u32),
    /// Side in pixels of the three pictures below.
    pub size: usize,
    /// The image as the model sees it, `[size, size, 4]` as RGBA.
    pub input: Vec<u8>,
    /// Its reconstruction, `[size, size, 4]` as RGBA.
    pub reconstruction: Vec<u8>,
    /// The marks, or |x - x̂|, at each pixel as colours, `[size, size, 4]` as RGBA.
    pub heat_map: Vec<u8>,
}

/// What a device made of the built-in images, beside what the file says.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceCheck {
    /// A of the first image, as stored.
    pub expected: f64,
    /// The same as the device computes it.
    pub got: f64,
    /// The first score that differs by more than rounding.
    pub mismatch: Option<Mismatch>,
}

impl Model {
    /// Puts a model's weights on a device.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape or not finite, or the header lacks the networks' shape.
    pub fn load(file: ModelFile, device: &Device) -> Result<Self, Error> {
        let detector = detector::load(&file, device)?;
        Ok(Self {
            header: file.header,
            detector,
        })
    }

    /// Everything about the model except its weights.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of parameters.
    pub fn num_params(&self) -> usize {
        self.detector.num_params()
    }

    /// Steps of the latent optimisation for each image, if the method has one.
    pub fn latent_steps(&self) -> Option<usize> {
        self.detector.latent_steps()
    }

    /// Its calibration; without one there is no threshold and no verdict.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.header.calibration.as_ref()
    }

    /// The scores on their display scale for another threshold; `None` without a calibration.
    pub fn display_scores(&self, threshold: f64, scores: &[f64]) -> Option<Vec<f64>> {
        let median = self.calibration()?.anomaly_score.median;
        let display = |&score: &f64| calibration::display(score, threshold, median);
        Some(scores.iter().map(display).collect())
    }

    /// Scores the built-in images and compares them with what the file says of them; `None` if it says
    /// nothing.
    ///
    /// # Errors
    /// If the device cannot be read or a score is not finite.
    pub async fn check_device(&self) -> Result<Option<DeviceCheck>, Error> {
        let Some(stored) = &self.header.self_check else {
            return Ok(None);
        };
        let got = detector::self_check(&*self.detector).await?;
        Ok(Some(DeviceCheck {
            expected: stored.anomaly_score,
            got: got.anomaly_score,
            mismatch: stored.compare(&got).err(),
        }))
    }

    /// Scores images from the bytes of their files, one result each, in order: a file that is not a
    /// readable image gives an error in its place, and the others are still scored. No score depends on
    /// the other images.
    ///
    /// # Errors
    /// If the device fails, or `progress` stops a latent optimisation.
    pub async fn score_all<B: AsRef<[u8]>>(
        &self,
        files: impl IntoIterator<Item = B>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Result<Score, ImageError>>, Error> {
        let preprocessing = self.detector.preprocessing();
        let mut values = Vec::new();
        // The decoded pixels are dropped one by one: a batch of large images would not fit into memory.
        let decoded: Vec<Result<(u32, u32), ImageError>> = files
            .into_iter()
            .map(|file| {
                let picture = image::decode(file.as_ref())?;
                values.extend(preprocessing.apply(&picture));
                Ok((picture.width(), picture.height()))
            })
            .collect();
        let scored = match values.is_empty() {
            true => Vec::new(),
            false => detector::score_with_progress(&*self.detector, &values, progress).await?,
        };
        let mut scored = values.chunks_exact(preprocessing.values()).zip(&scored);
        let scores = decoded.into_iter().map(|sides| {
            let sides = sides?;
            let (input, scored) = scored.next().expect("one score for each decoded image");
            Ok(self.score_of(sides, input, scored))
        });
        Ok(scores.collect())
    }

    fn score_of(&self, original_size: (u32, u32), input: &[f32], scored: &Scored) -> Score {
        let Preprocessing { size, channels, .. } = *self.detector.preprocessing();
        let calibration = self.calibration();
        let RawScore {
            anomaly_score,
            residual,
            latent,
            marks,
        } = scored.raw;
        let range = calibration::heat_map_range(calibration);
        Score {
            anomaly_score,
            residual,
            latent,
            marks,
            verdict: calibration.map_or(Verdict::Uncalibrated, |c| c.verdict(anomaly_score)),
            display: calibration.map(|c| c.display(anomaly_score)),
            original_size,
            size,
            input: image::to_rgba(input, channels, size),
            reconstruction: image::to_rgba(&scored.x_hat, channels, size),
            heat_map: image::heat_map_rgba(&scored.map, &range),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
pub use native::train;

/// Blocking calls; in a browser, where nothing may block, there are only the asynchronous ones.
#[cfg(not(target_family = "wasm"))]
mod native {
    use std::ops::ControlFlow;
    use std::path::Path;

    use super::{Error, Model, Score};
    use crate::data::prepared::PreparedPictures;
    use crate::device::DeviceKind;
    use crate::model_file::{ModelFile, Precision};
    use crate::run::Run;
    use crate::run::fit::fit;
    use crate::settings::config::TrainConfig;
    use crate::train::Losses;

    impl Model {
        /// Opens a model file that the program, the page or [`ModelFile::to_bytes`] wrote.
        ///
        /// # Errors
        /// If the file cannot be read or is not a usable model, or the device cannot be started.
        pub fn open(path: impl AsRef<Path>, device: DeviceKind) -> Result<Self, Error> {
            let path = path.as_ref();
            let bytes = std::fs::read(path).map_err(|reason| Error::Read {
                path: path.display().to_string(),
                reason,
            })?;
            let file = ModelFile::from_bytes(&bytes)?;
            Self::load(file, &pollster::block_on(device.open())?)
        }

        /// Scores one image from the bytes of its file.
        ///
        /// # Errors
        /// If the bytes are not a readable image, or the device fails.
        pub fn score(&self, image: &[u8]) -> Result<Score, Error> {
            let mut scores = pollster::block_on(self.score_all([image], &mut ()))?;
            Ok(scores.remove(0)?)
        }
    }

    /// Trains a model on normal images, a part of which is held out to calibrate it. `on_step` receives each
    /// step, from 1, and its losses; [`ControlFlow::Break`] ends the training early, with the model that
    /// there is by then. Methods without networks have no steps.
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    /// use skip_ganomaly::{DeviceKind, Model, PreparedImages, TrainConfig, train};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = TrainConfig { width: 8, ..TrainConfig::default() };
    /// let mut images = PreparedImages::new(config.preprocessing());
    /// for entry in std::fs::read_dir("normal")? {
    ///     let path = entry?.path();
    ///     images.add(path.display().to_string(), &std::fs::read(&path)?)?;
    /// }
    /// let file = train(&config, images, DeviceKind::Cpu, |step, losses| {
    ///     println!("{step}: {losses:?}");
    ///     ControlFlow::Continue(())
    /// })?;
    /// std::fs::write("model.safetensors", file.to_bytes(Default::default())?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a setting is out of range, or a method with networks has no use for it, the images were prepared otherwise than the settings say or
    /// are too few, a loss or a score is no longer a number, or the device fails.
    pub fn train(
        config: &TrainConfig,
        images: PreparedPictures,
        device: DeviceKind,
        mut on_step: impl FnMut(u64, &Losses) -> ControlFlow<()>,
    ) -> Result<ModelFile, Error> {
        pollster::block_on(async {
            images.check(&config.preprocessing())?;
            let device = device.open().await?;
            if !config.method.has_networks() {
                return Ok(fit(config, &images, Precision::F32, &device).await?.model);
            }
            let mut run = Run::new(config, Box::new(images), &device)?;
            while run.steps() < run.total_steps() {
                run.step()?;
                for losses in run.read_losses().await? {
                    if on_step(run.steps(), &losses).is_break() {
                        return Ok(run.finish(Precision::F32, &mut ()).await?.model);
                    }
                }
            }
            Ok(run.finish(Precision::F32, &mut ()).await?.model)
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::calibration::Verdict;
        use crate::settings::method::Method;

        /// Bars of a width that differs from image to image.
        fn png(bar: u32) -> Vec<u8> {
            let picture = image::GrayImage::from_fn(40, 30, |x, _| {
                image::Luma([if x % 20 < bar { 200 } else { 40 }])
            });
            let mut bytes = std::io::Cursor::new(Vec::new());
            picture
                .write_to(&mut bytes, image::ImageFormat::Png)
                .expect("memory");
            bytes.into_inner()
        }

        fn images(config: &TrainConfig) -> PreparedPictures {
            let mut images = PreparedPictures::new(config.preprocessing());
            for k in 0..20 {
                images
                    .add(format!("{k}.png"), &png(4 + k % 5))
                    .expect("an image");
            }
            images
        }

        fn config(method: Method) -> TrainConfig {
            TrainConfig {
                method,
                channels: 1,
                width: 2,
                batch: 4,
                steps: method.has_networks().then_some(5),
                ..TrainConfig::default()
            }
        }

        #[test]
        fn a_model_is_trained_written_opened_and_scores() {
            for method in [Method::SkipGanomaly, Method::Pca] {
                let config = config(method);
                let mut steps = Vec::new();
                let file = train(&config, images(&config), DeviceKind::Cpu, |step, losses| {
                    assert!(losses.is_finite());
                    steps.push(step);
                    ControlFlow::Continue(())
                });
                let file = file.expect("a model");
                let expected: Vec<u64> = (1..=config.steps.unwrap_or(0)).collect();
                assert_eq!(steps, expected, "{method}");

                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("model.safetensors");
                let bytes = file.to_bytes(Precision::F32).expect("finite weights");
                std::fs::write(&path, bytes).expect("a file");
                let model = Model::open(&path, DeviceKind::Cpu).expect("a model");
                let score = model.score(&png(5)).expect("a score");
                assert_ne!(score.verdict, Verdict::Uncalibrated);
                assert_eq!((score.original_size, score.size), ((40, 30), 32));
                assert_eq!(score.heat_map.len(), 4 * 32 * 32);
                let check = pollster::block_on(model.check_device()).expect("a device");
                assert_eq!(check.expect("a stored check").mismatch, None);

                // A file that is no image takes its own place, and no other score changes.
                let all = pollster::block_on(
                    model.score_all([png(9), b"no image".to_vec(), png(5)], &mut ()),
                );
                let all = all.expect("a device");
                assert!(all[0].is_ok() && all[1].is_err());
                assert_eq!(all[2].as_ref().ok(), Some(&score));
            }
        }

        #[test]
        fn a_training_ends_early_with_its_model() {
            let config = config(Method::Ganomaly);
            let file = train(
                &config,
                images(&config),
                DeviceKind::Cpu,
                |step, _| match step {
                    2 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                },
            );
            let training = file.expect("a model").header.training.expect("a record");
            assert_eq!(training.steps, 2);
        }

        #[test]
        fn what_cannot_be_opened_is_named() {
            let missing = Model::open("no/such/model", DeviceKind::Cpu);
            let message = missing.err().expect("an error").to_string();
            assert!(
                message.starts_with("cannot read no/such/model: "),
                "{message}"
            );
        }
    }
}
