//! The command line.

mod diff;
mod directions;
mod list;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use analysis::runs::EpochChoice;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

pub use diff::{DiffArgs, DiffFormat};
pub use directions::DirectionArgs;
pub use list::{ListArgs, ListFormat};

/// Compare the runs of each experiment in the results folder
///
/// Without a command, prints one table per experiment: settings ranked by a metric, with the
/// settings that may be the best.
///
/// Examples:
///   report -e batch_sweep --by batch_size
///   report --where 'epochs=20' --format csv
///   report html --top 20
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment)]
pub struct Cli {
    /// Read the store in this results folder [default: results]
    #[arg(short, long, value_name = "DIR", global = true, help_heading = "Input")]
    pub results: Option<PathBuf>,
    // Options without a command.
    #[command(flatten)]
    pub compare: CompareArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The results folder if no option names one.
const DEFAULT_RESULTS: &str = "results";

impl Cli {
    /// The command line of `command` alone.
    pub fn of(results: Option<PathBuf>, command: Command) -> Self {
        Self { results, compare: CompareArgs::default(), command: Some(command) }
    }

    /// Returns the results folder.
    pub fn results(&self) -> &Path {
        self.results.as_deref().unwrap_or(Path::new(DEFAULT_RESULTS))
    }
}

// No doc comment: clap would take it for the description of the whole program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    pub comparison: ComparisonArgs,
    /// Print in this format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
}

// The options of a comparison, in every command that compares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct ComparisonArgs {
    /// Select this experiment; repeatable [default: all]
    #[arg(short, long = "experiment", value_name = "NAME", help_heading = "Input")]
    pub experiments: Vec<String>,
    /// Group runs into settings by these hyperparameters [default: all that vary, except the
    /// replicate]
    ///
    /// Example: --by batch_size,decay averages over all other hyperparameters.
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', help_heading = "Comparison")]
    pub by: Option<Vec<String>>,
    /// Rank settings by this metric [default: the validation accuracy, or the test accuracy if the
    /// test set is the validation]
    ///
    /// A name can be typed as tables show it.
    ///
    /// Example: --sort 'test loss' or --sort test_loss
    #[arg(long, value_name = "METRIC", help_heading = "Comparison")]
    pub sort: Option<String>,
    #[command(flatten)]
    pub directions: DirectionArgs,
    /// Pair runs by this hyperparameter [default: seed, random_state, random_seed, fold or
    /// replicate]
    #[arg(long, value_name = "KEY", help_heading = "Comparison")]
    pub replicate: Option<String>,
    /// Compare all settings with this one instead of the best
    ///
    /// Example: --against 'batch_size=32 and decay=0'
    #[arg(long, value_name = "SETTING", help_heading = "Comparison")]
    pub against: Option<String>,
    /// Use this epoch of each run: the last, the one with the best ranking metric, or epoch N
    #[arg(long, value_name = "last|best|N", default_value = "last", help_heading = "Comparison")]
    pub at: EpochChoice,
    /// Show the best N settings [default: all]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "Output"
    )]
    pub top: Option<u32>,
    /// Show these columns in this order; `all` shows every column [default: the columns that fit]
    ///
    /// Columns are hyperparameters, metrics, n, runs, interval, difference, distance_to_best, best,
    /// front and others; an unknown name lists all of them. `all` shows every column at any width.
    /// The width is that of the terminal, or of the variable COLUMNS.
    ///
    /// Example: --columns batch_size,test_accuracy,interval
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Output")]
    pub columns: Option<Vec<String>>,
    /// Select the runs that match this condition; repeatable, all must match [default: all runs]
    ///
    /// A condition compares hyperparameters, metrics, status, dataset, engine, device, trial, run,
    /// started_at or ended_at with =, !=, <, <=, > or >=, joined by and, or, not and parentheses.
    ///
    /// Example: --where 'batch_size<=64 and not (status=failed or started_at<2026-11)'
    #[arg(long = "where", value_name = "CONDITION", help_heading = "Input")]
    pub conditions: Vec<String>,
}

// Options of the page.
#[derive(Debug, Args)]
pub struct HtmlArgs {
    #[command(flatten)]
    pub comparison: ComparisonArgs,
    /// Write the page to this file, or to standard output for - [default: report.html in the
    /// results folder]
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

// Options of the export.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["format", "to"]).required(true)))]
pub struct ExportArgs {
    /// Write the record or the comparison in this format
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<ExportFormat>,
    /// Add the runs to another tool: mlflow with a folder or a server, or tensorboard with a folder
    ///
    /// Runs that the tool already has are skipped, so the command can be repeated during a sweep.
    ///
    /// Examples: --to mlflow http://127.0.0.1:5000, --to tensorboard logs
    #[arg(
        long,
        num_args = 2,
        value_names = ["TOOL", "DIR|URL"],
        conflicts_with = "output",
        help_heading = "Output"
    )]
    pub to: Option<Vec<OsString>>,
    /// Write to this path: a folder for csv and parquet [default: export/FORMAT in the results
    /// folder], else a file [default: standard output]
    #[arg(short, long, value_name = "PATH", help_heading = "Output")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub comparison: ComparisonArgs,
}

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The record, as a folder with one file per table
    Csv,
    /// The record, as one document
    Json,
    /// The record, as a folder with one typed file per table
    Parquet,
    /// The comparison, for a page
    Markdown,
    /// The comparison, for a paper
    Latex,
}

