//! Unique column names for exported tables.

use std::collections::HashSet;

use crate::escape_formula;

/// Assigns unique names to the columns of one table. Built-in columns keep their names. The column
/// of a hyperparameter or metric gets a prefix if its name is already taken.
///
/// ```
/// # use tracking::ColumnNames;
/// let mut names = ColumnNames::new(["run", "n"]);
/// assert_eq!(names.claim("depth", "param_"), "depth");
/// assert_eq!(names.claim("n", "param_"), "param_n");
/// assert_eq!(names.claim("n", "metric_"), "metric_n");
/// ```
#[derive(Debug, Clone)]
pub struct ColumnNames(HashSet<String>);

impl ColumnNames {
    /// Reserves the names of the built-in columns.
    pub fn new<'a>(built_in: impl IntoIterator<Item = &'a str>) -> Self {
        Self(built_in.into_iter().map(str::to_owned).collect())
    }

    /// Returns a unique column name for `name`: [`escape_formula`], and with `prefix` if the name
    /// is already taken.
    pub fn claim(&mut self, name: &str, prefix: &str) -> String {
        let mut column = escape_formula(name).into_owned();
        while !self.0.insert(column.clone()) {
            column.insert_str(0, prefix);
        }
        column
    }
}
