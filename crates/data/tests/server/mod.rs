//! A local HTTP server whose answers a test makes up: files whole or cut off, refusals, silence.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The last part of the path.
    pub file: String,
    /// Where the wanted range begins.
    pub from: Option<usize>,
    /// How often that file was asked for before.
    pub earlier: usize,
}

/// What is answered.
pub enum Reply {
    /// The file, or its rest where that was wanted.
    Honest(Vec<u8>),
    /// The same, but the connection closes after that many bytes.
    Cut(Vec<u8>, usize),
    /// All of the file, whatever was wanted.
    IgnoreRange(Vec<u8>),
    /// A status without a file.
    Status(u16),
    /// A redirect.
    Redirect(String),
    /// A promise of that many bytes, and one of them.
    Promise(usize),
    /// Nothing, for a minute.
    Silence,
}

/// The server, and what it was asked.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Ask>>>,
}

impl Server {
    /// Serves until the test program ends.
    pub fn new(respond: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/sets/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, respond) = (Arc::clone(&asked), Arc::new(respond));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, respond) = (Arc::clone(&log), Arc::clone(&respond));
                thread::spawn(move || {
                    // A client that hangs up is its own business.
                    let _ = answer(&stream.unwrap(), &log, &*respond);
                });
            }
        });
        Self { url, asked }
    }

    /// Serves these files honestly, 404 for others.
    pub fn of(files: HashMap<String, Vec<u8>>) -> Self {
        Self::new(move |ask| {
            files.get(&ask.file).cloned().map_or(Reply::Status(404), Reply::Honest)
        })
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }

    /// Where each request for `file` wanted to begin.
    pub fn ranges(&self, file: &str) -> Vec<Option<usize>> {
        self.asked().into_iter().filter(|ask| ask.file == file).map(|ask| ask.from).collect()
    }
}

fn answer(
    stream: &TcpStream,
    log: &Mutex<Vec<Ask>>,
    respond: &dyn Fn(&Ask) -> Reply,
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
            .map(|it| it.trim_end_matches('-').parse().unwrap())
            .or(from);
    }
    let ask = {
        let mut log = log.lock().unwrap();
        let earlier = log.iter().filter(|ask: &&Ask| ask.file == file).count();
        log.push(Ask { file, from, earlier });
        log.last().unwrap().clone()
    };
    let (body, wanted, cut) = match respond(&ask) {
        Reply::Honest(body) => (body, ask.from, usize::MAX),
        Reply::Cut(body, cut) => (body, ask.from, cut),
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
        Reply::Promise(length) => {
            return send(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {length}"), &[0]);
        }
        Reply::Silence => {
            thread::sleep(Duration::from_secs(60));
            return Ok(());
        }
    };
    let total = body.len();
    let head = match wanted {
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
    let rest = &body[wanted.unwrap_or(0)..];
    send(stream, &head, &rest[..rest.len().min(cut)])
}

fn send(mut stream: &TcpStream, head: &str, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "{head}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}
