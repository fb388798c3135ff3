//! How well methods without a network tell the faults of the product lines: the table of docs/product-lines.md, which
//! `scripts/product-table.sh` writes.

use std::fmt::Write as _;
use std::sync::Arc;

use burn::tensor::Device;
use skip_ganomaly::data::image::{Picture, Preprocessing};
use skip_ganomaly::data::product::Product;
use skip_ganomaly::data::product_set::{Part, ProductOptions, ProductSet};
use skip_ganomaly::detector::nearest::Nearest;
use skip_ganomaly::detector::pca::Pca;
use skip_ganomaly::detector::{Detector, score_on_all_threads};
use skip_ganomaly::metrics::auroc;

const SIZE: usize = 64;
const NORMALS: usize = 500;
const GOOD: usize = 200;
const FAULTY_OF_A_KIND: usize = 40;
const COMPONENTS: usize = 32;

/// Sizes of faults in pixels: small and large.
const BANDS: [&str; 2] = ["2..5", "8..16"];

const MARKS: [&str; 2] = [
    "<!-- table: written by scripts/product-table.sh -->",
    "<!-- end of table -->",
];

/// A set's parts to train on and to test on, with faults of one band.
fn parts(product: Product, band: &str) -> [Vec<Part>; 2] {
    let faulty = FAULTY_OF_A_KIND * product.faults().len();
    let test = GOOD + faulty;
    let text = format!(
        "{},size={SIZE},normals={NORMALS},test={test},fault-share={},fault-size={band}",
        product.as_str(),
        faulty as f64 / test as f64
    );
    let options = ProductOptions::parse(&text).expect("valid options");
    Arc::new(ProductSet::new(&options).expect("a valid set")).parts()
}

/// `[n, 3, SIZE, SIZE]` as one vector.
fn values(parts: &[Part], input: &Preprocessing) -> Vec<f32> {
    let one = |part: &Part| {
        let pixels = part.render().expect("a fault that shows").pixels;
        input.apply(&Picture::from_raw(SIZE as u32, SIZE as u32, 3, pixels))
    };
    parts.iter().flat_map(one).collect()
}

fn brightness(values: &[f32], input: &Preprocessing) -> Vec<f64> {
    let mean = |picture: &[f32]| {
        picture.iter().map(|&value| f64::from(value)).sum::<f64>() / picture.len() as f64
    };
    values.chunks_exact(input.values()).map(mean).collect()
}

fn anomaly(detector: &dyn Detector, values: &[f32]) -> Vec<f64> {
    let scored = score_on_all_threads(detector, values).expect("a readable device");
    scored
        .iter()
        .map(|scored| scored.raw.anomaly_score)
        .collect()
}

/// A line for each kind of fault: the AUROC of each method, for small and for large ones.
fn rows(product: Product) -> String {
    let input = Preprocessing::new(SIZE, 3);
    let device = Device::flex();
    let bands = BANDS.map(|band| parts(product, band));
    let train = values(&bands[0][0], &input);
    let levels = brightness(&train, &input);
    let usual = levels.iter().sum::<f64>() / levels.len() as f64;
    let fitted = pollster::block_on(Pca::fit(&train, COMPONENTS, &input, &device));
    let pca = fitted.expect("a readable device");
    let nearest = Nearest::fit(&train, &input, &device);
    let scored = bands.map(|[_, test]| {
        let values = values(&test, &input);
        let levels = brightness(&values, &input);
        let off = levels.iter().map(|level| (level - usual).abs()).collect();
        (
            test,
            [off, anomaly(&pca, &values), anomaly(&nearest, &values)],
        )
    });
    let mut rows = String::new();
    for &kind in product.faults() {
        let _ = write!(rows, "| {} | {} |", product.as_str(), kind.as_str());
        for method in 0..3 {
            for (test, scores) in &scored {
                let chosen = test.iter().zip(&scores[method]);
                let chosen = chosen.filter(|(part, _)| part.fault().is_none_or(|own| own == kind));
                let (abnormal, scores): (Vec<bool>, Vec<f64>) = chosen
                    .map(|(part, &score)| (part.fault().is_some(), score))
                    .unzip();
                let area = auroc(&scores, &abnormal).expect("both kinds");
                let _ = write!(rows, " {area:.2} |");
            }
        }
        rows.push('\n');
    }
    rows
}

/// Nothing is chosen by these numbers. `TABLE_TO` names the page to write them to.
#[test]
#[ignore = "takes a minute and asserts nothing; scripts/product-table.sh runs it"]
fn table() {
    let [small, large] = BANDS.map(|band| format!("{} px", band.replace("..", " to ")));
    let mut table = format!(
        "| line | fault | brightness, {small} | {large} | PCA-{COMPONENTS}, {small} | {large} | nearest, {small} | {large} |\n\
         |---|---|---|---|---|---|---|---|\n"
    );
    for product in Product::ALL {
        table += &rows(product);
    }
    println!("{table}");
    if let Ok(path) = std::env::var("TABLE_TO") {
        let page = std::fs::read_to_string(&path).expect("the page");
        let [from, to] = MARKS.map(|mark| page.find(mark).expect("a mark of the table"));
        let before = &page[..from + MARKS[0].len()];
        std::fs::write(&path, format!("{before}\n\n{table}\n{}", &page[to..])).expect("written");
    }
}
