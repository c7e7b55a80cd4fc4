//! The replicates that each side lacks for a verdict.

use std::collections::BTreeSet;

use analysis::judge::Method;
use analysis::runs::MeasuredRun;
use tracking::{Status, Value};

use super::command::Command;
use crate::diff::pair::Pair;
use crate::diff::run_set::RunSet;
use crate::wording;

/// The replicates that are missing for a verdict.
pub struct MissingSeeds {
    /// The number of replicates to add to the common ones; `None` if unknown or impractical.
    pub count: Option<usize>,
    /// Whether this number gives a verdict with a probability of 80 %. Otherwise, it is the number
    /// without which no test is possible.
    pub is_powerful: bool,
    /// A command for each side that lacks replicates, or the reason why there is none.
    pub commands: Result<Vec<Command>, String>,
}

/// Finds the commands that add replicates to the `n` of the `pairs`. `needed` is the number of
/// replicates that gives a verdict.
pub fn missing_seeds(
    sets: [&RunSet; 2],
    pairs: &[Pair],
    replicate: Option<&str>,
    method: Method,
    n: usize,
    needed: Option<usize>,
) -> MissingSeeds {
    let least = method.least_replicates();
    let target = needed.or((n < least).then_some(least));
    let count = target.map(|target| target - n);
    let commands = match (replicate, count) {
        (Some(replicate), Some(_)) if method == Method::Once => Err(format!(
            "--once is valid for one look: ask without it to add {}",
            wording::repeated(Some(replicate))
        )),
        (Some(replicate), Some(count)) => commands(sets, pairs, replicate, count),
        _ => Ok(Vec::new()),
    };
    MissingSeeds { count, is_powerful: needed.is_some(), commands }
}

fn commands(
    sets: [&RunSet; 2],
    pairs: &[Pair],
    replicate: &str,
    count: usize,
) -> Result<Vec<Command>, String> {
    let seeds = sets.map(|set| Seeds::of(&set.runs, replicate));
    let [Some(left), Some(right)] = seeds else { return Ok(Vec::new()) };
    let common: BTreeSet<i64> =
        pairs.iter().filter_map(|pair| integer(pair.param(replicate)?)).collect();
    let admits = |seed: &i64| sets.iter().all(|set| set.admits(replicate, *seed));
    let added = added(&left, &right, &common, count, &admits);
    if added.len() < count {
        let replicates = wording::repeated(Some(replicate));
        return Err(format!(
            "no {replicates} can be added: a side selects runs or {replicates}; select settings only"
        ));
    }
    let mut commands: Vec<Command> = Vec::new();
    for ((side, set), seeds) in ["left", "right"].into_iter().zip(sets).zip([left, right]) {
        let missing: Vec<i64> = added.difference(&seeds.finished).copied().collect();
        let all: Vec<i64> = seeds.all.union(&added).copied().collect();
        if missing.is_empty() {
            continue;
        }
        let command = Command::new(side, set, replicate, &all, missing);
        // Both sides can be settings of one experiment that one command extends.
        match commands.first_mut() {
            Some(first) if is_same(first, &command) => first.sides.push(side),
            _ => commands.push(command),
        }
    }
    Ok(commands)
}

/// Whether two commands do the same.
fn is_same(one: &Command, other: &Command) -> bool {
    *one == Command { sides: one.sides.clone(), ..other.clone() }
}

/// The next `count` replicates: those that one side has already, then new ones. A replicate on which
/// a side ended without the metric is skipped, because a repetition would end alike.
fn added(
    left: &Seeds,
    right: &Seeds,
    common: &BTreeSet<i64>,
    count: usize,
    admits: &dyn Fn(&i64) -> bool,
) -> BTreeSet<i64> {
    let known: BTreeSet<i64> = left.all.union(&right.all).copied().collect();
    let is_usable = |seed: &i64| {
        let ended = |seeds: &Seeds| seeds.ended.contains(seed);
        let on_both = left.finished.contains(seed) && right.finished.contains(seed);
        !common.contains(seed) && !ended(left) && !ended(right) && !on_both
    };
    let next = known.last().map_or(Some(0), |last| last.checked_add(1));
    let new = next.into_iter().flat_map(|next| next..=i64::MAX).take(count);
    known.iter().copied().filter(is_usable).chain(new).filter(admits).take(count).collect()
}

/// The replicates of one side.
struct Seeds {
    all: BTreeSet<i64>,
    finished: BTreeSet<i64>,
    /// Those that only diverged or failed.
    ended: BTreeSet<i64>,
}

impl Seeds {
    /// `None` if a run has no replicate that is an integer.
    fn of(runs: &[MeasuredRun], replicate: &str) -> Option<Self> {
        let seed = |run: &MeasuredRun| integer(run.run.param(replicate)?);
        let with_status = |statuses: &'static [Status]| {
            let runs = runs.iter().filter(move |run| statuses.contains(&run.run.status));
            runs.filter_map(seed).collect::<BTreeSet<i64>>()
        };
        let all = runs.iter().map(seed).collect::<Option<BTreeSet<i64>>>()?;
        let finished = with_status(&[Status::Finished]);
        let ended = with_status(&[Status::Diverged, Status::Failed]);
        let ended = ended.difference(&finished).copied().collect();
        Some(Self { all, finished, ended })
    }
}

/// The integer that a value is.
#[allow(clippy::cast_possible_truncation, reason = "an integer below 2⁵³")]
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Real(number) if number.trunc() == *number && number.abs() < 2f64.powi(53) => {
            Some(*number as i64)
        }
        Value::Real(_) | Value::Text(_) => None,
    }
}
