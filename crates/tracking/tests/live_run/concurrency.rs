//! Several processes log into one store; a process is killed while it logs.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tracking::{Process, Reader, Status, Store, Value};

use crate::{all, wait_for_epoch};

const THREADS: u32 = 4;
const RUNS: u32 = 100;
const EPOCHS: u32 = 5;

/// Starts this test program as a child process that runs the ignored test `name` in `folder`.
fn spawn(name: &str, folder: &Path, number: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("concurrency::{name}"), "--ignored", "--nocapture"])
        .envs([("RESULTS", folder.as_os_str()), ("NUMBER", number.to_string().as_ref())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns the folder and the number that [`spawn`] passed; `None` outside a child process.
fn child_arguments() -> Option<(std::path::PathBuf, u32)> {
    Some((std::env::var_os("RESULTS")?.into(), std::env::var("NUMBER").ok()?.parse().ok()?))
}

/// A number that identifies its process, thread, run, epoch and metric.
fn value(process: u32, thread: u32, seed: u32, epoch: u32, metric: u32) -> f64 {
    1.0 / f64::from(1 + metric + 10 * (epoch + 10 * (seed + 1_000 * (thread + 10 * process))))
}

#[test]
#[ignore = "runs as a child process of another test"]
fn child_logs_many_runs() {
    let Some((folder, process)) = child_arguments() else { return };
    let store = Store::open(folder).unwrap();
    let log = |thread: u32| {
        for seed in 0..RUNS {
            let kind = format!("a \u{1b}[31m kind = {process}\n");
            let params = [
                ("kind", kind.into()),
                ("thread", thread.into()),
                ("rate", Value::Real(value(process, thread, seed, 0, 0))),
                ("seed", seed.into()),
            ];
            let run = store.start_run("wine", &params).unwrap();
            for epoch in 1..=EPOCHS {
                let metric = |metric| value(process, thread, seed, epoch, metric);
                run.log(epoch, &[("loss", metric(1)), ("val_accuracy", metric(2))]).unwrap();
            }
            run.finish(&[("test_accuracy", value(process, thread, seed, 9, 9))]).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || log(thread));
        }
    });
}

#[test]
fn concurrent_processes_and_threads_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<Child> =
        (0..4).map(|number| spawn("child_logs_many_runs", folder.path(), number)).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let reader = Reader::open(folder.path()).unwrap();
    let runs = reader.runs("wine").unwrap();
    assert_eq!(runs.len(), 4 * (THREADS * RUNS) as usize);
    let mut found: Vec<(u32, u32, u32)> = Vec::new();
    for run in &runs {
        let number = |name: &str| run.param(name).unwrap().as_number().unwrap() as u32;
        let Some(Value::Text(kind)) = run.param("kind") else { panic!("{run:?}") };
        let process =
            kind.strip_prefix("a \u{1b}[31m kind = ").unwrap().trim_end().parse().unwrap();
        let (thread, seed) = (number("thread"), number("seed"));
        let names: Vec<&str> = run.params.iter().map(|(name, _)| &**name).collect();
        assert_eq!((run.status, names), (Status::Finished, vec!["kind", "thread", "rate", "seed"]));
        assert_eq!(run.param("rate"), Some(&Value::Real(value(process, thread, seed, 0, 0))));
        assert_eq!(run.result("test_accuracy"), Some(value(process, thread, seed, 9, 9)));
        assert!(run.result("seconds").is_some_and(|seconds| (0.0..60.0).contains(&seconds)));
        let epochs = reader.epochs(run).unwrap();
        assert_eq!(epochs.len(), EPOCHS as usize);
        for (epoch, found) in (1..).zip(&epochs) {
            let metric = |metric| value(process, thread, seed, epoch, metric);
            let metrics = [("loss".to_owned(), metric(1)), ("val_accuracy".to_owned(), metric(2))];
            assert_eq!(
                (found.epoch, found.step, &found.metrics[..]),
                (epoch, u64::from(epoch), &metrics[..])
            );
        }
        found.push((process, thread, seed));
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!((found.len(), reader.integrity_issues()), (runs.len(), Vec::new()));
    let invocations = reader.invocations_of(&runs).unwrap();
    assert_eq!(invocations.len(), 4, "one invocation per process");
    let host = &Process::current().host;
    for invocation in &invocations {
        assert!(invocation.command_line.contains("child_logs_many_runs"), "{invocation:?}");
        assert!(invocation.process.host == *host && invocation.jobs > 0, "{invocation:?}");
    }
}

#[test]
#[ignore = "runs as a child process of another test"]
fn child_logs_until_killed() {
    let Some((folder, _)) = child_arguments() else { return };
    let store = Store::open(folder).unwrap();
    let run = store.start_run("wine", &[("seed", 0.into())]).unwrap();
    for epoch in 1..=1_000_000 {
        run.log(epoch, &[("loss", 1.0 / f64::from(epoch))]).unwrap();
        println!("epoch {epoch}");
        std::io::stdout().flush().unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn logged_epochs_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = spawn("child_logs_until_killed", folder.path(), 0);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut epochs = lines.filter_map(|line| {
        line.split_once("epoch ").map(|(_, epoch)| epoch.parse::<u32>().unwrap())
    });
    let logged = epochs.find(|epoch| *epoch == 40).unwrap();
    wait_for_epoch(folder.path(), logged);
    child.kill().unwrap();
    child.wait().unwrap();

    let [run] = &all(folder.path())[..] else { panic!() };
    assert_eq!(run.status, Status::Killed);
    assert!(run.last_epoch >= logged, "{} of {logged}", run.last_epoch);
    let found = Reader::open(folder.path()).unwrap().epochs(run).unwrap();
    assert!(
        (1..).zip(&found).all(|(number, epoch)| epoch.epoch == number
            && epoch.metrics[0].1 == 1.0 / f64::from(number))
    );

    // The trial can run again, and the killed run keeps its epochs.
    let store = Store::open(folder.path()).unwrap();
    store
        .start_run("wine", &[("seed", 0.into())])
        .unwrap()
        .finish(&[("test_accuracy", 0.5)])
        .unwrap();
    let runs = all(folder.path());
    assert_eq!(
        runs.iter().map(|run| run.status).collect::<Vec<_>>(),
        [Status::Killed, Status::Finished]
    );
    assert_eq!(runs[0].last_epoch, run.last_epoch);
    assert_eq!(
        runs[0].error.as_deref(),
        Some("its process ended; another run of the trial started")
    );
    assert_eq!(Reader::open(folder.path()).unwrap().runs("wine").unwrap()[0].id, runs[1].id);
}
