//! From a dataset's name to the dataset: what lies here first, then the network.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::catalog::{CLASSES, Facts, Known, Pin};
use crate::dataset::{Dataset, FILES};
use crate::digest::md5;
use crate::error::DataError;
use crate::fetch::{FetchObserver, Fetcher};
use crate::idx::{Idx, Kind, decode};

/// A dataset as named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// By its name.
    Known(Known),
    /// By its folder, which holds four IDX files.
    Folder {
        /// As it was written.
        label: String,
        /// Where it is.
        path: PathBuf,
    },
}

impl Source {
    /// A known name, or a folder relative to `base`.
    ///
    /// # Errors
    /// When it is neither a known name nor an existing folder.
    pub fn parse(text: &str, base: &Path) -> Result<Self, DataError> {
        if let Some(known) = Known::ALL.into_iter().find(|known| known.name() == text) {
            return Ok(Self::Known(known));
        }
        let path = base.join(text);
        if path.is_dir() {
            return Ok(Self::Folder { label: text.to_owned(), path });
        }
        Err(DataError::Unknown { name: text.escape_debug().to_string() })
    }

    /// A known name, or the folder as it was written.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(known) => known.name(),
            Self::Folder { label, .. } => label,
        }
    }

    /// What is known of it without reading it, where its bytes are pinned.
    #[must_use]
    pub fn pinned_facts(&self) -> Option<Facts> {
        match self {
            Self::Known(known) => known.facts(),
            Self::Folder { .. } => None,
        }
    }
}

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It may.
    Online,
    /// It may not.
    Offline,
}

/// Finds datasets.
#[derive(Debug, Clone)]
pub struct Finder {
    data_dir: PathBuf,
    mnist_dir: Option<PathBuf>,
    network: Network,
    mirrors: Vec<String>,
}

/// Names a folder that holds the four MNIST files; it goes first.
const MNIST_DIR: &str = "MNIST_DIR";

/// Names mirrors, separated by white space, to use instead of the datasets' own.
const MIRROR: &str = "CANDLE_SWEEP_MIRROR";

/// In a dataset's folder, the checksums of its files as `sha256sum` writes them: they are verified.
pub(crate) const CHECKSUMS: &str = "SHA256SUMS";

impl Finder {
    /// Finds datasets in `data_dir` (else the user's cache folder), a sub-folder each, and on `mirrors` (else those that
    /// the variable `CANDLE_SWEEP_MIRROR` names, else the datasets' own). The variable `MNIST_DIR` is heeded.
    ///
    /// # Errors
    /// When no `data_dir` is given and the user has no home.
    pub fn new(data_dir: Option<PathBuf>, network: Network, mirrors: Vec<String>) -> Result<Self, DataError> {
        let data_dir = match data_dir {
            Some(data_dir) => data_dir,
            None => etcetera::choose_base_strategy()
                .map_err(|error| DataError::Io {
                    path: PathBuf::from("~"),
                    source: std::io::Error::other(format!("{error}; name a folder for datasets with --data-dir DIR")),
                })?
                .cache_dir()
                .join("candle-sweep"),
        };
        let mirrors = if mirrors.is_empty() {
            let variable = std::env::var(MIRROR).unwrap_or_default();
            variable.split_whitespace().map(str::to_owned).collect()
        } else {
            mirrors
        };
        let mnist_dir = std::env::var_os(MNIST_DIR).filter(|it| !it.is_empty()).map(PathBuf::from);
        Ok(Self { data_dir, mnist_dir, network, mirrors })
    }

    /// Whether the dataset can be loaded without the network. Its files are not read.
    #[must_use]
    pub fn is_local(&self, source: &Source) -> bool {
        match source {
            Source::Folder { .. } | Source::Known(Known::Digits) => true,
            Source::Known(Known::Mnist) if self.mnist_dir.is_some() => true,
            Source::Known(known) => {
                let folder = self.folder(*known);
                FILES.iter().all(|file| locate(&folder, file).is_some())
            }
        }
    }

    /// Where a known dataset is kept.
    #[must_use]
    pub fn folder(&self, known: Known) -> PathBuf {
        self.data_dir.join(known.name())
    }

    /// Loads and verifies the dataset, fetching first what is not here.
    ///
    /// # Errors
    /// When it cannot be had ([`DataError::cannot_be_had`]), or what is there is wrong.
    pub fn load(&self, source: &Source, observer: &mut dyn FetchObserver) -> Result<Dataset, DataError> {
        match source {
            Source::Folder { label, path } => {
                let files = read_folder(path, None, "a dataset folder holds four IDX files")?;
                Dataset::assemble(label, Some(path.clone()), files)
            }
            Source::Known(Known::Digits) => assemble_known(Known::Digits, read_embedded()?),
            Source::Known(Known::Mnist) if let Some(folder) = &self.mnist_dir => {
                let files = read_folder(
                    folder,
                    Some(Known::Mnist),
                    "the variable MNIST_DIR names this folder: correct or unset it",
                )?;
                assemble_known(Known::Mnist, files)
            }
            Source::Known(known) => {
                let folder = self.folder(*known);
                for file in FILES.iter().filter(|file| locate(&folder, file).is_none()) {
                    self.fetch(*known, &folder, file, observer)?;
                }
                assemble_known(*known, read_folder(&folder, Some(*known), "delete the folder to fetch it anew")?)
            }
        }
    }

