//! How many pictures of each product line are rendered in a second on one thread: one JSON object a line on stdout.
//!
//! `cargo bench --bench rendering`

use std::time::Instant;

use skip_ganomaly::data::product::{Lot, Product, Purpose};

/// Pictures of one measurement, and measurements, of which the median counts.
const PICTURES: u32 = 20;
const REPEATS: usize = 9;

fn main() {
    for product in Product::ALL {
        let lot = Lot::new(product, 0);
        for size in [64, 128] {
            let mut times: Vec<f64> = (0..REPEATS)
                .map(|_| {
                    let started = Instant::now();
                    for number in 0..PICTURES {
                        let picture = lot.part(Purpose::Faulty, number).photograph(size, 3);
                        std::hint::black_box(picture);
                    }
                    started.elapsed().as_secs_f64()
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let line = serde_json::json!({
                "name": format!("render_{}", product.as_str()),
                "size": size,
                "channels": 3,
                "pictures_per_second": f64::from(PICTURES) / times[REPEATS / 2],
            });
            println!("{line}");
        }
    }
}
