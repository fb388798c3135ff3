use super::*;
use crate::random::generator;

const SIMULATORS: [Simulator; 2] = [Simulator::Patches, Simulator::Drawn];

/// Pictures with a slope, stripes and a disc, each a little other.
fn pictures(count: usize, channels: usize, size: usize) -> Vec<f32> {
    let mut values = Vec::new();
    for picture in 0..count {
        for channel in 0..channels {
            for at in 0..size * size {
                let (x, y) = (
                    (at % size) as f32 / size as f32,
                    (at / size) as f32 / size as f32,
                );
                let stripes = ((x * (9.0 + picture as f32) + channel as f32) * 6.0).sin();
                let disc = if (x - 0.5).powi(2) + (y - 0.4).powi(2) < 0.05 {
                    0.4
                } else {
                    0.0
                };
                values.push((0.3 * stripes + 0.5 * (y - 0.5) + disc).clamp(-1.0, 1.0));
            }
        }
    }
    values
}

#[test]
fn what_is_marked_is_what_changed() {
    for simulator in SIMULATORS {
        for (channels, size) in [(1, 32), (3, 64), (1, 128)] {
            let normal = pictures(6, channels, size);
            let plane = size * size;
            let damaged = simulator.damage(&normal, channels, size, 1.0, &mut generator(3, 1));
            assert_eq!(damaged.values.len(), normal.len());
            assert_eq!(damaged.marks.len(), 6 * plane);
            assert!(damaged.values.iter().all(|v| (-1.0..=1.0).contains(v)));
            for (at, &mark) in damaged.marks.iter().enumerate() {
                assert!((0.0..=1.0).contains(&mark));
                let (picture, pixel) = (at / plane, at % plane);
                let changes = (0..channels).map(|channel| {
                    let value = (picture * channels + channel) * plane + pixel;
                    (damaged.values[value] - normal[value]).abs()
                });
                let change = changes.fold(0.0, f32::max);
                // Nothing outside the marks moved by more than what is not marked, and no mark lies where
                // nothing changed.
                assert!(
                    mark > 0.0 || change <= UNMARKED,
                    "{simulator:?}: {change} unmarked"
                );
                assert!(
                    mark == 0.0 || change > 0.0,
                    "{simulator:?}: marked without a change"
                );
            }
            let marked = damaged.marks.chunks_exact(plane);
            let marked = marked.filter(|marks| marks.iter().any(|&mark| mark >= 0.5));
            assert_eq!(
                marked.count(),
                6,
                "{simulator:?}: every picture has a fault"
            );
        }
    }
}

#[test]
fn a_seed_repeats_and_another_differs() {
    let normal = pictures(4, 3, 32);
    for simulator in SIMULATORS {
        let damage = |seed| simulator.damage(&normal, 3, 32, 0.5, &mut generator(seed, 0));
        assert_eq!(damage(1), damage(1));
        assert_ne!(damage(1), damage(2));
    }
}

#[test]
fn the_share_is_kept_and_the_others_stay() {
    let normal = pictures(300, 1, 32);
    let damaged = Simulator::Patches.damage(&normal, 1, 32, 0.7, &mut generator(5, 0));
    let pairs = damaged
        .values
        .chunks_exact(1024)
        .zip(normal.chunks_exact(1024));
    let untouched = pairs.filter(|(damaged, normal)| damaged == normal).count();
    assert!(
        (60..120).contains(&untouched),
        "{untouched} of 300 untouched"
    );
    let none = Simulator::Drawn.damage(&normal, 1, 32, 0.0, &mut generator(5, 0));
    assert_eq!(none.values, normal);
    assert!(none.marks.iter().all(|&mark| mark == 0.0));
}

#[test]
fn one_picture_alone_can_be_damaged() {
    let normal = pictures(1, 1, 32);
    for simulator in SIMULATORS {
        let damaged = simulator.damage(&normal, 1, 32, 1.0, &mut generator(5, 0));
        assert_eq!(damaged.values.len(), normal.len());
    }
}

#[test]
fn every_shape_lies_inside_and_comes_in_every_size() {
    type Shape = fn(usize, &mut Draw) -> Vec<bool>;
    let shapes: [(&str, Shape, f32, f32); 4] = [
        ("perlin", shape::perlin, 0.015, 0.31),
        ("blob", shape::blob, 0.0, 0.6),
        ("scar", shape::scar, 0.0, 0.1),
        ("rectangle", shape::rectangle, 0.0, 0.27),
    ];
    for (name, shape, least, most) in shapes {
        for size in [32, 64, 256] {
            let shares: Vec<f32> = (0..40)
                .map(|seed| {
                    let inside = shape(size, &mut Draw::new(seed, 7));
                    assert_eq!(inside.len(), size * size);
                    let count = inside.iter().filter(|&&inside| inside).count();
                    count as f32 / inside.len() as f32
                })
                .collect();
            let within = shares.iter().all(|share| (least..most).contains(share));
            assert!(within, "{name} at {size}: {shares:?}");
            let (small, large) = (
                shares.iter().fold(1.0_f32, |a, &b| a.min(b)),
                shares.iter().fold(0.0_f32, |a, &b| a.max(b)),
            );
            assert!(large > 2.0 * small, "{name} at {size}: {small} to {large}");
        }
    }
}

