//! One file a verb.

pub mod fetch;
pub mod info;
pub mod show;

use std::path::Path;

use anyhow::Result;
use data::{Dataset, FetchBar, Finder, Network, Source};

use crate::Places;

/// The dataset by that name, or in that folder.
fn load(places: &Places, name: &str) -> Result<(Finder, Source, Dataset)> {
    let network = if places.offline { Network::Offline } else { Network::Online };
    let finder = Finder::new(places.data_dir.clone(), network, places.mirrors.clone())?;
    let source = Source::parse(name, Path::new(""))?;
    let dataset = finder.load(&source, &mut FetchBar::new())?;
    Ok((finder, source, dataset))
}
