//! The command line of `data`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The datasets in this program.
const EMBEDDED: &str = if cfg!(feature = "mnist") { "mnist and digits" } else { "digits" };

/// Show and download image datasets
///
/// Examples:
///   data info mnist
///   data show fashion-mnist test 7
///   data fetch kmnist --data-dir datasets
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment, max_term_width = 100)]
#[command(
    after_help = format!(
        "DATASET is mnist, fashion-mnist, kmnist, digits, or a folder of IDX files.\n\
        The program contains {EMBEDDED}; the others are downloaded once.\n\
        The variable MNIST_DIR names a folder with the four MNIST files.\n\
        The variable CANDLE_SWEEP_MIRROR names mirrors, separated by spaces or commas."
    )
)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) args: FinderArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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
pub(crate) struct FinderArgs {
    /// Set the dataset cache, with one folder per dataset [default: the user's cache folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Download from this URL instead of the default mirrors; repeatable
    #[arg(long = "mirror", global = true, value_name = "URL")]
    pub(crate) mirrors: Vec<String>,
    /// Never use the network
    #[arg(long, global = true)]
    pub(crate) offline: bool,
}

/// A split of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// Training split
    Train,
    /// Test split
    Test,
}
