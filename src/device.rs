//! Where tensors live, chosen at run time among what was built in.

use burn::tensor::Device;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Burn's Flex backend.
    #[cfg(feature = "cpu")]
    Cpu,
    /// WebGPU, in a browser.
    #[cfg(feature = "webgpu")]
    #[cfg_attr(feature = "cli", value(name = "webgpu"))]
    WebGpu,
    /// Vulkan.
    #[cfg(feature = "vulkan")]
    Vulkan,
    /// CUDA.
    #[cfg(feature = "cuda")]
    Cuda,
}

/// Why a device could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Not built in, or no such thing.
    #[error("no device is called {got:?} here; expected one of {expected}")]
    Unknown {
        /// What is built in.
        expected: String,
        /// What was asked for.
        got: String,
    },
    /// The device did not start.
    #[error("the {kind} device could not be started: {reason}")]
    Start {
        /// Its name.
        kind: &'static str,
        /// What it said.
        reason: String,
    },
}

impl Kind {
    /// Every kind that was built in.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "cpu")]
        Self::Cpu,
        #[cfg(feature = "webgpu")]
        Self::WebGpu,
        #[cfg(feature = "vulkan")]
        Self::Vulkan,
        #[cfg(feature = "cuda")]
        Self::Cuda,
    ];

    /// Its name on the command line and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu => "cpu",
            #[cfg(feature = "webgpu")]
            Self::WebGpu => "webgpu",
            #[cfg(feature = "vulkan")]
            Self::Vulkan => "vulkan",
            #[cfg(feature = "cuda")]
            Self::Cuda => "cuda",
        }
    }

    /// Starts the device. On WebGPU this may be done once; keep the device and clone it.
    ///
    /// # Errors
    /// [`DeviceError::Start`] if there is no adapter or it refuses.
    pub async fn open(self) -> Result<Device, DeviceError> {
        match self {
            #[cfg(feature = "cpu")]
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "webgpu")]
            Self::WebGpu => Device::wgpu_options()
                .graphics_api(burn::tensor::wgpu::WgpuBackend::WebGpu)
                .init_async()
                .await
                .map_err(|error| DeviceError::Start {
                    kind: "webgpu",
                    reason: error.to_string(),
                }),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "cuda")]
            Self::Cuda => Ok(Device::cuda(0)),
        }
    }
}

/// Lets a browser's worker take its messages before the next batch. Elsewhere nothing waits.
pub async fn breathe() {
    #[cfg(target_family = "wasm")]
    crate::web::next_task().await;
}

impl std::str::FromStr for Kind {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
                DeviceError::Unknown {
                    expected: names.join(", "),
                    got: name.to_owned(),
                }
            })
    }
}
