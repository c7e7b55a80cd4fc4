//! The options that name the directions of metrics.

use anyhow::{Result, bail};
use clap::Args;
use tracking::Direction;
use tracking::typed_name::is_same;

// The directions of metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct DirectionArgs {
    /// Treat lower values of these metrics as better
    ///
    /// By default, the first of them ranks the settings.
    #[arg(long, value_name = "METRIC,…", value_delimiter = ',', help_heading = "Comparison")]
    pub minimize: Vec<String>,
    /// Treat higher values of these metrics as better
    ///
    /// By default, the first of them ranks the settings.
    #[arg(long, value_name = "METRIC,…", value_delimiter = ',', help_heading = "Comparison")]
    pub maximize: Vec<String>,
}

impl DirectionArgs {
    /// The direction of each named metric.
    ///
    /// # Errors
    /// If both options name a metric.
    pub fn directions(&self) -> Result<Vec<(String, Direction)>> {
        let is_maximized = |name: &str| self.maximize.iter().any(|other| is_same(other, name));
        if let Some(name) = self.minimize.iter().find(|name| is_maximized(name)) {
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
