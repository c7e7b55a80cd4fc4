//! The kernel, compiled for each instruction set that a processor may turn out to have.

use std::fmt;

use super::kernel::{self, Parameters, Workspace};
#[cfg(target_arch = "x86_64")]
use super::lanes::Avx2;
use super::lanes::Portable;
use super::tiles::Images;
use crate::engine::{Prediction, Score};

/// The vector instructions that the engine computes with. One that exists is one that this processor has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet(Set);

impl fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// AVX2 and FMA, with the registers and operands of AVX-512VL: fewer instructions, the same bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of plain Rust.
    Portable,
}

impl InstructionSet {
    /// All that this processor has, the best first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                sets.push(Self(Set::Avx512));
            }
            sets.push(Self(Set::Avx2));
        }
        sets.push(Self::portable());
        sets
    }

    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// Plain Rust, on any processor.
    #[must_use]
    pub fn portable() -> Self {
        Self(Set::Portable)
    }
}

/// A function that calls the kernel's of the same name, compiled for an [`InstructionSet`].
macro_rules! compiled_for_each_set {
    ($name:ident($($argument:ident: $type:ty),*)) => {
        #[allow(unsafe_code, clippy::too_many_arguments)]
        pub(super) fn $name(instructions: InstructionSet, $($argument: $type),*) -> Score {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt,avx512f,avx512vl")]
            fn avx512($($argument: $type),*) -> Score {
                kernel::$name::<Avx2>($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
            fn avx2($($argument: $type),*) -> Score {
                kernel::$name::<Avx2>($($argument),*)
            }
            match instructions.0 {
                // Sound: the processor was asked before this value was made.
                #[cfg(target_arch = "x86_64")]
                Set::Avx512 => unsafe { avx512($($argument),*) },
                // Sound: the processor was asked before this value was made.
                #[cfg(target_arch = "x86_64")]
                Set::Avx2 => unsafe { avx2($($argument),*) },
                Set::Portable => kernel::$name::<Portable>($($argument),*),
            }
        }
    };
}

compiled_for_each_set!(step(
    parameters: &mut Parameters, workspace: &mut Workspace, images: Images<'_>, batch: &[u32], upcoming: &[u32],
    learning_rate: f32));
compiled_for_each_set!(evaluate(
    parameters: &Parameters, workspace: &mut Workspace, images: Images<'_>, rows: &[u32],
    predictions: Option<&mut Vec<Prediction>>));
