//! Downloads from a server of our own: whatever a mirror does, a dataset is whole and true, or not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Instant;

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

use super::*;
use crate::catalog::Pins;
use crate::dataset::{Dataset, ImageShape, Verification};
use crate::decoded::Decoded;
use crate::digest::{md5, sha256};
use crate::folder::Extent;
use crate::random::{Purpose, generator};

#[path = "../../tests/server/mod.rs"]
mod server;
use server::{Reply, Server};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";

/// A small dataset that hardly compresses, so that half of an archive is half of the data.
struct Tiny {
    plain: [Vec<u8>; 4],
    archives: HashMap<String, Vec<u8>>,
    listing: &'static CatalogEntry,
}

impl Tiny {
    fn new() -> Self {
        Self::pinned(|plain, _| Pins::Sha256(plain.each_ref().map(|file| leak(sha256(&[file])))))
    }

    fn pinned(pins: impl Fn(&[Vec<u8>; 4], &[Vec<u8>; 4]) -> Pins) -> Self {
        let plain = [idx(&[20, 5, 5], 256), idx(&[20], 3), idx(&[90, 5, 5], 256), idx(&[90], 3)];
        let archives = plain.each_ref().map(|file| gzip(file));
        let listing = Box::leak(Box::new(CatalogEntry {
            name: "tiny",
            mirrors: &[],
            pins: pins(&plain, &archives),
            shape: ImageShape { rows: 5, columns: 5 },
            train_len: 90,
            test_len: 20,
            classes: 3,
        }));
        let named = FILES.iter().map(|file| format!("{file}.gz")).zip(archives).collect();
        Self { plain, archives: named, listing }
    }

    fn archive(&self) -> Vec<u8> {
        self.archives[TRAIN_IMAGES].clone()
    }

    /// A server that answers so for the training images, and honestly for the rest.
    fn server(
        &self,
        training_images: impl Fn(&server::Ask, Vec<u8>) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let archives = self.archives.clone();
        Server::new(move |ask| {
            let archive = archives[&ask.file].clone();
            if ask.file == TRAIN_IMAGES {
                training_images(ask, archive)
            } else {
                Reply::Honest(archive)
            }
        })
    }
}

fn leak(text: String) -> &'static str {
    text.leak()
}

fn idx(dimensions: &[u32], below: u32) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(dimensions.len()).unwrap()];
    dimensions.iter().for_each(|dimension| file.extend(dimension.to_be_bytes()));
    let mut random = generator(dimensions[0].into(), Purpose::Init);
    file.extend(
        (0..dimensions.iter().product()).map(|_| u8::try_from(random.below(below)).unwrap()),
    );
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Remembers what it is told.
#[derive(Default)]
struct Recorder {
    started: Vec<(String, u64, Option<u64>)>,
    bytes: u64,
    finished: usize,
    notes: Vec<String>,
}

impl FetchObserver for Recorder {
    fn started(&mut self, file: &str, _: &str, have: u64, total: Option<u64>) {
        self.started.push((file.to_owned(), have, total));
    }
    fn advanced(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
    fn finished(&mut self) {
        self.finished += 1;
    }
    fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }
}

fn fetch_from(
    tiny: &Tiny,
    folder: &Path,
    mirrors: &[&Server],
    observer: &mut Recorder,
) -> Result<Dataset, DataError> {
    let mirrors: Vec<String> = mirrors.iter().map(|mirror| mirror.url.clone()).collect();
    let patience = Duration::from_millis(900);
    missing_files(&Plan { listing: tiny.listing, folder, mirrors: &mirrors, patience }, observer)?;
    let dataset =
        folder::read(Extent::Whole, "tiny", folder, Some(tiny.listing), &Decoded::of(folder), "")?;
    assert_eq!(dataset.train.images, tiny.plain[2][16..], "what is there is true");
    Ok(dataset)
}

