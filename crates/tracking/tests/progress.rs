//! Progress of a running experiment.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::SystemTime;

use tempfile::TempDir;
use tracking::{
    ClaimOptions, ClaimOutcome, DATABASE, EpochMetrics, Experiment, Invocation, InvocationId,
    Liveness, PlannedWork, Process, Progress, Reader, Run, RunHeader, RunId, Shard, Status, Store,
    TrialId,
};

fn progress(folder: &Path) -> Progress {
    Reader::open(folder).unwrap().progress("wine").unwrap().unwrap()
}

/// Waits until the clock shows a later time at the resolution of the store.
fn wait_for_next_millisecond() {
    let now = || tracking::timestamp(SystemTime::now());
    let start = now();
    while now() <= start {
        std::thread::yield_now();
    }
}

fn wine() -> Experiment {
    Experiment { name: "wine".into(), description: String::new() }
}

/// A store whose invocation plans ten trials. Seven of them are to run, with 10 epochs and 1,000
/// steps each.
fn planned() -> (TempDir, Store, InvocationId) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let work = Some(PlannedWork { trials: 10, to_run: 7, steps: 7_000 });
    let id = store.begin(&wine(), &Invocation { work, ..Invocation::current() }).unwrap();
    (folder, store, id)
}

fn run(seed: u32, epochs: u32, status: Status) -> Run {
    let epoch = |epoch| EpochMetrics {
        epoch,
        step: u64::from(epoch) * 100,
        metrics: vec![("loss".into(), 0.5), ("accuracy".into(), 0.5)],
    };
    let header = RunHeader {
        trial: TrialId::of(&[("seed", &seed.to_string())]),
        ..RunHeader::new("wine", status)
    };
    Run {
        params: vec![("seed".into(), seed.into()), ("epochs".into(), 10.into())],
        epochs: (1..=epochs).map(epoch).collect(),
        ..Run::new(header, SystemTime::now())
    }
}

/// Claims the trial of `run` and returns the id of its run.
fn claim(store: &mut Store, by: InvocationId, run: &Run) -> RunId {
    let transaction = store.transaction().unwrap();
    let ClaimOutcome::Claimed(id, _) = transaction.claim(by, run, ClaimOptions::default()).unwrap()
    else {
        unreachable!()
    };
    transaction.commit().unwrap();
    id
}

#[test]
fn remaining_work_is_planned_minus_done() {
    let (folder, mut store, id) = planned();
    let start = progress(folder.path());
    assert_eq!((start.ended(), start.steps, start.steps_left), (0, 0, Some(7_000)));
    assert_eq!((start.running, start.liveness), (Vec::new(), Liveness::Alive));

    store.record(id, &run(0, 10, Status::Finished)).unwrap();
    // This run takes 300 of its 1,000 steps.
    store.record(id, &run(1, 3, Status::Diverged)).unwrap();
    // This run diverges before the end of its first epoch.
    store.record(id, &run(2, 0, Status::Diverged)).unwrap();
    store.record(id, &run(3, 0, Status::Failed)).unwrap();
    // This run shares the training of another run, so it takes no steps of its own.
    store
        .record(
            id,
            &run(4, 10, Status::Finished)
                .with(|run| run.shared_from = Some(RunId::random().unwrap())),
        )
        .unwrap();
    let running = claim(&mut store, id, &run(5, 0, Status::Running));
    let transaction = store.transaction().unwrap();
    let epochs = run(5, 2, Status::Running).epochs;
    let checkpoint = tracking::Checkpoint { epoch: 2, seconds: 0.1, model: vec![1] };
    transaction.record_epochs(&running, &epochs, &checkpoint).unwrap();
    transaction.commit().unwrap();

    let now = progress(folder.path());
    assert_eq!((now.finished, now.diverged, now.failed, now.ended()), (2, 2, 1, 5));
    assert_eq!((now.steps, now.steps_left), (1_000 + 300 + 200, Some(7_000 - 4 * 1_000 - 200)));
    // Two complete runs, 0.3 of a diverged run and 0.2 of the current run are trained. 0.8 of the
    // current run and one trial that has not started are left.
    let near = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-9);
    assert!(near(now.trained, 2.5) && near(now.untrained, 1.8), "{now:?}");
    assert_eq!(
        now.running.iter().map(|run| (&run.id, run.last_epoch)).collect::<Vec<_>>(),
        [(&running, 2)]
    );
    let latest: Vec<Status> = now.latest.iter().map(|run| run.status).collect();
    assert_eq!(latest, [Status::Finished, Status::Failed, Status::Diverged]);
}

