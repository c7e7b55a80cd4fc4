//! Finds a dataset by its name: in a folder, in the dataset cache, in this program, or on a mirror.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::catalog::{CatalogEntry, KnownDataset};
use crate::dataset::{Dataset, DatasetInfo};
use crate::decode_cache::DecodeCache;
use crate::error::DataError;
use crate::fetch::{Download, FIRST_BYTE_TIMEOUT, FetchObserver, unavailable};
use crate::folder::{FolderReader, ReadMode};
use crate::layout::{find_files, missing_files};

/// Which dataset to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A dataset of the catalog.
    Known(KnownDataset),
    /// The folder of a dataset.
    Folder {
        /// The path as written.
        label: String,
        /// The resolved path.
        path: PathBuf,
    },
}

impl Source {
    /// Parses a known name or the path of a folder. A path contains `/` or `\`, or names an existing
    /// folder. A relative path starts at `relative_to`.
    ///
    /// # Errors
    /// [`DataError::UnknownDataset`] if `text` is neither. The content of the folder is checked by
    /// [`Finder::load`].
    pub fn parse(text: &str, relative_to: &Path) -> Result<Self, DataError> {
        if let Some(known) = KnownDataset::ALL.into_iter().find(|known| known.name() == text) {
            return Ok(Self::Known(known));
        }
        let path = relative_to.join(text);
        if !text.is_empty() && (text.contains(['/', '\\']) || path.is_dir()) {
            return Ok(Self::Folder { label: text.to_owned(), path });
        }
        let nearest = KnownDataset::nearest(text);
        Err(DataError::UnknownDataset { name: text.to_owned(), nearest })
    }

    /// The known name, or the path as written.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(known) => known.name(),
            Self::Folder { label, .. } => label,
        }
    }

    /// Whether this program contains the dataset.
    fn is_embedded(&self) -> bool {
        matches!(self, Self::Known(known) if known.entry().archives.is_some())
    }

    /// What is known about the dataset without reading it. `None` if the catalog does not contain
    /// the checksums of all decompressed files.
    #[must_use]
    pub fn pinned_info(&self) -> Option<DatasetInfo> {
        match self {
            Self::Known(known) => known.info(),
            Self::Folder { .. } => None,
        }
    }
}

/// Whether downloads are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Download missing files.
    Online,
    /// Never use the network.
    Offline,
}

/// Finds and loads datasets.
#[derive(Debug, Clone)]
pub struct Finder {
    /// The dataset cache, if there is one. It has one subfolder per known dataset.
    pub data_dir: Option<PathBuf>,
    /// Whether downloads are allowed.
    pub network: Network,
    /// URLs to download from, in order of preference. If empty, the mirrors of the catalog apply.
    pub mirrors: Vec<String>,
}

impl Finder {
    /// Creates a finder whose dataset cache is `data_dir`, or else [`Finder::default_data_dir`]. A
    /// dataset that this program contains needs no cache. If `mirrors` is empty, the mirrors in the
    /// variable `CANDLE_SWEEP_MIRROR` apply, separated by spaces or commas.
    ///
    /// # Errors
    /// [`DataError::Mirror`] if a mirror is not an HTTP address.
    pub fn new(
        data_dir: Option<PathBuf>,
        network: Network,
        mirrors: Vec<String>,
    ) -> Result<Self, DataError> {
        let data_dir = data_dir.or_else(|| Self::default_data_dir().ok());
        Ok(Self { data_dir, network, mirrors: checked_mirrors(mirrors)? })
    }

    /// The folder `candle-sweep` in the user's cache folder.
    ///
    /// # Errors
    /// [`DataError::NoCacheFolder`] if the system reports no user cache folder.
    pub fn default_data_dir() -> Result<PathBuf, DataError> {
        etcetera::choose_base_strategy()
            .map(|folders| folders.cache_dir().join("candle-sweep"))
            .map_err(|error| DataError::NoCacheFolder(error.to_string()))
    }

    /// Returns whether [`Finder::load`] works without the network. A dataset that is named by its
    /// folder or by `MNIST_DIR` is never downloaded, even if files are missing.
    #[must_use]
    pub fn is_local(&self, source: &Source) -> bool {
        named_folder(source).is_some() || self.has_files(source)
    }

    /// Returns whether all files of the dataset exist. Does not check their content.
    #[must_use]
    pub fn has_files(&self, source: &Source) -> bool {
        self.folder(source).map_or(source.is_embedded(), |folder| is_complete(&folder))
    }

    /// The folder that holds the dataset, or will hold it after a download. `None` if there is no
    /// cache, or if this program contains the dataset and the cache does not.
    #[must_use]
    pub fn folder(&self, source: &Source) -> Option<PathBuf> {
        named_folder(source).or_else(|| {
            let folder = self.data_dir.as_ref()?.join(source.name());
            (!source.is_embedded() || is_complete(&folder)).then_some(folder)
        })
    }

