//! The rendered product lines, from outside: what a lot's pictures have in common, what a fault changes in them, and
//! that they are the same everywhere.

use std::panic::catch_unwind;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use skip_ganomaly::data::product::{Drift, DriftKind, FaultKind, Lot, Product, Purpose, Scene};
use skip_ganomaly::metrics::auroc;

/// A lot with one kind of fault, all of one size and contrast.
fn lot_of(product: Product, kind: FaultKind, size: f32, contrast: f32) -> Lot {
    Lot {
        faults: vec![kind],
        sizes: size..=size,
        contrasts: contrast..=contrast,
        ..Lot::new(product, 0)
    }
}

fn faulty(product: Product, kind: FaultKind, size: f32, contrast: f32, number: u32) -> Scene {
    lot_of(product, kind, size, contrast).part(Purpose::Faulty, number)
}

fn sound(scene: Scene) -> Scene {
    Scene {
        fault: None,
        ..scene
    }
}

/// Every product with every kind of fault that it can have.
fn kinds() -> impl Iterator<Item = (Product, FaultKind)> {
    let of = |product: Product| product.faults().iter().map(move |&kind| (product, kind));
    Product::ALL.into_iter().flat_map(of)
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    let total: u64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    total as f64 / a.len() as f64
}

#[test]
fn a_seed_determines_every_byte_and_no_two_parts_are_alike() {
    for product in Product::ALL {
        let lot = Lot::new(product, 7);
        let mut seen = Vec::new();
        for purpose in [Purpose::Train, Purpose::Good, Purpose::Faulty] {
            for number in [0, 1, u32::MAX] {
                let picture = lot.part(purpose, number).photograph(32, 3);
                let again = Lot::new(product, 7).part(purpose, number);
                assert_eq!(picture, again.photograph(32, 3));
                seen.push(picture);
            }
        }
        seen.push(
            Lot::new(product, 8)
                .part(Purpose::Train, 0)
                .photograph(32, 3),
        );
        for (at, one) in seen.iter().enumerate() {
            for other in &seen[at + 1..] {
                // More than the noise of the sensor.
                assert!(mean_difference(one, other) > 1.0, "{product:?}");
            }
        }
    }
}

#[test]
fn a_fault_drawn_anew_is_another_one_of_the_same_part() {
    let lot = Lot::new(Product::Gear, 3);
    let first = lot.part(Purpose::Faulty, 4);
    let drawn: Vec<Scene> = (0..4)
        .map(|times| lot.redrawn(Purpose::Faulty, 4, times))
        .collect();
    assert_eq!(drawn[0], first);
    for (at, scene) in drawn.iter().enumerate() {
        assert_eq!(sound(*scene), sound(first));
        let fault = scene.fault.expect("a fault");
        assert_eq!(fault.kind, first.fault.expect("a fault").kind);
        assert!(lot.sizes.contains(&fault.size) && lot.contrasts.contains(&fault.contrast));
        assert!(drawn[..at].iter().all(|other| other != scene));
    }
}

/// Large enough and at full contrast, in any of several parts.
#[test]
fn every_kind_of_fault_shows_in_grey_and_in_colour() {
    for (product, kind) in kinds() {
        for number in 0..6 {
            let scene = faulty(product, kind, 0.12, 1.0, number);
            for channels in [1, 3] {
                let what = format!("{product:?}, {kind:?} {number}, {channels} channels");
                let (with, without) = (
                    scene.photograph(128, channels),
                    sound(scene).photograph(128, channels),
                );
                let mask = scene.mask(128, channels);
                assert_eq!(mask.len(), 128 * 128);
                let mut changed = 0_u64;
                for (at, &on) in mask.iter().enumerate() {
                    let pixel = at * channels..(at + 1) * channels;
                    let (a, b) = (&with[pixel.clone()], &without[pixel]);
                    assert_eq!(on == 1, a != b, "{what}, pixel {at}");
                    changed += a
                        .iter()
                        .zip(b)
                        .map(|(a, b)| u64::from(a.abs_diff(*b)))
                        .sum::<u64>();
                }
                let area = mask.iter().filter(|&&on| on == 1).count();
                assert!(area >= 12, "{what}: {area} pixels");
                let levels = changed as f64 / (area * channels) as f64;
                assert!(levels > 3.0, "{what}: {levels} grey levels");
            }
        }
    }
}

#[test]
fn without_contrast_there_is_no_fault() {
    for (product, kind) in kinds() {
        let scene = faulty(product, kind, 0.12, 0.0, 0);
        assert!(
            scene.mask(64, 3).iter().all(|&on| on == 0),
            "{product:?}, {kind:?}"
        );
    }
}

