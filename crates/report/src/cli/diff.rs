//! The operands and options of `report diff`.

use clap::{Args, ValueEnum};

use super::directions::DirectionArgs;

// Operands and options of the diff.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Left side: a run or trial (id or prefix), [FOLDER/]EXPERIMENT[@VERSION][:CONDITION], or FOLDER
    ///
    /// A version is the beginning of a git commit, or of the digest of a program that an experiment
    /// file names. Without a version, the runs of the newest program are compared.
    ///
    /// A condition selects settings, as in report --where; a comma means `and`. A condition alone
    /// selects from the only experiment, as in diff batch_size=32 batch_size=64.
    ///
    /// A folder is a results folder. Without an experiment, it stands for its experiment of the same
    /// name as on the other side, or for its only one.
    pub left: String,
    /// Right side, of the same kind
    pub right: String,
    #[command(flatten)]
    pub directions: DirectionArgs,
    /// Pair runs by this hyperparameter [default: seed, random_state, random_seed, fold or
    /// replicate]
    #[arg(long, value_name = "KEY", help_heading = "Comparison")]
    pub replicate: Option<String>,
    /// Print in this format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: DiffFormat,
    /// Say whether the right side is better, as a verdict with an exit code
    ///
    /// Exit codes: 0 it is; 10 it is not; 11 undecided, also without a common seed; 2 the sides have
    /// no common metric or hyperparameters, no finished run, or common runs; 1 the record is damaged.
    ///
    /// The verdict stays valid if the command is repeated while seeds are added. If it is undecided,
    /// the output names the number of seeds to add and the command that runs them.
    #[arg(long, help_heading = "Verdict")]
    pub judge: bool,
    /// Judge by this metric [default: the metric that ranks]
    #[arg(long, value_name = "METRIC", requires = "judge", help_heading = "Verdict")]
    pub metric: Option<String>,
    /// Require a difference of more than D, in the recorded unit of the metric: 0.002 is 0.2 points
    /// of an accuracy [default: 0]
    #[arg(
        long,
        value_name = "D",
        requires = "judge",
        default_value_t = 0.0,
        hide_default_value = true,
        allow_negative_numbers = true,
        value_parser = margin,
        help_heading = "Verdict"
    )]
    pub margin: f64,
    /// Use the ordinary paired t-test, which is valid for one look at the data only
    #[arg(long, requires = "judge", help_heading = "Verdict")]
    pub once: bool,
}

/// Parses a margin.
fn margin(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(margin) if margin.is_finite() && margin >= 0.0 => Ok(margin.abs()),
        _ => Err("expected a number of at least 0, such as 0.002".to_owned()),
    }
}

/// The format of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DiffFormat {
    /// For the terminal
    #[default]
    Table,
    /// For a program, with every number in full
    Json,
}
