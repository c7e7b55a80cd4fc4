//! From the name of a dataset to the dataset, wherever it is: compiled in, in a folder, in the cache, or on a mirror.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::catalog::{CatalogEntry, DatasetInfo, KnownDataset};
use crate::dataset::Dataset;
use crate::decoded::Decoded;
use crate::embedded;
use crate::error::DataError;
use crate::fetch::{self, FetchObserver, Plan};
use crate::folder::{self, Extent};

/// A dataset that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// By its name.
    Known(KnownDataset),
    /// By the folder that holds its files.
    Folder {
        /// As it was written.
        label: String,
        /// Where that is.
        path: PathBuf,
    },
}

impl Source {
    /// Reads a known name, or the path of a folder relative to `relative_to`: with a `/` or `\` in it, or one that exists.
    ///
    /// # Errors
    /// [`DataError::UnknownDataset`] when `text` is neither. Whether a folder holds a dataset shows when it is loaded.
    pub fn parse(text: &str, relative_to: &Path) -> Result<Self, DataError> {
        if let Some(known) = KnownDataset::ALL.into_iter().find(|known| known.name() == text) {
            return Ok(Self::Known(known));
        }
        let path = relative_to.join(text);
        if !text.is_empty() && (text.contains(['/', '\\']) || path.is_dir()) {
            return Ok(Self::Folder { label: text.to_owned(), path });
        }
        Err(DataError::UnknownDataset {
            name: text.to_owned(),
            nearest: KnownDataset::nearest(text),
        })
    }

    /// The known name, or the folder as it was written.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(known) => known.name(),
            Self::Folder { label, .. } => label,
        }
    }

    /// What is known of it without reading it: where checksums of all its files are written down in this program.
    #[must_use]
    pub fn pinned_info(&self) -> Option<DatasetInfo> {
        match self {
            Self::Known(known) => known.info(),
            Self::Folder { .. } => None,
        }
    }
}

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// When something is missing.
    Online,
    /// Never.
    Offline,
}

/// Where datasets are looked for.
#[derive(Debug, Clone)]
pub struct Finder {
    /// Holds a sub-folder a known dataset; downloads are kept there.
    pub data_dir: PathBuf,
    /// Whether to download what is missing.
    pub network: Network,
    /// Addresses to download from, tried in this order. When empty: those of `CANDLE_SWEEP_MIRROR` (separated by spaces or
    /// commas), or else the dataset's own.
    pub mirrors: Vec<String>,
}

impl Finder {
    /// Looks in `data_dir`, or else in [`Finder::default_data_dir`].
    ///
    /// # Errors
    /// When no `data_dir` is given and the system does not say where the user's cache is.
    pub fn new(
        data_dir: Option<PathBuf>,
        network: Network,
        mirrors: Vec<String>,
    ) -> Result<Self, DataError> {
        let data_dir = data_dir.map_or_else(Self::default_data_dir, Ok)?;
        Ok(Self { data_dir, network, mirrors })
    }

    /// `candle-sweep` in the user's cache folder.
    ///
    /// # Errors
    /// When the system does not say where that is.
    pub fn default_data_dir() -> Result<PathBuf, DataError> {
        etcetera::choose_base_strategy()
            .map(|folders| folders.cache_dir().join("candle-sweep"))
            .map_err(|error| DataError::NoCacheFolder(error.to_string()))
    }

    /// Whether all files of the dataset lie on this machine, or are required to: then [`Finder::load`] uses no network.
    #[must_use]
    pub fn is_local(&self, source: &Source) -> bool {
        match source {
            Source::Folder { .. } | Source::Known(KnownDataset::Digits) => true,
            Source::Known(known) => {
                folder_from_environment(*known).is_some()
                    || folder::missing(&folder::locate(&self.folder_of(*known))).is_empty()
            }
        }
    }

    /// Whether all files of the dataset are here, whatever is in them.
    #[must_use]
    pub fn has_files(&self, source: &Source) -> bool {
        match self.folder(source) {
            None => true,
            Some(folder) => folder::missing(&folder::locate(&folder)).is_empty(),
        }
    }

    /// The folder where the dataset is, or would be kept; none for what is embedded.
    #[must_use]
    pub fn folder(&self, source: &Source) -> Option<PathBuf> {
        match source {
            Source::Folder { path, .. } => Some(path.clone()),
            Source::Known(KnownDataset::Digits) => None,
            Source::Known(known) => {
                Some(folder_from_environment(*known).unwrap_or_else(|| self.folder_of(*known)))
            }
        }
    }

