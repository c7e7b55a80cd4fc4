//! `report serve` as a test starts it, and what a client without a browser asks.
#![allow(clippy::unwrap_used, dead_code, reason = "not every test uses all")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a port of its own, until this goes.
pub struct Served {
    pub child: Child,
    pub url: String,
    pub address: String,
    // Open, so that the server could go on to print.
    _out: BufReader<ChildStdout>,
}

impl Served {
    pub fn new(results: &Path, arguments: &[&str]) -> Self {
        Self::with(results, arguments, &[])
    }

    pub fn with(results: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::at("0", results, arguments, variables)
    }

    /// On this port.
    pub fn at(port: &str, results: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
        command.arg("--results").arg(results).args(["serve", "--port", port]).args(arguments);
        command.envs(variables.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.split(' ').next().unwrap().to_owned();
        let port = url.split(['/', ':']).nth(4).unwrap();
        Self { child, address: format!("127.0.0.1:{port}"), url, _out: out }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The whole answer to `request`, whose connection the server closes.
    pub fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The answer to a GET with these lines in its head.
    pub fn get(&self, path: &str, lines: &[&str]) -> String {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.raw(&format!("GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"))
    }

    /// The page, as its own machine is given it.
    pub fn page(&self) -> String {
        self.get("/", &["Host: localhost"])
    }

    /// What the server tells as it happens.
    pub fn follow(&self) -> Events {
        self.follow_at("/events")
    }

    /// The same for one who paints it on this machine.
    pub fn follow_here(&self) -> Events {
        self.follow_at("/events?here")
    }

    fn follow_at(&self, path: &str) -> Events {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        Events { stream: BufReader::new(stream), seen: None }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Events {
    stream: BufReader<TcpStream>,
    seen: Option<String>,
}

impl Events {
    /// The name of an event, if it has one, and its data, a line each.
    fn next(&mut self) -> String {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server hung up");
            if line.starts_with("event:") {
                name = line;
            } else if line.starts_with("data:") {
                return name + &line;
            }
        }
    }

    /// Whether nothing is told for some time.
    pub fn are_quiet_for(&mut self, time: Duration) -> bool {
        self.stream.get_ref().set_read_timeout(Some(time)).unwrap();
        // What ends an event may still come.
        let told = self
            .stream
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with("data:"));
        self.stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        !told
    }

    /// Waits for an event that contains `text`; how long that took.
    pub fn until(&mut self, text: &str) -> Duration {
        let begun = Instant::now();
        while !self.next().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "nothing of {text:?}");
        }
        begun.elapsed()
    }

    /// Waits until a part of the page is another than this said last; how long that took.
    pub fn until_new(&mut self, part: &str) -> Duration {
        let begun = Instant::now();
        loop {
            let event = self.next();
            let digest =
                event.split(&format!("\"{part}\",\"")).nth(1).map(|rest| rest[..16].to_owned());
            if digest.is_some() && digest != self.seen {
                self.seen = digest;
                return begun.elapsed();
            }
        }
    }
}

/// The number after `HTTP/1.1 `.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A line of the head.
pub fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|it| it.1)
}
