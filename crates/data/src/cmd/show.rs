//! `data show`: draws an example in the terminal, with its label and one-hot vector.

use std::fmt::Write;

use super::{group_digits, load, printable};
use crate::cli::{FinderArgs, SplitName};
use crate::one_hot;
use anyhow::{Result, bail};

/// From the lowest to the highest intensity, in ASCII.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// Draws example `index`.
pub(crate) fn show(
    args: &FinderArgs,
    name: &str,
    split: SplitName,
    index: usize,
) -> Result<String> {
    let dataset = load(args, name)?.dataset;
    let name = printable(&dataset.name);
    let (examples, title) = match split {
        SplitName::Train => (&dataset.train, "train"),
        SplitName::Test => (&dataset.test, "test"),
    };
    let (Some(image), Some(label)) = (examples.image(index), examples.labels.get(index)) else {
        bail!(
            "{name} {title} has no example {index}: expected 0 to {}",
            group_digits(examples.len() - 1)
        );
    };
    let mut out = String::new();
    for row in image.chunks_exact(dataset.shape.columns) {
        // Draws two characters per pixel, because a character is about twice as high as wide.
        let line: String = row.iter().flat_map(|pixel| [shade(*pixel); 2]).collect();
        writeln!(out, "{}", line.trim_end())?;
    }
    let vector: Vec<String> =
        one_hot(*label, dataset.classes).iter().map(|value| format!("{value:.0}")).collect();
    writeln!(out, "{name} {title} {index} · label {label} · one-hot [{}]", vector.join(" "))?;
    Ok(out)
}

fn shade(pixel: u8) -> char {
    SHADES[usize::from(pixel) * (SHADES.len() - 1) / 255]
}
