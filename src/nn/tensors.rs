//! A network's tensors by name: how weights travel between files, devices and optimisers.
//!
//! Names are the field names of the networks, joined by dots: `encoder.0.conv.weight`,
//! `decoder.2.norm.running_variance`. Renaming a field changes the file format.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData, Transaction};

/// A tensor on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Values, last axis fastest.
    pub values: Vec<f32>,
}

/// Host tensors by name, in name order.
pub type NamedTensors = BTreeMap<String, HostTensor>;

/// Why tensors could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// A tensor that the network has is not there.
    #[error("tensor {0} is missing")]
    Missing(String),
    /// A tensor has another shape than the network's.
    #[error("tensor {name} must have the shape {expected:?}, got {got:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// What was found.
        got: Vec<usize>,
    },
    /// A tensor's shape does not fit the image size of the header.
    #[error("tensor {name} has the shape {got:?}, which does not fit the header's image size")]
    Unfitting {
        /// Its name.
        name: String,
        /// What was found.
        got: Vec<usize>,
    },
    /// A value is infinite or not a number.
    #[error("tensor {0} holds a value that is not finite")]
    NotFinite(String),
    /// A score is infinite or not a number.
    #[error("the score of a built-in image is not finite: the model's weights overflow")]
    Overflow,
    /// A running variance is negative.
    #[error("tensor {0} holds a negative variance")]
    Negative(String),
    /// The header states larger networks than the file has values for.
    #[error("the networks need {expected} values, but the file has only {found}")]
    TooFew {
        /// Values of the networks.
        expected: usize,
        /// Values in the file.
        found: usize,
    },
    /// The device could not be read.
    #[error("the device could not be read: {0}")]
    Read(String),
    /// A latent optimisation was stopped by the caller's `Progress`.
    #[error("the latent optimisation was stopped")]
    Stopped,
}

/// Joins the names of the fields that a walk has entered.
#[derive(Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }
    pub(crate) fn leave(&mut self) {
        self.0.pop();
    }
    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

/// Reads many device tensors in one transfer: names are kept beside one [`Transaction`].
#[derive(Default)]
pub struct Reader {
    names: Vec<(String, Vec<usize>)>,
    transaction: Transaction,
    path: Path,
    prefix: String,
}

impl Reader {
    /// Starts with nothing to read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one tensor.
    pub fn tensor<const D: usize>(mut self, name: impl Into<String>, tensor: Tensor<D>) -> Self {
        self.push(name.into(), tensor);
        self
    }

    /// Adds every tensor of a network, its names preceded by `prefix` and a dot.
    pub fn module<M: Module>(mut self, prefix: &str, module: &M) -> Self {
        prefix.clone_into(&mut self.prefix);
        module.visit(&mut self);
        self
    }

    /// Names and shapes of what is to be read.
    pub fn shapes(&self) -> &[(String, Vec<usize>)] {
        &self.names
    }

    fn push<const D: usize>(&mut self, name: String, tensor: Tensor<D>) {
        self.names.push((name, tensor.dims().to_vec()));
        let transaction = std::mem::take(&mut self.transaction);
        self.transaction = transaction.register(tensor.without_autodiff());
    }

    /// Waits for the device and copies everything to the host.
    ///
    /// # Errors
    /// [`TensorError::Read`] if the device fails.
    pub async fn read(self) -> Result<NamedTensors, TensorError> {
        if self.names.is_empty() {
            return Ok(NamedTensors::new());
        }
        let read = |error: String| TensorError::Read(error);
        let data = self
            .transaction
            .execute_async()
            .await
            .map_err(|e| read(e.to_string()))?;
        self.names
            .into_iter()
            .zip(data)
            .map(|((name, shape), data)| {
                let values = data
                    .try_into_vec::<f32>()
                    .map_err(|e| read(format!("{name}: {e:?}")))?;
                Ok((name, HostTensor { shape, values }))
            })
            .collect()
    }
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.leave();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = format!("{}.{}", self.prefix, self.path.name());
        self.push(name, param.val());
    }
}

/// Whether the tensor of this name is a parameter: running statistics are not.
pub(crate) fn is_parameter(name: &str) -> bool {
    !name.contains(".running_")
}

