//! `data fetch`: a dataset is brought here and verified.

use anyhow::Result;

use super::{grouped, load, printable, trust};
use crate::Places;

/// Fetches what is missing; says where the dataset is.
pub(crate) fn fetch(places: &Places, name: &str) -> Result<String> {
    let found = load(places, name)?;
    let dataset = &found.dataset;
    Ok(format!(
        "{} is {}: {} + {} images, {}\n",
        printable(&dataset.name),
        found.place(),
        grouped(dataset.train.len()),
        grouped(dataset.test.len()),
        trust(dataset)
    ))
}
