//! A model's score in words.

use serde::Serialize;

use crate::model_file::Header;
use crate::score::{Latent, Normalisation};

/// What A, R and L of a model are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// A from R and L, such as `A = 0.9 R + 0.1 L`; R′ and L′ are normalised.
    pub formula: String,
    /// What R is: follows "The residual R is the".
    pub residual: &'static str,
    /// What L is: follows "The latent term L".
    pub latent: String,
    /// Whether L is the distance to the nearest entry of a memory bank.
    pub memory_bank: bool,
}

/// Explains the score of a model with this header.
pub fn explain(header: &Header) -> Explanation {
    let (spec, scoring) = (header.method.spec(), &header.scoring);
    let latent = spec.latent_meaning(scoring);
    let rest = ((1.0 - scoring.lambda) * 1e6).round() / 1e6;
    let (r, l) = match scoring.balance {
        Normalisation::None => ("R", "L"),
        Normalisation::Quantile => ("R′", "L′"),
    };
    let terms = match latent {
        Some(_) => vec![(scoring.lambda, r), (rest, l)],
        None => vec![(1.0, "R")],
    };
    let terms = terms.into_iter().filter(|(weight, _)| *weight != 0.0);
    let terms: Vec<String> = terms
        .map(|(weight, part)| match weight == 1.0 {
            true => part.to_owned(),
            false => format!("{weight} {part}"),
        })
        .collect();
    Explanation {
        formula: format!("A = {}", terms.join(" + ")),
        residual: spec.residual_meaning(scoring),
        latent: match latent {
            Some(meaning) if rest == 0.0 => format!("{meaning}, and the score does not use it"),
            Some(meaning) => meaning.to_owned(),
            None => "is not used, because this method has no networks".to_owned(),
        },
        memory_bank: latent.is_some() && scoring.latent == Latent::Memory,
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
        // AnoGAN's L is Skip-GANomaly's, and the two without networks have none.
        assert_eq!(said.len(), Method::ALL.len() - 2);
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
