//! The legend: the meaning of the signs in the cells.

use super::comparison_table::{Row, Table};
use super::rendered::RenderedColumn;
use crate::wording;

/// Explains the signs that occur in the cells.
pub fn legend(table: &Table, columns: &[RenderedColumn]) -> String {
    let has = |sign: &str| {
        columns.iter().flat_map(|column| &column.cells).any(|cell| cell.contains(sign))
    };
    let best = match table.comparison.promise {
        None => "★ best mean, not tested",
        Some(_) if table.comparison.candidates().len() == 1 => "★ best",
        Some(_) => "★ best mean of those that may be the best",
    };
    let spread = match table.comparison.replicate.as_deref() {
        Some(name) => format!("± standard deviation over {}", wording::repeated(Some(name))),
        None => "± standard deviation".to_owned(),
    };
    let not_strictly_worse = |row: &Row| {
        let touches =
            row.standing.distance.is_some_and(|limits| limits.low.is_some() && limits.high == 0.0);
        touches && !row.standing.may_be_best
    };
    let at_most = if table.rows.iter().any(not_strictly_worse) {
        "at most: not shown to be strictly worse"
    } else {
        ""
    };
    let signs = [
        ("★", best.to_owned()),
        ("≈", "≈ may be the best".to_owned()),
        ("at most", at_most.to_owned()),
        ("±", spread),
    ];
    let meanings = signs.into_iter().filter(|(sign, meaning)| has(sign) && !meaning.is_empty());
    meanings.map(|(_, meaning)| meaning).collect::<Vec<_>>().join(" · ")
}
