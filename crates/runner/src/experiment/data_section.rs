//! The `[data]` section: the dataset of the built-in model.

use std::path::Path;

use data::Fraction;

use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Node, Value};
use crate::experiment::section::{Section, text};
use crate::experiment::validation::Validation;

/// The `[data]` section.
#[derive(Debug, Clone)]
pub struct DataSection {
    pub dataset: NamedDataset,
    pub fallback: Option<NamedDataset>,
    pub validation: Validation,
}

/// A dataset, and where the file names it.
#[derive(Debug, Clone)]
pub struct NamedDataset {
    pub source: data::Source,
    pub span: SourceSpan,
}

impl DataSection {
    /// Reads the section. Relative paths start at `folder`, the folder of the file.
    pub fn read(node: &Node, folder: &Path) -> Result<Self, Diagnostic> {
        let data = Section::new("[data]", node, &["dataset", "offline_fallback", "validation"])?;
        let named = |key, node| NamedDataset::read(key, node, folder);
        let dataset = named("dataset", data.required("dataset", "dataset = \"mnist\"")?)?;
        let fallback = data.get("offline_fallback");
        let fallback = fallback.map(|node| named("offline_fallback", node)).transpose()?;
        let validation = data.get("validation").map_or(Ok(Validation::Test), validation)?;
        Ok(Self { dataset, fallback, validation })
    }
}

impl NamedDataset {
    /// Reads the value of `key`. A relative path starts at `folder`, the folder of the file.
    fn read(key: &str, node: &Node, folder: &Path) -> Result<Self, Diagnostic> {
        let source = data::Source::parse(text(key, node)?, folder).map_err(|error| {
            Diagnostic::new(format!("invalid '{key}'"), &node.span, error.to_string())
        })?;
        Ok(Self { source, span: node.span.clone() })
    }
}

fn validation(node: &Node) -> Result<Validation, Diagnostic> {
    const EXPECTED: &str =
        "expected \"test\" or a fraction of the training set between 0 and 1, such as 0.1";
    let wrong = || Diagnostic::new("invalid value of 'validation'", &node.span, EXPECTED);
    match node.value {
        Value::Text(ref word) if word == "test" => Ok(Validation::Test),
        Value::Float(fraction) => {
            Fraction::new(fraction).map(Validation::HeldOut).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}
