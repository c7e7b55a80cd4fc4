//! Runs experiments and records their runs: the commands of the programs `runner` and `candle-sweep`.

mod cli;
mod cluster;
mod cmd;
mod executor;
mod experiment;
mod metric;
mod output;
mod shell;
mod sweep;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Exit code: the request was wrong and nothing ran.
const WRONG_REQUEST: u8 = 2;

/// Runs the program `runner` with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => cmd::run::run(&cli.run),
        Some(Command::Predict(args)) => cmd::predict::predict(&args).map(|()| ExitCode::SUCCESS),
        Some(Command::Verify(args)) => cmd::verify::verify(&args),
        Some(Command::Merge(args)) => cmd::merge::merge(&args),
        Some(Command::Import(args)) => cmd::import::import(&args),
        Some(Command::Submit(args)) => cmd::submit::submit(&args),
        Some(Command::Status(args)) => cmd::status::status(&args),
        Some(Command::Delete(args)) => cmd::trash::delete(&args),
        Some(Command::Restore(args)) => cmd::trash::restore(&args),
        Some(Command::Gc(args)) => cmd::gc::gc(&args),
    };
    result.unwrap_or_else(|error| {
        anstream::eprintln!("{}", render(&error));
        ExitCode::from(WRONG_REQUEST)
    })
}

/// The text of an error: a diagnostic with its source line, any other error as a chain of causes.
fn render(error: &anyhow::Error) -> String {
    if error.downcast_ref::<experiment::diagnostic::Diagnostic>().is_some() {
        return error.to_string();
    }
    format!("error: {}", tracking::printable(&format!("{error:#}")))
}
