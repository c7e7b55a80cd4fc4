//! Reads and verifies the four files of a dataset in a folder.

use std::fs::{File, Metadata};
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use crate::catalog::CatalogEntry;
use crate::checksum::md5;
use crate::dataset::{Dataset, Verification};
use crate::decode_cache::DecodeCache;
use crate::embedded::Archives;
use crate::error::{ADVICE_FILE, ADVICE_MIRROR, DataError};
use crate::files::{FILES, KINDS};
use crate::idx::{Idx, IdxError, decode, decode_sized};
use crate::layout::{find_files, find_other_layouts, missing_files};
use crate::printable::{printable, printable_path};
use crate::sums_file;

/// Largest archive in bytes: six times the largest of MNIST.
pub(crate) const MAX_ARCHIVE: u64 = 64 << 20;

/// How much of a dataset to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// Everything.
    Full,
    /// Enough for [`Dataset::info`]. For images that were read before, trusts the cached header and
    /// checksum, and does not read the pixels.
    Info,
}

/// A folder that must hold a complete dataset, and how to read it.
pub(crate) struct FolderReader<'a> {
    pub(crate) mode: ReadMode,
    /// The name of the dataset.
    pub(crate) name: &'a str,
    /// `None` if there is no folder, and `embedded` replaces all files.
    pub(crate) folder: Option<&'a Path>,
    /// The catalog entry that pins the content, if there is one.
    pub(crate) entry: Option<&'a CatalogEntry>,
    /// The archives that replace missing files.
    pub(crate) embedded: Option<&'a Archives>,
    pub(crate) cache: &'a DecodeCache,
    /// What to do if files are missing.
    pub(crate) advice: &'a str,
}

