//! A folder to run the program in.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;

/// A temporary folder, with the program in it as a user would have it.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The program, in this folder, with no variable of the tester's.
    pub fn command(&self) -> Command {
        let mut command = Command::cargo_bin("runner").unwrap();
        command.current_dir(self.0.path()).env_remove("MNIST_DIR").env_remove("CANDLE_SWEEP_MIRROR");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs, must succeed, gives stdout.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs, must fail with `code`, gives stderr.
    pub fn run_fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.output(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        error
    }
}
