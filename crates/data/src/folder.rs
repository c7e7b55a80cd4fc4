//! The four files of a dataset in a folder: located, read, held against what pins them; and written, whole or not at all.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::catalog::CatalogEntry;
use crate::dataset::{Dataset, FILES, KINDS, Verification};
use crate::decoded::Decoded;
use crate::digest::md5;
use crate::error::{ADVICE_FILE, DataError};
use crate::idx::{Idx, IdxError, decode, decode_sized};
use crate::{printable, sums};

/// Most bytes of an archive: six times MNIST's largest.
pub(crate) const LARGEST_ARCHIVE: u64 = 64 << 20;

/// Where each of [`FILES`] is, if it is there.
pub(crate) type Located = [Option<PathBuf>; 4];

/// `train-images.idx3-ubyte` for `train-images-idx3-ubyte`: some tools unpack the archives to that.
pub(crate) fn dotted(file: &str) -> String {
    file.replacen("-idx", ".idx", 1)
}

/// Locates the four files in the folder itself. Otherwise accepts the layout of another tool, if
/// the folder holds exactly one complete dataset in such a layout.
pub(crate) fn locate(folder: &Path) -> Located {
    let usual = named(folder, str::to_owned);
    if usual.iter().any(Option::is_some) {
        return usual;
    }
    match foreign(folder).as_mut_slice() {
        [(_, located)] => std::mem::take(located),
        _ => usual,
    }
}

/// Locates each file under the name that `rename` derives from its usual name. Plain files come
/// before `.gz` files, and usual names before dotted names.
fn named(folder: &Path, rename: impl Fn(&str) -> String) -> Located {
    FILES.map(|file| {
        let (file, dotted) = (rename(file), rename(&dotted(file)));
        [file.clone(), dotted.clone(), format!("{file}.gz"), format!("{dotted}.gz")]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
    })
}

/// Finds complete datasets in the layouts of other tools, each with a label for error messages. The
/// layouts are `MNIST/raw` of torchvision and the file names of EMNIST, such as
/// `emnist-digits-test-images-idx3-ubyte`.
fn foreign(folder: &Path) -> Vec<(String, Located)> {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    };
    let inside = names(folder);
    let raw = inside.iter().map(|name| format!("{name}/raw")).chain(["raw".to_owned()]);
    let mut found: Vec<(String, Located)> =
        raw.map(|place| (place.clone(), named(&folder.join(place), str::to_owned))).collect();
    let mut prefixes: Vec<&str> = inside
        .iter()
        .filter_map(|name| name.split_once("train-images").map(|(prefix, _)| prefix))
        .collect();
    prefixes.dedup();
    found.extend(prefixes.into_iter().map(|prefix| {
        let located = named(folder, |file| format!("{prefix}{}", file.replace("t10k", "test")));
        (format!("{prefix}train-… and {prefix}test-…"), located)
    }));
    found.retain(|(_, located)| missing(located).is_empty());
    found
}

/// Names of the files that are not there.
pub(crate) fn missing(located: &Located) -> Vec<&'static str> {
    FILES
        .into_iter()
        .zip(located)
        .filter(|(_, path)| path.is_none())
        .map(|(file, _)| file)
        .collect()
}

/// How much of a dataset is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// Its facts. Images that were read before are left out, and what was kept of them is believed.
    Info,
}

/// Reads a dataset from a folder that must hold all of it; `advice` is for when it does not.
pub(crate) fn read(
    extent: Extent,
    name: &str,
    folder: &Path,
    listing: Option<&CatalogEntry>,
    decoded: &Decoded,
    advice: &str,
) -> Result<Dataset, DataError> {
    if !folder.is_dir() {
        let found = if folder.exists() { "is no folder" } else { "does not exist" };
        return Err(DataError::NotAFolder { path: folder.to_owned(), found });
    }
    let [Some(a), Some(b), Some(c), Some(d)] = locate(folder) else {
        let files = missing(&locate(folder));
        let foreign: Vec<String> = foreign(folder).into_iter().map(|(place, _)| place).collect();
        let advice = match foreign.as_slice() {
            [] | [_] => advice.to_owned(),
            several => format!(
                "it has several datasets ({}): name the folder of one, or move its files into a folder of their own",
                printable::printable(&several.join("; "))
            ),
        };
        return Err(DataError::Missing { folder: folder.to_owned(), files, advice });
    };
    let sums = sums::read(folder)?;
    let one = |path: &Path, file: usize| {
        read_file(extent, path, file, listing, sums[file].as_deref(), decoded)
    };
    // The training images are most of it: the rest is read beside them.
    let (rest, images) = std::thread::scope(|scope| {
        let rest = scope.spawn(|| Ok([one(&a, 0)?, one(&b, 1)?, one(&d, 3)?]));
        let images = one(&c, 2);
        (rest.join(), images)
    });
    let [a, b, d] = rest.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let files = [a, b, images?, d];
    let verification = if listing.is_some_and(|listing| listing.sha256(0).is_some()) {
        Verification::Pinned
    } else if sums.iter().all(Option::is_some) {
        Verification::SumsFile
    } else {
        Verification::Unverified
    };
    let place = printable::path(folder);
    let dataset = Dataset::assemble(name, &place, files, verification)?;
    if let Some(listing) = listing {
        listing.check(&dataset, &place)?;
    }
    Ok(dataset)
}

