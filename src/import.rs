//! Checkpoints of the published PyTorch programs as model files of this crate.
//!
//! Method, size, channels, widths and features are derived from the tensors' names and shapes; nothing in
//! a checkpoint is executed. Each of our tensors has one name there ([`official_name`]), so that none is
//! missed and none is left over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use pytorch_reader::{DType, PytorchReader, Tensor};

use crate::data::image::Preprocessing;
use crate::detector::ganomaly;
use crate::model_file::{FORMAT, Header, MAX_BYTES, ModelFile, Scoring};
use crate::nn::tensors::{HostTensor, NamedTensors, is_parameter, shapes};
use crate::nn::{self, Architecture, ArchitectureError, Network as _};
use crate::score::Residual;
use crate::settings::method::Method;
use crate::train::gan::{DISCRIMINATOR, GENERATOR};

/// Names that one message lists at most.
const NAMES_SHOWN: usize = 3;

/// One of a method's two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// G.
    Generator,
    /// D.
    Discriminator,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generator => GENERATOR,
            Self::Discriminator => DISCRIMINATOR,
        })
    }
}

/// Why checkpoints could not be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be opened.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder, or a file that is too large.
    #[error("{}: expected a file of at most {MAX_BYTES} bytes, got {got}", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        got: String,
    },
    /// Not a PyTorch checkpoint, or only a part of one.
    #[error(
        "{}: expected a whole PyTorch checkpoint, got a truncated one or another kind of file ({reason})",
        path.display()
    )]
    NotACheckpoint {
        /// Which file.
        path: PathBuf,
        /// The reader's message.
        reason: String,
    },
    /// A checkpoint that holds something else: another program's, the other network, or tensors
    /// missing or left over.
    #[error("{}: expected {expected}, got {got}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        got: String,
    },
    /// Generator and discriminator do not belong together.
    #[error(
        "expected two networks of one model, got {name} {generator} in the generator \
         and {discriminator} in the discriminator"
    )]
    Differ {
        /// What differs.
        name: &'static str,
        /// The generator's.
        generator: String,
        /// The discriminator's.
        discriminator: String,
    },
    /// Networks of a shape that this crate does not build.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A tensor has another shape, another type, or a value that cannot be used.
    #[error("{}: tensor {name}: expected {expected}, got {got}", path.display())]
    Tensor {
        /// Which file.
        path: PathBuf,
        /// Its name there.
        name: String,
        /// What was expected.
        expected: String,
        /// What was found.
        got: String,
    },
}

/// Imports a pair of checkpoints: `{'epoch', 'state_dict'}` as the published programs write them,
/// or a state dict alone.
///
/// `residual` sets how R measures; the published Skip-GANomaly program uses [`Residual::L2`]. The model has
/// neither a calibration nor a self check.
///
/// # Errors
/// See [`ImportError`]: each says what was expected and what was got.
pub fn import(
    generator: &Path,
    discriminator: &Path,
    residual: Residual,
) -> Result<ModelFile, ImportError> {
    let generator = Checkpoint::open(generator, Network::Generator)?;
    let discriminator = Checkpoint::open(discriminator, Network::Discriminator)?;
    let (g, d) = (generator.plan()?, discriminator.plan()?);
    same("the method", generator.method, discriminator.method)?;
    same("the size", g.size, d.size)?;
    same("the channels", g.channels, d.channels)?;
    let method = generator.method;
    let architecture = Architecture {
        size: g.size,
        channels: g.channels,
        generator_width: g.width,
        discriminator_width: d.width,
        features: g.features.or(d.features).unwrap_or_default(),
        cut_skips: 0,
    };
    architecture.check()?;
    let mut tensors = generator.tensors(&architecture)?;
    tensors.append(&mut discriminator.tensors(&architecture)?);
    Ok(ModelFile {
        header: Header {
            format: FORMAT,
            method,
            architecture: Some(architecture),
            preprocessing: Preprocessing::new(architecture.size, architecture.channels),
            scoring: Scoring {
                residual,
                lambda: method.lambda(),
                ..Scoring::default()
            },
            calibration: None,
            training: None,
            self_check: None,
            licence: None,
        },
        tensors,
    })
}

