//! `data show`: an example drawn in the terminal, with its label and one-hot vector.

use std::io::Write;

use anyhow::{Result, bail};
use clap::ValueEnum;
use data::one_hot;

use crate::Places;

/// A part of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitName {
    /// The training set
    Train,
    /// The test set
    Test,
}

/// From empty to full.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

pub fn show(places: &Places, name: &str, split: SplitName, index: usize) -> Result<()> {
    let (_, _, dataset) = super::load(places, name)?;
    let (part, title) = match split {
        SplitName::Train => (&dataset.train, "train"),
        SplitName::Test => (&dataset.test, "test"),
    };
    let Some(image) = part.image(index) else {
        bail!("{} {title} has no example {index}: expected 0 to {}", dataset.name, part.len() - 1);
    };
    let mut out = std::io::stdout().lock();
    for row in image.chunks_exact(dataset.shape.columns) {
        // Two characters a pixel: a character is about twice as high as wide.
        let line: String = row.iter().flat_map(|pixel| [shade(*pixel); 2]).collect();
        writeln!(out, "{}", line.trim_end())?;
    }
    let label = part.labels[index];
    let vector: Vec<String> = one_hot(label, dataset.classes).iter().map(|it| format!("{it:.0}")).collect();
    writeln!(out, "{} {title} {index} · label {label} · one-hot [{}]", dataset.name, vector.join(" "))?;
    Ok(())
}

fn shade(pixel: u8) -> char {
    SHADES[usize::from(pixel) * (SHADES.len() - 1) / 255]
}
