//! Other libraries: Python programs that train an epoch a line.
//!
//! A peer is started with a folder, the batch size and the learning rate. It prints `{"ready": NAME}`, perhaps with `cores`, or
//! `{"missing": REASON}`, then for every line it reads trains an epoch and prints `{"seconds": …, "accuracy": …}`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use data::Dataset;
use serde::Deserialize;

use crate::contender::{BATCH, Contender, LEARNING_RATE, Turn};

/// Name and text of what the programs import.
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

/// What a peer prints.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Ready { ready: String, cores: Option<usize> },
    Missing { missing: String },
    Epoch { seconds: f64, accuracy: f64 },
}

/// A program that runs, until this is dropped.
pub struct Peer {
    name: String,
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    epochs: u32,
    cores: usize,
}

impl Peer {
    /// Starts those whose libraries `python` has; says on stderr which it has not.
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
                format!("{} cannot be started: --python names another", python.display())
            })?;
        let (questions, answers) =
            (process.stdin.take(), process.stdout.take().context("it has no stdout")?);
        let name = program.to_owned();
        let mut peer =
            Self { name, process, questions, answers: BufReader::new(answers), epochs: 0, cores };
        match peer.answer()? {
            Answer::Ready { ready, cores } => {
                peer.name = ready;
                peer.cores = cores.unwrap_or(peer.cores);
                Ok(Some(peer))
            }
            Answer::Missing { missing } => {
                eprintln!("{program} is left out: {missing}");
                Ok(None)
            }
            Answer::Epoch { .. } => bail!("{program} trained before it was ready"),
        }
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{} answered {line:?}", self.name))
    }
}

impl Drop for Peer {
    /// Its standard input ends, so it does.
    fn drop(&mut self) {
        self.questions = None;
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
        writeln!(self.questions.as_ref().context("it has no stdin")?, "epoch")?;
        self.epochs += 1;
        match self.answer()? {
            Answer::Epoch { seconds, accuracy } => {
                Ok(Turn { seconds, accuracy, epochs: self.epochs })
            }
            other => bail!("{} answered {other:?} to an epoch", self.name),
        }
    }
}

/// The splits as bytes and what they are, as `common.py` reads them.
fn write_dataset(dataset: &Dataset, folder: &Path) -> Result<()> {
    for (name, split) in [("train", &dataset.train), ("test", &dataset.test)] {
        fs::write(folder.join(format!("{name}_images.u8")), &split.images)?;
        fs::write(folder.join(format!("{name}_labels.u8")), &split.labels)?;
    }
    let features = dataset.shape.features();
    let meta = serde_json::json!({ "n": dataset.train.len(), "features": features, "classes": dataset.classes });
    Ok(fs::write(folder.join("meta.json"), meta.to_string())?)
}
