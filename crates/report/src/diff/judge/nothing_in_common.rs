//! Reasons why two sides cannot be judged, whatever their seeds.

use std::collections::HashSet;

use analysis::runs::MeasuredRun;
use anyhow::{Result, bail};
use tracking::{RunId, Status, printable, shell};

use crate::diff::pair::match_runs;
use crate::diff::run_set::{RunSet, provenance_differences};
use crate::diff::sets::PairedSets;
use crate::diff::text::short_id;
use crate::wording::{self, count};

/// Checks that the sides have finished runs, a common metric, and runs that differ only in what is
/// compared and in the replicate.
///
/// # Errors
/// If a check fails. The error says what to do.
pub fn check(sets: [&RunSet; 2], paired: &PairedSets) -> Result<()> {
    for (side, set) in ["left", "right"].into_iter().zip(sets) {
        if set.finished() == 0 {
            let (name, statuses) = (printable(&set.name), statuses(&set.runs));
            bail!("{side} has no finished run ({name}: {statuses}): {}", next_step(set));
        }
    }
    let left: HashSet<&RunId> = sets[0].runs.iter().map(|run| &run.run.id).collect();
    let on_both = sets[1].runs.iter().filter(|run| left.contains(&run.run.id)).count();
    if on_both > 0 {
        let runs = if on_both == 1 { "1 run is".to_owned() } else { format!("{on_both} runs are") };
        bail!("{runs} on both sides: select sides without common runs");
    }
    if paired.common_metrics.is_empty() {
        let [left, right] = &paired.one_sided_metrics;
        bail!(
            "the sides have no common metric: record the same metrics; left has {}, right has {}",
            printable(&left.join(", ")),
            printable(&right.join(", "))
        );
    }
    let has_match = |params: &[&str]| {
        let matches = match_runs(sets.map(|set| set.runs.as_slice()), params);
        let [left, right] = matches.ambiguous;
        !matches.pairs.is_empty() || left + right > 0
    };
    let without_replicate: Vec<&str> =
        paired.params.iter().filter(|name| Some(**name) != paired.replicate).copied().collect();
    if paired.matched() > 0 || has_match(&without_replicate) {
        return Ok(());
    }
    let data = provenance_differences(sets[0], sets[1]);
    let data = data.iter().map(|difference| difference.name.as_str());
    let data = data.filter(|name| ["dataset sha256", "validation"].contains(name));
    let disjoint = paired.disjoint_params.iter().filter(|name| without_replicate.contains(name));
    let reasons: Vec<String> =
        data.map(str::to_owned).chain(disjoint.map(|name| wording::key(name))).collect();
    let reasons =
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    bail!(
        "the sides have no runs in common: their data or hyperparameters differ in every run{reasons}; \
         select settings with EXPERIMENT:CONDITION, or run both sides on the same data"
    )
}

/// The next step for a side without a finished run. Only runs of programs have a log.
fn next_step(set: &RunSet) -> String {
    let has_ended =
        |run: &&MeasuredRun| matches!(run.run.status, Status::Failed | Status::Diverged);
    let Some(run) = set.runs.iter().find(has_ended) else { return "run it first".to_owned() };
    let id = short_id(run);
    let log = run.run.program_sha256.is_some().then_some("--log");
    let arguments: Vec<&str> = std::iter::once(id.as_str()).chain(log).collect();
    format!(
        "to see why, run {}",
        shell::next_command("report", "show", &set.folder.path, &arguments)
    )
}

/// The number of runs of each status.
pub fn statuses<'r>(runs: impl IntoIterator<Item = &'r MeasuredRun>) -> String {
    let runs: Vec<Status> = runs.into_iter().map(|run| run.run.status).collect();
    let count_of = |status: Status| {
        let runs = runs.iter().filter(|found| **found == status).count();
        (runs > 0).then(|| format!("{runs} {status}"))
    };
    let counts: Vec<String> = Status::ALL.into_iter().filter_map(count_of).collect();
    if counts.is_empty() { count(0, "run") } else { counts.join(", ") }
}
