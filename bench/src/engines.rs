//! The engines of this repository: one trial on one core, in this process.

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use candle_core::Device;
use data::Dataset;
use model::{
    BatchSize, EngineData, EngineKind, Hyperparameters, LearningRate, Observer, Score, Training,
    ValidationSet,
};

use crate::contender::{BATCH, Contender, LEARNING_RATE, Turn};
use crate::timing::timed;

/// A trial that trains one epoch per turn.
pub struct Trial<'a> {
    kind: EngineKind,
    training: Training<'a>,
}

impl<'a> Trial<'a> {
    /// Creates a trial on all `rows` of the training split.
    pub fn new(kind: EngineKind, dataset: &Dataset, rows: &'a [u32]) -> Result<Self> {
        let hyperparameters = Hyperparameters {
            learning_rate: LearningRate::new(LEARNING_RATE)?,
            batch_size: BatchSize::new(BATCH.into())?,
            ..Hyperparameters::default()
        };
        let engine = EngineData::new(kind, dataset, &Device::Cpu)?.engine(&hyperparameters)?;
        Ok(Self {
            kind,
            training: Training::new(engine, hyperparameters, rows, ValidationSet::Test),
        })
    }
}

impl Contender for Trial<'_> {
    fn name(&self) -> String {
        format!("{} engine, one trial", self.kind)
    }

    fn cores(&self) -> usize {
        1
    }

    fn turn(&mut self) -> Result<Turn> {
        let (epoch, seconds) = timed(|| Ok(self.training.epoch(&mut NoObserver)?))?;
        match epoch {
            ControlFlow::Continue(metrics) => {
                Ok(Turn { seconds, accuracy: metrics.val_accuracy, epochs: metrics.epoch })
            }
            ControlFlow::Break(outcome) => {
                bail!("the {} engine's training ended: {outcome:?}", self.kind)
            }
        }
    }
}

/// Ignores all steps.
struct NoObserver;

impl Observer for NoObserver {
    fn step(&mut self, _: u32, _: u64, _: &Score) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
