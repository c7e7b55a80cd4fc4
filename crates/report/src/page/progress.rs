//! Describes the progress of experiments in words.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use analysis::metric::{Unit, position};
use serde::Serialize;
use tracking::{Liveness, Progress, RecordedRun, Value, printable};

use crate::number_format;
use crate::wording::{self, truncated};

/// Most runs listed per experiment. `live.css` reserves the same number of lines.
const MAX_RUNS: usize = 5;
/// Longest name of a run, in characters.
const MAX_NAME: usize = 100;

/// The progress of an experiment.
#[derive(Debug, PartialEq, Serialize)]
pub struct ExperimentProgress {
    pub experiment: String,
    /// One line: trials, runs, failures and times.
    pub state: String,
    /// Trials that have ended.
    pub done: u32,
    /// Planned trials, if the program has a plan.
    pub trials: Option<u32>,
    /// The runs that ended last, after as many active runs as fit.
    pub runs: Vec<RunLine>,
}

/// One run.
#[derive(Debug, PartialEq, Serialize)]
pub struct RunLine {
    pub name: String,
    pub state: String,
}

/// Whether runs are active or are about to start.
pub fn is_active(progress: &Progress) -> bool {
    !progress.running.is_empty() || (progress.liveness == Liveness::Alive && !is_complete(progress))
}

/// Ended and planned trials, if the program has a plan.
fn done(progress: &Progress) -> Option<(u32, u32)> {
    let work = progress.work?;
    let before = work.trials.saturating_sub(work.to_run);
    Some((before.saturating_add(progress.ended()).min(work.trials), work.trials))
}

fn is_complete(progress: &Progress) -> bool {
    progress.running.is_empty() && done(progress).is_some_and(|(done, of)| done == of)
}

/// Whether planned trials are missing.
pub fn is_unfinished(progress: &Progress) -> bool {
    done(progress).is_some_and(|(done, of)| done < of)
}

/// When the last run ended, or when the program started if none has.
pub fn last_event_at(progress: &Progress) -> &str {
    progress.latest.first().map_or(&progress.started_at, |run| &run.ended_at)
}

/// Describes the progress of `experiment` at `now`. Runs are named by the `varying` hyperparameters,
/// and until the sweep is complete also by the others: they may vary in later trials.
pub fn describe(
    experiment: &str,
    progress: &Progress,
    varying: &BTreeSet<String>,
    now: SystemTime,
) -> ExperimentProgress {
    let done = done(progress);
    let is_partial = !is_complete(progress);
    let name = |run| name(run, varying, is_partial);
    // Ended runs take precedence.
    let room = MAX_RUNS.saturating_sub(progress.latest.len());
    let running = progress
        .running
        .iter()
        .take(room)
        .map(|run| RunLine { name: name(run), state: epoch(run) });
    let latest = progress.latest.iter().map(|run| RunLine { name: name(run), state: outcome(run) });
    ExperimentProgress {
        experiment: printable(experiment).into_owned(),
        state: state(progress, done, now),
        done: done.map_or(0, |(done, _)| done),
        trials: done.map(|(_, of)| of),
        runs: running.chain(latest).collect(),
    }
}

