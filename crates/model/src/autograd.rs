//! The reference engine: `Linear`, softmax, cross-entropy, backward pass and SGD of candle, on any
//! device.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Optimizer, SGD};
use data::{Dataset, Split};

use crate::engine::{Engine, EngineError, Examples, Prediction, Score, check_shape};
use crate::hyperparameters::Hyperparameters;
use crate::loss;
use crate::softmax_regression::SoftmaxRegression;
use crate::weights::Weights;

/// Number of examples per evaluation step. It limits the memory. It is a constant, because it affects
/// the bits of the result.
const EVALUATION_CHUNK: usize = 1_000;

/// One split on a device.
struct DeviceSplit {
    /// `[n, features]`, f32 in 0..=1.
    x: Tensor,
    /// `[n]`, u32.
    y: Tensor,
    labels: Vec<u8>,
}

impl DeviceSplit {
    fn new(split: &Split, features: usize, device: &Device) -> Result<Self> {
        let table: Vec<f32> = (0..=u8::MAX).map(data::normalise).collect();
        let x: Vec<f32> = split.images.iter().map(|pixel| table[usize::from(*pixel)]).collect();
        let y: Vec<u32> = split.labels.iter().map(|label| u32::from(*label)).collect();
        Ok(Self {
            x: Tensor::from_vec(x, (split.len(), features), device)?,
            y: Tensor::from_vec(y, split.len(), device)?,
            labels: split.labels.clone(),
        })
    }
}

/// A dataset as tensors on a device, shared by all trials.
pub struct AutogradData {
    train: DeviceSplit,
    test: DeviceSplit,
    features: usize,
    classes: usize,
    device: Device,
}

impl AutogradData {
    /// Normalises the dataset and copies it to `device`.
    ///
    /// # Errors
    /// If the device does not have enough memory.
    pub fn new(dataset: &Dataset, device: Device) -> std::result::Result<Self, EngineError> {
        // Uses one thread per matrix product. Trials run in parallel instead, and the bits of a product
        // never depend on the number of threads.
        gemm::set_threading_threshold(usize::MAX);
        let features = dataset.shape.features();
        let split = |split| DeviceSplit::new(split, features, &device).map_err(engine_error);
        let (train, test) = (split(&dataset.train)?, split(&dataset.test)?);
        Ok(Self { train, test, features, classes: dataset.classes, device })
    }
}

/// One training with the autograd of candle.
pub struct Autograd {
    data: Arc<AutogradData>,
    model: SoftmaxRegression,
    sgd: SGD,
}

impl Autograd {
    /// Creates an engine with initial weights.
    ///
    /// # Errors
    /// If the device does not have enough memory.
    pub fn new(
        data: Arc<AutogradData>,
        hyperparameters: &Hyperparameters,
    ) -> std::result::Result<Self, EngineError> {
        let Hyperparameters { init, seed, learning_rate, .. } = *hyperparameters;
        let build = || {
            let model =
                SoftmaxRegression::new(data.features, data.classes, init, seed, &data.device)?;
            let sgd = SGD::new(model.vars(), learning_rate.get())?;
            Ok((model, sgd))
        };
        let (model, sgd) = build().map_err(engine_error)?;
        Ok(Self { data, model, sgd })
    }

    fn try_step(&mut self, batch: &[u32], learning_rate: f64) -> Result<Score> {
        let train = &self.data.train;
        let rows = Tensor::from_slice(batch, batch.len(), &self.data.device)?;
        let logits = self.model.logits(&train.x.index_select(&rows, 0)?)?;
        let loss = loss::cross_entropy(&logits, &train.y.index_select(&rows, 0)?)?;
        self.sgd.set_learning_rate(learning_rate);
        self.sgd.backward_step(&loss)?;

        let labels = batch.iter().map(|row| train.labels[*row as usize]);
        Ok(Score {
            #[allow(clippy::cast_precision_loss, reason = "a batch is far smaller than 2^53")]
            loss_sum: f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64,
            correct: count_correct(&to_host(&logits)?, self.data.classes, labels),
            examples: batch.len() as u64,
        })
    }

