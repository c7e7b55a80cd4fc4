//! Which engine computes, and a dataset as that engine wants it: prepared once, shared by every trial.

use std::fmt;
use std::sync::Arc;

use candle_core::Device;
use data::Dataset;

use crate::autograd::{Autograd, AutogradData};
use crate::device::DeviceChoice;
use crate::engine::{Engine, EngineError};
use crate::fused::{Fused, FusedData, InstructionSet};
use crate::hyperparameters::Hyperparameters;

/// An engine, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// [`Autograd`].
    Autograd,
    /// [`Fused`].
    Fused,
}

impl EngineKind {
    /// The fastest that runs on `device`.
    #[must_use]
    pub fn fastest_on(device: DeviceChoice) -> Self {
        match device {
            DeviceChoice::Cpu => Self::Fused,
            DeviceChoice::Cuda(_) => Self::Autograd,
        }
    }

    /// Its name in commands and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Autograd => "autograd",
            Self::Fused => "fused",
        }
    }

    /// That of this name; other programs' records have others.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Autograd, Self::Fused].into_iter().find(|engine| engine.name() == name)
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A dataset in the form of an engine.
pub enum EngineData {
    /// For [`Autograd`].
    Autograd(Arc<AutogradData>),
    /// For [`Fused`].
    Fused(Arc<FusedData>),
}

impl EngineData {
    /// Prepares `dataset`. `device` is for the engine that has a choice: the fused one computes on the CPU.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(kind: EngineKind, dataset: &Dataset, device: &Device) -> Result<Self, EngineError> {
        Ok(match kind {
            EngineKind::Autograd => {
                Self::Autograd(Arc::new(AutogradData::new(dataset, device.clone())?))
            }
            EngineKind::Fused => Self::Fused(Arc::new(FusedData::new(dataset)?)),
        })
    }

    /// An engine at the start of a training.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn engine(
        &self,
        hyperparameters: &Hyperparameters,
    ) -> Result<Box<dyn Engine>, EngineError> {
        Ok(match self {
            Self::Autograd(data) => Box::new(Autograd::new(Arc::clone(data), hyperparameters)?),
            Self::Fused(data) => {
                Box::new(Fused::new(Arc::clone(data), hyperparameters, InstructionSet::best()))
            }
        })
    }
}
