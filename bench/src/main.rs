//! How fast candle-sweep is, beside other libraries and by the size of the task: tables in Markdown on stdout.
//!
//! `cargo build --release -p runner && cargo run --release -p bench`; METHODOLOGY.md says what is in the numbers.

mod bare;
mod contender;
mod engines;
mod machine;
mod peers;
mod race;
mod scaling;
mod sweep;
mod table;
mod timing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use data::{Dataset, Finder, Network, SilentFetch, Source};

/// Measures the runner and the engines beside other libraries; Markdown on stdout, progress on stderr
#[derive(Debug, Parser)]
struct Options {
    /// Rounds that count, at least 4: every contender trains one epoch a round
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(4..))]
    rounds: u32,
    /// The Python that has the peers; those it has not are left out
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Leave out how the engines' time grows with batch, classes, image and density
    #[arg(long)]
    skip_scaling: bool,
    /// Measure the runner alone: trials and cores
    #[arg(long)]
    sweep_only: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    ensure!(
        !cfg!(debug_assertions),
        "only optimised programs are measured: cargo run --release -p bench"
    );
    let (dataset, scratch) = (mnist()?, tempfile::tempdir()?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    machine::print_header(cores);
    let mut agree = true;
    if !options.sweep_only {
        agree = race::run(&dataset, &options.python, scratch.path(), options.rounds, cores)?;
        if !options.skip_scaling {
            scaling::print(&dataset)?;
        }
    }
    sweep::print_trials_and_cores(scratch.path(), cores)?;
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// MNIST from this machine; a measurement downloads nothing.
fn mnist() -> Result<Dataset> {
    let finder = Finder::new(None, Network::Offline, Vec::new())?;
    let found = finder.load(&Source::parse("mnist", Path::new(""))?, &mut SilentFetch);
    found.context(
        "MNIST is needed: set MNIST_DIR to a folder with its four files, or `cargo run -p data -- fetch mnist`",
    )
}
