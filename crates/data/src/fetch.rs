//! Fetching a file of a known dataset: several mirrors, resumable, verified before it has its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::catalog::{Known, Pin};
use crate::dataset::FILES;
use crate::error::DataError;
use crate::find::{CHECKSUMS, read_checksums, verified};
use crate::idx::Idx;

/// Somebody who watches a download.
pub trait FetchObserver {
    /// `file` comes from `url`; `have` of its `total` bytes are here already.
    fn started(&mut self, file: &str, url: &str, have: u64, total: Option<u64>);
    /// So many more bytes came.
    fn advanced(&mut self, bytes: u64);
    /// No more bytes come.
    fn finished(&mut self);
    /// Something went otherwise than hoped.
    fn note(&mut self, line: &str);
}

/// Nobody watches.
pub struct Silent;

impl FetchObserver for Silent {
    fn started(&mut self, _: &str, _: &str, _: u64, _: Option<u64>) {}
    fn advanced(&mut self, _: u64) {}
    fn finished(&mut self) {}
    fn note(&mut self, _: &str) {}
}

/// Time in which, over all mirrors, a first answer must come: without a network the fallback is reached within 10 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// A download that brings no byte for so long has broken off.
const STALL: Duration = Duration::from_secs(30);

/// Largest archive worth fetching: the known ones are under 30 MB.
const LARGEST: u64 = 64 << 20;

/// How often a download that broke off is taken up again, as long as it gets further.
const ATTEMPTS: usize = 8;

/// Fetches files of one dataset into its folder.
pub(crate) struct Fetcher<'a> {
    pub(crate) known: Known,
    pub(crate) folder: &'a Path,
    pub(crate) mirrors: &'a [String],
}

/// Why a mirror gave no file.
enum Failure {
    /// It could not be reached, had no such file, or broke off.
    Unreachable(String),
    /// It gave another file.
    Wrong(DataError),
    /// The disk refuses: no mirror can help.
    Disk(DataError),
}

/// What one request brought.
enum Transfer {
    Whole,
    Broken { got: u64, reason: String },
}

