//! The rules of a sweep: which trial runs when, what a failure means, how it stops.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::SystemTime;

use anyhow::Result;
use model::{Outcome, Score};
use tracking::RunId;

use crate::course::Course;
use crate::executor::{Execution, Executor, Watcher};
use crate::plan::Trial;
use crate::progress::{CourseProgress, Progress};
use crate::stop::Stop;

/// A trial that was carried out, or tried to be.
pub struct Done<'a> {
    pub trial: &'a Trial,
    /// The id of its run, where other runs name it.
    pub run: Option<RunId>,
    /// The run that trained this trial on its way.
    pub shared_from: Option<RunId>,
    pub started_at: SystemTime,
    /// The execution, or why there is none.
    pub result: Result<Execution, String>,
}

/// How many trials ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub finished: usize,
    pub diverged: usize,
    pub failed: usize,
    pub stopped: usize,
}

/// Runs `courses` on `jobs` threads, started in their order, and hands each trial to `record` as it ends, on this thread.
///
/// A trial that fails or panics does not end the sweep; a record that cannot be kept does.
///
/// # Errors
/// What `record` says.
pub fn sweep<'a>(
    courses: &[Course<'a>],
    jobs: usize,
    executor: &dyn Executor,
    progress: &Progress,
    stop: &Stop,
    mut record: impl FnMut(&Done<'a>) -> Result<()>,
) -> Result<Tally> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(courses.len()) {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !stop.asked() {
                    let Some(course) = courses.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    carry_out(course, executor, progress, stop, &sender);
                }
            });
        }
        drop(sender);
        let mut tally = Tally::default();
        for done in receiver {
            tally.count(&done);
            record(&done).inspect_err(|_| stop.ask())?;
            progress.trial_ended(&done);
        }
        Ok(tally)
    })
}