    /// Scores `examples`. Passes the logits of each chunk to `on_logits`.
    fn try_evaluate(
        &self,
        examples: Examples<'_>,
        mut on_logits: impl FnMut(&[f32]),
    ) -> Result<Score> {
        let mut score = Score::default();
        match examples {
            Examples::Train(rows) => {
                let train = &self.data.train;
                for rows in rows.chunks(EVALUATION_CHUNK) {
                    let index = Tensor::from_slice(rows, rows.len(), &self.data.device)?;
                    let labels = rows.iter().map(|row| train.labels[*row as usize]);
                    let (x, y) =
                        (train.x.index_select(&index, 0)?, train.y.index_select(&index, 0)?);
                    score += self.score(&x, &y, labels, &mut on_logits)?;
                }
            }
            Examples::Test => {
                let test = &self.data.test;
                for (chunk, labels) in test.labels.chunks(EVALUATION_CHUNK).enumerate() {
                    let (start, len) = (chunk * EVALUATION_CHUNK, labels.len());
                    let (x, y) = (test.x.narrow(0, start, len)?, test.y.narrow(0, start, len)?);
                    score += self.score(&x, &y, labels.iter().copied(), &mut on_logits)?;
                }
            }
        }
        Ok(score)
    }

    fn score(
        &self,
        x: &Tensor,
        y: &Tensor,
        labels: impl ExactSizeIterator<Item = u8>,
        on_logits: &mut impl FnMut(&[f32]),
    ) -> Result<Score> {
        let logits = self.model.logits(x)?.detach();
        let losses: Vec<f32> =
            loss::cross_entropy_each(&logits, y)?.to_dtype(DType::F32)?.to_vec1()?;
        let logits = to_host(&logits)?;
        on_logits(&logits);
        Ok(Score {
            loss_sum: losses.iter().map(|loss| f64::from(*loss)).sum(),
            examples: labels.len() as u64,
            correct: count_correct(&logits, self.data.classes, labels),
        })
    }
}

/// Copies logits to main memory, row by row.
fn to_host(logits: &Tensor) -> Result<Vec<f32>> {
    logits.flatten_all()?.to_vec1()
}

/// Number of rows whose greatest logit is that of the label.
fn count_correct(logits: &[f32], classes: usize, labels: impl Iterator<Item = u8>) -> u64 {
    logits
        .chunks_exact(classes)
        .zip(labels)
        .filter(|(row, label)| argmax(row) == usize::from(*label))
        .count() as u64
}

/// The class with the greatest logit. Among equals, the first one, as in NumPy and Keras.
fn argmax(logits: &[f32]) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

/// The prediction for the logits of one example. Computed in f64 with `libm::exp`, whose result is the
/// same on every platform, and rounded once.
#[allow(clippy::cast_possible_truncation, reason = "at most 256 classes; a probability is an f32")]
fn prediction(logits: &[f32]) -> Prediction {
    let class = argmax(logits);
    let sum: f64 =
        logits.iter().map(|logit| libm::exp(f64::from(*logit) - f64::from(logits[class]))).sum();
    Prediction { class: class as u32, probability: (1.0 / sum) as f32 }
}

#[allow(clippy::needless_pass_by_value, reason = "the signature that map_err needs")]
fn engine_error(error: candle_core::Error) -> EngineError {
    EngineError { engine: "autograd", reason: error.to_string() }
}

impl Engine for Autograd {
    fn step(
        &mut self,
        batch: &[u32],
        _: &[u32],
        learning_rate: f64,
    ) -> std::result::Result<Score, EngineError> {
        self.try_step(batch, learning_rate).map_err(engine_error)
    }

    fn evaluate(&self, examples: Examples<'_>) -> std::result::Result<Score, EngineError> {
        self.try_evaluate(examples, |_| {}).map_err(engine_error)
    }

    fn predict(&self) -> std::result::Result<(Score, Vec<Prediction>), EngineError> {
        let mut predictions = Vec::with_capacity(self.data.test.labels.len());
        let on_logits = |logits: &[f32]| {
            predictions.extend(logits.chunks_exact(self.data.classes).map(prediction))
        };
        let score = self.try_evaluate(Examples::Test, on_logits).map_err(engine_error)?;
        Ok((score, predictions))
    }

    fn weights(&self) -> std::result::Result<Weights, EngineError> {
        self.model.weights().map_err(engine_error)
    }

    fn restore(&mut self, weights: &Weights) -> std::result::Result<(), EngineError> {
        check_shape("autograd", weights, self.data.classes, self.data.features)?;
        self.model.restore(weights, &self.data.device).map_err(engine_error)
    }
}
