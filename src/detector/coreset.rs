//! A few encodings that stand for many.
//!
//! Farthest-first traversal, the greedy k-centre: each further centre is the encoding that is farthest from
//! its nearest centre. Then each centre gives way to the mean of the encodings nearest to it. The centres
//! alone would be the outermost of their groups: docs/method.md compares.
//!
//! Source: Gonzalez 1985 and, for choosing a training set's coreset, Sener and Savarese 2018; Roth et al.
//! 2022 (PatchCore) reduce their memory bank so. The means are one round of Lloyd 1982.

use crate::platform::yield_now;

/// Centres that are chosen before a browser's worker may take its messages: about 10 ms.
const CENTRES_AT_ONCE: usize = 16;

/// Means of at most `count` groups of `rows`, which have `length` values each and zero mean; the rows
/// themselves if there are no more. There are fewer groups if fewer rows differ.
///
/// The first centre is the row nearest to the mean; of equal rows, the earlier one is taken. Sums in f64 in a
/// fixed order give the same result for the same rows on every machine.
///
/// # Panics
/// If `length` or `count` is 0.
pub(super) async fn coreset(rows: Vec<f32>, length: usize, count: usize) -> Vec<f32> {
    if rows.len() <= count * length {
        return rows;
    }
    let row = |at: usize| &rows[at * length..][..length];
    let origin = vec![0.0; length];
    let mut centre = 0;
    let mut smallest = f64::INFINITY;
    for (at, row) in rows.chunks_exact(length).enumerate() {
        let norm = squared_distance(row, &origin);
        if norm < smallest {
            (centre, smallest) = (at, norm);
        }
    }
    // Of each row, the nearest centre's group and the squared distance to it.
    let mut nearest = vec![(0, f64::INFINITY); rows.len() / length];
    let mut groups = 0;
    while groups < count {
        let mut farthest = (0, 0.0);
        for (at, (group, distance)) in nearest.iter_mut().enumerate() {
            let to_centre = squared_distance(row(at), row(centre));
            if to_centre < *distance {
                (*group, *distance) = (groups, to_centre);
            }
            if *distance > farthest.1 {
                farthest = (at, *distance);
            }
        }
        groups += 1;
        if farthest.1 == 0.0 {
            break;
        }
        centre = farthest.0;
        if groups.is_multiple_of(CENTRES_AT_ONCE) {
            yield_now().await;
        }
    }
    let mut sums = vec![0.0_f64; groups * length];
    let mut sizes = vec![0.0_f64; groups];
    for (row, &(group, _)) in rows.chunks_exact(length).zip(&nearest) {
        let sum = &mut sums[group * length..][..length];
        sum.iter_mut()
            .zip(row)
            .for_each(|(s, &v)| *s += f64::from(v));
        sizes[group] += 1.0;
    }
    let means = sums.chunks_exact(length).zip(&sizes);
    means
        .flat_map(|(sum, size)| sum.iter().map(move |s| (s / size) as f32))
        .collect()
}

/// Four sums side by side, which vector instructions add at once.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 4];
    for (a, b) in a.chunks(4).zip(b.chunks(4)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            let difference = f64::from(*a) - f64::from(*b);
            *sum += difference * difference;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(rows: &[f32], length: usize, count: usize) -> Vec<f32> {
        pollster::block_on(coreset(rows.to_vec(), length, count))
    }

    #[test]
    fn the_farthest_comes_next_and_each_group_is_averaged() {
        // The first centre is 0, then come 9 and -6.
        let rows = [-6.0, -5.0, 0.0, 1.0, 8.0, 9.0, -5.0, -2.0];
        assert_eq!(of(&rows, 1, 1), [0.0]);
        assert_eq!(of(&rows, 1, 2), [-17.0 / 6.0, 8.5]);
        assert_eq!(of(&rows, 1, 3), [-1.0 / 3.0, 8.5, -16.0 / 3.0]);
    }

    #[test]
    fn few_rows_stay_as_they_are_and_equal_rows_are_one_group() {
        let rows = [3.0, 1.0, -2.0, -2.0];
        assert_eq!(of(&rows, 1, 4), rows);
        assert_eq!(of(&rows, 2, 2), rows);
        assert_eq!(of(&[1.0, 1.0, -1.0, -1.0], 1, 3), [1.0, -1.0]);
    }

    proptest! {
        /// No group is empty, and each mean is among the rows.
        #[test]
        fn means_are_finite_and_inside(rows in proptest::collection::vec(-8_i8..8, 2..60), count in 1_usize..8) {
            let rows: Vec<f32> = rows[..rows.len() / 2 * 2].iter().map(|&v| f32::from(v)).collect();
            let means = of(&rows, 2, count);
            prop_assert!(means.iter().all(|v| v.is_finite()));
            prop_assert!(means.len() <= rows.len().min(2 * count));
            let inside = |v: f32| rows.iter().any(|&r| r <= v) && rows.iter().any(|&r| r >= v);
            prop_assert!(means.iter().all(|&v| inside(v)));
        }
    }
}
