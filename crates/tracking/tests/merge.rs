//! Several stores into one: runs that went on meanwhile, and the starts of programs.
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
    Reader::open(folder).unwrap().record(None, &mut ()).unwrap()
}

fn absorb(store: &mut Store, from: &Path) -> MergeReport {
    store.merge(&Reader::open(from).unwrap(), &|_| true, false, &mut |_| Ok(())).unwrap()
}

/// How many were added, updated, identical, left; what contradicts.
fn counts(report: &MergeReport) -> ([usize; 4], &[String]) {
    let MergeReport { added, updated, identical, skipped, conflicts } = report;
    ([added.len(), updated.len(), *identical, *skipped], conflicts)
}

/// The model after an epoch.
fn checkpoint(epoch: u32) -> Checkpoint {
    Checkpoint { epoch, seconds: 0.5, model: vec![1, 2, 3] }
}

/// A run of [`run`] that trained until `epochs`, so far.
fn until(epochs: usize) -> Run {
    let whole = run(0);
    let epochs = whole.epochs[..epochs].to_vec();
    whole.with(|run| {
        run.status = Status::Killed;
        run.epochs = epochs;
        run.results = Vec::new();
        run.error_analysis = None;
    })
}

/// Takes the trial, and records its epochs until `to`; they are those after `from`.
fn train(store: &mut Store, id: InvocationId, from: usize, to: usize) -> RunId {
    let transaction = store.transaction().unwrap();
    let ClaimOutcome::Claimed(taken, _) =
        transaction.claim(id, &until(0), ClaimOptions::default()).unwrap()
    else {
        panic!("not free")
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

/// Another start of the same program.
fn again(store: &mut Store, host: &str, pid: u32) -> InvocationId {
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let process = Process { host: host.into(), pid, ..Process::default() };
    store.begin(&experiment, &Invocation { process, ..invocation() }).unwrap()
}

/// What was stopped in one store goes on in the other from where it was.
#[test]
fn a_checkpoint_goes_where_its_run_goes() {
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
        panic!("it begins anew")
    };
    assert_eq!((again, resumption.checkpoint, resumption.epochs.len()), (taken, checkpoint, 1));
}

/// A results folder with a run that was stopped after two epochs.
fn stopped() -> (TempDir, Store, RunId) {
    let (folder, mut store, id) = opened();
    let taken = train(&mut store, id, 0, 2);
    end(&mut store, &taken, &until(2));
    (folder, store, taken)
}

/// A results folder with nothing in it.
fn empty() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn a_run_that_went_on_is_brought_up_to_date() {
    let (folder, mut store, taken) = stopped();
    let ((copy, mut merged), (early, mut earlier)) = (empty(), empty());
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([1, 0, 0, 0], &[][..]));
    assert_eq!(counts(&absorb(&mut earlier, folder.path())), ([1, 0, 0, 0], &[][..]));

    let id = again(&mut store, "here", 43);
    assert_eq!(train(&mut store, id, 2, 3), taken);
    end(&mut store, &taken, &until(3));
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([0, 1, 0, 0], &[][..]));
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([0, 0, 1, 0], &[][..]));
    assert_eq!(
        counts(&absorb(&mut merged, early.path())),
        ([0, 0, 1, 0], &[][..]),
        "it is further here"
    );

    let id = again(&mut store, "here", 44);
    assert_eq!(train(&mut store, id, 3, 5), taken);
    end(&mut store, &taken, &run(0));
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([0, 1, 0, 0], &[][..]));
    assert_eq!(
        counts(&absorb(&mut merged, early.path())),
        ([0, 0, 1, 0], &[][..]),
        "it has its result here"
    );
    drop((store, merged));
    assert_eq!(digest(copy.path()), digest(folder.path()));
}

#[test]
fn an_export_from_the_middle_of_a_run_is_brought_up_to_date() {
    let (folder, mut store, id) = opened();
    let taken = train(&mut store, id, 0, 2);
    let copy = tempfile::tempdir().unwrap();
    Store::restore(copy.path(), |sink| Reader::open(folder.path())?.record(None, sink)).unwrap();
    let mut merged = Store::open(copy.path()).unwrap();
    assert_eq!(
        counts(&absorb(&mut merged, folder.path())),
        ([0, 0, 0, 1], &[][..]),
        "it is under way"
    );
    end(&mut store, &taken, &until(2));
    let id = again(&mut store, "here", 43);
    assert_eq!(train(&mut store, id, 2, 5), taken);
    end(&mut store, &taken, &run(0));
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([0, 1, 0, 0], &[][..]));
    drop((store, merged));
    assert_eq!(digest(copy.path()), digest(folder.path()));
}

#[test]
fn a_run_that_others_work_on_is_left_to_them() {
    let (folder, mut store, taken) = stopped();
    let (_copy, mut merged) = empty();
    absorb(&mut merged, folder.path());
    let elsewhere = again(&mut merged, "far", 7);
    assert_eq!(train(&mut merged, elsewhere, 2, 3), taken);
    let id = again(&mut store, "here", 43);
    train(&mut store, id, 2, 5);
    end(&mut store, &taken, &run(0));
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([0, 0, 0, 1], &[][..]));
    end(&mut merged, &taken, &run(0));
    assert_eq!(counts(&absorb(&mut merged, folder.path())), ([0, 0, 1, 0], &[][..]));
}

#[test]
fn a_run_that_began_otherwise_contradicts() {
    let (folder, mut store, taken) = stopped();
    let (_copy, mut merged) = empty();
    absorb(&mut merged, folder.path());
    let transaction = store.transaction().unwrap();
    transaction.restart_run(&taken).unwrap();
    transaction.commit().unwrap();
    let mut other = run(0);
    other.epochs[1].metrics[2].1 = 7.0;
    end(&mut store, &taken, &other);
    let report = absorb(&mut merged, folder.path());
    assert_eq!(counts(&report).0, [0; 4]);
    assert!(report.conflicts[0].contains("it is killed and finished"), "{report:?}");
    assert_eq!(merged.runs("wine").unwrap()[0].last_epoch, 2, "nothing was overwritten");
}

/// However its runs came: a start of a program is one start.
#[test]
fn a_store_that_came_in_parts_says_the_same() {
    let (folder, mut store, id) = opened();
    for seed in 0..4 {
        store.record(id, &run(seed)).unwrap();
    }
    let whole = digest(folder.path());
    let (parts, mut merged) = empty();
    for seed in [2, 0, 3, 1] {
        let source = Reader::open(folder.path()).unwrap();
        let wanted = |it: &RecordedRun| it.param("seed") == Some(&seed.into());
        assert_eq!(merged.merge(&source, &wanted, false, &mut |_| Ok(())).unwrap().added.len(), 1);
    }
    drop((store, merged));
    assert_eq!(digest(parts.path()), whole);
}
