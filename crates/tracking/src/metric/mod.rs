//! What the names of metrics mean, and the rules that choose the ranking metric.
//!
//! A name tells the direction, the split (training, validation, test) and the quantity of a metric.
//! It is split into words at every character that is neither a letter nor a digit, and case is
//! ignored, so `val/loss`, `test.WER` and `memory_mb` are known. Declarations of the user, the
//! experiment file or the training program take precedence over the name.

mod name;
mod rules;

pub use name::{
    Quantity, Split, is_bookkeeping, is_covered, is_learning_rate, is_loss, is_of_training,
    is_time, quantity, split,
};
pub use rules::Rules;