fn same<T: PartialEq + fmt::Display>(
    name: &'static str,
    generator: T,
    discriminator: T,
) -> Result<(), ImportError> {
    if generator == discriminator {
        return Ok(());
    }
    Err(ImportError::Differ {
        name,
        generator: generator.to_string(),
        discriminator: discriminator.to_string(),
    })
}

/// The published program's name of a tensor of ours; `None` if the method has no such tensor.
///
/// The programs number or name their modules in the order in which they were added:
///
/// | network | one of its names |
/// |---|---|
/// | Skip-GANomaly's G | `model.model.1.model.3.model.2.running_var`: one `model` for each level |
/// | Skip-GANomaly's D | `feat.pyramid-64-128-conv.weight` |
/// | GANomaly's G | `encoder1.main.pyramid-64-128-conv.weight` |
/// | GANomaly's D | `features.3.weight` |
pub fn official_name(method: Method, architecture: &Architecture, name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let (g, d) = (
        architecture.generator_width,
        architecture.discriminator_width,
    );
    let widest = |width: usize| width << (architecture.levels() - 3);
    match (method, parts.as_slice()) {
        (Method::SkipGanomaly, [GENERATOR, way, level, part, leaf]) => {
            unet_name(architecture, way, level.parse().ok()?, part, leaf)
        }
        (Method::SkipGanomaly, [DISCRIMINATOR, "pyramid", level, part, leaf]) => {
            let name = down_name(architecture, d, level.parse().ok()?, part, leaf);
            Some(format!("feat.{name}"))
        }
        (Method::SkipGanomaly, [DISCRIMINATOR, "feature", leaf]) => {
            Some(format!("feat.final-{}-1-conv.{leaf}", widest(d)))
        }
        (Method::SkipGanomaly, [DISCRIMINATOR, "classifier", leaf]) => {
            Some(format!("clas.classifier.{leaf}"))
        }
        (Method::Ganomaly, [GENERATOR, "decoder", "pyramid", level, part, leaf]) => {
            let name = up_name(architecture, level.parse().ok()?, part, leaf)?;
            Some(format!("decoder.main.{name}"))
        }
        (Method::Ganomaly, [GENERATOR, encoder, rest @ ..]) => {
            let number = match *encoder {
                "encoder" => 1,
                "second_encoder" => 2,
                _ => return None,
            };
            let name = match rest {
                ["pyramid", level, part, leaf] => {
                    down_name(architecture, g, level.parse().ok()?, part, leaf)
                }
                ["latent", leaf] => format!("final-{}-1-conv.{leaf}", widest(g)),
                _ => return None,
            };
            Some(format!("encoder{number}.main.{name}"))
        }
        (Method::Ganomaly, [DISCRIMINATOR, "pyramid", level, part, leaf]) => {
            // Convolution and LeakyReLU, then convolution, batch norm and LeakyReLU each time.
            let level: usize = level.parse().ok()?;
            let module = match *part {
                "norm" => 3 * level,
                _ => (3 * level).saturating_sub(1),
            };
            Some(format!("features.{module}.{}", leaf_name(leaf)))
        }
        (Method::Ganomaly, [DISCRIMINATOR, "classifier", leaf]) => {
            Some(format!("classifier.0.{leaf}"))
        }
        _ => None,
    }
}

/// A level of the U-Net holds, in this order: LeakyReLU, convolution, batch norm, the next level,
/// ReLU, transposed convolution, batch norm. The outermost lacks the first activation and both
/// norms, the innermost the first norm and the next level.
fn unet_name(
    architecture: &Architecture,
    way: &str,
    level: usize,
    part: &str,
    leaf: &str,
) -> Option<String> {
    let innermost = architecture.levels() - 1;
    let (level, conv) = match way {
        "encoder" => (level, if level == 0 { 0 } else { 1 }),
        "decoder" => {
            let level = innermost.checked_sub(level)?;
            (
                level,
                if level == 0 || level == innermost {
                    3
                } else {
                    5
                },
            )
        }
        _ => return None,
    };
    let module = if part == "norm" { conv + 1 } else { conv };
    Some(format!(
        "{}.{module}.{}",
        unet_level(level),
        leaf_name(leaf)
    ))
}

