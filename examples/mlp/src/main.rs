//! An example of a training program outside the runner: a two-layer network in candle that
//! separates two spirals. It records its runs with `tracking`, so that `report` compares them.
//!
//! ```text
//! cargo run -p mlp -- RESULTS
//! cargo run -p report -- -r RESULTS -e spirals
//! ```

mod spirals;

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow};
use candle_core::{D, Device, Tensor, Var};
use candle_nn::optim::{Optimizer, SGD};
use tracking::{Experiment, LiveRun, Store};

use spirals::{Numbers, Spirals};

const EPOCHS: u32 = 100;
const BATCH: usize = 32;

/// One point of the sweep.
#[derive(Debug, Clone, Copy)]
struct Trial {
    hidden: u32,
    learning_rate: f64,
    seed: u32,
}

/// A network with two layers: `[rows, 2]` → `[rows, hidden]` → `[rows, 2]`.
struct Mlp {
    weight: [Var; 2],
    bias: [Var; 2],
}

impl Mlp {
    /// Initializes the weights with Glorot's uniform distribution and the biases with zero.
    fn new(hidden: usize, numbers: &mut Numbers) -> candle_core::Result<Self> {
        let mut weight = |rows: usize, columns: usize| {
            let limit = (6.0 / (rows + columns) as f64).sqrt();
            let values: Vec<f32> =
                (0..rows * columns).map(|_| (limit * numbers.between(-1.0, 1.0)) as f32).collect();
            Var::from_vec(values, (rows, columns), &Device::Cpu)
        };
        let bias = |columns: usize| Var::from_vec(vec![0f32; columns], columns, &Device::Cpu);
        Ok(Self {
            weight: [weight(2, hidden)?, weight(hidden, 2)?],
            bias: [bias(hidden)?, bias(2)?],
        })
    }

    fn logits(&self, points: &Tensor) -> candle_core::Result<Tensor> {
        let hidden = points.matmul(&self.weight[0])?.broadcast_add(&self.bias[0])?.tanh()?;
        hidden.matmul(&self.weight[1])?.broadcast_add(&self.bias[1])
    }

    /// Returns the mean cross-entropy and the accuracy.
    fn evaluate(&self, (points, labels): &(Tensor, Tensor)) -> candle_core::Result<(f64, f64)> {
        let logits = self.logits(points)?;
        let loss = candle_nn::loss::cross_entropy(&logits, labels)?.to_scalar::<f32>()?;
        let correct = logits.argmax(D::Minus1)?.eq(labels)?.to_vec1::<u8>()?;
        let accuracy =
            correct.iter().map(|correct| f64::from(*correct)).sum::<f64>() / correct.len() as f64;
        Ok((loss.into(), accuracy))
    }
}

/// Trains and logs every epoch to `run`. Returns loss and accuracy on the test set; `None` if the
/// training diverges.
fn train(trial: Trial, data: &Spirals, run: &LiveRun) -> Result<Option<(f64, f64)>> {
    let mut numbers = Numbers::seeded(trial.seed.into());
    let model = Mlp::new(trial.hidden as usize, &mut numbers)?;
    let mut sgd =
        SGD::new(model.weight.iter().chain(&model.bias).cloned().collect(), trial.learning_rate)?;
    let (points, labels) = &data.train;
    let mut order: Vec<u32> = (0..u32::try_from(labels.dims1()?)?).collect();
    let mut step = 0;
    for epoch in 1..=EPOCHS {
        numbers.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let rows = Tensor::new(batch, &Device::Cpu)?;
            let logits = model.logits(&points.index_select(&rows, 0)?)?;
            sgd.backward_step(&candle_nn::loss::cross_entropy(
                &logits,
                &labels.index_select(&rows, 0)?,
            )?)?;
            step += 1;
        }
        let ((loss, accuracy), (val_loss, val_accuracy)) =
            (model.evaluate(&data.train)?, model.evaluate(&data.validation)?);
        if !loss.is_finite() {
            return Ok(None);
        }
        let metrics = [
            ("loss", loss),
            ("accuracy", accuracy),
            ("val_loss", val_loss),
            ("val_accuracy", val_accuracy),
        ];
        run.log_at(epoch, step, &metrics)?;
    }
    Ok(Some(model.evaluate(&data.test)?))
}

/// Runs all trials, one thread per core. A failed trial is recorded; the other trials continue.
fn sweep(store: &Store, trials: &[Trial]) -> Result<()> {
    let data = Spirals::new(400)?;
    let next = AtomicUsize::new(0);
    let worker = &|| -> Result<()> {
        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Trial { hidden, learning_rate, seed } = *trial;
            let params = [
                ("hidden", hidden.into()),
                ("learning_rate", learning_rate.into()),
                ("seed", seed.into()),
            ];
            let run = store
                .new_run("spirals", &params)
                .dataset("two spirals")
                .validation("0.2")
                .engine("candle");
            let run = run.split_sizes(data.sizes()).start()?;
            let id = run.id().clone();
            match train(*trial, &data, &run) {
                Ok(Some((loss, accuracy))) => {
                    run.finish(&[("test_loss", loss), ("test_accuracy", accuracy)])?
                }
                Ok(None) => run.diverge()?,
                Err(error) => run.fail(&error.to_string())?,
            }
            eprintln!(
                "run {id}: {hidden} hidden units, learning rate {learning_rate}, seed {seed}"
            );
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a trial panicked"))?)
    })
}

fn main() -> Result<()> {
    let results = std::env::args_os().nth(1).unwrap_or_else(|| "results".into());
    let store = Store::open(results)?;
    let description = "How many hidden units separate two spirals?";
    let experiment = Experiment { name: "spirals".into(), description: description.into() };
    store.declare(&experiment, tracking::invocation!())?;
    let mut trials = Vec::new();
    for hidden in [4, 8, 32] {
        for learning_rate in [0.2, 1.0] {
            trials.extend((0..3).map(|seed| Trial { hidden, learning_rate, seed }));
        }
    }
    sweep(&store, &trials)?;
    Ok(store.export_csv("spirals")?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tracking::{Reader, Status};

    #[test]
    fn sweep_is_recorded_and_reproducible() {
        let trials = [(8, 0.5), (16, 0.5), (8, 1e300)].map(|(hidden, learning_rate)| Trial {
            hidden,
            learning_rate,
            seed: 1,
        });
        let run_sweep = || {
            let folder = tempfile::tempdir().unwrap();
            sweep(&Store::open(folder.path()).unwrap(), &trials).unwrap();
            let reader = Reader::open(folder.path()).unwrap();
            let runs = reader.runs("spirals").unwrap();
            let epochs: Vec<_> = runs.iter().map(|run| reader.epochs(run).unwrap()).collect();
            let results: Vec<_> = runs
                .iter()
                .map(|run| (run.trial.clone(), run.status, run.result("test_loss")))
                .collect();
            assert!(reader.integrity_issues().is_empty());
            (results, epochs)
        };
        let (results, epochs) = run_sweep();
        assert_eq!((results.clone(), epochs.clone()), run_sweep());
        let count =
            |expected: Status| results.iter().filter(|(_, status, _)| *status == expected).count();
        assert_eq!((count(Status::Finished), count(Status::Diverged)), (2, 1));
        assert!(
            results.iter().all(|(_, status, loss)| *status != Status::Finished || loss.is_some())
        );
        for epochs in epochs.iter().filter(|epochs| epochs.len() > 1) {
            let [first, last] =
                [&epochs[0], &epochs[epochs.len() - 1]].map(|epoch| epoch.metrics[1].1);
            assert!(last < first, "{last} {first}");
        }
    }
}
