//! Declarations of an experiment: its metrics, its replicate and its race. They take precedence over
//! the directions and roles that `metric` infers from names.

use std::borrow::Cow;

use crate::Race;

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

/// The role of a race in the store.
const RACE: &str = "race";

/// Usual names of the hyperparameter that distinguishes repeated runs of a setting.
pub const REPLICATES: [&str; 5] = ["seed", "random_state", "random_seed", "fold", "replicate"];

/// What an experiment declares about its runs.
#[derive(Debug, Clone, PartialEq, Default)]
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
    /// The race that decides which settings get more replicates.
    pub race: Option<Race>,
}

impl Declarations {
    /// Converts the declarations to rows of the store: role and name.
    pub(crate) fn rows(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let race = self.race.as_ref().map(|race| (RACE, Cow::Owned(race.to_text())));
        let names = self.names().map(|(role, name)| (role, Cow::Borrowed(name)));
        names.chain(race).collect()
    }

    /// The names of metrics and of the replicate, each with its role.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named =
            [("rank", &self.rank), ("report", &self.report), ("replicate", &self.replicate)];
        let named = named.into_iter().filter_map(|(role, name)| Some((role, name.as_deref()?)));
        named.chain(
            self.directions.iter().map(|(name, direction)| (direction.as_str(), name.as_str())),
        )
    }

    /// These declarations of a store, with those of another store that is merged into it. Names of
    /// this store take precedence. Of two races, the one with more settings is kept, then the longer
    /// one, so that the order of merges does not matter.
    pub(crate) fn merged_with(self, other: Self) -> Self {
        let size =
            |race: &Race| (race.settings.len(), race.rules.most(), race.changes, race.to_text());
        let races = self.race.iter().chain(&other.race);
        let race = races.max_by_key(|race| size(race)).cloned();
        let chosen = if self.names().next().is_some() { self } else { other };
        Self { race, ..chosen }
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
                RACE => declarations.race = Race::from_text(&name),
                _ => {}
            }
        }
        declarations
    }
}
