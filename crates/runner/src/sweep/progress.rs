//! The progress of a sweep on stderr: bars on a terminal, lines elsewhere, nothing with `--quiet`.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::executor::{Execution, Outcome};
use crate::experiment::group::{TrialGroup, step_count, trial_count};
use crate::experiment::trial::Trial;
use crate::metric;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bars,
    Lines,
    Silent,
}

/// The progress of one sweep.
pub struct Progress {
    mode: Mode,
    bars: MultiProgress,
    sweep: ProgressBar,
    ended: AtomicUsize,
    waiting: AtomicBool,
    trials: usize,
    varying: Vec<String>,
}

/// The shortest time between two updates of a trial's bar.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// Steps between two looks at the clock, which costs as much as a short step.
const STEPS_PER_CLOCK: u64 = 16;

impl Progress {
    /// Shows the sweep of `groups`. The hyperparameters `varying` name the trials.
    pub fn new(varying: &[String], groups: &[TrialGroup<'_>], quiet: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Bars,
            (false, false) => Mode::Lines,
        };
        Self::with_mode(mode, trial_count(groups), step_count(groups), varying.to_vec())
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self::with_mode(Mode::Silent, 0, 0, Vec::new())
    }

    fn with_mode(mode: Mode, trials: usize, steps: u64, varying: Vec<String>) -> Self {
        let target = if mode == Mode::Bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let style = style("sweep {wide_bar} {percent:>3} %  {msg}  {eta} left");
        let sweep = bars.add(ProgressBar::new(steps).with_style(style));
        sweep.set_message(format!("0/{trials} trials"));
        let (ended, waiting) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { mode, bars, sweep, ended, waiting, trials, varying }
    }

    /// Shows that a group starts, or resumes after an epoch.
    pub fn group_started(
        &self,
        group: &TrialGroup<'_>,
        resumed_after: Option<u32>,
    ) -> GroupProgress {
        let longest = group.longest();
        let title = longest.title(&self.varying);
        if let Some(epoch) = resumed_after {
            self.print(&format!("{title} · resumed after epoch {epoch}"));
        }
        let (steps, epochs) = (longest.workload.steps, longest.workload.epochs);
        let bar = ProgressBar::new(steps).with_style(style("      {wide_bar} {msg}  {eta} left"));
        let bar = self.bars.add(bar);
        bar.set_message(title.clone());
        GroupProgress {
            bar,
            sweep: self.sweep.clone(),
            title,
            steps_per_epoch: (steps / u64::from(epochs)).max(1),
            epochs,
            shown: 0,
            refreshed: Instant::now(),
        }
    }

    /// Shows that a trial ended and is recorded. With bars, only trials without a result get a
    /// line.
    pub fn trial_ended(&self, trial: &Trial, result: &Result<Execution, String>) {
        let ended = self.ended.fetch_add(1, Ordering::Relaxed) + 1;
        self.sweep.set_message(format!("{ended}/{} trials", self.trials));
        let finished = result.as_ref().is_ok_and(|done| done.outcome == Outcome::Finished);
        if self.mode == Mode::Lines || !finished {
            let title = trial.title(&self.varying);
            self.print(&format!("[{ended}/{}] {title} · {}", self.trials, describe(result)));
        }
    }

    /// Shows once that other runners run all remaining trials.
    pub fn waiting(&self) {
        if self.mode != Mode::Silent && !self.waiting.swap(true, Ordering::Relaxed) {
            anstream::eprintln!("waiting for trials that another runner is running");
        }
    }

    /// Removes the bars.
    pub fn finish(&self) {
        self.sweep.finish_and_clear();
    }

    fn print(&self, line: &str) {
        let line = tracking::printable(line);
        match self.mode {
            Mode::Lines => anstream::eprintln!("{line}"),
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

/// The end of a trial in words.
fn describe(result: &Result<Execution, String>) -> String {
    let execution = match result {
        Err(error) => return format!("failed: {}", error.lines().next().unwrap_or_default()),
        Ok(execution) => execution,
    };
    match execution.outcome {
        Outcome::Finished => {
            let test = execution.results.iter().rev().filter(|(name, _)| name.starts_with("test_"));
            let mut parts: Vec<String> = test
                .map(|(name, value)| {
                    format!("{} {}", metric::title(name), metric::format(name, *value))
                })
                .collect();
            parts.push(tracking::seconds(execution.elapsed.as_secs_f64()));
            parts.join(" · ")
        }
        Outcome::Diverged { epoch, step } => format!("diverged in epoch {epoch} at step {step}"),
        Outcome::Stopped => "stopped".to_owned(),
    }
}

/// The progress of one group. Its bar disappears when this is dropped.
pub struct GroupProgress {
    bar: ProgressBar,
    sweep: ProgressBar,
    title: String,
    steps_per_epoch: u64,
    epochs: u32,
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
        self.refreshed = Instant::now();
        self.sweep.inc(step - self.shown);
        self.shown = step;
        self.bar.set_position(step);
        self.bar.set_message(format!("{} · epoch {epoch}/{} · {metrics}", self.title, self.epochs));
    }
}

impl Drop for GroupProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
