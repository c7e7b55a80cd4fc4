//! `data info`: what a dataset is.

use std::io::Write;

use anyhow::Result;
use data::{Dataset, Split};

use crate::Places;

pub fn info(places: &Places, name: &str) -> Result<()> {
    let (_, source, dataset) = super::load(places, name)?;
    let mut out = std::io::stdout().lock();
    let Dataset { shape, classes, train, test, .. } = &dataset;
    writeln!(out, "{} · {classes} classes", dataset.name)?;
    for (name, split) in [("train", train), ("test", test)] {
        let (low, high) = range(split);
        writeln!(out, "  {name:5}  ({}, {}, {})  values {low}..{high}", split.len(), shape.rows, shape.columns)?;
        writeln!(out, "         {:.1} % of the pixels are not zero", 100.0 * nonzero(split))?;
        writeln!(out, "         examples of class 0, 1, …: {}", counts(split, *classes))?;
    }
    writeln!(
        out,
        "  pixels of the training set that are ever non-zero: {} of {}",
        ever(train, shape.features()),
        shape.features()
    )?;
    writeln!(out, "  SHA-256 of the decompressed files:")?;
    for digest in &dataset.files {
        writeln!(out, "    {}  {}", digest.sha256, digest.file)?;
    }
    let pinned = if source.pinned_facts().is_some() { " (as pinned in this program)" } else { "" };
    writeln!(out, "  dataset {}{pinned}", dataset.sha256)?;
    Ok(())
}

fn range(split: &Split) -> (u8, u8) {
    let low = split.images.iter().copied().min().unwrap_or(0);
    (low, split.images.iter().copied().max().unwrap_or(0))
}

#[allow(clippy::cast_precision_loss, reason = "a share")]
fn nonzero(split: &Split) -> f64 {
    split.images.iter().filter(|pixel| **pixel != 0).count() as f64 / split.images.len() as f64
}

fn ever(split: &Split, features: usize) -> usize {
    let mut ever = vec![false; features];
    for image in split.images.chunks_exact(features) {
        for (seen, pixel) in ever.iter_mut().zip(image) {
            *seen |= *pixel != 0;
        }
    }
    ever.into_iter().filter(|seen| *seen).count()
}

fn counts(split: &Split, classes: usize) -> String {
    let mut counts = vec![0usize; classes];
    for label in &split.labels {
        counts[usize::from(*label)] += 1;
    }
    counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}
