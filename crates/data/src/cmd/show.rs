//! `data show`: an example drawn in the terminal, with its label and one-hot vector.

use std::fmt::Write;

use anyhow::{Result, bail};
use clap::ValueEnum;
use data::one_hot;

use super::{grouped, load, printable};
use crate::Places;

/// A part of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// The training set
    Train,
    /// The test set
    Test,
}

/// From empty to full, in characters that every terminal and file can hold.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// Draws example `index`.
pub(crate) fn show(places: &Places, name: &str, split: SplitName, index: usize) -> Result<String> {
    let dataset = load(places, name)?.dataset;
    let name = printable(&dataset.name);
    let (part, title) = match split {
        SplitName::Train => (&dataset.train, "train"),
        SplitName::Test => (&dataset.test, "test"),
    };
    let (Some(image), Some(label)) = (part.image(index), part.labels.get(index)) else {
        bail!("{name} {title} has no example {index}: expected 0 to {}", grouped(part.len() - 1));
    };
    let mut out = String::new();
    for row in image.chunks_exact(dataset.shape.columns) {
        // Two characters a pixel: a character is about twice as high as wide.
        let line: String = row.iter().flat_map(|pixel| [shade(*pixel); 2]).collect();
        writeln!(out, "{}", line.trim_end())?;
    }
    let vector: Vec<String> =
        one_hot(*label, dataset.classes).iter().map(|it| format!("{it:.0}")).collect();
    writeln!(out, "{name} {title} {index} · label {label} · one-hot [{}]", vector.join(" "))?;
    Ok(out)
}

fn shade(pixel: u8) -> char {
    SHADES[usize::from(pixel) * (SHADES.len() - 1) / 255]
}
