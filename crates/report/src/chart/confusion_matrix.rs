//! Confusion matrix: one row per class, one column per predicted class.

use std::collections::BTreeMap;

use super::canvas::{canvas, empty_chart};
use super::colour::{colour_step, text_class};
use super::labels::Labels;
use super::legend::colour_ramp;
use super::matrix_layout::MatrixLayout;
use super::number::NumberFormat;
use super::shapes::{WIDTH, group};
use super::text::{sanitize, tooltip};

/// Most classes for which cells show their counts.
const MAX_CLASSES_WITH_COUNTS: usize = 20;

/// A confusion matrix of `cells`: label, prediction and count. Correct predictions and mistakes
/// have different hues. A cell with a greater share of its row has a stronger colour. For mistakes,
/// the strength is relative to the greatest share of a mistake.
pub fn confusion_matrix(
    labels: &Labels,
    classes: &[String],
    cells: &[(usize, usize, u64)],
) -> String {
    let Some(layout) = MatrixLayout::new(classes, classes) else {
        return empty_chart(labels, "confusion");
    };
    let counts = Counts::new(classes.len(), cells);
    let max_mistake = counts.max_mistake_share();
    let mut drawn = group("cells");
    for ((row, column), count) in &counts.cells {
        let share = counts.share(*row, *count);
        let is_correct = row == column;
        let step = colour_step(if is_correct { share } else { share / max_mistake });
        let hue = if is_correct { 'q' } else { 'm' };
        let description = format!(
            "{} predicted as {}: {count} of {} ({})",
            sanitize(&classes[*row], 40),
            sanitize(&classes[*column], 40),
            counts.row_totals[*row],
            NumberFormat::Percent.format(share),
        );
        let cell = layout.cell(&format!("{hue}{step}"), *column, *row);
        drawn = drawn.add(cell.add(tooltip(&description)));
        if classes.len() <= MAX_CLASSES_WITH_COUNTS
            && let Some(text) =
                layout.cell_text(&count.to_string(), text_class(step), *column, *row)
        {
            drawn = drawn.add(text);
        }
    }
    let mut chart = canvas(labels, "confusion", layout.chart_height())
        .add(layout.frame(labels, classes, classes))
        .add(drawn);
    let mut right = WIDTH - 2.0;
    if max_mistake > 0.0 {
        let high = NumberFormat::Percent.for_range(0.0, max_mistake).format(max_mistake);
        let (ramp, left) = colour_ramp('m', "mistaken 0 %", &high, right);
        chart = chart.add(ramp);
        right = left - 24.0;
    }
    let (ramp, _) = colour_ramp('q', "correct 0 %", "100 %", right);
    chart.add(ramp).to_string()
}

/// Positive counts by row and column, and the total of each row.
struct Counts {
    cells: BTreeMap<(usize, usize), u64>,
    row_totals: Vec<u64>,
}

impl Counts {
    /// Adds up `cells`. Cells outside the matrix are ignored.
    fn new(classes: usize, cells: &[(usize, usize, u64)]) -> Self {
        let mut counts = Self { cells: BTreeMap::new(), row_totals: vec![0; classes] };
        for (row, column, count) in cells {
            if *row < classes && *column < classes && *count > 0 {
                let cell = counts.cells.entry((*row, *column)).or_default();
                *cell = cell.saturating_add(*count);
                counts.row_totals[*row] = counts.row_totals[*row].saturating_add(*count);
            }
        }
        counts
    }

    #[allow(clippy::cast_precision_loss, reason = "only a share")]
    fn share(&self, row: usize, count: u64) -> f64 {
        count as f64 / self.row_totals[row].max(1) as f64
    }

    /// The greatest share that a mistake has in its row; 0 without mistakes.
    fn max_mistake_share(&self) -> f64 {
        let mistakes = self.cells.iter().filter(|((row, column), _)| row != column);
        mistakes.map(|((row, _), count)| self.share(*row, *count)).fold(0.0, f64::max)
    }
}