#[test]
fn trial_counts_once_since_the_last_invocation() {
    let (folder, mut store, id) = planned();
    store.record(id, &run(0, 10, Status::Failed)).unwrap();
    store.record(id, &run(0, 10, Status::Finished)).unwrap();
    assert_eq!((progress(folder.path()).finished, progress(folder.path()).ended()), (1, 1));

    wait_for_next_millisecond();
    let work = Some(PlannedWork { trials: 10, to_run: 6, steps: 6_000 });
    let again = store.begin(&wine(), &Invocation { work, ..Invocation::current() }).unwrap();
    assert_eq!((progress(folder.path()).ended(), progress(folder.path()).work), (0, work));
    // The earlier invocation is still running and records another trial.
    store.record(id, &run(1, 10, Status::Finished)).unwrap();
    store.record(again, &run(2, 10, Status::Finished)).unwrap();
    assert_eq!(
        (progress(folder.path()).ended(), progress(folder.path()).steps_left),
        (2, Some(4_000))
    );
}

/// If several programs run the experiment with different plans, the progress is that of the last
/// program that is alive.
#[test]
fn progress_is_of_the_last_living_invocation() {
    let (folder, mut store, id) = planned();
    claim(&mut store, id, &run(0, 0, Status::Running));
    wait_for_next_millisecond();
    let work = |trials| Some(PlannedWork { trials, to_run: trials, steps: 0 });
    let gone = Process { pid: u32::MAX, ..Process::current().clone() };
    store
        .begin(&wine(), &Invocation { work: work(2), process: gone, ..Invocation::current() })
        .unwrap();
    assert_eq!(progress(folder.path()).work.map(|work| work.trials), Some(10));
    wait_for_next_millisecond();
    store.begin(&wine(), &Invocation { work: work(3), ..Invocation::current() }).unwrap();
    assert_eq!(progress(folder.path()).work.map(|work| work.trials), Some(3));
}

#[test]
fn invocations_without_a_plan_are_counted_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let minutes = |ago: u64| SystemTime::now() - std::time::Duration::from_secs(60 * ago);
    for ago in [45, 12, 6, 1] {
        let process = Process { pid: u32::MAX, ..Process::current().clone() };
        let id = store.begin(&wine(), &Invocation { process, ..Invocation::current() }).unwrap();
        let database = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
        let sql =
            "UPDATE invocations SET started_at = ?1 WHERE id = (SELECT max(id) FROM invocations)";
        database.execute(sql, [tracking::timestamp(minutes(ago))]).unwrap();
        let ended = Run {
            ended_at: minutes(ago),
            ..run(u32::try_from(ago).unwrap(), 10, Status::Finished)
        };
        store.record(id, &ended).unwrap();
    }
    let now = progress(folder.path());
    assert_eq!((now.ended(), now.latest.len(), now.work), (3, 3, None));
}

#[test]
fn work_of_shards_is_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut part = |index, plan: &str, trials| {
        let (work, shard) =
            (PlannedWork { trials, to_run: trials, steps: 100 }, Shard { index, count: 2 });
        let plan_sha256 = Some(plan.to_owned());
        let invocation = Invocation {
            work: Some(work),
            shard: Some(shard),
            plan_sha256,
            ..Invocation::current()
        };
        store.begin(&wine(), &invocation).unwrap();
    };
    part(0, "another plan", 70);
    part(0, "plan", 9);
    part(0, "plan", 5);
    part(1, "plan", 4);
    assert_eq!(
        progress(folder.path()).work,
        Some(PlannedWork { trials: 9, to_run: 9, steps: 200 })
    );
}

#[test]
fn run_of_a_dead_process_is_not_running() {
    let (folder, mut store, _) = planned();
    let process = tracking::Process { pid: u32::MAX, ..tracking::Process::current().clone() };
    let dead = store.begin(&wine(), &Invocation { process, ..Invocation::current() }).unwrap();
    claim(&mut store, dead, &run(0, 0, Status::Running));
    let now = progress(folder.path());
    assert_eq!(
        (now.running, now.liveness, now.work, now.steps_left),
        (Vec::new(), Liveness::Gone, None, None)
    );
}

#[test]
fn unknown_experiment_or_old_schema_has_no_progress() {
    let (folder, store, _) = planned();
    assert_eq!(Reader::open(folder.path()).unwrap().progress("beer").unwrap(), None);
    drop(store);
    let old = tempfile::tempdir().unwrap();
    std::fs::write(old.path().join(tracking::DATABASE), include_bytes!("stores/schema-4.db"))
        .unwrap();
    assert_eq!(Reader::open(old.path()).unwrap().progress("smoke").unwrap(), None);
    drop(Store::open(old.path()).unwrap());
    let migrated = Reader::open(old.path()).unwrap().progress("smoke").unwrap().unwrap();
    assert_eq!((migrated.work, migrated.running.len(), migrated.finished > 0), (None, 0, true));
}
