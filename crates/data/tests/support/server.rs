//! A local HTTP server whose replies the test defines: complete or truncated files, errors, silence.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The last part of the path.
    pub file: String,
    /// Start of the requested range.
    pub from: Option<usize>,
    /// Number of earlier requests for this file.
    pub earlier: usize,
}

/// A reply to a request.
pub enum Reply {
    /// The file, or the requested range of it.
    File(Vec<u8>),
    /// The same, but the connection closes after this many bytes.
    Truncated(Vec<u8>, usize),
    /// The whole file, even if a range was requested.
    IgnoreRange(Vec<u8>),
    /// A status code without content.
    Status(u16),
    /// A redirect to this location.
    Redirect(String),
    /// A declared length of this many bytes, followed by one byte.
    DeclaredLength(usize),
    /// No reply for a minute.
    Silence,
}

/// A running server and a log of its requests.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server that runs until the test program ends.
    pub fn new(respond: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/sets/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, respond) = (Arc::clone(&requests), Arc::new(respond));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, respond) = (Arc::clone(&log), Arc::clone(&respond));
                thread::spawn(move || {
                    // A client may close the connection early.
                    let _ = reply_to(&stream.unwrap(), &log, &*respond);
                });
            }
        });
        Self { url, requests }
    }

    /// Starts a server of these files. Replies 404 to requests for other files.
    pub fn with_files(files: HashMap<String, Vec<u8>>) -> Self {
        Self::new(move |request| {
            files.get(&request.file).cloned().map_or(Reply::Status(404), Reply::File)
        })
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Start of the requested range of each request for `file`.
    pub fn ranges(&self, file: &str) -> Vec<Option<usize>> {
        self.requests()
            .into_iter()
            .filter(|request| request.file == file)
            .map(|request| request.from)
            .collect()
    }
}

fn reply_to(
    stream: &TcpStream,
    log: &Mutex<Vec<Request>>,
    respond: &dyn Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap()?;
    let file = first.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
    let mut from = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        from = line
            .strip_prefix("range: bytes=")
            .map(|range| range.trim_end_matches('-').parse().unwrap())
            .or(from);
    }
    let request = {
        let mut log = log.lock().unwrap();
        let earlier = log.iter().filter(|request: &&Request| request.file == file).count();
        log.push(Request { file, from, earlier });
        log.last().unwrap().clone()
    };
    let (body, from, limit) = match respond(&request) {
        Reply::File(body) => (body, request.from, usize::MAX),
        Reply::Truncated(body, limit) => (body, request.from, limit),
        Reply::IgnoreRange(body) => (body, None, usize::MAX),
        Reply::Status(status) => {
            return send(stream, &format!("HTTP/1.1 {status} No\r\nContent-Length: 0"), &[]);
        }
        Reply::Redirect(to) => {
            return send(
                stream,
                &format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0"),
                &[],
            );
        }
        Reply::DeclaredLength(length) => {
            return send(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {length}"), &[0]);
        }
        Reply::Silence => {
            thread::sleep(Duration::from_secs(60));
            return Ok(());
        }
    };
    let total = body.len();
    let head = match from {
        Some(from) if from >= total => {
            let head =
                format!("HTTP/1.1 416 No\r\nContent-Range: bytes */{total}\r\nContent-Length: 0");
            return send(stream, &head, &[]);
        }
        Some(from) => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\nContent-Length: {}",
            total - 1,
            total - from
        ),
        None => format!("HTTP/1.1 200 OK\r\nContent-Length: {total}"),
    };
    let rest = &body[from.unwrap_or(0)..];
    send(stream, &head, &rest[..rest.len().min(limit)])
}

fn send(mut stream: &TcpStream, head: &str, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "{head}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}
