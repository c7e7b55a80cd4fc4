//! `report export --to`, without the tools themselves: what it writes, what it sends, and what it says when that fails. The tools
//! look at it in `others.rs`.
#![allow(clippy::unwrap_used, missing_docs)]

mod stores;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use tempfile::TempDir;
use tracking::{Experiment, Invocation, Reader, Run, Store, TrialId};

use stores::{Filling, outcome, plausible};

/// `count` runs of two batch sizes, with weights.
fn filled(count: i64) -> TempDir {
    let mut filling = Filling::new("batch_sweep", "Batch sizes");
    for number in 0..count {
        let run = plausible("batch_sweep", 16 << (number % 2), 0.0, number / 2);
        let models = filling.folder.path().join("batch_sweep/models");
        fs::create_dir_all(&models).unwrap();
        fs::write(models.join(format!("{}.safetensors", run.trial)), run.trial.as_str()).unwrap();
        filling.record(&run);
    }
    filling.folder
}

/// Adds a run to the store.
fn record(folder: &TempDir, run: &Run) {
    let mut store = Store::open(folder.path()).unwrap();
    let experiment = Experiment { name: "batch_sweep".into(), description: "Batch sizes".into() };
    let invocation = store.begin(&experiment, &Invocation::current()).unwrap();
    store.record(invocation, run).unwrap();
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn export(results: &Path, tool: &str, place: &Path, more: &[&str]) -> String {
    let arguments = [&["export", "--to", tool, place.to_str().unwrap()], more].concat();
    let (code, out, said) = outcome(results, &arguments);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    said
}

#[test]
fn a_wrong_request_says_what_is_right() {
    let folder = filled(2);
    let inside = folder.path().join("batch_sweep/models/x");
    let file = folder.path().join("tracking.db");
    for (arguments, hint) in [
        (
            &["--to", "mlflw", "out"][..],
            "unknown tool 'mlflw': expected one of mlflow, tensorboard; did you mean 'mlflow'?",
        ),
        (&["--to", "mlflow"], "2 values required"),
        (&[], "--to <TOOL> <DIR|URL>"),
        (&["--to", "tensorboard", "http://localhost:6006"], "expected a folder"),
        (
            &["--to", "mlflow", "sqlite:///mlflow.db"],
            "expected a folder, or the address of a server",
        ),
        (
            &["--to", "mlflow", "http://me:secret@localhost"],
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        ),
        (&["--to", "mlflow", folder.path().to_str().unwrap()], "belongs to the results folder"),
        (&["--to", "tensorboard", inside.to_str().unwrap()], "belongs to the results folder"),
        (&["--to", "mlflow", file.to_str().unwrap()], "cannot make the folder"),
        (&["--to", "mlflow", "out", "-e", "batch"], "unknown experiment 'batch'"),
        (&["--to", "mlflow", "out", "--where", "sed=1"], "did you mean 'seed'?"),
    ] {
        let (code, out, said) = outcome(folder.path(), &[&["export"], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(said.contains(hint) && !said.contains("secret"), "{arguments:?}: {said}");
    }
    assert!(!inside.exists() && !Path::new("out").exists());
}

#[test]
fn conditions_choose_what_is_exported() {
    let (folder, out) = (filled(4), tempfile::tempdir().unwrap());
    let said = export(
        folder.path(),
        "tensorboard",
        out.path(),
        &["-e", "batch_sweep", "--where", "batch_size=16"],
    );
    assert!(said.starts_with("2 runs added\nto look at them: tensorboard --logdir '"), "{said}");
    let said = export(folder.path(), "tensorboard", out.path(), &[]);
    assert!(said.starts_with("2 runs added, 2 there already\n"), "{said}");
    let names = || -> Vec<String> {
        let paths = files(out.path()).into_keys();
        paths
            .map(|it| it.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert!(
        names().len() == 4
            && names().iter().all(|it| it.contains("batch_size=") && !it.contains("decay"))
    );
    // Where another hyperparameter varies, the folders get its name too, and are no others.
    record(&folder, &plausible("batch_sweep", 16, 1e-4, 0));
    let said = export(folder.path(), "tensorboard", out.path(), &[]);
    assert!(said.starts_with("1 run added, 4 there already\n"), "{said}");
    assert!(names().len() == 5 && names().iter().all(|it| it.contains("decay=")), "{:?}", names());
}

/// The events of a file, by a reader of the test's own: each record's length and data fit their checksums.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at_checked(count)?;
        bytes = rest;
        Some(taken)
    };
    let mut found = Vec::new();
    while let Some(length) = take(8) {
        assert_eq!(take(4).unwrap(), masked(length).to_le_bytes());
        let data = take(u64::from_le_bytes(length.try_into().unwrap()) as usize).unwrap();
        assert_eq!(take(4).unwrap(), masked(data).to_le_bytes());
        found.push(data);
    }
    found
}

/// CRC-32C bit by bit, from its polynomial, as `masked_crc32c` of TensorFlow's `lib/hash/crc32c.h` masks it.
fn masked(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[test]
fn events_are_the_same_again_and_whole_after_an_accident() {
    let (folder, out) = (filled(3), tempfile::tempdir().unwrap());
    export(folder.path(), "tensorboard", out.path(), &[]);
    let first = files(out.path());
    for (path, bytes) in &first {
        // The version, the beginning and the end, five metrics of five epochs, five final ones of which the last epoch has none.
        assert_eq!(records(bytes).len(), 3 + 25 + 5, "{}", path.display());
    }
    let said = export(folder.path(), "tensorboard", out.path(), &[]);
    assert!(said.starts_with("0 runs added, 3 there already"), "{said}");
    let paths: Vec<&PathBuf> = first.keys().collect();
    fs::write(paths[0], &first[paths[0]][..500]).unwrap();
    fs::write(paths[1], "something else").unwrap();
    fs::remove_file(paths[2]).unwrap();
    let said = export(folder.path(), "tensorboard", out.path(), &[]);
    assert!(said.starts_with("1 run added, 2 completed"), "{said}");
    assert_eq!(files(out.path()), first);
}

/// A file that a TensorBoard follows is never another: what a run measures is added at its end.
#[test]
fn the_events_of_a_run_that_goes_on_are_added() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(folder.path()).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    let mut before = Vec::new();
    for epoch in 1..=3 {
        run.log(epoch, &[("loss", 1.0 / f64::from(epoch)), ("seconds", 0.5)]).unwrap();
        sleep(Duration::from_millis(300));
        export(folder.path(), "tensorboard", out.path(), &[]);
        let (_, bytes) = files(out.path()).pop_first().unwrap();
        assert!(bytes.len() > before.len() && bytes.starts_with(&before));
        before = bytes;
    }
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    export(folder.path(), "tensorboard", out.path(), &[]);
    let (_, bytes) = files(out.path()).pop_first().unwrap();
    assert!(bytes.starts_with(&before));
    // Its accuracy, its time and its end.
    assert_eq!(records(&bytes).len(), 2 + 6 + 3);
}

#[test]
fn a_folder_of_mlflow_has_everything_once() {
    let (folder, out) = (filled(5), tempfile::tempdir().unwrap());
    let place = out.path().join("mlflow");
    let count = |sql: &str| -> i64 {
        rusqlite::Connection::open(place.join("mlflow.db"))
            .unwrap()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let mut first = BTreeMap::new();
    for expected in ["5 runs added\n", "0 runs added, 5 there already\n"] {
        let said = export(folder.path(), "mlflow", &place, &[]);
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(count("SELECT count(*) FROM experiments"), 1);
        assert_eq!(count("SELECT count(*) FROM runs WHERE status = 'FINISHED'"), 5);
        assert_eq!(count("SELECT count(*) FROM metrics"), 5 * 30);
        assert_eq!(count("SELECT count(*) FROM latest_metrics"), 5 * 10);
        assert_eq!(count("SELECT count(*) FROM params"), 5 * 4);
        assert_eq!(files(&place).len(), 1 + 5 * 2);
        assert!(
            first.is_empty() || files(&place) == first,
            "the second time nothing is written at all"
        );
        first = files(&place);
    }
    // Something of it is gone, as if it had been added by an export that was stopped: what is missing is added.
    let database = rusqlite::Connection::open(place.join("mlflow.db")).unwrap();
    database
        .execute_batch("DELETE FROM metrics WHERE step > 3; UPDATE runs SET status = 'RUNNING'")
        .unwrap();
    assert!(
        export(folder.path(), "mlflow", &place, &[]).starts_with("0 runs added, 5 completed\n")
    );
    assert_eq!(count("SELECT count(*) FROM metrics"), 5 * 30);
    fs::write(out.path().join("mlflow.db"), "").unwrap();
    drop(Store::open(out.path()).unwrap());
    fs::rename(out.path().join("tracking.db"), out.path().join("mlflow.db")).unwrap();
    let (code, _, said) =
        outcome(folder.path(), &["export", "--to", "mlflow", out.path().to_str().unwrap()]);
    assert!(code == 2 && said.contains("is no database of MLflow's"), "{said}");
}

#[test]
fn no_two_numbers_of_a_run_have_one_name() {
    let (folder, out) = (filled(0), tempfile::tempdir().unwrap());
    let mut run = plausible("batch_sweep", 16, 0.0, 0);
    for epoch in &mut run.epochs {
        epoch.metrics = vec![("loss".into(), 0.5), ("final_loss".into(), 0.25)];
    }
    run.results =
        vec![("loss".into(), 7.0), ("final_loss".into(), 8.0), ("final_final_loss".into(), 9.0)];
    run.params.push(("text".into(), "x".repeat(6_001).into()));
    record(&folder, &run);
    let said = export(folder.path(), "mlflow", out.path(), &[]);
    assert!(
        said.contains(
            "note: MLflow takes 6000 characters of a hyperparameter: there 'text' ends in …"
        ),
        "{said}"
    );
    let database = rusqlite::Connection::open(out.path().join("mlflow.db")).unwrap();
    let mut statement =
        database.prepare("SELECT key, value FROM metrics WHERE step = ?1 ORDER BY key").unwrap();
    let last = run.epochs.last().unwrap().epoch;
    let rows = statement.query_map([last], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let found: Vec<(String, f64)> = rows.map(Result::unwrap).collect();
    let expected = [
        ("final_final_final_final_loss", 7.0),
        ("final_final_final_loss", 8.0),
        ("final_final_loss", 9.0),
        ("final_loss", 0.25),
        ("loss", 0.5),
    ];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
}

/// Files below a folder, which may be written to meanwhile, that are not whole yet.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = |path: PathBuf| if path.is_dir() { unfinished(&path) } else { vec![path] };
    let paths = entries.flat_map(|entry| below(entry.path()));
    paths
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".export-"))
        })
        .collect()
}

