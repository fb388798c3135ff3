//! Any number of images for a run, in bounded memory.
//!
//! One pass over the files hashes and decodes them. Prepared images are kept with 8 bits per value, which
//! is exact: the network's values are a function of those. Images that do not fit into the given memory
//! are read, decoded and resized again each time they are needed, on all cores.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::DataError;
use super::digest::PicturesDigest;
use super::image::{Preprocessing, to_value};
use super::pictures::Pictures;
use super::sample::{Origin, Sample};

/// Files that are read together, and bytes of them: each is kept until it is hashed.
const PASS_FILES: usize = 256;
const PASS_BYTES: u64 = 64 << 20;

/// Normal images of a run: those that fit are kept prepared in memory, the others are decoded again.
pub struct PictureCache {
    inner: Arc<Inner>,
    digest: String,
    skipped: Vec<(PathBuf, String)>,
    /// The threads that decode what is not in memory. They form a separate pool, so that waiting for an
    /// image never blocks a thread that decodes it.
    decoders: Option<ThreadPool>,
    prefetched: Mutex<Option<Prefetched>>,
}

struct Inner {
    samples: Vec<Sample>,
    preprocessing: Preprocessing,
    /// The first of the samples, prepared: `[channels, size, size]` each.
    pixels: Vec<u8>,
}

/// A batch that was requested in advance.
struct Prefetched {
    indices: Vec<usize>,
    values: Receiver<Result<Vec<f32>, DataError>>,
}

impl PictureCache {
    /// Reads, hashes and decodes the samples in one pass, and keeps the first of them in at most
    /// `cache_bytes`.
    ///
    /// Samples that cannot be read are left out, see [`PictureCache::skipped`]; the digest is over the
    /// others; a record counts as a file of its name that holds its pixels as the data set's file does, a
    /// rendered image as one that holds its pixels.
    /// `on_progress` is called from any thread with the number of samples done.
    pub fn new(
        samples: Vec<Sample>,
        preprocessing: &Preprocessing,
        cache_bytes: u64,
        on_progress: impl Fn(usize) + Sync,
    ) -> Self {
        let done = AtomicUsize::new(0);
        let mut pass = Pass::new(&samples, preprocessing, cache_bytes);
        let mut read = Vec::new();
        for chunk in passes(&samples) {
            // Hashing goes from one image to the next and takes one core; meanwhile the others decode.
            let (next, ()) = rayon::join(
                || {
                    let one = |sample| {
                        let read = ReadSample::of(sample, preprocessing);
                        on_progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                        read
                    };
                    chunk.par_iter().map(one).collect()
                },
                || pass.take(std::mem::take(&mut read)),
            );
            read = next;
        }
        pass.take(read);

        let Pass {
            digest,
            mut pixels,
            kept,
            skipped,
            ..
        } = pass;
        pixels.shrink_to_fit();
        let mut kept = kept.into_iter();
        let samples: Vec<Sample> = samples
            .into_iter()
            .filter(|_| kept.next().unwrap_or_default())
            .collect();
        let all_cached = pixels.len() == samples.len() * preprocessing.values();
        Self {
            digest: digest.finish(),
            skipped,
            // Without a pool the images are decoded on the caller's thread: slower, not wrong.
            decoders: if all_cached { None } else { decoders().ok() },
            prefetched: Mutex::new(None),
            inner: Arc::new(Inner {
                samples,
                preprocessing: preprocessing.clone(),
                pixels,
            }),
        }
    }

    /// Images that could not be read, and why, in the order of the samples.
    pub fn skipped(&self) -> &[(PathBuf, String)] {
        &self.skipped
    }

    /// The samples that could be read, in the order of their indices.
    pub fn samples(&self) -> &[Sample] {
        &self.inner.samples
    }

    /// How many images are kept prepared in memory; the others are decoded again.
    pub fn cached(&self) -> usize {
        self.inner.cached()
    }

