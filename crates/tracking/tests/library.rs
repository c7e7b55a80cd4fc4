//! What a training loop logs is what is read, whatever threads, processes and kills there are.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use tempfile::TempDir;
use tracking::{
    DATABASE, Experiment, Invocation, LiveRun, Process, Reader, RecordedRun, Run, RunHeader,
    Status, Store, StoreError, TrialId, Value,
};

const THREADS: u32 = 4;
const RUNS: u32 = 100;
const EPOCHS: u32 = 5;

fn opened() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

/// All runs of `wine`, none of them damaged.
fn all(folder: &Path) -> Vec<RecordedRun> {
    let reader = Reader::open(folder).unwrap();
    let runs = reader.all_runs("wine").unwrap();
    for run in &runs {
        assert!(run.is_intact());
        reader.epochs(run).unwrap();
    }
    reader.runs("wine").unwrap();
    assert_eq!(reader.integrity_issues(), []);
    runs
}

/// This test program once more, as another process that does the ignored test `name` in `folder`.
fn process(name: &str, folder: &Path, number: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .envs([("RESULTS", folder.as_os_str()), ("NUMBER", number.to_string().as_ref())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The folder and the number that [`process`] gave.
fn given() -> Option<(std::path::PathBuf, u32)> {
    Some((std::env::var_os("RESULTS")?.into(), std::env::var("NUMBER").ok()?.parse().ok()?))
}

/// A number that says which run, epoch and metric it is of.
fn value(process: u32, thread: u32, seed: u32, epoch: u32, metric: u32) -> f64 {
    1.0 / f64::from(1 + metric + 10 * (epoch + 10 * (seed + 1_000 * (thread + 10 * process))))
}

#[test]
#[ignore = "it is a process of another test"]
fn one_of_several_processes() {
    let Some((folder, process)) = given() else { return };
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
fn nothing_is_lost_of_four_threads_in_each_of_four_processes() {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<Child> =
        (0..4).map(|number| process("one_of_several_processes", folder.path(), number)).collect();
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
    let starts = reader.invocations(&runs).unwrap();
    assert_eq!(starts.len(), 4, "one a process");
    assert!(starts.iter().all(|start| start.command_line.contains("one_of_several_processes")));
    assert!(
        starts.iter().all(|start| start.process.host == Process::current().host && start.jobs > 0)
    );
}

#[test]
#[ignore = "it is a process of another test"]
fn one_that_is_killed() {
    let Some((folder, _)) = given() else { return };
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
fn what_was_logged_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = process("one_that_is_killed", folder.path(), 0);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut epochs = lines.filter_map(|line| {
        line.split_once("epoch ").map(|(_, epoch)| epoch.parse::<u32>().unwrap())
    });
    let logged = epochs.find(|epoch| *epoch == 40).unwrap();
    std::thread::sleep(Duration::from_millis(1_000));
    child.kill().unwrap();
    child.wait().unwrap();

    let [run] = &all(folder.path())[..] else { panic!() };
    assert_eq!(run.status, Status::Killed);
    assert!(run.last_epoch >= logged, "{} of {logged}", run.last_epoch);
    let found = Reader::open(folder.path()).unwrap().epochs(run).unwrap();
    assert!(
        (1..)
            .zip(&found)
            .all(|(epoch, it)| it.epoch == epoch && it.metrics[0].1 == 1.0 / f64::from(epoch))
    );

    // Its trial is free, and what is left of it stays.
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
        Some("its process was gone; another run of the trial began")
    );
    assert_eq!(Reader::open(folder.path()).unwrap().runs("wine").unwrap()[0].id, runs[1].id);
}

#[test]
fn a_trial_runs_once_at_a_time_and_as_often_as_you_like() {
    let (folder, store) = opened();
    let other = Store::open(folder.path()).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into()), ("rate", 0.1.into())]).unwrap();
    for store in [&store, &other] {
        let error =
            store.start_run("wine", &[("rate", 0.1.into()), ("depth", 3.into())]).unwrap_err();
        assert!(matches!(&error, StoreError::Running { remote: false, .. }), "{error}");
        let words = format!("is being run by process {}", std::process::id());
        assert!(
            error.to_string().contains(&words) && error.to_string().ends_with("wait for its end"),
            "{error}"
        );
    }
    store
        .start_run("beer", &[("depth", 3.into()), ("rate", 0.1.into())])
        .unwrap()
        .finish(&[])
        .unwrap();
    let (trial, first) = (run.trial().clone(), run.id().clone());
    run.finish(&[("test_accuracy", 0.1)]).unwrap();
    let run = other.start_run("wine", &[("rate", 0.1.into()), ("depth", 3.into())]).unwrap();
    let second = run.id().clone();
    assert_eq!((run.trial(), first != second), (&trial, true));
    run.finish(&[("test_accuracy", 0.2)]).unwrap();
    assert_eq!(all(folder.path()).len(), 2);
    let counting = store.runs("wine").unwrap();
    assert_eq!((counting.len(), &counting[0].id), (1, &second));
}