/// A mask may lose a few pixels from one step to the next: an uneven edge moves outward with its bumps, and where
/// light and shadow cross, a pixel may happen to have the same value as without the fault.
#[test]
fn wear_grows_from_nothing() {
    for (product, kind) in kinds() {
        let scene = faulty(product, kind, 0.2, 1.0, 1);
        let grown = scene.fault.expect("a fault");
        assert_eq!(grown.worn(0.0), None);
        assert_eq!(grown.worn(1.0), Some(grown));
        let mut before = vec![0; 128 * 128];
        for wear in [0.1, 0.3, 0.5, 0.7, 0.85, 1.0] {
            let worn = Scene {
                fault: grown.worn(wear),
                ..scene
            };
            let mask = worn.mask(128, 3);
            let area = |mask: &[u8]| mask.iter().filter(|&&on| on == 1).count();
            let lost = before
                .iter()
                .zip(&mask)
                .filter(|(was, is)| was > is)
                .count();
            let (was, is) = (area(&before), area(&mask));
            let what =
                format!("{product:?}, {kind:?} at {wear}: from {was} to {is} pixels, {lost} lost");
            assert!(lost as f64 <= 4.0 + 0.25 * was as f64, "{what}");
            assert!(is as f64 >= 0.9 * was as f64, "{what}");
            before = mask;
        }
        assert!(before.contains(&1), "{product:?}, {kind:?}");
    }
}

#[test]
fn any_size_is_one_scene() {
    for product in Product::ALL {
        let kind = product.faults()[0];
        let scene = faulty(product, kind, 0.15, 1.0, 0);
        for (size, channels) in [(32, 1), (33, 3), (100, 1), (2048, 1)] {
            assert_eq!(
                scene.photograph(size, channels).len(),
                size * size * channels
            );
        }
        for (size, channels) in [(31, 1), (2049, 1), (64, 2), (64, 4), (64, 0)] {
            assert!(catch_unwind(|| scene.photograph(size, channels)).is_err());
        }
        let (small, large) = (scene.photograph(64, 3), scene.photograph(128, 3));
        let averaged: Vec<u8> = (0..64 * 64 * 3)
            .map(|at| {
                let (x, y, channel) = (at / 3 % 64, at / 192, at % 3);
                let pixel = |dx: usize, dy: usize| {
                    u16::from(large[((2 * y + dy) * 128 + 2 * x + dx) * 3 + channel])
                };
                ((pixel(0, 0) + pixel(1, 0) + pixel(0, 1) + pixel(1, 1) + 2) / 4) as u8
            })
            .collect();
        // What is finer than a pixel is shaded otherwise: most on a board, whose parts have steep sides.
        let apart = mean_difference(&small, &averaged);
        assert!(apart < 12.0, "{product:?}: {apart} grey levels");
    }
}

#[test]
fn drift_changes_all_but_the_parts_to_train_on() {
    for product in Product::ALL {
        let plain = Lot::new(product, 0);
        for kind in DriftKind::ALL {
            let lot = Lot {
                drift: Some(Drift { kind, amount: 1.0 }),
                ..plain.clone()
            };
            assert_eq!(lot.part(Purpose::Train, 0), plain.part(Purpose::Train, 0));
            for purpose in [Purpose::Good, Purpose::Faulty] {
                let pictures = [&lot, &plain].map(|lot| lot.part(purpose, 0).photograph(64, 3));
                let moved = mean_difference(&pictures[0], &pictures[1]);
                assert!(moved > 0.5, "{product:?}, {kind:?}: {moved} grey levels");
            }
        }
    }
}

/// Three numbers that say nothing about where a fault is: a lot must not be told apart by them.
fn shortcuts(pixels: &[u8], size: usize) -> [f64; 3] {
    let count = pixels.len() as f64;
    let mean = pixels.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let square = |&value: &u8| (f64::from(value) - mean) * (f64::from(value) - mean);
    let deviation = (pixels.iter().map(square).sum::<f64>() / count).sqrt();
    let mut file = Vec::new();
    let side = size as u32;
    PngEncoder::new(&mut file)
        .write_image(pixels, side, side, ExtendedColorType::Rgb8)
        .expect("a picture");
    [mean, deviation, file.len() as f64]
}

