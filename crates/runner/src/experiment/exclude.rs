//! The setting `exclude` of a sweep: conditions on combinations to leave out.

use tracking::filter::{Condition, FilterError};

use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Node, Value};
use crate::experiment::learner::{Params, param};
use crate::experiment::section::{text, wrong_type};

/// Conditions on combinations of hyperparameters.
#[derive(Debug)]
pub struct Exclude {
    conditions: Vec<Condition>,
    pub span: SourceSpan,
}

impl Exclude {
    /// Reads one condition, or a list of conditions, on the hyperparameters `names`.
    pub fn read(node: &Node, names: &[&str]) -> Result<Self, Diagnostic> {
        let nodes = match &node.value {
            Value::Text(_) => std::slice::from_ref(node),
            Value::Array(items) => items,
            _ => {
                let expected =
                    "a condition such as \"batch_size > 256 and decay = 0\", or a list of them";
                return Err(wrong_type("exclude", node, expected));
            }
        };
        let conditions =
            nodes.iter().map(|node| condition(node, names)).collect::<Result<_, _>>()?;
        Ok(Self { conditions, span: node.span.clone() })
    }

    /// Whether a combination is excluded.
    pub fn matches(&self, params: &Params) -> bool {
        let value = |name: &str| param(params, name).cloned();
        self.conditions.iter().any(|condition| condition.holds(&value))
    }
}

fn condition(node: &Node, names: &[&str]) -> Result<Condition, Diagnostic> {
    let text = text("exclude", node)?;
    let located = |error: FilterError| {
        let message = format!("invalid condition in 'exclude': {}", error.message());
        Diagnostic::new(message, &node.span.inside_string(text, error.span()), error.label())
    };
    let mut condition = Condition::parse(text).map_err(located)?;
    condition.resolve(names).map_err(located)?;
    Ok(condition)
}
