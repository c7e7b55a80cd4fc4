//! How far experiments have come, in words.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tracking::{Liveness, Progress, RecordedRun, Value, printable};

use crate::metric::{Unit, position};
use crate::number_format;
use crate::wording::{self, truncated};

/// Runs that there is room for; as in `live.css`.
const LINES: usize = 5;
/// Longest line of a run.
const LONGEST: usize = 100;

/// An experiment on its way.
#[derive(Debug, PartialEq, Serialize)]
pub struct Going {
    pub experiment: String,
    /// In words, all of it.
    pub state: String,
    /// Trials that have ended, of how many, where that is known.
    pub done: u32,
    pub trials: Option<u32>,
    /// What runs, as far as there is room, then what ended last.
    pub runs: Vec<Told>,
}

/// A run, in a line.
#[derive(Debug, PartialEq, Serialize)]
pub struct Told {
    pub name: String,
    pub stands: String,
}

/// Whether there may be more to see soon.
pub fn is_going(progress: &Progress) -> bool {
    !progress.running.is_empty() || (progress.liveness == Liveness::Alive && !is_complete(progress))
}

/// Trials that have their end, of all that there are to be.
fn done(progress: &Progress) -> Option<(u32, u32)> {
    let work = progress.work?;
    let before = work.trials.saturating_sub(work.to_run);
    Some((before.saturating_add(progress.ended()).min(work.trials), work.trials))
}

fn is_complete(progress: &Progress) -> bool {
    progress.running.is_empty() && done(progress).is_some_and(|(done, of)| done == of)
}

/// Whether it is known that something of it is missing.
pub fn is_unfinished(progress: &Progress) -> bool {
    done(progress).is_some_and(|(done, of)| done < of)
}

/// When something happened last: a run ended, or else it began.
pub fn last_moment(progress: &Progress) -> &str {
    progress.latest.first().map_or(&progress.started_at, |run| &run.ended_at)
}

