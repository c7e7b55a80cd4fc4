//! Starts `report serve` and sends requests as a client that is not a browser.
#![allow(clippy::unwrap_used, dead_code, reason = "no test program uses all items")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait for a response or for an expected text.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two requests that wait for an expected text.
const POLL: Duration = Duration::from_millis(50);

/// A server on a port of its own. Dropping it kills the process.
pub struct Served {
    pub child: Child,
    pub url: String,
    pub address: String,
    // Kept open, so that the server can write to it.
    _stdout: BufReader<ChildStdout>,
}

impl Served {
    pub fn new(results: &Path, arguments: &[&str]) -> Self {
        Self::with(results, arguments, &[])
    }

    pub fn with(results: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::at("0", results, arguments, variables)
    }

    pub fn at(port: &str, results: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
        command.arg("--results").arg(results).args(["serve", "--port", port]).args(arguments);
        command.envs(variables.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.split(' ').next().unwrap().to_owned();
        let port = url.split(['/', ':']).nth(4).unwrap();
        Self { child, address: format!("127.0.0.1:{port}"), url, _stdout: stdout }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Sends `request` and reads until the server closes the connection.
    pub fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// The response to a GET with these header lines.
    pub fn get(&self, path: &str, headers: &[&str]) -> String {
        self.request("GET", path, headers)
    }

    pub fn request(&self, method: &str, path: &str, headers: &[&str]) -> String {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.raw(&format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"))
    }

    pub fn page(&self) -> String {
        self.get("/", &["Host: localhost"])
    }

    pub fn progress(&self) -> String {
        self.get("/progress", &["Host: localhost"])
    }

    /// Asks for the progress until it contains `text`, and returns how long that took.
    pub fn progress_until(&self, text: &str) -> Duration {
        until(text, || self.progress())
    }

    /// Asks for the page until it contains `text`, and returns how long that took.
    pub fn page_until(&self, text: &str) -> Duration {
        until(text, || self.page())
    }
}

fn until(text: &str, ask: impl Fn() -> String) -> Duration {
    let begun = Instant::now();
    loop {
        let response = ask();
        if response.contains(text) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < TIMEOUT, "no {text:?} in {response}");
        sleep(POLL);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status code of a response.
pub fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The value of a response header.
pub fn header<'a>(response: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = response.split_once("\r\n\r\n").unwrap();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
