//! Options of a comparison.

use analysis::runs::EpochChoice;
use tracking::filter::Condition;
use tracking::metric::Rules;
use tracking::{Declarations, Direction};

/// Options of a comparison.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// Keys to group by; by default all hyperparameters that vary, except the replicate.
    pub by: Option<Vec<String>>,
    /// The ranking metric; by default, [`Rules::ranking`] chooses it.
    pub sort: Option<String>,
    /// The epoch of each run to compare.
    pub epoch: EpochChoice,
    /// Directions of metrics from the command line.
    pub directions: Vec<(String, Direction)>,
    /// The replicate; by default the seed or another usual name.
    pub replicate: Option<String>,
    /// The condition that selects the baseline, if there is one.
    pub against: Option<Condition>,
}

impl CompareOptions {
    /// The rules for the metrics of an experiment with these `declarations`.
    pub fn rules(&self, declarations: &Declarations) -> Rules {
        Rules::new(&self.directions, declarations)
    }

    /// The options that were given and can ask another question than a race answers.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let has_direction = |wanted| self.directions.iter().any(|(_, found)| *found == wanted);
        let options = [
            (self.by.is_some(), "--by"),
            (self.sort.is_some(), "--sort"),
            (self.epoch != EpochChoice::Last, "--at"),
            (has_direction(Direction::Minimize), "--minimize"),
            (has_direction(Direction::Maximize), "--maximize"),
            (self.replicate.is_some(), "--replicate"),
            (self.against.is_some(), "--against"),
        ];
        options.into_iter().filter(|(is_given, _)| *is_given).map(|(_, name)| name).collect()
    }
}
