//! Verifying, sharding, merging, deleting: what people do with results once they have them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Folder, measured};
use rusqlite::Connection;

const SMALL: &str = r#"
name = "small"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.5 }
[sweep]
epochs = [2, 3]
batch_size = [16, 64]
seed = { from = 0, to = 3 }
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder.run(&["small.toml", "-q"]);
    folder
}

fn store(folder: &Folder, results: &str) -> Connection {
    Connection::open(folder.path(results).join("tracking.db")).unwrap()
}

fn text(folder: &Folder, sql: &str) -> String {
    store(folder, "results").query_row(sql, [], |row| row.get(0)).unwrap()
}

fn files(folder: &Folder, name: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.path(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_recorded_can_be_had_again() {
    let folder = folder();
    folder.run(&["small.toml", "-q", "--engine", "autograd", "--set", "sweep.seed=[9]"]);
    folder.run(&[
        "small.toml",
        "-q",
        "--set",
        "sweep.seed=[10]",
        "--set",
        "train.learning_rate=3e38",
    ]);
    let said = folder.run(&["verify", "--all"]);
    assert!(said.contains("24 of 24 runs are identical"), "{said}");
    let id = text(&folder, "SELECT id FROM runs LIMIT 1");
    assert!(folder.run(&["verify", &id[..9]]).contains("1 of 1 runs are identical"));
}

/// A store may have runs of other programs, which nobody but they can run again.
#[test]
fn runs_of_other_programs_are_left_out() {
    let folder = folder();
    let others = tracking::Store::open(folder.path("results")).unwrap();
    let run = others.start_run("wine", &[("depth", 3.into())]).unwrap();
    let id = run.id().to_string();
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    drop(others);
    let output = folder.output(&["verify", "--all", "-q"]);
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && out.contains("16 of 16 runs are identical"), "{out}{err}");
    assert!(err.contains("left out: 1 of other programs"), "{err}");
    assert!(folder.run_fails(&["verify", &id], 2).contains("is another program's"));
}

#[test]
fn a_metric_that_was_changed_is_named() {
    let folder = folder();
    let id = text(&folder, "SELECT run_id FROM metrics WHERE epoch = 2 LIMIT 1");
    let sql = format!(
        "UPDATE metrics SET value = value + 1e-9 WHERE run_id = '{id}' AND epoch = 2 AND name = 'val_loss'"
    );
    store(&folder, "results").execute(&sql, []).unwrap();
    let output = folder.output(&["verify", "--all", "-q"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("DIFFERS    run {id}")) && said.contains("epoch 2, val_loss: "),
        "{said}"
    );
    assert!(
        said.contains("15 of 16 runs are identical") && said.contains("recorded by: version"),
        "{said}"
    );

    let sql = format!("UPDATE params SET value = 17 WHERE run_id = '{id}' AND name = 'batch_size'");
    store(&folder, "results").execute(&sql, []).unwrap();
    let said = String::from_utf8(folder.output(&["verify", &id]).stdout).unwrap();
    assert!(said.contains("are those of trial"), "{said}");
}

#[test]
fn weights_that_were_changed_are_named() {
    let folder = folder();
    let trial = text(&folder, "SELECT trial_id FROM runs LIMIT 1");
    let path = folder.path("results/small/models").join(format!("{trial}.safetensors"));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let output = folder.output(&["verify", "--all", "-q"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&trial) && said.contains("the weights in"), "{said}");
}

#[test]
fn data_that_were_changed_are_found_before_anything_is_run() {
    let folder = Folder::new();
    folder.write_dataset("set");
    folder.write(
        "own.toml",
        "name = \"own\"\ndata = { dataset = \"./set\" }\ntrain = { batch_size = 4 }\n",
    );
    folder.run(&["own.toml", "-q"]);
    folder.run(&["verify", "--all"]);
    let path = folder.path("set/train-images-idx3-ubyte");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let output = folder.output(&["verify", "--all"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("has changed: it was") && said.contains("nothing was run"), "{said}");
}

#[test]
fn shards_merged_in_any_order_and_twice_are_the_whole() {
    let folder = folder();
    let expected = measured(&folder, "results", "small");
    let name = |index: u32| format!("shard-{index}");
    for index in 0..8 {
        folder.run(&["small.toml", "-q", "-r", &name(index), "--shard", &format!("{index}/8")]);
    }
    let trials = |results: &str| {
        store(&folder, results)
            .query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!((0..8).map(|index| trials(&name(index))).collect::<Vec<_>>(), [2; 8]);
    for (merged, order) in [("up", [0, 1, 2, 3, 4, 5, 6, 7]), ("mixed", [5, 2, 7, 0, 6, 1, 4, 3])] {
        let folders: Vec<String> = order.map(name).to_vec();
        let mut arguments = vec!["merge", "--results", merged];
        arguments.extend(folders.iter().map(String::as_str));
        folder.run(&arguments);
        let again = folder.run(&arguments);
        assert!(again.contains("0 added, 2 already there"), "{again}");
        assert_eq!(measured(&folder, merged, "small"), expected);
        let said = String::from_utf8(folder.output(&["small.toml", "-r", merged]).stderr).unwrap();
        assert!(said.contains("nothing to run"), "{said}");
        assert!(folder.run(&["verify", "--all", "-q", "-r", merged]).contains("16 of 16"));
    }
}

#[test]
fn a_shard_refuses_the_folder_of_another_plan() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder.run(&["small.toml", "-q", "--shard", "0/4"]);
    folder.run(&["small.toml", "-q", "--shard", "3/4"]);
    let said = folder.run_fails(&["small.toml", "--shard", "1/4", "--set", "sweep.seed=[0, 1]"], 2);
    assert!(said.contains("another plan of 'small'"), "{said}");
    assert!(folder.run_fails(&["small.toml", "--shard", "1/8"], 2).contains("shard 0/4"));
    assert!(folder.run_fails(&["small.toml", "--shard", "4/4"], 2).contains("expected I/N"));
    folder.run(&["small.toml", "-q"]);
    folder.run(&["small.toml", "-q", "-r", "whole"]);
    assert_eq!(measured(&folder, "results", "small"), measured(&folder, "whole", "small"));
}

#[test]
fn what_contradicts_is_told_and_nothing_is_overwritten() {
    let folder = folder();
    folder.run(&["small.toml", "-q", "-r", "other", "--engine", "autograd"]);
    folder.run(&["small.toml", "-q", "-r", "same"]);
    let before = measured(&folder, "results", "small");
    folder.write(
        "small.toml",
        SMALL.replace("name = \"small\"", "name = \"small\"\ndescription = \"others\""),
    );
    folder.run(&["small.toml", "-q", "-r", "same", "--set", "sweep.seed=[9]"]);
    assert!(folder.run(&["merge", "same"]).contains("4 added, 16 already there"));
    let description = text(&folder, "SELECT description FROM experiments");
    assert_eq!(description, "", "as it is described here");
    for _ in 0..4 {
        folder
            .run(&["delete", &text(&folder, "SELECT trial FROM run_table WHERE seed = 9 LIMIT 1")]);
    }
    folder.run(&["merge", "results/.trash", "--results", "elsewhere"]);
    assert_eq!(
        store(&folder, "elsewhere")
            .query_row("SELECT started_at FROM invocations", [], |row| row.get::<_, String>(0)),
        store(&folder, "same").query_row(
            "SELECT started_at FROM invocations ORDER BY id DESC",
            [],
            |row| row.get::<_, String>(0)
        ),
        "when the program was started, wherever its record went"
    );
    let output = folder.output(&["merge", "other"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("16 contradicting")
            && said.contains("engine fused")
            && said.contains("of epoch 1 is"),
        "{said}"
    );
    assert_eq!(measured(&folder, "results", "small"), before);
    assert!(folder.run_fails(&["merge", "results"], 2).contains("into itself"));
    assert!(folder.run_fails(&["merge", "nowhere"], 2).contains("no results in nowhere"));
}

#[test]
fn what_is_deleted_can_be_restored() {
    let folder = folder();
    let before = measured(&folder, "results", "small");
    let trial = text(&folder, "SELECT trial_id FROM runs LIMIT 1");
    assert!(folder.run(&["delete", &trial]).contains("1 run is in results/.trash"));
    assert_eq!(folder.read("results/small/runs.csv").lines().count(), 16);
    assert!(!folder.exists(&format!("results/small/models/{trial}.safetensors")));
    folder.run(&["restore", &trial]);
    assert_eq!(measured(&folder, "results", "small"), before);

    folder.run(&["delete", "small"]);
    assert!(!folder.exists("results/small"));
    assert_eq!(
        store(&folder, "results")
            .query_row("SELECT count(*) FROM experiments", [], |row| row.get(0)),
        Ok(0)
    );
    assert!(folder.exists("results/.trash"));
    assert!(folder.run_fails(&["delete", "small"], 2).contains("no experiment is named 'small'"));
    folder.run(&["restore", "small"]);
    assert!(!folder.exists("results/.trash"));
    assert_eq!(measured(&folder, "results", "small"), before);
    folder.run(&["verify", "--all", "-q"]);
}

#[test]
fn what_nothing_needs_is_shown_and_then_deleted() {
    let folder = folder();
    assert!(folder.run(&["gc"]).contains("nothing to delete"));
    let trial = text(&folder, "SELECT trial_id FROM runs LIMIT 1");
    folder.write("results/small/models/00000000000000ff.safetensors", "of no run");
    folder.run(&["small.toml", "-q", "--rerun"]);
    let before = measured(&folder, "results", "small");
    let shown = folder.run(&["gc", "--older-than", "0s"]);
    assert!(shown.contains("weights of no run") && shown.contains("superseded run"), "{shown}");
    assert!(shown.contains("--yes deletes it"), "{shown}");
    let count =
        |sql| store(&folder, "results").query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM runs"), 32);
    folder.run(&["gc", "--older-than", "0s", "--yes"]);
    assert_eq!(count("SELECT count(*) FROM runs"), 16);
    assert_eq!(count("PRAGMA freelist_count"), 0);
    assert!(
        !files(&folder, "results/small/models")
            .contains(&"00000000000000ff.safetensors".to_owned())
    );
    assert!(files(&folder, "results/small/models").contains(&format!("{trial}.safetensors")));
    assert_ne!(measured(&folder, "results", "small"), before, "the stray file is gone");
    folder.run(&["verify", "--all", "-q"]);
}

/// Stores as the programs of earlier schemas left them after `experiments/smoke.toml`.
#[test]
fn stores_of_earlier_schemas_are_migrated_after_a_copy_was_made() {
    let stores: [&[u8]; 3] = [
        include_bytes!("../../tracking/tests/stores/schema-1.db"),
        include_bytes!("../../tracking/tests/stores/schema-2.db"),
        include_bytes!("../../tracking/tests/stores/schema-3.db"),
    ];
    for (schema, bytes) in (1..).zip(stores) {
        let folder = Folder::new();
        folder.write("smoke.toml", include_str!("../../../experiments/smoke.toml"));
        folder.write("results/tracking.db", bytes);
        let plan = folder.run(&["smoke.toml", "--plan"]);
        assert_eq!(plan.matches(" done").count(), 8, "{plan}");
        assert_eq!(
            std::fs::read(folder.path("results/tracking.db")).unwrap(),
            bytes,
            "a plan migrates nothing"
        );

        let said = folder.output(&["smoke.toml", "--set", "sweep.seed=[0, 1, 2]"]);
        assert!(String::from_utf8(said.stderr).unwrap().contains("4 of 12 trials to run"));
        let number =
            |store: &Connection, sql| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let copy =
            Connection::open(folder.path(&format!("results/tracking.db.schema-{schema}"))).unwrap();
        assert_eq!(
            (number(&copy, "PRAGMA user_version"), number(&copy, "SELECT count(*) FROM runs")),
            (schema, 8)
        );
        assert_eq!(number(&store(&folder, "results"), "SELECT count(*) FROM run_table"), 12);
        assert_eq!(
            number(&store(&folder, "results"), "SELECT count(*) FROM examples"),
            4,
            "of the new runs"
        );
        assert_eq!(folder.read("results/smoke/runs.csv").lines().count(), 13);
    }
}

#[test]
fn what_was_changed_stays_so_however_it_is_moved() {
    let folder = folder();
    let id = text(&folder, "SELECT run_id FROM metrics WHERE epoch = 2 LIMIT 1");
    let sql = format!(
        "UPDATE metrics SET value = 0.5 WHERE run_id = '{id}' AND epoch = 2 AND name = 'val_loss'"
    );
    store(&folder, "results").execute(&sql, []).unwrap();
    let merged = folder.output(&["merge", "results", "--results", "merged"]);
    assert_eq!(merged.status.code(), Some(1));
    assert!(String::from_utf8(merged.stdout).unwrap().contains("15 added"));
    folder.run(&["delete", &id]);
    folder.run(&["restore", &id]);
    assert_eq!(folder.output(&["verify", &id]).status.code(), Some(1));
    // It is no result: the same command has it again.
    let said = String::from_utf8(folder.output(&["small.toml"]).stderr).unwrap();
    assert!(said.contains("1 of 16 trials to run"), "{said}");
}

#[test]
fn a_damaged_run_gives_way_to_an_older_one_and_is_forgotten_when_it_was_run_again() {
    let folder = folder();
    let whole = folder.read("results/small/runs.csv").lines().count();
    folder.run(&["small.toml", "-q", "--rerun", "--set", "sweep.seed=[0]"]);
    let newest = text(&folder, "SELECT id FROM runs ORDER BY sequence DESC LIMIT 1");
    let damage = |id: &str| {
        let sql = format!(
            "UPDATE metrics SET value = 2.0 * value WHERE run_id = '{id}' AND epoch = 1 AND name = 'loss'"
        );
        store(&folder, "results").execute(&sql, []).unwrap();
    };
    damage(&newest);
    let output = folder.output(&["small.toml"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("nothing to run") && said.contains(&format!("the epochs of run {newest}")),
        "{said}"
    );
    assert_eq!(folder.read("results/small/runs.csv").lines().count(), whole);

    let only = text(&folder, "SELECT id FROM runs GROUP BY trial_id HAVING count(*) = 1 LIMIT 1");
    damage(&only);
    assert!(folder.run(&["small.toml", "--plan"]).contains("15 have their result"));
    let said = String::from_utf8(folder.output(&["small.toml"]).stderr).unwrap();
    assert!(said.contains("1 of 16 trials to run"), "{said}");
    let said = String::from_utf8(folder.output(&["small.toml"]).stderr).unwrap();
    assert!(!said.contains(&only), "it has been run again: {said}");
}

#[test]
fn examples_that_were_changed_are_told_and_nothing_is_run_again_for_them() {
    let folder = folder();
    let id = text(&folder, "SELECT id FROM runs LIMIT 1");
    let sql = format!("UPDATE mistakes SET probability = probability / 2 WHERE run_id = '{id}'");
    store(&folder, "results").execute(&sql, []).unwrap();
    let output = folder.output(&["verify", "--all", "-q"]);
    let told = format!("the confusion matrix or the mistakes of run {id}");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&told));
    assert!(
        String::from_utf8(output.stdout).unwrap().contains("16 of 16 runs are identical"),
        "its numbers are"
    );
    let said = String::from_utf8(folder.output(&["small.toml"]).stderr).unwrap();
    assert!(said.contains("nothing to run"), "{said}");
    let merged = folder.output(&["merge", "results", "--results", "merged"]);
    assert_eq!(merged.status.code(), Some(1));
    assert!(String::from_utf8(merged.stdout).unwrap().contains("16 added"));
    assert!(String::from_utf8(merged.stderr).unwrap().contains(&told));
    folder.run(&["small.toml", "-q", "--rerun"]);
    folder.run(&["gc", "--older-than", "0s", "--yes"]);
    folder.run(&["verify", "--all", "-q"]);
    let count = |table: &str| {
        text(&folder, &format!("SELECT CAST(count(DISTINCT run_id) AS TEXT) FROM {table}"))
    };
    assert_eq!((count("examples"), count("mistakes")), ("16".to_owned(), "16".to_owned()));
}

#[test]
fn a_row_that_is_no_runs_costs_that_run_alone() {
    let folder = folder();
    let sql = "UPDATE runs SET trial_id = '../../../victim' WHERE sequence = 1";
    store(&folder, "results").execute(sql, []).unwrap();
    let said = String::from_utf8(folder.output(&["small.toml"]).stderr).unwrap();
    assert!(said.contains("1 of 16 trials to run"), "{said}");
    assert!(said.contains("had 16 runs when it was recorded last, but 15 are found"), "{said}");
    assert_eq!(folder.read("results/small/runs.csv").lines().count(), 17);
}

/// A command whose standard output nobody reads.
fn unread(folder: &Folder, arguments: &[&str]) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_runner"));
    command
        .current_dir(folder.path("."))
        .args(arguments)
        .stdout(writer)
        .stderr(std::process::Stdio::null());
    command.status().unwrap().code()
}

#[test]
fn what_was_begun_is_done_though_nobody_reads_of_it() {
    let folder = folder();
    folder.run(&["small.toml", "-q", "-r", "other", "--set", "sweep.seed=[7]"]);
    assert_eq!(unread(&folder, &["merge", "results", "other", "-r", "merged"]), Some(0));
    let runs = Connection::open(folder.path("merged/tracking.db")).unwrap();
    assert_eq!(runs.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)), Ok(20));
    assert_eq!(folder.read("merged/small/runs.csv").lines().count(), 21);
    // What differs is no success either.
    let trial = text(&folder, "SELECT trial_id FROM runs LIMIT 1");
    std::fs::write(
        folder.path("results/small/models").join(format!("{trial}.safetensors")),
        "other",
    )
    .unwrap();
    assert_eq!(unread(&folder, &["verify", "--all"]), Some(1));
    folder.run(&["small.toml", "-q", "-r", "other", "--set", "sweep.seed=[7]", "--rerun"]);
    assert_eq!(unread(&folder, &["gc", "--yes", "--older-than", "0s", "-r", "other"]), Some(0));
    let left: i64 = store(&folder, "other")
        .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 4);
}

#[cfg(unix)]
#[test]
fn who_may_read_the_store_may_read_what_belongs_to_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mode = |path: std::path::PathBuf| path.metadata().unwrap().permissions().mode() & 0o444;
    let expected = mode(folder.path("results/tracking.db"));
    let models = std::fs::read_dir(folder.path("results/small/models"))
        .unwrap()
        .map(|it| it.unwrap().path());
    let files: Vec<_> = models.chain([folder.path("results/small/runs.csv")]).collect();
    assert_eq!(files.len(), 17);
    assert!(files.into_iter().all(|file| mode(file) == expected));
}
