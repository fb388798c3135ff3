//! Masks that mark a defect, as in MVTec's `ground_truth`.

use std::path::{Path, PathBuf};

use image::DynamicImage;

use super::files::read_picture;
use super::image::Picture;
use super::product_set::Part;

/// Where a mask is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// In a file.
    File(PathBuf),
    /// Rendered, as what the fault of this part changes.
    Rendered(Part),
}

impl Mask {
    /// The mask at the network's size: row by row, whether there is a defect. See [`resize`].
    ///
    /// # Errors
    /// Why it cannot be used, in words for the user.
    pub fn load(&self, size: usize) -> Result<Vec<bool>, String> {
        let part = match self {
            Self::File(path) => return read(path, size),
            Self::Rendered(part) => part,
        };
        let change = part.render()?.change;
        let change = change.ok_or_else(|| format!("{part} has no fault"))?;
        let side = part.set().size();
        let mask = Picture::from_raw(side as u32, side as u32, 1, change.mask);
        Ok(resize(&mask, size))
    }
}

/// The file, or the part.
impl std::fmt::Display for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Rendered(part) => part.fmt(f),
        }
    }
}

/// Reads a mask and resizes it to the network's size: row by row, whether there is a defect.
///
/// See [`resize`].
///
/// # Errors
/// Why the file cannot be used, in words for the user.
pub fn read(path: &Path, size: usize) -> Result<Vec<bool>, String> {
    Ok(resize(&read_picture(path)?, size))
}

/// A mask at `size` x `size`: a pixel is defective if any pixel of the mask that it covers, even in part,
/// is not black.
///
/// It takes the largest value and not the nearest neighbour, which looks at one pixel in 1,024 when a
/// mask of 1,024 pixels a side becomes one of 32: a scratch could vanish, and the image would count as
/// abnormal without any abnormal pixel. The cost is that thin defects grow by up to one pixel of the
/// network's input on each side.
///
/// Transparency is ignored. A side of 0 gives an empty mask.
pub fn resize(mask: &Picture, size: usize) -> Vec<bool> {
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    let defect = not_black(&mask.pixels);
    let mut small = vec![false; size * size];
    // The pixels of the small mask that overlap a pixel of the mask.
    let covered =
        |at: usize, length: usize| (at * size / length, ((at + 1) * size).div_ceil(length));
    for y in 0..height {
        let (top, bottom) = covered(y, height);
        for x in (0..width).filter(|x| defect[y * width + x]) {
            let (left, right) = covered(x, width);
            for row in top..bottom {
                small[row * size + left..row * size + right].fill(true);
            }
        }
    }
    small
}

/// Which pixels have a value other than 0. Some masks use 0 and 1, so nothing is rounded to 8 bits here.
fn not_black(pixels: &DynamicImage) -> Vec<bool> {
    match pixels {
        DynamicImage::ImageLuma8(p) => p.iter().map(|&v| v != 0).collect(),
        DynamicImage::ImageLuma16(p) => p.iter().map(|&v| v != 0).collect(),
        other => {
            let colours = other.to_rgb16();
            colours.pixels().map(|p| p.0 != [0; 3]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn mask(width: u32, height: u32, defects: &[(u32, u32)]) -> Picture {
        let mut pixels = vec![0; (width * height) as usize];
        for (x, y) in defects {
            pixels[(y * width + x) as usize] = 1;
        }
        Picture::from_raw(width, height, 1, pixels)
    }

    fn drawn(mask: &[bool], size: usize) -> Vec<String> {
        let row = |row: &[bool]| row.iter().map(|&d| if d { '#' } else { '.' }).collect();
        mask.chunks(size).map(row).collect()
    }

    #[test]
    fn every_defect_is_kept() {
        let small = resize(&mask(8, 8, &[(0, 0), (5, 2), (7, 7)]), 4);
        assert_eq!(drawn(&small, 4), ["#...", "..#.", "....", "...#"]);
        // Five pixels over two: the middle one belongs to both.
        let small = resize(&mask(5, 5, &[(2, 0)]), 2);
        assert_eq!(drawn(&small, 2), ["##", ".."]);
        let large = resize(&mask(2, 2, &[(1, 0)]), 4);
        assert_eq!(drawn(&large, 4), ["..##", "..##", "....", "...."]);
        assert!(resize(&mask(3, 3, &[(1, 1)]), 0).is_empty());
    }

    #[test]
    fn any_value_but_zero_is_a_defect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        let deep = ::image::ImageBuffer::<::image::Luma<u16>, _>::from_raw(2, 1, vec![0u16, 1]);
        deep.unwrap().save(&path).unwrap();
        assert_eq!(read(&path, 2).unwrap(), [false, true, false, true]);
        let blue = ::image::RgbaImage::from_raw(2, 1, vec![0, 0, 0, 255, 0, 0, 1, 0]);
        blue.unwrap().save(&path).unwrap();
        assert_eq!(read(&path, 1).unwrap(), [true]);
        fs::write(&path, b"no image").unwrap();
        assert!(read(&path, 1).unwrap_err().contains("text"));
        assert!(read(folder.path(), 1).unwrap_err().contains("folder"));
    }

    proptest! {
        #[test]
        fn a_defect_anywhere_marks_its_place(width in 1u32..40, height in 1u32..40, x: u32, y: u32, size in 1usize..40) {
            let (x, y) = (x % width, y % height);
            let small = resize(&mask(width, height, &[(x, y)]), size);
            let middle = |at: u32, length: u32| {
                ((f64::from(at) + 0.5) * size as f64 / f64::from(length)) as usize
            };
            prop_assert!(small[middle(y, height) * size + middle(x, width)]);
            let most = |length: u32| size.div_ceil(length as usize) + 1;
            prop_assert!(small.iter().filter(|&&d| d).count() <= most(width) * most(height));
        }
    }
}
