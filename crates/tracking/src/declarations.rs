//! What an experiment says of its metrics and replicates, beside what their names say.

/// Which end of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Less is better, as of a loss.
    Minimize,
    /// More is better, as of an accuracy.
    Maximize,
}

impl Direction {
    /// Its word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// What an experiment declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declarations {
    /// The metric that ranks settings.
    pub rank: Option<String>,
    /// The metric that tells how good the chosen setting is.
    pub report: Option<String>,
    /// The hyperparameter whose values repeat a setting, where it is not `seed`.
    pub replicate: Option<String>,
    /// Directions of metrics, by name. A name without its split holds for every split: `wer` for `val_wer` and `test_wer`.
    pub directions: Vec<(String, Direction)>,
}

impl Declarations {
    /// As rows of the store: roles and names.
    pub(crate) fn rows(&self) -> Vec<(&'static str, &str)> {
        let named = [("rank", &self.rank), ("report", &self.report), ("replicate", &self.replicate)];
        let named = named.into_iter().filter_map(|(role, name)| Some((role, name.as_deref()?)));
        named.chain(self.directions.iter().map(|(name, direction)| (direction.as_str(), name.as_str()))).collect()
    }

    /// Of the rows of a store. A role that is unknown is left out.
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
