//! Raw images from the files of a data set, all of one size, with labels.

use std::sync::Arc;

use super::image::Picture;

/// The order of an image's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The channels of a pixel side by side: `[height, width, channels]`.
    Interleaved,
    /// One channel after another: `[channels, height, width]`.
    Planar,
}

/// Size of an image and order of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Order of the values.
    pub order: Order,
}

impl Shape {
    /// Bytes of one image.
    pub fn bytes(&self) -> usize {
        self.width as usize * self.height as usize * self.channels
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, .. } = self;
        let colour = if self.channels == 1 { "grey" } else { "colour" };
        write!(f, "{width} x {height}, {colour}")
    }
}

/// Images and labels of one file, as it holds them: one byte per value.
#[derive(PartialEq, Eq)]
pub struct Records {
    part: String,
    shape: Shape,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Records {
    /// The images of the file called `part`, one after another, and a label for each.
    ///
    /// # Panics
    /// If there is not one image for each label.
    pub fn new(part: &str, shape: Shape, pixels: Vec<u8>, labels: Vec<u8>) -> Self {
        assert_eq!(
            pixels.len(),
            shape.bytes() * labels.len(),
            "expected one image per label"
        );
        Self {
            part: part.to_owned(),
            shape,
            pixels,
            labels,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Size and order of every image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of each image's class.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The name of an image: its file and its index there, from 0 (`data_batch_1/17`).
    pub fn name(&self, index: usize) -> String {
        format!("{}/{index}", self.part)
    }

    /// One image as the file holds it.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn bytes(&self, index: usize) -> &[u8] {
        let length = self.shape.bytes();
        &self.pixels[index * length..(index + 1) * length]
    }

    /// One image, ready to be prepared as a file's would be.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn picture(&self, index: usize) -> Picture {
        let bytes = self.bytes(index);
        let Shape {
            width,
            height,
            channels,
            order,
        } = self.shape;
        let pixels = match order {
            Order::Planar if channels > 1 => {
                let plane = bytes.len() / channels;
                (0..bytes.len())
                    .map(|at| bytes[at % channels * plane + at / channels])
                    .collect()
            }
            _ => bytes.to_vec(),
        };
        Picture::from_raw(width, height, channels, pixels)
    }
}

/// Without the megabytes of pixels.
impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Records({}, {} of {})",
            self.part,
            self.len(),
            self.shape
        )
    }
}

/// A data set of raw images with its usual split.
#[derive(Clone, Debug)]
pub struct RecordSet {
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// The training part, file by file.
    pub train: Vec<Arc<Records>>,
    /// The test part.
    pub test: Vec<Arc<Records>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::image::Preprocessing;

    #[test]
    fn planar_and_interleaved_give_the_same_picture() {
        let shape = |order| Shape {
            width: 2,
            height: 1,
            channels: 3,
            order,
        };
        let planar = Records::new(
            "p",
            shape(Order::Planar),
            vec![1, 2, 10, 20, 100, 200],
            vec![7],
        );
        let inter = Records::new(
            "i",
            shape(Order::Interleaved),
            vec![1, 10, 100, 2, 20, 200],
            vec![7],
        );
        for channels in [1, 3] {
            let preprocessing = Preprocessing::new(2, channels);
            assert_eq!(
                preprocessing.pixels(&planar.picture(0)),
                preprocessing.pixels(&inter.picture(0))
            );
        }
        assert_eq!(planar.name(0), "p/0");
        assert_eq!(format!("{planar:?}"), "Records(p, 1 of 2 x 1, colour)");
    }
}
