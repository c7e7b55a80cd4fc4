//! The space of a sweep: combinations of its hyperparameters, without the excluded ones.

use crate::experiment::MAX_TRIALS;
use crate::experiment::axis::Axis;
use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::exclude::Exclude;
use crate::experiment::learner::Params;

/// Every combination of the axes, except the excluded ones.
#[derive(Debug)]
pub struct Space {
    /// The first axis varies slowest.
    axes: Vec<Axis>,
    exclude: Option<Exclude>,
    span: SourceSpan,
}

impl Space {
    /// The space of the sweep at `span`, with one combination.
    pub fn new(span: SourceSpan) -> Self {
        Self { axes: Vec::new(), exclude: None, span }
    }

    /// Adds an axis that varies fastest.
    ///
    /// # Errors
    /// If there are more than [`MAX_TRIALS`] combinations.
    pub fn cross(&mut self, axis: Axis) -> Result<(), Diagnostic> {
        self.axes.push(axis);
        self.limit(0).map(|_| ())
    }

    /// Leaves out the combinations that match.
    pub fn exclude(&mut self, exclude: Exclude) {
        self.exclude = Some(exclude);
    }

    /// The number of combinations, also of excluded ones, and `others`.
    ///
    /// # Errors
    /// If there are more than [`MAX_TRIALS`].
    pub fn limit(&self, others: usize) -> Result<usize, Diagnostic> {
        let combinations = |count: usize, axis: &Axis| count.saturating_mul(axis.rows.len());
        let count = self.axes.iter().fold(1, combinations).saturating_add(others);
        if count > MAX_TRIALS {
            let label = format!("expected at most {MAX_TRIALS} combinations");
            let span = self.axes.first().map_or(&self.span, |axis| &axis.span);
            return Err(Diagnostic::new("the plan has too many trials", span, label));
        }
        Ok(count)
    }

    /// The combinations, each with the other values of `base`.
    ///
    /// # Errors
    /// If all combinations are excluded.
    pub fn expand(&self, base: &Params) -> Result<Vec<Params>, Diagnostic> {
        let mut expanded = vec![base.clone()];
        for axis in &self.axes {
            let combine = |params| axis.rows.iter().map(move |row| axis.set(params, row));
            expanded = expanded.iter().flat_map(combine).collect();
        }
        let Some(exclude) = &self.exclude else { return Ok(expanded) };
        expanded.retain(|params| !exclude.matches(params));
        if expanded.is_empty() {
            let label = "expected conditions that leave at least one combination";
            return Err(Diagnostic::new("the sweep has no trials", &exclude.span, label));
        }
        Ok(expanded)
    }
}
