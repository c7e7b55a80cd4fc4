//! The `[race]` section: settings get more seeds only while they may still be the best.

use tracking::{InvalidRace, REPLICATES, RaceRules};

use crate::experiment::MAX_TRIALS;
use crate::experiment::axis::Axis;
use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Entries, Key, Node, Table, Value, entry};
use crate::experiment::learner::Learner;
use crate::experiment::section::{Section, wrong_type};

/// The race of an experiment, and where its file asks for it.
#[derive(Debug, Clone)]
pub struct RaceSection {
    pub rules: RaceRules,
    /// The hyperparameter that repeats a setting.
    pub replicate: String,
    pub span: SourceSpan,
}

impl RaceSection {
    /// Reads the section of the experiment `root`, if it asks for a race. `train` are the fixed
    /// hyperparameters, and `swept` the others.
    pub fn read(root: &Node, train: &Entries, swept: &Entries) -> Result<Option<Self>, Diagnostic> {
        let Some(node) = root.entry("race") else { return Ok(None) };
        let rules = match node.value {
            Value::Boolean(false) => return Ok(None),
            Value::Boolean(true) => {
                rules(&Node { value: Value::Table(Table::new()), ..node.clone() })?
            }
            _ => rules(node)?,
        };
        let replicate = replicate(root, swept);
        if entry(swept, &replicate).is_none() {
            reject_fixed(&replicate, train)?;
            if is_fold(&replicate) {
                let message = format!("the race has no values of '{replicate}'");
                let label = format!("expected '{replicate}' in [sweep]");
                return Err(Diagnostic::new(message, &node.span, label));
            }
        }
        Ok(Some(Self { rules, replicate, span: node.span.clone() }))
    }

    /// The replicate with its values from 0, for a sweep that does not sweep it.
    pub fn default_seeds(&self) -> (Key, Node) {
        let last = i64::try_from(self.rules.most()).unwrap_or(i64::MAX).saturating_sub(1);
        // A range, because the text of the section does not have the single values.
        let node_of = |value| Node { value, span: self.span.clone() };
        let key = |name: &str| Key { name: name.to_owned(), span: self.span.clone() };
        let bound = |name, value| (key(name), node_of(Value::Integer(value)));
        let range = Value::Table(vec![bound("from", 0), bound("to", last)]);
        (key(&self.replicate), node_of(range))
    }

    /// The first values of the replicate's `axis`, as many as the race can use. Integers continue
    /// after the largest.
    pub fn seeds(&self, mut axis: Axis, learner: &dyn Learner) -> Result<Axis, Diagnostic> {
        let (most, name) = (self.rules.most(), &self.replicate);
        if axis.names.len() > 1 {
            let message = format!("'{name}' of a race is in a zip");
            let label = format!("expected '{name}' outside: each setting needs every value");
            return Err(Diagnostic::new(message, &axis.span, label));
        }
        let integer = |row: &Vec<tracking::Value>| match row.as_slice() {
            [tracking::Value::Integer(integer)] => Some(*integer),
            _ => None,
        };
        let largest = axis.rows.iter().map(integer).collect::<Option<Vec<_>>>();
        let largest = largest.filter(|_| !is_fold(name));
        let next = largest.and_then(|integers| integers.into_iter().max());
        axis.rows.truncate(most);
        let known = axis.rows.len();
        let Some(last) = next.filter(|_| known < most) else {
            return if known == most { Ok(axis) } else { Err(self.too_few(&axis, known)) };
        };
        for next in (1..).take(most - known) {
            let too_large = || "expected smaller integers".to_owned();
            let value = last.checked_add(next).ok_or_else(too_large);
            let value = value.and_then(|value| learner.check(name, &value.into()));
            let value = value.map_err(|reason| {
                let message = format!("the race continues '{name}' beyond its range");
                Diagnostic::new(message, &axis.span, reason)
            })?;
            axis.rows.push(vec![value]);
        }
        Ok(axis)
    }

