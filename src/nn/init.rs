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
    /// None: zeros, for networks whose weights come from elsewhere.
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

    /// Zeros instead of random values, for networks whose weights are loaded next.
    pub fn blank(device: &Device) -> Self {
        Self {
            rng: None,
            device: device.clone(),
        }
    }

    /// The device of the parameters.
    pub fn device(&self) -> &Device {
        &self.device
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
        self.parameter(vec![0.0; length], [length])
    }

    fn normal<const D: usize>(&mut self, mean: f32, shape: [usize; D]) -> Param<Tensor<D>> {
        let count = shape.iter().product();
        let values = match &mut self.rng {
            None => vec![0.0; count],
            Some(rng) => {
                let normal = Normal::new(mean, STD).expect("a finite, positive deviation");
                normal.sample_iter(rng).take(count).collect()
            }
        };
        self.parameter(values, shape)
    }

    fn parameter<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        let tensor = Tensor::from_data(TensorData::new(values, shape), &self.device);
        let trained = self.device.is_autodiff();
        Param::initialized(ParamId::new(), tensor.set_require_grad(trained))
    }
}