#[test]
fn sources_come_from_the_data() {
    let all = pictures(2, 3, 32);
    let picture = |at: usize| Picture {
        values: &all[at * 3072..][..3072],
        channels: 3,
        size: 32,
    };
    let sorted = |values: &[f32]| {
        let mut values = values.to_vec();
        values.sort_by(f32::total_cmp);
        values
    };
    let draw = &mut Draw::new(4, 0);
    // Moved pixels are the same pixels.
    for moved in [
        source::shuffled(picture(0), draw),
        source::displaced(picture(0), draw),
    ] {
        assert_ne!(moved, picture(0).values);
        assert_eq!(sorted(&moved), sorted(picture(0).values));
    }
    // Another tint has the same brightness.
    let tinted = source::tinted(picture(0), draw);
    let brightness = |values: &[f32], at: usize| (0..3).map(|c| values[c * 1024 + at]).sum::<f32>();
    let apart = (0..1024).map(|at| brightness(&tinted, at) - brightness(picture(0).values, at));
    assert!(apart.map(f32::abs).fold(0.0, f32::max) < 1e-5);
    // A brighter or darker one is so everywhere alike.
    let brightened = source::brightened(picture(0), draw);
    for channel in 0..3 {
        let change =
            |at: usize| brightened[channel * 1024 + at] - picture(0).values[channel * 1024 + at];
        assert!((0..1024).all(|at| (change(at) - change(0)).abs() < 1e-5));
    }
    let grey = Picture {
        values: &all[..1024],
        channels: 1,
        size: 32,
    };
    assert_ne!(source::tinted(grey, draw), grey.values);
    let softened = source::softened(grey, draw);
    let rough = |values: &[f32]| values.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f32>();
    assert!(rough(&softened) < rough(grey.values));
    assert_eq!(source::another(picture(1), draw).len(), 3072);
    assert_eq!(source::constant(picture(1), draw).len(), 3072);
}

#[test]
fn gradients_are_the_sources_and_the_rim_is_the_pictures() {
    let values: Vec<f32> = (0..1024)
        .map(|at| 0.2 * ((at % 32) as f32 * 0.4).sin())
        .collect();
    let picture = Picture {
        values: &values,
        channels: 1,
        size: 32,
    };
    let at = Rectangle {
        left: 3,
        top: 5,
        width: 14,
        height: 9,
    };
    let source: Vec<f32> = (0..14 * 9)
        .map(|at| 0.3 * ((at * at % 11) as f32 / 11.0))
        .collect();
    let blended = by_gradient(picture, &source, at);
    let value = |x: usize, y: usize| blended[(5 + y) * 32 + 3 + x];
    for y in 0..32 {
        for x in 0..32 {
            let inside = (4..16).contains(&x) && (6..13).contains(&y);
            assert!(
                inside || blended[y * 32 + x] == values[y * 32 + x],
                "{x}, {y}"
            );
        }
    }
    // The Laplacian inside is the source's.
    for y in 1..8 {
        for x in 1..13 {
            let of = |at: &dyn Fn(usize, usize) -> f32| {
                at(x + 1, y) + at(x - 1, y) + at(x, y + 1) + at(x, y - 1) - 4.0 * at(x, y)
            };
            let wanted = of(&|x, y| source[y * 14 + x]);
            assert!((of(&value) - wanted).abs() < 1e-4, "{x}, {y}");
        }
    }
    // The picture's own rectangle changes nothing, and one without an inside neither.
    let own: Vec<f32> = (0..14 * 9)
        .map(|k| values[(5 + k / 14) * 32 + 3 + k % 14])
        .collect();
    let same = by_gradient(picture, &own, at);
    assert!(same.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-5));
    let thin = Rectangle { width: 2, ..at };
    assert_eq!(by_gradient(picture, &source[..18], thin), values);
}

#[test]
fn edges_are_soft_where_they_are_said_to_be() {
    let shape: Vec<bool> = (0..64).map(|at| at % 8 >= 4).collect();
    assert_eq!(
        hard_edge(&shape)[..8],
        [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    );
    let soft = soft_edge(&shape, 8, 1);
    assert!((soft[3] - 1.0 / 3.0).abs() < 1e-6 && (soft[4] - 2.0 / 3.0).abs() < 1e-6);
    assert_eq!((soft[0], soft[7]), (0.0, 1.0));
    let picture = Picture {
        values: &[0.5; 64],
        channels: 1,
        size: 8,
    };
    let mixed = by_share(picture, &[3.0; 64], &soft);
    assert_eq!((mixed[0], mixed[7]), (0.5, 1.0));
}
