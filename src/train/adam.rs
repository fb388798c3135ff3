//! Adam as PyTorch computes it (ε 1e-8 outside the bias correction of the root).
//!
//! It replaces Burn's for one reason: the moments are plain tensors under the network's names, so that a
//! checkpoint can read them without blocking, as WebGPU in a browser requires.
//!
//! Source: Kingma and Ba 2015, algorithm 1.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::nn::tensors::{NamedTensors, Path, Reader, TensorError};

/// The β1 that is usual for GANs, instead of Adam's 0.9.
pub(crate) const BETA_1: f64 = 0.5;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Names of a parameter's moments in a checkpoint.
const FIRST: &str = "first_moment";
const SECOND: &str = "second_moment";

/// The optimiser of one network.
pub struct Adam {
    learning_rate: f64,
    beta_1: f64,
    step: i32,
    /// First and second moment of each parameter, flattened.
    moments: BTreeMap<String, (Tensor<1>, Tensor<1>)>,
}

impl Adam {
    /// An optimiser that has taken no step.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            beta_1: BETA_1,
            step: 0,
            moments: BTreeMap::new(),
        }
    }

    /// The same with another β1.
    pub fn with_beta_1(self, beta_1: f64) -> Self {
        Self { beta_1, ..self }
    }

    /// Sets the learning rate from the next step on.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.step.unsigned_abs()
    }

    /// Takes one step on every parameter that has a gradient.
    ///
    /// θ ← θ - η m̂ / (√v̂ + ε), with m̂ = m / (1 - β1ᵗ) and v̂ = v / (1 - β2ᵗ)
    pub fn step<M: Module>(&mut self, module: M, gradients: &Gradients) -> M {
        self.step += 1;
        let mut update = Update {
            adam: self,
            gradients,
            path: Path::default(),
        };
        module.map(&mut update)
    }

    /// Adds step and moments to what is read from the device.
    pub fn read(&self, mut reader: Reader, prefix: &str, device: &Device) -> Reader {
        let step = TensorData::new(vec![self.step as f32], [1]);
        reader = reader.tensor(
            format!("{prefix}.step"),
            Tensor::<1>::from_data(step, device),
        );
        for (name, (first, second)) in &self.moments {
            reader = reader
                .tensor(format!("{prefix}.{name}.{FIRST}"), first.clone())
                .tensor(format!("{prefix}.{name}.{SECOND}"), second.clone());
        }
        reader
    }

    /// Restores what [`Adam::read`] returned.
    ///
    /// # Errors
    /// If the step or a moment is missing, of another length, or not finite.
    pub fn restore(
        learning_rate: f64,
        tensors: &NamedTensors,
        prefix: &str,
        device: &Device,
    ) -> Result<Self, TensorError> {
        use crate::nn::tensors::find;
        let step = find(tensors, &format!("{prefix}.step"), &[1])?.values[0] as i32;
        let lead = format!("{prefix}.");
        let ending = format!(".{FIRST}");
        let mut moments = BTreeMap::new();
        for (full, first) in tensors {
            let Some(name) = full
                .strip_prefix(&lead)
                .and_then(|n| n.strip_suffix(&ending))
            else {
                continue;
            };
            let first = find(tensors, full, &first.shape)?;
            let second = find(tensors, &format!("{lead}{name}.{SECOND}"), &first.shape)?;
            let put = |values: &[f32]| {
                let data = TensorData::new(values.to_vec(), [values.len()]);
                Tensor::<1>::from_data(data, device)
            };
            moments.insert(name.to_owned(), (put(&first.values), put(&second.values)));
        }
        Ok(Self {
            step,
            moments,
            ..Self::new(learning_rate)
        })
    }
}

struct Update<'a> {
    adam: &'a mut Adam,
    gradients: &'a Gradients,
    path: Path,
}

impl Update<'_> {
    /// The parameter after the step, flattened.
    fn stepped(&mut self, parameter: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        let adam = &mut *self.adam;
        let beta_1 = adam.beta_1;
        let squared = gradient.clone().square();
        let (first, second) = match adam.moments.remove(&self.path.name()) {
            Some((first, second)) => (
                first.mul_scalar(beta_1) + gradient.mul_scalar(1.0 - beta_1),
                second.mul_scalar(BETA_2) + squared.mul_scalar(1.0 - BETA_2),
            ),
            None => (
                gradient.mul_scalar(1.0 - beta_1),
                squared.mul_scalar(1.0 - BETA_2),
            ),
        };
        adam.moments
            .insert(self.path.name(), (first.clone(), second.clone()));
        let root = (1.0 - BETA_2.powi(adam.step)).sqrt();
        let rate = adam.learning_rate / (1.0 - beta_1.powi(adam.step));
        // √(v / (1 - β2ᵗ)) + ε, both multiplied by the root of the correction.
        let denominator = second.sqrt().add_scalar(EPSILON * root);
        parameter - first.mul_scalar(rate * root) / denominator
    }
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.leave();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        // Running statistics have no gradient.
        let Some(gradient) = tensor.grad(self.gradients) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let shape = tensor.shape();
        let length = shape.num_elements();
        let stepped = self.stepped(tensor.inner().reshape([length]), gradient.reshape([length]));
        let new = Tensor::from_inner(stepped.reshape(shape)).require_grad();
        Param::from_mapped_value(id, new, mapper)
    }
}
