//! A dataset in the format of an engine. It is prepared once and shared by all trials.

use std::sync::Arc;

use candle_core::Device;
use data::Dataset;

use crate::autograd::{Autograd, AutogradData};
use crate::engine::{Engine, EngineError};
use crate::engine_kind::EngineKind;
use crate::fused::{Fused, FusedData, InstructionSet};
use crate::hyperparameters::Hyperparameters;

/// A dataset in the format of an engine.
pub enum EngineData {
    /// Tensors for [`Autograd`].
    Autograd(Arc<AutogradData>),
    /// Tiles for [`Fused`].
    Fused(Arc<FusedData>),
}

impl EngineData {
    /// Converts `dataset` for an engine. The fused engine ignores `device` and uses the CPU.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(kind: EngineKind, dataset: &Dataset, device: &Device) -> Result<Self, EngineError> {
        Ok(match kind {
            EngineKind::Autograd => {
                Self::Autograd(Arc::new(AutogradData::new(dataset, device.clone())?))
            }
            EngineKind::Fused => Self::Fused(Arc::new(FusedData::new(dataset)?)),
        })
    }

    /// Creates an engine with the initial weights of `hyperparameters`.
    ///
    /// # Errors
    /// If there is not enough memory.
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
