//! Error messages of wrong conditions.

use super::{error, parse};
use crate::filter::Condition;

#[test]
fn error_points_at_the_wrong_part() {
    insta::assert_snapshot!(error("  "), @r"
    the condition is empty
      --where '  '
               ^^ expected a comparison, such as 'batch_size<=64'
    ");
    insta::assert_snapshot!(error("batch_size"), @r"
    an operator is missing
      --where 'batch_size'
               ^^^^^^^^^^ expected one of = != < <= > >=, as in 'batch_size<=64'
    ");
    insta::assert_snapshot!(error("<3"), @r"
    a key is missing
      --where '<3'
               ^ expected a key before this
    ");
    insta::assert_snapshot!(error("seed >="), @r"
    a value is missing
      --where 'seed >='
                    ^^ expected a value after this
    ");
    insta::assert_snapshot!(error("seed =< 3"), @r"
    unknown operator
      --where 'seed =< 3'
                    ^^ expected one of = != < <= > >= (quote a value that starts with these)
    ");
    insta::assert_snapshot!(error("init<zeros"), @r"
    text has no order
      --where 'init<zeros'
                    ^^^^^ expected a number: text supports only = and !=
    ");
    insta::assert_snapshot!(error("started_at>yesterday"), @r"
    invalid date or time
      --where 'started_at>yesterday'
                          ^^^^^^^^^ expected a form such as 2026-11-24 or '2026-11-24 10:30', in UTC
    ");
    insta::assert_snapshot!(error("started_at>=2026-11-24 10:30"), @r"
    'and' or 'or' is missing
      --where 'started_at>=2026-11-24 10:30'
                                      ^^^^^ expected 'and' or 'or' before this (quote a value with blanks)
    ");
    insta::assert_snapshot!(error("init='zeros"), @r"
    unclosed quote
      --where 'init='zeros'
                    ^ expected a closing ' after this
    ");
    insta::assert_snapshot!(error("Ü\u{1b}"), @r"
    an operator is missing
      --where 'Ü\u{1b}'
               ^^^^^^^ expected one of = != < <= > >=, as in 'batch_size<=64'
    ");
}

#[test]
fn error_of_a_keyword_points_at_the_keyword() {
    insta::assert_snapshot!(error("seed=1 adn decay=0"), @r"
    'and' or 'or' is missing
      --where 'seed=1 adn decay=0'
                      ^^^ did you mean 'and'?
    ");
    insta::assert_snapshot!(error("seed=1 && decay=0"), @r"
    'and' or 'or' is missing
      --where 'seed=1 && decay=0'
                      ^^ did you mean 'and'?
    ");
    insta::assert_snapshot!(error("seed=1||decay=0"), @r"
    'and' or 'or' is missing
      --where 'seed=1||decay=0'
                     ^^ did you mean 'or'?
    ");
    insta::assert_snapshot!(error("seed=1 decay=0"), @r"
    'and' or 'or' is missing
      --where 'seed=1 decay=0'
                      ^^^^^ expected 'and' or 'or' before this (quote a value with blanks)
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
    a value is missing
      --where 'seed = or decay=0'
                      ^^ expected a value before this (quote this word if it is the value)
    ");
    insta::assert_snapshot!(error("nto seed=1"), @r"
    an operator is missing
      --where 'nto seed=1'
               ^^^ did you mean 'not'?
    ");
}

#[test]
fn error_of_a_parenthesis_points_at_it() {
    insta::assert_snapshot!(error("seed=1 and (decay=0 or decay=1"), @r"
    unclosed parenthesis
      --where 'seed=1 and (decay=0 or decay=1'
                          ^ this parenthesis is never closed
    ");
    insta::assert_snapshot!(error("seed=1) and decay=0"), @r"
    unmatched closing parenthesis
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
fn unknown_key_or_status_suggests_nearest() {
    let error = |text: &str| {
        parse(text).resolve(&["batch_size", "decay", "status"]).unwrap_err().to_string()
    };
    insta::assert_snapshot!(error("decay2 = batchsize"), @r"
    unknown key 'decay2'
      --where 'decay2 = batchsize'
               ^^^^^^ did you mean 'decay'?
    ");
    insta::assert_snapshot!(error("decay=0 and not (decay=1 or status=finshed)"), @r"
    unknown status 'finshed'
      --where 'decay=0 and not (decay=1 or status=finshed)'
                                                  ^^^^^^^ did you mean 'finished'?
    ");
}

#[test]
fn error_gives_its_parts_to_draw_it_elsewhere() {
    let error = Condition::parse("seed = 1 and init < zeros").unwrap_err();
    assert_eq!(error.message(), "text has no order");
    assert_eq!(error.span(), 20..25);
    assert_eq!(error.label(), "expected a number: text supports only = and !=");
}
