//! One file a verb: each gives the text to print.

pub(crate) mod fetch;
pub(crate) mod info;
pub(crate) mod show;

use std::path::{Path, PathBuf};

use anyhow::Result;
use data::{Dataset, FetchBar, Finder, Network, Source, Verification};

use crate::Places;

/// A dataset, and the folder it was found in; none for what is embedded.
struct Found {
    dataset: Dataset,
    folder: Option<PathBuf>,
}

impl Found {
    /// Where it is, in words.
    fn place(&self) -> String {
        match &self.folder {
            Some(folder) => format!("in {}", printable(&folder.to_string_lossy())),
            None => "compiled into this program".to_owned(),
        }
    }
}

/// The dataset by that name, or in that folder.
fn load(places: &Places, name: &str) -> Result<Found> {
    let network = if places.offline { Network::Offline } else { Network::Online };
    let finder = Finder::new(places.data_dir.clone(), network, places.mirrors.clone())?;
    let source = Source::parse(name, Path::new(""))?;
    let dataset = finder.load(&source, &mut FetchBar::new())?;
    Ok(Found { dataset, folder: finder.folder(&source) })
}

/// How far the bytes can be trusted, in words.
fn trust(dataset: &Dataset) -> &'static str {
    match dataset.verification {
        Verification::Pinned => "verified: the checksums pinned in this program",
        Verification::SumsFile => "verified: the checksums of the SHA256SUMS file beside them",
        Verification::Unverified => {
            "not pinned: write a SHA256SUMS file beside them to have them verified"
        }
    }
}

/// A name from outside, with control characters escaped.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// 60000 as 60,000.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let places = (0..digits.len()).rev();
    digits
        .chars()
        .zip(places)
        .flat_map(|(digit, place)| {
            let comma = (place > 0 && place % 3 == 0).then_some(',');
            std::iter::once(digit).chain(comma)
        })
        .collect()
}
