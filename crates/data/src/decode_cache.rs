//! Caches decoded archives and the digests of plain files, so that each archive is decompressed once
//! and a plan does not read plain files again.
//!
//! The name of a cached archive contains the SHA-256 of the archive. The file ends with the SHA-256
//! of its content, which exposes a truncated or changed file. A failure to write the
//! cache is ignored, because it costs only time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::checksum::sha256;
use crate::idx::{Idx, IdxError, Kind, decode, decode_header, decode_sized};

/// Caches files of at least this many decoded bytes. Smaller ones are decompressed quickly.
const MIN_CACHED_BYTES: usize = 1 << 20;
/// Hexadecimal digits of a SHA-256.
const DIGEST_LENGTH: u64 = 64;
/// Minimum age of a file whose digest is cached. A younger file may change again without a visible
/// change of its times.
const MIN_AGE: Duration = Duration::from_secs(2);

/// A folder of decoded archives and digests, if there is one.
pub(crate) struct DecodeCache(Option<PathBuf>);

impl DecodeCache {
    /// The cache in the folder `data_dir`. Without a folder, nothing is cached.
    pub(crate) fn new<'a>(data_dir: impl Into<Option<&'a Path>>) -> Self {
        Self(data_dir.into().map(|folder| folder.join("decoded")))
    }

    /// Returns the decoded `archive`, from the cache if possible.
    pub(crate) fn decode(&self, archive: &[u8], kind: Kind) -> Result<Idx, IdxError> {
        let Some(path) = self.archive_path(archive) else { return decode(archive, kind) };
        if let Some(idx) = read_cached(&path, kind) {
            return Ok(idx);
        }
        let idx = decode(archive, kind)?;
        if idx.bytes.len() >= MIN_CACHED_BYTES {
            // Without a cache the next call decodes again.
            let _ = store(&path, &idx);
        }
        Ok(idx)
    }

    /// Returns the header and the digest of a cached archive. Neither reads nor verifies its bytes.
    pub(crate) fn cached_archive_header(&self, archive: &[u8], kind: Kind) -> Option<Idx> {
        let mut file = File::open(self.archive_path(archive)?).ok()?;
        let size = file.metadata().ok()?.len().checked_sub(DIGEST_LENGTH)?;
        let (mut idx, length) = decode_header(&mut file, kind).ok()?;
        file.seek(SeekFrom::Start(size)).ok()?;
        file.read_to_string(&mut idx.sha256).ok()?;
        (is_digest(&idx.sha256) && length == size).then_some(idx)
    }

    /// Returns the header and the cached digest of a plain file, if the file has not changed since
    /// [`DecodeCache::store_file_digest`]. Reads no bytes after the header.
    pub(crate) fn cached_file_header(&self, file: &mut File, kind: Kind) -> Option<Idx> {
        let metadata = file.metadata().ok()?;
        let digest = fs::read_to_string(self.0.as_ref()?.join(digest_name(&metadata)?)).ok()?;
        let (mut idx, length) = decode_header(&mut *file, kind).ok()?;
        idx.sha256 = digest;
        (is_digest(&idx.sha256) && length == metadata.len()).then_some(idx)
    }

    /// Caches the digest of a plain file. `before` is its metadata from before it was read: a file
    /// that has changed since then is not cached.
    pub(crate) fn store_file_digest(&self, file: &File, before: &Metadata, idx: &Idx) {
        let (Some(folder), Some(name)) = (&self.0, digest_name(before)) else { return };
        let name_after = file.metadata().ok().and_then(|after| digest_name(&after));
        let age =
            before.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if idx.bytes.len() >= MIN_CACHED_BYTES
            && name_after.as_ref() == Some(&name)
            && age.is_some_and(|age| age > MIN_AGE)
        {
            // Without a cache the next plan reads the file again.
            let _ =
                fs::create_dir_all(folder).and_then(|()| fs::write(folder.join(name), &idx.sha256));
        }
    }

    fn archive_path(&self, archive: &[u8]) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(format!("{}.idx", sha256(&[archive]))))
    }
}

