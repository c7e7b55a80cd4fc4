//! The program `data`: runs its command line and prints the result.

use std::io::{ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::cmd;

/// Exit code: the request was wrong.
const WRONG_REQUEST: u8 = 2;

/// Runs the program `data` with the arguments of the process.
pub fn main() -> ExitCode {
    run(&Cli::parse())
}

/// Runs a command of `data` and prints its text to stdout, or its error to stderr.
pub fn run(Cli { command, args }: &Cli) -> ExitCode {
    let result = match command {
        Command::Info { dataset } => cmd::info::info(args, dataset),
        Command::Show { dataset, split, index } => cmd::show::show(args, dataset, *split, *index),
        Command::Fetch { dataset } => cmd::fetch::fetch(args, dataset),
    };
    let error = match result {
        Ok(text) => match stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()) {
            // A reader such as `head` may close the pipe early. That is not an error.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                anyhow::Error::from(error).context("printing failed")
            }
            _ => return ExitCode::SUCCESS,
        },
        Err(error) => error,
    };
    let _ = writeln!(stderr(), "error: {error:#}");
    ExitCode::from(WRONG_REQUEST)
}
