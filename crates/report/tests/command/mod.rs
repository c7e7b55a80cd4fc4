//! Calls of `report` and their expected output.
#![allow(clippy::unwrap_used, dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

/// One call of `report`: `Test::new(results).args(&["show", id]).success()`.
#[must_use]
pub struct Test {
    results: PathBuf,
    args: Vec<String>,
    stdout: Option<String>,
    stderr: Option<String>,
}

impl Test {
    pub fn new(results: &Path) -> Self {
        Self { results: results.to_owned(), args: Vec::new(), stdout: None, stderr: None }
    }

    /// Adds arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Sets the exact standard output.
    pub fn stdout(mut self, expected: &str) -> Self {
        self.stdout = Some(expected.to_owned());
        self
    }

    /// Sets the exact standard error. The default on success is nothing.
    pub fn stderr(mut self, expected: &str) -> Self {
        self.stderr = Some(expected.to_owned());
        self
    }

    /// Expects exit code 0 and returns the standard output.
    pub fn success(mut self) -> String {
        self.stderr.get_or_insert_default();
        self.run(0).0
    }

    /// Expects exit code 2 without standard output and returns the standard error.
    pub fn failure(mut self) -> String {
        self.stdout.get_or_insert_default();
        self.run(2).1
    }

    fn run(self, code: i32) -> (String, String) {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
        command.env_remove("COLUMNS").arg("--results").arg(&self.results).args(&self.args);
        let output = command.output().unwrap();
        let (out, err) =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).into();
        let args = self.args.join(" ");
        assert_eq!(output.status.code(), Some(code), "report {args}: {out}{err}");
        for (expected, text) in [(self.stdout, &out), (self.stderr, &err)] {
            assert!(!text.contains('\u{1b}'), "report {args}: no escape sequences: {text:?}");
            if let Some(expected) = expected {
                assert_eq!(*text, expected, "report {args}");
            }
        }
        (out, err)
    }
}
