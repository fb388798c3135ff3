//! What `evaluate` prints: a table for people, one object for programs.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::args::Args;
use crate::data::dataset::Dataset;
use crate::data::image::Preprocessing;
use crate::evaluation::{
    ClassMetrics, Evaluation, FaultOrigin, MethodResult, Protocol, PublishedTable, Simulated,
    detection_in_words,
};
use crate::metrics::Confusion;

/// Name of all abnormal classes together.
const FULL_MIX: &str = "full mix";

/// The method's name, with its protocol if that leaks.
fn label(result: &MethodResult) -> String {
    match result.protocol {
        Protocol::Honest => result.method.clone(),
        Protocol::Published => format!("{} ({})", result.method, result.protocol),
    }
}

fn class(row: &ClassMetrics) -> &str {
    row.class.as_deref().unwrap_or(FULL_MIX)
}

pub fn print_table(out: &mut impl Write, evaluation: &Evaluation) -> Result<()> {
    for warning in &evaluation.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    if let Some(simulated) = &evaluation.simulated {
        print_simulated(out, simulated)?;
    }
    if evaluation.methods.is_empty() {
        // No labelled images.
        return Ok(());
    }
    let names = evaluation.methods.iter().map(|m| label(m).chars().count());
    let width = names.max().unwrap_or_default().max(14);
    writeln!(
        out,
        "{:<width$} {:<16} {:>7} {:>9} {:>7} {:>15} {:>7} {:>7} {:>7} {:>7}",
        "method",
        "class",
        "normal",
        "abnormal",
        "AUROC",
        "95 % interval",
        "AUPRC",
        "F1max",
        "EER",
        "FPR95"
    )?;
    for method in &evaluation.methods {
        for row in &method.classes {
            let metrics = &row.metrics;
            let interval = format!("{:.3} to {:.3}", metrics.auroc.low, metrics.auroc.high);
            writeln!(
                out,
                "{:<width$} {:<16} {:>7} {:>9} {:>7.3} {interval:>15} {:>7.3} {:>7.3} {:>7.3} {:>7.3}",
                label(method),
                class(row),
                metrics.normals,
                metrics.abnormal,
                metrics.auroc.value,
                metrics.auprc.value,
                metrics.f1_max,
                metrics.eer,
                metrics.fpr_at_95_tpr,
            )?;
        }
    }
    for method in &evaluation.methods {
        if let Some(at) = &method.confusion {
            let share = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
            writeln!(
                out,
                "{}: above the threshold {}: {:.1} % of the normal and {:.1} % of the abnormal images",
                label(method),
                at.threshold,
                share(at.false_positives, at.false_positives + at.true_negatives),
                share(at.true_positives, at.true_positives + at.false_negatives),
            )?;
        }
        if let Some(pixel) = &method.pixel {
            writeln!(
                out,
                "{}: pixels of {} masked images: AUROC {:.3}, PRO {:.3}",
                label(method),
                pixel.masked_pictures,
                pixel.auroc,
                pixel.pro
            )?;
        }
        if let Some(epochs) = &method.epochs {
            writeln!(
                out,
                "{}: best epoch on the test images: {} of {}, AUROC {:.3}; last epoch: {:.3}",
                label(method),
                epochs.best_epoch,
                epochs.per_epoch_auroc.len(),
                epochs.best_auroc,
                epochs.last_auroc
            )?;
        }
    }
    match &evaluation.published {
        Some(table) => print_published(out, table),
        None => Ok(()),
    }
}

/// Prints how small a fault the model finds.
fn print_simulated(out: &mut impl Write, simulated: &Simulated) -> Result<()> {
    writeln!(
        out,
        "simulated faults on {} held-out normal images (seed {}): AUROC {:.3}; pixels: AUROC {:.3}, PRO {:.3}",
        simulated.normals,
        simulated.seed,
        simulated.image_auroc,
        simulated.pixel_auroc,
        simulated.pro
    )?;
    writeln!(
        out,
        "at {:.1} % false alarms on the undamaged images the model finds 90 % of",
        100.0 * simulated.false_alarm_rate
    )?;
    let together = (
        "scratch and spot".to_owned(),
        simulated.contrast,
        &simulated.detection,
    );
    let each = simulated.series.iter().map(|series| {
        let kind = match series.origin {
            FaultOrigin::Simulated => series.kind.clone(),
            FaultOrigin::Rendered => format!("{} (rendered)", series.kind),
        };
        (kind, series.contrast, &series.detection)
    });
    for (kind, contrast, detection) in std::iter::once(together).chain(each) {
        writeln!(
            out,
            "  {kind:<28} contrast {contrast:<3}  {}",
            detection_in_words(detection)
        )?;
    }
    Ok(())
}

