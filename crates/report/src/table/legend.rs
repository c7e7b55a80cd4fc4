//! The legend: the meaning of the signs in the cells, and of columns.

use super::column::Role;
use super::comparison_table::{Row, Table};
use super::rendered::RenderedColumn;
use crate::comparison::Promise;
use crate::wording;

/// Explains the signs that occur in the cells, and the shown columns.
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
    let signs = signs.into_iter().filter(|(sign, meaning)| has(sign) && !meaning.is_empty());
    let meanings = signs.map(|(_, meaning)| meaning).chain(columns.iter().filter_map(|column| {
        let shown = table.columns.iter().find(|known| known.name == column.name)?;
        meaning(shown.role, table)
    }));
    meanings.collect::<Vec<_>>().join(" · ")
}

/// The meaning of a column whose title does not tell it.
fn meaning(role: Role, table: &Table) -> Option<String> {
    let in_points = if role.unit().is_points() { ", in points" } else { "" };
    let reference = match table.comparison.promise {
        Some(Promise::Against(_)) => "the baseline",
        _ => "★",
    };
    match role {
        Role::Interval(_) => {
            Some("interval: 95 % confidence interval of this mean by itself".to_owned())
        }
        Role::Distance(_) => {
            Some(format!("distance to best: how much worse than the best{in_points}"))
        }
        Role::Left => Some("left: the look at which a setting left the race".to_owned()),
        Role::Rival => Some("behind: the setting that beat it there".to_owned()),
        Role::Difference(_) => Some(format!("difference: from {reference}{in_points}")),
        _ => None,
    }
}
