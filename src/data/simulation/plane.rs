//! One picture as planes of values, and what the shapes and sources of simulated faults share.

/// A picture `[channels, size, size]`, its values in `[-1, 1]`.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    pub values: &'a [f32],
    pub channels: usize,
    pub size: usize,
}

impl Picture<'_> {
    /// Pixels of a plane.
    pub fn plane(&self) -> usize {
        self.size * self.size
    }

    /// A picture whose pixel at `(x, y)` is this one's at `from(x, y)`; coordinates wrap around.
    pub fn moved(&self, from: impl Fn(usize, usize) -> (usize, usize)) -> Vec<f32> {
        let size = self.size;
        let mut moved = Vec::with_capacity(self.values.len());
        for plane in self.values.chunks_exact(self.plane()) {
            moved.extend((0..self.plane()).map(|at| {
                let (x, y) = from(at % size, at / size);
                plane[y % size * size + x % size]
            }));
        }
        moved
    }
}

/// The mean over the square of side `2 radius + 1` about each pixel, of the pixels that it has at the edges.
pub(super) fn blurred(plane: &[f32], size: usize, radius: usize) -> Vec<f32> {
    let along = |from: &[f32], stride: usize, across: usize| {
        let mut to = vec![0.0; from.len()];
        for line in 0..size {
            let start = line * across;
            let mut sums = Vec::with_capacity(size + 1);
            sums.push(0.0_f32);
            for k in 0..size {
                sums.push(sums[k] + from[start + k * stride]);
            }
            for k in 0..size {
                let (first, last) = (k.saturating_sub(radius), (k + radius + 1).min(size));
                to[start + k * stride] = (sums[last] - sums[first]) / (last - first) as f32;
            }
        }
        to
    };
    along(&along(plane, 1, size), size, 1)
}
