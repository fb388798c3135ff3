//! Published AUROCs, to show with ours.
//!
//! They were obtained in the way that [`PUBLISHED_WARNING`](super::PUBLISHED_WARNING) warns of, or by
//! code that was not published: use them for comparison, not as a target.

use serde::{Deserialize, Serialize};

/// What belongs with a published table.
pub const CAVEAT: &str = "As published: from the authors' own runs and test sets, with the best epoch \
    chosen on the test images and scores computed with batch statistics. A score that does not depend on \
    which class is abnormal averages 0.5 over ten classes.";

/// CIFAR-10's classes in the order of their labels.
const CIFAR10: [&str; 10] = [
    "plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
];

/// The data set's own names for two of them.
const CIFAR10_LONG: [(&str, &str); 2] = [("airplane", "plane"), ("automobile", "car")];

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const CIFAR10_SOURCE: &str = "Akçay, Atapour-Abarghouei, Breckon: Skip-GANomaly, 2019, \
    arXiv 1901.08954: AUROC on CIFAR-10, one class abnormal, nine normal";

const MNIST_SOURCE: &str = "Akçay, Atapour-Abarghouei, Breckon: GANomaly, 2018, arXiv 1805.06725, \
    version 1: AUROC on MNIST, one digit abnormal, nine normal";

const SPEED_SOURCE: &str = "Akçay, Atapour-Abarghouei, Breckon: GANomaly, 2018, arXiv 1805.06725: \
    run time per image";

/// Published AUROCs on one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedTable {
    /// `cifar10` or `mnist`.
    pub data: String,
    /// The classes, in the order of the data set's labels.
    pub classes: Vec<String>,
    /// Which of `classes` was asked for.
    pub class_index: Option<usize>,
    /// One method each.
    pub rows: Vec<PublishedRow>,
    /// Where the AUROCs were printed.
    pub source: String,
    /// Where the times were printed.
    pub speed_source: String,
    /// What belongs with the numbers.
    pub caveat: String,
}

/// One method in the literature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// The method as its paper writes it.
    pub method: String,
    /// AUROC with each class abnormal. Empty where only the mean was published.
    pub auroc: Vec<f64>,
    /// Mean over the classes.
    pub mean: f64,
    /// Smallest and largest published time, where there is one.
    pub milliseconds_per_picture: Option<(f64, f64)>,
}

impl PublishedTable {
    /// The class that was asked for.
    pub fn class(&self) -> Option<&str> {
        self.classes.get(self.class_index?).map(String::as_str)
    }

    /// A row's AUROC for that class.
    pub fn auroc(&self, row: &PublishedRow) -> Option<f64> {
        row.auroc.get(self.class_index?).copied()
    }
}

/// The table of a kind of data set: `cifar10` or `mnist`. `abnormal` picks a class by its name
/// (`plane` or `airplane`) or its label (`0`); none picks no class.
///
/// None if nothing was published for that kind, or it has no such class.
pub fn table(kind: &str, abnormal: Option<&str>) -> Option<PublishedTable> {
    let (classes, source, rows) = match kind {
        "cifar10" => (CIFAR10, CIFAR10_SOURCE, cifar10()),
        "mnist" => (DIGITS, MNIST_SOURCE, mnist()),
        _ => return None,
    };
    let class_index = match abnormal {
        Some(class) => Some(index_of(&classes, class)?),
        None => None,
    };
    Some(PublishedTable {
        data: kind.into(),
        classes: classes.map(str::to_owned).into(),
        class_index,
        rows,
        source: source.into(),
        speed_source: SPEED_SOURCE.into(),
        caveat: CAVEAT.into(),
    })
}

fn index_of(classes: &[&str; 10], class: &str) -> Option<usize> {
    let long = CIFAR10_LONG.iter().find(|(long, _)| *long == class);
    let short = long.map_or(class, |&(_, short)| short);
    let position = |names: &[&str; 10]| names.iter().position(|&name| name == short);
    position(classes).or_else(|| position(&DIGITS))
}

fn row(method: &str, auroc: &[f64], mean: f64) -> PublishedRow {
    PublishedRow {
        method: method.into(),
        auroc: auroc.into(),
        mean,
        milliseconds_per_picture: match method {
            "AnoGAN" => Some((7_120.0, 7_120.0)),
            "EGBAD" => Some((8.9, 8.9)),
            "GANomaly" => Some((2.2, 2.8)),
            _ => None,
        },
    }
}

#[rustfmt::skip]
fn cifar10() -> Vec<PublishedRow> {
    vec![
        row("AnoGAN", &[0.516, 0.492, 0.411, 0.399, 0.335, 0.393, 0.321, 0.399, 0.567, 0.511], 0.434),
        row("EGBAD", &[0.577, 0.514, 0.383, 0.448, 0.374, 0.481, 0.353, 0.526, 0.413, 0.555], 0.462),
        row("GANomaly", &[0.633, 0.631, 0.510, 0.587, 0.593, 0.628, 0.683, 0.605, 0.616, 0.617], 0.610),
        row("Skip-GANomaly", &[0.797, 0.953, 0.448, 0.607, 0.602, 0.615, 0.931, 0.788, 0.659, 0.907], 0.731),
    ]
}

#[rustfmt::skip]
fn mnist() -> Vec<PublishedRow> {
    vec![
        row("AnoGAN", &[], 0.430),
        row("EGBAD", &[], 0.500),
        row("GANomaly", &[0.850, 0.330, 0.920, 0.771, 0.770, 0.800, 0.880, 0.780, 0.890, 0.580], 0.757),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_means_are_those_of_the_classes() {
        for kind in ["cifar10", "mnist"] {
            for row in table(kind, None).unwrap().rows {
                let sum: f64 = row.auroc.iter().sum();
                assert!(
                    row.auroc.is_empty() || (sum / 10.0 - row.mean).abs() < 0.000_51,
                    "{kind}, {}: {}",
                    row.method,
                    sum / 10.0
                );
            }
        }
    }

    #[test]
    fn a_class_is_found_by_name_and_label() {
        for class in ["plane", "airplane", "0"] {
            let table = table("cifar10", Some(class)).unwrap();
            assert_eq!(table.class(), Some("plane"));
            assert_eq!(table.auroc(&table.rows[3]), Some(0.797));
        }
        let digit = table("mnist", Some("3")).unwrap();
        let aurocs: Vec<_> = digit.rows.iter().map(|row| digit.auroc(row)).collect();
        assert_eq!(aurocs, [None, None, Some(0.771)]);
        assert_eq!(table("cifar10", None).unwrap().class(), None);
        assert_eq!(table("cifar10", Some("gun")), None);
        assert_eq!(table("mnist", Some("airplane")), None);
        assert_eq!(table("solar-ir", None), None);
    }
}
