//! A builder for tests of the command line: a folder of experiment files, and calls of the program.

mod experiments;
mod results;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use experiments::{FOUR_TRIALS, SIXTEEN_TRIALS, TWELVE_TRIALS, write_dataset};
pub use results::Results;

/// The program under test.
pub const RUNNER: &str = env!("CARGO_BIN_EXE_runner");

/// A temporary folder in which a test writes experiment files and runs the program.
pub struct Sweep(tempfile::TempDir);

impl Sweep {
    /// An empty folder.
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with one experiment file.
    pub fn new(file: &str, experiment: &str) -> Self {
        let sweep = Self::empty();
        sweep.write(file, experiment);
        sweep
    }

    /// A folder with [`SIXTEEN_TRIALS`] as `small.toml`, and the results of all trials.
    pub fn finished() -> Self {
        let sweep = Self::new("small.toml", SIXTEEN_TRIALS);
        sweep.runner("small.toml -q").success();
        sweep
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
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

    /// The results folder that the program uses by default.
    pub fn results(&self) -> Results {
        self.results_in("results")
    }

    pub fn results_in(&self, folder: &str) -> Results {
        Results::new(self.path(folder))
    }

    /// A call of the program in this folder. Spaces separate the arguments.
    pub fn runner(&self, arguments: &str) -> Call {
        self.program(RUNNER).args(arguments)
    }

    /// A call of any program in this folder. The variables of the person who tests have no effect.
    pub fn program(&self, program: &str) -> Call {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env("XDG_CACHE_HOME", self.path("cache"));
        for variable in ["MNIST_DIR", "CANDLE_SWEEP_MIRROR", "COLUMNS"] {
            command.env_remove(variable);
        }
        Call(command)
    }
}

/// A call of a program that has not started.
#[must_use]
pub struct Call(Command);

impl Call {
    /// Appends arguments that spaces separate.
    pub fn args(mut self, arguments: &str) -> Self {
        self.0.args(arguments.split_whitespace());
        self
    }

    /// Appends one argument, which may contain spaces.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Appends `--set SETTING`.
    pub fn set(self, setting: &str) -> Self {
        self.arg("--set").arg(setting)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.0.stdin(stdin);
        self
    }

    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.0.stdout(stdout);
        self
    }

    /// Runs the program, which must exit with 0.
    #[track_caller]
    pub fn success(self) -> Output {
        self.exits(0)
    }

    /// Runs the program, which must exit with `code`.
    #[track_caller]
    pub fn exits(mut self, code: i32) -> Output {
        let output = self.0.output().unwrap();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(output.status.code(), Some(code), "{:?}:\n{stdout}{stderr}", self.0);
        Output { stdout, stderr }
    }

    /// Starts the program and does not wait for its end.
    pub fn start(mut self) -> Child {
        self.0.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// What a program wrote. Each method checks it and returns it for the next check.
pub struct Output {
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    #[track_caller]
    pub fn stdout_is(self, expected: impl AsRef<str>) -> Self {
        assert_eq!(self.stdout, expected.as_ref(), "standard error:\n{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn stderr_is(self, expected: impl AsRef<str>) -> Self {
        assert_eq!(self.stderr, expected.as_ref(), "standard output:\n{}", self.stdout);
        self
    }

    #[track_caller]
    pub fn stdout_contains(self, part: impl AsRef<str>) -> Self {
        let part = part.as_ref();
        assert!(self.stdout.contains(part), "no '{part}' in standard output:\n{}", self.stdout);
        self
    }

    #[track_caller]
    pub fn stderr_contains(self, part: impl AsRef<str>) -> Self {
        let part = part.as_ref();
        assert!(self.stderr.contains(part), "no '{part}' in standard error:\n{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn stdout_lacks(self, part: impl AsRef<str>) -> Self {
        let part = part.as_ref();
        assert!(!self.stdout.contains(part), "'{part}' in standard output:\n{}", self.stdout);
        self
    }

    #[track_caller]
    pub fn stderr_lacks(self, part: impl AsRef<str>) -> Self {
        let part = part.as_ref();
        assert!(!self.stderr.contains(part), "'{part}' in standard error:\n{}", self.stderr);
        self
    }
}

/// Polls until `condition` holds. Fails after half a minute.
#[track_caller]
pub fn wait_until(condition: impl Fn() -> bool, event: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "no such event within 30 s: {event}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Inverts one bit of the last byte of a file.
pub fn corrupt(path: impl AsRef<Path>) {
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}
