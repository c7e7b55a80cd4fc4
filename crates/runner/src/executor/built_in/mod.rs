//! The built-in model: softmax regression, trained by an engine of the crate `model`.

pub mod error_analysis;
pub mod estimate;
pub mod hyperparameters;
pub mod metrics;
pub mod on_dataset;
pub mod trainer;

pub use hyperparameters::BuiltIn;
pub use on_dataset::OnDataset;
pub use trainer::Trainer;