fn unet_level(level: usize) -> String {
    let mut name = String::from("model.model");
    for outer in 0..level {
        name += if outer == 0 { ".1.model" } else { ".3.model" };
    }
    name
}

fn down_name(
    architecture: &Architecture,
    width: usize,
    level: usize,
    part: &str,
    leaf: &str,
) -> String {
    let (output, leaf) = (width << level, leaf_name(leaf));
    match (part, level) {
        ("norm", _) => format!("pyramid-{output}-batchnorm.{leaf}"),
        (_, 0) => format!("initial-conv-{}-{output}.{leaf}", architecture.channels),
        _ => format!("pyramid-{}-{output}-conv.{leaf}", output / 2),
    }
}

fn up_name(architecture: &Architecture, level: usize, part: &str, leaf: &str) -> Option<String> {
    let last = architecture.levels() - 2;
    let widest = architecture.generator_width << (last - 1);
    let (input, output, leaf) = (widest << 1 >> level, widest >> level, leaf_name(leaf));
    let Architecture {
        channels, features, ..
    } = *architecture;
    Some(match (part, level) {
        ("norm", 0) => format!("initial-{output}-batchnorm.{leaf}"),
        ("norm", _) => format!("pyramid-{output}-batchnorm.{leaf}"),
        (_, 0) => format!("initial-{features}-{output}-convt.{leaf}"),
        (_, level) if level == last => format!("final-{input}-{channels}-convt.{leaf}"),
        (_, level) if level < last => format!("pyramid-{input}-{output}-convt.{leaf}"),
        _ => return None,
    })
}

fn leaf_name(leaf: &str) -> &str {
    match leaf {
        "gamma" => "weight",
        "beta" => "bias",
        "running_variance" => "running_var",
        other => other,
    }
}

/// The shape of one network, as its tensors show it.
struct Plan {
    size: usize,
    channels: usize,
    width: usize,
    /// If this network has it.
    features: Option<usize>,
}

/// A checkpoint whose values are not read yet.
struct Checkpoint {
    path: PathBuf,
    method: Method,
    network: Network,
    /// By the names of the published program.
    tensors: BTreeMap<String, Tensor>,
}

