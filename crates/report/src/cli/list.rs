//! The options of `report list`.

use clap::{Args, ValueEnum};

// Options of the list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List the runs of this experiment; repeatable
    #[arg(short, long = "experiment", value_name = "NAME", help_heading = "Input")]
    pub experiments: Vec<String>,
    /// List the runs that match this condition; repeatable, all must match
    ///
    /// Example: --where 'status=failed or status=killed'
    #[arg(long = "where", value_name = "CONDITION", help_heading = "Input")]
    pub conditions: Vec<String>,
    /// List the newest N experiments, or the newest N runs of each experiment [default: all]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "Output"
    )]
    pub top: Option<u32>,
    /// Print in this format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: ListFormat,
}

/// The format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ListFormat {
    /// For the terminal
    #[default]
    Table,
    /// For a spreadsheet, with all columns and every number in full
    Csv,
    /// For a program, with all columns and every number in full
    Json,
}
