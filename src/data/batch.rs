//! Which images are held out, and in which order the others are trained on.
//!
//! Everything is determined by a seed, in the same way on every machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DataError;
use crate::random::{generator, shuffle, stream};

/// How many of `n` images are held out: `fraction` of them, rounded to the nearest. At least one is, and
/// at least one is left to train on, when there are two or more. With one image or none, nothing is held
/// out; a fraction that is not above 0 holds nothing out either.
pub fn held_out_count(n: usize, fraction: f64) -> usize {
    match n >= 2 && fraction > 0.0 {
        true => ((n as f64 * fraction).round() as usize).clamp(1, n - 1),
        false => 0,
    }
}

/// Splits `0..n` into training and held-out images, both ascending; [`held_out_count`] says how many.
pub fn split_held_out(n: usize, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let wanted = held_out_count(n, fraction);
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, &mut generator(seed, stream::HELD_OUT));
    let mut training = order.split_off(wanted);
    order.sort_unstable();
    training.sort_unstable();
    (training, order)
}

/// Draws `count` of `0..n` with equal probability, in ascending order; all of them if there are no more.
///
/// `part` separates draws with the same seed, such as those of the training and of the test images.
pub fn subsample(n: usize, count: usize, seed: u64, part: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    if count < n {
        let part = stream::SUBSAMPLE - u64::from(part);
        shuffle(&mut order, &mut generator(seed, part));
        order.truncate(count);
        order.sort_unstable();
    }
    order
}

/// Draws `count` of some items in ascending order, given each one's class: in proportion to the classes,
/// rounded by largest remainders, with at least one of each class if `count` allows.
pub fn stratified_subsample<C: Ord>(
    classes: impl IntoIterator<Item = C>,
    count: usize,
    seed: u64,
) -> Vec<usize> {
    let mut members: BTreeMap<C, Vec<usize>> = BTreeMap::new();
    let mut total = 0;
    for class in classes {
        members.entry(class).or_default().push(total);
        total += 1;
    }
    if count >= total {
        return (0..total).collect();
    }
    let classes: Vec<Vec<usize>> = members.into_values().collect();
    let mut shares: Vec<usize> = classes.iter().map(|c| c.len() * count / total).collect();
    let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(classes[class].len() * count % total));
    let left = count - shares.iter().sum::<usize>();
    for &class in by_remainder.iter().take(left) {
        shares[class] += 1;
    }
    if count >= classes.len() {
        while let Some(none) = shares.iter().position(|&share| share == 0) {
            let Some(most) = (0..shares.len()).max_by_key(|&class| shares[class]) else {
                break;
            };
            shares[most] -= 1;
            shares[none] += 1;
        }
    }
    let mut drawn: Vec<usize> = std::iter::zip(&classes, &shares)
        .enumerate()
        .flat_map(|(class, (places, &share))| {
            // Separate streams: otherwise classes of the same size would get the same draws.
            let part = u32::try_from(class + 1).unwrap_or(u32::MAX);
            let kept = subsample(places.len(), share, seed, part);
            kept.into_iter().map(|at| places[at]).collect::<Vec<_>>()
        })
        .collect();
    drawn.sort_unstable();
    drawn
}

/// A run's position in its data: epochs completed, and steps taken in the current one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs completed.
    pub epoch: usize,
    /// Batches taken in the current epoch.
    pub step: usize,
}

/// An endless sequence of batches of image indices, reshuffled in each epoch.
///
/// Every batch is full: what is left at the end of an epoch is dropped, as in the published code.
/// The order of an epoch depends on the seed and the epoch's number alone, so that [`Position`] and
/// the seed are all that a resumed run needs.
#[derive(Clone, Debug)]
pub struct Batches {
    indices: Vec<usize>,
    batch: usize,
    seed: u64,
    position: Position,
    order: Vec<usize>,
}

impl Batches {
    /// Batches of `batch` out of `indices`.
    ///
    /// # Errors
    /// If the batch is 0 or there are fewer indices than one batch takes.
    pub fn new(indices: Vec<usize>, batch: usize, seed: u64) -> Result<Self, DataError> {
        if batch == 0 || indices.len() < batch {
            return Err(DataError::BatchSize {
                batch,
                pictures: indices.len(),
            });
        }
        let mut batches = Self {
            indices,
            batch,
            seed,
            position: Position::default(),
            order: Vec::new(),
        };
        batches.shuffle_epoch();
        Ok(batches)
    }

    /// Steps in one epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.indices.len() / self.batch
    }

    /// What [`Batches::next_batch`] will return, so that it can be prepared.
    pub fn peek(&self) -> &[usize] {
        let start = self.position.step * self.batch;
        &self.order[start..start + self.batch]
    }

    /// The next batch, of exactly the size asked for.
    pub fn next_batch(&mut self) -> Vec<usize> {
        let batch = self.peek().to_vec();
        self.position.step += 1;
        if self.position.step == self.steps_per_epoch() {
            self.position = Position {
                epoch: self.position.epoch + 1,
                step: 0,
            };
            self.shuffle_epoch();
        }
        batch
    }

    /// The position of the next batch.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Continues from a position that [`Batches::position`] returned.
    ///
    /// # Errors
    /// If an epoch has no such step; nothing changes then.
    pub fn restore(&mut self, position: Position) -> Result<(), DataError> {
        let steps_per_epoch = self.steps_per_epoch();
        if position.step >= steps_per_epoch {
            return Err(DataError::Position {
                step: position.step,
                steps_per_epoch,
            });
        }
        self.position = position;
        self.shuffle_epoch();
        Ok(())
    }

    fn shuffle_epoch(&mut self) {
        self.order.clone_from(&self.indices);
        shuffle(
            &mut self.order,
            &mut generator(self.seed, self.position.epoch as u64),
        );
    }
}

