//! Conditions on runs and trials, such as
//! `batch_size<=64 and not (status=failed or started_at<2026-11)`.
//!
//! A comparison is a key, an operator (`=`, `==`, `!=`, `<`, `<=`, `>` or `>=`) and a value. The
//! keywords `and`, `or` and `not`, in upper or lower case, and parentheses join comparisons. `not`
//! binds tightest, then `and`, then `or`.
//!
//! - A key ends at an operator or a parenthesis. It can have several words, such as `test accuracy`.
//!   A value ends at a blank or a parenthesis. Quote other keys as `"…"` or `` `…` ``, and other
//!   values as `'…'` or `"…"`. Inside quotes, a doubled quote stands for one quote. A keyword before
//!   an operator is a key.
//! - Numbers are compared as numbers. Text supports only `=` and `!=`. The keys `trial` and `run`
//!   equal a value if the id starts with it.
//! - `started_at` and `ended_at` are compared with a date or time in UTC, at the precision of the
//!   value: `started_at<=2026-11-24` holds until the end of that day.
//! - A comparison with a missing value is false, also with `!=`. `not` inverts it: every run
//!   matches either a condition or its `not`, and `not decay>=0` finds the runs without a decay.
//!
//! ```
//! use tracking::filter::Condition;
//!
//! # fn main() -> Result<(), tracking::filter::FilterError> {
//! let mut condition = Condition::parse("batch size >= 32 and not decay > 0")?;
//! condition.resolve(&["batch_size", "decay"])?; // `batch size` means `batch_size`
//! assert!(condition.holds(&|key| (key == "batch_size").then(|| 64.into())));
//! # Ok(())
//! # }
//! ```

mod condition;
mod error;
mod expression;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;
mod time;

pub use condition::Condition;
pub use error::FilterError;
