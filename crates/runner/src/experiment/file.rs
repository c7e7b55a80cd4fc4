//! The TOML of an experiment file as a tree of keys and values, each with its position.
//!
//! Serde structs with `toml::Spanned` cannot represent it: values that `--set` adds are in another
//! text, the names of hyperparameters are known only at run time, and the order of `[sweep]`
//! matters. This is the only module that knows TOML.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::experiment::diagnostic::{Diagnostic, Source, SourceSpan};

/// The largest size of an experiment file, in bytes. A larger file is something else.
const LARGEST_FILE: u64 = 1 << 20;

/// A value and its position.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    pub span: SourceSpan,
}

impl Node {
    /// The value of a key, if the node is a table that has the key.
    pub fn entry(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entry(entries, name),
            _ => None,
        }
    }

    /// Whether the node is a range such as `{ from = 0, to = 2 }`.
    pub fn is_range(&self) -> bool {
        let is_bound = |(key, node): &(Key, Self)| {
            matches!(&*key.name, "from" | "to") && !matches!(node.value, Value::Table(_))
        };
        matches!(&self.value, Value::Table(entries) if entries.iter().any(is_bound))
    }
}

/// The entries of a table of hyperparameters, with the dotted names of those in nested tables:
/// `optimizer.lr` for `optimizer = { lr = 0.1 }`. A range is one value.
pub fn flattened(entries: &Entries) -> Table {
    let flat = entries.iter().flat_map(|(key, node)| match &node.value {
        Value::Table(nested) if !nested.is_empty() && !node.is_range() => {
            let dotted = |(inner, node): (Key, Node)| {
                let name = format!("{}.{}", key.name, inner.name);
                (Key { name, span: inner.span }, node)
            };
            flattened(nested).into_iter().map(dotted).collect()
        }
        _ => vec![(key.clone(), node.clone())],
    });
    flat.collect()
}

/// A TOML value. No setting is a date, so a date keeps only its type.
#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime,
    Array(Vec<Node>),
    Table(Table),
}

/// Keys in the order of the file.
pub type Table = Vec<(Key, Node)>;

/// A borrowed [`Table`].
pub type Entries = [(Key, Node)];

/// The value of a key.
pub fn entry<'a>(entries: &'a Entries, name: &str) -> Option<&'a Node> {
    entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
}

/// A key and its position.
#[derive(Debug, Clone)]
pub struct Key {
    pub name: String,
    pub span: SourceSpan,
}

impl Value {
    /// The type with its article, for error messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime => "a date",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Reads the text of an experiment file.
pub fn read(path: &Path) -> Result<Arc<Source>> {
    const EXPECTED: &str = "an experiment file, such as experiments/batch_sweep.toml";
    let shown = tracking::printable(&path.display().to_string()).into_owned();
    let metadata = std::fs::metadata(path)
        .with_context(|| format!("{shown}: cannot be read; expected {EXPECTED}"))?;
    if metadata.is_dir() {
        bail!("{shown}: is a folder; expected {EXPECTED}");
    }
    if metadata.len() > LARGEST_FILE {
        bail!(
            "{shown}: is {} bytes long; expected an experiment file of at most {LARGEST_FILE} \
             bytes",
            metadata.len()
        );
    }
    let bytes = std::fs::read(path).with_context(|| format!("{shown}: cannot be read"))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(Source { name: path.display().to_string(), text })),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
            bail!(
                "{shown}:{line}:{column}: not UTF-8 text; expected a TOML experiment file, saved \
                 as UTF-8"
            )
        }
    }
}

/// Parses a text.
pub fn parse(source: &Arc<Source>) -> Result<Node, Diagnostic> {
    let table = DeTable::parse(&source.text).map_err(|error| {
        let span = SourceSpan { source: Arc::clone(source), range: error.span().unwrap_or(0..0) };
        Diagnostic::new("the file is not valid TOML", &span, error.message().to_owned())
    })?;
    let span = SourceSpan { source: Arc::clone(source), range: table.span() };
    Ok(Node { value: Value::Table(convert_table(table.get_ref(), source)?), span })
}

/// Parses one `--set KEY=VALUE` and replaces the value at its key in `root`.
pub fn overlay(root: &mut Node, setting: &str) -> Result<(), Diagnostic> {
    let source = Arc::new(Source { name: "--set".to_owned(), text: setting.to_owned() });
    let parsed = parse(&source).map_err(|error| {
        error.help(
            "write KEY=VALUE with a TOML value: --set train.learning_rate=0.1, \
             --set 'train.init=\"zeros\"'",
        )
    })?;
    merge(root, parsed);
    Ok(())
}

/// `text`, which is an experiment file or a `--set` option, with the values in `env` of `[program]`
/// replaced: they may be secrets, so no record has them.
pub fn without_env_values(text: &str) -> String {
    const REPLACEMENT: &str = "\"not recorded\"";
    let source = Arc::new(Source { name: String::new(), text: text.to_owned() });
    let mut changed = text.to_owned();
    let Ok(root) = parse(&source) else { return changed };
    let env = root.entry("program").and_then(|program| program.entry("env"));
    let Some(Value::Table(variables)) = env.map(|env| &env.value) else { return changed };
    let mut ranges: Vec<Range<usize>> =
        variables.iter().map(|(_, node)| node.span.range.clone()).collect();
    ranges.sort_by_key(|range| range.start);
    for range in ranges.into_iter().rev() {
        changed.replace_range(range, REPLACEMENT);
    }
    changed
}

fn merge(under: &mut Node, Node { value, span }: Node) {
    match (&mut under.value, value) {
        (Value::Table(under), Value::Table(over)) => {
            for (key, node) in over {
                match under.iter_mut().find(|(existing, _)| existing.name == key.name) {
                    Some((_, existing)) if !is_one_value(&key, &node) => merge(existing, node),
                    Some(existing) => *existing = (key, node),
                    None => under.push((key, node)),
                }
            }
        }
        // A setting of the sweep is set in each `[[sweep]]`.
        (Value::Array(tables), Value::Table(over)) if are_tables(tables) => {
            for table in tables {
                let value = Value::Table(over.clone());
                merge(table, Node { value, span: span.clone() });
            }
        }
        (under_value, value) => {
            *under_value = value;
            under.span = span;
        }
    }
}

fn are_tables(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::Table(_)))
}

/// Whether a table replaces another one instead of adding to it.
fn is_one_value(key: &Key, node: &Node) -> bool {
    key.name == "zip" || node.is_range()
}

fn convert_table(table: &DeTable<'_>, source: &Arc<Source>) -> Result<Table, Diagnostic> {
    table
        .iter()
        .map(|(key, value)| {
            let span = SourceSpan { source: Arc::clone(source), range: key.span() };
            Ok((Key { name: key.get_ref().to_string(), span }, convert(value, source)?))
        })
        .collect()
}

fn convert(spanned: &Spanned<DeValue<'_>>, source: &Arc<Source>) -> Result<Node, Diagnostic> {
    let span = SourceSpan { source: Arc::clone(source), range: spanned.span() };
    let value = match spanned.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map(Value::Integer)
            .map_err(|_| {
                Diagnostic::new("the number is too large", &span, "expected an integer of 64 bits")
            })?,
        DeValue::Float(float) => {
            float.as_str().parse().map(Value::Float).map_err(|_| {
                Diagnostic::new("not a number", &span, "expected a float such as 0.01")
            })?
        }
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(_) => Value::Datetime,
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| convert(item, source)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Table(convert_table(table, source)?),
    };
    Ok(Node { value, span })
}
