//! The built-in model: softmax regression, trained by the engines of `model`.

pub mod error_analysis;
pub mod estimate;
