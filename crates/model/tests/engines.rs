//! Compares the fused engine with the reference engine, on every instruction set and for many shapes.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_precision_loss)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use data::random::{Purpose, generator};
use data::{
    Dataset, FileDigest, Finder, ImageShape, Network, SilentFetch, Source, Split, Verification,
};
use model::{
    Autograd, AutogradData, BatchSize, Device, Engine, Examples, Fused, FusedData, Hyperparameters,
    Init, InstructionSet, LearningRate, Observer, Outcome, Score, Seed, Training, ValidationSet,
    Weights,
};
use proptest::prelude::*;

/// Image shape, number of classes and percentage of zero pixels of a synthetic dataset.
#[derive(Debug, Clone, Copy)]
struct Shape {
    rows: usize,
    columns: usize,
    classes: usize,
    zero_percent: u32,
}

/// A dataset of `n` training and `n` test images. Each class has brighter pixels at certain positions,
/// so that a model can learn it.
fn synthetic(shape: Shape, n: usize, seed: u64) -> Dataset {
    let image = ImageShape { rows: shape.rows, columns: shape.columns };
    let mut generator = generator(seed, Purpose::Init);
    let mut split = || {
        let labels: Vec<u8> = (0..n).map(|i| (i % shape.classes) as u8).collect();
        let pixel = |(feature, label): (usize, u8), random: &mut data::random::Generator| {
            let bright = feature % shape.classes == usize::from(label);
            if random.below(100) < shape.zero_percent {
                0
            } else {
                random.below(if bright { 256 } else { 128 }) as u8
            }
        };
        let pixels = labels
            .iter()
            .flat_map(|label| (0..image.features()).map(move |feature| (feature, *label)));
        Split { images: pixels.map(|position| pixel(position, &mut generator)).collect(), labels }
    };
    let (train, test) = (split(), split());
    let files = ["a", "b", "c", "d"].map(|file| FileDigest { file, sha256: String::new() });
    Dataset {
        name: "synthetic".to_owned(),
        folder: None,
        shape: image,
        classes: shape.classes,
        train,
        test,
        files,
        verification: Verification::Unverified,
        sha256: String::new(),
    }
}

/// max |a − b| / max |b| over weight and bias. The denominator is at least a tenth of the learning rate:
/// weights near zero are differences of larger sums, and have the absolute error of these sums.
fn distance(a: &Weights, b: &Weights, rate: f64) -> f32 {
    let all = |weights: &Weights| {
        weights.weight.iter().chain(&weights.bias).copied().collect::<Vec<f32>>()
    };
    let (a, b) = (all(a), all(b));
    let greatest = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0.0, |max: f32, value| max.max(value.abs()))
    };
    greatest(&mut a.iter().zip(&b).map(|(a, b)| a - b))
        / greatest(&mut b.iter().copied()).max(0.1 * rate as f32)
}

/// Compares two losses. A loss is a difference of logits, so the tolerance is absolute near zero.
fn same_loss(a: &Score, b: &Score) -> bool {
    (a.loss() - b.loss()).abs() < 1e-5 * b.loss().max(1.0)
}

/// Checks the predictions against the definition, computed in f64 from the weights. The tolerance covers
/// the rounding of the logits. The score must be that of the predictions.
fn check_predictions(engine: &dyn Engine, dataset: &Dataset) {
    let (score, predictions) = engine.predict().unwrap();
    assert_eq!(score, engine.evaluate(Examples::Test).unwrap(), "the bits are equal");
    assert_eq!(predictions.len(), dataset.test.len());
    let weights = engine.weights().unwrap();
    let mut correct = 0;
    for (index, prediction) in predictions.iter().enumerate() {
        let x: Vec<f32> = dataset
            .test
            .image(index)
            .unwrap()
            .iter()
            .map(|pixel| data::normalise(*pixel))
            .collect();
        let probabilities = weights.probabilities(&x);
        let best = probabilities.iter().copied().fold(0.0, f64::max);
        let (found, expected) =
            (f64::from(prediction.probability), probabilities[prediction.class as usize]);
        assert!(
            (found - expected).abs() < 1e-4 && best - expected < 1e-4,
            "{prediction:?}, but {probabilities:?}"
        );
        assert!(found <= 1.0);
        correct += u64::from(prediction.class == u32::from(dataset.test.labels[index]));
    }
    assert_eq!(correct, score.correct);
}