    /// Loads and verifies a dataset. Files that are missing in the dataset cache are taken from this
    /// program if it contains them. Otherwise they are downloaded if the network is allowed.
    ///
    /// If the environment variable `MNIST_DIR` is set, it names the folder of the four files of
    /// `mnist`, and all of them are read from there.
    ///
    /// # Errors
    /// An error with [`DataError::is_unavailable`] if files are missing and cannot be downloaded.
    /// Another error if the dataset is incomplete or has wrong content.
    pub fn load(
        &self,
        source: &Source,
        observer: &mut dyn FetchObserver,
    ) -> Result<Dataset, DataError> {
        match source {
            Source::Folder { label, path } => {
                let dataset = self.read_folder(ReadMode::Full, label, path)?;
                Ok(Dataset { folder: Some(path.clone()), ..dataset })
            }
            Source::Known(known) => self.load_known(*known, observer),
        }
    }

    /// Returns what a plan needs to know about a dataset.
    ///
    /// For the images in a folder that were read before, this trusts the cached header and checksum
    /// and does not read the pixels. [`Finder::load`] verifies everything.
    ///
    /// # Errors
    /// The same errors as [`Finder::load`].
    pub fn info(
        &self,
        source: &Source,
        observer: &mut dyn FetchObserver,
    ) -> Result<DatasetInfo, DataError> {
        match source {
            Source::Folder { label, path } => {
                Ok(self.read_folder(ReadMode::Info, label, path)?.info())
            }
            Source::Known(_) => Ok(self.load(source, observer)?.info()),
        }
    }

    fn read_folder(&self, mode: ReadMode, label: &str, path: &Path) -> Result<Dataset, DataError> {
        FolderReader {
            mode,
            name: label,
            folder: Some(path),
            entry: None,
            embedded: None,
            cache: &DecodeCache::new(self.data_dir.as_deref()),
            advice: "put the files there, or name another folder",
        }
        .read()
    }

    fn load_known(
        &self,
        known: KnownDataset,
        observer: &mut dyn FetchObserver,
    ) -> Result<Dataset, DataError> {
        let entry = known.entry();
        let (folder, embedded, advice) = match folder_from_environment(known) {
            Some(folder) => (
                Some(folder),
                None,
                "MNIST_DIR names this folder: put the files there, or unset the variable",
            ),
            None => {
                let cache = self.data_dir.clone();
                if entry.archives.is_none() {
                    let cache = cache.clone().map_or_else(Self::default_data_dir, Ok)?;
                    self.download_missing(entry, &cache.join(entry.name), observer)?;
                }
                let folder = cache.map(|cache| cache.join(entry.name));
                (folder, entry.archives.as_ref(), "put the files there")
            }
        };
        FolderReader {
            mode: ReadMode::Full,
            name: entry.name,
            folder: folder.as_deref(),
            entry: Some(entry),
            embedded,
            cache: &DecodeCache::new(self.data_dir.as_deref()),
            advice,
        }
        .read()
    }

    fn download_missing(
        &self,
        entry: &CatalogEntry,
        folder: &Path,
        observer: &mut dyn FetchObserver,
    ) -> Result<(), DataError> {
        if is_complete(folder) {
            return Ok(());
        }
        if self.network == Network::Offline {
            return Err(unavailable(entry, folder, "--offline was given".to_owned()));
        }
        let mut mirrors = self.mirrors.clone();
        if mirrors.is_empty() {
            mirrors = entry.mirrors.iter().map(|mirror| (*mirror).to_owned()).collect();
        }
        Download { entry, folder, mirrors: &mirrors, timeout: FIRST_BYTE_TIMEOUT }.run(observer)
    }
}

/// The mirrors `given`, or else those in `CANDLE_SWEEP_MIRROR`, if all are HTTP addresses.
fn checked_mirrors(given: Vec<String>) -> Result<Vec<String>, DataError> {
    let mut mirrors = given;
    if mirrors.is_empty() {
        let variable = std::env::var("CANDLE_SWEEP_MIRROR").unwrap_or_default();
        mirrors = variable
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|mirror| !mirror.is_empty())
            .map(str::to_owned)
            .collect();
    }
    let is_http = |mirror: &String| mirror.starts_with("http://") || mirror.starts_with("https://");
    match mirrors.iter().find(|mirror| !is_http(mirror)) {
        Some(mirror) => Err(DataError::Mirror(mirror.clone())),
        None => Ok(mirrors),
    }
}

fn is_complete(folder: &Path) -> bool {
    missing_files(&find_files(folder)).is_empty()
}

/// The folder that the user names as that of the dataset.
fn named_folder(source: &Source) -> Option<PathBuf> {
    match source {
        Source::Folder { path, .. } => Some(path.clone()),
        Source::Known(known) => folder_from_environment(*known),
    }
}

/// The folder that `MNIST_DIR` names, if `known` is MNIST. An empty variable counts as unset.
fn folder_from_environment(known: KnownDataset) -> Option<PathBuf> {
    if known != KnownDataset::Mnist {
        return None;
    }
    std::env::var_os("MNIST_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
