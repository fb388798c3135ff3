//! What `compare` prints: a table for people, one object for programs.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::comparison::{Comparison, Row};
use crate::cli::evaluate::output::print_published;
use crate::evaluation::{Interval, MethodResult};
use crate::report::means;

pub fn print_table(out: &mut impl Write, comparison: &Comparison) -> Result<()> {
    let evaluation = &comparison.evaluation;
    for warning in &evaluation.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(out, "budget: {}", comparison.plan.budget())?;
    writeln!(
        out,
        "{:<14} {:>5} {:>7} {:>15} {:>7} {:>15} {:>10} {:>10} {:>12}",
        "method",
        "seed",
        "AUROC",
        "95 % interval",
        "AUPRC",
        "95 % interval",
        "train s",
        "ms/image",
        "parameters"
    )?;
    for (row, result) in comparison.rows.iter().zip(&evaluation.methods) {
        let Some(mix) = result.full_mix() else {
            continue;
        };
        let range = |i: Interval| format!("{:.3} to {:.3}", i.low, i.high);
        let (auroc, auprc) = (mix.metrics.auroc, mix.metrics.auprc);
        writeln!(
            out,
            "{:<14} {:>5} {:>7.3} {:>15} {:>7.3} {:>15} {:>10.1} {:>10.3} {:>12}",
            row.method.as_str(),
            row.seed,
            auroc.value,
            range(auroc),
            auprc.value,
            range(auprc),
            row.train_secs,
            result.milliseconds_per_picture,
            result.parameters,
        )?;
    }
    if comparison.plan.seeds.len() > 1 {
        writeln!(out, "mean ± standard deviation over the seeds:")?;
        for mean in means(&comparison.compared(), evaluation) {
            writeln!(
                out,
                "  {:<14} AUROC {}, AUPRC {}",
                mean.method, mean.auroc, mean.auprc
            )?;
        }
    }
    match &evaluation.published {
        Some(table) => print_published(out, table),
        None => Ok(()),
    }
}

pub fn print_json(out: &mut impl Write, comparison: &Comparison, report: &Path) -> Result<()> {
    let Comparison {
        plan,
        set,
        rows,
        evaluation,
    } = comparison;
    let config = &plan.configs[0];
    let methods: Vec<_> = plan.configs.iter().map(|config| config.method).collect();
    let each = rows.iter().zip(&evaluation.methods);
    let rows: Vec<Value> = each.map(|(row, result)| row_json(row, result)).collect();
    let means: Vec<Value> = means(&comparison.compared(), evaluation)
        .iter()
        .map(|mean| json!({"method": mean.method, "auroc": mean.auroc, "auprc": mean.auprc}))
        .collect();
    let object = json!({
        "data": set.source,
        "split": evaluation.split,
        "protocol": "honest",
        "size": config.size,
        "channels": config.channels,
        "methods": methods,
        "seeds": plan.seeds,
        "steps": plan.steps,
        "minutes": plan.minutes,
        "rows": rows,
        "means": means,
        "warnings": evaluation.warnings,
        "published": evaluation.published,
        "skipped": evaluation.skipped.len(),
        "report": report.join("report.html"),
    });
    writeln!(out, "{object}")?;
    Ok(())
}

fn row_json(row: &Row, result: &MethodResult) -> Value {
    let metrics = result.full_mix().map(|mix| &mix.metrics);
    let auroc = metrics.map(|metrics| metrics.auroc);
    let auprc = metrics.map(|metrics| metrics.auprc);
    json!({
        "method": row.method,
        "seed": row.seed,
        "auroc": auroc.map(|i| i.value),
        "auroc_low": auroc.map(|i| i.low),
        "auroc_high": auroc.map(|i| i.high),
        "auprc": auprc.map(|i| i.value),
        "auprc_low": auprc.map(|i| i.low),
        "auprc_high": auprc.map(|i| i.high),
        "train_secs": row.train_secs,
        "ms_per_image": result.milliseconds_per_picture,
        "parameters": result.parameters,
        "steps": row.training.steps,
        "trained_on": row.training.pictures,
        "held_out": row.training.held_out,
        "data_digest": row.training.data_digest,
        "normal": metrics.map(|metrics| metrics.normals),
        "abnormal": metrics.map(|metrics| metrics.abnormal),
        "pixel": result.pixel,
        "model": row.model,
    })
}