/// Some of many, evenly spread.
pub fn evenly_spread<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    let at = |k: usize| all[k * all.len() / count].clone();
    (0..count).map(at).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_order_is_pinned() {
        // A change here would silently change what every seed means.
        assert_eq!(
            split_held_out(10, 0.3, 0),
            (vec![0, 1, 2, 3, 5, 6, 8], vec![4, 7, 9])
        );
        let mut batches = Batches::new((0..7).collect(), 3, 1).unwrap();
        let taken: Vec<_> = (0..3)
            .map(|_| {
                let ahead = batches.peek().to_vec();
                let batch = batches.next_batch();
                assert_eq!(ahead, batch);
                batch
            })
            .collect();
        assert_eq!(taken, [[4, 1, 3], [5, 6, 0], [1, 3, 4]]);
        assert_eq!(subsample(10, 4, 0, 0), [2, 4, 5, 6]);
        assert_eq!(subsample(10, 4, 0, 1), [0, 2, 4, 7]);
    }

    #[test]
    fn one_picture_is_trained_on_and_two_are_shared() {
        assert_eq!(split_held_out(0, 0.1, 3), (vec![], vec![]));
        assert_eq!(split_held_out(1, 0.1, 3), (vec![0], vec![]));
        let (training, held_out) = split_held_out(2, 0.1, 3);
        assert_eq!((training.len(), held_out.len()), (1, 1));
        let (training, held_out) = split_held_out(5, 1.0, 3);
        assert_eq!((training.len(), held_out.len()), (1, 4));
        assert_eq!(split_held_out(5, f64::NAN, 3).1, Vec::<usize>::new());
    }

    #[test]
    fn too_small_a_set_names_both_numbers() {
        let message = Batches::new(vec![1, 2], 64, 0).unwrap_err().to_string();
        assert!(message.contains("64") && message.contains('2'), "{message}");
        assert!(Batches::new(vec![1, 2], 0, 0).is_err());
    }

    #[test]
    fn a_step_beyond_the_epoch_is_refused() {
        let mut batches = Batches::new((0..8).collect(), 4, 0).unwrap();
        assert!(batches.restore(Position { epoch: 0, step: 2 }).is_err());
        assert_eq!(batches.position(), Position::default());
    }

    proptest! {
        #[test]
        fn a_subsample_is_ascending_and_repeats_nothing(n in 0usize..200, count in 0usize..250, seed: u64) {
            let drawn = subsample(n, count, seed, 0);
            prop_assert_eq!(drawn.len(), count.min(n));
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(drawn.iter().all(|&index| index < n));
            prop_assert_eq!(subsample(n, count, seed, 0), drawn);
        }

        #[test]
        fn every_class_gets_its_share(sizes in proptest::collection::vec(1usize..40, 1..8), count in 0usize..200, seed: u64) {
            let classes: Vec<usize> = sizes
                .iter()
                .enumerate()
                .flat_map(|(class, &size)| std::iter::repeat_n(class, size))
                .collect();
            let drawn = stratified_subsample(&classes, count, seed);
            prop_assert_eq!(drawn.len(), count.min(classes.len()));
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            for (class, &size) in sizes.iter().enumerate() {
                let got = drawn.iter().filter(|&&at| classes[at] == class).count();
                let share = (size * count) as f64 / classes.len() as f64;
                prop_assert!(got <= size && (got as f64) < share.max(1.0) + 1.0);
                prop_assert!(count < sizes.len() || got > 0);
            }
        }

        #[test]
        fn a_split_loses_and_repeats_nothing(n in 0usize..300, fraction in 0.0f64..1.0, seed: u64) {
            let (training, held_out) = split_held_out(n, fraction, seed);
            let mut all = [training.clone(), held_out.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
            prop_assert!(training.is_sorted() && held_out.is_sorted());
            prop_assert_eq!(split_held_out(n, fraction, seed), (training, held_out));
        }

        #[test]
        fn an_epoch_takes_each_picture_at_most_once(n in 1usize..60, batch in 1usize..20, seed: u64) {
            prop_assume!(batch <= n);
            let mut batches = Batches::new((100..100 + n).collect(), batch, seed).unwrap();
            let mut taken = Vec::new();
            for _ in 0..batches.steps_per_epoch() {
                let next = batches.next_batch();
                prop_assert_eq!(next.len(), batch);
                taken.extend(next);
            }
            prop_assert_eq!(batches.position(), Position { epoch: 1, step: 0 });
            let count = taken.len();
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), count);
            prop_assert!(taken.iter().all(|i| (100..100 + n).contains(i)));
        }

        #[test]
        fn a_restored_run_goes_on_alike(steps in 0usize..30, seed: u64) {
            let mut whole = Batches::new((0..11).collect(), 4, seed).unwrap();
            for _ in 0..steps {
                whole.next_batch();
            }
            let mut resumed = Batches::new((0..11).collect(), 4, seed).unwrap();
            resumed.restore(whole.position()).unwrap();
            for _ in 0..5 {
                prop_assert_eq!(whole.next_batch(), resumed.next_batch());
            }
        }
    }
}