    /// The batch requested in advance, if it is this one.
    fn take_prefetched(&self, indices: &[usize]) -> Option<Result<Vec<f32>, DataError>> {
        let mut prefetched = lock(&self.prefetched);
        let values = prefetched.take_if(|ahead| ahead.indices == indices)?.values;
        drop(prefetched);
        // This fails if the decoding panicked; decoding here again repeats the panic.
        values.recv().ok()
    }
}

impl Pictures for PictureCache {
    fn len(&self) -> usize {
        self.inner.samples.len()
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn name(&self, index: usize) -> String {
        self.inner.samples[index].name.clone()
    }

    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        if let Some(values) = self.take_prefetched(indices) {
            return values;
        }
        match &self.decoders {
            Some(pool) => pool.install(|| self.inner.values(indices)),
            None => self.inner.values(indices),
        }
    }

    /// Decodes them in the background, unless all are in memory. One batch is kept: the last one
    /// requested.
    fn prefetch(&self, indices: &[usize]) {
        let Some(pool) = &self.decoders else { return };
        if indices.iter().all(|&index| index < self.cached()) {
            return;
        }
        let mut prefetched = lock(&self.prefetched);
        if prefetched
            .as_ref()
            .is_some_and(|ahead| ahead.indices == indices)
        {
            return;
        }
        let (send, values) = sync_channel(1);
        *prefetched = Some(Prefetched {
            indices: indices.to_vec(),
            values,
        });
        drop(prefetched);
        let (inner, indices) = (Arc::clone(&self.inner), indices.to_vec());
        pool.spawn(move || {
            // The receiver is gone if another batch has been requested since.
            let _ = send.send(inner.values(&indices));
        });
    }
}

impl std::fmt::Debug for PictureCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PictureCache({} images, {} in memory)",
            self.len(),
            self.cached()
        )
    }
}

impl Inner {
    fn cached(&self) -> usize {
        self.pixels.len() / self.preprocessing.values()
    }

    fn values(&self, indices: &[usize]) -> Result<Vec<f32>, DataError> {
        let length = self.preprocessing.values();
        let mut values = vec![0.0; indices.len() * length];
        let fill = |(&index, values): (&usize, &mut [f32])| -> Result<(), DataError> {
            let decoded;
            let pixels = match self.pixels.get(index * length..(index + 1) * length) {
                Some(pixels) => pixels,
                None => {
                    decoded = self.decode(index)?;
                    &decoded
                }
            };
            for (value, &pixel) in values.iter_mut().zip(pixels) {
                *value = to_value(pixel);
            }
            Ok(())
        };
        if indices.iter().all(|&index| index < self.cached()) {
            // Less work than waking other threads.
            indices
                .iter()
                .zip(values.chunks_exact_mut(length))
                .try_for_each(fill)?;
        } else {
            indices
                .par_iter()
                .zip(values.par_chunks_exact_mut(length))
                .try_for_each(fill)?;
        }
        Ok(values)
    }

    fn decode(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let sample = &self.samples[index];
        match sample.picture() {
            Ok(picture) => Ok(self.preprocessing.pixels(&picture)),
            Err(reason) => Err(DataError::Picture {
                name: sample.path().display().to_string(),
                reason,
            }),
        }
    }
}

fn decoders() -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .thread_name(|number| format!("decoder-{number}"))
        // A panic while decoding in advance occurs again when the batch is requested.
        .panic_handler(|_| ())
        .build()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The guarded value is replaced as a whole, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sample's bytes for the digest and its prepared image.
struct ReadSample<'a> {
    sample: &'a Sample,
    read: Result<(Cow<'a, [u8]>, Vec<u8>), String>,
}

impl<'a> ReadSample<'a> {
    fn of(sample: &'a Sample, preprocessing: &Preprocessing) -> Self {
        let read = || {
            let bytes = sample.bytes()?;
            let pixels = preprocessing.pixels(&sample.decode(&bytes)?);
            Ok((bytes, pixels))
        };
        Self {
            sample,
            read: read(),
        }
    }
}

/// What the pass over all samples collects.
struct Pass {
    digest: PicturesDigest,
    /// Bytes that [`Inner::pixels`] may hold.
    room: usize,
    pixels: Vec<u8>,
    /// Whether a sample could be read, for each of them.
    kept: Vec<bool>,
    skipped: Vec<(PathBuf, String)>,
}

