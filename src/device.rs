//! Where tensors live, chosen at run time among what was built in.

use burn::tensor::Device;

/// A kind of device, built in or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// Burn's Flex backend.
    Cpu,
    /// The GPU: WebGPU in a browser; natively Vulkan, Metal, DirectX 12 or OpenGL, as the machine has it.
    /// Shaders are WGSL everywhere; docs/architecture.md says why.
    Gpu,
    /// CUDA.
    Cuda,
}

/// Why a device could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No such thing.
    #[error("no device is called {got:?} here; expected one of {expected}")]
    Unknown {
        /// What is built in.
        expected: String,
        /// What was asked for.
        got: String,
    },
    /// Not built in.
    #[error("the device {kind} is not built in; expected one of {expected}")]
    NotBuiltIn {
        /// Its name.
        kind: &'static str,
        /// What is built in.
        expected: String,
    },
    /// The device did not start.
    #[error("the device {kind} could not be started: {reason}")]
    Start {
        /// Its name.
        kind: &'static str,
        /// What it said.
        reason: String,
    },
}

impl DeviceKind {
    /// Every kind that was built in.
    pub const BUILT_IN: &[Self] = &[
        #[cfg(feature = "cpu")]
        Self::Cpu,
        #[cfg(feature = "webgpu")]
        Self::Gpu,
        #[cfg(feature = "cuda")]
        Self::Cuda,
    ];

    /// Its name on the command line, or on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu if cfg!(target_family = "wasm") => "webgpu",
            Self::Gpu => "gpu",
            Self::Cuda => "cuda",
        }
    }

    /// Starts the device. The GPU may be started once; keep the device and clone it.
    ///
    /// # Errors
    /// [`DeviceError::NotBuiltIn`], or [`DeviceError::Start`] if there is no adapter or it refuses.
    pub async fn open(self) -> Result<Device, DeviceError> {
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "webgpu")]
            Self::Gpu => {
                use burn::tensor::wgpu::WgpuBackend;
                let api = match cfg!(target_family = "wasm") {
                    true => WgpuBackend::WebGpu,
                    false => WgpuBackend::Auto,
                };
                let started = Device::wgpu_options().graphics_api(api).init_async().await;
                started.map_err(|error| DeviceError::Start {
                    kind: self.as_str(),
                    reason: error.to_string(),
                })
            }
            #[cfg(feature = "cuda")]
            Self::Cuda => {
                let device = Device::cuda(0);
                // Without a driver it panics when it is first used.
                let first_use = std::panic::AssertUnwindSafe(|| {
                    burn::tensor::Tensor::<1>::zeros([1], &device).into_data();
                });
                match std::panic::catch_unwind(first_use) {
                    Ok(()) => Ok(device),
                    Err(_) => Err(DeviceError::Start {
                        kind: self.as_str(),
                        reason: "no CUDA driver, or no device that it can use".to_owned(),
                    }),
                }
            }
            #[allow(unreachable_patterns)] // Where all are built in.
            kind => Err(DeviceError::NotBuiltIn {
                kind: kind.as_str(),
                expected: built_in(),
            }),
        }
    }
}

/// Names of what was built in.
fn built_in() -> String {
    let names: Vec<_> = DeviceKind::BUILT_IN
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    names.join(", ")
}

impl std::str::FromStr for DeviceKind {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        Self::BUILT_IN
            .iter()
            .copied()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| DeviceError::Unknown {
                expected: built_in(),
                got: name.to_owned(),
            })
    }
}