/// MLflow shows whatever lies in a run's folder.
#[test]
fn an_export_that_is_killed_while_it_writes_a_file_leaves_nothing_beside_it() {
    let (folder, out) = (filled(2), tempfile::tempdir().unwrap());
    for entry in fs::read_dir(folder.path().join("batch_sweep/models")).unwrap() {
        // So large that its writing is met.
        fs::write(entry.unwrap().path(), vec![1; 50_000_000]).unwrap();
    }
    let (place, other) = (out.path().join("mlflow"), out.path().join("other"));
    let unfinished = || unfinished(&place);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_report"));
    command.arg("-r").arg(folder.path()).args(["export", "--to", "mlflow"]).arg(&place);
    let mut child = command.spawn().unwrap();
    let is_large = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() > 1_000_000);
    while !unfinished().iter().any(is_large) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was seen writing");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        unfinished().iter().all(|it| it.parent().unwrap().ends_with("artifacts/batch_sweep")),
        "{:?}",
        unfinished()
    );
    for place in [&place, &other] {
        assert!(export(folder.path(), "mlflow", place, &[]).starts_with("2 runs added\n"));
    }
    let artifacts = |place: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let found = files(&place.join("artifacts")).into_iter();
        found.map(|(path, bytes)| (path.strip_prefix(place).unwrap().to_owned(), bytes)).collect()
    };
    assert!(artifacts(&place) == artifacts(&other), "{:?}", unfinished());
}

