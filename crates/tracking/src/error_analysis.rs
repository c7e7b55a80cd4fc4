//! Error analysis of a run: the confusion matrix and the most confident mistakes.

/// Error analysis of a run: how its final weights classify the test set.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorAnalysis {
    /// Number of classes. Labels and predictions are less than it.
    pub classes: u32,
    /// Rows of an image in the dataset. Weights have the same shape and are drawn as images. A
    /// picture of a mistake may have another size.
    pub rows: u32,
    /// Columns of an image in the dataset.
    pub columns: u32,
    /// Confusion cells with a nonzero count, ordered by label, then prediction. If they exceed
    /// [`ErrorAnalysis::MAX_BYTES`], only the most frequent cells remain; ties go to the smaller
    /// label, then the smaller prediction.
    pub confusion: Vec<ConfusionCell>,
    /// Number of examples in cells that [`ErrorAnalysis::truncated`] removed; usually 0.
    pub left_out: u64,
    /// At most [`ErrorAnalysis::MAX_MISTAKES`] mistakes, ordered by decreasing probability, then by
    /// index.
    pub mistakes: Vec<Mistake>,
}

/// The number of test examples with a given label and prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusionCell {
    /// The true class.
    pub label: u32,
    /// The predicted class.
    pub predicted: u32,
    /// The number of examples, at least 1.
    pub count: u64,
}

/// A misclassified test example.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// The index in the test set, from 0.
    pub index: u64,
    /// The true class.
    pub label: u32,
    /// The predicted class.
    pub predicted: u32,
    /// The predicted probability of the class `predicted`, from 0 to 1.
    pub probability: f64,
    /// The image as a PNG, 8-bit grayscale.
    pub picture: Vec<u8>,
}

/// The signature at the start of every PNG file.
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Approximate size of a mistake without its picture, in bytes.
const MISTAKE_OVERHEAD: usize = 50;

/// The largest accepted number of pixels of an image.
const MAX_PIXELS: u64 = 1 << 30;

/// The largest accepted number of classes.
const MAX_CLASSES: u32 = 1 << 16;

impl ErrorAnalysis {
    /// Maximum number of mistakes that are recorded.
    pub const MAX_MISTAKES: usize = 12;

    /// Maximum size of the pictures and confusion cells of a run, in bytes. Together with the
    /// overhead of the database, a run takes less than 20 kB.
    pub const MAX_BYTES: usize = 14_250;

    /// Removes the rarest confusion cells until pictures and cells fit into
    /// [`ErrorAnalysis::MAX_BYTES`].
    #[must_use]
    pub fn truncated(mut self) -> Self {
        let pictures: usize =
            self.mistakes.iter().map(|mistake| mistake.picture.len() + MISTAKE_OVERHEAD).sum();
        let available = Self::MAX_BYTES.saturating_sub(pictures);
        self.confusion
            .sort_by_key(|cell| (std::cmp::Reverse(cell.count), cell.label, cell.predicted));
        let mut length = "[]".len();
        let fitting = self.confusion.iter().take_while(|cell| {
            length += cell.json_length();
            length <= available
        });
        let fitting = fitting.count();
        self.left_out += self.confusion.drain(fitting..).map(|cell| cell.count).sum::<u64>();
        self.confusion.sort_by_key(|cell| (cell.label, cell.predicted));
        self
    }

    /// Checks every field against the limits of the store.
    ///
    /// # Errors
    /// The reason why the error analysis cannot be recorded.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        let Self { classes, rows, columns, confusion, left_out, mistakes } = self;
        let is_class = |class: u32| class < *classes;
        let counts = confusion.iter().map(|cell| cell.count).chain([*left_out]);
        let total =
            counts.map(i64::try_from).try_fold(0i64, |sum, count| sum.checked_add(count.ok()?));
        let ascending = |cells: &[ConfusionCell]| cells[0].class_pair() < cells[1].class_pair();
        let descending = |mistakes: &[Mistake]| mistakes[0].comes_before(&mistakes[1]);
        let pictures: usize = mistakes.iter().map(|mistake| mistake.picture.len()).sum();
        let cells: usize = confusion.iter().map(ConfusionCell::json_length).sum();
        let rules = [
            ((1..=MAX_CLASSES).contains(classes), "the number of classes is not from 1 to 65536"),
            (
                (1..=MAX_PIXELS).contains(&(u64::from(*rows) * u64::from(*columns))),
                "an image has no pixels or more than 2^30",
            ),
            (
                confusion.iter().all(|cell| is_class(cell.label) && is_class(cell.predicted)),
                "a confusion cell has an unknown class",
            ),
            (confusion.iter().all(|cell| cell.count > 0), "the count of a confusion cell is 0"),
            (total.is_some(), "the sum of the counts is too large"),
            (confusion.windows(2).all(ascending), "the confusion cells are not in order"),
            (mistakes.len() <= Self::MAX_MISTAKES, "there are more than 12 mistakes"),
            (mistakes.windows(2).all(descending), "the mistakes are not in order"),
            (mistakes.iter().all(|mistake| mistake.is_valid(*classes)), "a mistake is invalid"),
            (
                pictures + cells <= Self::MAX_BYTES,
                "pictures and confusion cells exceed 14250 bytes",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, reason)| Err(reason))
    }
}

