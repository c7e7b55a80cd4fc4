//! Properties of the training loop, checked against closed forms on the embedded digits.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_precision_loss)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use data::{Dataset, Finder, Network, SilentFetch, Source, normalise};
use model::softmax_regression::initial_weights;
use model::{
    Autograd, AutogradData, BatchSize, Decay, Device, Engine, EpochScores, Epochs, Examples,
    Hyperparameters, Init, LastBatch, LearningRate, Observer, Outcome, Score, Seed, Training,
    ValidationSet, Weights,
};
use proptest::prelude::*;

fn digits() -> Dataset {
    let finder = Finder::new(Some(std::env::temp_dir()), Network::Offline, Vec::new()).unwrap();
    finder.load(&Source::parse("digits", Path::new("")).unwrap(), &mut SilentFetch).unwrap()
}

fn engine(dataset: &Dataset, hyperparameters: &Hyperparameters) -> Autograd {
    Autograd::new(Arc::new(AutogradData::new(dataset, Device::Cpu).unwrap()), hyperparameters)
        .unwrap()
}

fn pixels(dataset: &Dataset, row: u32) -> Vec<f64> {
    let features = dataset.shape.features();
    let start = row as usize * features;
    dataset.train.images[start..start + features]
        .iter()
        .map(|pixel| f64::from(normalise(*pixel)))
        .collect()
}

/// Mean loss over `batch`, computed in f64 from the definition.
fn loss(dataset: &Dataset, weights: &[f64], bias: &[f64], batch: &[u32]) -> f64 {
    let of_row = |row: &u32| {
        let logits = logits(dataset, weights, bias, *row);
        let sum: f64 = logits.iter().map(|z| z.exp()).sum();
        sum.ln() - logits[usize::from(dataset.train.labels[*row as usize])]
    };
    batch.iter().map(of_row).sum::<f64>() / batch.len() as f64
}

fn logits(dataset: &Dataset, weights: &[f64], bias: &[f64], row: u32) -> Vec<f64> {
    let x = pixels(dataset, row);
    let rows = weights.chunks_exact(x.len()).zip(bias);
    rows.map(|(w, b)| w.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>() + b).collect()
}

