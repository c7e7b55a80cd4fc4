//! Benchmarks of candle-sweep: comparison with other libraries, and scaling with the size of the
//! task. Prints tables in Markdown.
//!
//! `cargo build --release -p runner && cargo run --release -p bench`; METHODOLOGY.md explains the
//! numbers.

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

use anyhow::{Result, ensure};
use clap::Parser;
use data::{Dataset, Finder, Network, SilentFetch, Source};

/// Compare the speed of the runner and the engines with other libraries
///
/// Prints tables in Markdown to stdout and progress to stderr.
#[derive(Debug, Parser)]
struct Options {
    /// Measured rounds, at least 4; each contender trains one epoch per round
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(4..))]
    rounds: u32,
    /// Python interpreter with the other libraries; missing libraries are skipped
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Skip the scaling of the engines with batch size, classes, image size and density
    #[arg(long)]
    skip_scaling: bool,
    /// Only measure the runner by number of trials and cores
    #[arg(long)]
    sweep_only: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    ensure!(!cfg!(debug_assertions), "this is a debug build; run `cargo run --release -p bench`");
    let (dataset, scratch) = (mnist()?, tempfile::tempdir()?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    machine::print_header(cores);
    let mut accuracies_agree = true;
    if !options.sweep_only {
        accuracies_agree =
            race::run(&dataset, &options.python, scratch.path(), options.rounds, cores)?;
        if !options.skip_scaling {
            scaling::print(&dataset)?;
        }
    }
    sweep::print_trials_and_cores(scratch.path(), cores)?;
    Ok(if accuracies_agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Loads MNIST, which needs no network.
fn mnist() -> Result<Dataset> {
    let finder = Finder::new(None, Network::Offline, Vec::new())?;
    Ok(finder.load(&Source::parse("mnist", Path::new(""))?, &mut SilentFetch)?)
}
