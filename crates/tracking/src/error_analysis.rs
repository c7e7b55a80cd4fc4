//! What people look at beside the numbers: which classes are taken for which, and the mistakes a model is surest of.

/// What the final weights of a run make of the test set, for people to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorAnalysis {
    /// Number of classes: labels and predictions are below it.
    pub classes: u32,
    /// Rows of an image of the dataset (not of a picture), so that weights can be drawn as images.
    pub rows: u32,
    /// Columns of an image of the dataset.
    pub columns: u32,
    /// Cells that are not 0, by label, then prediction. If they would not fit, the most frequent ones only (ties: smaller
    /// label, then prediction).
    pub confusion: Vec<ConfusionCell>,
    /// Examples in cells that were left out for want of room (0 normally).
    pub left_out: u64,
    /// At most [`ErrorAnalysis::MISTAKES`], the most confident first (higher probability; ties by lower index).
    pub mistakes: Vec<Mistake>,
}

/// How many examples of a label were predicted to be of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusionCell {
    /// What they are.
    pub label: u32,
    /// What they were taken for.
    pub predicted: u32,
    /// How many, at least one.
    pub count: u64,
}

/// An example that was taken for something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// Its place in the test set, from 0.
    pub index: u64,
    /// What it is.
    pub label: u32,
    /// What it was taken for.
    pub predicted: u32,
    /// Of the prediction, from 0 to 1.
    pub probability: f64,
    /// PNG, 8-bit grayscale.
    pub picture: Vec<u8>,
}

/// How a PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What a mistake takes beside its picture, about.
const ROW: usize = 50;

/// No dataset's images have more pixels.
const MOST_PIXELS: u64 = 1 << 30;

/// No dataset has more classes.
const MOST_CLASSES: u32 = 1 << 16;

impl ErrorAnalysis {
    /// Mistakes that are kept.
    pub const MISTAKES: usize = 12;

    /// Bytes of pictures and cells that are kept of a run: with what the database needs around them, less than 20 kB.
    pub const ROOM: usize = 14_250;

    /// Leaves the rarest cells of the confusion matrix out until there is room for the others, beside the mistakes.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        let pictures: usize = self.mistakes.iter().map(|mistake| mistake.picture.len() + ROW).sum();
        let room = Self::ROOM.saturating_sub(pictures);
        self.confusion
            .sort_by_key(|cell| (std::cmp::Reverse(cell.count), cell.label, cell.predicted));
        let mut taken = "[]".len();
        let fitting = self.confusion.iter().take_while(|cell| {
            taken += cell.length();
            taken <= room
        });
        let fitting = fitting.count();
        self.left_out += self.confusion.drain(fitting..).map(|cell| cell.count).sum::<u64>();
        self.confusion.sort_by_key(|cell| (cell.label, cell.predicted));
        self
    }

    /// What keeps them from being what a store keeps, in words.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let Self { classes, rows, columns, confusion, left_out, mistakes } = self;
        let is_class = |class: u32| class < *classes;
        let counts = confusion.iter().map(|cell| cell.count).chain([*left_out]);
        let total =
            counts.map(i64::try_from).try_fold(0i64, |sum, count| sum.checked_add(count.ok()?));
        let ascending = |cells: &[ConfusionCell]| cells[0].place() < cells[1].place();
        let first = |mistakes: &[Mistake]| mistakes[0].comes_before(&mistakes[1]);
        let pictures: usize = mistakes.iter().map(|mistake| mistake.picture.len()).sum();
        let cells: usize = confusion.iter().map(ConfusionCell::length).sum();
        let rules = [
            ((1..=MOST_CLASSES).contains(classes), "the number of classes"),
            (
                (1..=MOST_PIXELS).contains(&(u64::from(*rows) * u64::from(*columns))),
                "the size of an image",
            ),
            (
                confusion.iter().all(|cell| is_class(cell.label) && is_class(cell.predicted)),
                "a class",
            ),
            (total.is_some() && confusion.iter().all(|cell| cell.count > 0), "a count"),
            (confusion.windows(2).all(ascending), "the order of the cells"),
            (mistakes.len() <= Self::MISTAKES, "the number of mistakes"),
            (mistakes.windows(2).all(first), "the order of the mistakes"),
            (mistakes.iter().all(|mistake| mistake.is_one(*classes)), "a mistake"),
            (pictures + cells <= Self::ROOM, "the size of it all"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
    }
}

impl ConfusionCell {
    fn place(&self) -> (u32, u32) {
        (self.label, self.predicted)
    }

    /// Bytes of `[label,predicted,count],`.
    fn length(&self) -> usize {
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

    fn is_one(&self, classes: u32) -> bool {
        self.label < classes
            && self.predicted < classes
            && self.label != self.predicted
            && (0.0..=1.0).contains(&self.probability)
            && i64::try_from(self.index).is_ok()
            && self.picture.starts_with(PNG)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn examples(classes: u32, picture: usize) -> ErrorAnalysis {
        let cells =
            (0..classes).flat_map(|label| (0..classes).map(move |predicted| (label, predicted)));
        let confusion = cells.map(|(label, predicted)| ConfusionCell {
            label,
            predicted,
            count: if label == predicted { 1_000 } else { 1 + u64::from((label + predicted) % 3) },
        });
        let mut bytes = PNG.to_vec();
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
    fn ten_classes_fit_and_of_many_the_most_frequent_cells() {
        assert_eq!(examples(10, 1_000).fitted(), examples(10, 1_000));
        let (all, fitted) = (examples(256, 1_000), examples(256, 1_000).fitted());
        assert_eq!(fitted.fault(), None);
        let count = |it: &ErrorAnalysis| {
            it.confusion.iter().map(|cell| cell.count).sum::<u64>() + it.left_out
        };
        assert_eq!(count(&fitted), count(&all));
        assert!(
            fitted.confusion.len() > 80 && fitted.confusion.iter().all(|cell| cell.count == 1_000)
        );
        assert!(
            fitted.confusion.iter().map(|cell| cell.label).eq(0..fitted
                .confusion
                .len()
                .try_into()
                .unwrap())
        );
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert_eq!(examples(10, 300).fault(), None);
        type Change = fn(&mut ErrorAnalysis);
        let changes: [(&str, Change); 14] = [
            ("the number of classes", |it| it.classes = 0),
            ("the number of classes", |it| it.classes = u32::MAX),
            ("the size of an image", |it| it.rows = 0),
            ("the size of an image", |it| (it.rows, it.columns) = (u32::MAX, u32::MAX)),
            ("a class", |it| it.classes = 9),
            ("a count", |it| it.confusion[3].count = 0),
            ("a count", |it| (it.confusion[3].count, it.left_out) = (1 << 62, 1 << 62)),
            ("a count", |it| it.left_out = u64::MAX),
            ("the order of the cells", |it| it.confusion.swap(1, 2)),
            ("the number of mistakes", |it| it.mistakes.push(it.mistakes[0].clone())),
            ("the order of the mistakes", |it| it.mistakes[5].probability = 0.6),
            ("a mistake", |it| it.mistakes[0].probability = 1.5),
            ("a mistake", |it| it.mistakes[0].picture[1] = b'J'),
            ("the size of it all", |it| it.mistakes[0].picture.resize(20_000, 0)),
        ];
        for (what, change) in changes {
            let mut changed = examples(10, 300);
            change(&mut changed);
            assert_eq!(changed.fault(), Some(what));
        }
    }
}
