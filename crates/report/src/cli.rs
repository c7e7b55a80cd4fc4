//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use tracking::Direction;

use crate::runs::EpochChoice;

/// Comparison tables of every experiment in the results folder.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
pub struct Cli {
    /// Results folder [default: results]
    #[arg(short, long, value_name = "DIR", global = true)]
    pub results: Option<PathBuf>,
    // The comparison, which is what `report` does without a command.
    #[command(flatten)]
    pub compare: CompareArgs,
    // Anything else.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The results folder if no option names one.
const DEFAULT_RESULTS: &str = "results";

impl Cli {
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
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

// What both a comparison and its page can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct ComparisonArgs {
    /// Only this experiment; repeatable
    #[arg(short, long = "experiment", value_name = "NAME")]
    pub experiments: Vec<String>,
    /// Group by these hyperparameters [default: all that vary, except seed]
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    pub by: Option<Vec<String>>,
    /// Rank by this metric [default: accuracy on the validation set, or on the test set where that is the validation]
    #[arg(long, value_name = "METRIC")]
    pub sort: Option<String>,
    #[command(flatten)]
    pub directions: DirectionArgs,
    /// What repeats a setting, to pair runs by [default: seed, or random_state, random_seed, fold, replicate]
    #[arg(long, value_name = "KEY")]
    pub replicate: Option<String>,
    /// Compare all settings with this one instead of the best: 'batch_size=32 and decay=0'
    #[arg(long, value_name = "SETTING")]
    pub against: Option<String>,
    /// Which epoch of each run counts: the last, the best by the metric that ranks, or the N-th
    #[arg(long, value_name = "last|best|N", default_value = "last")]
    pub at: EpochChoice,
    /// Only the best N settings
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Only these columns, in this order: hyperparameters, metrics, n, interval, difference, best, front, …
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Only runs of which this holds, as 'batch_size<=64 and not (status=failed or started_at<2026-11)': = != < <= > >=,
    /// and, or, not, parentheses, of hyperparameters, metrics, status, dataset, engine, device, trial, run, started_at,
    /// ended_at; repeatable: all must hold
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<String>,
}

// The directions of metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct DirectionArgs {
    /// Of these metrics less is better; ranks by the first unless --sort is given
    #[arg(long, value_name = "METRIC,…", value_delimiter = ',')]
    pub minimize: Vec<String>,
    /// Of these metrics more is better; ranks by the first unless --sort is given
    #[arg(long, value_name = "METRIC,…", value_delimiter = ',')]
    pub maximize: Vec<String>,
}

impl DirectionArgs {
    /// The direction of each named metric.
    ///
    /// # Errors
    /// If both options name a metric.
    pub fn directions(&self) -> Result<Vec<(String, Direction)>> {
        if let Some(name) = self.minimize.iter().find(|name| self.maximize.contains(name)) {
            bail!(
                "--minimize and --maximize both name {}: expected one of them",
                tracking::printable(name)
            );
        }
        let with = |names: &[String], direction| {
            names.iter().map(|name| (name.clone(), direction)).collect::<Vec<_>>()
        };
        Ok([with(&self.minimize, Direction::Minimize), with(&self.maximize, Direction::Maximize)]
            .concat())
    }
}

// The page.
#[derive(Debug, Args)]
pub struct HtmlArgs {
    #[command(flatten)]
    pub comparison: ComparisonArgs,
    /// Where to write the page, - for standard output [default: report.html in the results folder]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

// The record or the comparison, for other programs and papers; the runs, for other tools.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["format", "to"]).required(true)))]
pub struct ExportArgs {
    /// What to write
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// What the runs are handed to, and where: mlflow and a folder or the address of a server, or tensorboard and a folder. What
    /// is there already stays, so that it may be repeated as a sweep goes on
    #[arg(long, num_args = 2, value_names = ["TOOL", "DIR|URL"], conflicts_with = "output")]
    pub to: Option<Vec<OsString>>,
    /// Where to: for csv and parquet a folder [default: export/FORMAT in the results folder], else a file [default: standard
    /// output]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub comparison: ComparisonArgs,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The record: a folder, a file a table
    Csv,
    /// The record: one document
    Json,
    /// The record: a folder, a typed file a table
    Parquet,
    /// The comparison, for a page
    Markdown,
    /// The comparison, for a paper
    Latex,
}

// The digest.
#[derive(Debug, Args)]
pub struct DigestArgs {
    /// Only these experiments [default: all]
    #[arg(value_name = "EXPERIMENT")]
    names: Vec<String>,
    /// Only this experiment; repeatable
    #[arg(short, long = "experiment", value_name = "NAME")]
    experiments: Vec<String>,
    // The id is that of the global option, so that clap does not add its long form to this command.
    /// Results folder [default: results]
    #[arg(id = "results", short = 'r', value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one digest per experiment, of its results only
    ///
    /// The digest covers the hyperparameters, status, metrics and weights of each trial, and no times,
    /// hosts or ids of runs. Two sweeps with equal digests computed the same results.
    ///
    /// Example: report -r FOLDER digest --results
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

// The page, served.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub comparison: ComparisonArgs,
    /// Port, 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8642)]
    pub port: u16,
    /// Address to serve at. Beyond this machine a token is needed, which the printed address has
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub host: String,
    /// The token, 16 letters and digits at least; who lists the programs of this machine sees it here, but not in the variable
    /// CANDLE_SWEEP_TOKEN [default: beyond this machine one that is new each time]
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
}

/// How to print a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For the terminal
    #[default]
    Table,
    /// For a page
    Markdown,
    /// For a spreadsheet: every number in full
    Csv,
    /// For a program: every number in full
    Json,
}

// What two sides can be asked.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Run or trial id or the beginning of one; an experiment; or EXPERIMENT@COMMIT: its runs made at that commit
    pub left: String,
    /// The same
    pub right: String,
    #[command(flatten)]
    pub directions: DirectionArgs,
    /// What repeats a setting [default: seed, or random_state, random_seed, fold, replicate]
    #[arg(long, value_name = "KEY")]
    pub replicate: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: DiffFormat,
}

/// How to print a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DiffFormat {
    /// For the terminal
    #[default]
    Table,
    /// For a program: every number in full
    Json,
}

/// What else can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One page to look at and to send: tables, charts, the best trial
    Html(HtmlArgs),
    /// All that the store has, or the comparison, in a format of others; or the runs, for MLflow or TensorBoard. -e and --where
    /// select, the other options are the comparison's
    Export(ExportArgs),
    /// Print the digest of the whole store, or of the results of each experiment
    Digest(DigestArgs),
    /// The same page in a browser, following a sweep while it runs
    Serve(ServeArgs),
    /// All that is known of a run, and its epochs
    Show {
        /// Run or trial id, or the beginning of one
        id: String,
    },
    /// What differs between two runs; between the runs of two experiments, trial by trial
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
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
