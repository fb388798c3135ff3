//! Batch normalisation as PyTorch computes it.

use burn::module::{Module, Param, RunningState};
use burn::tensor::Tensor;
use burn::tensor::module::{batch_norm, batch_norm_train};

use super::init::Initialiser;

/// The statistics that a network normalises with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The batch's own statistics, which also update the running ones.
    Training,
    /// The running statistics: an image's result does not depend on its neighbours.
    Inference,
}

/// Weight of the newest batch in the running statistics.
const MOMENTUM: f64 = 0.1;
const EPSILON: f64 = 1e-5;

/// Batch normalisation over the channels of `[n, c, h, w]`.
///
/// Differs from `burn::nn::BatchNorm` in two ways. The running variance takes the *unbiased* batch
/// variance, as PyTorch's does (1.6 % apart at 64 values, 14 % at 8). The mode is an argument, not
/// a property of the device.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Scale γ, `[c]`.
    pub gamma: Param<Tensor<1>>,
    /// Shift β, `[c]`.
    pub beta: Param<Tensor<1>>,
    /// Running mean, `[c]`.
    pub running_mean: RunningState<Tensor<1>>,
    /// Running unbiased variance, `[c]`.
    pub running_variance: RunningState<Tensor<1>>,
}

impl BatchNorm {
    /// γ from N(1, 0.02), β 0, running mean 0, running variance 1.
    pub fn new(channels: usize, init: &mut Initialiser) -> Self {
        Self {
            gamma: init.gamma(channels),
            beta: init.zeros(channels),
            running_mean: RunningState::new(Tensor::zeros([channels], init.device())),
            running_variance: RunningState::new(Tensor::ones([channels], init.device())),
        }
    }

    /// y = γ (x - mean) / √(variance + 1e-5) + β
    ///
    /// # Shapes
    /// - `x`: `[n, c, h, w]`
    /// - returns `[n, c, h, w]`
    ///
    /// # Panics
    /// If `c` differs from γ's length.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        match mode {
            Mode::Inference => batch_norm(
                x,
                self.gamma.val(),
                self.beta.val(),
                self.running_mean.value_sync(),
                self.running_variance.value_sync(),
                EPSILON,
            ),
            Mode::Training => {
                let [n, _, h, w] = x.dims();
                let count = (n * h * w) as f64;
                let batch = batch_norm_train(x, self.gamma.val(), self.beta.val(), EPSILON);
                let unbiased = batch.variance.mul_scalar(count / (count - 1.0).max(1.0));
                blend(&self.running_mean, batch.mean);
                blend(&self.running_variance, unbiased);
                batch.output
            }
        }
    }
    /// Inference mode as y = scale · x + shift, each `[c]`.
    pub(crate) fn scale_and_shift(&self) -> (Tensor<1>, Tensor<1>) {
        let deviation = (self.running_variance.value_sync() + EPSILON).sqrt();
        let scale = self.gamma.val() / deviation;
        let shift = self.beta.val() - self.running_mean.value_sync() * scale.clone();
        (scale, shift)
    }
}

fn blend(running: &RunningState<Tensor<1>>, batch: Tensor<1>) {
    let old = running.value_sync().detach();
    let new = old.mul_scalar(1.0 - MOMENTUM) + batch.detach().mul_scalar(MOMENTUM);
    running.update(new.detach());
    // An update waits until the next read; visitors of the network would miss it.
    running.value_sync();
}
