//! Runs experiments and records their runs: the commands of the program `runner`, which are also
//! verbs of `candle-sweep`.

mod cli;
mod cluster;
mod cmd;
mod executor;
mod experiment;
mod metric;
mod output;
mod separator;
mod sweep;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

pub use crate::cli::{Cli, Command, RunArgs};
pub use crate::executor::program::supervisor::supervise_if_asked;
pub use tracking::shell::declare_program_of_verbs;

/// The version of the program, with the commit of its sources.
pub const VERSION: &str = env!("VERSION");

/// Exit code: the request was wrong and nothing ran.
const WRONG_REQUEST: u8 = 2;

/// Runs the program `runner` with the arguments of the process.
pub fn main() -> ExitCode {
    if let Some(code) = supervise_if_asked() {
        return code;
    }
    let cli = Cli::parse();
    match cli.command {
        None => run(&cli.run),
        Some(command) => execute(command),
    }
}

/// Runs experiments, or prints their plan.
pub fn run(args: &RunArgs) -> ExitCode {
    exit_code(cmd::run::run(args))
}

/// Executes another command.
pub fn execute(command: Command) -> ExitCode {
    exit_code(match command {
        Command::Predict(args) => cmd::predict::predict(&args).map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => cmd::verify::verify(&args),
        Command::Merge(args) => cmd::merge::merge(&args),
        Command::Import(args) => cmd::import::import(&args),
        Command::Submit(args) => cmd::submit::submit(&args),
        Command::Status(args) => cmd::status::status(&args),
        Command::Delete(args) => cmd::trash::delete(&args),
        Command::Restore(args) => cmd::trash::restore(&args),
        Command::Gc(args) => cmd::gc::gc(&args),
    })
}

fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
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