    fn too_few(&self, axis: &Axis, known: usize) -> Diagnostic {
        let (most, name) = (self.rules.most(), &self.replicate);
        let label = format!("expected {most} values, as many as the last look, found {known}");
        Diagnostic::new(format!("the race needs more values of '{name}'"), &axis.span, label)
            .help("add values, or end the looks earlier: seeds = [3, 5] in [race]")
    }
}

/// Whether a replicate has a fixed number of values: data has a number of folds, but any integer is a
/// seed.
fn is_fold(replicate: &str) -> bool {
    replicate.contains("fold")
}

fn rules(node: &Node) -> Result<RaceRules, Diagnostic> {
    const KEYS: [&str; 3] = ["seeds", "confidence", "indifference"];
    let section = Section::new("[race]", node, &KEYS)?;
    let looks = section.get("seeds").map_or(Ok(RaceRules::DEFAULT_LOOKS.to_vec()), looks)?;
    let confidence =
        section.get("confidence").map(|node| number("confidence", node)).transpose()?;
    let indifference =
        section.get("indifference").map(|node| number("indifference", node)).transpose()?;
    let confidence = confidence.unwrap_or(RaceRules::DEFAULT_CONFIDENCE);
    RaceRules::new(looks, confidence, indifference).map_err(|invalid| {
        let key = match invalid {
            InvalidRace::Looks => "seeds",
            InvalidRace::Confidence => "confidence",
            InvalidRace::Indifference => "indifference",
        };
        let span = section.get(key).map_or(&node.span, |node| &node.span);
        Diagnostic::new(format!("invalid '{key}' of [race]"), span, format!("expected {invalid}"))
    })
}

fn looks(node: &Node) -> Result<Vec<usize>, Diagnostic> {
    const EXPECTED: &str = "a list of whole numbers, such as [3, 5, 8, 12, 20]";
    let Value::Array(items) = &node.value else {
        return Err(wrong_type("seeds", node, EXPECTED));
    };
    let look = |item: &Node| match item.value {
        Value::Integer(look) if look > MAX_TRIALS as i64 => {
            let label = format!("expected at most {MAX_TRIALS} seeds");
            Err(Diagnostic::new("invalid 'seeds' of [race]", &item.span, label))
        }
        Value::Integer(look) => {
            usize::try_from(look).map_err(|_| wrong_type("seeds", item, EXPECTED))
        }
        _ => Err(wrong_type("seeds", item, EXPECTED)),
    };
    items.iter().map(look).collect()
}

fn number(name: &str, node: &Node) -> Result<f64, Diagnostic> {
    match node.value {
        Value::Float(number) => Ok(number),
        #[allow(clippy::cast_precision_loss, reason = "a number written as an integer")]
        Value::Integer(number) => Ok(number as f64),
        _ => Err(wrong_type(name, node, "a number")),
    }
}

/// The hyperparameter that repeats a setting: the declared one, else a usual one that is swept, else
/// `seed`.
fn replicate(root: &Node, swept: &Entries) -> String {
    let declared = root.entry("metrics").and_then(|metrics| metrics.entry("replicate"));
    if let Some(Node { value: Value::Text(name), .. }) = declared {
        return name.clone();
    }
    let is_swept = |name: &&str| entry(swept, name).is_some();
    REPLICATES.into_iter().find(is_swept).unwrap_or(REPLICATES[0]).to_owned()
}

fn reject_fixed(replicate: &str, train: &Entries) -> Result<(), Diagnostic> {
    let Some((key, _)) = train.iter().find(|(key, _)| key.name == replicate) else {
        return Ok(());
    };
    let message = format!("'{replicate}' is fixed in [train], but a race needs several values");
    let help = format!("without it, the race uses the values 0, 1, 2 … of '{replicate}'");
    Err(Diagnostic::new(message, &key.span, "expected it in [sweep], or not at all").help(help))
}
