//! Names of the hyperparameters and metrics of several runs.

use std::collections::BTreeSet;

use super::measured_run::MeasuredRun;
use crate::metric;

/// Names of the hyperparameters of `runs`, in the order in which they were first recorded.
pub fn param_names<'a>(runs: impl IntoIterator<Item = &'a MeasuredRun>) -> Vec<&'a str> {
    distinct(runs.into_iter().flat_map(|measured| &measured.run.params).map(|(name, _)| &**name))
}

/// Names of the hyperparameters that have different values in `runs`.
pub fn varying_params(runs: &[MeasuredRun]) -> Vec<String> {
    let varies = |name: &&str| {
        let values = runs.iter().map(|measured| measured.run.param(name).map(ToString::to_string));
        values.collect::<BTreeSet<_>>().len() > 1
    };
    param_names(runs).into_iter().filter(varies).map(str::to_owned).collect()
}

/// Names of the metrics of `runs`: known metrics in the order of tables, then the others.
pub fn metric_names<'a>(runs: impl IntoIterator<Item = &'a MeasuredRun>) -> Vec<&'a str> {
    let names_of = |measured: &'a MeasuredRun| {
        measured.run.results.iter().chain(&measured.by_epoch).map(|(name, _)| &**name)
    };
    let mut names = distinct(runs.into_iter().flat_map(names_of));
    // The sort is stable, so unknown names keep their order.
    names.sort_by_key(|name| metric::position(name));
    names
}

/// Each of `names` once, in the order of first occurrence.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
