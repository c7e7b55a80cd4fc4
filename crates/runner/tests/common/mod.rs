//! A folder to run the program in.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
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

    /// Writes a dataset of 30 training and 12 test images of 3×5 pixels in three classes. An image
    /// of class c is bright in row c.
    pub fn write_dataset(&self, folder: impl AsRef<Path>) {
        let folder = self.0.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        for (part, n) in [("train", 30u8), ("t10k", 12)] {
            let image = |i: u8| {
                (0..15u8)
                    .map(move |pixel| if pixel / 5 == i % 3 { 200 + i } else { i })
                    .collect::<Vec<_>>()
            };
            let mut images = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 3, 0, 0, 0, 5];
            images.extend((0..n).flat_map(image));
            let mut labels = vec![0, 0, 8, 1, 0, 0, 0, n];
            labels.extend((0..n).map(|i| i % 3));
            fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
            fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
        }
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
        command
            .current_dir(self.0.path())
            .env_remove("MNIST_DIR")
            .env_remove("CANDLE_SWEEP_MIRROR");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs, must succeed, gives stdout.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
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

/// The lines of a CSV file without the columns that may differ between two runs of the same experiment.
pub fn without_columns(csv: &str, dropped: &[&str]) -> Vec<Vec<String>> {
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let kept: Vec<usize> =
        (0..header.len()).filter(|i| !dropped.contains(&header[*i].as_str())).collect();
    let pick = |row: Vec<String>| kept.iter().map(|i| row[*i].clone()).collect();
    std::iter::once(header.clone()).chain(lines).map(pick).collect()
}

/// All that a results folder says of an experiment, but for times and the ids of runs: both CSV files, the weights, and what people
/// look at.
pub fn measured(folder: &Folder, results: &str, experiment: &str) -> Vec<Vec<u8>> {
    let times = ["run", "seconds", "started_at"];
    let csv =
        |file| without_columns(&folder.read(&format!("{results}/{experiment}/{file}")), &times);
    let mut all: Vec<Vec<u8>> =
        ["runs.csv", "epochs.csv"].map(|file| format!("{:?}", csv(file)).into_bytes()).to_vec();
    let models = folder.path(results).join(experiment).join("models");
    let mut names: Vec<_> =
        fs::read_dir(&models).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_string_lossy().starts_with(".weights-"));
    names.sort();
    for name in names {
        all.push(name.to_string_lossy().into_owned().into_bytes());
        all.push(fs::read(models.join(name)).unwrap());
    }
    let reader = tracking::Reader::open(&folder.path(results)).unwrap();
    for run in reader.runs(experiment).unwrap() {
        let examples = reader.error_analysis(&run).unwrap();
        assert_eq!(examples.is_some(), run.status == tracking::Status::Finished);
        all.push(format!("{} {examples:?}", run.trial).into_bytes());
    }
    all
}
