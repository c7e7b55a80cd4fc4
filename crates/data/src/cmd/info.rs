//! `data info`: describes a dataset.

use std::fmt::Write;

use super::{describe_verification, group_digits, load, printable};
use crate::cli::FinderArgs;
use crate::{Dataset, Split};
use anyhow::Result;

/// Describes shapes, value range, class counts and checksums.
pub(crate) fn info(args: &FinderArgs, name: &str) -> Result<String> {
    let found = load(args, name)?;
    let dataset = &found.dataset;
    let mut out = format!("{} · {}\n\n", printable(&dataset.name), found.location());
    for (name, split) in [("train", &dataset.train), ("test", &dataset.test)] {
        let (low, high) = range(split);
        let (n, shape) = (group_digits(split.len()), dataset.shape);
        let share = 100.0 * nonzero_share(split);
        writeln!(
            out,
            "  {name:5} {n:>7} images of {shape}   values {low}..{high}   {share:.1} % non-zero"
        )?;
    }
    writeln!(
        out,
        "\n  {} of {} pixels are non-zero in at least one training image",
        nonzero_pixels(dataset),
        dataset.shape.features()
    )?;
    writeln!(out, "\n  class {:>7} {:>7}", "train", "test")?;
    let (train, test) = (
        class_counts(&dataset.train, dataset.classes),
        class_counts(&dataset.test, dataset.classes),
    );
    for (class, (train, test)) in train.into_iter().zip(test).enumerate() {
        writeln!(out, "  {class:>5} {:>7} {:>7}", group_digits(train), group_digits(test))?;
    }
    writeln!(out, "\n  SHA-256 of the decompressed files ({})", describe_verification(dataset))?;
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
fn nonzero_share(split: &Split) -> f64 {
    split.images.iter().filter(|pixel| **pixel != 0).count() as f64 / split.images.len() as f64
}

/// Number of pixels that are non-zero in at least one training image.
fn nonzero_pixels(dataset: &Dataset) -> usize {
    let mut nonzero = vec![false; dataset.shape.features()];
    for image in dataset.train.images.chunks_exact(nonzero.len()) {
        for (seen, pixel) in nonzero.iter_mut().zip(image) {
            *seen |= *pixel != 0;
        }
    }
    nonzero.into_iter().filter(|seen| *seen).count()
}

fn class_counts(split: &Split, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in &split.labels {
        counts[usize::from(*label)] += 1;
    }
    counts
}