/// As above, in a folder that is empty.
fn fetch(tiny: &Tiny, mirrors: &[&Server]) -> (TempDir, Result<Dataset, DataError>) {
    let folder = tempfile::tempdir().unwrap();
    let result = fetch_from(tiny, folder.path(), mirrors, &mut Recorder::default());
    (folder, result)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn whole_files_are_kept_plain_and_pinned() {
    let tiny = Tiny::new();
    let server = Server::of(tiny.archives.clone());
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Recorder::default();
    fetch_from(&tiny, &folder.path().join("a/b"), &[&server], &mut seen).unwrap();
    let folder = folder.path().join("a/b");
    assert_eq!(names(&folder), [".lock", "SHA256SUMS", FILES[0], FILES[1], FILES[2], FILES[3]]);
    let sums: String =
        (0..4).map(|i| format!("{}  {}\n", sha256(&[&tiny.plain[i]]), FILES[i])).collect();
    assert_eq!(fs::read_to_string(folder.join("SHA256SUMS")).unwrap(), sums);
    assert_eq!(seen.bytes, tiny.archives.values().map(|archive| archive.len() as u64).sum::<u64>());
    assert_eq!((seen.started.len(), seen.finished, seen.notes), (4, 4, vec![]));
    // What is there is not asked for again.
    fetch_from(&tiny, &folder, &[&server], &mut Recorder::default()).unwrap();
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn lines_for_other_files_stay_in_the_sums_file() {
    let (folder, mine) = (tempfile::tempdir().unwrap(), "abc  my-train-images-idx3-ubyte\n");
    fs::write(folder.path().join("SHA256SUMS"), mine).unwrap();
    for sha256 in ["0".repeat(64), "1".repeat(64)] {
        sums::add(folder.path(), FILES[2], &sha256).unwrap();
        let text = fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
        assert_eq!(text, format!("{mine}{sha256}  {}\n", FILES[2]));
        assert_eq!(sums::read(folder.path()).unwrap(), [None, None, Some(sha256), None]);
    }
}

#[test]
fn only_what_is_missing_is_fetched() {
    let tiny = Tiny::new();
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in FILES.iter().zip(&tiny.plain).take(3) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let server = Server::of(tiny.archives.clone());
    fetch_from(&tiny, folder.path(), &[&server], &mut Recorder::default()).unwrap();
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let tiny = Tiny::new();
    let server = tiny.server(|_, archive| Reply::Cut(archive, 700));
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Recorder::default();
    fetch_from(&tiny, folder.path(), &[&server], &mut seen).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [None, Some(700), Some(1400), Some(2100)]);
    assert!(seen.notes.iter().all(|note| note.contains("broke off")), "{:?}", seen.notes);
}

#[test]
fn an_earlier_part_is_gone_on_with() {
    let tiny = Tiny::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte.gz.part"), &tiny.archive()[..1000])
        .unwrap();
    let server = Server::of(tiny.archives.clone());
    let mut seen = Recorder::default();
    fetch_from(&tiny, folder.path(), &[&server], &mut seen).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [Some(1000)]);
    assert!(seen.started.contains(&(FILES[2].to_owned(), 1000, Some(tiny.archive().len() as u64))));
}

#[test]
fn an_earlier_part_of_another_file_is_fetched_anew() {
    let tiny = Tiny::new();
    let longer = tiny.archive().len() + 10;
    for (part, ranges) in
        [(vec![7; 1000], [Some(1000), None]), (vec![7; longer], [Some(longer), None])]
    {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte.gz.part"), part).unwrap();
        let server = Server::of(tiny.archives.clone());
        fetch_from(&tiny, folder.path(), &[&server], &mut Recorder::default()).unwrap();
        assert_eq!(server.ranges(TRAIN_IMAGES), ranges);
    }
}

#[test]
fn a_server_that_knows_no_ranges_is_no_obstacle() {
    let tiny = Tiny::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte.gz.part"), &tiny.archive()[..1000])
        .unwrap();
    let server = tiny.server(|_, archive| Reply::IgnoreRange(archive));
    fetch_from(&tiny, folder.path(), &[&server], &mut Recorder::default()).unwrap();
    assert_eq!(server.ranges(TRAIN_IMAGES), [Some(1000)]);
}

