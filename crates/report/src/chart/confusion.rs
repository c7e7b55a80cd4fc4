//! What was taken for what: a row for each class, a column for each prediction.

use std::collections::BTreeMap;

use super::Labels;
use super::key::ramp;
use super::matrix::{Matrix, on};
use super::number::Format;
use super::sheet::{WIDTH, clean, group, hint, nothing, sheet, step};

/// From so many classes on, cells hold no counts.
const MANY: usize = 20;

/// What was taken for what: `cells` are label, prediction and how often. Right ones have one hue, mistakes another, each
/// by their share of the row; mistakes up to the greatest of them.
pub fn confusion(labels: &Labels, classes: &[String], cells: &[(usize, usize, u64)]) -> String {
    let Some(matrix) = Matrix::new(classes, classes) else { return nothing(labels, "confusion") };
    let (counts, totals) = counted(classes.len(), cells);
    let shares: Vec<(usize, usize, u64, f64)> = counts
        .iter()
        .map(|((row, column), count)| (*row, *column, *count, share(*count, totals[*row])))
        .collect();
    let worst = shares.iter().filter(|it| it.0 != it.1).map(|it| it.3).fold(0.0, f64::max);
    let mut drawn = group("cells");
    for (row, column, count, share) in shares {
        let step = step(if row == column { share } else { share / worst });
        let hue = if row == column { 'q' } else { 'm' };
        let words = format!(
            "{}, taken for {}: {count} of {} ({})",
            clean(&classes[row], 40),
            clean(&classes[column], 40),
            totals[row],
            Format::Percent.alone(share),
        );
        drawn = drawn.add(matrix.cell(&format!("{hue}{step}"), column, row).add(hint(&words)));
        if classes.len() <= MANY
            && let Some(written) = matrix.written(&count.to_string(), on(step), column, row)
        {
            drawn = drawn.add(written);
        }
    }
    let mut svg = sheet(labels, "confusion", matrix.total())
        .add(matrix.names(labels, classes, classes))
        .add(drawn);
    let mut right = WIDTH - 2.0;
    if worst > 0.0 {
        let (key, left) =
            ramp('m', "mistaken 0 %", &Format::Percent.between(0.0, worst).text(worst), right);
        svg = svg.add(key);
        right = left - 24.0;
    }
    svg.add(ramp('q', "right 0 %", "100 %", right).0).to_string()
}

/// How often each pair, and each row, without pairs that are none or never.
fn counted(
    classes: usize,
    cells: &[(usize, usize, u64)],
) -> (BTreeMap<(usize, usize), u64>, Vec<u64>) {
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let mut totals = vec![0_u64; classes];
    for (row, column, count) in cells {
        if *row < classes && *column < classes && *count > 0 {
            let cell = counts.entry((*row, *column)).or_default();
            *cell = cell.saturating_add(*count);
            totals[*row] = totals[*row].saturating_add(*count);
        }
    }
    (counts, totals)
}

#[allow(clippy::cast_precision_loss, reason = "a share")]
fn share(count: u64, total: u64) -> f64 {
    count as f64 / total.max(1) as f64
}
