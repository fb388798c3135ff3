//! How well a map localises the defect in an image.
//!
//! Every pixel of every image counts, those of images without a defect too. Nothing is binned:
//! the pixels' scores are sorted as they are. That takes 4 bytes for a defect-free pixel and 8 for a
//! defective one, beside the maps: 100 MB to 200 MB for 25 million pixels, the size of a class of
//! MVTec AD (some 100 images) at 500 pixels a side.

use serde::{Deserialize, Serialize};

use super::error::MetricError;

/// [`pro`] up to this false-positive rate: Bergmann et al.'s choice, because maps that flag a larger part
/// of the defect-free area are of no use.
pub const PRO_LIMIT: f64 = 0.3;

/// An image's map, and the mask of its defects.
#[derive(Clone, Copy, Debug)]
pub struct PixelScores<'a> {
    /// One score per pixel, `[height, width]`: higher is more anomalous.
    pub map: &'a [f32],
    /// Whether a pixel is defective, `[height, width]`. None where the image has no defect.
    pub mask: Option<&'a [bool]>,
    /// Pixels in a row.
    pub width: usize,
}

/// Both metrics of one set of maps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelMetrics {
    /// See [`pixel_auroc`].
    pub auroc: f64,
    /// See [`pro`], up to [`PRO_LIMIT`].
    pub pro: f64,
    /// Images with at least one defective pixel.
    pub masked_pictures: usize,
    /// Defective regions in them.
    pub regions: usize,
}

/// Area under the ROC curve over all pixels: the probability that a defective pixel's score exceeds a
/// defect-free one's, ties counting one half. Exact; large defects count for more than small ones.
///
/// # Errors
/// If a score is not finite, or there is no defective or no defect-free pixel.
///
/// # Panics
/// If a mask is not as long as its map, or a map is no whole number of rows.
pub fn pixel_auroc(pictures: &[PixelScores]) -> Result<f64, MetricError> {
    Ok(Sorted::new(pictures)?.auroc())
}

/// Per-region overlap: the mean share of a defective region that is flagged, as a function of the
/// share of defect-free pixels that is flagged, its area up to `limit` divided by `limit`. Every
/// region counts alike, small or large.
///
/// At a threshold t: PRO(t) = 1/K Σ_k |{flagged} ∩ C_k| / |C_k| over the K regions C_k of all masks
/// (see [`regions`]), FPR(t) = flagged defect-free pixels / all defect-free pixels, of images with
/// and without defects. There is a point for every distinct score and one at (0, 0); lines are
/// straight between them and at `limit`, as in Bergmann et al.'s code. Chance is `limit / 2`.
///
/// # Errors
/// As [`pixel_auroc`], or if `limit` is not above 0 and at most 1.
///
/// # Panics
/// As [`pixel_auroc`].
///
/// Source: Bergmann et al. 2021, *The MVTec Anomaly Detection Dataset*, International Journal of
/// Computer Vision 129, section 5.1.
pub fn pro(pictures: &[PixelScores], limit: f64) -> Result<f64, MetricError> {
    if !(limit > 0.0 && limit <= 1.0) {
        return Err(MetricError::Rate(limit));
    }
    Ok(Sorted::new(pictures)?.pro(limit))
}

/// [`pixel_auroc`] and [`pro`] up to [`PRO_LIMIT`], sorting once.
///
/// # Errors
/// As [`pixel_auroc`].
///
/// # Panics
/// As [`pixel_auroc`].
pub fn pixel_metrics(pictures: &[PixelScores]) -> Result<PixelMetrics, MetricError> {
    let sorted = Sorted::new(pictures)?;
    Ok(PixelMetrics {
        auroc: sorted.auroc(),
        pro: sorted.pro(PRO_LIMIT),
        masked_pictures: sorted.masked_pictures,
        regions: sorted.regions,
    })
}