    fn fetch(
        &self,
        known: Known,
        folder: &Path,
        file: &'static str,
        observer: &mut dyn FetchObserver,
    ) -> Result<(), DataError> {
        let own: Vec<String> = known.mirrors().iter().map(|mirror| (*mirror).to_owned()).collect();
        let mirrors = if self.mirrors.is_empty() { &own } else { &self.mirrors };
        match self.network {
            Network::Online => Fetcher { known, folder, mirrors }.fetch(file, observer),
            Network::Offline => Err(DataError::Unavailable {
                name: known.name().to_owned(),
                folder: folder.to_owned(),
                reason:
                    "the network may not be used (--offline); copy its four files there, or run once with a network"
                        .to_owned(),
            }),
        }
    }
}

/// The file in one of its spellings, plain before gzipped.
fn locate(folder: &Path, file: &str) -> Option<PathBuf> {
    let dotted = file.replacen("-idx", ".idx", 1);
    [file.to_owned(), dotted.clone(), format!("{file}.gz"), format!("{dotted}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

fn kind(file: &str) -> Kind {
    if file.contains("images") { Kind::Images } else { Kind::Labels }
}

/// The four files of a folder, each verified by the pins of a known dataset and by the folder's own checksums.
fn read_folder(folder: &Path, known: Option<Known>, advice: &str) -> Result<[Idx; 4], DataError> {
    let recorded = read_checksums(folder)?;
    let mut files = Vec::with_capacity(FILES.len());
    for (i, file) in FILES.into_iter().enumerate() {
        let path = locate(folder, file).ok_or_else(|| DataError::Missing {
            folder: folder.to_owned(),
            file: file.to_owned(),
            advice: advice.to_owned(),
        })?;
        let idx = read_file(&path, file, known.map(|known| known.pins()[i]))?;
        if let Some((expected, _)) = recorded.iter().find(|(_, name)| name == file) {
            verify(&path.display().to_string(), "SHA-256", expected, &idx.sha256)?;
        }
        files.push(idx);
    }
    four(files)
}

fn read_file(path: &Path, file: &str, pin: Option<Pin>) -> Result<Idx, DataError> {
    let place = path.display().to_string();
    let failed = |source| DataError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    if let Some(pin @ Pin::ArchiveMd5(_)) = pin
        && path.extension().is_some_and(|extension| extension == "gz")
    {
        let mut archive = Vec::new();
        reader.read_to_end(&mut archive).map_err(failed)?;
        return verified(&archive, &place, file, pin);
    }
    let idx = decode(reader, kind(file)).map_err(|reason| DataError::Malformed { place: place.clone(), reason })?;
    if let Some(Pin::Sha256(expected)) = pin {
        verify(&place, "SHA-256", expected, &idx.sha256)?;
    }
    Ok(idx)
}

/// Decodes `bytes`, plain or gzipped, and holds them against `pin`. `place` is for errors.
pub(crate) fn verified(bytes: &[u8], place: &str, file: &str, pin: Pin) -> Result<Idx, DataError> {
    if let Pin::ArchiveMd5(expected) = pin {
        verify(place, "MD5 of the archive", expected, &md5(bytes))?;
    }
    let idx = decode(bytes, kind(file)).map_err(|reason| DataError::Malformed { place: place.to_owned(), reason })?;
    if let Pin::Sha256(expected) = pin {
        verify(place, "SHA-256", expected, &idx.sha256)?;
    }
    Ok(idx)
}

fn verify(place: &str, algorithm: &'static str, expected: &str, found: &str) -> Result<(), DataError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_owned(), found.to_owned());
    Err(DataError::Checksum { place: place.to_owned(), algorithm, expected, found })
}

/// Checksum and name of each line of the folder's checksum file, if it has one.
pub(crate) fn read_checksums(folder: &Path) -> Result<Vec<(String, String)>, DataError> {
    let path = folder.join(CHECKSUMS);
    match std::fs::read_to_string(&path) {
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(source) => Err(DataError::Io { path, source }),
        Ok(text) => {
            let pairs = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
            Ok(pairs.map(|(sum, name)| (sum.to_owned(), name.trim_start_matches([' ', '*']).to_owned())).collect())
        }
    }
}

fn read_embedded() -> Result<[Idx; 4], DataError> {
    const BYTES: [&[u8]; 4] = [
        include_bytes!("../assets/digits/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../assets/digits/t10k-labels-idx1-ubyte.gz"),
        include_bytes!("../assets/digits/train-images-idx3-ubyte.gz"),
        include_bytes!("../assets/digits/train-labels-idx1-ubyte.gz"),
    ];
    let decoded = FILES.iter().zip(BYTES).zip(Known::Digits.pins());
    four(
        decoded
            .map(|((file, bytes), pin)| verified(bytes, "the embedded digits", file, pin))
            .collect::<Result<_, _>>()?,
    )
}

fn four(files: Vec<Idx>) -> Result<[Idx; 4], DataError> {
    files.try_into().map_err(|files: Vec<Idx>| DataError::Inconsistent {
        name: "dataset".to_owned(),
        reason: format!("expected four files, found {}", files.len()),
    })
}

fn assemble_known(known: Known, files: [Idx; 4]) -> Result<Dataset, DataError> {
    let dataset = Dataset::assemble(known.name(), None, files)?;
    let (train_len, test_len, shape) = known.size();
    let found = (dataset.train.len(), dataset.test.len(), dataset.shape, dataset.classes);
    if found != (train_len, test_len, shape, CLASSES) {
        let (train, test, found_shape, classes) = found;
        return Err(DataError::Inconsistent {
            name: known.name().to_owned(),
            reason: format!(
                "expected {train_len} + {test_len} images of {shape} in {CLASSES} classes, \
                 found {train} + {test} of {found_shape} in {classes}"
            ),
        });
    }
    Ok(dataset)
}
