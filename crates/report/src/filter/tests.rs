#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use tracking::{RecordedRun, Run, Status};

use super::*;
use crate::analysis::comparison::CompareOptions;
use crate::example::{Example, ended, run};
use crate::runs::{FACTS, MeasuredRun};

const KEYS: [&str; 6] = ["batch_size", "seed", "init", "odd key (`\"'=", "not", "test_accuracy"];

/// Three runs: one without `init`, one without results, one with a key that nobody would choose.
static RUNS: LazyLock<Vec<MeasuredRun>> = LazyLock::new(|| {
    let mut example = Example::new("sweep", "");
    example.record(run("sweep", &[("batch_size", 32.into()), ("seed", 0.into())], 0.9));
    let zeros = run(
        "sweep",
        &[("batch_size", 64.into()), ("seed", 1.into()), ("init", "zeros".into())],
        0.8,
    );
    example.record(ended(Status::Failed, zeros));
    let odd = [
        ("batch_size", 16.into()),
        ("init", "it's \"odd\" (and new)".into()),
        (KEYS[3], 0.5.into()),
        ("not", 3.into()),
    ];
    example.record(Run { dataset: "my data".into(), ..run("sweep", &odd, 0.85) });
    let mut runs = example.runs(&CompareOptions::default());
    runs.sort_by_key(|it| it.run.results.len() + 10 * it.run.params.len());
    for (it, day) in runs.iter_mut().zip(["2026-10-31", "2026-11-24", "2027-01-01"]) {
        it.run.started_at = format!("{day}T10:30:05.123Z");
        it.run.ended_at = format!("{day}T23:59:59.999Z");
    }
    runs[2].run.ended_at = String::new();
    runs
});

