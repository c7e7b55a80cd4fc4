//! The progress of a sweep on stderr: bars on a terminal, lines elsewhere, nothing with `--quiet`.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracking::metric::Rules;

use crate::executor::{Execution, Outcome};
use crate::experiment::group::{TrialGroup, step_count, trial_count};
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;
use crate::metric;
use crate::separator::SEPARATOR;
use crate::sweep::records;
use crate::sweep::selection::Work;
use crate::terminal::{fitted, stderr_width, wrapped};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bars,
    Lines,
    /// Only trials that failed.
    Failures,
    Silent,
}

/// The progress of one sweep.
pub struct Progress {
    mode: Mode,
    bars: MultiProgress,
    sweep: ProgressBar,
    /// Trials that have a result, or failed in this sweep.
    ended: AtomicUsize,
    waiting: AtomicBool,
    /// All trials of the shard or of the plan.
    trials: usize,
    varying: Vec<String>,
    /// The metric that ranks trials, if it is known before the training.
    ranking: Option<String>,
    /// The rules that choose it otherwise.
    rules: Rules,
}

/// The shortest time between two updates of a trial's bar.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// Steps between two looks at the clock, which costs as much as a short step.
const STEPS_PER_CLOCK: u64 = 16;

/// The width of a group's line without its text.
const GROUP_BAR_WIDTH: usize = 11;