/// Names and shapes of a network's tensors, the names preceded by `prefix` and a dot. Nothing is allocated.
pub fn shapes(prefix: &str, module: &impl Module) -> Vec<(String, Vec<usize>)> {
    struct Shapes<'a> {
        prefix: &'a str,
        path: Path,
        found: Vec<(String, Vec<usize>)>,
    }
    impl ModuleVisitor for Shapes<'_> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.leave();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = format!("{}.{}", self.prefix, self.path.name());
            let shape: [usize; D] = param.lazy_shape().dims();
            self.found.push((name, shape.to_vec()));
        }
    }
    let (path, found) = (Path::default(), Vec::new());
    let mut visitor = Shapes {
        prefix,
        path,
        found,
    };
    module.visit(&mut visitor);
    visitor.found
}

/// Number of parameters of a network. Burn's method of this name counts the running statistics too.
/// Nothing is allocated.
pub fn num_params(module: &impl Module) -> usize {
    let shapes = shapes("network", module);
    let parameters = shapes.iter().filter(|(name, _)| is_parameter(name));
    let sizes = parameters.map(|(_, shape)| shape.iter().product::<usize>());
    sizes.sum()
}

/// Puts host tensors into a network of the same shape.
///
/// Takes the tensors whose names begin with `prefix` and a dot; others are left in place.
///
/// # Errors
/// The first tensor that is missing, of another shape, or not finite.
pub fn load<M: Module>(module: M, prefix: &str, tensors: &NamedTensors) -> Result<M, TensorError> {
    let mut loader = Loader {
        tensors,
        prefix,
        path: Path::default(),
        error: None,
    };
    let module = module.map(&mut loader);
    match loader.error {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

struct Loader<'a> {
    tensors: &'a NamedTensors,
    prefix: &'a str,
    path: Path,
    error: Option<TensorError>,
}

impl Loader<'_> {
    fn find(&self, expected: &[usize]) -> Result<&HostTensor, TensorError> {
        let name = format!("{}.{}", self.prefix, self.path.name());
        find(self.tensors, &name, expected)
    }
}

/// Finds a tensor by name and checks its shape and values.
///
/// # Errors
/// As [`load`].
pub fn find<'a>(
    tensors: &'a NamedTensors,
    name: &str,
    expected: &[usize],
) -> Result<&'a HostTensor, TensorError> {
    let found = tensors
        .get(name)
        .ok_or_else(|| TensorError::Missing(name.to_owned()))?;
    if found.shape != expected {
        return Err(TensorError::Shape {
            name: name.to_owned(),
            expected: expected.to_vec(),
            got: found.shape.clone(),
        });
    }
    if found.values.iter().any(|value| !value.is_finite()) {
        return Err(TensorError::NotFinite(name.to_owned()));
    }
    if name.ends_with(".running_variance") && found.values.iter().any(|&v| v < 0.0) {
        return Err(TensorError::Negative(name.to_owned()));
    }
    Ok(found)
}

/// Puts a matrix from a file on a device, if its shape passes `fits`.
///
/// # Errors
/// As [`load`].
pub fn stored(
    tensors: &NamedTensors,
    name: &str,
    fits: impl Fn([usize; 2]) -> bool,
    device: &Device,
) -> Result<Tensor<2>, TensorError> {
    let shape = tensors.get(name).map(|tensor| tensor.shape.as_slice());
    let shape = match shape {
        Some(&[rows, columns]) if fits([rows, columns]) => [rows, columns],
        Some(shape) => {
            return Err(TensorError::Unfitting {
                name: name.to_owned(),
                got: shape.to_vec(),
            });
        }
        None => return Err(TensorError::Missing(name.to_owned())),
    };
    let found = find(tensors, name, &shape)?;
    let data = TensorData::new(found.values.clone(), shape);
    Ok(Tensor::from_data(data, device))
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.leave();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let shape: [usize; D] = param.lazy_shape().dims();
        match self.find(&shape) {
            Ok(found) => {
                let data = TensorData::new(found.values.clone(), shape);
                let new = Tensor::from_data(data, &param.lazy_device());
                let id = param.id;
                param.transform_for_load(new, id)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}
