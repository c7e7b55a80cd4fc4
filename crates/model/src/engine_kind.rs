//! The available engines.

use std::fmt;

use crate::device::DeviceChoice;

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// The reference engine, [`Autograd`](crate::Autograd).
    Autograd,
    /// The fast engine for the CPU, [`Fused`](crate::Fused).
    Fused,
}

impl EngineKind {
    /// All variants.
    pub const ALL: [Self; 2] = [Self::Autograd, Self::Fused];

    /// The fastest engine for `device`.
    #[must_use]
    pub fn fastest_on(device: DeviceChoice) -> Self {
        match device {
            DeviceChoice::Cpu => Self::Fused,
            DeviceChoice::Cuda(_) => Self::Autograd,
        }
    }

    /// The name on the command line and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Autograd => "autograd",
            Self::Fused => "fused",
        }
    }

    /// The engine with this name. `None` for the name of an engine of another program.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
