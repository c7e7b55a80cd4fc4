//! The installable program: the commands of `runner`, `report` and `data` as verbs.

mod verbs;

use std::fs;
use std::io::{Error, Result, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

const NAME: &str = "candle-sweep";

fn main() -> ExitCode {
    let matches = verbs::command().get_matches();
    execute(&matches).unwrap_or_else(|error| error.exit())
}

/// Hands a verb to the library that has its command.
fn execute(matches: &ArgMatches) -> std::result::Result<ExitCode, clap::Error> {
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
        "completions" => printed(completions(options)),
        "man" => printed(manual(options)),
        _ if runner::Command::has_subcommand(verb) => {
            runner::execute(runner::Command::from_arg_matches(matches)?)
        }
        _ => {
            let command = report::Command::from_arg_matches(matches)?;
            report::run(&report::Cli::of(options.get_one("results").cloned(), command))
        }
    })
}

fn completions(options: &ArgMatches) -> Result<()> {
    let Some(shell) = options.get_one::<Shell>("shell") else { return Ok(()) };
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut verbs::command(), NAME, &mut script);
    stdout().write_all(&script)
}

/// Prints the page of the program, or writes the pages of the program and its verbs into a folder.
fn manual(options: &ArgMatches) -> Result<()> {
    let mut command = verbs::command();
    command.build();
    let Some(folder) = options.get_one::<std::path::PathBuf>("folder") else {
        return Man::new(command).render(&mut stdout());
    };
    fs::create_dir_all(folder)?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write_page(folder, verb.clone())?;
    }
    write_page(folder, command)
}

fn write_page(folder: &Path, command: clap::Command) -> Result<()> {
    let name = command.get_display_name().unwrap_or(NAME).to_owned();
    let mut page = Vec::new();
    Man::new(command.display_name(&name)).render(&mut page)?;
    fs::write(folder.join(format!("{name}.1")), page)
}

/// Exit code of a command that only writes text. A reader that closed its pipe is no error.
fn printed(result: Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != Error::from(std::io::ErrorKind::BrokenPipe).kind() => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
}