/// Runs the same steps on the reference and on the fused engine with each instruction set, and
/// compares weights and scores after each step.
fn compare(dataset: &Dataset, hyperparameters: &Hyperparameters, steps: usize) {
    let reference = Arc::new(AutogradData::new(dataset, Device::Cpu).unwrap());
    let mut reference = Autograd::new(reference, hyperparameters).unwrap();
    let data = Arc::new(FusedData::new(dataset).unwrap());
    let fused = |set| (set, Fused::new(Arc::clone(&data), hyperparameters, set));
    let mut engines: Vec<_> = InstructionSet::available().into_iter().map(fused).collect();
    for (instructions, fused) in &engines {
        let (found, expected) = (fused.weights().unwrap(), reference.weights().unwrap());
        assert_eq!(found, expected, "{instructions:?}: both start from the same weights");
    }

    let size = hyperparameters.batch_size.get() as usize;
    let mut order: Vec<u32> = (0..dataset.train.len() as u32).collect();
    let mut epoch = 0;
    let mut batches: Vec<Vec<u32>> = Vec::new();
    while batches.len() < steps {
        epoch += 1;
        generator(7, Purpose::Shuffle { epoch }).shuffle(&mut order);
        batches.extend(order.chunks(size).map(<[u32]>::to_vec));
    }
    let rate = hyperparameters.learning_rate.get();
    for (step, batch) in batches[..steps].iter().enumerate() {
        let expected = reference.step(batch, &[], rate).unwrap();
        let weights = reference.weights().unwrap();
        for (instructions, fused) in &mut engines {
            let place = || format!("step {step} on {}, {instructions:?}", dataset.shape);
            let found = fused.step(batch, &[], rate).unwrap();
            assert!(same_loss(&found, &expected), "{}: {found:?} is not {expected:?}", place());
            let apart = distance(&fused.weights().unwrap(), &weights, rate);
            assert!(apart < 1e-5, "{}: {apart}", place());
        }
    }
    check_predictions(&reference, dataset);
    let half = Examples::Train(&order[..dataset.train.len() / 2]);
    let expected = [Examples::Test, half].map(|part| reference.evaluate(part).unwrap());
    for (instructions, fused) in &engines {
        for (examples, expected) in [Examples::Test, half].into_iter().zip(&expected) {
            let found = fused.evaluate(examples).unwrap();
            let agree =
                same_loss(&found, expected) && found.correct.abs_diff(expected.correct) <= 1;
            assert!(agree, "{instructions:?}: {found:?} is not {expected:?}");
        }
        check_predictions(fused, dataset);
    }
}

fn hyperparameters(batch: usize, rate: f64, init: Init) -> Hyperparameters {
    Hyperparameters {
        batch_size: BatchSize::new(batch as i64).unwrap(),
        learning_rate: LearningRate::new(rate).unwrap(),
        init,
        ..Hyperparameters::default()
    }
}

/// Rows, columns, classes, percentage of zeros, images, batch size.
const TABLE: [(usize, usize, usize, u32, usize, usize); 12] = [
    (28, 28, 10, 81, 300, 32),
    (28, 28, 10, 0, 200, 32),
    (28, 28, 10, 81, 300, 300),
    (8, 8, 10, 50, 200, 1),
    (8, 8, 10, 50, 200, 100),
    (5, 7, 2, 30, 64, 64),
    (1, 9, 3, 10, 65, 65),
    (9, 1, 3, 10, 63, 7),
    (1, 1, 2, 0, 10, 3),
    (16, 16, 26, 95, 260, 50),
    (4, 5, 256, 40, 512, 129),
    (1, 3000, 5, 99, 40, 8),
];