impl Pass {
    fn new(samples: &[Sample], preprocessing: &Preprocessing, cache_bytes: u64) -> Self {
        let length = preprocessing.values();
        let granted = usize::try_from(cache_bytes).unwrap_or(usize::MAX);
        let mut room = (granted / length).min(samples.len()) * length;
        let mut pixels = Vec::new();
        // Reserved in advance, so that growing never needs twice the memory.
        if pixels.try_reserve_exact(room).is_err() {
            room = 0;
        }
        Self {
            digest: PicturesDigest::default(),
            room,
            pixels,
            kept: Vec::with_capacity(samples.len()),
            skipped: Vec::new(),
        }
    }

    fn take(&mut self, read: Vec<ReadSample<'_>>) {
        for ReadSample { sample, read } in read {
            self.kept.push(read.is_ok());
            match read {
                Ok((bytes, pixels)) => {
                    self.digest.add(&sample.name, &bytes);
                    if self.pixels.len() + pixels.len() <= self.room {
                        self.pixels.extend_from_slice(&pixels);
                    }
                }
                Err(reason) => self.skipped.push((sample.path().to_path_buf(), reason)),
            }
        }
    }
}

/// The samples in groups small enough to be held in memory as files; records are in memory anyway.
fn passes(samples: &[Sample]) -> impl Iterator<Item = &[Sample]> {
    let mut left = samples;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |sample: &&Sample| {
            bytes += match &sample.origin {
                Origin::File(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
                Origin::Record(..) => 0,
                Origin::Rendered(part) => {
                    let set = part.set();
                    (set.size() * set.size() * set.channels()) as u64
                }
            };
            bytes <= PASS_BYTES
        };
        // At least one, however large.
        let count = left.iter().take(PASS_FILES).take_while(fits).count().max(1);
        let (group, rest) = left.split_at_checked(count)?;
        left = rest;
        Some(group)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::data::cifar10;
    use crate::data::dataset::{Dataset, Options};
    use crate::data::files::tests::png_folder;

    fn train(root: &Path) -> Vec<Sample> {
        Dataset::open(&root.display().to_string(), &Options::default())
            .unwrap()
            .train
    }

    fn frogs() -> (tempfile::TempDir, Vec<Sample>) {
        let folder = cifar10::tests::small_set();
        let options = Options {
            normal: Some("frog".into()),
            ..Options::default()
        };
        let source = format!("cifar10:{}", folder.path().display());
        let samples = Dataset::open(&source, &options).unwrap().train;
        (folder, samples)
    }

    #[test]
    fn memory_changes_no_value() {
        let names: Vec<String> = (0..9).map(|n| format!("{n}.png")).collect();
        let folder = png_folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let (_files, records) = frogs();
        let samples = [train(folder.path()), records].concat();
        let indices = [3, 0, 18, 8, 8, 5, 10];
        for preprocessing in [Preprocessing::new(5, 1), Preprocessing::new(8, 3)] {
            let length = preprocessing.values() as u64;
            let expected: Vec<f32> = indices
                .iter()
                .flat_map(|&at| samples[at].load(&preprocessing).unwrap())
                .collect();
            let mut digests = Vec::new();
            // None, some (and a part of one that does not count), all, more than there are.
            for (cache_bytes, cached) in [
                (0, 0),
                (4 * length + 1, 4),
                (19 * length, 19),
                (u64::MAX, 19),
            ] {
                let cache = PictureCache::new(samples.clone(), &preprocessing, cache_bytes, |_| ());
                assert_eq!((cache.len(), cache.cached()), (19, cached));
                assert_eq!(cache.values(&indices).unwrap(), expected);
                assert_eq!(cache.values(&[]).unwrap(), Vec::<f32>::new());
                digests.push(cache.digest().to_owned());
            }
            digests.dedup();
            assert_eq!(digests.len(), 1);
        }
    }

    #[test]
    fn what_was_fetched_ahead_is_the_same() {
        let folder = png_folder(&["0.png", "1.png", "2.png", "3.png"]);
        let preprocessing = Preprocessing::new(4, 1);
        let cache = PictureCache::new(train(folder.path()), &preprocessing, 16, |_| ());
        assert_eq!(cache.cached(), 1);
        let whole = PictureCache::new(train(folder.path()), &preprocessing, u64::MAX, |_| ());
        for (ahead, asked) in [
            (&[1, 2][..], &[1, 2][..]),
            (&[3, 0], &[3, 0]),
            (&[0, 0], &[2]),
            (&[1], &[3, 3]),
        ] {
            cache.prefetch(ahead);
            cache.prefetch(ahead);
            whole.prefetch(ahead);
            assert_eq!(cache.values(asked).unwrap(), whole.values(asked).unwrap());
            assert_eq!(cache.values(ahead).unwrap(), whole.values(ahead).unwrap());
        }
        assert!(lock(&cache.prefetched).is_none());
    }

    #[test]
    fn bad_pictures_are_left_out_of_the_digest_too() {
        let folder = png_folder(&["a/0.png", "a/1.png", "b.png", "c.png"]);
        fs::write(folder.path().join("a/1.png"), "text").unwrap();
        let seen = AtomicUsize::new(0);
        let samples = train(folder.path());
        fs::remove_file(folder.path().join("c.png")).unwrap();
        let cache = PictureCache::new(samples, &Preprocessing::new(2, 1), 1 << 20, |done| {
            seen.fetch_max(done, Ordering::Relaxed);
        });
        assert_eq!(seen.into_inner(), 4);
        assert_eq!(
            (cache.name(0), cache.name(1)),
            ("a/0.png".into(), "b.png".into())
        );
        let skipped = cache.skipped();
        assert_eq!(skipped.len(), 2);
        assert!(skipped[0].0.ends_with("a/1.png") && skipped[0].1.contains("text"));
        assert!(skipped[1].0.ends_with("c.png") && skipped[1].1.contains("cannot be read"));
        assert_eq!(cache.values(&[1]).unwrap(), [to_value(20); 4]);

        let mut digest = PicturesDigest::default();
        for name in ["a/0.png", "b.png"] {
            digest.add(name, &fs::read(folder.path().join(name)).unwrap());
        }
        assert_eq!(cache.digest(), digest.finish());

        let nothing = PictureCache::new(Vec::new(), &Preprocessing::new(2, 1), 0, |_| ());
        assert!(nothing.is_empty() && nothing.values(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_record_counts_as_a_file_in_the_digest() {
        let (_folder, records) = frogs();
        let preprocessing = Preprocessing::new(4, 3);
        let cache = PictureCache::new(records.clone(), &preprocessing, 0, |_| ());
        let mut digest = PicturesDigest::default();
        for sample in &records {
            digest.add(&sample.name, &sample.bytes().unwrap());
        }
        assert_eq!(cache.digest(), digest.finish());
        assert_eq!(cache.name(0), "data_batch_1/6");
        let fewer = PictureCache::new(records[1..].to_vec(), &preprocessing, 0, |_| ());
        assert_ne!(cache.digest(), fewer.digest());
    }

    #[test]
    fn a_picture_that_goes_away_is_an_error() {
        let folder = png_folder(&["0.png", "1.png"]);
        let cache = PictureCache::new(train(folder.path()), &Preprocessing::new(4, 1), 16, |_| ());
        fs::remove_file(folder.path().join("1.png")).unwrap();
        assert!(cache.values(&[0]).is_ok());
        for ahead in [false, true] {
            if ahead {
                cache.prefetch(&[0, 1]);
            }
            let message = cache.values(&[0, 1]).unwrap_err().to_string();
            assert!(message.contains("1.png: cannot be read"), "{message}");
        }
    }

    #[test]
    fn groups_take_every_sample_once() {
        let (_folder, records) = frogs();
        let many: Vec<Sample> = records.iter().cycle().take(600).cloned().collect();
        let sizes: Vec<usize> = passes(&many).map(<[Sample]>::len).collect();
        assert_eq!(sizes, [256, 256, 88]);
        assert_eq!(passes(&[]).count(), 0);
    }
}
