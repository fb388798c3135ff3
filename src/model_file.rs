//! The one model file: safetensors, with one JSON object under `__metadata__`.
//!
//! The program and the page read and write the same file; anything that reads safetensors can read
//! the weights.

mod error;
mod format;
mod header;
mod precision;
mod scoring;

pub use error::ModelFileError;
pub use format::{FORMAT, MAX_BYTES};
pub use header::{Header, SelfCheck, Training};
pub use precision::Precision;
pub use scoring::{Normaliser, Scoring, Span};

use std::collections::HashMap;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::nn::tensors::{HostTensor, NamedTensors};
use crate::score::Residual;
use format::KEY;

/// Prefix of the numbers that calibration fitted: always in single precision.
const SCORING: &str = "scoring.";

/// Prefix of the memory bank that calibration built: also in single precision, except for the encodings.
pub(crate) const MEMORY: &str = "memory.";

/// The encodings in the memory bank: always in half precision.
pub(crate) const MEMORY_IMAGES: &str = "memory.pictures";

/// A model in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// Everything but the weights.
    pub header: Header,
    /// The weights.
    pub tensors: NamedTensors,
}

impl ModelFile {
    /// Writes the file.
    ///
    /// # Errors
    /// [`ModelFileError::NotFinite`] if a weight is not finite, or becomes so in half precision.
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>, ModelFileError> {
        let header = serde_json::to_string(&self.header)
            .map_err(|error| ModelFileError::Header(error.to_string()))?;
        let mut encoded = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            let values = &tensor.values;
            let precision = stored_as(name, precision);
            if values.iter().any(|&v| !precision.round(v).is_finite()) {
                return Err(ModelFileError::NotFinite(name.clone()));
            }
            let bytes: Vec<u8> = match precision {
                Precision::F16 => values
                    .iter()
                    .flat_map(|&v| f16::from_f32(v).to_le_bytes())
                    .collect(),
                Precision::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            encoded.push((
                name.as_str(),
                precision.dtype(),
                tensor.shape.clone(),
                bytes,
            ));
        }
        let views = encoded
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                TensorView::new(*dtype, shape.clone(), bytes).map(|view| (*name, view))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(not_safetensors)?;
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        safetensors::serialize(views, Some(metadata)).map_err(not_safetensors)
    }

    /// Reads a file. Nothing is allocated beyond what the file's own length justifies.
    ///
    /// # Errors
    /// See [`ModelFileError`]: each says what was expected and what was got.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let header = Self::read_header(bytes)?;
        let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let tensors = file
            .iter()
            .map(|(name, view)| Ok((name.to_owned(), decode(name, &view)?)))
            .collect::<Result<NamedTensors, ModelFileError>>()?;
        Ok(Self { header, tensors })
    }

    /// Reads the header alone.
    ///
    /// # Errors
    /// As [`ModelFile::from_bytes`]; the weights are not looked at.
    pub fn read_header(bytes: &[u8]) -> Result<Header, ModelFileError> {
        if bytes.is_empty() {
            return Err(ModelFileError::Empty);
        }
        if bytes.len() > MAX_BYTES {
            return Err(ModelFileError::TooLarge {
                limit: MAX_BYTES,
                got: bytes.len(),
            });
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|map| map.get(KEY))
            .ok_or(ModelFileError::Foreign)?;
        Header::from_json(json)
    }

    /// Changes how R measures. If that changes the score, the calibration is removed: its threshold was
    /// fitted to other scores.
    pub fn measure_residual(&mut self, residual: Residual) {
        let scoring = &mut self.header.scoring;
        if scoring.residual != residual {
            scoring.residual = residual;
            scoring.normaliser = None;
            self.header.calibration = None;
            self.header.self_check = None;
        }
    }

    /// The same model with its values rounded as a file of this precision stores them.
    pub fn rounded(mut self, precision: Precision) -> Self {
        for (name, tensor) in &mut self.tensors {
            let precision = stored_as(name, precision);
            for value in &mut tensor.values {
                *value = precision.round(*value);
            }
        }
        self
    }
}

