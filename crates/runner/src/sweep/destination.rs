//! Where a sweep records its runs, and where it looks for trials that are done.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tracking::{Shard, Store, StoreError, TrialId};

use crate::cli::RunArgs;
use crate::cluster::attempt::{self, Attempt};
use crate::experiment::shard::ShardChoice;
use crate::experiment::spec::Spec;

/// Where a sweep records its runs.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The results folder that the sweep writes.
    pub results: PathBuf,
    /// For an attempt of `--shard auto`: the results folder that holds all attempts.
    shared: Option<PathBuf>,
    pub shard: Option<Shard>,
}

impl Destination {
    /// The results folder of `args`, or for `--shard auto` the folder of this attempt.
    ///
    /// # Errors
    /// If no scheduler names the shard of `--shard auto`, or there are several experiments.
    pub fn new(args: &RunArgs, specs: &[Spec]) -> Result<Self> {
        let results = args.paths.results.clone();
        let count = match args.shard {
            None => return Ok(Self { results, shared: None, shard: None }),
            Some(ShardChoice::Named(shard)) => {
                return Ok(Self { results, shared: None, shard: Some(shard) });
            }
            Some(ShardChoice::Auto(count)) => count,
        };
        let [spec] = specs else { bail!("--shard auto takes one experiment at a time") };
        let attempt = Attempt::from_environment(count)?;
        let folder = attempt.folder(&results, &spec.name);
        Ok(Self { results: folder, shared: Some(results), shard: Some(attempt.shard) })
    }

    /// The results folder that decides a race. For an attempt it is that of the merged attempts.
    pub fn merged_results(&self) -> &Path {
        self.shared.as_ref().unwrap_or(&self.results)
    }

    /// Whether no other process writes to the store.
    pub fn is_exclusive(&self) -> bool {
        self.shared.is_some()
    }

    /// The results folders of other attempts at the same shard.
    ///
    /// # Errors
    /// If the folder of attempts cannot be read.
    pub fn other_attempts(&self) -> Result<Vec<PathBuf>> {
        match self.results.parent().filter(|_| self.is_exclusive()) {
            Some(shard) => Ok(attempt::subfolders(shard)?
                .into_iter()
                .filter(|attempt| *attempt != self.results)
                .collect()),
            None => Ok(Vec::new()),
        }
    }

    /// Opens or creates the store.
    pub fn open_store(&self) -> Result<Store, StoreError> {
        if self.is_exclusive() {
            Store::open_exclusive(&self.results)
        } else {
            Store::open(&self.results)
        }
    }

    /// The trials of `experiment` that have a result in another attempt or in the shared results
    /// folder.
    pub fn done_elsewhere(&self, experiment: &str) -> Result<HashSet<TrialId>> {
        match &self.shared {
            Some(shared) => attempt::done_trials(shared, experiment, self.shard),
            None => Ok(HashSet::new()),
        }
    }
}
