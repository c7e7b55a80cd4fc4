//! The kept output of a program: compressed, at most 1 MiB of each stream.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tracking::atomic_file;

/// The size of the first and of the last part that is kept.
const HALF: u64 = 512 << 10;

/// Prefix of the names of unfinished logs.
pub const TEMPORARY: &str = ".log-";

/// Writes the compressed form of `stream` to `target`: all of it, or its first and last half
/// mebibyte. An empty stream has no log.
///
/// # Errors
/// If a file cannot be read or written.
pub fn keep(stream: &Path, target: &Path) -> io::Result<()> {
    let mut file = File::open(stream)?;
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(());
    }
    let mut text = Vec::new();
    let first = if length > 2 * HALF { HALF } else { length };
    (&file).take(first).read_to_end(&mut text)?;
    if length > 2 * HALF {
        let left_out = length - 2 * HALF;
        text.extend_from_slice(format!("\n[{left_out} bytes left out]\n").as_bytes());
        file.seek(SeekFrom::Start(length - HALF))?;
        file.take(HALF).read_to_end(&mut text)?;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text)?;
    atomic_file::write(target, TEMPORARY, &encoder.finish()?)
}

/// The last lines of a stream after its first `skipped` bytes, at most `bytes` long. Empty if it
/// cannot be read.
pub fn last_lines(stream: &Path, skipped: u64, lines: usize, bytes: u64) -> String {
    let read = || {
        let mut file = File::open(stream)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(bytes).max(skipped)))?;
        let mut end = Vec::new();
        file.take(bytes).read_to_end(&mut end)?;
        io::Result::Ok(String::from_utf8_lossy(&end).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use flate2::read::GzDecoder;

    use super::*;

    fn kept(stream: &[u8]) -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("stdout"), folder.path().join("a/log.gz"));
        std::fs::write(&path, stream).unwrap();
        keep(&path, &target).unwrap();
        let mut text = Vec::new();
        GzDecoder::new(File::open(target).ok()?).read_to_end(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn log_has_the_first_and_the_last_half() {
        assert_eq!(kept(b""), None);
        assert_eq!(kept(b"epoch 1\n").unwrap(), b"epoch 1\n");
        let whole = vec![b'a'; 1 << 20];
        assert_eq!(kept(&whole).unwrap(), whole);
        let long = [vec![b'a'; 1 << 20], vec![b'b'; 1 << 20]].concat();
        let half = HALF as usize;
        let expected = [&long[..half], b"\n[1048576 bytes left out]\n", &long[long.len() - half..]];
        assert_eq!(kept(&long).unwrap(), expected.concat());
    }

    #[test]
    fn last_lines_are_lossy_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr");
        std::fs::write(&path, b"first\n\nsecond \xff\nthird\n").unwrap();
        assert_eq!(last_lines(&path, 0, 2, 100), "second \u{fffd}\nthird");
        assert_eq!(last_lines(&path, 0, 2, 5), "hird");
        assert_eq!(last_lines(&path, 16, 2, 100), "third");
        assert_eq!(last_lines(&folder.path().join("none"), 0, 2, 5), "");
    }
}