#[test]
fn fused_steps_equal_reference_for_table_of_shapes() {
    std::thread::scope(|scope| {
        for (rows, columns, classes, zero_percent, n, batch) in TABLE {
            scope.spawn(move || {
                let dataset = synthetic(Shape { rows, columns, classes, zero_percent }, n, 1);
                // A step of a large batch takes candle long in the dev profile.
                let steps = if batch > 100 { 50 } else { 200 };
                compare(&dataset, &hyperparameters(batch, 0.1, Init::GlorotUniform), steps);
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn fused_steps_equal_reference_for_random_shapes(
        rows in 1usize..20, columns in 1usize..20, classes in 2usize..40, zero_percent in 0u32..100,
        batch in 1usize..200, extra in 0usize..50, seed: u64, rate in 0.001f64..0.5, zero: bool,
    ) {
        let dataset = synthetic(Shape { rows, columns, classes, zero_percent }, (batch + extra).max(classes), seed);
        let init = if zero { Init::Zeros } else { Init::GlorotUniform };
        compare(&dataset, &hyperparameters(batch, rate, init), 20);
    }
}

#[test]
fn vector_instruction_sets_give_equal_bits() {
    let dataset = synthetic(Shape { rows: 12, columns: 12, classes: 13, zero_percent: 60 }, 300, 3);
    let data = Arc::new(FusedData::new(&dataset).unwrap());
    let run = |instructions: InstructionSet| {
        let mut engine = Fused::new(Arc::clone(&data), &Hyperparameters::default(), instructions);
        let rows: Vec<u32> = (0..300).collect();
        for batch in rows.chunks(100) {
            engine.step(batch, &[], 0.3).unwrap();
        }
        (engine.weights().unwrap(), engine.predict().unwrap())
    };
    let vectors: Vec<_> = InstructionSet::available()
        .into_iter()
        .filter(|set| *set != InstructionSet::portable())
        .collect();
    assert!(vectors.windows(2).all(|pair| run(pair[0]) == run(pair[1])));
}

#[test]
fn upcoming_rows_do_not_change_results() {
    let dataset = synthetic(Shape { rows: 12, columns: 12, classes: 4, zero_percent: 60 }, 200, 3);
    let data = Arc::new(FusedData::new(&dataset).unwrap());
    let rows: Vec<u32> = (0..200).rev().collect();
    let weights = |upcoming: &[u32]| {
        let mut engine =
            Fused::new(Arc::clone(&data), &Hyperparameters::default(), InstructionSet::best());
        engine.step(&rows[..70], upcoming, 0.3).unwrap();
        engine.weights().unwrap()
    };
    assert_eq!(weights(&[]), weights(&rows[70..]));
}

#[test]
fn overflow_gives_a_loss_that_is_not_finite() {
    let dataset = synthetic(Shape { rows: 8, columns: 8, classes: 10, zero_percent: 60 }, 200, 3);
    let data = Arc::new(FusedData::new(&dataset).unwrap());
    let rows: Vec<u32> = (0..200).collect();
    for instructions in InstructionSet::available() {
        let mut engine = Fused::new(Arc::clone(&data), &Hyperparameters::default(), instructions);
        let finite = (0..4).map(|_| engine.step(&rows, &[], 1e38).unwrap().loss_sum.is_finite());
        assert_eq!(finite.collect::<Vec<_>>()[..1], [true]);
        assert!(!engine.evaluate(Examples::Test).unwrap().loss_sum.is_finite());
    }
}

/// An observer that ignores all steps.
struct NoObserver;

impl Observer for NoObserver {
    fn step(&mut self, _: u32, _: u64, _: &Score) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[test]
fn mnist_accuracy_equals_reference_after_one_epoch() {
    let finder = Finder::new(Some(env!("CARGO_TARGET_TMPDIR").into()), Network::Offline, vec![]);
    let mnist = Source::parse("../data/assets/mnist", Path::new(env!("CARGO_MANIFEST_DIR")));
    let mnist = finder.unwrap().load(&mnist.unwrap(), &mut SilentFetch).unwrap();
    let hyperparameters =
        Hyperparameters { seed: Seed::new(1).unwrap(), ..Hyperparameters::default() };
    let rows: Vec<u32> = (0..mnist.train.len() as u32).collect();
    let accuracy = |engine: Box<dyn Engine>| {
        let mut training = Training::new(engine, hyperparameters, &rows, ValidationSet::Test);
        let trained = training.epoch(&mut NoObserver).unwrap();
        let Outcome::Finished { test, .. } = training.outcome().unwrap() else {
            unreachable!("{trained:?}")
        };
        test.accuracy()
    };
    let reference = Arc::new(AutogradData::new(&mnist, Device::Cpu).unwrap());
    let expected = accuracy(Box::new(Autograd::new(reference, &hyperparameters).unwrap()));
    let data = Arc::new(FusedData::new(&mnist).unwrap());
    for instructions in InstructionSet::available() {
        let found =
            accuracy(Box::new(Fused::new(Arc::clone(&data), &hyperparameters, instructions)));
        assert!((found - expected).abs() < 0.001, "{instructions:?}: {found} is not {expected}");
    }
}