/// The closed form of the gradient: `(softmax(z) − y) xᵀ / B` for the weight and `(softmax(z) − y) / B`
/// for the bias.
fn closed_form_gradient(
    dataset: &Dataset,
    weights: &[f64],
    bias: &[f64],
    batch: &[u32],
) -> (Vec<f64>, Vec<f64>) {
    let (mut weight_gradient, mut bias_gradient) =
        (vec![0.0; weights.len()], vec![0.0; bias.len()]);
    for row in batch {
        let (x, logits) = (pixels(dataset, *row), logits(dataset, weights, bias, *row));
        let sum: f64 = logits.iter().map(|z| z.exp()).sum();
        for (class, z) in logits.iter().enumerate() {
            let y = f64::from(u8::from(class == usize::from(dataset.train.labels[*row as usize])));
            let error = (z.exp() / sum - y) / batch.len() as f64;
            bias_gradient[class] += error;
            for (feature, x) in x.iter().enumerate() {
                weight_gradient[class * dataset.shape.features() + feature] += error * x;
            }
        }
    }
    (weight_gradient, bias_gradient)
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// The gradient that one step applied, computed from the weights before and after it.
fn applied_gradient(before: &[f32], after: &[f32], rate: f64) -> Vec<f64> {
    before.iter().zip(after).map(|(a, b)| (f64::from(*a) - f64::from(*b)) / rate).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn step_equals_closed_form_and_finite_differences(
        seed in 0i64..1000, batch in prop::collection::vec(0u32..1437, 1..40),
    ) {
        let dataset = digits();
        let hyperparameters = Hyperparameters { seed: Seed::new(seed).unwrap(), ..Default::default() };
        let mut engine = engine(&dataset, &hyperparameters);
        let before = engine.weights().unwrap();
        let score = engine.step(&batch, &[], 1.0).unwrap();
        let after = engine.weights().unwrap();

        let (weights, bias) = (doubles(&before.weight), doubles(&before.bias));
        prop_assert!((score.loss() - loss(&dataset, &weights, &bias, &batch)).abs() < 1e-5);
        let (weight_gradient, bias_gradient) = closed_form_gradient(&dataset, &weights, &bias, &batch);
        for (found, expected) in applied_gradient(&before.weight, &after.weight, 1.0).iter().zip(&weight_gradient) {
            prop_assert!((found - expected).abs() < 1e-6, "{} is not {}", found, expected);
        }
        for (found, expected) in applied_gradient(&before.bias, &after.bias, 1.0).iter().zip(&bias_gradient) {
            prop_assert!((found - expected).abs() < 1e-6, "{} is not {}", found, expected);
        }

        let h = 1e-6;
        for index in [27, 64 + 20, 9 * 64 + 35] {
            let shifted_loss = |by: f64| {
                let mut weights = weights.clone();
                weights[index] += by;
                loss(&dataset, &weights, &bias, &batch)
            };
            let difference = (shifted_loss(h) - shifted_loss(-h)) / (2.0 * h);
            prop_assert!((difference - weight_gradient[index]).abs() < 1e-7);
        }
    }
}

/// Records steps and epochs. Stops the training at a step.
#[derive(Default)]
struct RecordingObserver {
    steps: Vec<u64>,
    epochs: Vec<EpochScores>,
    stop_at: Option<u64>,
}

impl Observer for RecordingObserver {
    fn step(&mut self, _: u32, step: u64, _: &Score) -> ControlFlow<()> {
        self.steps.push(step);
        if self.stop_at == Some(step) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn run(hyperparameters: &Hyperparameters, observer: &mut RecordingObserver) -> (Outcome, Weights) {
    let dataset = digits();
    let rows: Vec<u32> = (0..dataset.train.len() as u32).collect();
    let engine = Box::new(engine(&dataset, hyperparameters));
    let mut training = Training::new(engine, *hyperparameters, &rows, ValidationSet::Test);
    for _ in 0..hyperparameters.epochs.get() {
        match training.epoch(observer).unwrap() {
            ControlFlow::Continue(metrics) => observer.epochs.push(metrics),
            ControlFlow::Break(outcome) => return (outcome, training.engine().weights().unwrap()),
        }
    }
    (training.outcome().unwrap(), training.engine().weights().unwrap())
}

fn quick() -> Hyperparameters {
    Hyperparameters {
        learning_rate: LearningRate::new(0.5).unwrap(),
        epochs: Epochs::new(8).unwrap(),
        ..Hyperparameters::default()
    }
}

#[test]
fn digits_are_learnt() {
    let mut observer = RecordingObserver::default();
    let (Outcome::Finished { train, test }, _) = run(&quick(), &mut observer) else {
        unreachable!("the training finishes")
    };
    // LogisticRegression of scikit-learn reaches about 0.91 on this test split.
    assert!(train.accuracy() > 0.95 && test.accuracy() > 0.87, "{train:?} {test:?}");
    assert_eq!((train.examples, test.examples), (1_437, 360));
    let last = observer.epochs.last().unwrap();
    assert_eq!((last.val_loss, last.val_accuracy), (test.loss(), test.accuracy()));
}

#[test]
fn equal_seeds_give_equal_bits() {
    let weights = |hyperparameters: &Hyperparameters| {
        run(hyperparameters, &mut RecordingObserver::default()).1
    };
    assert_eq!(weights(&quick()), weights(&quick()));
    assert_ne!(
        weights(&quick()),
        weights(&Hyperparameters { seed: Seed::new(1).unwrap(), ..quick() })
    );
}

#[test]
fn steps_and_learning_rates_follow_the_formula() {
    let hyperparameters = Hyperparameters {
        decay: Decay::new(0.01).unwrap(),
        batch_size: BatchSize::new(100).unwrap(),
        last_batch: LastBatch::Drop,
        epochs: Epochs::new(2).unwrap(),
        ..quick()
    };
    let mut observer = RecordingObserver::default();
    run(&hyperparameters, &mut observer);
    assert!(observer.steps.iter().copied().eq(1..=28), "{:?}", observer.steps);
    let rates: Vec<f64> = observer.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    // The last steps of the epochs are the 14th and the 28th, t = 13 and t = 27.
    assert_eq!(rates, [0.5 / 1.13, 0.5 / 1.27]);
}

#[test]
fn huge_learning_rate_diverges_at_reported_step() {
    let hyperparameters =
        Hyperparameters { learning_rate: LearningRate::new(1e38).unwrap(), ..quick() };
    let mut observer = RecordingObserver::default();
    let (outcome, _) = run(&hyperparameters, &mut observer);
    assert!(matches!(outcome, Outcome::Diverged { epoch: 1, step: 2..=3 }), "{outcome:?}");
    assert!(observer.epochs.is_empty());
}

#[test]
fn predictions_match_the_weights_of_the_outcome() {
    let dataset = digits();
    let rows: Vec<u32> = (0..1_000).collect();
    for validation in [ValidationSet::Test, ValidationSet::HeldOut(&[1_100, 1_200])] {
        let mut training =
            Training::new(Box::new(engine(&dataset, &quick())), quick(), &rows, validation);
        for _ in 0..2 {
            assert!(training.epoch(&mut RecordingObserver::default()).unwrap().is_continue());
            let Outcome::Finished { test, .. } = training.outcome().unwrap() else {
                unreachable!("the training finishes")
            };
            let expected = training.engine().predict().unwrap();
            assert_eq!((test, training.predictions()), (expected.0, &expected.1[..]));
        }
    }
}

#[test]
fn observer_stops_the_training() {
    let mut observer = RecordingObserver { stop_at: Some(5), ..RecordingObserver::default() };
    assert_eq!(run(&quick(), &mut observer).0, Outcome::Stopped);
    assert_eq!(observer.steps.len(), 5);
}

#[test]
fn zero_weights_give_the_loss_of_uniform_guessing() {
    let dataset = digits();
    let hyperparameters = Hyperparameters { init: Init::Zeros, ..Hyperparameters::default() };
    let score = engine(&dataset, &hyperparameters).evaluate(Examples::Test).unwrap();
    // −ln(1/10), with the precision of f32.
    assert!((score.loss() - 10f64.ln()).abs() < 1e-6, "{}", score.loss());
}

#[test]
fn engine_starts_from_initial_weights() {
    let dataset = digits();
    let seed = Seed::new(42).unwrap();
    let hyperparameters = Hyperparameters { seed, ..Hyperparameters::default() };
    let weights = engine(&dataset, &hyperparameters).weights().unwrap();
    assert_eq!(weights, initial_weights(64, 10, Init::GlorotUniform, seed));
}