#[test]
fn of_threads_that_begin_one_trial_at_once_one_does() {
    let (folder, store) = opened();
    let begun: Vec<Result<LiveRun, StoreError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| store.start_run("wine", &[("depth", 3.into())])))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(begun.iter().filter(|run| run.is_ok()).count(), 1);
    assert!(begun.iter().all(|run| matches!(run, Ok(_) | Err(StoreError::Running { .. }))));
    assert_eq!(all(folder.path()).len(), 1);
}

#[test]
fn another_machine_is_believed_until_it_is_taken_over() {
    let (folder, mut store) = opened();
    let process = Process { host: "\u{1b}[2Jfar".into(), pid: 7, ..Process::current().clone() };
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let theirs =
        store.begin(&experiment, &Invocation { process, ..Invocation::default() }).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    let trial = run.trial().clone();
    run.finish(&[]).unwrap();
    store
        .record(
            theirs,
            &Run::new(
                RunHeader { trial, ..RunHeader::new("wine", Status::Running) },
                SystemTime::now(),
            ),
        )
        .unwrap();
    let error = store.start_run("wine", &[("depth", 3.into())]).unwrap_err().to_string();
    let words = "is being run by process 7 of \\u{1b}[2Jfar: wait for its end, or take it over if you know that it is gone";
    assert!(error.ends_with(words), "{error}");
    store.new_run("wine", &[("depth", 3.into())]).take_over().start().unwrap().finish(&[]).unwrap();
    let ends: Vec<Status> = all(folder.path()).iter().map(|run| run.status).collect();
    assert_eq!(ends, [Status::Finished, Status::Killed, Status::Finished]);
    assert_eq!(store.experiments().unwrap(), [experiment], "it is described as it was");
}

#[test]
fn runs_that_are_let_go_of_are_killed_and_the_others_end_as_they_say() {
    let (folder, store) = opened();
    let start = |seed: u32| store.start_run("wine", &[("seed", seed.into())]).unwrap();
    start(0).log(1, &[("loss", 0.5)]).unwrap();
    let panicked = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let run = start(1);
            run.log(1, &[("loss", 0.5)]).unwrap();
            panic!("on purpose");
        });
        thread.join()
    });
    assert!(panicked.is_err());
    start(2).fail("out of memory").unwrap();
    start(3).diverge().unwrap();
    let outlives = start(4);
    drop(store);
    outlives.log(1, &[("loss", 0.5)]).unwrap();
    outlives.finish(&[]).unwrap();
    let ends: Vec<_> = all(folder.path())
        .iter()
        .map(|run| (run.status, run.error.clone().unwrap_or_default()))
        .collect();
    let expected = [
        (Status::Killed, "the program let go of it"),
        (Status::Killed, "its thread panicked"),
        (Status::Failed, "out of memory"),
        (Status::Diverged, ""),
        (Status::Finished, ""),
    ];
    assert!(ends.iter().map(|(status, error)| (*status, error.as_str())).eq(expected), "{ends:?}");
    assert_eq!(
        all(folder.path()).iter().map(|run| run.last_epoch).collect::<Vec<_>>(),
        [1, 1, 0, 0, 1]
    );
}