fn is_digest(text: &str) -> bool {
    text.len() as u64 == DIGEST_LENGTH
        && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// The name of the cached digest of a file. It changes when the file is written, replaced or moved.
#[cfg(unix)]
fn digest_name(metadata: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    let identity = format!("{} {} {} {times:?}", metadata.dev(), metadata.ino(), metadata.len());
    Some(format!("{}.sha256", sha256(&[identity.as_bytes()])))
}

/// Other systems do not report enough to recognise an unchanged file.
#[cfg(not(unix))]
fn digest_name(_: &Metadata) -> Option<String> {
    None
}

/// Reads and verifies a cached archive.
fn read_cached(path: &Path, kind: Kind) -> Option<Idx> {
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len().checked_sub(DIGEST_LENGTH)?;
    let mut file = BufReader::new(file).take(size);
    let idx = decode_sized(&mut file, kind, size).ok()?;
    let mut digest = String::new();
    file.into_inner().read_to_string(&mut digest).ok()?;
    (digest == idx.sha256).then_some(idx)
}

/// Writes a decoded archive to the cache.
fn store(path: &Path, idx: &Idx) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&temporary)?;
    if file.try_lock().is_err() {
        // Another process is writing it. A process that died left no lock, so its incomplete file is
        // overwritten below.
        return Ok(());
    }
    file.set_len(0)?;
    let [header, bytes] = idx.parts();
    file.write_all(&[header, bytes, idx.sha256.as_bytes()].concat())?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_support::{gzip, idx};

    /// The archive of 1,024 images of 32×32.
    fn archive() -> Vec<u8> {
        let pixels: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
        gzip(&idx(&[1024, 32, 32], &pixels))
    }

    #[test]
    fn damaged_cache_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, archive) = (DecodeCache::new(folder.path()), archive());
        let first = cache.decode(&archive, Kind::Images).unwrap();
        let path = cache.archive_path(&archive).unwrap();
        assert_eq!(read_cached(&path, Kind::Images).unwrap().bytes, first.bytes);
        let header = cache.cached_archive_header(&archive, Kind::Images).unwrap();
        assert_eq!((&header.dimensions, &header.sha256), (&first.dimensions, &first.sha256));
        assert!(
            header.bytes.is_empty()
                && cache.cached_archive_header(b"another", Kind::Images).is_none()
        );

        let intact = fs::read(&path).unwrap();
        let mut damaged = intact.clone();
        damaged[500_000] ^= 1;
        for wrong in [&damaged[..], &intact[..intact.len() - 1], &intact[..1_000], &[]] {
            fs::write(&path, wrong).unwrap();
            assert!(read_cached(&path, Kind::Images).is_none());
            let digest =
                cache.cached_archive_header(&archive, Kind::Images).map(|header| header.sha256);
            assert!(digest.is_none_or(|digest| digest == first.sha256));
            assert_eq!(cache.decode(&archive, Kind::Images).unwrap().sha256, first.sha256);
            assert_eq!(fs::read(&path).unwrap(), intact, "the cache is repaired");
        }
    }

    #[test]
    fn incomplete_file_of_dead_process_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, archive) = (DecodeCache::new(folder.path()), archive());
        let path = cache.archive_path(&archive).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path.with_extension("new"), vec![7; 3 << 20]).unwrap();
        cache.decode(&archive, Kind::Images).unwrap();
        assert!(read_cached(&path, Kind::Images).is_some());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn digest_is_cached_until_the_file_changes() {
        let (folder, data_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, cache) = (folder.path().join("images"), DecodeCache::new(data_dir.path()));
        let plain = |last: u8| idx(&[1024, 32, 32], &[vec![7; (1 << 20) - 1], vec![last]].concat());
        let long_ago = SystemTime::now() - Duration::from_secs(3_600);
        let write = |last: u8, modified: SystemTime| {
            fs::write(&path, plain(last)).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        };
        let cached = || {
            cache
                .cached_file_header(&mut File::open(&path).unwrap(), Kind::Images)
                .map(|idx| idx.sha256)
        };
        let read = || {
            let file = File::open(&path).unwrap();
            let before = file.metadata().unwrap();
            let idx = decode(BufReader::new(&file), Kind::Images).unwrap();
            cache.store_file_digest(&file, &before, &idx);
            idx.sha256
        };
        write(7, long_ago);
        assert_eq!(cached(), None);
        assert_eq!(Some(read()), cached());
        // Size and modification time are equal, but the change time differs.
        write(8, long_ago);
        assert_eq!(cached(), None);
        let second = read();
        assert_eq!(cached(), Some(second));
        write(9, SystemTime::now());
        read();
        assert_eq!(cached(), None, "a file this young may change without new times");
    }

    #[test]
    fn unwritable_cache_does_not_stop_decoding() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("decoded"), "a file").unwrap();
        assert!(DecodeCache::new(folder.path()).decode(&archive(), Kind::Images).is_ok());
    }
}
