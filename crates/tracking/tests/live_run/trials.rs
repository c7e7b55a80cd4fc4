//! Which runs belong to one trial, and when a trial can run again.

use std::time::SystemTime;

use tracking::{
    Experiment, Invocation, LiveRun, Process, Reader, Run, RunHeader, Status, Store, StoreError,
    TrialId, Value,
};

use crate::{all, opened};

#[test]
fn trial_runs_once_at_a_time_but_repeatedly() {
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
    let effective = store.runs("wine").unwrap();
    assert_eq!((effective.len(), &effective[0].id), (1, &second));
}

#[test]
fn only_one_of_several_threads_starts_a_trial() {
    let (folder, store) = opened();
    let started: Vec<Result<LiveRun, StoreError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| store.start_run("wine", &[("depth", 3.into())])))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(started.iter().filter(|run| run.is_ok()).count(), 1);
    assert!(started.iter().all(|run| matches!(run, Ok(_) | Err(StoreError::Running { .. }))));
    assert_eq!(all(folder.path()).len(), 1);
}

#[test]
fn run_of_another_machine_blocks_until_taken_over() {
    let (folder, mut store) = opened();
    let process = Process { host: "\u{1b}[2Jfar".into(), pid: 7, ..Process::current().clone() };
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let remote =
        store.begin(&experiment, &Invocation { process, ..Invocation::default() }).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into())]).unwrap();
    let trial = run.trial().clone();
    run.finish(&[]).unwrap();
    let header = RunHeader { trial, ..RunHeader::new("wine", Status::Running) };
    store.record(remote, &Run::new(header, SystemTime::now())).unwrap();
    let error = store.start_run("wine", &[("depth", 3.into())]).unwrap_err().to_string();
    let words = "is being run by process 7 of \\u{1b}[2Jfar: wait for its end, or take over the trial if you know that the process has ended";
    assert!(error.ends_with(words), "{error}");
    store.new_run("wine", &[("depth", 3.into())]).take_over().start().unwrap().finish(&[]).unwrap();
    let ends: Vec<Status> = all(folder.path()).iter().map(|run| run.status).collect();
    assert_eq!(ends, [Status::Finished, Status::Killed, Status::Finished]);
    assert_eq!(store.experiments().unwrap(), [experiment], "the description is unchanged");
}

#[test]
fn different_fields_give_different_trial_ids() {
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
        "the experiment is not part of the id"
    );
    same.finish(&[]).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let trials: std::collections::HashSet<TrialId> =
        reader.all_runs("wine").unwrap().into_iter().map(|run| run.header.trial).collect();
    assert_eq!(trials.len(), 11);
    // The expected id is the start of the SHA-256 of these lines, each ended by a line feed:
    // candle-sweep trial v1
    // "depth"=3
    // "kind"="relu"
    // dataset="wine"
    // dataset_sha256=""
    // validation="test"
    let run = store
        .new_run("wine", &[("kind", "relu".into()), ("depth", 3.into())])
        .dataset("wine")
        .start()
        .unwrap();
    assert_eq!(run.trial().as_str(), "ae50b184bd003a5e");
}

#[test]
fn declare_sets_description_and_program_version() {
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
