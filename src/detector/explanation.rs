//! A model's score in words.

use serde::Serialize;

use crate::calibration::rounded;
use crate::model_file::Header;
use crate::score::{Latent, Normalisation};

/// What A, R, L and M of a model are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// A from its parts, such as `A = 0.9 R + 0.1 L`; R′, L′ and M′ are normalised.
    pub formula: String,
    /// What R is: follows "The residual R is the".
    pub residual: &'static str,
    /// What L is: follows "The latent term L".
    pub latent: String,
    /// Whether L is the distance to the nearest entry of a memory bank.
    pub memory_bank: bool,
    /// What M is: follows "The marks M say". `None` if the method does not mark.
    pub marks: Option<String>,
    /// Where the heat map is hot: follows "The heat map shows where".
    pub heat_map: &'static str,
}

/// What M is.
const MARKS: &str =
    "how plainly the model marks something as damaged, in a few pixels or in a large area";

/// Explains the score of a model with this header.
pub fn explain(header: &Header) -> Explanation {
    let (spec, scoring) = (header.method.spec(), &header.scoring);
    let latent = spec.latent_meaning(scoring);
    let rest = rounded(1.0 - scoring.lambda);
    let [r, l, m] = match scoring.balance {
        Normalisation::None => ["R", "L", "M"],
        Normalisation::Quantile => ["R′", "L′", "M′"],
    };
    let mu = scoring.mu.filter(|_| spec.marks()).unwrap_or(0.0);
    let without_marks = |weight: f64| rounded((1.0 - mu) * weight);
    let terms = match latent {
        Some(_) => vec![
            (mu, m),
            (without_marks(scoring.lambda), r),
            (without_marks(rest), l),
        ],
        None => vec![(1.0, "R")],
    };
    let terms = terms.into_iter().filter(|(weight, _)| *weight != 0.0);
    let terms: Vec<String> = terms
        .map(|(weight, part)| match weight == 1.0 {
            true => part.to_owned(),
            false => format!("{weight} {part}"),
        })
        .collect();
    let unused = |meaning: &str, weight: f64| match weight == 0.0 {
        true => format!("{meaning}, and the score does not use it"),
        false => meaning.to_owned(),
    };
    Explanation {
        formula: format!("A = {}", terms.join(" + ")),
        residual: spec.residual_meaning(scoring),
        latent: match latent {
            Some(meaning) => unused(meaning, without_marks(rest)),
            None => "is not used, because this method has no networks".to_owned(),
        },
        memory_bank: latent.is_some() && scoring.latent == Latent::Memory,
        marks: spec.marks().then(|| unused(MARKS, mu)),
        heat_map: match spec.marks() {
            true => "the model marks something as damaged",
            false => "the image and its reconstruction differ",
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::data::image::Preprocessing;
    use crate::model_file::{FORMAT, Scoring};
    use crate::settings::method::Method;

    fn explained(method: Method, scoring: Scoring) -> Explanation {
        explain(&Header {
            format: FORMAT,
            method,
            architecture: None,
            preprocessing: Preprocessing::new(32, 1),
            scoring,
            calibration: None,
            training: None,
            self_check: None,
            licence: None,
        })
    }

    #[test]
    fn the_formula_has_the_weights_and_leaves_out_what_weighs_nothing() {
        let formula = |lambda, balance| {
            let scoring = Scoring {
                lambda,
                balance,
                ..Scoring::default()
            };
            explained(Method::SkipGanomaly, scoring).formula
        };
        assert_eq!(formula(0.9, Normalisation::None), "A = 0.9 R + 0.1 L");
        assert_eq!(formula(0.7, Normalisation::Quantile), "A = 0.7 R′ + 0.3 L′");
        assert_eq!(formula(1.0, Normalisation::None), "A = R");
        assert_eq!(formula(0.0, Normalisation::None), "A = L");
    }

    #[test]
    fn marks_come_before_what_weighs_the_rest() {
        let explained = |mu, lambda| {
            let scoring = Scoring {
                lambda,
                mu: Some(mu),
                balance: Normalisation::Quantile,
                ..Scoring::default()
            };
            explained(Method::Repair, scoring)
        };
        assert_eq!(explained(0.7, 0.0).formula, "A = 0.7 M′ + 0.3 L′");
        assert_eq!(
            explained(0.5, 0.9).formula,
            "A = 0.5 M′ + 0.45 R′ + 0.05 L′"
        );
        let alone = explained(1.0, 0.0);
        assert_eq!(alone.formula, "A = M′");
        let unused = |words: Option<&str>| words.expect("words").contains("does not use it");
        assert!(unused(Some(&alone.latent)) && !unused(alone.marks.as_deref()));
        assert!(unused(explained(0.0, 0.5).marks.as_deref()));
    }

    #[test]
    fn every_method_says_what_its_parts_are() {
        let mut said = BTreeSet::new();
        for &method in Method::ALL {
            let scoring = Scoring {
                lambda: method.lambda(),
                ..Scoring::default()
            };
            let Explanation {
                formula, latent, ..
            } = explained(method, scoring);
            assert_eq!(
                latent.contains("not use"),
                !formula.contains('L'),
                "{method}"
            );
            said.insert(latent);
        }
        // Without a memory bank, AnoGAN's L and Repair's are Skip-GANomaly's; the two without networks have none.
        assert_eq!(said.len(), Method::ALL.len() - 3);
    }

    #[test]
    fn the_nearest_neighbour_has_an_l_only_with_a_memory_bank() {
        let without = explained(Method::Nearest, Scoring::default());
        assert_eq!(
            (without.formula.as_str(), without.memory_bank),
            ("A = R", false)
        );
        let scoring = Scoring {
            lambda: 0.0,
            latent: Latent::Memory,
            ..Scoring::default()
        };
        let with = explained(Method::Nearest, scoring);
        assert_eq!((with.formula.as_str(), with.memory_bank), ("A = L", true));
    }
}
