//! Softmax regression and how it is trained.
//!
//! The way through this crate: [`Hyperparameters`] say what to do, an [`Engine`] knows how to compute one step
//! ([`EngineData`] makes one), [`Training::epoch`] is the loop that drives it, [`Weights`] are what comes out. Nothing here
//! knows of files, clocks, SQL or terminals: whoever wants to see or stop a training passes an [`Observer`].

pub mod autograd;
pub mod device;
pub mod engine;
pub mod engine_data;
pub mod fused;
pub mod hyperparameters;
pub mod learning_rate;
pub mod loss;
pub mod softmax_regression;
pub mod train;
pub mod weights;

pub use autograd::{Autograd, AutogradData};
pub use candle_core::Device;
pub use device::{DeviceChoice, DeviceError};
pub use engine::{Engine, EngineError, Examples, Prediction, Score};
pub use engine_data::{EngineData, EngineKind};
pub use fused::{Fused, FusedData, InstructionSet};
pub use hyperparameters::{
    BatchSize, Decay, Epochs, Hyperparameters, Init, LastBatch, LearningRate, OutOfRange, Seed,
};
pub use softmax_regression::SoftmaxRegression;
pub use train::{EpochScores, Observer, Outcome, Training, ValidationSet};
pub use weights::{Weights, WeightsError};