#[test]
fn epochs_are_there_soon_without_an_end() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[]).unwrap();
    run.log(1, &[("loss", 0.5)]).unwrap();
    run.log_at(3, 300, &[("loss", 0.25)]).unwrap();
    run.log_at(3, 300, &[("val_loss", 0.125)]).unwrap();
    let begun = Instant::now();
    while all(folder.path())[0].last_epoch < 3 {
        assert!(begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
    let reader = Reader::open(folder.path()).unwrap();
    let runs = reader.runs("wine").unwrap();
    assert_eq!((runs[0].status, runs[0].ended_at.as_str()), (Status::Running, ""));
    let epochs = reader.epochs(&runs[0]).unwrap();
    assert_eq!(
        epochs.iter().map(|it| (it.epoch, it.step, it.metrics.len())).collect::<Vec<_>>(),
        [(1, 1, 1), (3, 300, 2)]
    );
}

#[test]
fn numbers_that_are_none_are_absent_and_there_is_one_zero() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[("rate", Value::Real(-0.0))]).unwrap();
    run.log(1, &[("loss", f64::NAN), ("accuracy", -0.0)]).unwrap();
    run.log(2, &[("loss", f64::NEG_INFINITY)]).unwrap();
    run.finish(&[("test_loss", f64::INFINITY), ("test_accuracy", -0.0), ("seconds", 7.0)]).unwrap();
    let run = &all(folder.path())[0];
    assert_eq!(
        (run.result("test_loss"), run.result("test_accuracy"), run.result("seconds")),
        (None, Some(0.0), Some(7.0))
    );
    let epochs = Reader::open(folder.path()).unwrap().epochs(run).unwrap();
    assert_eq!((epochs.len(), &epochs[0].metrics[..]), (1, &[("accuracy".to_owned(), 0.0)][..]));
    for infinite in [f64::NAN, f64::INFINITY] {
        let error = store.start_run("wine", &[("rate", infinite.into())]).unwrap_err().to_string();
        assert_eq!(error, "the hyperparameter 'rate' cannot be recorded: it is not finite");
    }
}

