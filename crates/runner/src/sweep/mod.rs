//! The rules of a sweep: which trial runs when, what a failure means, how it stops.

pub mod panics;
pub mod progress;
pub mod provenance;
pub mod records;
pub mod stop;
pub mod store_writer;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use model::{EpochScores, Outcome, Score, Weights};
use tracking::RunId;

use crate::executor::{Execution, Executor, Reached, Watcher};
use crate::experiment::group::Course;
use crate::experiment::plan::Trial;
use crate::sweep::progress::{CourseProgress, Progress};
use crate::sweep::stop::Stop;

/// What the threads that train ask of, and tell, the one that records.
pub enum Event<'a> {
    /// May this course be run?
    Claim { course: Course<'a>, reply: mpsc::Sender<Claimed<'a>> },
    /// How far a run has come since it was told last.
    Epochs { run: RunId, epochs: Vec<(EpochScores, Duration)>, elapsed: Duration, weights: Weights },
    /// A trial ended.
    Ended(Done<'a>),
}

/// The answer to [`Event::Claim`].
#[derive(Default)]
pub struct Claimed<'a> {
    /// What is to be run of the course, with its runs, and where the last of them had come to.
    pub taken: Option<(Course<'a>, Vec<RunId>, Option<Reached>)>,
    /// What others run at the moment: to be asked for again.
    pub busy: Option<Course<'a>>,
}

/// A trial that was carried out, or tried to be.
pub struct Done<'a> {
    pub trial: &'a Trial,
    pub run: RunId,
    /// The run that trained this trial on its way.
    pub shared_from: Option<RunId>,
    pub started_at: SystemTime,
    /// The execution, or why there is none.
    pub result: Result<Execution, String>,
}

/// Who keeps the record, of several events at once.
pub trait Record<'a> {
    /// Records all of it or nothing, as long as there is more, and answers the claims.
    ///
    /// # Errors
    /// When it cannot be recorded: the sweep ends.
    fn record(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()>;
}

/// What the threads of a sweep share.
#[derive(Clone, Copy)]
pub struct Shared<'m> {
    /// Trains.
    pub executor: &'m dyn Executor,
    /// Keeps the final weights of a trial, before its end is told: a finished run always has them.
    pub keep: &'m (dyn Fn(&Trial, &Weights) -> Result<()> + Sync),
    /// Shows how far it has come.
    pub progress: &'m Progress,
    /// Ends it early.
    pub stop: &'m Stop,
}

/// Between two looks at what others run.
const PAUSE: Duration = Duration::from_millis(100);
/// Epochs that are told together: more often would cost more than it could save.
pub const TOGETHER: Duration = Duration::from_millis(100);
/// How long a stopped trial may go on to end its epoch.
const TO_END_AN_EPOCH: Duration = Duration::from_millis(1_500);

/// Runs `courses` on `jobs` threads, started in their order, and hands what becomes of them to `recorder`, on this thread: what is
/// told within the time `together` at once.
///
/// A trial that fails or panics does not end the sweep; a record that cannot be kept does.
///
/// # Errors
/// What `recorder` says.
pub fn sweep<'a>(
    courses: Vec<Course<'a>>,
    jobs: usize,
    shared: Shared<'_>,
    together: Duration,
    recorder: &mut dyn Record<'a>,
) -> Result<()> {
    let Shared { progress, stop, .. } = shared;
    let threads = jobs.min(courses.len());
    let queue = Mutex::new(Queue { ready: courses.into(), waiting: VecDeque::new() });
    std::thread::scope(|scope| {
        // Here, so that it goes when recording fails: then nobody waits for an answer any more.
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads {
            let (sender, queue) = (sender.clone(), &queue);
            scope.spawn(move || {
                while !stop.asked()
                    && let Some(course) = next(queue, progress, stop)
                {
                    carry_out(course, shared, &sender, queue);
                }
            });
        }
        drop(sender);
        while let Ok(first) = receiver.recv() {
            let until = Instant::now() + together;
            let left = || until.saturating_duration_since(Instant::now());
            let more = std::iter::from_fn(|| receiver.recv_timeout(left()).ok());
            recorder.record(&mut std::iter::once(first).chain(more)).inspect_err(|_| stop.ask())?;
        }
        Ok(())
    })
}

