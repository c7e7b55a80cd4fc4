//! Properties of conditions that any text and any expression must have.

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::{KEYS, ODD_KEY, RUNS, holds, parse, value};
use crate::Value;
use crate::filter::Condition;

proptest! {
    #[test]
    fn any_text_is_a_condition_or_an_error_of_three_lines(
        text in any::<String>(),
        fragments in fragments(),
    ) {
        let fragments = fragments.concat();
        for text in [text.clone(), fragments.clone(), format!("{text}{fragments}{text}")] {
            match Condition::parse(&text) {
                Ok(mut condition) => {
                    let _ = condition.resolve(&["status", "seed", "started_at"]);
                    let _ = holds(&condition, &RUNS[0]);
                }
                Err(error) => {
                    let error = error.to_string();
                    let width = |line: &str| line.trim_end().width();
                    let lines: Vec<&str> = error.split('\n').collect();
                    prop_assert_eq!(lines.len(), 3);
                    let carets = lines[2].rfind("^ ").map_or(0, |index| width(&lines[2][..=index]));
                    prop_assert!(carets > 0 && carets <= lines[1].width() + 1, "{}", error);
                }
            }
        }
    }
}

/// Fragments of conditions in any order.
fn fragments() -> impl Strategy<Value = Vec<&'static str>> {
    const FRAGMENTS: [&str; 20] = [
        "(",
        ")",
        " ",
        "and",
        "or",
        "not",
        "adn",
        "=",
        "!",
        "<=",
        "'",
        "\"",
        "`",
        "seed",
        "status",
        "started_at",
        "2026-11",
        "1e-4",
        "zeros",
        "\u{1b}数",
    ];
    prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..24)
}

/// A random expression, evaluated without the parser.
#[derive(Debug, Clone)]
enum Tree {
    /// Key, operator and number.
    Number(&'static str, &'static str, f64),
    /// Key, whether the operator is `=` (else `!=`), and text.
    Text(&'static str, bool, String),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

const OPERATORS: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];

fn trees() -> impl Strategy<Value = Tree> {
    let key = || prop::sample::select(&KEYS[..]);
    let operator = prop::sample::select(&OPERATORS[..]);
    let number =
        prop_oneof![prop::sample::select(&[0.0, 0.5, 0.85, 1.0, 16.0, 32.0][..]), any::<f64>()]
            .prop_filter("a number", |number| !number.is_nan());
    let text = prop_oneof![
        Just("zeros".to_owned()),
        Just("it's \"odd\" (and new)".to_owned()),
        any::<String>()
    ]
    .prop_filter("not a number", |text| text.parse::<f64>().is_err());
    let leaf = prop_oneof![
        (key(), operator, number)
            .prop_map(|(key, operator, number)| Tree::Number(key, operator, number)),
        (key(), any::<bool>(), text)
            .prop_map(|(key, is_equal, text)| Tree::Text(key, is_equal, text)),
    ];
    leaf.prop_recursive(6, 40, 2, |part| {
        let pair = || (part.clone().prop_map(Box::new), part.clone().prop_map(Box::new));
        prop_oneof![
            part.clone().prop_map(|part| Tree::Not(Box::new(part))),
            pair().prop_map(|(left, right)| Tree::And(left, right)),
            pair().prop_map(|(left, right)| Tree::Or(left, right)),
        ]
    })
}

impl Tree {
    /// The expression as a condition.
    fn text(&self) -> String {
        let quoted = |key: &&'static str| if *key == ODD_KEY { "`odd key (``\"'=`" } else { *key };
        match self {
            Self::Number(key, operator, number) => format!("{}{operator} {number}", quoted(key)),
            Self::Text(key, true, text) => {
                format!("{} = '{}'", quoted(key), text.replace('\'', "''"))
            }
            Self::Text(key, false, text) => {
                format!("{} != \"{}\"", quoted(key), text.replace('"', "\"\""))
            }
            Self::Not(part) => match &**part {
                Self::And(..) | Self::Or(..) => format!("Not({})", part.text()),
                _ => format!("not {}", part.text()),
            },
            Self::And(left, right) => {
                format!("{}\tAND {}", left.text_beside_and(), right.text_beside_and())
            }
            Self::Or(left, right) => format!("{} or {}", left.text(), right.text()),
        }
    }

    /// The expression beside an `and`: only an `or` needs parentheses there.
    fn text_beside_and(&self) -> String {
        if matches!(self, Self::Or(..)) { format!("({})", self.text()) } else { self.text() }
    }

    fn holds(&self, run: &[(&str, Value)]) -> bool {
        match self {
            Self::Number(key, operator, operand) => match value(run, key) {
                None => false,
                Some(Value::Text(text)) => match *operator {
                    "=" => text == operand.to_string(),
                    "!=" => text != operand.to_string(),
                    _ => false,
                },
                Some(value) => {
                    let number = value.as_number().unwrap();
                    match *operator {
                        "=" => number == *operand,
                        "!=" => number != *operand,
                        "<" => number < *operand,
                        "<=" => number <= *operand,
                        ">" => number > *operand,
                        _ => number >= *operand,
                    }
                }
            },
            Self::Text(key, is_equal, operand) => match value(run, key) {
                None => false,
                Some(Value::Text(text)) => (text == *operand) == *is_equal,
                Some(_) => !is_equal,
            },
            Self::Not(part) => !part.holds(run),
            Self::And(left, right) => left.holds(run) && right.holds(run),
            Self::Or(left, right) => left.holds(run) || right.holds(run),
        }
    }
}

proptest! {
    #[test]
    fn random_expressions_hold_as_expected(tree in trees()) {
        let mut condition = parse(&tree.text());
        prop_assert!(condition.resolve(&KEYS).is_ok());
        for run in RUNS.iter() {
            let (expected, text) = (tree.holds(run), tree.text());
            prop_assert_eq!(holds(&condition, run), expected, "{} of {:?}", text, run);
        }
    }
}