/// The connected regions of a mask: for each pixel the number of its region, from 1, in the order of
/// their first pixels, and 0 outside; then how many there are.
///
/// Pixels that touch by a side or a corner are connected (8-connectivity), as with
/// `scipy.ndimage.label(mask, structure=numpy.ones((3, 3)))` and in Bergmann et al.'s code.
///
/// # Panics
/// If the mask is no whole number of rows.
pub fn regions(mask: &[bool], width: usize) -> (Vec<u32>, usize) {
    assert!(
        mask.is_empty() || (width > 0 && mask.len().is_multiple_of(width)),
        "expected whole rows of {width} pixels, got {} pixels",
        mask.len()
    );
    let mut labels = vec![0; mask.len()];
    let mut found = 0;
    // Pixels whose neighbours are still to be visited. A region may be large, so there is no recursion.
    let mut open = Vec::new();
    for first in 0..mask.len() {
        if !mask[first] || labels[first] != 0 {
            continue;
        }
        found += 1;
        labels[first] = found;
        open.push(first);
        while let Some(pixel) = open.pop() {
            let (row, column) = (pixel / width, pixel % width);
            for y in row.saturating_sub(1)..=(row + 1).min(mask.len() / width - 1) {
                for x in column.saturating_sub(1)..=(column + 1).min(width - 1) {
                    let neighbour = y * width + x;
                    if mask[neighbour] && labels[neighbour] == 0 {
                        labels[neighbour] = found;
                        open.push(neighbour);
                    }
                }
            }
        }
    }
    (labels, found as usize)
}

/// All pixels, the highest score first.
struct Sorted {
    /// Scores of defect-free pixels.
    clean: Vec<f32>,
    /// Scores of defective pixels, each with the size of its region.
    defective: Vec<(f32, u32)>,
    regions: usize,
    masked_pictures: usize,
}

impl Sorted {
    fn new(pictures: &[PixelScores]) -> Result<Self, MetricError> {
        let mut sorted = Self {
            clean: Vec::new(),
            defective: Vec::new(),
            regions: 0,
            masked_pictures: 0,
        };
        for (index, picture) in pictures.iter().enumerate() {
            sorted.add(index, picture)?;
        }
        if sorted.clean.is_empty() || sorted.defective.is_empty() {
            return Err(MetricError::OneClass {
                normals: sorted.clean.len(),
                abnormal: sorted.defective.len(),
            });
        }
        sorted.clean.sort_unstable_by(|a, b| b.total_cmp(a));
        // By size within one score, so that sums do not depend on the order of the images.
        sorted
            .defective
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Ok(sorted)
    }

    fn add(&mut self, index: usize, picture: &PixelScores) -> Result<(), MetricError> {
        let PixelScores { map, mask, width } = *picture;
        assert!(
            map.is_empty() || (width > 0 && map.len().is_multiple_of(width)),
            "expected whole rows of {width} pixels, got {} pixels",
            map.len()
        );
        if let Some(pixel) = map.iter().position(|value| !value.is_finite()) {
            return Err(MetricError::NotFinitePixel {
                map: index,
                pixel,
                value: map[pixel],
            });
        }
        // -0 and 0 are one score, but not in the total order: adding 0 makes them one.
        let score = |&value: &f32| value + 0.0;
        let Some(mask) = mask else {
            self.clean.extend(map.iter().map(score));
            return Ok(());
        };
        assert_eq!(mask.len(), map.len(), "a mask and its map differ in length");
        let (labels, found) = regions(mask, width);
        let mut sizes = vec![0_u32; found + 1];
        for &label in &labels {
            sizes[label as usize] += 1;
        }
        for (value, &label) in map.iter().zip(&labels) {
            match label {
                0 => self.clean.push(score(value)),
                label => self.defective.push((score(value), sizes[label as usize])),
            }
        }
        self.regions += found;
        self.masked_pictures += usize::from(found > 0);
        Ok(())
    }

