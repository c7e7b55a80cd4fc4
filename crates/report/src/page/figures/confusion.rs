//! The confusion matrix.

use tracking::ErrorAnalysis;

use super::figure::Figure;
use crate::chart::{self, Labels, NumberFormat};

/// The confusion matrix of the best trial.
pub fn confusion(id: &str, examples: &ErrorAnalysis) -> Option<Figure> {
    /// With more classes the matrix is unreadable.
    const CLASSES: u32 = 64;
    if examples.classes > CLASSES {
        return None;
    }
    let classes: Vec<String> = (0..examples.classes).map(|class| class.to_string()).collect();
    let cells: Vec<(usize, usize, u64)> = examples
        .confusion
        .iter()
        .map(|cell| (cell.label as usize, cell.predicted as usize, cell.count))
        .collect();
    let total: u64 = examples.confusion.iter().map(|cell| cell.count).fold(0, u64::saturating_add);
    let correct = examples
        .confusion
        .iter()
        .filter(|cell| cell.label == cell.predicted)
        .map(|cell| cell.count);
    let correct = correct.fold(0, u64::saturating_add);
    let labels = Labels {
        id: &format!("{id}-confusion"),
        title: "Confusion matrix",
        description: "One row per class, one column per predicted class; counts of test examples.",
        x: "predicted class",
        y: "true class",
        x_format: NumberFormat::Number,
        y_format: NumberFormat::Number,
    };
    let note = format!("{correct} of {total} test examples correct");
    (total > 0).then(|| Figure {
        svg: chart::confusion_matrix(&labels, &classes, &cells),
        title: "Confusion matrix".into(),
        note,
    })
}
