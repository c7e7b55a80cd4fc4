//! Softmax regression and its training.
//!
//! [`Hyperparameters`] define a training. [`EngineData`] creates an [`Engine`], which computes steps.
//! [`Training::epoch`] is the training loop. [`Weights`] are the result. An [`Observer`] can follow and
//! stop a training.
//!
//! The crate uses no files, clocks, SQL or terminals.

pub mod autograd;
pub mod device;
pub mod engine;
pub mod engine_data;
pub mod engine_kind;
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
pub use engine_data::EngineData;
pub use engine_kind::EngineKind;
pub use fused::{Fused, FusedData, InstructionSet};
pub use hyperparameters::{
    BatchSize, Decay, Epochs, Hyperparameters, Init, LastBatch, LearningRate, OutOfRange, Seed,
};
pub use softmax_regression::SoftmaxRegression;
pub use train::{EpochScores, Observer, Outcome, Training, ValidationSet};
pub use weights::{Weights, WeightsError};
