//! `report list`: experiments, and their runs with the ids that other commands accept.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value as Json;
use stores::{Filling, everything, outcome, plausible, sixty_three};
use tracking::{Experiment, Invocation, Run, Status, Store, Value};

/// A run that failed, one that diverged, and a trial that ran twice.
fn mixed() -> Filling {
    let mut filling = Filling::new("batch_sweep", "How batch size changes the accuracy");
    let mut starts = 0;
    let mut run = |batch, seed| {
        starts += 60;
        plausible("batch_sweep", batch, 0.0, seed)
            .with(|run| run.started_at += Duration::from_secs(starts))
    };
    filling.record(&run(16, 0));
    filling.record(&run(16, 0));
    filling.record(&run(32, 0).with(|run| run.status = Status::Diverged));
    let failed = |run: &mut Run| {
        run.status = Status::Failed;
        run.results.clear();
    };
    filling.record(&run(64, 0).with(failed));
    filling.record(&run(64, 1).with(|run| run.status = Status::Killed));
    filling
}

/// The standard output of `report` with `arguments` in a terminal of `width` columns.
fn text(results: &Path, width: &str, arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    let command = command.env("COLUMNS", width).arg("-r").arg(results).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn rows(results: &Path, arguments: &[&str]) -> Vec<Json> {
    let (code, out, err) = outcome(results, &[&["list", "--format", "json"], arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn experiments_are_listed_with_their_statuses() {
    let mixed = mixed();
    let out = text(mixed.folder.path(), "200", &["list"]);
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        "experiment trials runs finished diverged failed killed dataset last activity (UTC) description"
            .split(' ')
            .collect::<Vec<_>>(),
        "{out}"
    );
    assert_eq!(lines[1][..8], ["batch_sweep", "4", "5", "2", "1", "1", "1", "mnist"], "{out}");
    let all = rows(everything().path(), &[]);
    let names: Vec<&Json> = all.iter().map(|row| &row["experiment"]).collect();
    assert_eq!(names, ["beer", "wine"]);
    assert_eq!((&all[1]["runs"], &all[1]["running"]), (&3.into(), &1.into()));
}

#[test]
fn runs_are_listed_newest_first_with_every_status() {
    let mixed = mixed();
    let out = text(mixed.folder.path(), "200", &["list", "-e", "batch_sweep"]);
    assert!(out.starts_with("batch_sweep · 5 runs, newest first\n"), "{out}");
    let header = out.lines().nth(1).unwrap();
    for title in ["run", "trial", "batch_size", "seed", "status", "test accuracy", "started (UTC)"]
    {
        assert!(header.contains(title), "{title}: {out}");
    }
    assert!(!header.contains("learning_rate"), "constants are left out: {out}");
    let statuses: Vec<&str> = out
        .lines()
        .skip(2)
        .map(|line| {
            let statuses = ["killed", "failed", "diverged", "finished, superseded", "finished"];
            statuses.into_iter().find(|status| line.contains(status)).unwrap()
        })
        .collect();
    assert_eq!(statuses, ["killed", "failed", "diverged", "finished", "finished, superseded"]);
    let running = rows(everything().path(), &["--where", "status=running"]);
    assert_eq!(running.len(), 1);
}

#[test]
fn show_accepts_every_listed_id() {
    let results = sixty_three();
    let out = text(results.path(), "200", &["list", "-e", "batch_sweep", "--top", "3"]);
    assert!(out.starts_with("batch_sweep · newest 3 of 63 runs\n"), "{out}");
    for line in out.lines().skip(2) {
        let ids: Vec<&str> = line.split_whitespace().take(2).collect();
        for id in &ids {
            let (code, shown, err) = outcome(results.path(), &["show", id]);
            assert_eq!(code, 0, "{err}");
            assert!(shown.starts_with(&format!("run {}", ids[0])), "{shown}");
        }
    }
}

#[test]
fn conditions_select_the_listed_runs() {
    let results = sixty_three();
    let listed = rows(results.path(), &["--where", "batch_size=16 and decay=0"]);
    assert_eq!(listed.len(), 3);
    for row in &listed {
        assert_eq!((&row["batch_size"], &row["experiment"]), (&16.into(), &"batch_sweep".into()));
        assert_eq!(row["superseded"], false);
        assert!(row["test_accuracy"].as_f64().unwrap() > 0.9);
    }
    let (code, out, _) =
        outcome(results.path(), &["list", "--where", "batch_size=16", "--format", "csv"]);
    assert_eq!((code, out.lines().count()), (0, 10), "{out}");
    let header = "experiment,run,trial,learning_rate,decay,batch_size,seed,status,superseded,\
                  test_accuracy,dataset,started_at,seconds";
    assert_eq!(out.lines().next(), Some(header));
    let (code, _, err) = outcome(results.path(), &["list", "-e", "batch_swep"]);
    assert!(code == 2 && err.contains("did you mean 'batch_sweep'?"), "{err}");
}

#[test]
fn hyperparameter_with_the_name_of_a_fact_gets_a_prefix() {
    let mut filling = Filling::new("sweep", "");
    for run in ["a", "b"] {
        let named = |changed: &mut Run| {
            changed.params.push(("run".into(), Value::from(run)));
            changed.params.push(("status".into(), 1.into()));
        };
        filling.record(&plausible("sweep", 16, 0.0, 0).with(named));
    }
    let listed = rows(filling.folder.path(), &["-e", "sweep"]);
    assert_eq!(listed[0]["param_run"], "b");
    assert_eq!((&listed[0]["param_status"], &listed[0]["status"]), (&1.into(), &"finished".into()));
}

#[test]
fn empty_selection_has_the_columns_of_every_list() {
    let results = sixty_three();
    let header = "experiment,run,trial,status,superseded,dataset,started_at,seconds\n";
    let nothing = ["list", "--where", "batch_size=17"];
    for (format, expected) in [("csv", header), ("json", "[]\n"), ("table", "")] {
        let (code, out, err) =
            outcome(results.path(), &[&nothing[..], &["--format", format]].concat());
        assert_eq!((code, out.as_str()), (0, expected), "{format}");
        assert!(err.contains("no run matches"), "{err}");
    }
}

#[test]
fn trial_of_two_experiments_is_listed_as_show_needs_it() {
    let mut filling = Filling::new("first", "");
    filling.record(&plausible("first", 16, 0.0, 0));
    filling.record(&plausible("first", 32, 0.0, 0));
    let results = filling.folder.path();
    let mut store = Store::open(results).unwrap();
    let second = Experiment { name: "second".into(), description: String::new() };
    let invocation = store.begin(&second, &Invocation::default()).unwrap();
    store.record(invocation, &plausible("second", 16, 0.0, 0)).unwrap();
    let out = text(results, "200", &["list", "-e", "first"]);
    let trials: Vec<&str> =
        out.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1)).collect();
    let prefixed = trials.iter().filter(|trial| trial.starts_with("first/")).count();
    assert_eq!((trials.len(), prefixed), (2, 1), "{out}");
    for trial in trials {
        let shown = text(results, "200", &["show", trial]);
        assert!(shown.contains(" · first"), "{shown}");
    }
}

#[test]
fn damaged_run_is_reported_and_left_out_of_lists() {
    let results = sixty_three();
    let change = "UPDATE runs SET engine = 'none' WHERE id = (SELECT min(id) FROM runs)";
    Connection::open(results.path().join("tracking.db")).unwrap().execute(change, []).unwrap();
    for arguments in [&["list"][..], &["list", "-e", "batch_sweep"]] {
        let (code, out, err) = outcome(results.path(), arguments);
        assert!(out.contains("62"), "{out}{err}");
        assert!(code == 1 && err.contains("warning: "), "{err}");
    }
}

#[test]
fn list_fits_a_narrow_terminal_with_all_keys() {
    let results = sixty_three();
    let out = text(results.path(), "60", &["list", "-e", "batch_sweep"]);
    assert!(out.lines().all(|line| line.chars().count() <= 60), "{out}");
    for key in ["run", "decay", "batch", "seed", "status"] {
        assert!(out.lines().take(3).any(|line| line.contains(key)), "{key}: {out}");
    }
}

#[test]
fn show_draws_learning_rate_and_losses_at_any_width() {
    let mut filling = Filling::new("batch_sweep", "");
    filling.record(&plausible("batch_sweep", 16, 1e-4, 0).with(|run| {
        for epoch in &mut run.epochs {
            epoch.metrics.push(("learning_rate".into(), 1e-3 / f64::from(epoch.epoch)));
        }
    }));
    let results = filling.folder.path();
    let id = rows(results, &["-e", "batch_sweep"])[0]["run"].as_str().unwrap().to_owned();
    for width in ["100", "60"] {
        let out = text(results, width, &["show", &id]);
        let curves = out.split("curves\n").nth(1).unwrap();
        let line = |name: &str| curves.lines().find(|line| line.trim_start().starts_with(name));
        assert!(line("loss ").unwrap().contains('█'), "{out}");
        assert!(line("validation loss ").unwrap().contains("→"), "{out}");
        assert!(line("learning rate ").unwrap().ends_with("█▄▂▁▁   0.001000 → 2.000e-4"), "{out}");
        let longest = out.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width.parse().unwrap(), "{out}");
    }
}

