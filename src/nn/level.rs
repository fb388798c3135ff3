//! The step that the networks repeat: a convolution, then batch norm where the plan has one.

use burn::module::Module;
use burn::tensor::Tensor;

use super::convolution::Convolution;
use super::init::Initialiser;
use super::{BatchNorm, Mode};

/// A convolution, down or up, and the batch norm after it. What activates it is the network's.
#[derive(Module, Debug)]
pub struct Level<C: Module> {
    pub(crate) conv: C,
    pub(crate) norm: Option<BatchNorm>,
}

impl<C: Convolution> Level<C> {
    /// Without batch norm.
    pub(crate) fn plain(conv: C) -> Self {
        Self { conv, norm: None }
    }

    /// With batch norm.
    pub(crate) fn normalised(conv: C, init: &mut Initialiser) -> Self {
        let norm = Some(BatchNorm::new(conv.channels(), init));
        Self { conv, norm }
    }

    /// # Shapes
    /// - `x`: `[n, input, side, side]`
    /// - returns `[n, output, new side, new side]`
    pub(crate) fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let h = self.conv.convolve(x, mode);
        match &self.norm {
            Some(norm) => norm.forward(h, mode),
            None => h,
        }
    }

    /// Both as one convolution.
    pub(crate) fn fuse(self) -> Self {
        Self::plain(match self.norm {
            Some(norm) => self.conv.absorb(norm),
            None => self.conv,
        })
    }
}

/// Every level as one convolution.
pub(crate) fn fuse<C: Convolution>(levels: Vec<Level<C>>) -> Vec<Level<C>> {
    levels.into_iter().map(Level::fuse).collect()
}

/// Number of values that each level computes for one image; `side` becomes that of the last one's output.
pub(crate) fn values<C: Convolution>(levels: &[Level<C>], side: &mut usize) -> Vec<usize> {
    levels.iter().map(|level| level.conv.values(side)).collect()
}

/// Input and output channels of each level of a chain: an input has the channels of the output before.
pub(crate) fn chain(
    mut input: usize,
    outputs: impl IntoIterator<Item = usize>,
) -> impl Iterator<Item = (usize, usize)> {
    outputs.into_iter().map(move |output| {
        let levels = (input, output);
        input = output;
        levels
    })
}