// The digest.
#[derive(Debug, Args)]
pub struct DigestArgs {
    /// Select these experiments [default: all]
    #[arg(value_name = "EXPERIMENT")]
    names: Vec<String>,
    /// Select this experiment; repeatable
    #[arg(short, long = "experiment", value_name = "NAME")]
    experiments: Vec<String>,
    // The id is that of the global option, so that clap does not add its long form to this command.
    /// Read the store in this results folder [default: results]
    #[arg(id = "results", short = 'r', value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one digest per experiment, of its results only
    ///
    /// The digest covers the hyperparameters, status, metrics and weights of each trial, and no
    /// times, hosts or ids of runs. Two sweeps with equal digests computed the same results.
    ///
    /// Example: report digest -r FOLDER --results
    ///
    /// Without -r, `--results DIR` names the results folder, as in the other commands. With -r,
    /// `--results NAME` names an experiment.
    #[arg(long = "results", value_name = "DIR")]
    of_results: Option<Option<PathBuf>>,
}

/// What a digest covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestScope {
    /// Every row of the store.
    Record,
    /// What two sweeps of one experiment have in common.
    Results,
}

impl DigestArgs {
    /// Returns what the digest covers, the results folder and the selected experiments.
    pub fn resolve(&self) -> (DigestScope, PathBuf, Vec<String>) {
        let folder = || self.folder.clone().unwrap_or(DEFAULT_RESULTS.into());
        let mut experiments = [&self.names[..], &self.experiments].concat();
        let (scope, folder) = match (&self.of_results, &self.folder) {
            (None, _) => (DigestScope::Record, folder()),
            (Some(None), _) => (DigestScope::Results, folder()),
            (Some(Some(folder)), None) => (DigestScope::Record, folder.clone()),
            (Some(Some(name)), Some(folder)) => {
                experiments.push(name.to_string_lossy().into_owned());
                (DigestScope::Results, folder.clone())
            }
        };
        (scope, folder, experiments)
    }
}

// Options of the server.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub comparison: ComparisonArgs,
    /// Listen on this port, or on a free one for 0
    #[arg(long, value_name = "PORT", default_value_t = 8642, help_heading = "Server")]
    pub port: u16,
    /// Listen on this address
    ///
    /// Addresses other than loopback require a token. The printed URL contains it.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", help_heading = "Server")]
    pub host: String,
    /// Require this token of at least 16 letters and digits [default: a new one if --host is beyond
    /// this machine]
    ///
    /// Other users of this machine can see the options of a running program. The environment
    /// variable CANDLE_SWEEP_TOKEN hides the token from them.
    #[arg(long, value_name = "TOKEN", help_heading = "Server")]
    pub token: Option<String>,
}

/// The format of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For the terminal
    #[default]
    Table,
    /// For a page
    Markdown,
    /// For a spreadsheet, with every number in full
    Csv,
    /// For a program, with every number in full
    Json,
}

/// A command besides the comparison.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the comparison as one HTML page with tables, charts and the best trial
    ///
    /// Example: report html -e batch_sweep -o page.html
    Html(HtmlArgs),
    /// Write the record, the comparison or the runs for other programs
    ///
    /// csv, json and parquet hold the record: everything in the store. markdown and latex hold the
    /// comparison. --to adds the runs to MLflow or TensorBoard. -e and --where select runs in every
    /// case; the other options apply to the comparison only.
    ///
    /// Example: report export --format parquet -e batch_sweep
    Export(ExportArgs),
    /// Print the digest of the whole store, or of the results of each experiment
    Digest(DigestArgs),
    /// Serve the page on HTTP and update it while a sweep runs
    ///
    /// Example: report serve --port 8000
    Serve(ServeArgs),
    /// List the experiments, or with -e or --where their runs
    ///
    /// Lists are newest first. Runs of every status appear. A superseded run does not count in
    /// comparisons, because its trial ran again. show and diff accept the ids.
    ///
    /// Examples:
    ///   report list
    ///   report list -e batch_sweep --where 'batch_size<=64' --top 20
    #[command(verbatim_doc_comment)]
    List(ListArgs),
    /// Show the facts, metrics and epochs of a run, or what its program printed
    ///
    /// Example: report show 0f3a
    Show {
        /// Show the run with this id, or the newest run of the trial with this id; the beginning is
        /// enough
        id: String,
        /// Print the standard output and the standard error of the run's program instead
        ///
        /// At most 1 MiB of each is kept: the first and the last half.
        #[arg(long)]
        log: bool,
    },
    /// Compare two runs, or the runs of two settings, experiments, commits or folders trial by trial
    ///
    /// Hyperparameters with one value on each side are what is compared; runs match in all others.
    ///
    /// Examples:
    ///   report diff batch_sweep@3f2a91c batch_sweep
    ///   report diff batch_sweep:batch_size=32 batch_sweep:batch_size=64
    ///   report diff baseline/ candidate/ --judge --metric test_accuracy --margin 0.002
    ///
    /// Exit codes with --judge:
    ///   0   right is better, by more than the margin
    ///   10  right is not better: it is worse, or equivalent within the margin
    ///   11  undecided: add seeds and ask again
    ///   1   the record is damaged
    ///   2   the request was wrong, or the sides have nothing in common
    #[command(verbatim_doc_comment)]
    Diff {
        #[command(flatten)]
        args: DiffArgs,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
