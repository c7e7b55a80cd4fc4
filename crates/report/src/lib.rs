//! Compares the runs in the store of a results folder: the commands of the program `report`, which
//! are also verbs of `candle-sweep`. It never writes to the store.

mod atomic_write;
mod chart;
#[allow(missing_docs, reason = "clap would print the docs as help")]
mod cli;
mod cmd;
mod comparison;
mod diff;
mod error;
#[cfg(test)]
mod example;
mod export;
mod listing;
mod narrative;
mod number_format;
mod page;
mod query;
mod render;
mod results_digest;
mod serve;
mod table;
mod wording;

use std::process::ExitCode;

use clap::Parser;

pub use crate::cli::{Cli, Command, CompareArgs};

/// The exit code of a wrong request.
const WRONG_REQUEST: u8 = 2;

/// Runs the program `report` with the arguments of the process.
pub fn main() -> ExitCode {
    run(&Cli::parse())
}

/// Executes a command, or prints the comparison without one.
pub fn run(cli: &Cli) -> ExitCode {
    let result = match &cli.command {
        Some(_) if cli.compare != CompareArgs::default() => Err(misplaced()),
        None => cmd::compare::compare(cli.results(), &cli.compare),
        Some(Command::Html(args)) => cmd::html::html(cli.results(), args),
        Some(Command::Export(args)) => cmd::export::export(cli.results(), args),
        Some(Command::Digest(args)) => cmd::digest::digest(args),
        Some(Command::Serve(args)) => cmd::serve::serve(cli.results(), args),
        Some(Command::List(args)) => cmd::list::list(cli.results(), args),
        Some(Command::Show { id, log: true }) => cmd::log::log(cli.results(), id),
        Some(Command::Show { id, log: false }) => cmd::show::show(cli.results(), id),
        Some(Command::Diff { args }) => cmd::diff::diff(cli.results(), args),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {}", error::message(&error));
            ExitCode::from(WRONG_REQUEST)
        }
    }
}

/// The error for options of the comparison before a command, which would ignore them.
fn misplaced() -> anyhow::Error {
    anyhow::anyhow!(
        "options of the comparison are not allowed before a command: put options after it, as in \
         report html --top 5"
    )
}

/// Whether the reader of the output closed it, as in `report | head`; that is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |io: &std::io::Error| io.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(closed))
}