impl Fetcher<'_> {
    /// Fetches `file`, one of [`FILES`], to `<folder>/<file>`, decompressed and verified.
    pub(crate) fn fetch(&self, file: &'static str, observer: &mut dyn FetchObserver) -> Result<(), DataError> {
        let disk = |source| DataError::Io { path: self.folder.to_owned(), source };
        fs::create_dir_all(self.folder).map_err(disk)?;
        // Two programs must not write one partial file; the second finds the file there.
        let lock = File::create(self.folder.join(".lock")).map_err(disk)?;
        lock.lock().map_err(disk)?;
        if self.folder.join(file).is_file() {
            return Ok(());
        }
        let (mut reasons, mut wrong) = (Vec::new(), None);
        for mirror in self.mirrors {
            let url = format!("{}/{file}.gz", mirror.trim_end_matches('/'));
            match self.try_mirror(file, &url, observer) {
                Ok(idx) => return self.keep(file, &idx).map_err(disk),
                Err(Failure::Disk(error)) => return Err(error),
                Err(Failure::Wrong(error)) => {
                    observer.note(&error.to_string());
                    wrong = Some(error);
                }
                Err(Failure::Unreachable(reason)) => {
                    observer.note(&format!("{url}: {reason}"));
                    reasons.push(format!("{url}: {reason}"));
                }
            }
        }
        Err(wrong.unwrap_or_else(|| DataError::Unavailable {
            name: self.known.name().to_owned(),
            folder: self.folder.to_owned(),
            reason: reasons.join("; "),
        }))
    }

    fn try_mirror(&self, file: &'static str, url: &str, observer: &mut dyn FetchObserver) -> Result<Idx, Failure> {
        let part = self.folder.join(format!("{file}.gz.part"));
        let resumed = size(&part) > 0;
        self.download(file, url, &part, observer)?;
        match self.check(file, url, &part) {
            // What was begun from another mirror, or long ago, may not fit what followed: once more, whole.
            Err(Failure::Wrong(_)) if resumed => {
                self.download(file, url, &part, observer)?;
                self.check(file, url, &part)
            }
            checked => checked,
        }
    }

    /// Downloads into `part`, going on where it ends.
    fn download(&self, file: &str, url: &str, part: &Path, observer: &mut dyn FetchObserver) -> Result<(), Failure> {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            match self.request(file, url, part, observer)? {
                Transfer::Whole => return Ok(()),
                Transfer::Broken { got: 0, reason } => return Err(Failure::Unreachable(reason)),
                Transfer::Broken { reason, .. } => last = reason,
            }
        }
        Err(Failure::Unreachable(last))
    }

    fn request(
        &self,
        file: &str,
        url: &str,
        part: &Path,
        observer: &mut dyn FetchObserver,
    ) -> Result<Transfer, Failure> {
        let have = size(part);
        let mut request = self.agent().get(url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let response = request.call().map_err(|error| Failure::Unreachable(error.to_string()))?;
        let keep = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if starts_at(&response, have) => have,
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT if have > 0 => {
                // Nothing beyond what is here: either it is whole, which the check decides, or it is worthless.
                return if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                    Ok(Transfer::Whole)
                } else {
                    remove(part)?;
                    Ok(Transfer::Broken { got: 1, reason: "the mirror sent another part than asked for".to_owned() })
                };
            }
            status => return Err(Failure::Unreachable(format!("the mirror answered {status}"))),
        };
        let total = response.body().content_length().map(|rest| rest + keep);
        if total.is_some_and(|total| total > LARGEST) {
            return Err(Failure::Unreachable(format!(
                "the mirror offers {} bytes, more than {LARGEST}",
                total.unwrap_or(0)
            )));
        }
        observer.started(file, url, keep, total);
        let transfer = append(response, part, keep, total, observer);
        observer.finished();
        transfer.map_err(|source| Failure::Disk(DataError::Io { path: part.to_owned(), source }))
    }

    fn check(&self, file: &'static str, url: &str, part: &Path) -> Result<Idx, Failure> {
        let archive =
            fs::read(part).map_err(|source| Failure::Disk(DataError::Io { path: part.to_owned(), source }))?;
        let pin = FILES.iter().position(|name| *name == file).map(|i| self.known.pins()[i]);
        let checked = verified(&archive, url, file, pin.unwrap_or(Pin::Sha256("")));
        checked.map_err(|error| remove(part).err().unwrap_or(Failure::Wrong(error)))
    }

    /// Gives the file its name, whole, and writes its checksum down.
    fn keep(&self, file: &str, idx: &Idx) -> io::Result<()> {
        self.replace(file, &idx.parts())?;
        let mut sums = read_checksums(self.folder).map_err(io::Error::other)?;
        sums.retain(|(_, name)| name != file);
        sums.push((idx.sha256.clone(), file.to_owned()));
        let lines: String = sums.iter().map(|(sum, name)| format!("{sum}  {name}\n")).collect();
        self.replace(CHECKSUMS, &[lines.as_bytes()])?;
        fs::remove_file(self.folder.join(format!("{file}.gz.part")))
    }

    fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let temporary = self.folder.join(format!(".{name}.tmp"));
        let mut file = File::create(&temporary)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        fs::rename(temporary, self.folder.join(name))
    }

    fn agent(&self) -> Agent {
        let each = PATIENCE / u32::try_from(self.mirrors.len().max(1)).unwrap_or(1);
        Agent::config_builder()
            .timeout_resolve(Some(each / 4))
            .timeout_connect(Some(each / 4))
            .timeout_send_request(Some(each / 8))
            .timeout_recv_response(Some(each / 4))
            .timeout_per_read(Some(STALL))
            .max_redirects(5)
            .http_status_as_error(false)
            .user_agent("candle-sweep")
            .build()
            .into()
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn remove(part: &Path) -> Result<(), Failure> {
    fs::remove_file(part).map_err(|source| Failure::Disk(DataError::Io { path: PathBuf::from(part), source }))
}

/// Whether a partial answer goes on where we stopped: `Content-Range: bytes 100-199/200`.
fn starts_at(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()) == Some(have)
}

/// Writes the body behind the first `keep` bytes of `part`. An error of the disk is an error, one of the network is not.
fn append(
    response: Response<Body>,
    part: &Path,
    keep: u64,
    total: Option<u64>,
    observer: &mut dyn FetchObserver,
) -> io::Result<Transfer> {
    let mut file = OpenOptions::new().create(true).append(true).open(part)?;
    file.set_len(keep)?;
    let mut body = response.into_body().into_reader();
    let (mut buffer, mut got) = (vec![0; 1 << 16], 0);
    loop {
        match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                file.write_all(&buffer[..read])?;
                got += read as u64;
                observer.advanced(read as u64);
            }
            Err(error) => return Ok(Transfer::Broken { got, reason: error.to_string() }),
        }
        if keep + got > LARGEST {
            return Ok(Transfer::Broken { got: 0, reason: format!("the mirror sends more than {LARGEST} bytes") });
        }
    }
    file.sync_all()?;
    Ok(match total {
        Some(total) if keep + got < total => Transfer::Broken { got, reason: "the transfer broke off".to_owned() },
        _ => Transfer::Whole,
    })
}
