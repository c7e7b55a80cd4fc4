//! Merging stores: new runs, updated runs, conflicts and invocations.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod wine;

use std::path::Path;

use tempfile::TempDir;
use tracking::{
    Checkpoint, ClaimOptions, ClaimOutcome, Digest, Experiment, Invocation, InvocationId,
    MergeReport, Process, Reader, RecordedRun, Run, RunId, Status, Store,
};

use wine::{invocation, opened, run};

fn digest(folder: &Path) -> Digest {
    Reader::open(folder).unwrap().export(None, &mut ()).unwrap()
}

/// Merges all runs of the store in `from`.
fn merge(store: &mut Store, from: &Path) -> MergeReport {
    store.merge(&Reader::open(from).unwrap(), &|_| true, false, &mut |_| Ok(())).unwrap()
}

/// Returns the numbers of added, updated, identical and skipped runs, and the conflicts.
fn counts(report: &MergeReport) -> ([usize; 4], &[String]) {
    let MergeReport { added, updated, identical, skipped, conflicts } = report;
    ([added.len(), updated.len(), *identical, *skipped], conflicts)
}

/// A checkpoint after `epoch`.
fn checkpoint(epoch: u32) -> Checkpoint {
    Checkpoint { epoch, seconds: 0.5, model: vec![1, 2, 3] }
}

/// The run of [`run`], stopped after `epochs`.
fn until(epochs: usize) -> Run {
    let complete = run(0);
    let epochs = complete.epochs[..epochs].to_vec();
    complete.with(|run| {
        run.status = Status::Killed;
        run.epochs = epochs;
        run.results = Vec::new();
        run.error_analysis = None;
    })
}

/// Claims the trial and records the epochs after `from`, up to `to`.
fn train(store: &mut Store, id: InvocationId, from: usize, to: usize) -> RunId {
    let transaction = store.transaction().unwrap();
    let ClaimOutcome::Claimed(taken, _) =
        transaction.claim(id, &until(0), ClaimOptions::default()).unwrap()
    else {
        panic!("the trial is not free")
    };
    transaction
        .record_epochs(&taken, &until(to).epochs[from..], &checkpoint(u32::try_from(to).unwrap()))
        .unwrap();
    transaction.commit().unwrap();
    taken
}

fn end(store: &mut Store, taken: &RunId, run: &Run) {
    let transaction = store.transaction().unwrap();
    transaction.end_run(taken, run).unwrap();
    transaction.commit().unwrap();
}

/// Starts another invocation of the same program.
fn restart(store: &mut Store, host: &str, pid: u32) -> InvocationId {
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let process = Process { host: host.into(), pid, ..Process::default() };
    store.begin(&experiment, &Invocation { process, ..invocation() }).unwrap()
}

#[test]
fn merged_run_resumes_from_its_checkpoint() {
    let (folder, mut store, id) = opened();
    let stopped = run(0).with(|run| {
        run.status = Status::Killed;
        run.results = Vec::new();
        run.error_analysis = None;
    });
    let checkpoint = Checkpoint { epoch: 1, seconds: 0.5, model: vec![1, 2, 3] };
    let transaction = store.transaction().unwrap();
    let ClaimOutcome::Claimed(taken, None) =
        transaction.claim(id, &stopped, ClaimOptions::default()).unwrap()
    else {
        panic!()
    };
    transaction.record_epochs(&taken, &stopped.epochs[..1], &checkpoint).unwrap();
    transaction
        .end_run(&taken, &Run { epochs: stopped.epochs[..1].to_vec(), ..stopped.clone() })
        .unwrap();
    transaction.commit().unwrap();

    let (_other, mut merged, id) = opened();
    let source = Reader::open(folder.path()).unwrap();
    assert_eq!(merged.merge(&source, &|_| true, false, &mut |_| Ok(())).unwrap().added.len(), 1);
    let transaction = merged.transaction().unwrap();
    let ClaimOutcome::Claimed(again, Some(resumption)) =
        transaction.claim(id, &stopped, ClaimOptions::default()).unwrap()
    else {
        panic!("the run restarts")
    };
    assert_eq!((again, resumption.checkpoint, resumption.epochs.len()), (taken, checkpoint, 1));
}

/// A store with a run that was stopped after two epochs.
fn stopped() -> (TempDir, Store, RunId) {
    let (folder, mut store, id) = opened();
    let taken = train(&mut store, id, 0, 2);
    end(&mut store, &taken, &until(2));
    (folder, store, taken)
}