/// Courses that nobody has asked for, and those that others were at.
struct Queue<'a> {
    ready: VecDeque<Course<'a>>,
    waiting: VecDeque<Course<'a>>,
}

/// The next course; of those that others are at, after a pause.
fn next<'a>(queue: &Mutex<Queue<'a>>, progress: &Progress, stop: &Stop) -> Option<Course<'a>> {
    let locked = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(course) = locked().ready.pop_front() {
        return Some(course);
    }
    let waiting = locked().waiting.pop_front()?;
    progress.waits();
    let begun = Instant::now();
    while begun.elapsed() < PAUSE && !stop.asked() {
        std::thread::sleep(PAUSE / 10);
    }
    Some(waiting)
}

/// Sends on every trial of the course as it ends; those that an error or a panic keeps from ending, with its message.
fn carry_out<'a>(
    course: Course<'a>,
    shared: Shared<'_>,
    events: &mpsc::Sender<Event<'a>>,
    queue: &Mutex<Queue<'a>>,
) {
    let (reply, answer) = mpsc::channel();
    // Nobody listens and nobody answers any more when a record could not be kept; then nothing can be.
    let _ = events.send(Event::Claim { course, reply });
    let Ok(Claimed { taken, busy }) = answer.recv() else { return };
    queue.lock().unwrap_or_else(PoisonError::into_inner).waiting.extend(busy);
    let Some((course, runs, reached)) = taken else { return };

    let after =
        reached.as_ref().and_then(|reached| reached.epochs.last()).map(|(last, _)| last.epoch);
    let shown = shared.progress.course_started(&course, after);
    let started_at = SystemTime::now();
    let pending = Pending { epochs: Vec::new(), since: Instant::now() };
    let mut watcher = CourseWatcher {
        course: &course,
        runs,
        started_at,
        events,
        count: 0,
        shared,
        asked: None,
        pending,
        latest: None,
        shown,
    };
    let executed =
        catch_unwind(AssertUnwindSafe(|| shared.executor.execute(&course, reached, &mut watcher)));
    let error = match executed {
        Ok(Ok(())) => "the engine ended without a result".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panics::describe(&*panic),
    };
    while watcher.count < course.trials.len() {
        watcher.send(Err(error.clone()));
    }
}

struct CourseWatcher<'a, 'c> {
    course: &'c Course<'a>,
    /// The run of each trial.
    runs: Vec<RunId>,
    started_at: SystemTime,
    events: &'c mpsc::Sender<Event<'a>>,
    /// Trials of the course that have ended.
    count: usize,
    shared: Shared<'c>,
    /// When it was first seen that a stop was asked for.
    asked: Option<Instant>,
    pending: Pending,
    /// Time and weights after the last whole epoch, where that was not told yet.
    latest: Option<(Duration, Weights)>,
    shown: CourseProgress,
}

/// Epochs that were not told yet.
struct Pending {
    epochs: Vec<(EpochScores, Duration)>,
    since: Instant,
}

impl CourseWatcher<'_, '_> {
    fn send(&mut self, result: Result<Execution, String>) {
        let trial = self.course.trials[self.count];
        let run = self.runs[self.count].clone();
        self.count += 1;
        let longest = &self.runs[self.runs.len() - 1];
        let shared_from = (run != *longest).then(|| longest.clone());
        let done = Done { trial, run, shared_from, started_at: self.started_at, result };
        let _ = self.events.send(Event::Ended(done));
    }

    /// Tells how far the longest run has come.
    fn tell(&mut self) {
        self.pending.since = Instant::now();
        if let Some((elapsed, weights)) = self.latest.take() {
            let run = self.runs[self.runs.len() - 1].clone();
            let epochs = std::mem::take(&mut self.pending.epochs);
            let _ = self.events.send(Event::Epochs { run, epochs, elapsed, weights });
        }
    }
}

