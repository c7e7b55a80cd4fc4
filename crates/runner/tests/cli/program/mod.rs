//! Experiments that sweep a program.

mod bad;
mod contract;
mod examples;
mod ids;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod processes;

use crate::common::{Results, Sweep};

/// Two trials of `sh train.sh SEED`.
const TWO_SEEDS: &str = r#"
name = "p"
[program]
command = ["sh", "train.sh", "{seed}"]
files = ["train.sh"]
[sweep]
seed = [0, 1]
"#;

/// A folder with `experiment` as `p.toml`, whose program is the shell script `train.sh`.
fn sweep(experiment: &str, script: &str) -> Sweep {
    let sweep = Sweep::new("p.toml", experiment);
    sweep.write("train.sh", script);
    sweep
}

/// The rows of a query as one text: `0 finished, 1 failed`.
#[track_caller]
fn rows(results: &Results, sql: &str) -> String {
    let connection = results.connection();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let cell = |row: &rusqlite::Row<'_>, column| match row.get_ref(column).unwrap() {
        rusqlite::types::ValueRef::Null => "-".to_owned(),
        rusqlite::types::ValueRef::Integer(value) => value.to_string(),
        rusqlite::types::ValueRef::Real(value) => value.to_string(),
        text => text.as_str().unwrap().to_owned(),
    };
    let row = |row: &rusqlite::Row<'_>| {
        Ok((0..columns).map(|column| cell(row, column)).collect::<Vec<_>>().join(" "))
    };
    let rows = statement.query_map([], row).unwrap();
    rows.collect::<Result<Vec<_>, _>>().unwrap().join(", ")
}

/// Seed, epoch, name and value of all metrics by epoch.
fn epochs(results: &Results) -> String {
    let by_seed = "SELECT params.value, epoch, metrics.name, metrics.value FROM metrics \
                   JOIN params USING (run_id) WHERE params.name = 'seed' ORDER BY 1, 2, 3";
    rows(results, by_seed)
}

/// Seed, name and value of all final metrics except the time.
fn finals(results: &Results) -> String {
    let by_seed = "SELECT params.value, results.name, results.value FROM results \
                   JOIN params USING (run_id) WHERE params.name = 'seed' \
                   AND results.name <> 'seconds' ORDER BY 1, 2";
    rows(results, by_seed)
}
