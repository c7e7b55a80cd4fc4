//! Finds and loads the datasets that experiments and recorded runs name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use data::{
    DataError, Dataset, DatasetInfo, FetchBar, FetchObserver, Finder, Network, SilentFetch, Source,
};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

use crate::cli::PathArgs;
use crate::experiment::data_section::DataSection;

/// The dataset of an experiment.
#[derive(Clone)]
pub struct ResolvedDataset {
    pub dataset: Arc<Dataset>,
    /// The dataset that the experiment names, if `dataset` is its fallback.
    pub fallback_for: Option<String>,
}

impl ResolvedDataset {
    /// The name of the dataset, and why it is not the one that the experiment names.
    pub fn title(&self) -> String {
        let name = &self.dataset.name;
        match &self.fallback_for {
            Some(named) => format!("{name} instead of {named}, which is not available"),
            None => name.clone(),
        }
    }
}

/// Loads each dataset once, even if several experiments use it.
pub struct Datasets {
    finder: Finder,
    offline: bool,
    quiet: bool,
    loaded: HashMap<String, Arc<Dataset>>,
}

/// The finder for the paths and mirrors of the command line.
pub fn finder(paths: &PathArgs) -> Result<Finder, DataError> {
    let network = if paths.offline { Network::Offline } else { Network::Online };
    Finder::new(paths.data_dir.clone(), network, paths.mirrors.clone())
}

/// Loads the dataset of a recorded run. `folder` is set only for a user's own dataset.
pub fn recorded(paths: &PathArgs, name: &str, folder: Option<&str>) -> Result<Dataset> {
    let source = match folder {
        Some(folder) => Source::Folder { label: name.to_owned(), path: from_text(folder) },
        None => Source::parse(name, Path::new(""))?,
    };
    Ok(finder(paths)?.load(&source, &mut SilentFetch)?)
}

/// The largest number of characters of a reason in a warning.
const REASON: usize = 200;

/// Characters that a `file://` URL must percent-encode.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');
const FILE_URL: &str = "file://";

/// Formats a folder for the store: its path, or a `file://` URL if the path is not UTF-8.
pub fn as_text(folder: &Path) -> String {
    match folder.to_str() {
        Some(path) => path.to_owned(),
        None => {
            format!("{FILE_URL}{}", percent_encode(folder.as_os_str().as_encoded_bytes(), ESCAPED))
        }
    }
}

/// Parses a folder that [`as_text`] formatted.
fn from_text(text: &str) -> PathBuf {
    #[cfg(unix)]
    if let Some(path) = text.strip_prefix(FILE_URL) {
        use std::os::unix::ffi::OsStringExt;
        return std::ffi::OsString::from_vec(percent_decode_str(path).collect()).into();
    }
    text.into()
}

impl Datasets {
    /// A cache without datasets.
    pub fn new(paths: &PathArgs, quiet: bool) -> Result<Self> {
        Ok(Self { finder: finder(paths)?, offline: paths.offline, quiet, loaded: HashMap::new() })
    }

    /// The dataset of `data`. If it is unavailable, warns and returns its `offline_fallback`.
    pub fn resolve(&mut self, data: &DataSection) -> Result<ResolvedDataset> {
        let source = &data.dataset.source;
        let error = match self.load(source) {
            Ok(dataset) => return Ok(ResolvedDataset { dataset, fallback_for: None }),
            Err(error) => error,
        };
        match (&data.fallback, &error) {
            (Some(fallback), DataError::Unavailable { reason, .. }) => {
                let dataset = self.load(&fallback.source).map_err(anyhow::Error::from)?;
                let warning = format!(
                    "warning: {} is not available: {}; using {} instead (offline_fallback)",
                    source.name(),
                    shortened(reason),
                    fallback.source.name()
                );
                anstream::eprintln!("{}", tracking::printable(&warning));
                Ok(ResolvedDataset { dataset, fallback_for: Some(source.name().to_owned()) })
            }
            _ => Err(error.into()),
        }
    }

    /// The size of the dataset of `data`, and its title. Reads and downloads no more
    /// than necessary.
    pub fn info(&mut self, data: &DataSection) -> Result<(DatasetInfo, String)> {
        let source = &data.dataset.source;
        let name = source.name().to_owned();
        match source.pinned_info() {
            Some(info) if self.finder.has_files(source) => Ok((info, name)),
            Some(info) if !self.offline && !self.finder.is_local(source) => {
                Ok((info, format!("{name}, to be downloaded first")))
            }
            None if self.finder.has_files(source) => {
                Ok((self.finder.info(source, &mut SilentFetch)?, name))
            }
            _ => {
                let resolved = self.resolve(data)?;
                Ok((resolved.dataset.info(), resolved.title()))
            }
        }
    }

    fn load(&mut self, source: &Source) -> Result<Arc<Dataset>, DataError> {
        let key = format!("{source:?}");
        if let Some(dataset) = self.loaded.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let mut bar = FetchBar::new();
        let observer: &mut dyn FetchObserver = if self.quiet { &mut SilentFetch } else { &mut bar };
        let dataset = Arc::new(self.finder.load(source, observer)?);
        self.loaded.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }
}

/// The start of a reason, short enough for one line among other text.
fn shortened(reason: &str) -> String {
    let mut start: String =
        reason.lines().next().unwrap_or_default().chars().take(REASON).collect();
    if start.len() < reason.len() {
        start.push('…');
    }
    start
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_path_survives_a_round_trip(bytes in prop::collection::vec(1_u8.., 0..20)) {
            let folder = Path::new("/").join(Path::new(OsStr::from_bytes(&bytes)));
            prop_assert_eq!(from_text(&as_text(&folder)), folder);
        }
    }

    #[test]
    fn utf8_paths_are_stored_unchanged() {
        assert_eq!(as_text(Path::new("/data/50 % of mnist")), "/data/50 % of mnist");
        assert_eq!(
            as_text(Path::new(OsStr::from_bytes(b"/data/b\xff %"))),
            "file:///data/b%FF%20%25"
        );
    }
}
