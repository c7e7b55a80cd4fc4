//! Decoded files, kept in the dataset cache so that an archive is decompressed once, and digests of plain files, so that a plan need
//! not read those.
//!
//! A kept file is named by the SHA-256 of its archive, and ends with the SHA-256 of what comes before: one that was cut off or
//! changed is not taken for whole. Keeping is a kindness: where it fails, nothing is lost but time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::digest::sha256;
use crate::idx::{Idx, IdxError, Kind, decode, decode_sized, outline};

/// Decoded bytes that are worth a file: fewer are decompressed in a moment.
const WORTH_KEEPING: usize = 1 << 20;
/// Hexadecimal digits of a SHA-256.
const DIGITS: u64 = 64;

/// A file changed later than this before it was read may be changed again without its times telling.
const SETTLED: Duration = Duration::from_secs(2);

/// The folder of decoded files.
pub(crate) struct Decoded(PathBuf);

impl Decoded {
    /// Those of the dataset cache `data_dir`.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("decoded"))
    }

    /// Decodes `archive`, or finds it decoded.
    pub(crate) fn decode(&self, archive: &[u8], kind: Kind) -> Result<Idx, IdxError> {
        let path = self.path_of(archive);
        if let Some(idx) = kept(&path, kind) {
            return Ok(idx);
        }
        let idx = decode(archive, kind)?;
        if idx.bytes.len() >= WORTH_KEEPING {
            // See above: no error of a user's.
            let _ = self.keep(&path, &idx);
        }
        Ok(idx)
    }

    /// An archive that was decoded before, without its bytes: these are left where they are, and unchecked.
    pub(crate) fn outline(&self, archive: &[u8], kind: Kind) -> Option<Idx> {
        let mut file = File::open(self.path_of(archive)).ok()?;
        let size = file.metadata().ok()?.len().checked_sub(DIGITS)?;
        let (mut idx, length) = outline(&mut file, kind).ok()?;
        file.seek(SeekFrom::Start(size)).ok()?;
        file.read_to_string(&mut idx.sha256).ok()?;
        (is_digest(&idx.sha256) && length == size).then_some(idx)
    }

    /// A plain file that was read before, without its bytes, if the system has it as it was then.
    pub(crate) fn remembered(&self, file: &mut File, kind: Kind) -> Option<Idx> {
        let metadata = file.metadata().ok()?;
        let remembered = fs::read_to_string(self.0.join(identity(&metadata)?)).ok()?;
        let (mut idx, length) = outline(&mut *file, kind).ok()?;
        idx.sha256 = remembered;
        (is_digest(&idx.sha256) && length == metadata.len()).then_some(idx)
    }

    /// Remembers the digest of a plain file that was as `before` when its reading began.
    pub(crate) fn remember(&self, file: &File, before: &Metadata, idx: &Idx) {
        let settled = || {
            SystemTime::now()
                .duration_since(before.modified().ok()?)
                .ok()
                .filter(|age| *age > SETTLED)
        };
        let Some(name) = identity(before) else { return };
        let same = file.metadata().ok().and_then(|after| identity(&after)).as_ref() == Some(&name);
        if idx.bytes.len() >= WORTH_KEEPING && same && settled().is_some() {
            // See above: no error of a user's.
            let _ = fs::create_dir_all(&self.0)
                .and_then(|()| fs::write(self.0.join(name), &idx.sha256));
        }
    }

    fn path_of(&self, archive: &[u8]) -> PathBuf {
        self.0.join(format!("{}.idx", sha256(&[archive])))
    }

    fn keep(&self, path: &Path, idx: &Idx) -> std::io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let temporary = path.with_extension("new");
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&temporary)?;
        if file.try_lock().is_err() {
            // Another program is keeping it. What one left that died on the way is locked by nobody, and written anew.
            return Ok(());
        }
        file.set_len(0)?;
        let [header, bytes] = idx.parts();
        file.write_all(&[header, bytes, idx.sha256.as_bytes()].concat())?;
        fs::rename(&temporary, path)
    }
}

fn is_digest(text: &str) -> bool {
    text.len() as u64 == DIGITS
        && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// A name for a file as it is: another once it has been written to, renamed over, or moved.
#[cfg(unix)]
fn identity(it: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let times = [it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec()];
    Some(format!(
        "{}.sha256",
        sha256(&[format!("{} {} {} {times:?}", it.dev(), it.ino(), it.len()).as_bytes()])
    ))
}

/// Elsewhere the system does not tell enough.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<String> {
    None
}

