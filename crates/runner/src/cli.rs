//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::DeviceChoice;

use crate::experiment::shard::ShardChoice;

const INPUT: &str = "Input";
const EXECUTION: &str = "Execution";
const OUTPUT: &str = "Output";
const CLUSTER: &str = "Cluster";

/// Run the missing trials of one or more experiments and record them.
///
/// A trial that has a result is not run again, so a stopped sweep continues with the same command.
#[derive(Debug, Parser)]
#[command(
    version = crate::VERSION,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 each trial has a result (diverged is a result); 1 a trial failed or \
                  is left to another machine; 2 the request was wrong and nothing ran; 75 stopped \
                  by a signal, run the same command again to continue.",
    after_long_help = "Examples:
  runner experiments/batch_sweep.toml
  runner experiments/batch_sweep.toml --plan
  runner experiments/batch_sweep.toml --set train.epochs=10 --set sweep.seed=[0,1]
  runner experiments/batch_sweep.toml --shard 0/8 -r results-0

Statuses of a run:
  running   its process is active
  finished  all epochs are trained
  diverged  a loss was not finite
  failed    an error prevented a result
  killed    stopped by a signal, or its process ended; run again to resume it

Exit codes:
  0   each trial has a result (diverged is a result)
  1   a trial failed, or is left to another machine that is recorded as running it
  2   the request was wrong and nothing ran
  75  stopped by a signal; run the same command again to continue"
)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The other commands of the runner.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the class probabilities of a trial's model for one example
    Predict(PredictArgs),
    /// Run recorded runs again and compare every metric and the weights
    Verify(VerifyArgs),
    /// Merge the runs of other results folders into one
    Merge(MergeArgs),
    /// Import what `export` wrote as CSV or JSON into a results folder
    Import(ImportArgs),
    /// Submit an experiment to a cluster as an array of shards and a merge
    Submit(SubmitArgs),
    /// Show which trials of an experiment are done, running or missing, by shard
    Status(StatusArgs),
    /// Move runs or experiments to the trash of the results folder
    Delete(MoveArgs),
    /// Restore runs or experiments from the trash
    Restore(MoveArgs),
    /// List runs and files that no result needs and, with --yes, delete them
    Gc(GcArgs),
}

/// Options of `verify`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct VerifyArgs {
    /// Runs or trials, by id or a unique prefix of it; or experiment files
    ///
    /// An experiment file alone stands for all recorded runs of its plan. Runs of a program are
    /// verified only with their experiment file, because a record must not start programs.
    #[arg(value_name = "ID|EXPERIMENT.toml", required_unless_present = "all")]
    what: Vec<String>,
    /// Verify every run with a result
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub paths: PathArgs,
    /// Run N trials at a time [default: number of available cores; for a program, its `jobs` or 1]
    #[arg(short, long, value_name = "N", help_heading = EXECUTION)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Print only the runs that differ, and the count
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
}

impl VerifyArgs {
    /// The experiment files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.what.iter().map(String::as_str).filter(|what| is_file(what))
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.what.iter().map(String::as_str).filter(|what| !is_file(what))
    }
}

/// Whether an argument names an experiment file: no id has a dot.
fn is_file(what: &str) -> bool {
    what.contains('.')
}

/// Options of `merge`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct MergeArgs {
    /// Results folders to merge from; they are not changed
    #[arg(required_unless_present = "attempts", value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
    /// Merge the attempts of --shard auto at this experiment, and list its missing trials
    #[arg(long, value_name = "EXPERIMENT.toml", help_heading = INPUT)]
    pub attempts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub paths: PathArgs,
}

/// Options of `import`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct ImportArgs {
    /// Folder of CSV files, a JSON document, or - for a document on standard input
    ///
    /// The digest of the export is checked before anything is written. Runs that the results folder
    /// already has are not added again.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Use this results folder
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
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub paths: PathArgs,
}

/// Options of `submit`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct SubmitArgs {
    /// Experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: PathBuf,
    /// Submit to this scheduler
    #[arg(long, alias = "engine", value_enum, default_value_t = Scheduler::Slurm)]
    #[arg(help_heading = CLUSTER)]
    pub scheduler: Scheduler,
    /// Share the plan among N tasks [default: enough for a few minutes per task]
    #[arg(long, value_name = "N", help_heading = CLUSTER)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub shards: Option<u32>,
    /// Run at most P tasks at a time
    #[arg(long, value_name = "P", help_heading = CLUSTER)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrent: Option<u32>,
    /// Restart a task at most N times after SIGUSR1; without N: 3
    ///
    /// Slurm sends the signal before the time limit with: sbatch --signal=B:USR1@SECONDS
    #[arg(long, value_name = "N", default_value_t = 0, num_args = 0..=1)]
    #[arg(default_missing_value = "3", help_heading = CLUSTER)]
    pub requeue: u32,
    /// Print the jobs instead of submitting them
    #[arg(long, help_heading = CLUSTER)]
    pub dry_run: bool,
    /// Train on this device: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEV", default_value = "cpu", help_heading = EXECUTION)]
    pub device: DeviceChoice,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub paths: PathArgs,
    /// Pass these options to sbatch, for the tasks and the merge
    #[arg(last = true, value_name = "SBATCH OPTIONS")]
    pub options: Vec<String>,
}

/// A scheduler of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// A job array and a job that merges
    Slurm,
}

/// Options of `delete` and `restore`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct MoveArgs {
    /// Experiments by name, or runs or trials by a unique prefix of their id
    #[arg(required = true, value_name = "EXPERIMENT|ID")]
    pub what: Vec<String>,
    /// Use this results folder
    #[arg(short, long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
}