    /// Finds the dataset, downloads what is missing of it where that is allowed, and checks all of it.
    ///
    /// `MNIST_DIR`, when set, is the folder of `mnist`'s four files: nothing is then downloaded.
    ///
    /// # Errors
    /// When it cannot be had ([`DataError::is_unavailable`]), or when it is there but wrong.
    pub fn load(
        &self,
        source: &Source,
        observer: &mut dyn FetchObserver,
    ) -> Result<Dataset, DataError> {
        match source {
            Source::Folder { label, path } => {
                let dataset = self.read_folder(Extent::Whole, label, path)?;
                Ok(Dataset { folder: Some(path.clone()), ..dataset })
            }
            Source::Known(known) => match known.listing() {
                None => embedded::digits(),
                Some(listing) => self.load_listed(*known, listing, observer),
            },
        }
    }

    /// What a plan needs to know of the dataset, without reading all of it where that can be helped.
    ///
    /// The images of an archive that was decoded before are left unread, and what was kept of them is believed:
    /// [`Finder::load`] believes nothing.
    ///
    /// # Errors
    /// As [`Finder::load`].
    pub fn info(
        &self,
        source: &Source,
        observer: &mut dyn FetchObserver,
    ) -> Result<DatasetInfo, DataError> {
        match source {
            Source::Folder { label, path } => {
                Ok(self.read_folder(Extent::Info, label, path)?.info())
            }
            Source::Known(_) => Ok(self.load(source, observer)?.info()),
        }
    }

    fn read_folder(&self, extent: Extent, label: &str, path: &Path) -> Result<Dataset, DataError> {
        folder::read(
            extent,
            label,
            path,
            None,
            &self.decoded(),
            "put them there, or name another folder",
        )
    }

    fn load_listed(
        &self,
        known: KnownDataset,
        listing: &CatalogEntry,
        observer: &mut dyn FetchObserver,
    ) -> Result<Dataset, DataError> {
        if let Some(folder) = folder_from_environment(known) {
            let advice = "MNIST_DIR names this folder: put them there, or unset the variable";
            return folder::read(
                Extent::Whole,
                listing.name,
                &folder,
                Some(listing),
                &self.decoded(),
                advice,
            );
        }
        let folder = self.folder_of(known);
        let missing = folder::missing(&folder::locate(&folder));
        if !missing.is_empty() {
            if self.network == Network::Offline {
                return Err(fetch::unavailable(listing, &folder, "--offline was given".to_owned()));
            }
            let mirrors = self.mirrors_of(listing)?;
            let patience = fetch::PATIENCE;
            fetch::missing_files(
                &Plan { listing, folder: &folder, mirrors: &mirrors, patience },
                observer,
            )?;
        }
        folder::read(
            Extent::Whole,
            listing.name,
            &folder,
            Some(listing),
            &self.decoded(),
            "put them there",
        )
    }

    fn decoded(&self) -> Decoded {
        Decoded::of(&self.data_dir)
    }

    fn folder_of(&self, known: KnownDataset) -> PathBuf {
        self.data_dir.join(known.name())
    }

    fn mirrors_of(&self, listing: &CatalogEntry) -> Result<Vec<String>, DataError> {
        let mut mirrors = self.mirrors.clone();
        if mirrors.is_empty() {
            let variable = std::env::var("CANDLE_SWEEP_MIRROR").unwrap_or_default();
            let separator = |c: char| c.is_whitespace() || c == ',';
            mirrors =
                variable.split(separator).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        }
        if mirrors.is_empty() {
            mirrors = listing.mirrors.iter().map(|mirror| (*mirror).to_owned()).collect();
        }
        match mirrors
            .iter()
            .find(|mirror| !mirror.starts_with("http://") && !mirror.starts_with("https://"))
        {
            Some(mirror) => Err(DataError::Mirror(mirror.clone())),
            None => Ok(mirrors),
        }
    }
}

/// The folder that a variable names for this dataset.
fn folder_from_environment(known: KnownDataset) -> Option<PathBuf> {
    let variable: Option<OsString> =
        if known == KnownDataset::Mnist { std::env::var_os("MNIST_DIR") } else { None };
    variable.filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