impl Checkpoint {
    fn open(path: &Path, expected: Network) -> Result<Self, ImportError> {
        let io = |source| ImportError::Io {
            path: path.into(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(io)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES as u64 {
            return Err(ImportError::TooLarge {
                path: path.into(),
                got: match metadata.is_file() {
                    true => format!("{} bytes", metadata.len()),
                    false => "a folder".into(),
                },
            });
        }
        std::fs::File::open(path).map_err(io)?;
        let not_a_checkpoint = |reason: String| ImportError::NotACheckpoint {
            path: path.into(),
            reason,
        };
        let reader = PytorchReader::new(path).map_err(|e| not_a_checkpoint(e.to_string()))?;
        let tensors = state_dict(reader.into_tensors().into_iter().collect());
        let claimed = tensors.values().map(Tensor::byte_len);
        let claimed = claimed.fold(0_usize, usize::saturating_add);
        // Tensors may be views that repeat few values many times; those of a network are not.
        if claimed as u64 > metadata.len() {
            return Err(not_a_checkpoint(format!(
                "its tensors claim {claimed} bytes, the file has {}",
                metadata.len()
            )));
        }
        let content = |expected: String, got: String| ImportError::Content {
            path: path.into(),
            expected,
            got,
        };
        let (method, network) = recognise(&tensors).ok_or_else(|| {
            content(
                format!("a {expected} of Skip-GANomaly or GANomaly"),
                format!("a checkpoint with {}", listed(tensors.keys())),
            )
        })?;
        if network != expected {
            return Err(content(
                format!("a {expected}"),
                format!("a {network} of {method}; are the two files swapped?"),
            ));
        }
        Ok(Self {
            path: path.into(),
            method,
            network,
            tensors,
        })
    }

    /// Derives the network's shape from its tensors.
    fn plan(&self) -> Result<Plan, ImportError> {
        let (first, steps, features) = match (self.method, self.network) {
            (Method::SkipGanomaly, Network::Generator) => {
                let inner = (1..).take_while(|&level| {
                    let conv = format!("{}.1.weight", unet_level(level));
                    self.tensors.contains_key(&conv)
                });
                // Down to one pixel rather than to 4 × 4.
                let steps = (1 + inner.count()).saturating_sub(2);
                ("model.model.0.weight", steps, None)
            }
            (Method::Ganomaly, Network::Discriminator) => {
                let convs = self.tensors.iter().filter(|(name, tensor)| {
                    name.starts_with("features.") && tensor.shape().len() == 4
                });
                ("features.0.weight", convs.count(), None)
            }
            (method, _) => {
                let prefix = match method {
                    Method::Ganomaly => "encoder1.main",
                    _ => "feat",
                };
                let steps = self.tensors.keys().filter(|name| {
                    name.starts_with(&format!("{prefix}.pyramid-")) && name.ends_with("conv.weight")
                });
                let features = self.conv_shape(&format!("{prefix}.final-"))?[0];
                let first = match method {
                    Method::Ganomaly => "encoder1.main.initial-conv-",
                    _ => "feat.initial-conv-",
                };
                (first, 1 + steps.count(), Some(features))
            }
        };
        let [width, channels, ..] = self.conv_shape(first)?;
        Ok(Plan {
            // More steps than any image allows stay out of range.
            size: 4 << steps.min(16),
            channels,
            width,
            features,
        })
    }

    /// Shape of the first convolution whose name begins like this.
    fn conv_shape(&self, name: &str) -> Result<[usize; 4], ImportError> {
        let found = self
            .tensors
            .iter()
            .find(|(found, _)| found.starts_with(name));
        let Some((found, tensor)) = found else {
            return Err(self.content(&self.description(), format!("none named {name}…")));
        };
        let shape = tensor.shape();
        shape.try_into().map_err(|_| ImportError::Tensor {
            path: self.path.clone(),
            name: found.clone(),
            expected: "4 axes".into(),
            got: format!("{shape:?}"),
        })
    }

    /// Every tensor of the network under this crate's names.
    fn tensors(&self, architecture: &Architecture) -> Result<NamedTensors, ImportError> {
        let shapes = self.shapes(architecture)?;
        let official: Vec<Option<String>> = shapes
            .iter()
            .map(|(name, _)| official_name(self.method, architecture, name))
            .collect();
        let known: BTreeSet<&String> = official.iter().flatten().collect();
        let found: BTreeSet<&String> = self.tensors.keys().collect();
        let expected = format!("{} for {} pixels", self.description(), architecture.size);
        if let missing @ 1.. = known.difference(&found).count() {
            let names = listed(known.difference(&found).copied());
            return Err(self.content(&expected, format!("{missing} missing: {names}")));
        }
        if let more @ 1.. = found.difference(&known).count() {
            let names = listed(found.difference(&known).copied());
            return Err(self.content(&expected, format!("{more} more: {names}")));
        }
        shapes
            .into_iter()
            .zip(&official)
            .filter_map(|((name, shape), official)| Some((name, shape, official.as_ref()?)))
            .map(|(name, shape, official)| {
                let values = self.values(official, &shape, name.ends_with(".running_variance"))?;
                Ok((name, HostTensor { shape, values }))
            })
            .collect()
    }

    /// Names and shapes of this crate's network.
    fn shapes(
        &self,
        architecture: &Architecture,
    ) -> Result<Vec<(String, Vec<usize>)>, ImportError> {
        let shapes = match (self.method, self.network) {
            (Method::Ganomaly, Network::Generator) => {
                shapes(GENERATOR, &ganomaly::Generator::blank(architecture))
            }
            (Method::Ganomaly, Network::Discriminator) => {
                shapes(DISCRIMINATOR, &ganomaly::Discriminator::blank(architecture))
            }
            (_, Network::Generator) => shapes(GENERATOR, &nn::Generator::blank(architecture)),
            (_, Network::Discriminator) => {
                shapes(DISCRIMINATOR, &nn::Discriminator::blank(architecture))
            }
        };
        let parameters = shapes.iter().filter(|(name, _)| is_parameter(name));
        let (expected, found): (usize, usize) = (
            parameters
                .map(|(_, shape)| shape.iter().product::<usize>())
                .sum(),
            self.tensors.values().map(Tensor::num_elements).sum(),
        );
        // If only some values are missing, their tensors are named later.
        if expected / 2 > found {
            let expected = format!("{} of {expected} values", self.description());
            return Err(self.content(&expected, format!("{found} values")));
        }
        Ok(shapes)
    }

    fn values(
        &self,
        name: &str,
        shape: &[usize],
        is_variance: bool,
    ) -> Result<Vec<f32>, ImportError> {
        let wrong = |expected: String, got: String| ImportError::Tensor {
            path: self.path.clone(),
            name: name.to_owned(),
            expected,
            got,
        };
        let tensor = &self.tensors[name];
        if tensor.shape() != shape {
            let got = format!("{:?}", tensor.shape());
            return Err(wrong(format!("the shape {shape:?}"), got));
        }
        if tensor.dtype() != DType::F32 {
            return Err(wrong(
                "the type F32".into(),
                format!("{:?}", tensor.dtype()),
            ));
        }
        let bytes = tensor.read().map_err(|error| ImportError::NotACheckpoint {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        let values: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        if let Some(value) = values.iter().find(|v| !v.is_finite()) {
            return Err(wrong("finite values".into(), value.to_string()));
        }
        if let (true, Some(value)) = (is_variance, values.iter().find(|&&v| v < 0.0)) {
            return Err(wrong("variances of at least 0".into(), value.to_string()));
        }
        Ok(values)
    }

    fn description(&self) -> String {
        format!("the tensors of a {} {}", self.method, self.network)
    }

    fn content(&self, expected: &str, got: String) -> ImportError {
        ImportError::Content {
            path: self.path.clone(),
            expected: expected.to_owned(),
            got,
        }
    }
}

/// The network's tensors alone, without the prefixes of wrappers and without the batch counters, which
/// are not needed.
fn state_dict(tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    const WRAPPED: &str = "state_dict.";
    let wrapped = tensors.keys().any(|name| name.starts_with(WRAPPED));
    let kept = tensors.into_iter().filter_map(|(name, tensor)| {
        let name = match wrapped {
            // Other entries, such as an optimiser's, do not belong to the network.
            true => name.strip_prefix(WRAPPED)?,
            false => &name,
        };
        // From `DataParallel`.
        let name = name.strip_prefix("module.").unwrap_or(name);
        (!name.ends_with(".num_batches_tracked")).then(|| (name.to_owned(), tensor))
    });
    kept.collect()
}

fn recognise(tensors: &BTreeMap<String, Tensor>) -> Option<(Method, Network)> {
    let known = [
        ("model.model.", Method::SkipGanomaly, Network::Generator),
        ("feat.", Method::SkipGanomaly, Network::Discriminator),
        ("encoder1.", Method::Ganomaly, Network::Generator),
        ("features.", Method::Ganomaly, Network::Discriminator),
    ];
    let found = known
        .into_iter()
        .find(|(prefix, ..)| tensors.keys().any(|name| name.starts_with(prefix)));
    found.map(|(_, method, network)| (method, network))
}

/// The first few of some names.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match names.len() {
        0 => "no tensors".into(),
        n if n <= NAMES_SHOWN => names.join(", "),
        n => format!(
            "{} and {} more",
            names[..NAMES_SHOWN].join(", "),
            n - NAMES_SHOWN
        ),
    }
}
