//! `compare`: trains and evaluates several methods on one split, with the same seeds and budget.
//!
//! Each method's run has a folder as `train` writes it, so an interrupted comparison can be resumed.
//! Everything is scored by the honest protocol, and nothing is chosen on the test images.

mod args;
mod comparison;
mod output;
mod plan;
mod report;
mod runs;
mod scores;

pub use args::Args;

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Result;
use clap::ArgMatches;

use super::device::Check;
use super::evaluate::test_set::{data_name, needs_both_kinds, published_table};
use super::exit::Outcome;
use super::images::{prepare, report_skipped};
use super::train::job::watch_for_interruption;
use crate::evaluation::{Evaluation, Resampling};
use crate::settings::config::TrainConfig;
use comparison::Comparison;
use plan::{Plan, run_folder};

pub fn run(args: &Args, given: &ArgMatches) -> Result<Outcome> {
    let plan = Plan::new(args, given)?;
    let data = args.data.absolute()?;
    // Check before hours of training, not after.
    for (config, path) in plan.all_runs(&args.report) {
        runs::find(&path, &plan.wanted(&config, &data))?;
    }
    let stop = watch_for_interruption()?;
    let device = args.device.open(Check {
        training: &plan.configs,
        ..Check::default()
    })?;

    let mut first = None;
    let (mut rows, mut methods) = (Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    let mut unread = Vec::new();
    for &seed in &plan.seeds {
        let mut set = data.open(seed)?;
        eprintln!("{}: {}", set.source, set.description);
        needs_both_kinds(&set)?;
        published_table(args.published_table.as_deref(), &set)?;
        let input = plan.configs[0].preprocessing();
        let train = std::mem::take(&mut set.train);
        let pictures = Rc::new(prepare(train, &input, data.cache_bytes())?);
        unread.extend(pictures.skipped().iter().cloned());
        for config in &plan.configs {
            let config = TrainConfig {
                seed,
                ..config.clone()
            };
            let path = run_folder(&args.report, config.method, seed);
            let wanted = plan.wanted(&config, &data);
            let Some(run) = runs::train(&path, &wanted, &pictures, &device, &stop)? else {
                return Ok(Outcome::Interrupted);
            };
            let resampling = Resampling {
                resamples: args.bootstrap.get(),
                seed,
            };
            let name = plan.label(config.method, seed);
            let scored = scores::of(&run, name, &set, &device, resampling)?;
            methods.push(scored.result);
            for unreadable in scored.skipped {
                if !skipped.contains(&unreadable) {
                    skipped.push(unreadable);
                }
            }
            rows.push(run.into_row(config.method, seed));
        }
        first.get_or_insert(set);
    }
    let set = first.expect("at least one seed");
    unread.sort();
    unread.dedup();
    let of_test = skipped
        .iter()
        .map(|(name, reason)| (PathBuf::from(name), reason.clone()));
    report_skipped(&of_test.collect::<Vec<_>>());
    let of_training = unread
        .iter()
        .map(|(path, reason)| (path.display().to_string(), reason.clone()));
    skipped.extend(of_training);
    let literature = published_table(args.published_table.as_deref(), &set)?;
    let split = set.description.clone();
    let evaluation = Evaluation::new(data_name(&set), split, methods, skipped, literature);
    let comparison = Comparison {
        plan,
        set,
        rows,
        evaluation,
    };
    report::write(&comparison, &args.report, &device.device)?;
    eprintln!("report: {}", args.report.join("report.html").display());

    let mut out = std::io::stdout().lock();
    match args.json {
        true => output::print_json(&mut out, &comparison, &args.report)?,
        false => output::print_table(&mut out, &comparison)?,
    }
    Ok(match comparison.evaluation.skipped.is_empty() {
        true => Outcome::Done,
        false => Outcome::SomeSkipped,
    })
}
