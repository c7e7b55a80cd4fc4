//! Metric and replicate declarations of an experiment. They take precedence over the directions and
//! roles that `metric` infers from names.

/// Whether lower or higher values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Lower is better, as for a loss.
    Minimize,
    /// Higher is better, as for an accuracy.
    Maximize,
}

impl Direction {
    /// The name of the direction in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// Usual names of the hyperparameter that distinguishes repeated runs of a setting.
pub const REPLICATES: [&str; 5] = ["seed", "random_state", "random_seed", "fold", "replicate"];

/// Metric and replicate declarations of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declarations {
    /// The metric that ranks settings.
    pub rank: Option<String>,
    /// The metric that measures the quality of the best-ranked setting.
    pub report: Option<String>,
    /// The hyperparameter that distinguishes repeated runs of a setting. By default it is `seed` or
    /// a similar name, such as `fold`.
    pub replicate: Option<String>,
    /// Directions by metric name. A name without a split applies to all splits: `wer` covers
    /// `val_wer` and `test_wer`.
    pub directions: Vec<(String, Direction)>,
}

impl Declarations {
    /// Converts the declarations to rows of the store: role and name.
    pub(crate) fn rows(&self) -> Vec<(&'static str, &str)> {
        let named =
            [("rank", &self.rank), ("report", &self.report), ("replicate", &self.replicate)];
        let named = named.into_iter().filter_map(|(role, name)| Some((role, name.as_deref()?)));
        named
            .chain(
                self.directions.iter().map(|(name, direction)| (direction.as_str(), name.as_str())),
            )
            .collect()
    }

    /// Reads the declarations from rows of the store. Unknown roles are ignored.
    pub(crate) fn from_rows(rows: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut declarations = Self::default();
        for (role, name) in rows {
            match role.as_str() {
                "rank" => declarations.rank = Some(name),
                "report" => declarations.report = Some(name),
                "replicate" => declarations.replicate = Some(name),
                "minimize" => declarations.directions.push((name, Direction::Minimize)),
                "maximize" => declarations.directions.push((name, Direction::Maximize)),
                _ => {}
            }
        }
        declarations
    }
}
