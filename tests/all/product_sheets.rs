//! The contact sheets of docs/product-lines.md, which `scripts/product-sheets.sh` writes.

use std::path::Path;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::replace;
use skip_ganomaly::data::product::{Drift, DriftKind, Fault, Lot, Product, Purpose, Scene};

const SIZE: usize = 128;
const GAP: usize = 4;
const COLUMNS: usize = 8;
const ROWS_OF_NORMALS: usize = 2;
/// Size, in sides, and contrast of the faults of a row; the last picture is the mask of the one before it.
const FAULTS: [(f32, f32); 7] = [
    (0.04, 1.0),
    (0.08, 1.0),
    (0.12, 1.0),
    (0.20, 1.0),
    (0.12, 0.25),
    (0.12, 0.5),
    (0.12, 1.0),
];

/// Two rows of normal parts, a row of each kind of fault, and a row of drifts.
fn sheet(product: Product) -> RgbImage {
    let lot = Lot::new(product, 0);
    let cell = SIZE + GAP;
    let rows = ROWS_OF_NORMALS + product.faults().len() + 1;
    let mut sheet = RgbImage::from_pixel(
        (COLUMNS * cell - GAP) as u32,
        (rows * cell - GAP) as u32,
        image::Rgb([255; 3]),
    );
    let side = SIZE as u32;
    let mut put = |row: usize, column: usize, pixels: Vec<u8>| {
        let picture = RgbImage::from_raw(side, side, pixels).expect("three bytes a pixel");
        replace(
            &mut sheet,
            &picture,
            (column * cell) as i64,
            (row * cell) as i64,
        );
    };
    for number in 0..ROWS_OF_NORMALS * COLUMNS {
        let part = lot.part(Purpose::Good, number as u32);
        put(number / COLUMNS, number % COLUMNS, part.photograph(SIZE, 3));
    }
    for (at, &kind) in product.faults().iter().enumerate() {
        let row = ROWS_OF_NORMALS + at;
        for (column, (size, contrast)) in FAULTS.into_iter().enumerate() {
            // The faint ones are the plain one of the end, as it grows.
            let number = (row * COLUMNS + column.min(4)) as u32;
            let scene = lot.part(Purpose::Faulty, number);
            let seed = scene.fault.expect("a faulty part").seed;
            let fault = Some(Fault {
                kind,
                size,
                contrast,
                seed,
            });
            let scene = Scene { fault, ..scene };
            put(row, column, scene.photograph(SIZE, 3));
            if column + 1 == FAULTS.len() {
                let mask = scene
                    .mask(SIZE, 3)
                    .iter()
                    .flat_map(|&v| [255 * v; 3])
                    .collect();
                put(row, column + 1, mask);
            }
        }
    }
    for (at, kind) in DriftKind::ALL.into_iter().enumerate() {
        for (step, amount) in [0.0, 1.0].into_iter().enumerate() {
            let drift = Some(Drift { kind, amount });
            let part = Scene {
                drift,
                ..lot.part(Purpose::Good, 100 + at as u32)
            };
            put(rows - 1, 2 * at + step, part.photograph(SIZE, 3));
        }
    }
    sheet
}

#[test]
#[ignore = "writes the documentation's pictures: scripts/product-sheets.sh"]
fn product_sheets() {
    let folder = std::env::var("SHEETS_TO").expect("SHEETS_TO names a folder");
    for product in Product::ALL {
        let path = Path::new(&folder).join(format!("product-{}.jpg", product.as_str()));
        let file = std::fs::File::create(&path).expect("a folder that can be written to");
        JpegEncoder::new_with_quality(file, 88)
            .encode_image(&sheet(product))
            .expect("a JPEG");
    }
}
