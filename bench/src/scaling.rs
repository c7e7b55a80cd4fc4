//! Scaling of the engines with batch size, number of classes, image size and density.

use anyhow::Result;
use candle_core::Device;
use data::random::{Purpose, generator};
use data::{Dataset, ImageShape, Split};
use model::{BatchSize, Engine, EngineData, EngineKind, Hyperparameters};

use crate::contender::{BATCH, LEARNING_RATE};
use crate::table;
use crate::timing::{Spread, timed};

/// Number of training images in every dataset.
const EXAMPLES: usize = 10_000;
/// Number of measured epochs, after one warm-up epoch.
const REPEATS: usize = 3;
/// The engines, in the order of the columns.
const KINDS: [EngineKind; 2] = [EngineKind::Fused, EngineKind::Autograd];

/// A row of a table: label, dataset and batch size.
type Setting = (String, Dataset, usize);

/// Prints all tables.
pub fn print(mnist: &Dataset) -> Result<()> {
    let mnist = &first(mnist);
    println!("\n## Scaling\n");
    println!(
        "Time per epoch of one trial on the first {EXAMPLES} training images, on one core, without validation; median \
         of {REPEATS} epochs. Each table varies one property of MNIST at batch size {BATCH}."
    );
    print_table("batch size", batches(mnist))?;
    print_table("classes", classes(mnist))?;
    print_table("image", shapes(mnist))?;
    print_table("pixels", densities(mnist))
}

fn print_table(varied: &str, settings: impl Iterator<Item = Setting>) -> Result<()> {
    let mut rows = Vec::new();
    for (name, dataset, batch) in settings {
        eprintln!("scaling: {varied} {name}");
        let [fused, autograd] = medians(&dataset, batch)?;
        rows.push(vec![
            name,
            table::seconds(fused),
            table::seconds(autograd),
            table::ratio(autograd, fused),
        ]);
    }
    table::print(&[varied, "fused", "autograd", "autograd / fused"], &rows);
    Ok(())
}

/// Returns the median time per epoch of each engine of [`KINDS`], in seconds. The engines take
/// turns.
fn medians(dataset: &Dataset, batch: usize) -> Result<[f64; 2]> {
    let hyperparameters = Hyperparameters {
        batch_size: BatchSize::new(i64::try_from(batch)?)?,
        ..Default::default()
    };
    let mut order: Vec<u32> = (0..).take(dataset.train.len()).collect();
    let mut engines = Vec::new();
    for kind in KINDS {
        engines.push((
            EngineData::new(kind, dataset, &Device::Cpu)?.engine(&hyperparameters)?,
            Vec::new(),
        ));
    }
    for epoch in 0..=u32::try_from(REPEATS)? {
        generator(0, Purpose::Shuffle { epoch }).shuffle(&mut order);
        for (engine, times) in &mut engines {
            let ((), seconds) = timed(|| train(engine.as_mut(), &order, batch))?;
            times.push(seconds);
        }
    }
    Ok([0, 1].map(|engine| Spread::of(&engines[engine].1[1..]).median))
}

fn train(engine: &mut dyn Engine, mut order: &[u32], batch: usize) -> Result<()> {
    while !order.is_empty() {
        let (rows, upcoming) = order.split_at(batch.min(order.len()));
        engine.step(rows, upcoming, LEARNING_RATE)?;
        order = upcoming;
    }
    Ok(())
}

fn batches(mnist: &Dataset) -> impl Iterator<Item = Setting> {
    [1, 8, 32, 128, 512, EXAMPLES].into_iter().map(|batch| {
        let name = if batch == EXAMPLES { format!("all {batch}") } else { batch.to_string() };
        (name, mnist.clone(), batch)
    })
}

/// Varies the number of classes. The label is the image index modulo the number of classes.
fn classes(mnist: &Dataset) -> impl Iterator<Item = Setting> {
    [2_u16, 10, 26, 100, 256].into_iter().map(|classes| {
        let labels = (0..classes)
            .filter_map(|label| u8::try_from(label).ok())
            .cycle()
            .take(EXAMPLES)
            .collect();
        let images = mnist.train.images.clone();
        let dataset = dataset(mnist, mnist.shape, classes.into(), Split { images, labels });
        (classes.to_string(), dataset, BATCH as usize)
    })
}

/// Varies the image size by nearest-neighbor scaling.
fn shapes(mnist: &Dataset) -> impl Iterator<Item = Setting> {
    [8, 14, 28, 56].into_iter().map(|side| {
        let ImageShape { rows, columns } = mnist.shape;
        let sources: Vec<usize> = (0..side * side)
            .map(|pixel| (pixel / side) * rows / side * columns + (pixel % side) * columns / side)
            .collect();
        let resized =
            |image: &[u8]| sources.iter().map(|source| image[*source]).collect::<Vec<_>>();
        let images = mnist.train.images.chunks_exact(rows * columns).flat_map(resized).collect();
        let shape = ImageShape { rows: side, columns: side };
        let split = Split { images, labels: mnist.train.labels.clone() };
        (shape.to_string(), dataset(mnist, shape, mnist.classes, split), BATCH as usize)
    })
}

/// Varies the fraction of pixels that are not zero: low in MNIST, high in inverted MNIST, 255/256
/// in random pixels.
fn densities(mnist: &Dataset) -> impl Iterator<Item = Setting> {
    let pixels = mnist.train.images.iter();
    let mut random = generator(0, Purpose::Init);
    let noise = pixels.clone().filter_map(|_| u8::try_from(random.below(256)).ok()).collect();
    let kinds = [
        ("MNIST", pixels.clone().copied().collect()),
        ("inverted", pixels.map(|p| 255 - p).collect()),
    ];
    kinds.into_iter().chain([("random", noise)]).map(|(name, images): (_, Vec<u8>)| {
        let filled =
            images.iter().filter(|pixel| **pixel != 0).count() as f64 / images.len() as f64;
        let split = Split { images, labels: mnist.train.labels.clone() };
        let name = format!("{name}, {:.0} % not zero", 100.0 * filled);
        (name, dataset(mnist, mnist.shape, mnist.classes, split), BATCH as usize)
    })
}

/// Returns the first [`EXAMPLES`] training images.
fn first(mnist: &Dataset) -> Dataset {
    let images = mnist.train.images[..EXAMPLES * mnist.shape.features()].to_vec();
    let labels = mnist.train.labels[..EXAMPLES].to_vec();
    dataset(mnist, mnist.shape, mnist.classes, Split { images, labels })
}

/// Creates a dataset in memory. The test split has one example, because nothing is evaluated.
fn dataset(mnist: &Dataset, shape: ImageShape, classes: usize, train: Split) -> Dataset {
    let test = Split {
        images: train.images[..shape.features()].to_vec(),
        labels: train.labels[..1].to_vec(),
    };
    let Dataset { name, folder, files, verification, sha256, .. } = mnist;
    let (name, folder, files, sha256) =
        (name.clone(), folder.clone(), files.clone(), sha256.clone());
    Dataset {
        name,
        folder,
        shape,
        classes,
        train,
        test,
        files,
        verification: *verification,
        sha256,
    }
}