/// Prints the published results for the abnormal class.
pub fn print_published(out: &mut impl Write, table: &PublishedTable) -> Result<()> {
    let class = table.class().unwrap_or(FULL_MIX);
    writeln!(out, "published, {class} abnormal ({}):", table.source)?;
    for row in &table.rows {
        let auroc = table.auroc(row);
        let auroc = auroc.map_or_else(|| "    -".to_owned(), |auroc| format!("{auroc:.3}"));
        let mean = row.mean;
        writeln!(
            out,
            "  {:<14} AUROC {auroc}, mean over the classes {mean:.3}",
            row.method
        )?;
    }
    writeln!(out, "  {}", table.caveat)?;
    Ok(())
}

/// The evaluation as one object. Rows and `at_threshold` of the model itself come first.
pub fn to_json(
    args: &Args,
    set: &Dataset,
    input: &Preprocessing,
    evaluation: &Evaluation,
) -> Value {
    let rows: Vec<Value> = evaluation
        .methods
        .iter()
        .flat_map(|method| method.classes.iter().map(move |row| row_json(method, row)))
        .collect();
    let methods: Vec<Value> = evaluation
        .methods
        .iter()
        .map(|method| {
            json!({
                "method": method.method,
                "protocol": method.protocol,
                "parameters": method.parameters,
                "milliseconds_per_picture": method.milliseconds_per_picture,
                "at_threshold": method.confusion.as_ref().map(confusion_json),
                "pixel": method.pixel,
                "epochs": method.epochs,
            })
        })
        .collect();
    // The published protocol has no threshold, so this is from the same model's honest scores.
    let mut honest = evaluation.methods.iter();
    let own = honest.find(|method| method.protocol == Protocol::Honest);
    let mut object = json!({
        "model": args.model,
        "data": set.source,
        "size": input.size,
        "channels": input.channels,
        "protocol": args.protocol,
        "split": evaluation.split,
        "seed": args.seed(),
        "warnings": evaluation.warnings,
        "rows": rows,
        "methods": methods,
        "at_threshold": own.and_then(|own| own.confusion.as_ref()).map(confusion_json),
        "published": evaluation.published,
        "skipped": evaluation.skipped.len(),
    });
    if let Some(simulated) = &evaluation.simulated {
        object["simulated"] = json!(simulated);
    }
    object
}

fn row_json(method: &MethodResult, row: &ClassMetrics) -> Value {
    let metrics = &row.metrics;
    json!({
        "method": method.method,
        "protocol": method.protocol,
        "class": class(row),
        "normal": metrics.normals,
        "abnormal": metrics.abnormal,
        "auroc": metrics.auroc.value,
        "auroc_low": metrics.auroc.low,
        "auroc_high": metrics.auroc.high,
        "auprc": metrics.auprc.value,
        "auprc_low": metrics.auprc.low,
        "auprc_high": metrics.auprc.high,
        "f1_max": metrics.f1_max,
        "eer": metrics.eer,
        "fpr_at_95_tpr": metrics.fpr_at_95_tpr,
        "residual_auroc": row.residual_auroc,
        "latent_auroc": row.latent_auroc,
        "marks_auroc": row.marks_auroc,
    })
}

fn confusion_json(at: &Confusion) -> Value {
    let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
    json!({
        "threshold": at.threshold,
        "normal_called_anomalous": share(at.false_positives, at.false_positives + at.true_negatives),
        "abnormal_called_anomalous": share(at.true_positives, at.true_positives + at.false_negatives),
        "precision": at.precision,
        "recall": at.recall,
        "f1": at.f1,
    })
}
