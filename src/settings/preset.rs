//! Named settings to start from.

use serde::{Deserialize, Serialize};

/// Named settings to start from. What a preset changes, a method says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The published settings, from the paper or its code.
    #[default]
    Paper,
    /// Removes all skip connections, trains half as long and scores by the distance to the nearest
    /// encoding in a memory bank: more accurate than `paper` on all four data sets of docs/results.md.
    Memory,
    /// Trains the method `repair`: the generator repairs images that were damaged on purpose, and the
    /// discriminator marks what was damaged.
    Repair,
}