#[test]
fn a_mirror_without_the_file_gives_way_to_the_next() {
    let tiny = Tiny::new();
    for status in [404, 500, 503] {
        let (bad, good) =
            (Server::new(move |_| Reply::Status(status)), Server::of(tiny.archives.clone()));
        fetch(&tiny, &[&bad, &good]).1.unwrap();
        let (folder, result) = fetch(&tiny, &[&bad]);
        let error = result.unwrap_err();
        assert!(
            error.is_unavailable() && error.to_string().contains(&status.to_string()),
            "{error}"
        );
        assert_eq!(
            bad.asked().len(),
            1 + 1,
            "a mirror that works goes first; without one, one file is asked for"
        );
        assert_eq!(names(folder.path()), [".lock"]);
    }
}

#[test]
fn redirects_are_followed_on_the_mirror_itself_and_nowhere_else() {
    let tiny = Tiny::new();
    let moved = tiny.server(|ask, archive| match ask.earlier {
        0 => Reply::Redirect(format!("/elsewhere/{TRAIN_IMAGES}")),
        _ => Reply::Honest(archive),
    });
    fetch(&tiny, &[&moved]).1.unwrap();

    let stranger = Server::of(tiny.archives.clone());
    let to = format!("{}{TRAIN_IMAGES}", stranger.url);
    let lured = tiny.server(move |_, _| Reply::Redirect(to.clone()));
    let error = fetch(&tiny, &[&lured]).1.unwrap_err();
    assert!(
        error.is_unavailable() && error.to_string().contains("no configured mirror"),
        "{error}"
    );
    assert!(stranger.asked().is_empty());

    let round = tiny.server(|_, _| Reply::Redirect(format!("/sets/{TRAIN_IMAGES}")));
    assert!(fetch(&tiny, &[&round]).1.unwrap_err().to_string().contains("again and again"));
}

#[test]
fn wrong_bytes_are_not_kept_and_no_reason_to_fall_back() {
    let tiny = Tiny::new();
    let other = gzip(&idx(&[91, 5, 5], 256));
    let wrong = tiny.server(move |_, _| Reply::Honest(other.clone()));
    let (folder, result) = fetch(&tiny, &[&wrong]);
    let error = result.unwrap_err();
    assert!(!error.is_unavailable());
    let told = error.to_string();
    for part in [&wrong.url, "wrong SHA-256", &sha256(&[&tiny.plain[2]]), "--mirror"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(
        !names(folder.path()).iter().any(|name| name.starts_with("train-images")),
        "{:?}",
        names(folder.path())
    );
    // A second mirror mends it; one that cannot be reached does not hide it.
    fetch(&tiny, &[&wrong, &Server::of(tiny.archives.clone())]).1.unwrap();
    let absent = Server::new(|_| Reply::Status(404));
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in FILES.iter().zip(&tiny.plain).take(2) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let error =
        fetch_from(&tiny, folder.path(), &[&wrong, &absent], &mut Recorder::default()).unwrap_err();
    assert!(!error.is_unavailable());
}

#[test]
fn a_page_that_asks_to_log_in_is_named_as_what_it_is() {
    let tiny = Tiny::new();
    let portal = Server::new(|_| Reply::Honest(b"<html>Welcome to our hotel".to_vec()));
    let error = fetch(&tiny, &[&portal]).1.unwrap_err();
    assert!(error.to_string().contains("web page") && !error.is_unavailable(), "{error}");
}

#[test]
fn archives_pinned_by_md5_are_checked_when_fetched_and_when_kept() {
    let by_md5 = || {
        Tiny::pinned(|_, archives| {
            Pins::ArchiveMd5(archives.each_ref().map(|file| leak(md5(file))))
        })
    };
    let tiny = by_md5();
    let (folder, result) = fetch(&tiny, &[&Server::of(tiny.archives.clone())]);
    assert_eq!(result.unwrap().verification, Verification::SumsFile);
    // From now on SHA256SUMS tells.
    let mut changed = tiny.plain[2].clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join(FILES[2]), &changed).unwrap();
    let error = folder::read(
        Extent::Whole,
        "tiny",
        folder.path(),
        Some(tiny.listing),
        &Decoded::of(folder.path()),
        "",
    )
    .unwrap_err();
    assert!(error.to_string().contains("wrong SHA-256"), "{error}");
    // The same data in another archive is another archive.
    let mut archives = tiny.archives.clone();
    archives.insert(TRAIN_IMAGES.to_owned(), gzip(&changed));
    let (_, result) = fetch(&tiny, &[&Server::of(archives.clone())]);
    assert!(result.unwrap_err().to_string().contains("wrong MD5"));
    let kept = tempfile::tempdir().unwrap();
    for (name, archive) in archives {
        fs::write(kept.path().join(name), archive).unwrap();
    }
    let error = folder::read(
        Extent::Whole,
        "tiny",
        kept.path(),
        Some(tiny.listing),
        &Decoded::of(kept.path()),
        "",
    )
    .unwrap_err();
    assert!(error.to_string().contains("wrong MD5"), "{error}");
}