/// The normals are the same parts without their faults: the differences between parts, which at these numbers move
/// an AUROC by several hundredths, then cancel out.
#[test]
fn brightness_contrast_and_file_size_do_not_tell_small_faults() {
    const PAIRS: u32 = 250;
    const SIZE: usize = 64;
    let mut told = Vec::new();
    for product in Product::ALL {
        let lot = Lot {
            sizes: 0.03..=0.08,
            ..Lot::new(product, 0)
        };
        let (mut numbers, mut abnormal) = (Vec::new(), Vec::new());
        for number in 0..PAIRS {
            let scene = lot.part(Purpose::Faulty, number);
            for (scene, is_faulty) in [(scene, true), (sound(scene), false)] {
                numbers.push(shortcuts(&scene.photograph(SIZE, 3), SIZE));
                abnormal.push(is_faulty);
            }
        }
        for (at, name) in ["mean brightness", "standard deviation", "file size"]
            .iter()
            .enumerate()
        {
            let scores: Vec<f64> = numbers.iter().map(|numbers| numbers[at]).collect();
            let area = auroc(&scores, &abnormal).expect("both kinds");
            if !(0.45..=0.55).contains(&area) {
                told.push(format!(
                    "{}: {name} has an AUROC of {area:.3}",
                    product.as_str()
                ));
            }
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}

/// A photograph and its digest, as `tests/fixtures/product-digests.json` holds them. The lot's seed is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Photograph {
    product: String,
    number: u32,
    purpose: String,
    size: usize,
    channels: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// In sides of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault_size: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contrast: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drift: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<f32>,
    sha256: String,
}

fn digest(
    product: Product,
    purpose: Purpose,
    number: u32,
    [size, channels]: [usize; 2],
    fault: Option<(FaultKind, f32, f32)>,
    drift: Option<Drift>,
) -> Photograph {
    let lot = match fault {
        Some((kind, size, contrast)) => lot_of(product, kind, size, contrast),
        None => Lot::new(product, 0),
    };
    let picture = Lot { drift, ..lot }
        .part(purpose, number)
        .photograph(size, channels);
    let sha256 = Sha256::digest(picture);
    Photograph {
        product: product.as_str().to_owned(),
        number,
        purpose: match purpose {
            Purpose::Train => "train",
            Purpose::Good => "good",
            Purpose::Faulty => "faulty",
        }
        .to_owned(),
        size,
        channels,
        fault: fault.map(|(kind, ..)| kind.as_str().to_owned()),
        fault_size: fault.map(|(_, size, _)| size),
        contrast: fault.map(|(.., contrast)| contrast),
        drift: drift.map(|drift| drift.kind.as_str().to_owned()),
        amount: drift.map(|drift| drift.amount),
        sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Normal parts at all sizes, in grey and colour; each kind of fault and of drift at one of them.
fn digests() -> Vec<Photograph> {
    const SHAPES: [[usize; 2]; 10] = [
        [64, 3],
        [64, 1],
        [32, 3],
        [32, 1],
        [100, 3],
        [100, 1],
        [128, 3],
        [128, 1],
        [300, 1],
        [520, 1],
    ];
    let mut all = Vec::new();
    for product in Product::ALL {
        for (number, shape) in (0..).zip(SHAPES) {
            all.push(digest(product, Purpose::Train, number, shape, None, None));
        }
        for (at, (&kind, shape)) in product
            .faults()
            .iter()
            .zip(SHAPES.iter().cycle())
            .enumerate()
        {
            let fault = Some((kind, 0.15, [1.0, 0.5][at % 2]));
            all.push(digest(
                product,
                Purpose::Faulty,
                at as u32,
                *shape,
                fault,
                None,
            ));
        }
        for (number, (kind, shape)) in (0..).zip(DriftKind::ALL.into_iter().zip(SHAPES)) {
            let drift = Some(Drift { kind, amount: 0.75 });
            all.push(digest(product, Purpose::Good, number, shape, None, drift));
        }
    }
    all
}

/// The module of the page is compared with the same file. `WRITE_DIGESTS=1` writes it anew, after a change of the
/// renderer that is meant.
#[test]
fn photographs_are_the_same_on_every_platform() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/product-digests.json"
    );
    let now = digests();
    if std::env::var_os("WRITE_DIGESTS").is_some() {
        let lines: Vec<String> = now
            .iter()
            .map(|photograph| serde_json::to_string(photograph).expect("JSON"))
            .collect();
        std::fs::write(path, format!("[\n{}\n]\n", lines.join(",\n"))).expect("written");
    }
    let text = std::fs::read_to_string(path).expect("the fixture; WRITE_DIGESTS=1 writes it");
    let kept: Vec<Photograph> = serde_json::from_str(&text).expect("the fixture is JSON");
    assert_eq!(now.len(), kept.len());
    for (now, kept) in now.iter().zip(&kept) {
        assert_eq!(now, kept);
    }
}
