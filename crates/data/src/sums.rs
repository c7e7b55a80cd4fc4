//! `SHA256SUMS` beside a dataset's files, as `sha256sum` writes it and `sha256sum -c` checks it: pins a dataset that nobody
//! else pins. Lines for other files are left alone.

use std::io::Read;
use std::path::Path;

use crate::dataset::FILES;
use crate::error::DataError;
use crate::folder::{self, dotted};

/// Its name.
const NAME: &str = "SHA256SUMS";
/// Most bytes of it that are read: hundreds of lines.
const LARGEST: u64 = 1 << 16;

/// The pinned SHA-256 of each decompressed file, in the order of [`FILES`].
pub(crate) fn read(folder: &Path) -> Result<[Option<String>; 4], DataError> {
    let path = folder.join(NAME);
    let mut pins = [const { None }; 4];
    for (number, line) in text(&path)?.lines().enumerate() {
        let Some((sum, name)) = split(line) else { continue };
        let Some(file) = FILES.iter().position(|file| *file == name || dotted(file) == name) else {
            continue;
        };
        if sum.len() != 64 || !sum.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(DataError::SumsFile { path, line: number + 1 });
        }
        pins[file] = Some(sum.to_ascii_lowercase());
    }
    Ok(pins)
}

/// Pins `file`, whose decompressed bytes have this SHA-256.
pub(crate) fn add(folder: &Path, file: &str, sha256: &str) -> Result<(), DataError> {
    let path = folder.join(NAME);
    let others = text(&path)?
        .lines()
        .filter(|line| split(line).is_none_or(|(_, name)| name != file))
        .fold(String::new(), |others, line| others + line + "\n");
    let sums = format!("{others}{sha256}  {file}\n");
    folder::write_whole(&path, &[sums.as_bytes()])
}

/// Checksum and name on a line: two spaces between them, or a space and the star of a binary file.
fn split(line: &str) -> Option<(&str, &str)> {
    let (sum, name) = line.trim_end().split_once(char::is_whitespace)?;
    Some((sum, name.trim_start_matches([' ', '*']).trim_start_matches("./")))
}

fn text(path: &Path) -> Result<String, DataError> {
    let io = |cause| DataError::Io { path: path.to_owned(), doing: "reading", cause };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
