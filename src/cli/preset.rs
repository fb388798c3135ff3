//! What the commands that train share: their presets.

use anyhow::Result;

use crate::detector::options;
use crate::settings::method::{Method, listed};
use crate::settings::preset::Preset;

/// Stands below the settings in the help of the commands that train.
pub const STARTS_FROM: &str = "A method starts from its published settings where they differ from the defaults above. \
     `skip-ganomaly schema --markdown` lists them, and the methods that use each setting.";

/// Refuses a preset that none of the methods has.
pub fn check_preset(preset: Preset, methods: &[Method]) -> Result<()> {
    let having = options::methods_with(preset);
    anyhow::ensure!(
        methods.iter().any(|method| having.contains(method)),
        "this --preset applies to {}, got {}",
        listed(&having),
        listed(methods)
    );
    Ok(())
}
