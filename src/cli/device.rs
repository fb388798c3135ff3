//! `--device`: what the program computes on. A device other than the CPU is compared with the CPU before it
//! is trusted: a driver or a shader compiler can be wrong without an error.

mod check;

use anyhow::{Context, Result};
use burn::tensor::Device;

use crate::detector::{self, Detector, Scored};
use crate::device::{DeviceError, DeviceKind};
use crate::model_file::ModelFile;
use check::scores;
pub use check::{Check, reference};

/// The option that every verb with a device shares.
#[derive(clap::Args)]
pub struct DeviceArg {
    /// Device to compute on
    #[arg(long, value_enum, default_value = "cpu")]
    device: Choice,
}

/// What `--device` takes, built in or not: what is not built in is refused with the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    /// A GPU if one is built in and agrees with the CPU; the CPU otherwise
    Auto,
    /// The processor
    Cpu,
    /// The GPU, through Vulkan, Metal, DirectX 12 or OpenGL
    #[value(aliases = ["webgpu", "vulkan"])]
    Gpu,
    /// An NVIDIA GPU, through CUDA
    Cuda,
}

impl Choice {
    fn kind(self) -> Option<DeviceKind> {
        match self {
            Self::Auto => None,
            Self::Cpu => Some(DeviceKind::Cpu),
            Self::Gpu => Some(DeviceKind::Gpu),
            Self::Cuda => Some(DeviceKind::Cuda),
        }
    }
}

/// A device that passed its check.
pub struct Chosen {
    pub kind: DeviceKind,
    pub device: Device,
}

impl Chosen {
    /// Checks the device with one more model.
    ///
    /// # Errors
    /// If it does not agree with the CPU.
    pub fn check(&self, model: &ModelFile) -> Result<()> {
        self.agrees(|device| scores(model, |model| detector::load(model, device)))
    }

    /// Runs a check, which the CPU needs none of.
    fn agrees(&self, check: impl FnOnce(&Device) -> Result<()>) -> Result<()> {
        if self.kind == DeviceKind::Cpu {
            return Ok(());
        }
        let name = self.kind.as_str();
        check(&self.device)
            .with_context(|| format!("the device {name} does not agree with the CPU"))
    }

    /// Confirms on the CPU what the device made of a model that it calibrated.
    ///
    /// # Errors
    /// If the CPU's scores by that model are others; the message ends in `way_out`.
    pub fn confirm(&self, model: &ModelFile, way_out: &str) -> Result<()> {
        if self.kind == DeviceKind::Cpu {
            return Ok(());
        }
        // The check that the model stores is the device's own: what it says is compared, not trusted.
        let cpu = reference()?;
        let device = match model.header.method.optimises_latent() {
            true => &self.device,
            false => &cpu,
        };
        scores(model, |model| detector::load(model, device)).with_context(|| {
            format!(
                "the device {} calibrated a model that the CPU scores otherwise; {way_out}",
                self.kind.as_str()
            )
        })
    }
}

impl DeviceArg {
    /// Opens the device that was asked for and checks it.
    ///
    /// # Errors
    /// If the device is not built in, does not start, or does not agree with the CPU.
    pub fn open(&self, check: Check<'_>) -> Result<Chosen> {
        let start = |kind: DeviceKind| pollster::block_on(kind.open());
        choose(self.device, DeviceKind::BUILT_IN, start, |device| {
            check.of(device)
        })
    }
}