/// An empty store.
fn empty() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn resumed_run_is_updated() {
    let (folder, mut store, taken) = stopped();
    let ((copy, mut merged), (early, mut earlier)) = (empty(), empty());
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([1, 0, 0, 0], &[][..]));
    assert_eq!(counts(&merge(&mut earlier, folder.path())), ([1, 0, 0, 0], &[][..]));

    let id = restart(&mut store, "here", 43);
    assert_eq!(train(&mut store, id, 2, 3), taken);
    end(&mut store, &taken, &until(3));
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([0, 1, 0, 0], &[][..]));
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([0, 0, 1, 0], &[][..]));
    assert_eq!(
        counts(&merge(&mut merged, early.path())),
        ([0, 0, 1, 0], &[][..]),
        "the target has more epochs"
    );

    let id = restart(&mut store, "here", 44);
    assert_eq!(train(&mut store, id, 3, 5), taken);
    end(&mut store, &taken, &run(0));
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([0, 1, 0, 0], &[][..]));
    assert_eq!(
        counts(&merge(&mut merged, early.path())),
        ([0, 0, 1, 0], &[][..]),
        "the target has the result"
    );
    drop((store, merged));
    assert_eq!(digest(copy.path()), digest(folder.path()));
}

#[test]
fn run_exported_while_running_is_updated() {
    let (folder, mut store, id) = opened();
    let taken = train(&mut store, id, 0, 2);
    let copy = tempfile::tempdir().unwrap();
    Store::restore(copy.path(), |sink| Reader::open(folder.path())?.export(None, sink)).unwrap();
    let mut merged = Store::open(copy.path()).unwrap();
    assert_eq!(
        counts(&merge(&mut merged, folder.path())),
        ([0, 0, 0, 1], &[][..]),
        "the run is running"
    );
    end(&mut store, &taken, &until(2));
    let id = restart(&mut store, "here", 43);
    assert_eq!(train(&mut store, id, 2, 5), taken);
    end(&mut store, &taken, &run(0));
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([0, 1, 0, 0], &[][..]));
    drop((store, merged));
    assert_eq!(digest(copy.path()), digest(folder.path()));
}

#[test]
fn run_with_a_live_owner_is_skipped() {
    let (folder, mut store, taken) = stopped();
    let (_copy, mut merged) = empty();
    merge(&mut merged, folder.path());
    let remote = restart(&mut merged, "far", 7);
    assert_eq!(train(&mut merged, remote, 2, 3), taken);
    let id = restart(&mut store, "here", 43);
    train(&mut store, id, 2, 5);
    end(&mut store, &taken, &run(0));
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([0, 0, 0, 1], &[][..]));
    end(&mut merged, &taken, &run(0));
    assert_eq!(counts(&merge(&mut merged, folder.path())), ([0, 0, 1, 0], &[][..]));
}

#[test]
fn run_with_other_epochs_is_a_conflict() {
    let (folder, mut store, taken) = stopped();
    let (_copy, mut merged) = empty();
    merge(&mut merged, folder.path());
    let transaction = store.transaction().unwrap();
    transaction.restart_run(&taken).unwrap();
    transaction.commit().unwrap();
    let mut other = run(0);
    other.epochs[1].metrics[2].1 = 7.0;
    end(&mut store, &taken, &other);
    let report = merge(&mut merged, folder.path());
    assert_eq!(counts(&report).0, [0; 4]);
    assert!(report.conflicts[0].contains("its status is killed and finished"), "{report:?}");
    assert_eq!(merged.runs("wine").unwrap()[0].last_epoch, 2, "nothing was overwritten");
}

/// All runs of an invocation refer to one invocation after the merge, even if they are merged one
/// by one.
#[test]
fn merging_runs_one_by_one_gives_the_same_digest() {
    let (folder, mut store, id) = opened();
    for seed in 0..4 {
        store.record(id, &run(seed)).unwrap();
    }
    let expected = digest(folder.path());
    let (parts, mut merged) = empty();
    for seed in [2, 0, 3, 1] {
        let source = Reader::open(folder.path()).unwrap();
        let wanted = |run: &RecordedRun| run.param("seed") == Some(&seed.into());
        assert_eq!(merged.merge(&source, &wanted, false, &mut |_| Ok(())).unwrap().added.len(), 1);
    }
    drop((store, merged));
    assert_eq!(digest(parts.path()), expected);
}
