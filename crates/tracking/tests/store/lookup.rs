//! Which runs a reader returns: by trial, by commit, by id.

use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tracking::{
    DATABASE, Experiment, FindError, Invocation, Reader, RecordedRun, Run, RunId, Status, Store,
    Value,
};

use crate::wine::{invocation, opened, run};

#[test]
fn newest_run_of_a_trial_counts() {
    let (folder, mut store, id) = opened();
    store.record(id, &run(0).with(|run| run.status = Status::Failed)).unwrap();
    let newest = store.record(id, &run(0)).unwrap();
    store.record(id, &run(1)).unwrap();
    let runs = Reader::open(folder.path()).unwrap().runs("wine").unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs[0].trial < runs[1].trial, "runs are sorted by trial");
    let of_trial = runs.iter().find(|found| found.trial == run(0).trial).unwrap();
    assert_eq!(
        (&of_trial.id, of_trial.status, &of_trial.error),
        (&newest, Status::Finished, &None)
    );
}

/// The clocks of machines differ and can be set back, and stores can be merged in any order.
#[test]
fn run_order_survives_a_clock_that_is_set_back() {
    let (folder, mut store, id) = opened();
    let at = |seconds: u64, run: Run| Run {
        started_at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        ..run
    };
    store.record(id, &at(7_200, run(0))).unwrap();
    let second = store.record(id, &at(3_600, run(0))).unwrap();
    let third = store.record(id, &at(0, run(0))).unwrap();
    let runs = store.all_runs("wine").unwrap();
    let order: Vec<&RunId> = runs.iter().map(|run| &run.id).collect();
    assert_eq!(order[1..], [&second, &third]);
    assert_eq!(store.runs("wine").unwrap()[0].id, third);
    assert_eq!(runs[2].started_at, "1970-01-01T00:00:00.000Z", "the start time stays as measured");

    // A merge keeps the order, regardless of which run is merged first.
    for earlier in [&second, &third] {
        let copy = tempfile::tempdir().unwrap();
        let mut into = Store::open(copy.path()).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        for wanted in [true, false] {
            into.merge(&reader, &|run| (run.id == *earlier) == wanted, true, &mut |_| Ok(()))
                .unwrap();
        }
        assert_eq!(into.runs("wine").unwrap()[0].id, third);
        let ids = |runs: Vec<RecordedRun>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
        assert_eq!(ids(into.all_runs("wine").unwrap()), ids(store.all_runs("wine").unwrap()));
    }
}

#[test]
fn runs_with_a_result_take_precedence() {
    for (status, counts) in [
        (Status::Failed, false),
        (Status::Killed, false),
        (Status::Diverged, true),
        (Status::Finished, true),
    ] {
        let (_folder, mut store, id) = opened();
        let first = store.record(id, &run(0)).unwrap();
        let second = store.record(id, &run(0).with(|run| run.status = status)).unwrap();
        assert_eq!(
            store.runs("wine").unwrap()[0].id,
            if counts { second } else { first },
            "{status}"
        );
    }
    let (_folder, mut store, id) = opened();
    store.record(id, &run(0).with(|run| run.status = Status::Killed)).unwrap();
    let failed = store.record(id, &run(0).with(|run| run.status = Status::Failed)).unwrap();
    assert_eq!(store.runs("wine").unwrap()[0].id, failed);
}

#[test]
fn shared_trial_id_needs_an_experiment_prefix() {
    let (folder, mut store, id) = opened();
    let beer = Experiment { name: "beer".into(), description: String::new() };
    let other = store.begin(&beer, &invocation()).unwrap();
    store.record(id, &run(0)).unwrap();
    let of_beer = store.record(other, &run(0).with(|run| run.experiment = "beer".into())).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    let trial = run(0).header.trial;
    for text in [trial.as_str(), &trial.as_str()[..6]] {
        let error = reader.find(text).unwrap_err();
        assert!(matches!(error, FindError::SeveralExperiments { .. }));
        let message = error.to_string();
        assert!(message.contains(&format!("beer/{trial}, wine/{trial}")), "{message}");
    }
    assert_eq!(reader.find(&format!("beer/{}", &trial.as_str()[..6])).unwrap().id, of_beer);
    assert_eq!(reader.find(of_beer.as_str()).unwrap().experiment, "beer");
    assert!(matches!(reader.find(&format!("cider/{trial}")), Err(FindError::NotFound(_))));
}

