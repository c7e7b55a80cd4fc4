//! The simplest training loop with candle, as a user would write it first.

use anyhow::Result;
use candle_core::{D, DType, Device, Tensor};
use candle_nn::{Linear, Module, Optimizer, SGD, VarBuilder, VarMap, linear, loss::cross_entropy};
use data::random::{Purpose, generator};
use data::{Dataset, Split};

use crate::contender::{BATCH, Contender, LEARNING_RATE, Turn};
use crate::timing::timed;

/// A training loop that uses only candle.
pub struct Bare {
    linear: Linear,
    sgd: SGD,
    train: (Tensor, Tensor),
    test: (Tensor, Tensor),
    order: Vec<u32>,
    epoch: u32,
}

impl Bare {
    /// Creates a training before its first epoch.
    pub fn new(dataset: &Dataset, rows: &[u32]) -> Result<Self> {
        let features = dataset.shape.features();
        let variables = VarMap::new();
        let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
        Ok(Self {
            linear: linear(features, dataset.classes, builder)?,
            sgd: SGD::new(variables.all_vars(), LEARNING_RATE)?,
            train: tensors(&dataset.train, features)?,
            test: tensors(&dataset.test, features)?,
            order: rows.to_vec(),
            epoch: 0,
        })
    }

    fn train(&mut self) -> Result<()> {
        generator(0, Purpose::Shuffle { epoch: self.epoch }).shuffle(&mut self.order);
        let (x, y) = &self.train;
        for batch in self.order.chunks(BATCH as usize) {
            let rows = Tensor::from_slice(batch, batch.len(), &Device::Cpu)?;
            let logits = self.linear.forward(&x.index_select(&rows, 0)?)?;
            self.sgd.backward_step(&cross_entropy(&logits, &y.index_select(&rows, 0)?)?)?;
        }
        Ok(())
    }

    fn accuracy(&self) -> Result<f64> {
        let (x, y) = &self.test;
        let correct = self.linear.forward(x)?.argmax(D::Minus1)?.eq(y)?;
        Ok(correct.to_dtype(DType::F64)?.mean_all()?.to_scalar()?)
    }
}

impl Contender for Bare {
    fn name(&self) -> String {
        "bare candle loop".to_owned()
    }

    /// One core: the autograd engine disables threads in matrix products for the whole process,
    /// because the products are too small for threads.
    fn cores(&self) -> usize {
        1
    }

    fn turn(&mut self) -> Result<Turn> {
        self.epoch += 1;
        let (accuracy, seconds) = timed(|| {
            self.train()?;
            self.accuracy()
        })?;
        Ok(Turn { seconds, accuracy, epochs: self.epoch })
    }
}

fn tensors(split: &Split, features: usize) -> Result<(Tensor, Tensor)> {
    let x: Vec<f32> = split.images.iter().map(|pixel| data::normalise(*pixel)).collect();
    let y: Vec<u32> = split.labels.iter().map(|label| u32::from(*label)).collect();
    Ok((
        Tensor::from_vec(x, (split.len(), features), &Device::Cpu)?,
        Tensor::from_vec(y, split.len(), &Device::Cpu)?,
    ))
}