fn state(progress: &Progress, done: Option<(u32, u32)>, now: SystemTime) -> String {
    let ended = match done {
        Some((done, of)) => format!("{done} of {}", wording::count(of as usize, "trial")),
        None => format!("{} ended", wording::count(progress.ended() as usize, "trial")),
    };
    let counted = |count: usize, state: &str| (count > 0).then(|| format!("{count} {state}"));
    let is_active = is_active(progress);
    let elapsed = elapsed(progress, now);
    let end = match (done, progress.liveness) {
        _ if is_complete(progress) => Some("complete".to_owned()),
        _ if is_active => {
            time_left(progress, now).map(|left| format!("{} left", tracking::about(left)))
        }
        (Some((done, of)), Liveness::Gone) => {
            Some(format!("no runner is active, {} missing: rerun to continue", of - done))
        }
        _ => Some("nothing runs".to_owned()),
    };
    let remote = (is_active && progress.liveness == Liveness::Remote)
        .then(|| "on another machine".to_owned());
    let parts = [
        Some(ended),
        counted(progress.running.len(), "running"),
        counted(progress.diverged as usize, "diverged"),
        counted(progress.failed as usize, "failed"),
        remote,
        (!elapsed.is_zero()).then(|| {
            tracking::seconds(elapsed.as_secs_f64()) + if is_active { " so far" } else { "" }
        }),
        end,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Time from the start until now, or until the last run ended.
fn elapsed(progress: &Progress, now: SystemTime) -> Duration {
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    let last = || progress.latest.first().and_then(|run| time(&run.ended_at));
    let until = if is_active(progress) { Some(now) } else { last() };
    let elapsed = until
        .zip(time(&progress.started_at))
        .and_then(|(until, from)| until.duration_since(from).ok());
    elapsed.unwrap_or_default()
}

/// Estimates the remaining time. Each remaining trial takes as long as each ended one. Without the
/// epochs of the active runs, the estimate uses steps instead of trials.
fn time_left(progress: &Progress, now: SystemTime) -> Option<Duration> {
    let work = progress.work?;
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    let (taken, left) = match (progress.trained.zip(progress.untrained), progress.steps_left) {
        (Some(trials), _) => trials,
        (None, Some(left)) if work.steps > 0 && progress.steps > 0 => {
            (progress.steps as f64, left as f64)
        }
        _ => (f64::from(progress.ended()), f64::from(work.to_run.saturating_sub(progress.ended()))),
    };
    let seconds = elapsed(progress, now).as_secs_f64() * left / taken;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Names a run by the `varying` hyperparameters, followed by the others if `with_others`. The state
/// of a run contains its number of epochs.
fn name(run: &RecordedRun, varying: &BTreeSet<String>, with_others: bool) -> String {
    let (varies, others): (Vec<_>, Vec<_>) =
        run.params.iter().partition(|(name, _)| varying.contains(&**name));
    let others = others.into_iter().filter(|(name, _)| with_others && &**name != "epochs");
    let shown = varies.into_iter().chain(others);
    let parts: Vec<String> = shown.map(|(name, value)| wording::constant(name, value)).collect();
    if parts.is_empty() {
        format!("trial {}", run.trial)
    } else {
        truncated(&parts.join(" · "), MAX_NAME).into_owned()
    }
}

fn epoch(run: &RecordedRun) -> String {
    match run.param("epochs") {
        Some(Value::Integer(epochs)) => format!("epoch {} of {epochs}", run.last_epoch),
        _ if run.last_epoch > 0 => format!("epoch {}", run.last_epoch),
        _ => "running".to_owned(),
    }
}

/// The first result in display order, or the status of a run without a result.
fn outcome(run: &RecordedRun) -> String {
    let first = run.results.iter().min_by_key(|(name, _)| position(name));
    match first.filter(|_| run.status == tracking::Status::Finished) {
        Some((name, value)) => {
            format!(
                "{} {}",
                wording::metric(name),
                number_format::with_unit(Unit::of(name, value.abs()), *value)
            )
        }
        None => run.status.as_str().to_owned(),
    }
}

/// The hyperparameters that differ between `runs`.
pub fn varying<'a>(runs: impl IntoIterator<Item = &'a RecordedRun>) -> BTreeSet<String> {
    let mut runs = runs.into_iter();
    let Some(first) = runs.next() else { return BTreeSet::new() };
    let others: Vec<&RecordedRun> = runs.collect();
    let differs = |name: &str, value| others.iter().any(|run| run.param(name) != Some(value));
    first
        .params
        .iter()
        .filter(|(name, value)| differs(name, value))
        .map(|(name, _)| name.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tracking::PlannedWork;

    use super::*;

    /// 100 trials of 1,000 steps each: 40 had results before, 60 started a minute ago.
    fn begun() -> (Progress, SystemTime) {
        let begun = Progress {
            started_at: "2026-11-24T10:00:00.000Z".into(),
            work: Some(PlannedWork { trials: 100, to_run: 60, steps: 60_000 }),
            finished: 0,
            diverged: 0,
            failed: 0,
            steps: 0,
            steps_left: Some(60_000),
            trained: None,
            untrained: None,
            running: Vec::new(),
            latest: Vec::new(),
            liveness: Liveness::Alive,
        };
        (begun, humantime::parse_rfc3339("2026-11-24T10:01:00Z").unwrap())
    }

    fn state(progress: &Progress) -> String {
        describe("wine", progress, &BTreeSet::new(), begun().1).state
    }

    #[test]
    fn time_left_extrapolates_from_ended_work() {
        let (begun, _) = begun();
        assert_eq!(state(&begun), "40 of 100 trials · 60.0 s so far");
        // 20 of 60 took a minute, so 40 take two. Steps are more precise than trials.
        let one_third = Progress {
            finished: 18,
            diverged: 2,
            steps: 20_000,
            steps_left: Some(40_000),
            ..begun.clone()
        };
        assert_eq!(
            state(&one_third),
            "60 of 100 trials · 2 diverged · 60.0 s so far · about 2 min 0 s left"
        );
        let long_trials_first =
            Progress { finished: 20, steps: 40_000, steps_left: Some(20_000), ..begun.clone() };
        assert_eq!(state(&long_trials_first), "60 of 100 trials · 60.0 s so far · about 30 s left");
        // Trials of equal epochs take about as long, whatever their number of steps.
        let in_trials =
            Progress { trained: Some(24.0), untrained: Some(36.0), ..long_trials_first.clone() };
        assert_eq!(state(&in_trials), "60 of 100 trials · 60.0 s so far · about 1 min 30 s left");
        // The program does not count steps.
        let no_steps = Progress { failed: 1, finished: 29, steps: 0, ..begun };
        assert_eq!(
            state(&no_steps),
            "70 of 100 trials · 1 failed · 60.0 s so far · about 1 min 0 s left"
        );
    }

    #[test]
    fn run_of_an_incomplete_sweep_is_named_by_its_whole_setting() {
        let folder = tempfile::tempdir().unwrap();
        let store = tracking::Store::open(folder.path()).unwrap();
        let params = [("batch_size", 16.into()), ("epochs", 25.into()), ("seed", 5.into())];
        store.start_run("wine", &params).unwrap().finish(&[]).unwrap();
        let runs = store.runs("wine").unwrap();
        let varying = BTreeSet::from(["seed".to_owned()]);
        assert_eq!(name(&runs[0], &varying, true), "seed 5 · batch_size 16");
        assert_eq!(name(&runs[0], &varying, false), "seed 5");
    }

    #[test]
    fn complete_sweep_differs_from_an_abandoned_one() {
        let (begun, _) = begun();
        let gone = Progress { finished: 59, liveness: Liveness::Gone, ..begun.clone() };
        assert_eq!(
            state(&gone),
            "99 of 100 trials · no runner is active, 1 missing: rerun to continue"
        );
        assert!(!is_active(&gone));
        for liveness in [Liveness::Alive, Liveness::Gone] {
            let complete = Progress { finished: 60, liveness, ..begun.clone() };
            assert_eq!(
                (state(&complete), is_active(&complete)),
                ("100 of 100 trials · complete".into(), false)
            );
        }
        // The program has no plan.
        let unplanned = Progress {
            work: None,
            steps_left: None,
            finished: 1,
            liveness: Liveness::Gone,
            ..begun
        };
        assert_eq!(state(&unplanned), "1 trial ended · nothing runs");
    }
}
