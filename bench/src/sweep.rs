//! The runner as a user calls it: one process, measured from start to exit.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use model::EngineKind;

use crate::contender::{BATCH, Contender, EPOCHS, LEARNING_RATE, Turn};
use crate::table;
use crate::timing::{Spread, timed};

/// Number of measurements per cell in the table of trials and cores.
const REPEATS: usize = 3;

/// A sweep over seeds. Each turn runs the complete sweep.
pub struct Sweep {
    runner: PathBuf,
    folder: PathBuf,
    engine: EngineKind,
    trials: u32,
    jobs: usize,
}

impl Sweep {
    /// Creates a sweep of `trials` trials that runs `jobs` trials at once. Its files are in
    /// `folder`.
    pub fn new(folder: &Path, engine: EngineKind, trials: u32, jobs: usize) -> Result<Self> {
        let runner = std::env::current_exe()?
            .with_file_name(format!("runner{}", std::env::consts::EXE_SUFFIX));
        ensure!(
            runner.is_file(),
            "{} is missing: run `cargo build --release -p runner`",
            runner.display()
        );
        Ok(Self { runner, folder: folder.to_owned(), engine, trials, jobs })
    }

    /// Runs the sweep. Returns the seconds from start to exit and the mean test accuracy.
    fn run(&self) -> Result<(f64, f64)> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let experiment = folder.path().join("experiment.toml");
        std::fs::write(&experiment, self.experiment())?;
        let mut command = Command::new(&self.runner);
        command.arg(&experiment).arg("-r").arg(folder.path()).args(["--offline", "--quiet"]);
        command
            .args(["-j", &self.jobs.to_string(), "--engine", self.engine.name()])
            .stdout(Stdio::null());
        let (status, seconds) = timed(|| Ok(command.status()?))?;
        ensure!(status.success(), "the runner failed with {status}");
        Ok((seconds, accuracy(&folder.path().join("bench/runs.csv"))?))
    }

    fn experiment(&self) -> String {
        format!(
            "name = \"bench\"\n[data]\ndataset = \"mnist\"\nvalidation = \"test\"\n\
             [train]\nlearning_rate = {LEARNING_RATE}\nbatch_size = {BATCH}\nepochs = {EPOCHS}\n\
             [sweep]\nseed = {{ from = 0, to = {} }}\n",
            self.trials - 1
        )
    }
}

impl Contender for Sweep {
    fn name(&self) -> String {
        format!("`runner`, {} engine, {} trials", self.engine, self.trials)
    }

    fn cores(&self) -> usize {
        self.jobs
    }

    fn turn(&mut self) -> Result<Turn> {
        let (seconds, accuracy) = self.run()?;
        Ok(Turn { seconds: seconds / f64::from(self.trials * EPOCHS), accuracy, epochs: EPOCHS })
    }
}

/// Returns the mean of the column `test_accuracy`.
fn accuracy(runs: &Path) -> Result<f64> {
    let mut reader = csv::Reader::from_path(runs)?;
    let column = reader
        .headers()?
        .iter()
        .position(|name| name == "test_accuracy")
        .context("runs.csv has no column test_accuracy")?;
    let values: Vec<f64> =
        reader.records().map(|row| Ok(row?[column].parse()?)).collect::<Result<_>>()?;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// Prints the time of the runner by number of trials and cores.
pub fn print_trials_and_cores(folder: &Path, cores: usize) -> Result<()> {
    let jobs: Vec<usize> =
        std::iter::successors(Some(1), |jobs| Some(2 * jobs)).take_while(|j| *j < cores).collect();
    let jobs = [jobs, vec![cores]].concat();
    println!("\n## Trials and cores\n");
    println!(
        "Wall time of `runner` from start to exit, fused engine, {EPOCHS} epochs per trial; median of {REPEATS}."
    );
    let mut rows = Vec::new();
    for trials in [1, 4, 16] {
        eprintln!("trials and cores: {trials} trials");
        let mut times = vec![Vec::new(); jobs.len()];
        for _ in 0..REPEATS {
            for (jobs, times) in jobs.iter().zip(&mut times) {
                times.push(Sweep::new(folder, EngineKind::Fused, trials, *jobs)?.run()?.0);
            }
        }
        let medians = times.iter().map(|times| table::seconds(Spread::of(times).median));
        rows.push(std::iter::once(trials.to_string()).chain(medians).collect());
    }
    let columns: Vec<String> = jobs.iter().map(|jobs| format!("-j {jobs}")).collect();
    table::print(
        &[&["trials"], &columns.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat(),
        &rows,
    );
    Ok(())
}
