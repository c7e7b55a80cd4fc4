//! The commands, one per file. Each returns the text to print.

pub(crate) mod fetch;
pub(crate) mod info;
pub(crate) mod show;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::FinderArgs;
use crate::{Dataset, FetchBar, Finder, Network, Source, Verification, printable};

/// A dataset and its folder, if it is not embedded.
struct Found {
    dataset: Dataset,
    folder: Option<PathBuf>,
}

impl Found {
    /// Describes where the dataset is.
    fn location(&self) -> String {
        match &self.folder {
            Some(folder) => format!("in {}", printable(&folder.to_string_lossy())),
            None => "compiled into this program".to_owned(),
        }
    }
}

/// Loads the dataset with this name or in this folder.
fn load(args: &FinderArgs, name: &str) -> Result<Found> {
    let network = if args.offline { Network::Offline } else { Network::Online };
    let finder = Finder::new(args.data_dir.clone(), network, args.mirrors.clone())?;
    let source = Source::parse(name, Path::new(""))?;
    let dataset = finder.load(&source, &mut FetchBar::new())?;
    Ok(Found { dataset, folder: finder.folder(&source) })
}

/// Describes how the dataset was verified.
fn describe_verification(dataset: &Dataset) -> &'static str {
    match dataset.verification {
        Verification::Pinned => "verified by the checksums in this program",
        Verification::SumsFile => "verified by the SHA256SUMS file in the folder",
        Verification::Unverified => "not verified; write a SHA256SUMS file to pin the files",
    }
}

/// Formats 60000 as `60,000`.
fn group_digits(n: usize) -> String {
    let digits = n.to_string();
    let powers = (0..digits.len()).rev();
    digits
        .chars()
        .zip(powers)
        .flat_map(|(digit, power)| {
            let comma = (power > 0 && power % 3 == 0).then_some(',');
            std::iter::once(digit).chain(comma)
        })
        .collect()
}
