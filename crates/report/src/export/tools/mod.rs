//! Runs for other tools: MLflow and TensorBoard.

mod exported_run;
pub mod mlflow;
mod selection;
mod summary;
pub mod tensorboard;

pub use selection::ExportSelection;