fn parse(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Which of [`RUNS`] fulfil it: `+` or `-` each.
fn holds(text: &str) -> String {
    let condition = parse(text);
    RUNS.iter().map(|run| if condition.holds(run) { '+' } else { '-' }).collect()
}

#[test]
fn whole_numbers_are_compared_exactly() {
    let mut example = Example::new("sweep", "");
    let seed = 9_007_199_254_740_992_i64;
    for more in 0..3 {
        example.record(run("sweep", &[("seed", (seed + more).into())], 0.9));
    }
    let runs = example.runs(&CompareOptions::default());
    let count = |text: &str| runs.iter().filter(|run| parse(text).holds(run)).count();
    assert_eq!(
        ["=", "!=", "<", "<="].map(|symbol| count(&format!("seed{symbol}{}", seed + 1))),
        [1, 2, 1, 2]
    );
}

#[test]
fn what_a_program_calls_its_device_is_what_is_asked_for() {
    let mut example = Example::new("sweep", "");
    example.record(run("sweep", &[("device", "cuda:0".into())], 0.9));
    let runs = example.runs(&CompareOptions::default());
    assert!(parse("device=cuda:0").holds(&runs[0]) && !parse("device=cpu").holds(&runs[0]));
    assert_eq!(holds("device=cpu"), "+++");
}

#[test]
fn single_comparisons_hold_as_they_always_did() {
    for (text, expected) in [
        ("batch_size<=32", "+-+"),
        (" batch_size = 3.2e1 ", "+--"),
        ("batch_size==32", "+--"),
        ("init!='zeros'", "--+"),
        ("init=\"zeros\"", "-+-"),
        ("init=a=b", "---"),
        ("dataset='mnist'", "++-"),
        ("dataset='my data'", "--+"),
        ("status=failed", "-+-"),
        ("test_accuracy>0.86", "+--"),
        ("seed=zero", "---"),
        ("seed!=zero", "++-"),
        ("not=3", "--+"),
        ("`odd key (``\"'=` < 1", "--+"),
        ("\"odd key (`\"\"'=\" < 1", "--+"),
        ("init='it''s \"odd\" (and new)'", "--+"),
        ("init=''", "---"),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
    let id = RUNS[1].run.id.as_str();
    assert_eq!(holds(&format!("run={}", &id[..12])), "-+-");
    assert_eq!(holds(&format!("run!={id}")), "+-+");
}

#[test]
fn joints_bind_as_everybody_expects() {
    for (text, expected) in [
        ("batch_size=32 or batch_size=16", "+-+"),
        ("batch_size=32 or batch_size=64 and status=failed", "++-"),
        ("(batch_size=32 or batch_size=64) and status=failed", "-+-"),
        ("not batch_size=32 and status=failed", "-+-"),
        ("not (batch_size=32 or status=failed)", "--+"),
        ("NOT(seed=0)AND(seed=1)Or not=3", "-++"),
        ("not not seed=0", "+--"),
        ("((seed=0))", "+--"),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn of_what_a_run_has_not_no_comparison_holds_and_not_turns_that_over() {
    assert_eq!((holds("init=zeros"), holds("init!=zeros")), ("-+-".into(), "--+".into()));
    assert_eq!((holds("not init=zeros"), holds("not init!=zeros")), ("+-+".into(), "++-".into()));
    assert_eq!(holds("not test_accuracy>=0"), "-+-", "those that have none");
}

#[test]
fn times_are_compared_at_the_precision_written() {
    for (text, expected) in [
        ("started_at=2026", "++-"),
        ("started_at=2026-11", "-+-"),
        ("started_at<=2026-11-24", "++-"),
        ("started_at<2026-11-24", "+--"),
        ("started_at>2026-11-24", "--+"),
        ("started_at!=2026-11-24", "+-+"),
        ("started_at<='2026-11-24 10:30'", "++-"),
        ("started_at>='2026-11-24 10:31'", "--+"),
        ("started_at=2026-11-24T10:30:05.123Z", "-+-"),
        ("ended_at>2000", "++-"),
        ("not ended_at>2000", "--+"),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

fn error(text: &str) -> String {
    Condition::parse(text).unwrap_err().to_string()
}

#[test]
fn errors_point_at_what_is_wrong() {
    insta::assert_snapshot!(error("  "), @r"
    the condition is empty
      --where '  '
               ^^ expected a comparison, as 'batch_size<=64'
    ");
    insta::assert_snapshot!(error("batch_size"), @r"
    a comparison is a key, an operator and a value
      --where 'batch_size'
               ^^^^^^^^^^ expected one of = != < <= > >=, as in 'batch_size<=64'
    ");
    insta::assert_snapshot!(error("<3"), @r"
    a comparison begins with a key
      --where '<3'
               ^ expected a key before this
    ");
    insta::assert_snapshot!(error("seed >="), @r"
    a comparison ends with a value
      --where 'seed >='
                    ^^ expected a value after this
    ");
    insta::assert_snapshot!(error("seed =< 3"), @r"
    no such operator
      --where 'seed =< 3'
                    ^^ expected one of = != < <= > >= (a value that begins so stands in quotes)
    ");
    insta::assert_snapshot!(error("init<zeros"), @r"
    a word is neither less nor greater
      --where 'init<zeros'
                    ^^^^^ expected a number: words are only = or !=
    ");
    insta::assert_snapshot!(error("started_at>yesterday"), @r"
    a time is compared with a date
      --where 'started_at>yesterday'
                          ^^^^^^^^^ expected one as 2026-11-24 or '2026-11-24 10:30', in UTC
    ");
    insta::assert_snapshot!(error("started_at>=2026-11-24 10:30"), @r"
    comparisons are joined by 'and' or 'or'
      --where 'started_at>=2026-11-24 10:30'
                                      ^^^^^ expected 'and' or 'or' before this (a value of several words stands in quotes)
    ");
    insta::assert_snapshot!(error("init='zeros"), @r"
    a quote is not closed
      --where 'init='zeros'
                    ^ expected a second ' after this
    ");
    insta::assert_snapshot!(error("Ü\u{1b}"), @r"
    a comparison is a key, an operator and a value
      --where 'Ü\u{1b}'
               ^^^^^^^ expected one of = != < <= > >=, as in 'batch_size<=64'
    ");
}

#[test]
fn errors_of_joints_point_at_the_joint() {
    insta::assert_snapshot!(error("seed=1 adn decay=0"), @r"
    comparisons are joined by 'and' or 'or'
      --where 'seed=1 adn decay=0'
                      ^^^ did you mean 'and'?
    ");
    insta::assert_snapshot!(error("seed=1 && decay=0"), @r"
    comparisons are joined by 'and' or 'or'
      --where 'seed=1 && decay=0'
                      ^^ did you mean 'and'?
    ");
    insta::assert_snapshot!(error("seed=1||decay=0"), @r"
    comparisons are joined by 'and' or 'or'
      --where 'seed=1||decay=0'
                     ^^ did you mean 'or'?
    ");
    insta::assert_snapshot!(error("seed=1 decay=0"), @r"
    comparisons are joined by 'and' or 'or'
      --where 'seed=1 decay=0'
                      ^^^^^ expected 'and' or 'or' before this (a value of several words stands in quotes)
    ");
    insta::assert_snapshot!(error("seed=1 and"), @r"
    a comparison is missing
      --where 'seed=1 and'
                      ^^^ expected a comparison after this
    ");
    insta::assert_snapshot!(error("seed=1 and or decay=0"), @r"
    a comparison is missing
      --where 'seed=1 and or decay=0'
                          ^^ expected a comparison before this
    ");
    insta::assert_snapshot!(error("seed = or decay=0"), @r"
    a comparison ends with a value
      --where 'seed = or decay=0'
                      ^^ expected a value before this (as a value it stands in quotes)
    ");
    insta::assert_snapshot!(error("nto seed=1"), @r"
    a comparison is a key, an operator and a value
      --where 'nto seed=1'
               ^^^ did you mean 'not'?
    ");
}

#[test]
fn errors_of_parentheses_point_at_the_parenthesis() {
    insta::assert_snapshot!(error("seed=1 and (decay=0 or decay=1"), @r"
    a parenthesis is not closed
      --where 'seed=1 and (decay=0 or decay=1'
                          ^ expected a ) after this
    ");
    insta::assert_snapshot!(error("seed=1) and decay=0"), @r"
    a parenthesis is not opened
      --where 'seed=1) and decay=0'
                     ^ expected a ( before this
    ");
    insta::assert_snapshot!(error("()"), @r"
    a comparison is missing
      --where '()'
                ^ expected a comparison before this
    ");
    insta::assert_snapshot!(error("("), @r"
    a comparison is missing
      --where '('
               ^ expected a comparison after this
    ");
}

#[test]
fn unknown_keys_and_statuses_have_neighbours() {
    let error =
        |text: &str| parse(text).check(&["batch_size", "decay", "status"]).unwrap_err().to_string();
    insta::assert_snapshot!(error("decay2 = batchsize"), @r"
    unknown key 'decay2'
      --where 'decay2 = batchsize'
               ^^^^^^ did you mean 'decay'?
    ");
    insta::assert_snapshot!(error("decay=0 and not (decay=1 or status=finshed)"), @r"
    'finshed' is no status
      --where 'decay=0 and not (decay=1 or status=finshed)'
                                                  ^^^^^^^ did you mean 'finished'?
    ");
}

#[test]
fn a_hundred_levels_are_enough() {
    let nested = |levels: usize| format!("{}seed=1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Condition::parse(&nested(100)).is_ok());
    assert!(error(&nested(101)).starts_with("a condition is nested too deeply"));
    assert!(error(&"not ".repeat(1_000_000)).starts_with("a condition is nested too deeply"));
    assert_eq!(
        holds(&vec!["seed=0"; 50_000].join(" or ")),
        "+--",
        "beside each other there may be any number"
    );
}

proptest! {
    #[test]
    fn any_text_is_a_condition_or_an_error_on_three_lines(text in any::<String>(), parts in pieces()) {
        for text in [text.clone(), parts.concat(), format!("{text}{}{text}", parts.concat())] {
            match Condition::parse(&text) {
                Ok(condition) => {
                    let _ = condition.check(&FACTS);
                    let _ = condition.holds(&RUNS[0]);
                }
                Err(error) => {
                    let (error, width) = (error.to_string(), |line: &str| line.trim_end().width());
                    let lines: Vec<&str> = error.split('\n').collect();
                    prop_assert_eq!(lines.len(), 3);
                    let carets = lines[2].rfind("^ ").map_or(0, |at| width(&lines[2][..=at]));
                    prop_assert!(carets > 0 && carets <= lines[1].width() + 1, "{}", error);
                }
            }
        }
    }
}

/// What conditions are made of, in any order.
fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
    const PIECES: [&str; 20] = [
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
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24)
}

/// A condition that was never text.
#[derive(Debug, Clone)]
enum Tree {
    Number(usize, usize, f64),
    Word(usize, bool, String),
    Not(Box<Tree>),
    Two(Box<Tree>, bool, Box<Tree>),
}

const SYMBOLS: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];

fn trees() -> impl Strategy<Value = Tree> {
    let key = || 0..KEYS.len();
    let numbers =
        prop_oneof![prop::sample::select(&[0.0, 0.5, 0.85, 1.0, 16.0, 32.0][..]), any::<f64>()];
    let number = (key(), 0..SYMBOLS.len(), numbers.prop_filter("a number", |it| !it.is_nan()));
    let texts = prop_oneof![
        Just("zeros".to_owned()),
        Just("it's \"odd\" (and new)".to_owned()),
        any::<String>()
    ];
    let words = texts.prop_filter("a word", |it| it.parse::<f64>().is_err());
    let leaf = prop_oneof![
        number.prop_map(|(key, symbol, number)| Tree::Number(key, symbol, number)),
        (key(), any::<bool>(), words).prop_map(|(key, equal, word)| Tree::Word(key, equal, word)),
    ];
    leaf.prop_recursive(6, 40, 2, |part| {
        prop_oneof![
            part.clone().prop_map(|it| Tree::Not(Box::new(it))),
            (part.clone(), any::<bool>(), part).prop_map(|(a, and, b)| Tree::Two(
                Box::new(a),
                and,
                Box::new(b)
            )),
        ]
    })
}

impl Tree {
    fn text(&self) -> String {
        let key = |key: &usize| if *key == 3 { "`odd key (``\"'=`" } else { KEYS[*key] };
        match self {
            Self::Number(at, symbol, number) => format!("{}{} {number}", key(at), SYMBOLS[*symbol]),
            Self::Word(at, true, word) => format!("{} = '{}'", key(at), word.replace('\'', "''")),
            Self::Word(at, false, word) => {
                format!("{} != \"{}\"", key(at), word.replace('"', "\"\""))
            }
            Self::Not(part) => match &**part {
                Self::Two(..) => format!("Not({})", part.text()),
                _ => format!("not {}", part.text()),
            },
            Self::Two(left, true, right) => format!("{}\tAND {}", left.inner(), right.inner()),
            Self::Two(left, false, right) => format!("{} or {}", left.text(), right.text()),
        }
    }

    /// Beside an `and`, parentheses are needed by an `or` only.
    fn inner(&self) -> String {
        if matches!(self, Self::Two(_, false, _)) {
            format!("({})", self.text())
        } else {
            self.text()
        }
    }

    fn holds(&self, run: &RecordedRun) -> bool {
        let value = |key: &usize| {
            run.param(KEYS[*key]).cloned().or_else(|| run.result(KEYS[*key]).map(Value::Real))
        };
        match self {
            Self::Number(key, symbol, wanted) => match value(key) {
                None => false,
                Some(Value::Text(text)) => match SYMBOLS[*symbol] {
                    "=" => text == wanted.to_string(),
                    "!=" => text != wanted.to_string(),
                    _ => false,
                },
                Some(value) => {
                    let found = value.as_number().unwrap();
                    let truth = [
                        found == *wanted,
                        found != *wanted,
                        found < *wanted,
                        found <= *wanted,
                        found > *wanted,
                        found >= *wanted,
                    ];
                    truth[*symbol]
                }
            },
            Self::Word(key, equal, wanted) => match value(key) {
                None => false,
                Some(Value::Text(text)) => (text == *wanted) == *equal,
                Some(_) => !equal,
            },
            Self::Not(part) => !part.holds(run),
            Self::Two(left, true, right) => left.holds(run) && right.holds(run),
            Self::Two(left, false, right) => left.holds(run) || right.holds(run),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_down_is_read_back(tree in trees()) {
        let condition = parse(&tree.text());
        prop_assert!(condition.check(&KEYS).is_ok());
        for run in RUNS.iter() {
            prop_assert_eq!(condition.holds(run), tree.holds(&run.run), "{} of {:?}", tree.text(), run.run.params);
        }
    }
}
