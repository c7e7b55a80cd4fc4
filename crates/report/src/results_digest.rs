//! Digest of the results of an experiment: equal for two sweeps that computed the same.
//!
//! It covers the effective run of each trial. It does not cover what differs between two
//! sweeps of one experiment: ids of runs, clocks, hosts, engines, metrics of time, earlier runs of
//! a trial, and the name of the experiment.
//!
//! # Format
//!
//! The digest is the SHA-256 of the text `candle-sweep results 1` and of these fields of each trial,
//! in the order of trial ids. The validation is `test` if the program did not state it.
//!
//! | field | form |
//! |---|---|
//! | trial id, SHA-256 of the dataset, validation, status | four texts |
//! | number of hyperparameters | number |
//! | … each hyperparameter, by name | its name, the letter `i`, `r` or `t`, its value |
//! | number of epochs | number |
//! | … each epoch | epoch, step, metrics |
//! | results | metrics |
//! | weights | the letter `w` and the SHA-256 of the file, or the letter `a` if it is absent |
//!
//! Metrics are their number, then the name and the value of each, by name. Metrics of time are left
//! out. A number is 8 bytes, least significant first; a real number is that of its IEEE 754 bits. A
//! text is its length in bytes, which is a number, and its UTF-8 bytes. A letter is one byte.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use analysis::runs::weights_file;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tracking::metric::is_time;
use tracking::{EpochMetrics, Reader, RecordedRun, Value};

/// The first text of the format, which names its version.
const FORMAT: &str = "candle-sweep results 1";

/// Computes the digest of the results of `experiment`. At most one run's epochs are in memory.
pub fn of_experiment(reader: &Reader, results: &Path, experiment: &str) -> Result<ResultsDigest> {
    let mut runs = reader.runs(experiment)?;
    runs.sort_by(|a, b| a.trial.cmp(&b.trial));
    let mut fields = Fields::default();
    fields.text(FORMAT);
    for run in &runs {
        fields.trial(run, &reader.epochs(run)?, sha256_of_file(&weights_file(results, run))?);
    }
    Ok(ResultsDigest(fields.0.finalize().into()))
}

/// SHA-256 of the results of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultsDigest([u8; 32]);

impl fmt::Display for ResultsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Hashes fields in the forms of the format.
#[derive(Default)]
struct Fields(Sha256);

impl Fields {
    fn trial(&mut self, run: &RecordedRun, epochs: &[EpochMetrics], weights: Option<[u8; 32]>) {
        let texts =
            [run.trial.as_str(), &run.dataset_sha256, run.validation.key(), run.status.as_str()];
        texts.into_iter().for_each(|text| self.text(text));
        self.params(run);
        self.count(epochs.len());
        for epoch in epochs {
            self.number(epoch.epoch.into());
            self.number(epoch.step);
            self.metrics(epoch.metrics.iter().map(|(name, value)| (name.as_str(), *value)));
        }
        self.metrics(run.results.iter().map(|(name, value)| (&**name, *value)));
        match weights {
            Some(sha256) => self.letter(b'w').0.update(sha256),
            None => {
                self.letter(b'a');
            }
        }
    }

    fn params(&mut self, run: &RecordedRun) {
        let mut params: Vec<_> = run.params.iter().collect();
        params.sort_by_key(|(name, _)| name.clone());
        self.count(params.len());
        for (name, value) in params {
            self.text(name);
            match value {
                Value::Integer(integer) => self.letter(b'i').0.update(integer.to_le_bytes()),
                Value::Real(real) => self.letter(b'r').number(real.to_bits()),
                Value::Text(text) => self.letter(b't').text(text),
            }
        }
    }

    fn metrics<'a>(&mut self, metrics: impl Iterator<Item = (&'a str, f64)>) {
        let mut metrics: Vec<_> = metrics.filter(|(name, _)| !is_time(name)).collect();
        metrics.sort_by_key(|(name, _)| *name);
        self.count(metrics.len());
        for (name, value) in metrics {
            self.text(name);
            self.number(value.to_bits());
        }
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text);
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn letter(&mut self, letter: u8) -> &mut Self {
        self.0.update([letter]);
        self
    }
}

/// SHA-256 of a file; `None` if there is no file.
fn sha256_of_file(path: &Path) -> Result<Option<[u8; 32]>> {
    let cannot_read = || format!("cannot read the weights {}", path.display());
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.with_context(cannot_read)?,
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).with_context(cannot_read)? {
            0 => return Ok(Some(hash.finalize().into())),
            length => hash.update(&buffer[..length]),
        }
    }
}