impl FolderReader<'_> {
    /// Reads and verifies the dataset.
    pub(crate) fn read(&self) -> Result<Dataset, DataError> {
        let folder = self.folder.unwrap_or(Path::new(""));
        let (paths, sums) = match self.folder {
            Some(folder) => (find_files(folder), sums_file::read(folder)?),
            None => Default::default(),
        };
        let read = |file: usize| match (&paths[file], self.embedded) {
            (Some(path), _) => self.read_file(path, file, sums[file].as_deref()),
            (None, Some(archives)) => self.read_embedded(archives[file], file),
            (None, None) => Err(self.missing(folder)),
        };
        // Reads the training images, the largest file, in parallel with the other files.
        let (rest, images) = std::thread::scope(|scope| {
            let rest = scope.spawn(|| Ok([read(0)?, read(1)?, read(3)?]));
            let images = read(2);
            (rest.join(), images)
        });
        let [a, b, d] = rest.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let files = [a, b, images?, d];
        let verification = if self.entry.is_some_and(|entry| entry.sha256(0).is_some()) {
            Verification::Pinned
        } else if sums.iter().all(Option::is_some) {
            Verification::SumsFile
        } else {
            Verification::Unverified
        };
        let location = printable_path(folder);
        let dataset = Dataset::assemble(self.name, &location, files, verification)?;
        if let Some(entry) = self.entry {
            entry.check(&dataset, &location)?;
        }
        Ok(dataset)
    }

    fn missing(&self, folder: &Path) -> DataError {
        if !folder.is_dir() {
            let found = if folder.exists() { "is not a folder" } else { "does not exist" };
            return DataError::NotAFolder { path: folder.to_owned(), found };
        }
        let datasets: Vec<String> =
            find_other_layouts(folder).into_iter().map(|(label, _)| label).collect();
        let advice = match datasets.as_slice() {
            [] | [_] => self.advice.to_owned(),
            several => format!(
                "the folder holds several datasets ({}): name the folder of one, or move its files to a separate folder",
                printable(&several.join("; "))
            ),
        };
        let files = missing_files(&find_files(folder));
        DataError::Missing { folder: folder.to_owned(), files, advice }
    }

    /// Reads one file. Verifies it against the catalog and against `sum`, its checksum in `SHA256SUMS`.
    fn read_file(&self, path: &Path, file: usize, sum: Option<&str>) -> Result<Idx, DataError> {
        let location = printable_path(path);
        let io = |cause| DataError::Io { path: path.to_owned(), doing: "reading", cause };
        let mut source = File::open(path).map_err(io)?;
        let idx = if path.extension().is_some_and(|extension| extension == "gz") {
            let mut archive = Vec::new();
            Read::by_ref(&mut source)
                .take(MAX_ARCHIVE + 1)
                .read_to_end(&mut archive)
                .map_err(io)?;
            if let Some(expected) = self.entry.and_then(|entry| entry.archive_md5(file)) {
                check_md5(&archive, expected, &location, ADVICE_FILE)?;
            }
            self.decode_archive(&archive, source, file)
        } else {
            let metadata = source.metadata().map_err(io)?;
            self.decode_plain(source, &metadata, file)
        };
        self.verify(idx, file, sum, location)
    }

    /// Reads one file from an archive in this program.
    fn read_embedded(&self, archive: &[u8], file: usize) -> Result<Idx, DataError> {
        let location = format!("embedded {}", FILES[file]);
        self.verify(decode(archive, KINDS[file]), file, None, location)
    }

    /// Verifies a decoded file against the catalog and against `sum`.
    fn verify(
        &self,
        idx: Result<Idx, IdxError>,
        file: usize,
        sum: Option<&str>,
        location: String,
    ) -> Result<Idx, DataError> {
        let idx = match idx {
            Ok(idx) => idx,
            Err(reason) => {
                return Err(DataError::Malformed { location, reason, advice: ADVICE_FILE });
            }
        };
        let pinned = self.entry.and_then(|entry| entry.sha256(file));
        for expected in [pinned, sum].into_iter().flatten() {
            check_sha256(&idx, expected, &location, ADVICE_FILE)?;
        }
        Ok(idx)
    }

    /// Decodes an archive, or takes it from the cache. `rest` are its bytes after [`MAX_ARCHIVE`].
    fn decode_archive(&self, archive: &[u8], rest: File, file: usize) -> Result<Idx, IdxError> {
        let kind = KINDS[file];
        if archive.len() as u64 > MAX_ARCHIVE {
            return decode(BufReader::new(archive.chain(rest)), kind);
        }
        if self.mode == ReadMode::Info
            && let Some(header) = self.cache.cached_archive_header(archive, kind)
        {
            return Ok(header);
        }
        self.cache.decode(archive, kind)
    }

    /// Decodes a plain file. `metadata` is that of the file before the reading.
    fn decode_plain(
        &self,
        mut source: File,
        metadata: &Metadata,
        file: usize,
    ) -> Result<Idx, IdxError> {
        let kind = KINDS[file];
        if self.mode == ReadMode::Info
            && let Some(header) = self.cache.cached_file_header(&mut source, kind)
        {
            return Ok(header);
        }
        source.rewind().map_err(|cause| IdxError::Unreadable(cause.to_string()))?;
        let reader = BufReader::with_capacity(1 << 16, &source);
        let idx = decode_sized(reader, kind, metadata.len())?;
        self.cache.store_file_digest(&source, metadata, &idx);
        Ok(idx)
    }
}

/// Decodes a downloaded archive and verifies it against the catalog.
pub(crate) fn verify_archive(
    archive: &[u8],
    file: usize,
    entry: &CatalogEntry,
    url: &str,
) -> Result<Idx, DataError> {
    let location = printable(url);
    if let Some(expected) = entry.archive_md5(file) {
        check_md5(archive, expected, &location, ADVICE_MIRROR)?;
    }
    let idx = decode(archive, KINDS[file]).map_err(|reason| DataError::Malformed {
        location: location.clone(),
        reason,
        advice: ADVICE_MIRROR,
    })?;
    if let Some(expected) = entry.sha256(file) {
        check_sha256(&idx, expected, &location, ADVICE_MIRROR)?;
    }
    Ok(idx)
}

fn check_sha256(
    idx: &Idx,
    expected: &str,
    location: &str,
    advice: &'static str,
) -> Result<(), DataError> {
    check(&idx.sha256, expected, "SHA-256 of the decompressed bytes", location, advice)
}

fn check_md5(
    archive: &[u8],
    expected: &str,
    location: &str,
    advice: &'static str,
) -> Result<(), DataError> {
    check(&md5(archive), expected, "MD5 of the archive", location, advice)
}

fn check(
    found: &str,
    expected: &str,
    algorithm: &'static str,
    location: &str,
    advice: &'static str,
) -> Result<(), DataError> {
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (expected.to_owned(), found.to_owned());
    Err(DataError::Checksum { location: location.to_owned(), algorithm, expected, found, advice })
}