/// How `experiment` stands at `now`; `varying` names the hyperparameters that tell its runs apart.
pub fn going(
    experiment: &str,
    progress: &Progress,
    varying: &BTreeSet<String>,
    now: SystemTime,
) -> Going {
    let done = done(progress);
    // Those that ended have room first.
    let room = LINES.saturating_sub(progress.latest.len());
    let running = progress
        .running
        .iter()
        .take(room)
        .map(|run| Told { name: name(run, varying), stands: epoch(run) });
    let latest =
        progress.latest.iter().map(|run| Told { name: name(run, varying), stands: outcome(run) });
    Going {
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
    let some = |count: usize, how: &str| (count > 0).then(|| format!("{count} {how}"));
    let going = is_going(progress);
    let spent = spent(progress, now);
    let end = match (done, progress.liveness) {
        _ if is_complete(progress) => Some("complete".to_owned()),
        _ if going => left(progress, now).map(|left| format!("{} left", tracking::about(left))),
        (Some((done, of)), Liveness::Gone) => Some(format!(
            "nobody is at it any more, {} missing: the same command goes on",
            of - done
        )),
        _ => Some("nothing runs".to_owned()),
    };
    let elsewhere =
        (going && progress.liveness == Liveness::Remote).then(|| "on another machine".to_owned());
    let parts = [
        Some(ended),
        some(progress.running.len(), "running"),
        some(progress.diverged as usize, "diverged"),
        some(progress.failed as usize, "failed"),
        elsewhere,
        (!spent.is_zero())
            .then(|| tracking::seconds(spent.as_secs_f64()) + if going { " so far" } else { "" }),
        end,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// How long it has been at work: until now, or until the last run ended.
pub fn spent(progress: &Progress, now: SystemTime) -> Duration {
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    let last = || progress.latest.first().and_then(|run| time(&run.ended_at));
    let until = if is_going(progress) { Some(now) } else { last() };
    let spent = until
        .zip(time(&progress.started_at))
        .and_then(|(until, from)| until.duration_since(from).ok());
    spent.unwrap_or_default()
}

/// How long it still takes at `now`: what is left as long as what was done, trial for trial; step for step where nobody knows how far
/// those that run have come.
pub fn left(progress: &Progress, now: SystemTime) -> Option<Duration> {
    let work = progress.work?;
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    let (taken, left) = match (progress.trained.zip(progress.untrained), progress.steps_left) {
        (Some(trials), _) => trials,
        (None, Some(left)) if work.steps > 0 && progress.steps > 0 => {
            (progress.steps as f64, left as f64)
        }
        _ => (f64::from(progress.ended()), f64::from(work.to_run.saturating_sub(progress.ended()))),
    };
    let seconds = spent(progress, now).as_secs_f64() * left / taken;
    Duration::try_from_secs_f64(seconds).ok()
}

fn name(run: &RecordedRun, varying: &BTreeSet<String>) -> String {
    let varies = run.params.iter().filter(|(name, _)| varying.contains(&**name));
    let parts: Vec<String> = varies.map(|(name, value)| wording::constant(name, value)).collect();
    if parts.is_empty() {
        format!("trial {}", run.trial)
    } else {
        truncated(&parts.join(" · "), LONGEST).into_owned()
    }
}

fn epoch(run: &RecordedRun) -> String {
    match run.param("epochs") {
        Some(Value::Integer(epochs)) => format!("epoch {} of {epochs}", run.last_epoch),
        _ if run.last_epoch > 0 => format!("epoch {}", run.last_epoch),
        _ => "running".to_owned(),
    }
}

/// The metric that matters most, or how else it ended.
fn outcome(run: &RecordedRun) -> String {
    let first = run.results.iter().min_by_key(|(name, _)| position(name));
    match first.filter(|_| run.status == tracking::Status::Finished) {
        Some((name, value)) => {
            format!(
                "{} {}",
                wording::title(name),
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
    let differs = |name: &str, value| others.iter().any(|it| it.param(name) != Some(value));
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

    /// 100 trials of 1,000 steps each, of which 40 had their result; a minute ago 60 began.
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
        going("wine", progress, &BTreeSet::new(), begun().1).state
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_was_done() {
        let (begun, _) = begun();
        assert_eq!(state(&begun), "40 of 100 trials · 60.0 s so far");
        // 20 of 60, and as many minutes more as they took twice; the steps know better than the trials.
        let on_the_way = Progress {
            finished: 18,
            diverged: 2,
            steps: 20_000,
            steps_left: Some(40_000),
            ..begun.clone()
        };
        assert_eq!(
            state(&on_the_way),
            "60 of 100 trials · 2 diverged · 60.0 s so far · about 2 min 0 s left"
        );
        let laborious_first =
            Progress { finished: 20, steps: 40_000, steps_left: Some(20_000), ..begun.clone() };
        assert_eq!(state(&laborious_first), "60 of 100 trials · 60.0 s so far · about 30 s left");
        // Trials of as many epochs take about as long, however many steps they have.
        let in_trials =
            Progress { trained: Some(24.0), untrained: Some(36.0), ..laborious_first.clone() };
        assert_eq!(state(&in_trials), "60 of 100 trials · 60.0 s so far · about 1 min 30 s left");
        // A program that does not count its steps.
        let no_steps = Progress { failed: 1, finished: 29, steps: 0, ..begun };
        assert_eq!(
            state(&no_steps),
            "70 of 100 trials · 1 failed · 60.0 s so far · about 1 min 0 s left"
        );
    }

    #[test]
    fn an_end_is_told_from_a_process_that_is_gone() {
        let (begun, _) = begun();
        let gone = Progress { finished: 59, liveness: Liveness::Gone, ..begun.clone() };
        assert_eq!(
            state(&gone),
            "99 of 100 trials · nobody is at it any more, 1 missing: the same command goes on"
        );
        assert!(!is_going(&gone));
        for liveness in [Liveness::Alive, Liveness::Gone] {
            let complete = Progress { finished: 60, liveness, ..begun.clone() };
            assert_eq!(
                (state(&complete), is_going(&complete)),
                ("100 of 100 trials · complete".into(), false)
            );
        }
        // Nobody said how many there are to be.
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