#[test]
fn runs_of_a_commit_ignore_other_commits() {
    let (folder, mut store, first) = opened();
    let experiment = Experiment { name: "wine".into(), description: "Does depth help?".into() };
    let begin_at = |store: &mut Store, commit: Option<&str>| {
        store
            .begin(
                &experiment,
                &Invocation { git_commit: commit.map(str::to_owned), ..invocation() },
            )
            .unwrap()
    };
    let second = begin_at(&mut store, Some("facade"));
    let unknown = begin_at(&mut store, None);
    let old = store.record(first, &run(0)).unwrap();
    store.record(first, &run(1)).unwrap();
    store.record(second, &run(0).with(|run| run.status = Status::Failed)).unwrap();
    let new = store.record(second, &run(0)).unwrap();
    store.record(second, &run(0).with(|run| run.status = Status::Killed)).unwrap();
    store.record(unknown, &run(0)).unwrap();

    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(
        reader.commits("wine").unwrap(),
        [("c0ffee".to_owned(), 2), ("facade".to_owned(), 3)]
    );
    assert!(reader.commits("beer").unwrap().is_empty());
    let runs_at = |commit| reader.runs_at("wine", commit).unwrap();
    let counts = ["c0ffee", "facade", "feed"].map(|commit| runs_at(commit).len());
    assert_eq!(counts, [2, 1, 0]);
    assert!(runs_at("c0ffee").iter().any(|run| run.id == old));
    assert_eq!(runs_at("facade")[0].id, new, "the run with a result takes precedence");
    let invocations = reader.invocations_of(&runs_at("facade")).unwrap();
    assert_eq!(
        invocations.iter().map(|invocation| invocation.git_commit.as_deref()).collect::<Vec<_>>(),
        [Some("facade")]
    );
    assert_eq!(reader.invocations_of(&reader.all_runs("wine").unwrap()).unwrap().len(), 3);
    assert!(reader.integrity_issues().is_empty());

    let database = Connection::open(folder.path().join(DATABASE)).unwrap();
    database.execute("UPDATE runs SET trial_id = 'no id' WHERE id = ?1", [old.as_str()]).unwrap();
    for (commit, intact) in [("c0ffee", 1), ("facade", 1)] {
        let reader = Reader::open(folder.path()).unwrap();
        // Only the commit of the invalid row reports an issue.
        let found =
            (reader.runs_at("wine", commit).unwrap().len(), reader.integrity_issues().len());
        assert_eq!(found, (intact, usize::from(commit == "c0ffee")));
    }
    database.execute("UPDATE experiments SET runs = runs + 1", []).unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(
        (reader.runs_at("wine", "facade").unwrap().len(), reader.integrity_issues().len()),
        (1, 1),
        "a row is missing"
    );
}

#[test]
fn finished_and_diverged_trials_are_completed() {
    let (_folder, mut store, id) = opened();
    for (seed, status) in (0..).zip(Status::ALL) {
        store.record(id, &run(seed).with(|run| run.status = status)).unwrap();
    }
    let completed = store.completed_trials("wine").unwrap();
    let expected = [1, 2].map(|seed| run(seed).header.trial);
    assert_eq!(completed, expected.into());
    assert!(store.completed_trials("beer").unwrap().is_empty());
}

#[test]
fn unique_id_prefix_finds_its_run() {
    let (_folder, mut store, id) = opened();
    let ids: Vec<_> = (0..40).map(|seed| store.record(id, &run(seed)).unwrap()).collect();
    assert_eq!(store.find(ids[7].as_str()).unwrap().id, ids[7]);
    assert_eq!(store.find(&ids[7].as_str().to_uppercase()).unwrap().id, ids[7]);
    assert_eq!(store.find(run(9).trial.as_str()).unwrap().id, ids[9]);
    assert_eq!(store.find(&run(9).trial.as_str()[..12]).unwrap().params[0].1, Value::from(9));
    // 80 ids start with one of 16 digits, so some digits are ambiguous.
    let digits = "0123456789abcdef".chars().map(String::from);
    let ambiguous = digits
        .filter(|digit| matches!(store.find(digit), Err(FindError::Ambiguous { .. })))
        .count();
    assert!(ambiguous > 0);
    for unknown in ["", "xyz", "0000000000000000", "%", "*", "' OR 1=1"] {
        assert!(matches!(store.find(unknown), Err(FindError::NotFound(_))), "{unknown}");
    }
}

#[test]
fn runs_by_program_begin_with_the_newest() {
    let (folder, mut store, id) = opened();
    let of = |program: Option<&str>, seed, status| {
        run(seed).with(|run| {
            run.program_sha256 = program.map(str::to_owned);
            run.status = status;
        })
    };
    let mut started = SystemTime::now();
    let mut record = |run: Run| {
        // Each run starts later than the one before.
        started += Duration::from_millis(1);
        store.record(id, &run.with(|run| run.started_at = started)).unwrap();
    };
    record(of(Some("old"), 0, Status::Finished));
    record(of(Some("new"), 1, Status::Finished));
    record(of(None, 2, Status::Finished));
    let programs = || {
        let reader = Reader::open(folder.path()).unwrap();
        let programs = reader.runs_by_program("wine").unwrap();
        let counted = programs
            .into_iter()
            .map(|program| (program.program_sha256.unwrap_or_default(), program.runs.len()));
        counted.collect::<Vec<_>>()
    };
    let expected = |names: [&str; 3]| names.map(|name| (name.to_owned(), 1));
    assert_eq!(programs(), expected(["", "new", "old"]));
    // A run that is not effective is still the newest one.
    record(of(Some("old"), 0, Status::Killed));
    assert_eq!(programs(), expected(["old", "", "new"]));
}
