//! A column: its name, its content and its importance.

use analysis::metric::Unit;

/// The importance of a column to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prominence {
    /// Only in formats for programs.
    Machine,
    /// Left out if the table is too wide; lower numbers first.
    Optional(u8),
    /// Always shown.
    Needed,
}

/// The content of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A hyperparameter.
    Key,
    /// A number of runs.
    Count,
    /// A metric, as mean and standard deviation over replicates.
    Metric(Unit),
    /// The fitted level that ranks a setting, if that is not the mean of its runs.
    Level(Unit),
    /// The 95 % interval of the mean of the ranking metric.
    Interval(Unit),
    /// The limits of the distance to the best setting.
    Distance(Unit),
    /// The difference from the baseline, or else from the best setting.
    Difference(Unit),
    /// The mark of the setting: ★, ≈ or a word.
    Mark,
    /// When a setting left its race.
    Left,
    /// The setting that beat it there.
    Rival,
    /// Yes or no.
    Flag,
    /// A note on the row.
    Note,
}

impl Role {
    /// Whether all cells are text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Mark | Self::Left | Self::Rival | Self::Flag | Self::Note)
    }

    /// The unit of the numbers.
    pub fn unit(self) -> Unit {
        match self {
            Self::Metric(unit)
            | Self::Level(unit)
            | Self::Interval(unit)
            | Self::Distance(unit)
            | Self::Difference(unit) => unit,
            _ => Unit::Number,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name for programs, unique in the table.
    pub name: String,
    /// The name of the hyperparameter, metric or count.
    pub source: String,
    /// Its title for people.
    pub title: String,
    /// Its content.
    pub role: Role,
    /// Its importance.
    pub prominence: Prominence,
}