#[test]
fn what_is_not_as_it_was_recorded_is_not_exported() {
    let (folder, out) = (filled(3), tempfile::tempdir().unwrap());
    let database = rusqlite::Connection::open(folder.path().join("tracking.db")).unwrap();
    let change = "UPDATE metrics SET value = 0.99 WHERE name = 'val_accuracy' AND epoch = 5 AND run_id = (SELECT min(id) FROM runs);
                  UPDATE runs SET engine = 'none' WHERE id = (SELECT max(id) FROM runs)";
    database.execute_batch(change).unwrap();
    for tool in ["mlflow", "tensorboard"] {
        let place = out.path().join(tool);
        let (code, _, said) =
            outcome(folder.path(), &["export", "--to", tool, place.to_str().unwrap()]);
        assert!(code == 1 && said.starts_with("1 run added\n"), "{said}");
        assert!(
            said.contains("warning: the epochs of run") && said.contains("warning: run"),
            "{said}"
        );
    }
}

/// Exported to a folder: what is said, and its database as it is then.
fn exported(results: &Path, place: &Path) -> (String, rusqlite::Connection) {
    let (code, _, said) = outcome(results, &["export", "--to", "mlflow", place.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    (said, rusqlite::Connection::open(place.join("mlflow.db")).unwrap())
}

fn texts(database: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_experiment_that_was_renamed_in_mlflow_is_found_again() {
    let (folder, out) = (filled(2), tempfile::tempdir().unwrap());
    let (_, database) = exported(folder.path(), out.path());
    database
        .execute("UPDATE experiments SET name = 'ours' WHERE name = 'batch_sweep'", [])
        .unwrap();
    // And somebody else took the name.
    let sql = "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('batch_sweep', 'file:///x', 'active')";
    database.execute(sql, []).unwrap();
    let (said, database) = exported(folder.path(), out.path());
    assert!(said.contains("0 runs added, 2 there already"), "{said}");
    let sql = "SELECT experiments.name FROM experiments JOIN runs USING (experiment_id)";
    assert_eq!(texts(&database, sql), ["ours", "ours"]);
}

#[test]
fn files_that_a_server_keeps_stay_there_and_a_folder_that_moved_is_followed() {
    let (folder, out) = (filled(2), tempfile::tempdir().unwrap());
    let (place, moved) = (out.path().join("place"), out.path().join("moved"));
    let (_, database) = exported(folder.path(), &place);
    // As a server has it that was sent the run; and there is something new in it.
    let kept = "mlflow-artifacts:/1/its/artifacts";
    let sql = "UPDATE runs SET artifact_uri = ?1 WHERE run_uuid = (SELECT min(run_uuid) FROM runs)";
    database.execute(sql, [kept]).unwrap();
    let sql = "UPDATE tags SET value = 'another' WHERE key = 'candle_sweep.digest' AND run_uuid = (SELECT min(run_uuid) FROM runs)";
    database.execute(sql, []).unwrap();
    drop(database);
    fs::rename(&place, &moved).unwrap();
    let (said, database) = exported(folder.path(), &moved);
    assert!(said.contains("0 runs added, 1 completed, 1 there already"), "{said}");
    assert!(
        said.contains(
            "2 files not written: a server keeps those of their runs, at 'mlflow-artifacts:"
        ),
        "{said}"
    );
    let addresses = texts(&database, "SELECT artifact_uri FROM runs ORDER BY run_uuid");
    assert_eq!(addresses[0], kept);
    let artifacts =
        format!("file://{}/artifacts/batch_sweep", moved.canonicalize().unwrap().display());
    assert!(addresses[1].starts_with(&artifacts), "{addresses:?}");
    let locations =
        texts(&database, "SELECT artifact_location FROM experiments WHERE name = 'batch_sweep'");
    assert_eq!(locations, [artifacts]);
}

#[test]
fn why_a_run_was_stopped_is_not_said_of_one_that_went_on() {
    let (folder, out) = (filled(1), tempfile::tempdir().unwrap());
    let (_, database) = exported(folder.path(), out.path());
    let sql =
        "INSERT INTO tags SELECT 'candle_sweep.error', 'stopped by a signal', run_uuid FROM runs;
               INSERT INTO tags SELECT 'mine', 'stays', run_uuid FROM runs;
               UPDATE tags SET value = 'another' WHERE key = 'candle_sweep.digest'";
    database.execute_batch(sql).unwrap();
    let (said, database) = exported(folder.path(), out.path());
    assert!(said.contains("0 runs added, 1 completed"), "{said}");
    let tags = texts(
        &database,
        "SELECT key FROM tags WHERE key IN ('candle_sweep.error', 'candle_sweep.run', 'mine') ORDER BY key",
    );
    assert_eq!(tags, ["candle_sweep.run", "mine"]);
}

/// A request as a server sees it: its first line, what it says of who asks, its body.
#[derive(Debug)]
struct Asked {
    line: String,
    authorization: String,
    body: Vec<u8>,
}

/// A server that answers each request with what `answer` gives of it, status and body, until it is asked to stop.
fn serve(
    answer: impl Fn(&Asked) -> Option<(u16, String)> + Send + 'static,
) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = spawn(move || {
        let mut all = Vec::new();
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            while let Some(asked) = read(&mut reader) {
                if asked.line.starts_with("STOP") {
                    return all;
                }
                let Some((status, body)) = answer(&asked) else {
                    // Longer than anybody waits.
                    sleep(Duration::from_secs(5));
                    break;
                };
                let head = format!(
                    "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                reader.get_mut().write_all(head.as_bytes()).unwrap();
                all.push(asked);
            }
        }
        all
    });
    (address, serving)
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut asked = Asked { line: String::new(), authorization: String::new(), body: Vec::new() };
    reader.read_line(&mut asked.line).ok().filter(|length| *length > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => asked.authorization = value.to_owned(),
            _ => {}
        }
    }
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

/// Exports to a server as somebody: exit code and standard error.
fn send(results: &Path, address: &str, variables: &[(&str, &str)]) -> (i32, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    for name in ["USERNAME", "PASSWORD", "TOKEN"] {
        command.env_remove(format!("MLFLOW_TRACKING_{name}"));
    }
    command
        .arg("-r")
        .arg(results)
        .args(["export", "--to", "mlflow", address])
        .envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn stop(address: &str, serving: JoinHandle<Vec<Asked>>) -> Vec<Asked> {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.write_all(b"STOP\r\n\r\n").unwrap();
    serving.join().unwrap()
}

#[test]
fn a_server_that_refuses_is_quoted() {
    let folder = filled(1);
    for (status, body, hints) in [
        (500, "", &["answered 500", "the same command goes on where this one ended"][..]),
        (503, "<html>busy</html>", &["answered 503", "goes on where this one ended"]),
        (
            401,
            "<html>who?</html>",
            &[
                "answered 401",
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
            ],
        ),
        (
            403,
            r#"{"error_code":"PERMISSION_DENIED","message":"not \u001b[31m you"}"#,
            &["answered 403", ": not \\u{1b}[31m you; set"],
        ),
        (404, "<html>not here</html>", &["is this the address of an MLflow server?"]),
        (200, "<html>hello</html>", &["is this the address of an MLflow server?"]),
        (
            200,
            r#"{"experiments":[{"tags":[{"key":"candle_sweep.experiment","value":"batch_sweep"}]}]}"#,
            &["the server answered without 'experiment_id': is it MLflow's?"],
        ),
        (
            400,
            r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no such name"}"#,
            &["answered 400", ": no such name"],
        ),
    ] {
        let (address, serving) = serve(move |_| Some((status, body.to_owned())));
        let (code, said) = send(folder.path(), &address, &[]);
        assert_eq!(code, 2, "{said}");
        for hint in hints {
            assert!(
                said.starts_with("error: ") && said.contains(hint),
                "{status}: {hint} in {said}"
            );
        }
        assert_eq!(stop(&address, serving).len(), 1, "nothing more is asked");
    }
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let folder = filled(1);
    let (code, said) = send(folder.path(), "http://127.0.0.1:9", &[]);
    assert!(
        code == 2 && said.contains("no answer of http://127.0.0.1:9") && said.contains("goes on"),
        "{said}"
    );
    let (address, _serving) = serve(|_| None);
    let (code, said) = send(folder.path(), &address, &[("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")]);
    assert!(code == 2 && said.contains("timeout") && said.contains("goes on"), "{said}");
}

/// An MLflow that knows nothing yet, and keeps files where `files` says.
fn empty_mlflow(files: &'static str) -> (String, JoinHandle<Vec<Asked>>) {
    serve(move |asked| {
        let path = asked.line.split(' ').nth(1)?.split('?').next()?;
        let run = format!(r#"{{"run":{{"info":{{"run_id":"its","artifact_uri":"{files}"}}}}}}"#);
        Some(match path.trim_start_matches("/api/2.0/") {
            "mlflow/experiments/get-by-name" => {
                (404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST"}"#.into())
            }
            "mlflow/experiments/search" => (200, "{}".into()),
            "mlflow/experiments/create" => (200, r#"{"experiment_id":"7"}"#.into()),
            "mlflow/runs/search" | "mlflow/runs/log-batch" | "mlflow/runs/update" => {
                (200, "{}".into())
            }
            "mlflow/runs/create" => (200, run),
            _ if asked.line.starts_with("PUT") => (200, String::new()),
            _ => (404, String::new()),
        })
    })
}

#[test]
fn a_run_is_five_requests_and_its_status_the_last_of_them() {
    let folder = filled(1);
    let (address, serving) = empty_mlflow("mlflow-artifacts:/7/its/artifacts");
    let who =
        [("MLFLOW_TRACKING_USERNAME", "Aladdin"), ("MLFLOW_TRACKING_PASSWORD", "open sesame")];
    let (code, said) = send(folder.path(), &format!("{address}/"), &who);
    assert_eq!((code, said.lines().next()), (0, Some("1 run added")), "{said}");
    let asked = stop(&address, serving);
    let trial = TrialId::of(&[("batch", "16"), ("decay", "0"), ("seed", "0")]);
    let lines: Vec<&str> =
        asked.iter().map(|it| it.line.trim_end().trim_end_matches(" HTTP/1.1")).collect();
    let weights = format!(
        "PUT /api/2.0/mlflow-artifacts/artifacts/7/its/artifacts/models/{trial}.safetensors"
    );
    assert_eq!(
        lines,
        [
            // Somebody may have renamed it.
            "POST /api/2.0/mlflow/experiments/search",
            "GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=batch_sweep",
            "POST /api/2.0/mlflow/experiments/create",
            "POST /api/2.0/mlflow/runs/search",
            "POST /api/2.0/mlflow/runs/create",
            "PUT /api/2.0/mlflow-artifacts/artifacts/7/its/artifacts/experiment.toml",
            &weights,
            "POST /api/2.0/mlflow/runs/log-batch",
            "POST /api/2.0/mlflow/runs/update",
            // Whether another export has sent it meanwhile.
            "POST /api/2.0/mlflow/runs/search",
        ]
    );
    // The example of RFC 7617's forerunner, RFC 2617.
    assert!(asked.iter().all(|it| it.authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert_eq!(
        (&*asked[5].body, &*asked[6].body),
        (&b"name = \"batch_sweep\"\n"[..], trial.as_str().as_bytes())
    );
    let batch: serde_json::Value = serde_json::from_slice(&asked[7].body).unwrap();
    assert_eq!(batch["metrics"].as_array().unwrap().len(), 30);
    let update: serde_json::Value = serde_json::from_slice(&asked[8].body).unwrap();
    assert_eq!(update["status"], "FINISHED");
}

#[test]
fn a_server_that_takes_no_files_is_told_of() {
    let folder = filled(1);
    let (address, serving) = empty_mlflow("s3://bucket/7/its/artifacts");
    let (code, said) = send(folder.path(), &address, &[("MLFLOW_TRACKING_TOKEN", "abc")]);
    assert!(
        code == 0 && said.contains("note: 2 files not sent") && said.contains("--serve-artifacts"),
        "{said}"
    );
    assert!(stop(&address, serving).iter().all(|it| it.authorization == "Bearer abc"));
}

/// Two exports at once find that there is nothing, and send a run both.
#[test]
fn of_runs_that_are_there_twice_one_is_deleted() {
    let folder = filled(1);
    let id = Reader::open(folder.path()).unwrap().runs("batch_sweep").unwrap()[0].id.clone();
    let (address, serving) = serve(move |asked| {
        let run = |its: &str, stage: &str| {
            format!(
                r#"{{"info":{{"run_id":"{its}","status":"RUNNING","artifact_uri":"","lifecycle_stage":"{stage}"}},
                "data":{{"tags":[{{"key":"candle_sweep.run","value":"{id}"}}]}}}}"#
            )
        };
        let [first, second, gone] = [run("b", "active"), run("a", "active"), run("0", "deleted")];
        Some(
            match asked.line.split(' ').nth(1)?.split('?').next()?.trim_start_matches("/api/2.0/") {
                "mlflow/experiments/get-by-name" => {
                    (200, r#"{"experiment":{"experiment_id":"7"}}"#.into())
                }
                "mlflow/runs/search" => (200, format!(r#"{{"runs":[{gone},{first},{second}]}}"#)),
                _ => (200, "{}".into()),
            },
        )
    });
    let (code, said) = send(folder.path(), &address, &[]);
    assert!(code == 0 && said.contains("0 runs added, 1 completed"), "{said}");
    let asked = stop(&address, serving);
    let deleted: Vec<_> = asked.iter().filter(|it| it.line.contains("runs/delete")).collect();
    assert!(deleted.len() == 1 && deleted[0].body == br#"{"run_id":"b"}"#);
}
