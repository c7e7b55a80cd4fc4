//! The training of a trial by a program: follows its output until it ends, or ends it.

use std::fs::File;
use std::io::{self, Read, Seek, Take};
use std::time::{Duration, Instant};

use anyhow::Result;
use tracking::EpochMetrics;
use tracking::metric::Rules;

use super::log;
use super::measurements::{Measurements, Step};
use super::output::OutputReader;
use super::process::{End, ProgramProcess};
use super::trial_folder::{TrialFolder, append};
use crate::executor::{Execution, GroupObserver, Outcome, ResumeState};
use crate::metric;
use crate::separator::SEPARATOR;

/// The time between two looks at the output of a program.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The most output that is read at one look, so that a program cannot delay a stop.
const MAX_READ: u64 = 16 << 20;
/// How much later than a program the runner may receive a signal that is for both.
const STOP_DELAY: Duration = Duration::from_millis(500);
/// The end of standard error in the record of a failed run: lines and bytes.
const ERROR_LINES: usize = 10;
const ERROR_BYTES: u64 = 2_000;

/// The training of one trial, across all processes of its run.
pub struct Training<'a> {
    folder: &'a TrialFolder,
    /// The output of all processes, read from the beginning.
    stdout: File,
    reader: OutputReader,
    measurements: Measurements,
    /// Number of epochs that the observer knows.
    observed: usize,
    /// The last epoch that is recorded.
    recorded: u32,
    /// Time of earlier processes.
    earlier: Duration,
    started: Instant,
    /// Bytes of standard error of earlier processes.
    earlier_errors: u64,
}

/// Reason for which the runner ends a program.
enum Ending {
    Stopped,
    TimedOut(Duration),
    Diverged(String),
    /// The output is wrong.
    Wrong(String),
}

