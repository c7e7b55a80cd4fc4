//! Reads and writes `SHA256SUMS`, the checksum file in the folder of a dataset.
//!
//! It has the format of `sha256sum`, and pins datasets that are not in the catalog. Lines for other
//! files are ignored and preserved.

use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::atomic_write::atomic_write;
use crate::error::DataError;
use crate::files::{FILES, dotted_name};

const NAME: &str = "SHA256SUMS";
/// Reads at most this many bytes, which are hundreds of lines.
const MAX_BYTES: u64 = 1 << 16;

/// The pinned SHA-256 of each decompressed file, in the order of [`FILES`].
pub(crate) fn read(folder: &Path) -> Result<[Option<String>; 4], DataError> {
    let path = folder.join(NAME);
    let mut pins = [const { None }; 4];
    for (number, line) in read_text(&path)?.lines().enumerate() {
        let Some((sum, name)) = parse_line(line) else { continue };
        let Some(file) = FILES.iter().position(|file| *file == name || dotted_name(file) == name)
        else {
            continue;
        };
        if sum.len() != 64 || !sum.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(DataError::SumsFile { path, line: number + 1 });
        }
        pins[file] = Some(sum.to_ascii_lowercase());
    }
    Ok(pins)
}

/// Pins `file` to the SHA-256 of its decompressed bytes. Replaces an earlier pin of `file`.
pub(crate) fn pin(folder: &Path, file: &str, sha256: &str) -> Result<(), DataError> {
    let path = folder.join(NAME);
    let others = read_text(&path)?
        .lines()
        .filter(|line| parse_line(line).is_none_or(|(_, name)| name != file))
        .fold(String::new(), |others, line| others + line + "\n");
    let sums = format!("{others}{sha256}  {file}\n");
    atomic_write(&path, &[sums.as_bytes()])
}

/// Splits a line into checksum and name. The separator is two spaces, or a space and the `*` that
/// marks a binary file.
fn parse_line(line: &str) -> Option<(&str, &str)> {
    let (sum, name) = line.trim_end().split_once(char::is_whitespace)?;
    Some((sum, name.trim_start_matches([' ', '*']).trim_start_matches("./")))
}

/// The text of the file; empty if there is no file.
fn read_text(path: &Path) -> Result<String, DataError> {
    let io = |cause| DataError::Io { path: path.to_owned(), doing: "reading", cause };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(String::new());
        }
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
