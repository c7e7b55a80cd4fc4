//! Which runs match a condition.

use super::{RUNS, error, holds, matches, parse, value};
use crate::Value;
use crate::filter::Condition;

#[test]
fn integers_are_compared_exactly() {
    // At 2^53, neighbouring integers are the same f64.
    let seed = 9_007_199_254_740_992_i64;
    let runs = [0, 1, 2].map(|offset| [("seed", Value::from(seed + offset))]);
    let count = |text: &str| runs.iter().filter(|run| holds(&parse(text), *run)).count();
    assert_eq!(
        ["=", "!=", "<", "<="].map(|symbol| count(&format!("seed{symbol}{}", seed + 1))),
        [1, 2, 1, 2]
    );
}

#[test]
fn comparison_matches_the_right_runs() {
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
        assert_eq!(matches(text), expected, "{text}");
    }
    let id = value(&RUNS[1], "run").unwrap().to_string();
    assert_eq!(matches(&format!("run={}", &id[..12])), "-+-");
    assert_eq!(matches(&format!("run!={id}")), "+-+");
}

#[test]
fn and_binds_tighter_than_or_and_looser_than_not() {
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
        assert_eq!(matches(text), expected, "{text}");
    }
}

#[test]
fn comparison_with_a_missing_value_is_false() {
    assert_eq!(matches("init=zeros"), "-+-");
    assert_eq!(matches("init!=zeros"), "--+");
    assert_eq!(matches("not init=zeros"), "+-+");
    assert_eq!(matches("not init!=zeros"), "++-");
    assert_eq!(matches("not test_accuracy>=0"), "-+-", "only the run without a result matches");
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
        assert_eq!(matches(text), expected, "{text}");
    }
}

#[test]
fn at_most_a_hundred_levels_are_nested() {
    let nested = |levels: usize| format!("{}seed=1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Condition::parse(&nested(100)).is_ok());
    assert!(error(&nested(101)).starts_with("the condition is nested too deeply"));
    assert!(error(&"not ".repeat(1_000_000)).starts_with("the condition is nested too deeply"));
    let wide = vec!["seed=0"; 50_000].join(" or ");
    assert_eq!(matches(&wide), "+--", "comparisons on the same level are not limited");
}
