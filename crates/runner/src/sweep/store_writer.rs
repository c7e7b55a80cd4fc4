//! What threads that train tell, kept in the store: the one place that records.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use model::Weights;
use tracking::{
    Checkpoint, ClaimOptions, ClaimOutcome, InvocationId, ResumePoint, RunId, Store,
    WriteTransaction,
};

use crate::executor::Reached;
use crate::experiment::group::Course;
use crate::sweep::progress::Progress;
use crate::sweep::records::{Circumstances, epoch_from, epoch_metrics};
use crate::sweep::stop::Stop;
use crate::sweep::{Claimed, Event, Record};

/// How often the CSV files are brought up to date while a sweep runs.
const EXPORT_EVERY: Duration = Duration::from_secs(10);

/// How many trials ended how.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    pub failed: usize,
    /// Left to another machine that is said to run them, by name.
    pub elsewhere: HashSet<String>,
}

/// The store, and what all runs of a sweep have in common.
pub struct Recorder<'a> {
    pub store: &'a mut Store,
    /// Whether nobody else writes to the store.
    pub alone: bool,
    pub invocation: InvocationId,
    pub circumstances: Circumstances<'a>,
    pub terms: ClaimOptions,
    pub fail_fast: bool,
    pub progress: &'a Progress,
    pub stop: &'a Stop,
    pub tally: Tally,
    pub exported: Instant,
}

impl<'a> Record<'a> for Recorder<'_> {
    fn record(&mut self, events: &mut dyn Iterator<Item = Event<'a>>) -> Result<()> {
        let (mut answers, mut ended) = (Vec::new(), Vec::new());
        let transaction = self.store.transaction()?;
        for event in events {
            match event {
                Event::Claim { course, reply } => {
                    let claim = claim(
                        &transaction,
                        self.invocation,
                        &self.circumstances,
                        &course,
                        self.terms,
                    )?;
                    self.tally.elsewhere.extend(claim.1);
                    answers.push((reply, claim.0));
                }
                Event::Epochs { run, epochs, elapsed, weights } => {
                    let epochs: Vec<_> = epochs.iter().map(epoch_metrics).collect();
                    let epoch = epochs.last().map_or(0, |epoch| epoch.epoch);
                    let (seconds, model) = (elapsed.as_secs_f64(), weights.to_safetensors()?);
                    transaction.record_epochs(
                        &run,
                        &epochs,
                        &Checkpoint { epoch, seconds, model },
                    )?;
                }
                Event::Ended(done) => {
                    transaction.end_run(&done.run, &self.circumstances.run(&done))?;
                    ended.push(done);
                }
            }
            // Where nobody else asks, a claim is good before it lasts.
            if self.alone {
                answer(&mut answers);
            }
        }
        transaction.commit()?;

        answer(&mut answers);
        for done in ended {
            self.tally.failed += usize::from(done.result.is_err());
            if done.result.is_err() && self.fail_fast {
                self.stop.ask();
            }
            self.progress.trial_ended(&done);
        }
        if self.exported.elapsed() >= EXPORT_EVERY {
            self.store.export_csv(self.circumstances.experiment)?;
            self.exported = Instant::now();
        }
        Ok(())
    }
}

/// Tells those who wait for the answers. A thread that does not wait any more is gone.
fn answer<'a>(answers: &mut Vec<(mpsc::Sender<Claimed<'a>>, Claimed<'a>)>) {
    for (reply, claimed) in answers.drain(..) {
        let _ = reply.send(claimed);
    }
}

/// Asks for every trial of a course: the longest, and then those on its way that are free too.
fn claim<'a>(
    transaction: &WriteTransaction<'_>,
    invocation: InvocationId,
    circumstances: &Circumstances<'_>,
    course: &Course<'a>,
    terms: ClaimOptions,
) -> Result<(Claimed<'a>, Option<String>)> {
    let (mut taken, mut runs, mut busy, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new(), None);
    for trial in &course.trials {
        match transaction.claim(
            invocation,
            &circumstances.begun(trial, SystemTime::now()),
            terms,
        )? {
            ClaimOutcome::Claimed(run, resumption) => {
                taken.push(*trial);
                runs.push((run, resumption));
            }
            ClaimOutcome::Busy => busy.push(*trial),
            ClaimOutcome::Remote(host) => elsewhere = Some(host),
            ClaimOutcome::Done => {}
        }
    }
    let busy = (!busy.is_empty()).then_some(Course { trials: busy });
    let Some((longest, shorter)) = runs.split_last_mut() else {
        return Ok((Claimed { taken: None, busy }, elsewhere));
    };
    let course = Course { trials: taken };
    // A shorter trial that the longest has gone past is only met from the start.
    let first = course.trials[0].hyperparameters.epochs.get() as usize;
    let resumed = longest.1.is_some();
    let reached = longest.1.take().and_then(reached).filter(|it| it.epochs.len() <= first);
    if resumed && reached.is_none() {
        transaction.restart_run(&longest.0)?;
    }
    for (run, resumption) in shorter.iter_mut() {
        if resumption.take().is_some() {
            transaction.restart_run(run)?;
        }
    }
    let runs = runs.into_iter().map(|(run, _): (RunId, _)| run).collect();
    Ok((Claimed { taken: Some((course, runs, reached)), busy }, elsewhere))
}

/// What is gone on from, if it can be read.
fn reached(resumption: ResumePoint) -> Option<Reached> {
    Some(Reached {
        epochs: resumption.epochs.iter().map(epoch_from).collect(),
        elapsed: Duration::try_from_secs_f64(resumption.checkpoint.seconds).ok()?,
        weights: Weights::from_safetensors(&resumption.checkpoint.model).ok()?,
    })
}
