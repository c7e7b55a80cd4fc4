//! The device that computes a trial: the CPU, or an NVIDIA GPU with the feature `cuda`.

use std::{fmt, str::FromStr};

use candle_core::Device;
use thiserror::Error;

/// A requested device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(usize),
}

/// Why a device is not available.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The text is not a device.
    #[error("'{0}' is not a device: expected cpu, cuda or cuda:N")]
    Unknown(String),
    /// The program was built without the feature `cuda`.
    #[error(
        "this build has no CUDA support and cannot use {0}: use --device cpu, or install the CUDA \
         toolkit and give cargo install or cargo run the option --features cuda"
    )]
    WithoutCuda(DeviceChoice),
    /// The driver reported an error.
    #[error("{device} cannot be used: {reason}")]
    Unusable {
        /// The requested device.
        device: DeviceChoice,
        /// The error of candle.
        reason: candle_core::Error,
    },
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`DeviceError::WithoutCuda`] in a build without the feature `cuda`. [`DeviceError::Unusable`] if
    /// there is no such GPU.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !candle_core::utils::cuda_is_available() => {
                Err(DeviceError::WithoutCuda(self))
            }
            Self::Cuda(number) => Device::new_cuda(number)
                .map_err(|reason| DeviceError::Unusable { device: self, reason }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| DeviceError::Unknown(text.escape_debug().to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn device_names_parse_and_print() {
        for (text, device) in [
            ("cpu", DeviceChoice::Cpu),
            ("cuda", DeviceChoice::Cuda(0)),
            ("cuda:3", DeviceChoice::Cuda(3)),
        ] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap(), device);
            assert_eq!(device.to_string(), text);
        }
        for bad in ["gpu", "cuda:", "cuda:-1", ""] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn cuda_without_the_feature_explains_the_build() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