fn not_safetensors(reason: safetensors::SafeTensorError) -> ModelFileError {
    ModelFileError::NotSafetensors(reason.to_string())
}

/// How a tensor is stored in a file of this precision.
fn stored_as(name: &str, precision: Precision) -> Precision {
    match name {
        MEMORY_IMAGES => Precision::F16,
        name if name.starts_with(SCORING) || name.starts_with(MEMORY) => Precision::F32,
        _ => precision,
    }
}

fn decode(name: &str, view: &TensorView<'_>) -> Result<HostTensor, ModelFileError> {
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::F16 => view
            .data()
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        other => {
            return Err(ModelFileError::Type {
                name: name.to_owned(),
                got: format!("{other:?}"),
            });
        }
    };
    if values.iter().any(|v| !v.is_finite()) {
        return Err(ModelFileError::NotFinite(name.to_owned()));
    }
    Ok(HostTensor {
        shape: view.shape().to_vec(),
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Calibration;
    use crate::data::image::Preprocessing;
    use crate::nn::Architecture;
    use crate::score::RawScore;
    use crate::settings::{config::TrainConfig, method::Method};
    use proptest::prelude::*;

    fn model() -> ModelFile {
        let normal = |v: f64| RawScore {
            anomaly_score: v,
            residual: v,
            latent: Some(v),
            marks: None,
        };
        let scores: Vec<_> = (1..20).map(|k| normal(f64::from(k) / 17.0)).collect();
        let architecture = Architecture::new(32, 1, 4);
        let header = Header {
            format: FORMAT,
            method: Method::SkipGanomaly,
            architecture: Some(architecture),
            preprocessing: Preprocessing::new(32, 1),
            scoring: Scoring::default(),
            calibration: Some(Calibration::fit(&scores, &[0.25, 0.5], 0.99).expect("scores")),
            training: Some(Training {
                config: TrainConfig {
                    channels: 1,
                    width: 4,
                    ..TrainConfig::default()
                },
                data_digest: "0f".into(),
                pictures: 90,
                held_out: 10,
                steps: 7,
                epochs: 1,
                losses: None,
            }),
            self_check: Some(SelfCheck {
                anomaly_score: 0.1,
                tolerance: 1e-3,
                scores: vec![normal(0.1), normal(0.2)],
            }),
            licence: Some("MIT".into()),
        };
        let tensor = |shape: &[usize], values: &[f32]| HostTensor {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let tensors = NamedTensors::from([
            (
                "generator.a".to_owned(),
                tensor(&[2, 3], &[0.5, -1.0, 0.1, 3.0, 1e-9, 7.0]),
            ),
            ("generator.b".to_owned(), tensor(&[1], &[0.333])),
        ]);
        ModelFile { header, tensors }
    }

    fn bytes() -> Vec<u8> {
        model().to_bytes(Precision::F32).expect("finite weights")
    }

    /// The same file with its JSON object replaced.
    fn with_header(edit: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let mut header = serde_json::to_value(model().header).expect("a header");
        edit(&mut header);
        let tensor = TensorView::new(Dtype::F32, vec![1], &[0; 4]).expect("a tensor");
        let metadata = HashMap::from([(KEY.to_owned(), header.to_string())]);
        safetensors::serialize([("generator.b", tensor)], Some(metadata)).expect("a file")
    }

    fn refused(bytes: &[u8]) -> ModelFileError {
        ModelFile::from_bytes(bytes).expect_err("a file that must be refused")
    }

    #[test]
    fn both_precisions_round_trip() {
        assert_eq!(
            ModelFile::from_bytes(&bytes()).expect("a whole file"),
            model()
        );
        let header = ModelFile::read_header(&bytes()).expect("a whole file");
        assert_eq!(header, model().header);
        let half = model().to_bytes(Precision::F16).expect("finite weights");
        let read = ModelFile::from_bytes(&half).expect("a whole file");
        assert_eq!(read, model().rounded(Precision::F16));
        // A value that was rounded once does not change again.
        assert_eq!(read.to_bytes(Precision::F16).expect("finite weights"), half);
    }

    #[test]
    fn foreign_and_empty_files_are_named() {
        assert!(matches!(refused(&[]), ModelFileError::Empty));
        assert!(matches!(
            refused(b"\x89PNG\r\n\x1a\n and so on"),
            ModelFileError::NotSafetensors(_)
        ));
        let tensor = TensorView::new(Dtype::F32, vec![1], &[0; 4]).expect("a tensor");
        let foreign = safetensors::serialize([("weight", tensor)], None).expect("a file");
        assert!(matches!(refused(&foreign), ModelFileError::Foreign));
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused_unallocated() {
        let mut claims = u64::MAX.to_le_bytes().to_vec();
        claims.extend_from_slice(b"{}");
        assert!(matches!(
            refused(&claims),
            ModelFileError::NotSafetensors(_)
        ));
        let json =
            br#"{"w":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}"#;
        let mut claims = (json.len() as u64).to_le_bytes().to_vec();
        claims.extend_from_slice(json);
        assert!(matches!(
            refused(&claims),
            ModelFileError::NotSafetensors(_)
        ));
    }

    #[test]
    fn newer_formats_and_bad_headers_are_named() {
        let newer = with_header(|header| header["format"] = 3.into());
        assert!(matches!(refused(&newer), ModelFileError::Format { got: 3 }));
        let size = with_header(|header| header["architecture"]["size"] = 33.into());
        assert!(refused(&size).to_string().contains("got 33"));
        // Format 1 had fewer fields; what they default to is what it meant.
        let old = with_header(|header| {
            header["format"] = 1.into();
            header["scoring"] = serde_json::json!({ "lambda": 0.9, "residual": "l1" });
        });
        let read = ModelFile::from_bytes(&old).expect("a file of format 1");
        assert_eq!(read.header.scoring, Scoring::default());
        let lambda = with_header(|header| header["scoring"]["lambda"] = 2.into());
        assert!(refused(&lambda).to_string().contains("got 2"));
        let search = with_header(|header| header["scoring"]["search_steps"] = 0.into());
        assert!(refused(&search).to_string().contains("got 0"));
        let check = with_header(|header| header["self_check"]["tolerance"] = 1e9.into());
        assert!(refused(&check).to_string().contains("tolerance"));
        let input = with_header(|header| header["preprocessing"]["size"] = 64.into());
        assert!(refused(&input).to_string().contains("64"));
        let scale = with_header(|header| header["calibration"]["heat_map_scale"] = 0.into());
        assert!(matches!(refused(&scale), ModelFileError::Calibration(_)));
        let missing = with_header(|header| header["method"] = serde_json::Value::Null);
        assert!(matches!(refused(&missing), ModelFileError::Header(_)));
    }

    #[test]
    fn weights_that_are_no_numbers_are_neither_written_nor_read() {
        let mut nan = model();
        nan.tensors.get_mut("generator.b").expect("b").values[0] = f32::NAN;
        assert!(matches!(
            nan.to_bytes(Precision::F32),
            Err(ModelFileError::NotFinite(_))
        ));
        nan.tensors.get_mut("generator.b").expect("b").values[0] = 1e6;
        assert!(matches!(
            nan.to_bytes(Precision::F16),
            Err(ModelFileError::NotFinite(_))
        ));
        let mut bytes = bytes();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(matches!(refused(&bytes), ModelFileError::NotFinite(_)));
    }

    #[test]
    fn other_number_types_are_named() {
        let tensor = TensorView::new(Dtype::I64, vec![1], &[0; 8]).expect("a tensor");
        let header = serde_json::to_string(&model().header).expect("a header");
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        let file = safetensors::serialize([("a", tensor)], Some(metadata)).expect("a file");
        assert!(matches!(refused(&file), ModelFileError::Type { .. }));
    }

    proptest! {
        #[test]
        fn any_truncation_is_an_error(cut in 0..bytes().len()) {
            prop_assert!(ModelFile::from_bytes(&bytes()[..cut]).is_err());
        }

        #[test]
        fn damage_never_panics(at in 0..bytes().len(), value: u8) {
            let mut damaged = bytes();
            damaged[at] = value;
            let _ = ModelFile::from_bytes(&damaged);
        }
    }
}
