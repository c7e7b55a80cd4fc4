//! Where a trial is computed: the CPU, or with the `cuda` feature an NVIDIA GPU.

use std::{fmt, str::FromStr};

use candle_core::Device;
use thiserror::Error;

/// A device as asked for, before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor.
    Cpu,
    /// The GPU of that number.
    Cuda(usize),
}

/// Why a device cannot be had.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The text names no device.
    #[error("'{0}' is no device: expected cpu, cuda or cuda:N")]
    Unknown(String),
    /// The program lacks the feature.
    #[error(
        "this program was built without CUDA, so it cannot use {0}: use --device cpu, or build it with the CUDA toolkit \
         installed: cargo run --release --features cuda -p runner -- …"
    )]
    WithoutCuda(DeviceChoice),
    /// The driver or the device refuses.
    #[error("{device} cannot be used: {reason}")]
    Unusable {
        /// What was asked for.
        device: DeviceChoice,
        /// What candle says.
        reason: candle_core::Error,
    },
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`DeviceError::WithoutCuda`] in a build without the `cuda` feature, [`DeviceError::Unusable`] when there is no such GPU.
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
    fn names_parse_and_print() {
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
    fn cuda_without_the_feature_says_how_to_build_it() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
