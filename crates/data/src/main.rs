//! `data`: looks at datasets and fetches them.

mod cmd;

use std::io::{ErrorKind, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use cmd::show::SplitName;

/// Shows and fetches image datasets.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
#[command(
    after_help = "DATASET is mnist, fashion-mnist, kmnist, digits, or a folder of IDX files.\n\
    MNIST_DIR names a folder that holds the four MNIST files; CANDLE_SWEEP_MIRROR names mirrors."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    places: Places,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Shapes, value range, class counts and checksums of a dataset
    Info {
        /// Its name or folder
        dataset: String,
    },
    /// Draws an example with its label and one-hot vector
    Show {
        /// Its name or folder
        dataset: String,
        /// Which part of it
        split: SplitName,
        /// Which example, from 0
        index: usize,
    },
    /// Fetches a dataset, if it is not here, and says where it is
    Fetch {
        /// Its name
        dataset: String,
    },
}

/// Where datasets come from.
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
    let error = match result {
        Ok(text) => match stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()) {
            // Who closes the pipe has seen enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                anyhow::Error::from(error).context("printing failed")
            }
            _ => return ExitCode::SUCCESS,
        },
        Err(error) => error,
    };
    let _ = writeln!(stderr(), "error: {error:#}");
    ExitCode::from(2)
}
