//! Other libraries, as Python programs.
//!
//! The arguments of a program are a folder, the batch size and the learning rate. It first prints
//! `{"ready": NAME}`, optionally with `cores`, or `{"missing": REASON}`. Then it trains one epoch
//! for every line of stdin and prints `{"seconds": …, "accuracy": …}`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use data::Dataset;
use serde::Deserialize;

use crate::contender::{BATCH, Contender, LEARNING_RATE, Turn};

/// Name and text of the modules that the programs import.
const SHARED: [(&str, &str); 2] = [
    ("common.py", include_str!("../peers/common.py")),
    ("jax_trials.py", include_str!("../peers/jax_trials.py")),
];
/// Name and text of each program.
const PROGRAMS: [(&str, &str); 5] = [
    ("keras_fit.py", include_str!("../peers/keras_fit.py")),
    ("torch_loop.py", include_str!("../peers/torch_loop.py")),
    ("jax_scan.py", include_str!("../peers/jax_scan.py")),
    ("jax_vmap.py", include_str!("../peers/jax_vmap.py")),
    ("sklearn_mlp.py", include_str!("../peers/sklearn_mlp.py")),
];

/// A line that a program prints.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Reply {
    Ready { ready: String, cores: Option<usize> },
    Missing { missing: String },
    Epoch { seconds: f64, accuracy: f64 },
}

/// A running program. Dropping it ends the program.
pub struct Peer {
    name: String,
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    epochs: u32,
    cores: usize,
}

impl Peer {
    /// Starts all programs whose libraries `python` can import. Prints a warning for each other
    /// program.
    pub fn all(
        python: &Path,
        dataset: &Dataset,
        scratch: &Path,
        cores: usize,
    ) -> Result<Vec<Self>> {
        write_dataset(dataset, scratch)?;
        for (name, text) in SHARED.into_iter().chain(PROGRAMS) {
            fs::write(scratch.join(name), text)?;
        }
        let started =
            PROGRAMS.iter().map(|(program, _)| Self::start(python, program, scratch, cores));
        started.filter_map(Result::transpose).collect()
    }

    fn start(python: &Path, program: &str, scratch: &Path, cores: usize) -> Result<Option<Self>> {
        eprintln!("starting {program}");
        let mut process = Command::new(python)
            .arg(scratch.join(program))
            .arg(scratch)
            .args([BATCH.to_string(), LEARNING_RATE.to_string()])
            .envs([
                ("CUDA_VISIBLE_DEVICES", ""),
                ("JAX_PLATFORMS", "cpu"),
                ("TF_CPP_MIN_LOG_LEVEL", "3"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("cannot start {}; name another with --python", python.display())
            })?;
        let (stdin, stdout) =
            (process.stdin.take(), process.stdout.take().context("the program has no stdout")?);
        let name = program.to_owned();
        let mut peer =
            Self { name, process, stdin, stdout: BufReader::new(stdout), epochs: 0, cores };
        match peer.read_reply()? {
            Reply::Ready { ready, cores } => {
                peer.name = ready;
                peer.cores = cores.unwrap_or(peer.cores);
                Ok(Some(peer))
            }
            Reply::Missing { missing } => {
                eprintln!("skipping {program}: {missing}");
                Ok(None)
            }
            Reply::Epoch { .. } => bail!("{program} replied with an epoch before it was ready"),
        }
    }

    fn read_reply(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line)
            .with_context(|| format!("{} printed {line:?}, expected a JSON reply", self.name))
    }
}

impl Drop for Peer {
    /// Closes stdin, which ends the program.
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.process.wait();
    }
}

impl Contender for Peer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn cores(&self) -> usize {
        self.cores
    }

    fn turn(&mut self) -> Result<Turn> {
        writeln!(self.stdin.as_ref().context("the program has no stdin")?, "epoch")?;
        self.epochs += 1;
        match self.read_reply()? {
            Reply::Epoch { seconds, accuracy } => {
                Ok(Turn { seconds, accuracy, epochs: self.epochs })
            }
            other => bail!("{} replied {other:?}, expected an epoch", self.name),
        }
    }
}

/// Writes the splits and their sizes in the format that `common.py` reads.
fn write_dataset(dataset: &Dataset, folder: &Path) -> Result<()> {
    for (name, split) in [("train", &dataset.train), ("test", &dataset.test)] {
        fs::write(folder.join(format!("{name}_images.u8")), &split.images)?;
        fs::write(folder.join(format!("{name}_labels.u8")), &split.labels)?;
    }
    let features = dataset.shape.features();
    let meta = serde_json::json!({ "n": dataset.train.len(), "features": features, "classes": dataset.classes });
    Ok(fs::write(folder.join("meta.json"), meta.to_string())?)
}
