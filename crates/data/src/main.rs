//! The program `data` shows and downloads datasets.

mod cmd;

use std::io::{ErrorKind, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use cmd::show::SplitName;

/// Show and download image datasets
///
/// Examples:
///   data info mnist
///   data show fashion-mnist test 7
///   data fetch kmnist --data-dir datasets
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment, max_term_width = 100)]
#[command(
    after_help = "DATASET is mnist, fashion-mnist, kmnist, digits, or a folder of IDX files.\n\
    The variable MNIST_DIR names a folder with the four MNIST files.\n\
    The variable CANDLE_SWEEP_MIRROR names mirrors, separated by spaces or commas."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    args: FinderArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show shapes, value range, class counts and checksums of a dataset
    Info {
        /// Name or folder of the dataset
        dataset: String,
    },
    /// Draw an example with its label and one-hot vector
    Show {
        /// Name or folder of the dataset
        dataset: String,
        /// Split of the example
        split: SplitName,
        /// Index of the example, from 0
        index: usize,
    },
    /// Download the missing files of a dataset and print its folder
    Fetch {
        /// Name of the dataset
        dataset: String,
    },
}

/// Where to find datasets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
struct FinderArgs {
    /// Set the dataset cache, with one folder per dataset [default: the user's cache folder]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Download from this URL instead of the default mirrors; repeatable
    #[arg(long = "mirror", global = true, value_name = "URL")]
    mirrors: Vec<String>,
    /// Never use the network
    #[arg(long, global = true)]
    offline: bool,
}

fn main() -> ExitCode {
    let Cli { command, args } = Cli::parse();
    let result = match command {
        Command::Info { dataset } => cmd::info::info(&args, &dataset),
        Command::Show { dataset, split, index } => cmd::show::show(&args, &dataset, split, index),
        Command::Fetch { dataset } => cmd::fetch::fetch(&args, &dataset),
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
    ExitCode::from(2)
}