#[test]
fn silence_is_borne_for_a_bounded_time() {
    assert!(PATIENCE <= Duration::from_secs(8));
    let tiny = Tiny::new();
    let (deaf, deaf_too) = (Server::new(|_| Reply::Silence), Server::new(|_| Reply::Silence));
    let started = Instant::now();
    let error = fetch(&tiny, &[&deaf, &deaf_too]).1.unwrap_err();
    assert!(error.is_unavailable() && error.to_string().contains("no answer within"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // One that answers is still asked, and from then on first.
    let (deaf, good) = (Server::new(|_| Reply::Silence), Server::of(tiny.archives.clone()));
    fetch(&tiny, &[&deaf, &good]).1.unwrap();
    assert_eq!((deaf.asked().len(), good.asked().len()), (1, 4));
}

#[test]
fn where_nobody_listens_there_is_nothing_to_be_had() {
    let tiny = Tiny::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut nobody = Server::new(|_| Reply::Silence);
    nobody.url = format!("http://{closed}");
    let error = fetch(&tiny, &[&nobody]).1.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(error.to_string().contains("fetch tiny"), "{error}");
}

#[test]
fn a_transfer_without_progress_ends() {
    let tiny = Tiny::new();
    let server =
        tiny.server(|ask, archive| Reply::Cut(archive, if ask.earlier == 0 { 500 } else { 0 }));
    let (folder, result) = fetch(&tiny, &[&server]);
    assert!(result.unwrap_err().is_unavailable());
    assert_eq!(server.ranges(TRAIN_IMAGES), [None, Some(500)]);
    // What came is kept for the next time.
    assert_eq!(
        fs::metadata(folder.path().join("train-images-idx3-ubyte.gz.part")).unwrap().len(),
        500
    );
    assert!(!folder.path().join(FILES[2]).exists());
}

#[test]
fn a_file_beyond_all_measure_is_refused_at_once() {
    let tiny = Tiny::new();
    let server = Server::new(|_| Reply::Promise(1 << 40));
    let error = fetch(&tiny, &[&server]).1.unwrap_err();
    assert!(error.to_string().contains("too large") && !error.is_unavailable(), "{error}");
}

#[test]
fn two_at_a_time_do_not_mix() {
    let tiny = Tiny::new();
    let server = tiny.server(|_, archive| {
        std::thread::sleep(Duration::from_millis(100));
        Reply::Honest(archive)
    });
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                fetch_from(&tiny, folder.path(), &[&server], &mut Recorder::default()).unwrap()
            });
        }
    });
    assert_eq!(server.asked().len(), 4, "each file is fetched once");
}