fn kept(path: &Path, kind: Kind) -> Option<Idx> {
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len().checked_sub(DIGITS)?;
    let mut file = BufReader::new(file).take(size);
    let idx = decode_sized(&mut file, kind, size).ok()?;
    let mut digest = String::new();
    file.into_inner().read_to_string(&mut digest).ok()?;
    (digest == idx.sha256).then_some(idx)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn archive() -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3, 0, 0, 4, 0, 0, 0, 0, 32, 0, 0, 0, 32];
        file.extend((0..1 << 20).map(|i: u32| (i % 251) as u8));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&file).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_kept_file_is_used_and_a_damaged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (decoded, archive) = (Decoded::of(folder.path()), archive());
        let first = decoded.decode(&archive, Kind::Images).unwrap();
        let path = decoded.0.join(format!("{}.idx", sha256(&[&archive])));
        assert_eq!(kept(&path, Kind::Images).unwrap().bytes, first.bytes);
        let outline = decoded.outline(&archive, Kind::Images).unwrap();
        assert_eq!((&outline.dimensions, &outline.sha256), (&first.dimensions, &first.sha256));
        assert!(outline.bytes.is_empty() && decoded.outline(b"another", Kind::Images).is_none());

        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        damaged[500_000] ^= 1;
        for wrong in [&damaged[..], &whole[..whole.len() - 1], &whole[..1_000], &[]] {
            fs::write(&path, wrong).unwrap();
            assert!(kept(&path, Kind::Images).is_none());
            let digest = decoded.outline(&archive, Kind::Images).map(|outline| outline.sha256);
            assert!(digest.is_none_or(|digest| digest == first.sha256));
            assert_eq!(decoded.decode(&archive, Kind::Images).unwrap().sha256, first.sha256);
            assert_eq!(fs::read(&path).unwrap(), whole, "it is mended");
        }
    }

    #[test]
    fn what_a_program_left_that_died_is_written_anew_and_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (decoded, archive) = (Decoded::of(folder.path()), archive());
        let path = decoded.0.join(format!("{}.idx", sha256(&[&archive])));
        fs::create_dir_all(&decoded.0).unwrap();
        fs::write(path.with_extension("new"), vec![7; 3 << 20]).unwrap();
        decoded.decode(&archive, Kind::Images).unwrap();
        assert!(kept(&path, Kind::Images).is_some());
        assert_eq!(fs::read_dir(&decoded.0).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_digest_is_remembered_of_a_file_as_it_was() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, decoded) = (folder.path().join("images"), Decoded::of(cache.path()));
        let plain = |last: u8| {
            let mut file = vec![0, 0, 8, 3, 0, 0, 4, 0, 0, 0, 0, 32, 0, 0, 0, 32];
            file.extend([vec![7; (1 << 20) - 1], vec![last]].concat());
            file
        };
        let long_ago = SystemTime::now() - Duration::from_secs(3_600);
        let write = |last: u8, modified: SystemTime| {
            fs::write(&path, plain(last)).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        };
        let remembered = || {
            decoded.remembered(&mut File::open(&path).unwrap(), Kind::Images).map(|idx| idx.sha256)
        };
        let read = || {
            let file = File::open(&path).unwrap();
            let before = file.metadata().unwrap();
            let idx = decode(BufReader::new(&file), Kind::Images).unwrap();
            decoded.remember(&file, &before, &idx);
            idx.sha256
        };
        write(7, long_ago);
        assert_eq!(remembered(), None);
        assert_eq!(Some(read()), remembered());
        // As long, and as old as its owner says; the system knows better.
        write(8, long_ago);
        assert_eq!(remembered(), None);
        let second = read();
        assert_eq!(remembered(), Some(second));
        write(9, SystemTime::now());
        read();
        assert_eq!(remembered(), None, "it may be changed again without its times telling");
    }

    #[test]
    fn where_nothing_can_be_kept_it_is_decoded_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("decoded"), "a file").unwrap();
        assert!(Decoded::of(folder.path()).decode(&archive(), Kind::Images).is_ok());
    }
}
