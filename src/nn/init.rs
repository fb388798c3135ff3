//! The published initialisation, drawn on the host: the same seed gives the same weights on every device.
//! (Seeding the devices themselves gave different numbers.)

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// Standard deviation of the initial weights and of the initial γ.
const STD: f32 = 0.02;

/// Draws initial parameters for one device.
pub struct Initialiser {
    /// None for networks whose weights come from elsewhere.
    rng: Option<ChaCha8Rng>,
    device: Device,
}

impl Initialiser {
    /// Starts from a seed.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            rng: Some(ChaCha8Rng::seed_from_u64(seed)),
            device: device.clone(),
        }
    }

    /// For networks whose weights are loaded next, or of which only the shape is asked for: a parameter is
    /// allocated, as zeros, when it is first read, and not at all if it is loaded before.
    pub fn blank(device: &Device) -> Self {
        Self {
            rng: None,
            device: device.clone(),
        }
    }

    /// Convolution weights, N(0, 0.02).
    pub fn conv_weight(&mut self, shape: [usize; 4]) -> Param<Tensor<4>> {
        self.normal(0.0, shape)
    }

    /// Weights of a fully connected layer, `[input, output]`, N(0, 0.02).
    pub fn linear_weight(&mut self, shape: [usize; 2]) -> Param<Tensor<2>> {
        self.normal(0.0, shape)
    }

    /// Batch-norm γ, N(1, 0.02).
    pub fn gamma(&mut self, channels: usize) -> Param<Tensor<1>> {
        self.normal(1.0, [channels])
    }

    /// Biases and batch-norm β.
    pub fn zeros(&mut self, length: usize) -> Param<Tensor<1>> {
        self.constant(0.0, [length], self.device.is_autodiff())
    }

    /// The same value for each channel, which is not trained: running statistics.
    pub(crate) fn running(&mut self, value: f32, channels: usize) -> Param<Tensor<1>> {
        self.constant(value, [channels], false)
    }

    fn normal<const D: usize>(&mut self, mean: f32, shape: [usize; D]) -> Param<Tensor<D>> {
        let trained = self.device.is_autodiff();
        let Some(rng) = &mut self.rng else {
            return self.constant(0.0, shape, trained);
        };
        let normal = Normal::new(mean, STD).expect("a finite, positive deviation");
        let values = normal.sample_iter(rng).take(shape.iter().product());
        let data = TensorData::new(values.collect::<Vec<f32>>(), shape);
        let tensor = Tensor::from_data(data, &self.device);
        Param::initialized(ParamId::new(), tensor.set_require_grad(trained))
    }

    fn constant<const D: usize>(
        &self,
        value: f32,
        shape: [usize; D],
        trained: bool,
    ) -> Param<Tensor<D>> {
        let make = move |device: &Device, trained| {
            Tensor::full(shape, value, device).set_require_grad(trained)
        };
        match self.rng {
            // Not later: `no_grad` on a clone would reach the parameter as long as it is not made.
            Some(_) => Param::initialized(ParamId::new(), make(&self.device, trained)),
            None => {
                let device = self.device.clone();
                Param::uninitialized(ParamId::new(), make, device, trained, shape.into())
            }
        }
    }
}
