//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::DeviceChoice;
use tracking::Shard;

use crate::experiment::shard::Choice;

/// Runs what is missing of experiments, and records it.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 every trial has its result (diverged is a result); 1 some trial failed; \
                        2 the request was wrong, nothing ran; 75 stopped by a signal, run again to go on."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What else the runner does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the class probabilities that a trial's model gives an example, beside its true label
    Predict(PredictArgs),
    /// Runs recorded runs again and compares every metric and the weights
    Verify(VerifyArgs),
    /// Puts the runs of other results folders into one
    Merge(MergeArgs),
    /// Puts what `report export` wrote, as csv or json, back into a results folder
    Import(ImportArgs),
    /// Runs an experiment on a cluster: an array of shards and a merge
    Submit(SubmitArgs),
    /// Shows which trials of an experiment are done, running or missing, shard by shard
    Status(StatusArgs),
    /// Moves runs, or all of an experiment, to the results folder's trash
    Delete(MoveArgs),
    /// Takes runs, or all of an experiment, out of the trash again
    Restore(MoveArgs),
    /// Shows what nothing needs any more and, with --yes, deletes it
    Gc(GcArgs),
}

/// Options of `verify`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct VerifyArgs {
    /// Runs or trials, by their id or any unique prefix of one
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// Every run that has its result
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    #[command(flatten)]
    pub places: Places,
    /// Trials at a time [default: the cores this process may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Say nothing of what is identical
    #[arg(short, long)]
    pub quiet: bool,
}

/// Options of `merge`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct MergeArgs {
    /// Results folders to take runs from; they stay as they are
    #[arg(required_unless_present = "attempts", value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
    /// Take the attempts that --shard auto left in the results folder, and say which trials of this experiment are missing
    #[arg(long, value_name = "EXPERIMENT.toml")]
    pub attempts: Option<PathBuf>,
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        requires = "attempts",
        help = "Override one setting of the experiment"
    )]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub places: Places,
}

/// Options of `import`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct ImportArgs {
    /// A folder of CSV files, a JSON document, or - for a document on standard input; held against its digest before anything is
    /// written. Runs that are there already are not added twice
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Results folder
    #[arg(short, long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
}

/// Options of `status`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct StatusArgs {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: PathBuf,
    #[arg(long = "set", value_name = "KEY=VALUE", help = "Override one setting of the experiment")]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub places: Places,
}

/// Options of `submit`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct SubmitArgs {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: PathBuf,
    /// Who schedules
    #[arg(long, value_enum, default_value_t = Scheduler::Slurm)]
    pub engine: Scheduler,
    /// Into how many tasks the plan is cut [default: so many that one lasts some minutes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub shards: Option<u32>,
    /// Most tasks at a time
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrent: Option<u32>,
    /// A task that SIGUSR1 ends (sbatch --signal=B:USR1@SECONDS) is started again, at most N times
    #[arg(long, value_name = "N", default_value_t = 0, num_args = 0..=1, default_missing_value = "3")]
    pub requeue: u32,
    /// Show what would be submitted
    #[arg(long)]
    pub dry_run: bool,
    /// Where to compute: cpu, cuda or cuda:N, of what the scheduler gives
    #[arg(long, value_name = "DEV", default_value = "cpu")]
    pub device: DeviceChoice,
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        help = "Override one setting of the experiment; repeatable"
    )]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub places: Places,
    /// Options of sbatch, for the tasks and the merge alike
    #[arg(last = true, value_name = "SBATCH OPTIONS")]
    pub options: Vec<String>,
}

/// What schedules tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// A job array, and a job that merges
    Slurm,
}

/// Options of `delete` and `restore`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct MoveArgs {
    /// Experiments by name, or runs or trials by any unique prefix of their id
    #[arg(required = true, value_name = "EXPERIMENT|ID")]
    pub what: Vec<String>,
    /// Results folder
    #[arg(short, long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
}

/// Options of `gc`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct GcArgs {
    /// Results folder
    #[arg(short, long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Only superseded runs that began longer ago than this, and older trash: as in 30days, 12h, 0s
    #[arg(long, value_name = "TIME", default_value = "30days", value_parser = humantime::parse_duration)]
    pub older_than: std::time::Duration,
    /// Delete it
    #[arg(long)]
    pub yes: bool,
}

/// Options of a run.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Experiment files
    #[arg(required = true, value_name = "EXPERIMENT.toml")]
    pub experiments: Vec<PathBuf>,
    #[command(flatten)]
    pub places: Places,
    /// Trials at a time [default: the cores this process may use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEV", default_value = "cpu")]
    pub device: DeviceChoice,
    /// How to compute
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto)]
    pub engine: EngineChoice,
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        help = "Override one setting with a TOML value; repeatable: \
        --set train.learning_rate=0.1 --set sweep.seed=[0,1]"
    )]
    pub sets: Vec<String>,
    /// Print the plan (trials, steps, what is already done, estimated time) and stop
    #[arg(long)]
    pub plan: bool,
    /// Run finished trials again, as new runs
    #[arg(long, conflicts_with = "retry_failed")]
    pub rerun: bool,
    /// Run only trials that failed
    #[arg(long)]
    pub retry_failed: bool,
    /// Stop at the first trial that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Run trials though another machine is said to run them
    #[arg(long)]
    pub take_over: bool,
    /// Run only part I (from 0) of N of the plan, into a results folder of its own; auto: the part that Slurm, Kubernetes or
    /// GNU parallel names (auto/N where it does not say of how many), into shards/ of the results folder
    #[arg(long, value_name = "I/N|auto", value_parser = crate::experiment::shard::choice)]
    pub shard: Option<Choice>,
    /// Ask Slurm for another attempt when SIGUSR1 ends this one, at most N times
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub requeue: u32,
    /// No progress and no summary: warnings and errors only
    #[arg(short, long)]
    pub quiet: bool,
    /// The results folder whose attempts share the work, where this is one of them.
    #[arg(skip)]
    pub shared: Option<PathBuf>,
}

impl RunArgs {
    /// The part of the plan to run, where it is not all of it.
    pub fn part(&self) -> Option<Shard> {
        match self.shard {
            Some(Choice::Named(shard)) => Some(shard),
            Some(Choice::Auto(_)) | None => None,
        }
    }
}

/// Where results and datasets are.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// Results folder
    #[arg(short, long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Dataset cache, a sub-folder a dataset [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Download datasets from here instead of their own mirrors; repeatable
    #[arg(long = "mirror", value_name = "URL")]
    pub mirrors: Vec<String>,
    /// Never use the network
    #[arg(long)]
    pub offline: bool,
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Trial or run id, or any unique prefix of one
    #[arg(long, value_name = "ID")]
    pub trial: String,
    /// Which example, from 0
    #[arg(long, value_name = "N")]
    pub index: usize,
    /// Which part of the dataset it is in
    #[arg(long, value_enum, default_value_t = SplitChoice::Test)]
    pub split: SplitChoice,
    #[command(flatten)]
    pub places: Places,
}

/// A part of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    /// The training set
    Train,
    /// The test set
    Test,
}

/// How trials are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// The fastest that fits the device: fused on the CPU, autograd elsewhere
    Auto,
    /// The gradient by hand, over what of the images is not empty: the fast one, CPU only
    Fused,
    /// candle's own layers, backward pass and optimiser: the reference
    Autograd,
}