impl<'a> Training<'a> {
    /// A training that resumes from a state, or begins.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn new(
        folder: &'a TrialFolder,
        reader: OutputReader,
        rules: Rules,
        resume: Option<ResumeState>,
    ) -> Result<Self> {
        drop(append(&folder.stdout())?);
        let last = resume.as_ref().and_then(|state| state.epochs.last());
        Ok(Self {
            stdout: File::open(folder.stdout())?,
            reader,
            measurements: Measurements::new(rules),
            observed: 0,
            recorded: last.map_or(0, |last| last.epoch),
            earlier: resume.map_or_else(|| folder.elapsed(), |state| state.elapsed),
            started: Instant::now(),
            earlier_errors: folder.stderr().metadata().map_or(0, |file| file.len()),
            folder,
        })
    }

    /// Reads what earlier processes of the run printed, then starts another one and follows it to
    /// its end.
    pub fn run(
        &mut self,
        start: impl FnOnce() -> Result<ProgramProcess>,
        timeout: Option<Duration>,
        observer: &mut dyn GroupObserver,
    ) -> Result<Outcome> {
        let mut ending = self.replay(observer)?;
        if let Some(ending) = ending {
            return Ok(self.outcome(None, Some(ending)));
        }
        let mut process = start()?;
        loop {
            let end = process.wait(POLL_INTERVAL)?;
            if ending.is_none() {
                // A process that escaped from the group may never stop printing.
                let limit = if end.is_some() { self.unread()? } else { MAX_READ };
                ending = self.read(limit, observer)?.1;
            }
            if let Some(end) = end {
                // The last line of a program that was killed may be cut off.
                if ending.is_none() && matches!(end, End::Exited(_)) {
                    ending = self.add(None, observer);
                }
                ending = ending.or_else(|| stop_after(&end, observer));
                ending = ending.or(self.measurements.end().map(Ending::Diverged));
                return Ok(self.outcome(Some(&end), ending));
            }
            if observer.stop_requested() {
                ending.get_or_insert(Ending::Stopped);
            }
            if let Some(timeout) = timeout.filter(|timeout| self.started.elapsed() >= *timeout) {
                ending.get_or_insert(Ending::TimedOut(timeout));
            }
            if ending.is_some() {
                process.terminate()?;
            }
        }
    }

    /// Reads what each earlier process of the run printed.
    fn replay(&mut self, observer: &mut dyn GroupObserver) -> Result<Option<Ending>> {
        let mut ending = None;
        for bounds in self.folder.attempts()?.windows(2) {
            let mut left = bounds[1].saturating_sub(bounds[0]);
            while left > 0
                && let (count, found) = self.read(left, observer)?
                && count > 0
            {
                // Output that was wrong has failed its own run.
                let found = found.filter(|found| matches!(found, Ending::Diverged(_)));
                (left, ending) = (left - count, ending.or(found));
            }
            self.reader.cut();
            self.measurements.process_begins();
        }
        Ok(ending)
    }

    /// The number of bytes that are printed and not read.
    fn unread(&mut self) -> io::Result<u64> {
        let position = self.stdout.stream_position()?;
        Ok(self.stdout.metadata()?.len().saturating_sub(position))
    }

    /// Reads new output, up to `limit` bytes. Returns their number, and why the program must end.
    fn read(
        &mut self,
        limit: u64,
        observer: &mut dyn GroupObserver,
    ) -> Result<(u64, Option<Ending>)> {
        let (mut buffer, mut total, mut ending) = (vec![0; 1 << 16], 0, None);
        let mut stdout: Take<File> = self.stdout.try_clone()?.take(limit);
        loop {
            let count = stdout.read(&mut buffer)?;
            if count == 0 {
                return Ok((total, ending));
            }
            total += count as u64;
            ending = ending.or(self.add(Some(&buffer[..count]), observer));
        }
    }

    /// Adds output, or without output its last line. Returns why the program must end.
    fn add(&mut self, output: Option<&[u8]>, observer: &mut dyn GroupObserver) -> Option<Ending> {
        let readings = match output {
            Some(output) => self.reader.feed(output),
            None => self.reader.finish().into_iter().collect(),
        };
        let mut ending = None;
        for reading in readings {
            let added = reading.and_then(|reading| self.measurements.add(reading));
            let found = match added {
                Ok(Step::Continue) => continue,
                Ok(Step::EpochEnded) => {
                    self.observe(observer);
                    continue;
                }
                Ok(Step::Diverged(reason)) => Ending::Diverged(reason),
                Err(reason) => Ending::Wrong(reason),
            };
            ending.get_or_insert(found);
        }
        self.show(observer);
        ending
    }

    /// Passes complete epochs on that are not recorded yet.
    fn observe(&mut self, observer: &mut dyn GroupObserver) {
        let elapsed = self.elapsed();
        let epochs = self.measurements.epochs();
        let complete = epochs.len().saturating_sub(1);
        for epoch in &epochs[self.observed.min(complete)..complete] {
            if epoch.epoch > self.recorded {
                // The loop asks for a stop itself.
                let _ = observer.epoch(epoch.clone(), elapsed, Box::new(|| Ok(Vec::new())));
            }
        }
        self.observed = complete;
    }

    /// Shows the metrics of the current epoch.
    fn show(&self, observer: &mut dyn GroupObserver) {
        let Some(EpochMetrics { epoch, metrics, .. }) = self.measurements.epochs().last() else {
            return;
        };
        let text = |(name, value): &(String, f64)| {
            format!("{} {}", metric::label(name), metric::format(name, *value))
        };
        let text = metrics.iter().map(text).collect::<Vec<_>>().join(SEPARATOR);
        observer.progress(*epoch, &text);
    }

    /// How the training ended. `end` is the end of the process, if there was one.
    fn outcome(&self, end: Option<&End>, ending: Option<Ending>) -> Outcome {
        let reason = match (ending, end) {
            (Some(Ending::Stopped), _) => return Outcome::Stopped,
            (Some(Ending::Diverged(reason)), _) => return Outcome::Diverged(reason),
            (None, Some(End::Exited(0)) | None) => return Outcome::Finished,
            (Some(Ending::Wrong(reason)), _) => reason,
            (Some(Ending::TimedOut(timeout)), _) => {
                format!("it ran longer than the timeout of {}", humantime::format_duration(timeout))
            }
            (None, Some(end)) => end.to_string(),
        };
        let last =
            log::last_lines(&self.folder.stderr(), self.earlier_errors, ERROR_LINES, ERROR_BYTES);
        Outcome::Failed(if last.is_empty() { reason } else { format!("{reason}\n{last}") })
    }

    /// The execution to record at the end of the trial.
    pub fn execution(self, outcome: Outcome) -> Execution {
        let elapsed = self.elapsed();
        let (mut epochs, results) = self.measurements.into_parts();
        // The current epoch of a stopped training may be incomplete.
        if outcome == Outcome::Stopped {
            epochs.pop();
        }
        let results = if outcome == Outcome::Finished { results } else { Vec::new() };
        Execution { outcome, epochs, results, elapsed, model: None, error_analysis: None }
    }

    /// Time of all processes so far.
    pub fn elapsed(&self) -> Duration {
        self.earlier + self.started.elapsed()
    }
}

/// Whether a process ended because of the signal that stops the sweep: a scheduler may send it to
/// all processes, and the runner notices it a moment later.
fn stop_after(end: &End, observer: &dyn GroupObserver) -> Option<Ending> {
    let deadline = Instant::now() + if end.may_be_a_stop() { STOP_DELAY } else { Duration::ZERO };
    while *end != End::Exited(0) {
        if observer.stop_requested() {
            return Some(Ending::Stopped);
        }
        if Instant::now() >= deadline {
            break;
        }
        std::thread::sleep(STOP_DELAY / 50);
    }
    None
}
