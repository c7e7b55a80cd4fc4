//! The pairs that a verdict uses, and the results that are missing on one side only.

use std::collections::{HashMap, HashSet};

use analysis::runs::MeasuredRun;
use tracking::Status;

use super::nothing_in_common::statuses;
use crate::diff::pair::Pair;
use crate::diff::sets::{PairedSets, is_finished};

/// The pairs of the replicates that have every setting. A mean over some settings of a replicate
/// would compare replicates with different settings.
pub struct UsedPairs<'a> {
    pub pairs: Vec<Pair<'a>>,
    /// The number of combinations of all hyperparameters except the replicate.
    pub settings: usize,
    /// The number of replicates without a pair of some setting.
    pub incomplete: usize,
}

impl<'a> UsedPairs<'a> {
    /// Selects from the pairs that have the metric.
    pub fn of(paired: &PairedSets<'a>, metric: &str) -> Self {
        let replicate = |pair: &Pair<'a>| paired.replicate.map(|name| pair.key(name));
        let keys = paired.params.iter().filter(|name| Some(**name) != paired.replicate);
        let setting = |pair: &Pair<'a>| keys.clone().map(|name| pair.key(name)).collect::<Vec<_>>();
        let with_metric = paired.pairs.iter().filter(|pair| pair.metric(metric).is_some());
        let mut settings_of: HashMap<_, HashSet<_>> = HashMap::new();
        for pair in with_metric.clone() {
            settings_of.entry(replicate(pair)).or_default().insert(setting(pair));
        }
        let settings = settings_of.values().flatten().collect::<HashSet<_>>().len();
        let is_complete = |pair: &&Pair<'a>| settings_of[&replicate(pair)].len() == settings;
        Self {
            pairs: with_metric.filter(is_complete).copied().collect(),
            settings,
            incomplete: settings_of.values().filter(|found| found.len() < settings).count(),
        }
    }
}

/// The runs of one side without a result where the other side has one.
pub struct Lack {
    pub side: &'static str,
    pub runs: usize,
    /// The number of runs of each status.
    pub statuses: String,
}

/// The results that are missing on the right side only, or on the left side only.
pub fn lack<'a>(paired: &PairedSets<'a>, metric: &str, is_right: bool) -> Option<Lack> {
    let has_result = |run: &MeasuredRun| is_finished(run) && run.metric(metric).is_some();
    let ended = [Status::Finished, Status::Diverged, Status::Failed];
    let own_and_other = |pair: &Pair<'a>| match is_right {
        true => (pair.right, pair.left),
        false => (pair.left, pair.right),
    };
    let pairs = paired.pairs.iter().chain(&paired.unfinished).map(own_and_other);
    let is_lacking = |(own, other): &(&MeasuredRun, &MeasuredRun)| {
        ended.contains(&own.run.status) && !has_result(own) && has_result(other)
    };
    let runs: Vec<&MeasuredRun> = pairs.filter(is_lacking).map(|(own, _)| own).collect();
    let side = if is_right { "right" } else { "left" };
    (!runs.is_empty()).then(|| Lack { side, runs: runs.len(), statuses: statuses(runs) })
}