/// Options of `gc`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct GcArgs {
    /// Use this results folder
    #[arg(short, long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Keep superseded runs, merged attempts and trash that are newer than this, such as 30days
    /// or 12h; 0s keeps nothing
    #[arg(long, value_name = "TIME", default_value = "30days")]
    #[arg(value_parser = humantime::parse_duration)]
    pub older_than: Duration,
    /// Delete what is listed
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
    pub(crate) paths: PathArgs,
    /// Run N trials at a time [default: number of available cores; for a program, its `jobs` or 1]
    #[arg(short, long, value_name = "N", help_heading = EXECUTION)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Train on this device: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEV", default_value = "cpu", help_heading = EXECUTION)]
    pub device: DeviceChoice,
    /// Train with this engine
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto, help_heading = EXECUTION)]
    pub engine: EngineChoice,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// Print the plan instead of running it
    ///
    /// The plan lists trials, steps and what is already done, and estimates the time.
    #[arg(long, visible_alias = "dry-run", help_heading = OUTPUT)]
    pub plan: bool,
    /// Print the plan in this format [default: table]
    #[arg(long, value_enum, help_heading = OUTPUT)]
    pub format: Option<PlanFormat>,
    /// Run all trials again, as new runs
    #[arg(long, conflicts_with = "retry_failed", help_heading = EXECUTION)]
    pub rerun: bool,
    /// Run only trials that failed
    #[arg(long, help_heading = EXECUTION)]
    pub retry_failed: bool,
    /// Stop at the first trial that fails
    #[arg(long, help_heading = EXECUTION)]
    pub fail_fast: bool,
    /// Run trials that are recorded as running on another machine
    #[arg(long, help_heading = CLUSTER)]
    pub take_over: bool,
    /// Run only shard I of N, with I from 0, into a results folder of its own
    ///
    /// `auto` takes the shard from the environment variables of Slurm, Kubernetes or GNU parallel,
    /// and records into shards/ of the results folder. `auto/N` also gives the number of shards,
    /// where the scheduler does not.
    #[arg(long, value_name = "I/N|auto", help_heading = CLUSTER)]
    #[arg(value_parser = crate::experiment::shard::choice)]
    pub shard: Option<ShardChoice>,
    /// Ask Slurm for another attempt after SIGUSR1, at most N times
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = CLUSTER)]
    pub requeue: u32,
    /// Print only warnings and errors
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
}

/// Options that change the settings of experiment files.
#[derive(Debug, Clone, Args)]
pub(crate) struct SettingArgs {
    /// Override one setting with a TOML value; repeatable
    ///
    /// Examples: `--set sweep.seed=[0,1]`, `--set 'train.init="zeros"'`
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = INPUT)]
    sets: Vec<String>,
    /// Race: give more seeds only to settings that may still be the best
    ///
    /// The same as an empty `[race]` section: looks after 3, 5, 8, 12 and 20 seeds. Other looks:
    /// `--set race.seeds=[5,10]`. No race although the file has one: `--set race=false`.
    #[arg(long, help_heading = INPUT)]
    race: bool,
}

impl SettingArgs {
    /// The settings, each as `KEY=VALUE`.
    pub fn sets(&self) -> Vec<String> {
        let race = self.race.then(|| "race={}".to_owned());
        self.sets.iter().cloned().chain(race).collect()
    }

    /// The same options as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let sets = self.sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]);
        sets.chain(self.race.then(|| "--race".to_owned())).collect()
    }
}

/// Options that name the results folder and the source of datasets.
#[derive(Debug, Clone, Args)]
pub struct PathArgs {
    /// Use this results folder
    #[arg(short, long, value_name = "DIR", default_value = "results", help_heading = OUTPUT)]
    pub results: PathBuf,
    /// Set the dataset cache, with one folder per dataset [default: the user's cache folder]
    #[arg(long, value_name = "DIR", help_heading = INPUT)]
    pub data_dir: Option<PathBuf>,
    /// Download datasets from this mirror instead of the default mirrors; repeatable
    #[arg(long = "mirror", value_name = "URL", help_heading = INPUT)]
    pub mirrors: Vec<String>,
    /// Never use the network
    #[arg(long, help_heading = INPUT)]
    pub offline: bool,
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Use the model of this trial or run, by id or a unique prefix of it
    #[arg(value_name = "ID", required_unless_present = "trial")]
    id: Option<String>,
    /// The same as ID
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    trial: Option<String>,
    /// Use the example with this index, from 0
    #[arg(long, value_name = "N")]
    pub index: usize,
    /// Take the example from this split
    #[arg(long, value_enum, default_value_t = SplitChoice::Test)]
    pub split: SplitChoice,
    #[command(flatten)]
    pub paths: PathArgs,
}

impl PredictArgs {
    /// The trial or run. The command line requires exactly one of the two ways to name it.
    pub fn id(&self) -> &str {
        self.id.as_deref().or(self.trial.as_deref()).unwrap_or_default()
    }
}

/// A split of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    /// The training set
    Train,
    /// The test set
    Test,
}

/// A format of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For the terminal
    Table,
    /// For a spreadsheet, with every hyperparameter
    Csv,
    /// For a program, with every hyperparameter
    Json,
}

/// An engine, or the choice of the fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// The fastest on the device: fused on the CPU, autograd elsewhere
    Auto,
    /// A hand-written gradient that skips empty pixels; CPU only
    Fused,
    /// candle's layers, backward pass and optimizer: the reference
    Autograd,
}
