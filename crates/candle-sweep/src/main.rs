//! The installable program: the commands of `runner`, `report` and `data` as verbs.

mod documents;
mod verbs;

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches, Subcommand};

const NAME: &str = "candle-sweep";

fn main() -> ExitCode {
    if let Some(code) = runner::supervise_if_asked() {
        return code;
    }
    runner::declare_program_of_verbs(NAME);
    execute(&verbs::command().get_matches()).unwrap_or_else(|error| error.exit())
}

/// Hands a verb to the library that has its command.
fn execute(matches: &ArgMatches) -> Result<ExitCode, clap::Error> {
    let Some((verb, options)) = matches.subcommand() else { return Ok(ExitCode::from(2)) };
    Ok(match verb {
        "run" => runner::run(&runner::RunArgs::from_arg_matches(options)?),
        "plan" => {
            let mut args = runner::RunArgs::from_arg_matches(options)?;
            args.plan = true;
            runner::run(&args)
        }
        "report" => report::run(&report::Cli::from_arg_matches(options)?),
        "data" => data::run(&data::Cli::from_arg_matches(options)?),
        _ if documents::Document::has_subcommand(verb) => {
            documents::Document::from_arg_matches(matches)?.write()
        }
        _ if runner::Command::has_subcommand(verb) => {
            runner::execute(runner::Command::from_arg_matches(matches)?)
        }
        _ => {
            let command = report::Command::from_arg_matches(matches)?;
            report::run(&report::Cli::of(options.get_one("results").cloned(), command))
        }
    })
}