impl Progress {
    /// Shows the sweep of `work`. The hyperparameters `varying` name the trials of `spec`.
    pub fn new(work: &Work<'_>, varying: &[String], spec: &Spec, quiet: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Failures,
            (false, true) => Mode::Bars,
            (false, false) => Mode::Lines,
        };
        let (steps, to_run) = (step_count(&work.candidates), step_count(&work.to_run));
        let progress = Self {
            trials: trial_count(&work.candidates),
            varying: varying.to_vec(),
            ranking: spec.ranking_metric().map(str::to_owned),
            rules: Rules::new(&[], &spec.metrics),
            ..Self::with_mode(mode, steps)
        };
        progress.count_ended(work.done);
        progress.count_earlier(steps.saturating_sub(to_run));
        progress
    }

    /// Counts steps of earlier sweeps, which the estimate of the remaining time must not use.
    fn count_earlier(&self, steps: u64) {
        self.sweep.inc(steps);
        self.sweep.tick();
        self.sweep.reset_eta();
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self::with_mode(Mode::Silent, 0)
    }

    fn with_mode(mode: Mode, steps: u64) -> Self {
        let target = if mode == Mode::Bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let style = style("sweep {wide_bar} {percent:>3} %  {msg}  {eta} left");
        let sweep = bars.add(ProgressBar::new(steps).with_style(style));
        Self {
            mode,
            bars,
            sweep,
            ended: AtomicUsize::new(0),
            waiting: AtomicBool::new(false),
            trials: 0,
            varying: Vec::new(),
            ranking: None,
            rules: Rules::default(),
        }
    }

    /// Shows that a group starts, or resumes after an epoch.
    pub fn group_started(
        &self,
        group: &TrialGroup<'_>,
        resumed_after: Option<u32>,
    ) -> GroupProgress {
        let longest = group.longest();
        let title = longest.title(&self.varying);
        if let Some(epoch) = resumed_after.filter(|_| self.mode != Mode::Failures) {
            self.print(&format!("{title}{SEPARATOR}resumed after epoch {epoch}"), &[]);
        }
        let (steps, epochs) = (longest.workload.steps, longest.workload.epochs);
        let steps_per_epoch = (steps / u64::from(epochs.unwrap_or(1))).max(1);
        let resumed_after = resumed_after.filter(|_| epochs.is_some());
        let shown = u64::from(resumed_after.unwrap_or(0)) * steps_per_epoch;
        if shown > 0 {
            self.count_earlier(shown);
        }
        let bar = ProgressBar::new(steps).with_style(style("  {bar:8} {msg}"));
        let bar = self.bars.add(bar);
        bar.set_message(fitted(&title, stderr_width().saturating_sub(GROUP_BAR_WIDTH)).to_owned());
        GroupProgress {
            bar,
            sweep: self.sweep.clone(),
            title,
            steps_per_epoch,
            epochs,
            shown,
            refreshed: Instant::now(),
        }
    }

    /// Counts trials whose results other runners recorded, and the steps that this sweep saves.
    pub fn done_elsewhere(&self, trials: usize, steps: u64) {
        self.count_ended(trials);
        self.count_earlier(steps);
    }

    fn count_ended(&self, trials: usize) {
        let ended = self.ended.fetch_add(trials, Ordering::Relaxed) + trials;
        self.sweep.set_message(format!("{ended}/{} trials", self.trials));
    }

    /// Shows that a trial ended and is recorded. With bars, only trials without a result get a
    /// line.
    pub fn trial_ended(&self, trial: &Trial, result: &Result<Execution, String>) {
        let outcome = result.as_ref().map(|execution| &execution.outcome).ok();
        if outcome != Some(&Outcome::Stopped) {
            self.count_ended(1);
        }
        let has_failed = matches!(outcome, None | Some(Outcome::Failed(_)));
        let is_shown = match self.mode {
            Mode::Lines => true,
            Mode::Bars => outcome != Some(&Outcome::Finished),
            Mode::Failures => has_failed,
            Mode::Silent => false,
        };
        if is_shown {
            let ended = self.ended.load(Ordering::Relaxed);
            let title = trial.title(&self.varying);
            let (first, others) = self.describe(result);
            let line = format!("[{ended}/{}] {title}{SEPARATOR}{first}", self.trials);
            self.print(&line, &others);
        }
    }

    /// Shows once that other runners run all remaining trials.
    pub fn waiting(&self) {
        if matches!(self.mode, Mode::Bars | Mode::Lines)
            && !self.waiting.swap(true, Ordering::Relaxed)
        {
            anstream::eprintln!("waiting for trials that another runner is running");
        }
    }

    /// Removes the bars.
    pub fn finish(&self) {
        self.sweep.finish_and_clear();
    }

    /// How a trial ended, and other metrics if it finished: the first text then is the metric that
    /// ranks it.
    fn describe(&self, result: &Result<Execution, String>) -> (String, Vec<String>) {
        let (status, error) = records::status(result.as_ref());
        if let Some(error) = error {
            // The reason, and the last line of what a program wrote about it.
            let mut lines = error.lines();
            let (reason, last) = (lines.next().unwrap_or_default(), lines.next_back());
            let last = last.map_or_else(String::new, |last| format!(": {last}"));
            return (format!("{status}: {reason}{last}"), Vec::new());
        }
        let Ok(execution) = result else { return (status.to_string(), Vec::new()) };
        let results = records::results(execution);
        let by_epoch = || execution.epochs.iter().flat_map(|epoch| &epoch.metrics);
        fn name((name, _): &(String, f64)) -> &str {
            name
        }
        let chosen =
            || metric::ranking(&self.rules, results.iter().map(name), by_epoch().map(name));
        let ranking = self.ranking.as_deref().or_else(chosen);
        let value = |name| {
            let value = metric::format(name, tracking::final_value(name, &results, by_epoch())?);
            Some(if name == "seconds" { value } else { format!("{} {value}", metric::label(name)) })
        };
        let mut metrics = metric::shown(ranking).filter_map(value);
        (metrics.next().unwrap_or_else(|| "finished".to_owned()), metrics.collect())
    }

    /// Prints a line, wrapped, and as many of the parts `others` as fit its end.
    fn print(&self, line: &str, others: &[String]) {
        let width = stderr_width();
        let mut line = wrapped(&tracking::printable(line), width);
        for part in others {
            let end = line.rsplit('\n').next().unwrap_or_default();
            let parts = [end, SEPARATOR, part];
            if parts.iter().map(|part| part.chars().count()).sum::<usize>() > width {
                break;
            }
            line.push_str(SEPARATOR);
            line.push_str(part);
        }
        match self.mode {
            Mode::Lines | Mode::Failures => anstream::eprintln!("{line}"),
            Mode::Bars => {
                // The record has what the line says, so an error of the terminal is ignored.
                let _ = self.bars.println(line);
            }
            Mode::Silent => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

/// The progress of one group. Its bar disappears when this is dropped.
pub struct GroupProgress {
    bar: ProgressBar,
    sweep: ProgressBar,
    title: String,
    steps_per_epoch: u64,
    epochs: Option<u32>,
    shown: u64,
    refreshed: Instant,
}

impl GroupProgress {
    /// Shows a step; `metrics` displays the running metrics of the epoch.
    pub fn step(&mut self, epoch: u32, step: u64, metrics: &dyn Display) {
        let epoch_ends = step.is_multiple_of(self.steps_per_epoch);
        let reads_clock = step.is_multiple_of(STEPS_PER_CLOCK);
        if !epoch_ends && (!reads_clock || self.refreshed.elapsed() < REFRESH_INTERVAL) {
            return;
        }
        self.count(step);
        self.show(epoch, metrics);
    }

    /// Shows metrics of the trial, and the epoch to which they belong.
    pub fn show(&mut self, epoch: u32, metrics: &dyn Display) {
        self.refreshed = Instant::now();
        let of = self.epochs.map_or_else(String::new, |epochs| format!("/{epochs}"));
        let text = [&self.title, &*format!("epoch {epoch}{of}"), &metrics.to_string()];
        let text = text.join(SEPARATOR);
        let room = stderr_width().saturating_sub(GROUP_BAR_WIDTH);
        self.bar.set_message(fitted(&text, room).to_owned());
    }

    /// Counts the steps up to `step`: trained, or left out because the trial ended.
    pub fn count(&mut self, step: u64) {
        self.sweep.inc(step.saturating_sub(self.shown));
        self.shown = self.shown.max(step);
        self.bar.set_position(step);
    }
}

impl Drop for GroupProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_of_other_runners_count_with_their_steps() {
        let progress = Progress { trials: 3, ..Progress::with_mode(Mode::Silent, 20) };
        progress.done_elsewhere(2, 15);
        assert_eq!(progress.sweep.message(), "2/3 trials");
        assert_eq!(progress.sweep.position(), 15);
    }
}