/// Sends on every trial of the course as it ends; those that an error or a panic keeps from ending, with its message.
fn carry_out<'a>(
    course: &Course<'a>,
    executor: &dyn Executor,
    progress: &Progress,
    stop: &Stop,
    ended: &mpsc::Sender<Done<'a>>,
) {
    let shown = progress.course_started(course);
    let mut watcher = CourseWatcher { course, started_at: SystemTime::now(), ended, count: 0, stop, shown };
    let executed = catch_unwind(AssertUnwindSafe(|| executor.execute(course, &mut watcher)));
    let error = match executed {
        Ok(Ok(())) => "the engine ended without a result".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("the program panicked: {}", panic_message(&*panic)),
    };
    while watcher.count < course.trials.len() {
        watcher.send(Err(error.clone()));
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

impl Tally {
    fn count(&mut self, done: &Done<'_>) {
        match done.result.as_ref().map(|execution| execution.outcome) {
            Ok(Outcome::Finished { .. }) => self.finished += 1,
            Ok(Outcome::Diverged { .. }) => self.diverged += 1,
            Ok(Outcome::Stopped) => self.stopped += 1,
            Err(_) => self.failed += 1,
        }
    }
}

struct CourseWatcher<'a, 'c> {
    course: &'c Course<'a>,
    started_at: SystemTime,
    ended: &'c mpsc::Sender<Done<'a>>,
    /// Trials of the course that have ended.
    count: usize,
    stop: &'c Stop,
    shown: CourseProgress,
}

impl CourseWatcher<'_, '_> {
    fn send(&mut self, result: Result<Execution, String>) {
        let trial = self.course.trials[self.count];
        self.count += 1;
        let is_longest = self.count == self.course.trials.len();
        let (run, shared_from) =
            if is_longest { (self.course.run.clone(), None) } else { (None, self.course.run.clone()) };
        let done = Done { trial, run, shared_from, started_at: self.started_at, result };
        // Nobody listens any more when a record could not be kept; then nothing can be.
        let _ = self.ended.send(done);
    }
}

impl Watcher for CourseWatcher<'_, '_> {
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()> {
        self.shown.step(epoch, step, running);
        if self.stop.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn ended(&mut self, execution: Execution) {
        self.send(Ok(execution));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::spec::Validation;
    use model::{EngineError, Hyperparameters, Seed};
    use std::time::Duration;

    /// Fails on seed 1, panics on seed 2, diverges on seed 3, finishes otherwise.
    struct Fake {
        stop_at: Option<u64>,
        stop: Stop,
    }

    impl Executor for Fake {
        fn execute(&self, course: &Course<'_>, watcher: &mut dyn Watcher) -> Result<(), EngineError> {
            let seed = course.longest().hyperparameters.seed.get();
            if self.stop_at == Some(seed) {
                self.stop.ask();
            }
            let score = Score { loss_sum: 1.0, correct: 1, examples: 1 };
            let outcome = match seed {
                _ if watcher.step(1, 1, &score).is_break() => Outcome::Stopped,
                1 => return Err(EngineError { engine: "fake", reason: "out of memory".to_owned() }),
                2 => panic!("index out of bounds"),
                3 => Outcome::Diverged { epoch: 1, step: 7 },
                _ => Outcome::Finished { train: score, test: score },
            };
            watcher.ended(Execution { outcome, epochs: Vec::new(), elapsed: Duration::ZERO, weights: None });
            Ok(())
        }
    }

    fn trials(count: i64) -> Vec<Trial> {
        let seeded = |seed| Hyperparameters { seed: Seed::new(seed).unwrap(), ..Default::default() };
        (0..count).map(|seed| Trial::new(seeded(seed), "00", Validation::Test)).collect()
    }

    fn alone(trials: &[Trial]) -> Vec<Course<'_>> {
        trials.iter().map(|trial| Course { trials: vec![trial], run: None }).collect()
    }

    fn run(count: i64, jobs: usize, stop_at: Option<u64>) -> (Tally, Vec<(u64, Option<String>)>) {
        let (trials, stop) = (trials(count), Stop::default());
        let fake = Fake { stop_at, stop: stop.clone() };
        let mut seen = Vec::new();
        let tally = sweep(&alone(&trials), jobs, &fake, &Progress::silent(), &stop, |done| {
            seen.push((done.trial.hyperparameters.seed.get(), done.result.as_ref().err().cloned()));
            Ok(())
        });
        (tally.unwrap(), seen)
    }

    #[test]
    fn failures_are_counted_and_the_others_go_on() {
        for jobs in [1, 2, 7] {
            let (tally, mut seen) = run(6, jobs, None);
            assert_eq!(tally, Tally { finished: 3, diverged: 1, failed: 2, stopped: 0 });
            seen.sort();
            assert_eq!(seen[1].1.as_deref(), Some("the fake engine failed: out of memory"));
            assert_eq!(seen[2].1.as_deref(), Some("the program panicked: index out of bounds"));
        }
    }

    #[test]
    fn a_failure_is_that_of_every_trial_of_the_course() {
        let (trials, stop) = (trials(2), Stop::default());
        let run = RunId::random().unwrap();
        let course = Course { trials: trials.iter().collect(), run: Some(run.clone()) };
        let fake = Fake { stop_at: None, stop: stop.clone() };
        let mut seen = Vec::new();
        let tally = sweep(&[course], 1, &fake, &Progress::silent(), &stop, |done| {
            seen.push((done.run.clone(), done.shared_from.clone()));
            Ok(())
        });
        assert_eq!(tally.unwrap(), Tally { failed: 2, ..Tally::default() });
        assert_eq!(seen, [(None, Some(run.clone())), (Some(run), None)]);
    }

    #[test]
    fn one_job_keeps_the_order_of_the_courses() {
        let (_, seen) = run(6, 1, None);
        assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_stop_ends_the_running_trial_and_starts_no_other() {
        let (tally, seen) = run(10, 1, Some(4));
        assert_eq!((tally.stopped, seen.len()), (1, 5));
    }

    #[test]
    fn a_record_that_cannot_be_kept_ends_the_sweep() {
        let trials = trials(50);
        let stop = Stop::default();
        let fake = Fake { stop_at: None, stop: stop.clone() };
        let result = sweep(&alone(&trials), 2, &fake, &Progress::silent(), &stop, |_| anyhow::bail!("disk full"));
        assert_eq!(result.unwrap_err().to_string(), "disk full");
        assert!(stop.asked());
    }
}