    /// For each distinct score, the highest first: how many defect-free pixels have it, and which
    /// defective ones.
    fn steps(&self) -> impl Iterator<Item = (usize, &[(f32, u32)])> {
        let (mut clean, mut defective) = (self.clean.as_slice(), self.defective.as_slice());
        std::iter::from_fn(move || {
            let score = match (clean.first(), defective.first()) {
                (Some(&a), Some(&(b, _))) => a.max(b),
                (Some(&a), None) => a,
                (None, Some(&(b, _))) => b,
                (None, None) => return None,
            };
            let same_clean = clean.iter().take_while(|&&s| s == score).count();
            let same_defective = defective.iter().take_while(|d| d.0 == score).count();
            clean = &clean[same_clean..];
            let (step, rest) = defective.split_at(same_defective);
            defective = rest;
            Some((same_clean, step))
        })
    }

    fn auroc(&self) -> f64 {
        let (n, m) = (self.clean.len(), self.defective.len());
        // Pairs counted in integers, as for images.
        let mut clean_below = n as u128;
        let mut twice_wins: u128 = 0;
        for (clean, defective) in self.steps() {
            clean_below -= clean as u128;
            twice_wins += defective.len() as u128 * (2 * clean_below + clean as u128);
        }
        twice_wins as f64 / (2.0 * m as f64 * n as f64)
    }

