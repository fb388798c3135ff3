//! The methods by name. What each of them does is in its file under `detector/`, and
//! `detector/registry.rs` leads from the name to that file.

use serde::{Deserialize, Serialize};

/// Makes the list of methods from one line each: its name here, its name in files and on the command
/// line, and where it comes from.
macro_rules! methods {
    ($($method:ident $name:literal $source:literal;)*) => {
        /// The methods.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
        #[non_exhaustive]
        pub enum Method {
            $(
                #[doc = $source]
                #[serde(rename = $name)]
                #[cfg_attr(feature = "cli", value(name = $name))]
                $method,
            )*
        }

        impl Method {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$method),*];

            /// Its name in files and on the command line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)*
                }
            }
        }
    };
}

methods! {
    SkipGanomaly "skip-ganomaly" "Akçay et al. 2019";
    Repair "repair" "Ours: Skip-GANomaly that repairs damaged images and marks the damage";
    Ganomaly "ganomaly" "Akçay et al. 2018";
    Anogan "anogan" "Schlegl et al. 2017";
    Egbad "egbad" "Zenati et al. 2018";
    Alocc "alocc" "Sabokrou et al. 2018";
    Aae "aae" "Makhzani et al. 2015";
    Pca "pca" "Principal components, residual norm";
    Nearest "nearest" "Distance to the nearest training image";
}

impl Default for Method {
    /// The first of the list.
    fn default() -> Self {
        Self::ALL[0]
    }
}

/// Their names, with commas between them.
pub fn listed(methods: &[Method]) -> String {
    let names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    names.join(", ")
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