#[test]
fn limits_of_an_accuracy_are_possible() {
    let mut filling = Filling::new("batch_sweep", "");
    for (batch, accuracies) in [(16, [0.9, 0.3]), (32, [0.2, 0.85])] {
        for (seed, accuracy) in (0..).zip(accuracies) {
            let measured = ("test_accuracy".to_owned(), accuracy);
            let run = plausible("batch_sweep", batch, 0.0, seed);
            filling.record(&run.with(|run| run.results = vec![measured]));
        }
    }
    let columns = "batch_size,test_accuracy,interval,distance_to_best,difference";
    let out = text(filling.folder.path(), "200", &["--columns", columns]);
    assert!(out.contains("[0.00, 100.00]"), "{out}");
    let table: Vec<&str> = out.lines().filter(|line| line.contains('%')).collect();
    for word in table.iter().flat_map(|line| line.split([' ', '[', ']', ',', '−', '+'])) {
        assert!(word.parse::<f64>().unwrap_or(0.0) <= 100.0, "{word}: {out}");
    }
    assert!(out.contains("differences of any size are often missed"), "{out}");
}

#[test]
fn huge_losses_have_an_exponent() {
    let mut filling = Filling::new("batch_sweep", "");
    for (batch, loss) in [(16, 1e12), (32, 3.25e12)] {
        let run = plausible("batch_sweep", batch, 0.0, 0);
        filling.record(&run.with(|run| {
            run.results = vec![("test_loss".into(), loss)];
            run.epochs[4].metrics[0].1 = loss;
        }));
    }
    let results = filling.folder.path();
    let runs = rows(results, &["-e", "batch_sweep"]);
    let ids: Vec<&str> = runs.iter().map(|run| run["run"].as_str().unwrap()).collect();
    let calls = [&["--columns", "all"][..], &["list", "-e", "batch_sweep"], &["show", ids[0]]];
    for arguments in calls.into_iter().chain([&["diff", ids[0], ids[1]][..]]) {
        let out = text(results, "200", arguments);
        assert!(out.contains("e12") && !out.contains("0000000.0"), "{arguments:?}: {out}");
    }
}
