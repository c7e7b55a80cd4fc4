//! `data fetch`: downloads and verifies a dataset.

use anyhow::Result;

use super::{describe_verification, group_digits, load, printable};
use crate::cli::FinderArgs;

/// Downloads missing files and describes where the dataset is.
pub(crate) fn fetch(args: &FinderArgs, name: &str) -> Result<String> {
    let found = load(args, name)?;
    let dataset = &found.dataset;
    Ok(format!(
        "{} is {}: {} + {} images, {}\n",
        printable(&dataset.name),
        found.location(),
        group_digits(dataset.train.len()),
        group_digits(dataset.test.len()),
        describe_verification(dataset)
    ))
}
