//! Names of columns, each there once, whatever a program calls its hyperparameters and metrics.

use std::collections::HashSet;

use crate::neutralised;

/// Gives the columns of one table names that differ. A table's own columns come first; a hyperparameter or a metric of the same name
/// gets a prefix.
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
    /// A table with these columns of its own.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>) -> Self {
        Self(own.into_iter().map(str::to_owned).collect())
    }

    /// The column for `name`: neutralised, and after `prefix` if another column has that name.
    pub fn claim(&mut self, name: &str, prefix: &str) -> String {
        let mut column = neutralised(name).into_owned();
        while !self.0.insert(column.clone()) {
            column.insert_str(0, prefix);
        }
        column
    }
}