impl Watcher for CourseWatcher<'_, '_> {
    fn step(&mut self, epoch: u32, step: u64, running: &Score) -> ControlFlow<()> {
        self.shown.step(epoch, step, running);
        if !self.shared.stop.asked() {
            return ControlFlow::Continue(());
        }
        let asked = *self.asked.get_or_insert_with(Instant::now);
        if asked.elapsed() > TO_END_AN_EPOCH {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn epoch(
        &mut self,
        epoch: (EpochScores, Duration),
        elapsed: Duration,
        weights: Weights,
    ) -> ControlFlow<()> {
        self.pending.epochs.push(epoch);
        self.latest = Some((elapsed, weights));
        let longest = self.course.longest().hyperparameters.epochs.get();
        if self.pending.since.elapsed() >= TOGETHER && epoch.0.epoch < longest {
            self.tell();
        }
        if self.shared.stop.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn ended(&mut self, execution: Execution) {
        if execution.outcome == Outcome::Stopped {
            self.tell();
        }
        let trial = self.course.trials[self.count];
        let kept =
            execution.weights.as_ref().map_or(Ok(()), |weights| (self.shared.keep)(trial, weights));
        self.send(kept.map(|()| execution).map_err(|error| error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::experiment::spec::Validation;
    use model::{EngineError, Epochs, Hyperparameters, Seed};

    /// Fails on seed 1, panics on seed 2, diverges on seed 3, finishes otherwise.
    struct Fake {
        stop_at: Option<u64>,
        stop: Stop,
    }

    impl Executor for Fake {
        fn execute(
            &self,
            course: &Course<'_>,
            _: Option<Reached>,
            watcher: &mut dyn Watcher,
        ) -> Result<(), EngineError> {
            let seed = course.longest().hyperparameters.seed.get();
            if self.stop_at == Some(seed) {
                self.stop.ask();
            }
            let score = Score { loss_sum: 1.0, correct: 1, examples: 1 };
            let metrics = EpochScores {
                epoch: 1,
                step: 1,
                loss: 1.0,
                accuracy: 0.5,
                val_loss: 1.0,
                val_accuracy: 0.5,
                test_loss: None,
                test_accuracy: None,
                learning_rate: 0.1,
            };
            let weights =
                Weights { classes: 2, features: 1, weight: vec![0.0; 2], bias: vec![0.0; 2] };
            let outcome = match seed {
                _ if watcher
                    .epoch((metrics, Duration::ZERO), Duration::ZERO, weights)
                    .is_break() =>
                {
                    Outcome::Stopped
                }
                1 => {
                    return Err(EngineError { engine: "fake", reason: "out of memory".to_owned() });
                }
                2 => panic!("index out of bounds"),
                3 => Outcome::Diverged { epoch: 1, step: 7 },
                _ => Outcome::Finished { train: score, test: score },
            };
            let (epochs, elapsed) = (Vec::new(), Duration::ZERO);
            watcher.ended(Execution { outcome, epochs, elapsed, weights: None, examples: None });
            Ok(())
        }
    }

    /// Gives everybody what they ask for but what `busy` says others are at, for so many times.
    #[derive(Default)]
    struct Kept {
        ended: Vec<(u64, Result<Outcome, String>)>,
        shared: Vec<(RunId, Option<RunId>)>,
        told: usize,
        busy: usize,
        full: bool,
    }

    impl<'a> Record<'a> for Kept {
        fn record(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
            for event in events {
                match event {
                    Event::Claim { course, reply } if self.busy > 0 => {
                        self.busy -= 1;
                        let _ = reply.send(Claimed { taken: None, busy: Some(course) });
                    }
                    Event::Claim { course, reply } => {
                        let runs = course.trials.iter().map(|_| RunId::random().unwrap()).collect();
                        let _ =
                            reply.send(Claimed { taken: Some((course, runs, None)), busy: None });
                    }
                    Event::Epochs { .. } => self.told += 1,
                    Event::Ended(_) if self.full => anyhow::bail!("disk full"),
                    Event::Ended(done) => {
                        self.shared.push((done.run, done.shared_from));
                        let outcome = done.result.map(|execution| execution.outcome);
                        self.ended.push((done.trial.hyperparameters.seed.get(), outcome));
                    }
                }
            }
            Ok(())
        }
    }

    fn nowhere(_: &Trial, _: &Weights) -> Result<()> {
        Ok(())
    }

    fn trials(count: i64) -> Vec<Trial> {
        let seeded =
            |seed| Hyperparameters { seed: Seed::new(seed).unwrap(), ..Default::default() };
        (0..count).map(|seed| Trial::new(seeded(seed), "00", Validation::Test)).collect()
    }

    fn alone(trials: &[Trial]) -> Vec<Course<'_>> {
        trials.iter().map(|trial| Course { trials: vec![trial] }).collect()
    }

    fn run(
        count: i64,
        jobs: usize,
        stop_at: Option<u64>,
        mut kept: Kept,
    ) -> (Result<()>, Kept, Stop) {
        let (trials, stop) = (trials(count), Stop::default());
        let fake = Fake { stop_at, stop: stop.clone() };
        let shared =
            Shared { executor: &fake, keep: &nowhere, progress: &Progress::silent(), stop: &stop };
        let swept = sweep(alone(&trials), jobs, shared, Duration::ZERO, &mut kept);
        (swept, kept, stop)
    }

    #[test]
    fn failures_are_told_and_the_others_go_on() {
        for jobs in [1, 2, 7] {
            let (swept, mut kept, _) = run(6, jobs, None, Kept::default());
            swept.unwrap();
            kept.ended.sort_by_key(|(seed, _)| *seed);
            assert_eq!(kept.ended.len(), 6);
            assert_eq!(kept.ended[1].1, Err("the fake engine failed: out of memory".to_owned()));
            let panic = kept.ended[2].1.clone().unwrap_err();
            assert!(panic.contains("the program panicked: index out of bounds"), "{panic}");
            assert_eq!(kept.ended[3].1, Ok(Outcome::Diverged { epoch: 1, step: 7 }));
        }
    }

    #[test]
    fn a_failure_is_that_of_every_trial_of_the_course() {
        let mut both = trials(2).split_off(1);
        both.push(both[0].clone());
        both[1].hyperparameters.epochs = Epochs::new(9).unwrap();
        let (stop, mut kept) = (Stop::default(), Kept::default());
        let course = Course { trials: both.iter().collect() };
        let fake = Fake { stop_at: None, stop: stop.clone() };
        let shared =
            Shared { executor: &fake, keep: &nowhere, progress: &Progress::silent(), stop: &stop };
        sweep(vec![course], 1, shared, Duration::ZERO, &mut kept).unwrap();
        assert!(kept.ended.iter().all(|(_, result)| result.is_err()));
        let [(_, shared_from), (longest, None)] = &kept.shared[..] else {
            panic!("{:?}", kept.shared)
        };
        assert_eq!(shared_from.as_ref(), Some(longest));
    }

    #[test]
    fn one_job_keeps_the_order_of_the_courses() {
        let (_, kept, _) = run(6, 1, None, Kept::default());
        assert!(kept.ended.is_sorted_by_key(|(seed, _)| *seed));
    }

    #[test]
    fn what_others_are_at_is_asked_for_again() {
        let (_, kept, _) = run(6, 2, None, Kept { busy: 9, ..Kept::default() });
        assert_eq!(kept.ended.len(), 6);
    }

    #[test]
    fn a_stop_tells_how_far_the_running_trial_came_and_starts_no_other() {
        let (_, kept, _) = run(10, 1, Some(4), Kept::default());
        assert_eq!((kept.ended.len(), kept.told), (5, 1));
        assert_eq!(kept.ended[4].1, Ok(Outcome::Stopped));
    }

    #[test]
    fn a_record_that_cannot_be_kept_ends_the_sweep() {
        let (swept, _, stop) = run(50, 2, None, Kept { full: true, ..Kept::default() });
        assert_eq!(swept.unwrap_err().to_string(), "disk full");
        assert!(stop.asked());
    }
}