impl ConfusionCell {
    fn class_pair(&self) -> (u32, u32) {
        (self.label, self.predicted)
    }

    /// Length of `[label,predicted,count],` in bytes.
    fn json_length(&self) -> usize {
        let digits = |number: u64| number.checked_ilog10().map_or(1, |digits| digits as usize + 1);
        "[,,],".len()
            + digits(self.label.into())
            + digits(self.predicted.into())
            + digits(self.count)
    }
}

impl Mistake {
    fn comes_before(&self, other: &Self) -> bool {
        self.probability > other.probability
            || (self.probability == other.probability && self.index < other.index)
    }

    fn is_valid(&self, classes: u32) -> bool {
        self.label < classes
            && self.predicted < classes
            && self.label != self.predicted
            && (0.0..=1.0).contains(&self.probability)
            && i64::try_from(self.index).is_ok()
            && self.picture.starts_with(PNG_SIGNATURE)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn error_analysis(classes: u32, picture: usize) -> ErrorAnalysis {
        let cells =
            (0..classes).flat_map(|label| (0..classes).map(move |predicted| (label, predicted)));
        let confusion = cells.map(|(label, predicted)| ConfusionCell {
            label,
            predicted,
            count: if label == predicted { 1_000 } else { 1 + u64::from((label + predicted) % 3) },
        });
        let mut bytes = PNG_SIGNATURE.to_vec();
        bytes.resize(picture, 7);
        let mistake = |index| Mistake {
            index,
            label: 0,
            predicted: 1,
            probability: 0.5,
            picture: bytes.clone(),
        };
        let mistakes = (0..12).map(mistake).collect();
        ErrorAnalysis {
            classes,
            rows: 28,
            columns: 28,
            confusion: confusion.collect(),
            left_out: 0,
            mistakes,
        }
    }

    #[test]
    fn truncated_keeps_the_most_frequent_cells() {
        assert_eq!(error_analysis(10, 1_000).truncated(), error_analysis(10, 1_000));
        let (all, truncated) = (error_analysis(256, 1_000), error_analysis(256, 1_000).truncated());
        assert_eq!(truncated.validate(), Ok(()));
        let count = |analysis: &ErrorAnalysis| {
            analysis.confusion.iter().map(|cell| cell.count).sum::<u64>() + analysis.left_out
        };
        assert_eq!(count(&truncated), count(&all));
        assert!(
            truncated.confusion.len() > 80
                && truncated.confusion.iter().all(|cell| cell.count == 1_000)
        );
        assert!(
            truncated.confusion.iter().map(|cell| cell.label).eq(0..truncated
                .confusion
                .len()
                .try_into()
                .unwrap())
        );
    }

    #[test]
    fn validate_names_the_invalid_part() {
        assert_eq!(error_analysis(10, 300).validate(), Ok(()));
        type Change = fn(&mut ErrorAnalysis);
        let changes: [(&str, Change); 14] = [
            ("number of classes", |a| a.classes = 0),
            ("number of classes", |a| a.classes = u32::MAX),
            ("an image has", |a| a.rows = 0),
            ("an image has", |a| (a.rows, a.columns) = (u32::MAX, u32::MAX)),
            ("unknown class", |a| a.classes = 9),
            ("count of a confusion cell is 0", |a| a.confusion[3].count = 0),
            ("sum", |a| (a.confusion[3].count, a.left_out) = (1 << 62, 1 << 62)),
            ("sum", |a| a.left_out = u64::MAX),
            ("cells are not in order", |a| a.confusion.swap(1, 2)),
            ("more than 12 mistakes", |a| a.mistakes.push(a.mistakes[0].clone())),
            ("mistakes are not in order", |a| a.mistakes[5].probability = 0.6),
            ("a mistake is invalid", |a| a.mistakes[0].probability = 1.5),
            ("a mistake is invalid", |a| a.mistakes[0].picture[1] = b'J'),
            ("exceed 14250 bytes", |a| a.mistakes[0].picture.resize(20_000, 0)),
        ];
        for (words, change) in changes {
            let mut changed = error_analysis(10, 300);
            change(&mut changed);
            let reason = changed.validate().unwrap_err();
            assert!(reason.contains(words), "{reason}, expected {words}");
        }
    }
}
