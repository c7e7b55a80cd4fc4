//! The files of runs of programs: they are moved, merged and deleted with their runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracking::program_files::{RUN_FILE, Stream};
use tracking::{
    Experiment, Invocation, InvocationId, Run, RunHeader, RunId, Status, Store, TrialId,
};

use crate::common::Sweep;

/// Records runs of a program, without a program.
struct Recording {
    results: PathBuf,
    store: Store,
    invocation: InvocationId,
}

impl Recording {
    fn new(results: &Path) -> Self {
        let mut store = Store::open(results).unwrap();
        let experiment = Experiment { name: "wine".into(), description: String::new() };
        let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
        Self { results: results.to_owned(), store, invocation }
    }

    fn record(&mut self, seed: i64, status: Status) -> RunId {
        let header = RunHeader {
            trial: trial(seed),
            program_sha256: Some("c0ffee".into()),
            engine: "program".into(),
            ..RunHeader::new("wine", status)
        };
        let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let run =
            Run { params: vec![("seed".into(), seed.into())], ..Run::new(header, started_at) };
        self.store.record(self.invocation, &run).unwrap()
    }

    /// Records a run that has ended, with a log of each stream.
    fn ended(&mut self, seed: i64, status: Status) -> RunId {
        let run = self.record(seed, status);
        for log in logs(&self.results, &run) {
            write(&log, "log");
        }
        run
    }

    /// Records a killed run with a checkpoint.
    fn killed(&mut self, seed: i64) -> RunId {
        let run = self.record(seed, Status::Killed);
        write(&folder(&self.results, seed).join(RUN_FILE), run.as_str());
        write(&folder(&self.results, seed).join("checkpoint/model"), "model");
        write(&folder(&self.results, seed).with_extension("lock"), "");
        run
    }
}

fn trial(seed: i64) -> TrialId {
    TrialId::of(&[("seed", &seed.to_string())])
}

fn folder(results: &Path, seed: i64) -> PathBuf {
    tracking::program_files::trial_folder(results, "wine", &trial(seed))
}

fn logs(results: &Path, run: &RunId) -> [PathBuf; 2] {
    Stream::ALL.map(|stream| tracking::program_files::log_path(results, "wine", run, stream))
}

fn has_logs(results: &Path, run: &RunId) -> bool {
    logs(results, run).iter().all(|log| log.is_file())
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn logs_and_checkpoints_move_with_their_runs() {
    let sweep = Sweep::empty();
    let results = sweep.path("results");
    let mut recording = Recording::new(&results);
    let finished = recording.ended(0, Status::Finished);
    let failed = recording.ended(1, Status::Failed);
    let killed = recording.killed(2);
    let is_whole = |results: &Path| {
        has_logs(results, &finished)
            && has_logs(results, &failed)
            && folder(results, 2).join("checkpoint/model").is_file()
    };
    drop(recording);
    assert!(is_whole(&results));
    sweep.runner(&format!("delete {failed}")).success();
    assert!(!logs(&results, &failed).iter().any(|log| log.exists()));
    assert!(has_logs(&results, &finished));
    sweep.runner("delete wine").success();
    assert!(!sweep.exists("results/wine"));
    assert!(is_whole(&sweep.path("results/.trash")));

    sweep.runner("restore wine").success();
    assert!(is_whole(&results));
    assert!(!sweep.exists("results/.trash"));
    assert_eq!(fs::read_to_string(folder(&results, 2).join(RUN_FILE)).unwrap(), killed.as_str());
}

#[test]
fn folder_of_another_run_of_the_trial_stays() {
    let sweep = Sweep::empty();
    let results = sweep.path("results");
    let mut recording = Recording::new(&results);
    let old = recording.killed(0);
    recording.killed(0);
    drop(recording);
    sweep.runner(&format!("delete {old}")).success();
    assert!(folder(&results, 0).join("checkpoint/model").is_file());
}

#[test]
fn merge_copies_logs() {
    let sweep = Sweep::empty();
    let results = sweep.path("results");
    drop(Recording::new(&results));
    let run = Recording::new(&sweep.path("other")).ended(0, Status::Failed);
    sweep.runner("merge other").success().stdout_contains("1 added");
    assert!(has_logs(&results, &run));
    assert!(has_logs(&sweep.path("other"), &run));
}

#[test]
fn gc_deletes_files_of_programs_without_a_run() {
    let sweep = Sweep::empty();
    let results = sweep.path("results");
    let mut recording = Recording::new(&results);
    let superseded = recording.ended(0, Status::Finished);
    let newest = recording.ended(0, Status::Finished);
    drop(recording);
    let wine = results.join("wine");
    write(&wine.join("logs/0000000000000000.stdout.gz"), "log");
    write(&wine.join("logs/.log-1"), "part");
    write(&wine.join("logs/notes.txt"), "not a log");
    write(&folder(&results, 0).join("stdout"), "epoch 1\n");
    write(&folder(&results, 1).with_extension("lock"), "");
    let gc = sweep.runner("gc --older-than 0s").success();
    let shown = |what: &str, path: &str| format!("{what} results/wine/{path}\n");
    let gc = [
        ("log without a run", "logs/0000000000000000.stdout.gz".to_owned()),
        ("unfinished file", "logs/.log-1".to_owned()),
        ("files of an ended program", format!("programs/{}", trial(0))),
        ("files of an ended program", format!("programs/{}.lock", trial(1))),
    ]
    .iter()
    .fold(gc, |gc, (what, path)| gc.stdout_contains(shown(what, path)));
    gc.stdout_contains(format!("superseded run {superseded}\n"));

    sweep.runner("gc --older-than 0s --yes").success();
    assert!(!logs(&results, &superseded).iter().any(|log| log.exists()));
    assert!(has_logs(&results, &newest));
    assert_eq!(fs::read_dir(wine.join("logs")).unwrap().count(), 3);
    assert_eq!(fs::read_dir(wine.join("programs")).unwrap().count(), 0);
    sweep.runner("gc --older-than 0s").success().stdout_is("nothing to delete\n");
}

#[test]
fn gc_deletes_both_parts_of_a_checkpoint() {
    let sweep = Sweep::empty();
    let results = sweep.path("results");
    let run = Recording::new(&results).killed(0);
    let sql = format!("INSERT INTO checkpoints VALUES ('{run}', 1, 0.5, x'', 0)");
    sweep.results().execute(&sql);
    let expected = format!("checkpoint of unfinished run {run}; without it, the trial restarts\n");
    let gc = sweep.runner("gc").success().stdout_contains(expected);
    gc.stdout_lacks("ended program");
    assert!(folder(&results, 0).exists());

    sweep.runner("gc --yes").success();
    assert_eq!(
        fs::read_dir(tracking::program_files::programs_folder(&results, "wine")).unwrap().count(),
        0
    );
    assert_eq!(sweep.results().count("checkpoints"), 0);
    sweep.runner("gc").success().stdout_is("nothing to delete\n");
}

#[test]
fn gc_keeps_the_files_of_a_live_program() {
    let sweep = Sweep::empty();
    let results = sweep.path("results");
    let run = Recording::new(&results).killed(0);
    let lock = fs::File::open(folder(&results, 0).with_extension("lock")).unwrap();
    lock.lock().unwrap();
    sweep.runner("gc").success().stdout_is("nothing to delete\n");
    drop(lock);
    sweep.runner("gc").success().stdout_contains(run.as_str());
}
