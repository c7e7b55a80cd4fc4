//! What a person sees of a sweep on the way: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::{Outcome, Score};

use crate::experiment::group::Course;
use crate::experiment::plan::Plan;
use crate::experiment::spec::Parameter;
use crate::sweep::Done;

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
    ended: std::sync::atomic::AtomicUsize,
    waiting: std::sync::atomic::AtomicBool,
    trials: usize,
    varying: Vec<Parameter>,
    examples: usize,
}

/// How often a trial's bar is brought up to date.
const REFRESH: Duration = Duration::from_millis(100);

/// Steps between two looks at the clock.
const LOOK: u64 = 16;

impl Progress {
    /// Shows the sweep of `courses`, which are of `plan`, on stderr.
    pub fn new(plan: &Plan, courses: &[Course<'_>], quiet: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Bars,
            (false, false) => Mode::Lines,
        };
        let steps = courses.iter().map(|course| plan.steps(course.longest())).sum();
        let trials = courses.iter().map(|course| course.trials.len()).sum();
        Self::with_mode(mode, trials, steps, plan.varying.clone(), plan.examples)
    }

    /// Shows nothing.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self::with_mode(Mode::Silent, 0, 0, Vec::new(), 1)
    }

    fn with_mode(
        mode: Mode,
        trials: usize,
        steps: u64,
        varying: Vec<Parameter>,
        examples: usize,
    ) -> Self {
        let target = if mode == Mode::Bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let sweep = bars.add(
            ProgressBar::new(steps)
                .with_style(style("sweep {wide_bar} {percent:>3} %  {msg}  {eta} left")),
        );
        sweep.set_message(format!("0/{trials} trials"));
        let ended = std::sync::atomic::AtomicUsize::new(0);
        Self { mode, bars, sweep, ended, waiting: false.into(), trials, varying, examples }
    }

    /// A course begins, or goes on after an epoch.
    pub fn course_started(&self, course: &Course<'_>, after: Option<u32>) -> CourseProgress {
        let trial = course.longest();
        if let Some(epoch) = after {
            let line = format!("{} · goes on after epoch {epoch}", trial.title(&self.varying));
            match self.mode {
                Mode::Lines => anstream::eprintln!("{}", tracking::printable(&line)),
                Mode::Bars => {
                    // As above.
                    let _ = self.bars.println(tracking::printable(&line));
                }
                Mode::Silent => {}
            }
        }
        let per_epoch = trial.hyperparameters.steps_per_epoch(self.examples);
        let bar = ProgressBar::new(trial.hyperparameters.steps(self.examples));
        let bar = self.bars.add(bar.with_style(style("      {wide_bar} {msg}  {eta} left")));
        bar.set_message(trial.title(&self.varying));
        CourseProgress {
            bar,
            sweep: self.sweep.clone(),
            title: trial.title(&self.varying),
            per_epoch,
            epochs: trial.hyperparameters.epochs.get(),
            shown: 0,
            refreshed: Instant::now(),
        }
    }

    /// A trial ended and is recorded.
    pub fn trial_ended(&self, done: &Done<'_>) {
        let ended = self.ended.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        self.sweep.set_message(format!("{ended}/{} trials", self.trials));
        let line = format!(
            "[{ended}/{}] {} · {}",
            self.trials,
            done.trial.title(&self.varying),
            describe(done)
        );
        match self.mode {
            Mode::Lines => anstream::eprintln!("{}", tracking::printable(&line)),
            // What went wrong stays on the screen above the bars.
            Mode::Bars if !matches!(done.result, Ok(ref it) if matches!(it.outcome, Outcome::Finished { .. })) =>
            {
                // A line lost on a closing terminal costs nothing: the store has it.
                let _ = self.bars.println(tracking::printable(&line));
            }
            Mode::Bars | Mode::Silent => {}
        }
    }

    /// Others are at all that is left.
    pub fn waits(&self) {
        if self.mode != Mode::Silent
            && !self.waiting.swap(true, std::sync::atomic::Ordering::Relaxed)
        {
            anstream::eprintln!("waiting for trials that another runner is at");
        }
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.sweep.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

/// How a trial ended, in words.
fn describe(done: &Done<'_>) -> String {
    match &done.result {
        Err(error) => format!("failed: {}", error.lines().next().unwrap_or_default()),
        Ok(execution) => match execution.outcome {
            Outcome::Finished { test, .. } => format!(
                "test accuracy {:.2} % · test loss {:.4} · {}",
                100.0 * test.accuracy(),
                test.loss(),
                tracking::seconds(execution.elapsed.as_secs_f64())
            ),
            Outcome::Diverged { epoch, step } => {
                format!("diverged in epoch {epoch} at step {step}")
            }
            Outcome::Stopped => "stopped".to_owned(),
        },
    }
}

/// The progress of one course; its bar goes when this goes.
pub struct CourseProgress {
    bar: ProgressBar,
    sweep: ProgressBar,
    title: String,
    per_epoch: u64,
    epochs: u32,
    shown: u64,
    refreshed: Instant,
}

impl CourseProgress {
    /// After a step, with the epoch's running score.
    pub fn step(&mut self, epoch: u32, step: u64, running: &Score) {
        let epoch_ends = step.is_multiple_of(self.per_epoch);
        // A look at the clock costs as much as a short step.
        if !epoch_ends && (!step.is_multiple_of(LOOK) || self.refreshed.elapsed() < REFRESH) {
            return;
        }
        self.refreshed = Instant::now();
        self.sweep.inc(step - self.shown);
        self.shown = step;
        self.bar.set_position(step);
        self.bar.set_message(format!(
            "{} · epoch {epoch}/{} · loss {:.4} · accuracy {:.2} %",
            self.title,
            self.epochs,
            running.loss(),
            100.0 * running.accuracy()
        ));
    }
}

impl Drop for CourseProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
