//! Which images a verb works on: one set of options for all verbs that take data.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::data::classes::Split;
use crate::data::dataset::{Dataset, Kind, Options, parse_source};

/// Default memory for prepared images, in MiB.
const CACHE_MIB: u64 = 1024;

/// The data and which part of them is used. Stored in a run's settings.
///
/// Each verb decides whether `--data` is required: `--resume` works without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct DataArgs {
    /// Images: a folder, cifar10:DIR, idx:DIR, or product:LINE for rendered parts of a product line, with
    /// options of generate as in product:gear,size=64,drift=light
    #[arg(long, value_name = "DATA")]
    pub data: Option<String>,
    /// The abnormal class, by name or number; all others are normal
    #[arg(long, value_name = "CLASS", conflicts_with = "normal")]
    pub abnormal: Option<String>,
    /// The normal class, by name or number; all others are abnormal
    #[arg(long, value_name = "CLASS")]
    pub normal: Option<String>,
    /// Which images to test on if a class is chosen [default: official]
    #[arg(long, value_enum)]
    pub split: Option<Split>,
    /// Maximum number of normal training images; from a larger set, a random sample is drawn with the seed
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroUsize>,
    /// Maximum number of test images; from a larger set, a random sample is drawn with the seed, from each
    /// class in proportion
    #[arg(long, value_name = "N")]
    pub test_limit: Option<NonZeroUsize>,
    /// Memory for prepared training images in MiB; those that do not fit are decoded again in each epoch
    /// [default: 1024]
    #[arg(long, value_name = "MIB")]
    pub cache_mib: Option<u64>,
}

impl DataArgs {
    /// Opens the data.
    ///
    /// # Errors
    /// If no data are named or they are not as expected.
    pub fn open(&self, seed: u64) -> Result<Dataset> {
        self.open_with_seeds(seed, seed)
    }

    /// As [`DataArgs::open`], with a separate seed for the subsample of `--limit`.
    ///
    /// # Errors
    /// As [`DataArgs::open`].
    pub fn open_with_seeds(&self, limit_seed: u64, seed: u64) -> Result<Dataset> {
        let source = self.data.as_deref().context("--data is missing")?;
        let options = Options {
            abnormal: self.abnormal.clone(),
            normal: self.normal.clone(),
            split: self.split,
            limit: self.limit,
            test_limit: self.test_limit,
            seed,
            limit_seed: Some(limit_seed),
        };
        Ok(Dataset::open(source, &options)?)
    }

    /// Bytes for prepared images.
    pub fn cache_bytes(&self) -> u64 {
        self.cache_mib.unwrap_or(CACHE_MIB).saturating_mul(1 << 20)
    }

    /// The same with an absolute path, so that it holds wherever the program is started next.
    ///
    /// # Errors
    /// If the current folder is not known.
    pub fn absolute(&self) -> Result<Self> {
        let absolute = |source: &String| -> Result<String> {
            let (kind, folder) = parse_source(source);
            if kind == Kind::Product {
                return Ok(source.clone());
            }
            let folder = std::path::absolute(folder)
                .with_context(|| format!("cannot determine the absolute path of {source}"))?;
            let folder = folder.to_str().with_context(|| {
                format!(
                    "expected a folder with a UTF-8 name, got {}",
                    folder.display()
                )
            })?;
            Ok(match kind {
                Kind::Folder => folder.to_owned(),
                kind => format!("{}:{folder}", kind.as_str()),
            })
        };
        Ok(Self {
            data: self.data.as_ref().map(absolute).transpose()?,
            ..self.clone()
        })
    }

    /// A run's own settings, with those that may differ on resuming: where the data are now, and how much
    /// memory to use.
    pub fn resumed_with(&self, now: &Self) -> Self {
        Self {
            data: now.data.clone().or_else(|| self.data.clone()),
            cache_mib: now.cache_mib.or(self.cache_mib),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgGroup, Parser};

    use super::*;

    /// As in a verb that requires `--data`.
    #[derive(Parser)]
    #[command(group(ArgGroup::new("needed").args(["data"]).required(true)))]
    struct Verb {
        #[command(flatten)]
        data: DataArgs,
    }

    fn parse(arguments: &[&str]) -> Result<DataArgs, clap::Error> {
        let arguments = std::iter::once(&"x").chain(arguments);
        Verb::try_parse_from(arguments).map(|verb| verb.data)
    }

    #[test]
    fn options_are_parsed() {
        let args = parse(&[
            "--data",
            "cifar10:x",
            "--abnormal",
            "cat",
            "--split",
            "published",
            "--limit",
            "9",
        ]);
        let args = args.unwrap();
        assert_eq!(args.data.as_deref(), Some("cifar10:x"));
        assert_eq!(args.split, Some(Split::Published));
        assert_eq!(
            (args.limit, args.cache_bytes()),
            (NonZeroUsize::new(9), 1 << 30)
        );
        for wrong in [
            &["--abnormal", "cat"][..],
            &["--data", "x", "--abnormal", "a", "--normal", "b"],
            &["--data", "x", "--limit", "0"],
            &["--data", "x", "--split", "other"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        let message = DataArgs::default().open(0).unwrap_err().to_string();
        assert!(message.contains("--data"), "{message}");
    }

    #[test]
    fn settings_survive_a_file() {
        let args = parse(&["--data", "idx:y", "--normal", "3", "--cache-mib", "7"]).unwrap();
        let text = serde_json::to_string(&args).unwrap();
        assert_eq!(serde_json::from_str::<DataArgs>(&text).unwrap(), args);

        let absolute = args.absolute().unwrap().data.unwrap();
        let folder = absolute.strip_prefix("idx:").unwrap();
        assert!(std::path::Path::new(folder).is_absolute() && folder.ends_with('y'));

        let now = DataArgs {
            data: Some("idx:z".into()),
            normal: Some("4".into()),
            ..DataArgs::default()
        };
        let resumed = args.resumed_with(&now);
        assert_eq!(resumed.data.as_deref(), Some("idx:z"));
        assert_eq!(
            (resumed.normal.as_deref(), resumed.cache_mib),
            (Some("3"), Some(7))
        );
    }
}