#[test]
fn what_cannot_be_recorded_is_named_and_costs_nothing_else() {
    let (folder, store) = opened();
    for name in ["", "../up", "a/b", "Wine", "ü", &"a".repeat(65)] {
        assert!(
            matches!(store.start_run(name, &[]), Err(StoreError::InvalidExperimentName(_))),
            "{name}"
        );
    }
    let long = "x".repeat(129);
    let names = [
        ("", "a name is needed"),
        (" ", "a name is needed"),
        ("\u{1b}[2J", "its name has characters that cannot be printed"),
        ("a\nb", "its name has characters that cannot be printed"),
        ("\u{202e}x", "its name has characters that cannot be printed"),
        (&long, "its name is longer than 128 bytes"),
        ("loss", "it is there already"),
    ];
    let run = store.start_run("wine", &[("loss", 1.into())]).unwrap();
    for (name, reason) in names {
        let error = store
            .start_run("wine", &[("loss", 1.into()), (name, 2.into())])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the hyperparameter '") && error.ends_with(reason), "{error}");
        let error =
            run.log(1, &[("loss", 1.0), ("accuracy", 0.5), (name, 2.0)]).unwrap_err().to_string();
        assert!(error.starts_with("the metric '") && error.ends_with(reason), "{error}");
        assert!(!error.contains(['\u{1b}', '\n', '\u{202e}']), "{error}");
    }
    run.log(1, &[("loss", 1.0)]).unwrap();
    let again = run.log(1, &[("accuracy", 0.5), ("loss", 1.0)]).unwrap_err().to_string();
    assert_eq!(again, "the metric 'loss' cannot be recorded: it is there already");
    run.log(1, &[("accuracy", 0.5)]).unwrap();
    run.log_at(2, 10, &[("loss", 1.0)]).unwrap();
    let wrong = [
        (0, 11, "epochs count from 1"),
        (1, 11, "a later one was logged already"),
        (2, 11, "it was logged at another step already"),
        (3, 9, "an epoch before it had more steps"),
        (3, u64::MAX, "there are not so many steps"),
    ];
    for (epoch, step, reason) in wrong {
        let error = run.log_at(epoch, step, &[("loss", 1.0)]).unwrap_err().to_string();
        assert_eq!(error, format!("epoch {epoch} (step {step}) cannot be logged: {reason}"));
    }
    let error = run.finish(&[("test_loss", 1.0), ("test_loss", 2.0)]).unwrap_err().to_string();
    let runs = all(folder.path());
    assert_eq!(
        (runs.len(), runs[0].status, runs[0].error.as_ref()),
        (1, Status::Failed, Some(&error))
    );
    let epochs = Reader::open(folder.path()).unwrap().epochs(&runs[0]).unwrap();
    assert_eq!(epochs.iter().map(|it| it.metrics.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn no_text_makes_one_trial_of_two() {
    let (folder, store) = opened();
    let params: [&[(&str, Value)]; 8] = [
        &[("a", 1.into())],
        &[("a", 1.0.into())],
        &[("a", "1".into())],
        &[("a", "1\n\"b\"=2".into())],
        &[("a", 1.into()), ("b", 2.into())],
        &[("a=b", 1.into())],
        &[("a", "b=1".into())],
        &[],
    ];
    for params in params {
        store.start_run("wine", params).unwrap().finish(&[]).unwrap();
    }
    let data = || store.new_run("wine", &[]);
    data().dataset("wine").start().unwrap().finish(&[]).unwrap();
    data().dataset_sha256("wine").start().unwrap().finish(&[]).unwrap();
    data().validation("0.1").start().unwrap().finish(&[]).unwrap();
    let same = data().validation("test").engine("another").device("cuda").start().unwrap();
    assert_eq!(
        same.trial(),
        store.start_run("beer", &[]).unwrap().trial(),
        "a trial is no experiment's"
    );
    same.finish(&[]).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let trials: std::collections::HashSet<TrialId> =
        reader.all_runs("wine").unwrap().into_iter().map(|run| run.header.trial).collect();
    assert_eq!(trials.len(), 11);
    // printf 'candle-sweep trial v1\n"depth"=3\n"kind"="relu"\ndataset="wine"\ndataset_sha256=""\nvalidation="test"\n' | sha256sum
    let run = store
        .new_run("wine", &[("kind", "relu".into()), ("depth", 3.into())])
        .dataset("wine")
        .start()
        .unwrap();
    assert_eq!(run.trial().as_str(), "ae50b184bd003a5e");
}

#[test]
fn what_the_database_refuses_of_one_run_costs_the_others_nothing() {
    let (folder, store) = opened();
    let [good, bad] =
        [0, 1].map(|seed: u32| store.start_run("wine", &[("seed", seed.into())]).unwrap());
    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER no AFTER INSERT ON metrics WHEN NEW.name = 'bad' BEGIN SELECT RAISE(ABORT, 'never'); END",
        )
        .unwrap();
    bad.log(1, &[("bad", 1.0)]).unwrap();
    good.log(1, &[("good", 1.0)]).unwrap();
    good.finish(&[]).unwrap();
    let error = bad.log(2, &[("good", 1.0)]).unwrap_err().to_string();
    assert!(error.ends_with("never"), "{error}");
    bad.finish(&[]).unwrap();
    let runs = all(folder.path());
    assert!(runs.iter().all(|run| run.status == Status::Finished));
    assert_eq!(runs.iter().map(|run| run.last_epoch).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn an_experiment_that_was_deleted_meanwhile_begins_again() {
    let (folder, store) = opened();
    let start = |seed: u32| store.start_run("wine", &[("seed", seed.into())]).unwrap();
    let (old, lost) = (start(0), start(1));
    let ids = [old.id().clone(), lost.id().clone()];
    old.finish(&[]).unwrap();
    Store::open(folder.path()).unwrap().delete_runs(&ids).unwrap();
    assert!(lost.finish(&[]).is_err(), "nobody keeps the end of what is not there");
    start(2).finish(&[]).unwrap();
    assert_eq!(all(folder.path()).len(), 1);
}

/// To the system, a file that somebody deleted is written to as well as any.
#[test]
fn who_logs_into_a_store_that_is_gone_is_told() {
    let (folder, store) = opened();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    run.log(1, &[("loss", 0.5)]).unwrap();
    std::fs::remove_dir_all(folder.path()).unwrap();
    let error = run.finish(&[("test_accuracy", 0.9)]).unwrap_err();
    assert!(
        matches!(&error, StoreError::Deleted { path } if *path == folder.path().join(DATABASE)),
        "{error}"
    );
    assert!(matches!(
        store.start_run("wine", &[("depth", 4.into())]),
        Err(StoreError::Deleted { .. })
    ));
    drop(store);
    assert!(!folder.path().exists(), "nothing is left of it");
}

#[test]
fn a_program_says_what_it_is() {
    let (folder, store) = opened();
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    store.declare(&experiment, tracking::invocation!()).unwrap();
    store.start_run("wine", &[]).unwrap().finish(&[]).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let start = reader.invocation(&reader.runs("wine").unwrap()[0]).unwrap();
    assert_eq!(start.program_version, concat!("tracking ", env!("CARGO_PKG_VERSION")));
    assert_eq!(&start.process, Process::current());
    assert_eq!(reader.experiments().unwrap(), [experiment]);
    assert!(matches!(
        store.declare(
            &Experiment { name: "../up".into(), description: String::new() },
            Invocation::current()
        ),
        Err(StoreError::InvalidExperimentName(_))
    ));
}