    fn pro(&self, limit: f64) -> f64 {
        let (n, regions) = (self.clean.len() as f64, self.regions as f64);
        let (mut false_alarms, mut covered, mut area) = (0, 0.0, 0.0);
        let (mut fpr, mut overlap) = (0.0, 0.0);
        for (clean, defective) in self.steps() {
            false_alarms += clean;
            covered += defective
                .iter()
                .map(|&(_, size)| 1.0 / f64::from(size))
                .sum::<f64>();
            let next_fpr = false_alarms as f64 / n;
            // Many small shares may add up to a little more than all.
            let next_overlap = (covered / regions).min(1.0);
            if next_fpr > limit {
                let part = (limit - fpr) / (next_fpr - fpr);
                let at_limit = overlap + part * (next_overlap - overlap);
                return (area + (limit - fpr) * (overlap + at_limit) / 2.0) / limit;
            }
            area += (next_fpr - fpr) * (overlap + next_overlap) / 2.0;
            (fpr, overlap) = (next_fpr, next_overlap);
        }
        area / limit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `#` is a defective pixel.
    fn mask(rows: &[&str]) -> Vec<bool> {
        rows.concat().bytes().map(|b| b == b'#').collect()
    }

    #[test]
    fn corners_connect() {
        let (labels, found) = regions(&mask(&["#.#.", ".#..", "...#", "##.#"]), 4);
        assert_eq!(labels, [1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 2, 3, 3, 0, 2]);
        assert_eq!(found, 3);
        // The end of one row does not touch the beginning of the next.
        assert_eq!(regions(&mask(&["...#", "#...", "...."]), 4).1, 2);
        assert_eq!(regions(&[], 0).1, 0);
        assert_eq!(regions(&[true; 9], 3).1, 1);
    }

    #[test]
    fn a_large_region_needs_no_stack() {
        assert_eq!(regions(&vec![true; 1 << 20], 1 << 10).1, 1);
    }

    #[test]
    fn by_hand() {
        // Two regions, of one pixel and of two, beside five defect-free pixels.
        let mask = mask(&["#...", "..##"]);
        let map = [0.9, 0.8, 0.1, 0.0, 0.2, -0.0, 0.7, 0.1];
        let picture = [PixelScores {
            map: &map,
            mask: Some(&mask),
            width: 4,
        }];
        // Wins over .8 .1 0 .2 0: the .9 five, the .7 four, the .1 two and a half.
        assert_eq!(pixel_auroc(&picture), Ok(11.5 / 15.0));
        // (0, .5) (.2, .5) (.2, .75) (.4, .75) (.6, 1) (1, 1)
        let expected = [
            (0.2, 0.1 / 0.2),
            (0.3, (0.1 + 0.1 * 0.75) / 0.3),
            (0.5, (0.1 + 0.15 + 0.1 * 0.8125) / 0.5),
            (1.0, 0.1 + 0.15 + 0.175 + 0.4),
        ];
        for (limit, expected) in expected {
            let got = pro(&picture, limit).unwrap();
            assert!((got - expected).abs() < 1e-12, "{limit}: {got}, {expected}");
        }
        let both = pixel_metrics(&picture).unwrap();
        assert_eq!(both.auroc, 11.5 / 15.0);
        assert_eq!(both.pro, pro(&picture, PRO_LIMIT).unwrap());
        assert_eq!((both.masked_pictures, both.regions), (1, 2));
    }

    #[test]
    fn a_perfect_and_a_constant_map() {
        let mask = mask(&["##..", "...#"]);
        let perfect: Vec<f32> = mask.iter().map(|&m| f32::from(u8::from(m))).collect();
        let of = |map| {
            [
                PixelScores {
                    map,
                    mask: Some(&mask),
                    width: 4,
                },
                PixelScores {
                    map: &[0.0; 6],
                    mask: None,
                    width: 3,
                },
            ]
        };
        let got = pixel_metrics(&of(&perfect)).unwrap();
        assert_eq!((got.auroc, got.masked_pictures), (1.0, 1));
        assert!((got.pro - 1.0).abs() < 1e-12);
        let got = pixel_metrics(&of(&[0.0; 8])).unwrap();
        assert_eq!(got.auroc, 0.5);
        assert!((got.pro - PRO_LIMIT / 2.0).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_refused() {
        let of = |map, mask| {
            [PixelScores {
                map,
                mask,
                width: 2,
            }]
        };
        assert_eq!(
            pixel_auroc(&of(&[0.0, f32::INFINITY], None)),
            Err(MetricError::NotFinitePixel {
                map: 0,
                pixel: 1,
                value: f32::INFINITY
            })
        );
        assert_eq!(
            pixel_auroc(&of(&[0.0, 1.0], Some(&[false, false]))),
            Err(MetricError::OneClass {
                normals: 2,
                abnormal: 0
            })
        );
        assert!(pixel_auroc(&[]).is_err());
        let fine = [true, false];
        for limit in [0.0, -0.1, 1.1, f64::NAN] {
            assert!(matches!(
                pro(&of(&[0.0, 1.0], Some(&fine)), limit),
                Err(MetricError::Rate(_))
            ));
        }
    }

    #[test]
    #[should_panic(expected = "differ in length")]
    fn a_mask_of_another_size_is_a_mistake() {
        let _ = pixel_auroc(&[PixelScores {
            map: &[0.0, 1.0],
            mask: Some(&[true]),
            width: 2,
        }]);
    }

    proptest! {
        #[test]
        fn the_order_of_the_pictures_does_not_count(
            pixels in proptest::collection::vec((0u8..9, any::<bool>()), 60),
        ) {
            prop_assume!(pixels.iter().any(|p| p.1) && pixels.iter().any(|p| !p.1));
            let map: Vec<f32> = pixels.iter().map(|p| f32::from(p.0)).collect();
            let mask: Vec<bool> = pixels.iter().map(|p| p.1).collect();
            let mut pictures: Vec<_> = map
                .chunks(20)
                .zip(mask.chunks(20))
                .map(|(map, mask)| PixelScores { map, mask: Some(mask), width: 5 })
                .collect();
            let got = pixel_metrics(&pictures).unwrap();
            pictures.rotate_left(1);
            prop_assert_eq!(got, pixel_metrics(&pictures).unwrap());
            prop_assert!((0.0..=1.0).contains(&got.auroc) && (0.0..=1.0 + 1e-12).contains(&got.pro));
            // As for images.
            let scores: Vec<f64> = map.iter().map(|&v| f64::from(v)).collect();
            prop_assert_eq!(got.auroc, super::super::auroc(&scores, &mask).unwrap());
        }
    }
}
