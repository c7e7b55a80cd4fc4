//! `data`: looks at datasets and fetches them.

mod cmd;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Shows and fetches image datasets.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shapes, value range, class counts and checksums of a dataset
    Info { dataset: String },
    /// Draws an example with its label and one-hot vector
    Show { dataset: String, split: cmd::show::SplitName, index: usize },
    /// Fetches a dataset, if it is not here, and says where it is
    Fetch { dataset: String },
}

#[derive(Debug, Args)]
struct Places {
    /// Dataset cache, a sub-folder a dataset [default: the user's cache folder]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Download from here instead of the dataset's own mirrors; repeatable
    #[arg(long = "mirror", global = true, value_name = "URL")]
    mirrors: Vec<String>,
    /// Never use the network
    #[arg(long, global = true)]
    offline: bool,
}

fn main() -> ExitCode {
    let Cli { command, places } = Cli::parse();
    let result = match command {
        Command::Info { dataset } => cmd::info::info(&places, &dataset),
        Command::Show { dataset, split, index } => cmd::show::show(&places, &dataset, split, index),
        Command::Fetch { dataset } => cmd::fetch::fetch(&places, &dataset),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "error: {}",
                format!("{error:#}").escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
            );
            ExitCode::from(2)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
