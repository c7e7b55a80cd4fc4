//! `data info`: what a dataset is.

use std::fmt::Write;

use anyhow::Result;
use data::{Dataset, Split};

use super::{grouped, load, printable, trust};
use crate::Places;

/// Shapes, value range, classes and checksums.
pub(crate) fn info(places: &Places, name: &str) -> Result<String> {
    let found = load(places, name)?;
    let dataset = &found.dataset;
    let mut out = format!("{} · {}\n\n", printable(&dataset.name), found.place());
    for (name, split) in [("train", &dataset.train), ("test", &dataset.test)] {
        let (low, high) = range(split);
        let (n, shape) = (grouped(split.len()), dataset.shape);
        let share = 100.0 * nonzero(split);
        writeln!(
            out,
            "  {name:5} {n:>7} images of {shape}   values {low}..{high}   {share:.1} % not zero"
        )?;
    }
    writeln!(
        out,
        "\n  {} of {} pixels are ever non-zero in training",
        ever(dataset),
        dataset.shape.features()
    )?;
    writeln!(out, "\n  class {:>7} {:>7}", "train", "test")?;
    let (train, test) =
        (counts(&dataset.train, dataset.classes), counts(&dataset.test, dataset.classes));
    for (class, (train, test)) in train.into_iter().zip(test).enumerate() {
        writeln!(out, "  {class:>5} {:>7} {:>7}", grouped(train), grouped(test))?;
    }
    writeln!(out, "\n  SHA-256 of the decompressed files ({})", trust(dataset))?;
    for digest in &dataset.files {
        writeln!(out, "  {}  {}", digest.sha256, digest.file)?;
    }
    writeln!(
        out,
        "  {}  the dataset: SHA-256 of the four lines above, as sha256sum prints them",
        dataset.sha256
    )?;
    Ok(out)
}

fn range(split: &Split) -> (u8, u8) {
    let low = split.images.iter().copied().min().unwrap_or(0);
    (low, split.images.iter().copied().max().unwrap_or(0))
}

#[allow(clippy::cast_precision_loss, reason = "a share, shown to one decimal")]
fn nonzero(split: &Split) -> f64 {
    split.images.iter().filter(|pixel| **pixel != 0).count() as f64 / split.images.len() as f64
}

fn ever(dataset: &Dataset) -> usize {
    let mut ever = vec![false; dataset.shape.features()];
    for image in dataset.train.images.chunks_exact(ever.len()) {
        for (seen, pixel) in ever.iter_mut().zip(image) {
            *seen |= *pixel != 0;
        }
    }
    ever.into_iter().filter(|seen| *seen).count()
}

fn counts(split: &Split, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in &split.labels {
        counts[usize::from(*label)] += 1;
    }
    counts
}
