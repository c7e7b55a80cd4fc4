//! Compiles the kernel for several instruction sets and selects one at run time.

use std::fmt;

use super::kernel::{self, Workspace};
#[cfg(target_arch = "x86_64")]
use super::lanes::Avx2;
use super::lanes::Portable;
use super::parameters::Parameters;
use super::tiles::Images;
use crate::engine::{Prediction, Score};

/// The vector instructions of the engine. Every value of this type is supported by the processor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet(Set);

impl fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// AVX2 and FMA with the registers and operands of AVX-512VL. Needs fewer instructions than
    /// [`Set::Avx2`] and gives the same bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain Rust, vectorised by the compiler.
    Portable,
}

impl InstructionSet {
    /// The instruction sets that this processor supports, fastest first.
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

    /// The fastest instruction set that this processor supports.
    #[must_use]
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// Plain Rust, which every processor supports.
    #[must_use]
    pub fn portable() -> Self {
        Self(Set::Portable)
    }
}

/// Defines a function that calls the kernel of the same name, compiled for an [`InstructionSet`].
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
                // SAFETY: `available` creates this value only if the processor has the instructions.
                #[cfg(target_arch = "x86_64")]
                Set::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: `available` creates this value only if the processor has the instructions.
                #[cfg(target_arch = "x86_64")]
                Set::Avx2 => unsafe { avx2($($argument),*) },
                Set::Portable => kernel::$name::<Portable>($($argument),*),
            }
        }
    };
}

compiled_for_each_set!(step(
    parameters: &mut Parameters, workspace: &mut Workspace, images: Images<'_>, batch: &[u32],
    upcoming: &[u32], learning_rate: f32));
compiled_for_each_set!(evaluate(
    parameters: &Parameters, workspace: &mut Workspace, images: Images<'_>, rows: &[u32],
    predictions: Option<&mut Vec<Prediction>>));