/// Reads one file and holds it against all that pins it.
fn read_file(
    extent: Extent,
    path: &Path,
    file: usize,
    listing: Option<&CatalogEntry>,
    sum: Option<&str>,
    decoded: &Decoded,
) -> Result<Idx, DataError> {
    let place = printable::path(path);
    let io = |cause| DataError::Io { path: path.to_owned(), doing: "reading", cause };
    let mut source = File::open(path).map_err(io)?;
    let idx = if path.extension().is_some_and(|extension| extension == "gz") {
        let mut archive = Vec::new();
        Read::by_ref(&mut source)
            .take(LARGEST_ARCHIVE + 1)
            .read_to_end(&mut archive)
            .map_err(io)?;
        if let Some(expected) = listing.and_then(|listing| listing.archive_md5(file)) {
            check_md5(&archive, expected, &place, ADVICE_FILE)?;
        }
        if archive.len() as u64 > LARGEST_ARCHIVE {
            decode(BufReader::new(archive.as_slice().chain(source)), KINDS[file])
        } else {
            let outline =
                (extent == Extent::Info).then(|| decoded.outline(&archive, KINDS[file])).flatten();
            outline.map_or_else(|| decoded.decode(&archive, KINDS[file]), Ok)
        }
    } else {
        let before = source.metadata().map_err(io)?;
        let outline = (extent == Extent::Info)
            .then(|| decoded.remembered(&mut source, KINDS[file]))
            .flatten();
        outline.map_or_else(
            || {
                source.rewind().map_err(|cause| IdxError::Unreadable(cause.to_string()))?;
                let idx = decode_sized(
                    BufReader::with_capacity(1 << 16, &source),
                    KINDS[file],
                    before.len(),
                )?;
                decoded.remember(&source, &before, &idx);
                Ok(idx)
            },
            Ok,
        )
    };
    let idx = idx.map_err(|reason| DataError::Malformed {
        place: place.clone(),
        reason,
        advice: ADVICE_FILE,
    })?;
    for expected in [listing.and_then(|listing| listing.sha256(file)), sum].into_iter().flatten() {
        check_sha256(&idx, expected, &place, ADVICE_FILE)?;
    }
    Ok(idx)
}

/// Decodes a downloaded archive, and holds it against its pins.
pub(crate) fn verify(
    archive: &[u8],
    file: usize,
    listing: &CatalogEntry,
    url: &str,
) -> Result<Idx, DataError> {
    let advice = crate::error::ADVICE_MIRROR;
    let place = printable::printable(url);
    if let Some(expected) = listing.archive_md5(file) {
        check_md5(archive, expected, &place, advice)?;
    }
    let malformed =
        |reason: IdxError| DataError::Malformed { place: place.clone(), reason, advice };
    let idx = decode(archive, KINDS[file]).map_err(malformed)?;
    if let Some(expected) = listing.sha256(file) {
        check_sha256(&idx, expected, &place, advice)?;
    }
    Ok(idx)
}

fn check_sha256(
    idx: &Idx,
    expected: &str,
    place: &str,
    advice: &'static str,
) -> Result<(), DataError> {
    check(&idx.sha256, expected, "SHA-256 of the decompressed bytes", place, advice)
}

fn check_md5(
    archive: &[u8],
    expected: &str,
    place: &str,
    advice: &'static str,
) -> Result<(), DataError> {
    check(&md5(archive), expected, "MD5 of the archive", place, advice)
}

fn check(
    found: &str,
    expected: &str,
    algorithm: &'static str,
    place: &str,
    advice: &'static str,
) -> Result<(), DataError> {
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (expected.to_owned(), found.to_owned());
    Err(DataError::Checksum { place: place.to_owned(), algorithm, expected, found, advice })
}

/// Writes a file under another name, makes sure of it, and renames it: nobody ever sees half of it.
pub(crate) fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<(), DataError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let written = write(&temporary, parts).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // A full disk had better not be filled by this; the error that is told is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(|cause| DataError::Io { path: path.to_owned(), doing: "writing", cause })
}

fn write(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}
