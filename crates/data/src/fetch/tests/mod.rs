//! Downloads from a local server. Whatever a mirror sends, the folder ends up with correct files or
//! with none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod content;
mod files;
mod mirrors;
mod transfers;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Download, FIRST_BYTE_TIMEOUT, FetchObserver};
use crate::catalog::{CatalogEntry, Pins};
use crate::checksum::{md5, sha256};
use crate::dataset::{Dataset, ImageShape, Verification};
use crate::decode_cache::DecodeCache;
use crate::error::DataError;
use crate::files::FILES;
use crate::folder::{FolderReader, ReadMode};
use crate::random::{Purpose, generator};
use crate::sums_file;
use crate::test_support::server::{Reply, Request, Server};
use crate::test_support::{gzip, idx};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte.gz";
const PART: &str = "train-images-idx3-ubyte.gz.part";

/// A small dataset of random values, which hardly compress. Part of an archive is therefore about the
/// same part of the data.
struct Tiny {
    plain: [Vec<u8>; 4],
    archives: HashMap<String, Vec<u8>>,
    entry: &'static CatalogEntry,
}

impl Tiny {
    fn new() -> Self {
        Self::pinned(|plain, _| Pins::Sha256(plain.each_ref().map(|file| leak(sha256(&[file])))))
    }

    /// `pins` derives the pins from the plain files and their archives.
    fn pinned(pins: impl Fn(&[Vec<u8>; 4], &[Vec<u8>; 4]) -> Pins) -> Self {
        let plain = [
            random_idx(&[20, 5, 5], 256),
            random_idx(&[20], 3),
            random_idx(&[90, 5, 5], 256),
            random_idx(&[90], 3),
        ];
        let archives = plain.each_ref().map(|file| gzip(file));
        let entry = Box::leak(Box::new(CatalogEntry {
            name: "tiny",
            archives: None,
            mirrors: &[],
            pins: pins(&plain, &archives),
            shape: ImageShape { rows: 5, columns: 5 },
            train_len: 90,
            test_len: 20,
            classes: 3,
        }));
        let named = FILES.iter().map(|file| format!("{file}.gz")).zip(archives).collect();
        Self { plain, archives: named, entry }
    }

    /// Loads the dataset from a folder.
    fn read(&self, folder: &Path) -> Result<Dataset, DataError> {
        FolderReader {
            mode: ReadMode::Full,
            name: "tiny",
            folder: Some(folder),
            entry: Some(self.entry),
            embedded: None,
            cache: &DecodeCache::new(folder),
            advice: "",
        }
        .read()
    }

    /// The archive of the training images.
    fn archive(&self) -> Vec<u8> {
        self.archives[TRAIN_IMAGES].clone()
    }

    /// Starts a server that sends the other files and replies to requests for the training images by
    /// `training_images`.
    fn server(
        &self,
        training_images: impl Fn(&Request, Vec<u8>) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let archives = self.archives.clone();
        Server::new(move |request| {
            let archive = archives[&request.file].clone();
            if request.file == TRAIN_IMAGES {
                training_images(request, archive)
            } else {
                Reply::File(archive)
            }
        })
    }
}

fn leak(text: String) -> &'static str {
    text.leak()
}

/// An IDX file of random values less than `limit`.
fn random_idx(dimensions: &[u32], limit: u32) -> Vec<u8> {
    let mut random = generator(dimensions[0].into(), Purpose::Init);
    let values: Vec<u8> = (0..dimensions.iter().product())
        .map(|_| u8::try_from(random.below(limit)).unwrap())
        .collect();
    idx(dimensions, &values)
}

/// Records all callbacks.
#[derive(Default)]
struct RecordingObserver {
    started: Vec<(String, u64, Option<u64>)>,
    bytes: u64,
    finished: usize,
    notes: Vec<String>,
}

impl FetchObserver for RecordingObserver {
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

/// Downloads `tiny` to `folder` and loads it from there.
fn fetch_from(
    tiny: &Tiny,
    folder: &Path,
    mirrors: &[&Server],
    observer: &mut RecordingObserver,
) -> Result<Dataset, DataError> {
    let mirrors: Vec<String> = mirrors.iter().map(|mirror| mirror.url.clone()).collect();
    let timeout = Duration::from_millis(900);
    Download { entry: tiny.entry, folder, mirrors: &mirrors, timeout }.run(observer)?;
    let dataset = tiny.read(folder)?;
    assert_eq!(dataset.train.images, tiny.plain[2][16..], "the images are those of the server");
    Ok(dataset)
}

/// [`fetch_from`] to an empty folder.
fn fetch(tiny: &Tiny, mirrors: &[&Server]) -> (TempDir, Result<Dataset, DataError>) {
    let folder = tempfile::tempdir().unwrap();
    let result = fetch_from(tiny, folder.path(), mirrors, &mut RecordingObserver::default());
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
