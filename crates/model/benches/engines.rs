//! Measures one epoch of each engine and of a plain candle loop, on MNIST with batch size 32.
//!
//! Run it with `cargo bench -p model`.
#![allow(clippy::expect_used, clippy::cast_possible_truncation, missing_docs)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Linear, Module, Optimizer, SGD, VarBuilder, VarMap, linear};
use criterion::{Criterion, criterion_group, criterion_main};
use data::{Finder, Network, SilentFetch, Source};
use model::{
    Autograd, AutogradData, Engine, Examples, Fused, FusedData, Hyperparameters, InstructionSet,
};

const BATCH: usize = 32;

/// A straightforward training loop in candle.
fn plain_epoch(
    model: &Linear,
    sgd: &mut SGD,
    x: &Tensor,
    y: &Tensor,
    batches: &[Vec<u32>],
) -> Result<()> {
    for batch in batches {
        let rows = Tensor::from_slice(batch, batch.len(), &Device::Cpu)?;
        let logits = model.forward(&x.index_select(&rows, 0)?)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &y.index_select(&rows, 0)?)?;
        sgd.backward_step(&loss)?;
    }
    Ok(())
}

fn measure_epoch(criterion: &mut Criterion) {
    let dataset = dataset();
    let n = dataset.train.len();
    let mut order: Vec<u32> = (0..n as u32).collect();
    data::random::generator(0, data::random::Purpose::Shuffle { epoch: 1 }).shuffle(&mut order);
    let batches: Vec<Vec<u32>> = order.chunks(BATCH).map(<[u32]>::to_vec).collect();
    let mut group = criterion.benchmark_group("epoch at batch 32");
    group.sample_size(10);

    let x: Vec<f32> = dataset.train.images.iter().map(|pixel| data::normalise(*pixel)).collect();
    let x = Tensor::from_vec(x, (n, dataset.shape.features()), &Device::Cpu).expect("x");
    let y = Tensor::from_vec(
        dataset.train.labels.iter().map(|label| u32::from(*label)).collect(),
        n,
        &Device::Cpu,
    )
    .expect("y");
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let plain = linear(dataset.shape.features(), dataset.classes, builder).expect("linear");
    let mut sgd = SGD::new(variables.all_vars(), 0.01).expect("sgd");
    group.bench_function("plain candle loop", |bencher| {
        bencher.iter(|| plain_epoch(black_box(&plain), &mut sgd, &x, &y, &batches).expect("epoch"));
    });

    let data = Arc::new(AutogradData::new(&dataset, Device::Cpu).expect("data"));
    let mut engine = Autograd::new(data, &Hyperparameters::default()).expect("engine");
    group.bench_function("autograd engine", |bencher| {
        bencher.iter(|| {
            for batch in &batches {
                black_box(engine.step(batch, &[], 0.01).expect("step"));
            }
        });
    });

    let data = Arc::new(FusedData::new(&dataset).expect("data"));
    for instructions in InstructionSet::available() {
        let mut engine = Fused::new(Arc::clone(&data), &Hyperparameters::default(), instructions);
        group.bench_function(format!("fused engine, {instructions:?}"), |bencher| {
            bencher.iter(|| {
                let mut rest = &order[..];
                while let Some((batch, upcoming)) = rest
                    .split_at_checked(BATCH.min(rest.len()))
                    .filter(|(batch, _)| !batch.is_empty())
                {
                    black_box(engine.step(batch, upcoming, 0.01).expect("step"));
                    rest = upcoming;
                }
            });
        });
        group.bench_function(
            format!("fused evaluation of the test set, {instructions:?}"),
            |bencher| {
                bencher.iter(|| black_box(engine.evaluate(Examples::Test).expect("score")));
            },
        );
    }
    group.bench_function("conversion of the images to tiles", |bencher| {
        bencher.iter(|| black_box(FusedData::new(&dataset).expect("data")));
    });
    group.finish();
}

/// The copy of MNIST in this repository.
fn dataset() -> data::Dataset {
    let finder = Finder::new(Some(env!("CARGO_TARGET_TMPDIR").into()), Network::Offline, vec![]);
    let mnist = Source::parse("../data/assets/mnist", Path::new(env!("CARGO_MANIFEST_DIR")));
    finder.expect("finder").load(&mnist.expect("name"), &mut SilentFetch).expect("MNIST")
}

criterion_group!(benches, measure_epoch);
criterion_main!(benches);