/// Opens and checks what was asked for; for `auto` the first of `built_in` that passes, and the CPU where
/// none does.
fn choose(
    asked: Choice,
    built_in: &[DeviceKind],
    start: impl Fn(DeviceKind) -> Result<Device, DeviceError>,
    check: impl Fn(&Device) -> Result<()>,
) -> Result<Chosen> {
    let open = |kind: DeviceKind| -> Result<Chosen> {
        let device = start(kind)?;
        let chosen = Chosen { kind, device };
        chosen.agrees(&check)?;
        Ok(chosen)
    };
    if let Some(kind) = asked.kind() {
        let name = kind.as_str();
        anyhow::ensure!(
            built_in.contains(&kind),
            "this program was built without the device {name}: build it with `cargo install --path . --locked \
             --features {name}`, or choose --device auto"
        );
        return open(kind).with_context(|| {
            format!("cannot use --device {name}; choose --device cpu, or update the driver")
        });
    }
    let others: Vec<DeviceKind> = built_in
        .iter()
        .copied()
        .filter(|&k| k != DeviceKind::Cpu)
        .collect();
    if others.is_empty() {
        eprintln!("note: this program was built for the CPU only");
    }
    for kind in others {
        match open(kind) {
            Ok(chosen) => {
                eprintln!("computing on the device {}", kind.as_str());
                return Ok(chosen);
            }
            Err(error) => eprintln!("note: {error:#}"),
        }
    }
    eprintln!("computing on the CPU");
    open(DeviceKind::Cpu)
}

/// Scores prepared images as suits the device.
pub fn score_batch(
    device: DeviceKind,
    detector: &dyn Detector,
    values: &[f32],
) -> Result<Vec<Scored>> {
    Ok(match device {
        DeviceKind::Cpu => detector::score_on_all_threads(detector, values)?,
        DeviceKind::Gpu | DeviceKind::Cuda => {
            pollster::block_on(detector::score_batch(detector, values))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::check::tests::model;
    use super::*;

    #[test]
    fn a_device_that_lies_is_refused_or_passed_over() {
        let model = model();
        let mut elsewhere = model.clone();
        let check = elsewhere
            .header
            .self_check
            .as_mut()
            .expect("a stored check");
        check.scores[1].anomaly_score *= 1.01;
        let start = |_| Ok(Device::flex());
        let both = &[DeviceKind::Cpu, DeviceKind::Gpu];
        let chosen = |asked, model: &ModelFile| {
            choose(asked, both, start, |device| {
                Check {
                    models: &[model],
                    ..Check::default()
                }
                .of(device)
            })
        };
        for (asked, model, expected) in [
            (Choice::Gpu, &model, DeviceKind::Gpu),
            (Choice::Auto, &model, DeviceKind::Gpu),
            (Choice::Auto, &elsewhere, DeviceKind::Cpu),
            (Choice::Cpu, &elsewhere, DeviceKind::Cpu),
        ] {
            assert_eq!(
                chosen(asked, model).expect("a device").kind,
                expected,
                "{asked:?}"
            );
        }
        let error = chosen(Choice::Gpu, &elsewhere).err().expect("a refusal");
        let error = format!("{error:#}");
        for words in ["--device cpu", "does not agree", "image 2", "expected"] {
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_named_with_the_way_out() {
        let start = |kind: DeviceKind| -> Result<Device, DeviceError> {
            match kind {
                DeviceKind::Cpu => Ok(Device::flex()),
                _ => Err(DeviceError::Start {
                    kind: "gpu",
                    reason: "no adapter".into(),
                }),
            }
        };
        let refused = |asked, built_in: &[DeviceKind]| {
            let chosen = choose(asked, built_in, start, |_| Ok(()));
            format!("{:#}", chosen.err().expect("a refusal"))
        };
        let error = refused(Choice::Gpu, &[DeviceKind::Cpu]);
        assert!(error.contains("--features gpu"), "{error}");
        let error = refused(Choice::Gpu, &[DeviceKind::Cpu, DeviceKind::Gpu]);
        assert!(
            error.contains("no adapter") && error.contains("--device cpu"),
            "{error}"
        );
        let auto = choose(
            Choice::Auto,
            &[DeviceKind::Cpu, DeviceKind::Gpu],
            start,
            |_| Ok(()),
        );
        assert_eq!(auto.expect("the CPU").kind, DeviceKind::Cpu);
    }
}
