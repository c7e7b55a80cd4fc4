//! `report serve` as a client that is not a browser sees it: page, progress and store.
#![allow(clippy::unwrap_used, missing_docs)]

mod served;
mod stores;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use tracking::{Experiment, Invocation, PlannedWork, Reader, Store};

use served::{Served, header, status};
use stores::{Filling, outcome, plausible, sixty_three};

/// A new run appears within this time.
const SOON: Duration = Duration::from_secs(2);

/// Plans an experiment of this many trials and starts none.
fn plan(results: &Path, trials: u32) -> Store {
    let store = Store::open(results).unwrap();
    let experiment = Experiment { name: "planned".into(), description: String::new() };
    let work = Some(PlannedWork { trials, to_run: trials, steps: 500 });
    store.declare(&experiment, Invocation { work, ..Invocation::current() }).unwrap();
    store
}

#[test]
fn trials_with_a_result_before_a_resume_count_as_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), 3);
    let start = |seed: i64| {
        let params = [("batch_size", 16.into()), ("epochs", 5.into()), ("seed", seed.into())];
        store.start_run("planned", &params).unwrap()
    };
    (0..2).for_each(|seed| start(seed).finish(&[("test_accuracy", 0.9)]).unwrap());
    // Runs that end before the next program starts do not count for it.
    std::thread::sleep(Duration::from_millis(20));
    let experiment = Experiment { name: "planned".into(), description: String::new() };
    let work = Some(PlannedWork { trials: 6, to_run: 4, steps: 500 });
    store.declare(&experiment, Invocation { work, ..Invocation::current() }).unwrap();
    let run = start(2);
    let served = Served::new(folder.path(), &[]);
    served.progress_until("2 of 6 trials · 1 running");
    run.log(1, &[("loss", 0.5)]).unwrap();
    served.progress_until("epoch 1 of 5");
    let progress = served.progress();
    assert!(progress.contains("batch_size 16"), "the setting is missing: {progress}");
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    served.progress_until("3 of 6 trials");
}

#[test]
fn page_has_the_rows_of_report_html() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &["--top", "3"]);
    let page = served.page();
    assert_eq!(status(&page), 200);
    assert_eq!(page.matches("<tr data-setting").count(), 3);
    let (_, html, _) = outcome(folder.path(), &["html", "-o", "-", "--top", "3"]);
    let row = html.split("<tr data-setting").nth(1).unwrap();
    assert!(page.contains(row), "a different row than report html");
    assert!(page.contains("fetch("), "the page does not poll");
    assert!(!html.contains("fetch(") && !html.contains("progress-part"), "report html polls");
}

#[test]
fn unchanged_page_answers_304() {
    let mut filling = Filling::new("batch_sweep", "");
    filling.record(&plausible("batch_sweep", 16, 0.0, 0));
    let served = Served::new(filling.folder.path(), &[]);
    let page = served.page();
    let etag = format!("If-None-Match: {}", header(&page, "etag").unwrap());
    let again = || served.get("/", &["Host: localhost", &etag]);
    let unchanged = again();
    assert_eq!((status(&unchanged), unchanged.ends_with("\r\n\r\n")), (304, true));
    assert_eq!(header(&unchanged, "etag"), header(&page, "etag"));
    filling.record(&plausible("batch_sweep", 32, 0.0, 0));
    let begun = Instant::now();
    while status(&again()) == 304 {
        assert!(begun.elapsed() < SOON, "a new run does not change the ETag");
    }
}

#[test]
fn progress_of_a_run_leaves_the_page_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), 2);
    let start = |seed: i64| {
        store.start_run("planned", &[("epochs", 5.into()), ("seed", seed.into())]).unwrap()
    };
    start(0).finish(&[("test_accuracy", 0.9)]).unwrap();
    let run = start(1);
    let served = Served::new(folder.path(), &[]);
    served.page_until("1 running");
    let etag = |page: &str| header(page, "etag").unwrap().to_owned();
    let before = etag(&served.page());
    run.log(1, &[("loss", 0.5)]).unwrap();
    served.page_until("epoch 1 of 5");
    assert_eq!(etag(&served.page()), before);
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    for path in ["/", "/progress"] {
        let head = served.request("HEAD", path, &["Host: localhost"]);
        assert_eq!((status(&head), head.ends_with("\r\n\r\n")), (200, true), "{path}");
        let get = served.get(path, &["Host: localhost"]);
        for name in ["etag", "content-type", "content-length", "cache-control"] {
            assert_eq!(header(&head, name), header(&get, name), "{path}: {name}");
        }
    }
}

#[test]
fn unknown_paths_answer_404() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    for path in ["/tracking.db", "/../Cargo.toml", "/%2e%2e/tracking.db", "//"] {
        assert_eq!(status(&served.get(path, &["Host: localhost"])), 404, "{path}");
    }
}

#[test]
fn progress_changes_while_a_run_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::new(folder.path(), &[]);
    served.page_until("run an experiment first");
    let store = plan(folder.path(), 3);
    let late = served.progress_until("0 of 3 trials");
    assert!(late < SOON, "{late:?}");
    assert!(served.progress().contains("data-active"));
    let run = store.start_run("planned", &[("epochs", 5.into())]).unwrap();
    for epoch in 1..4 {
        run.log(epoch, &[("loss", 0.5)]).unwrap();
        let late = served.progress_until(&format!("epoch {epoch} of 5"));
        assert!(late < SOON, "{late:?}");
    }
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    let late = served.progress_until("1 of 3 trials");
    assert!(late < SOON, "{late:?}");
    assert_eq!(served.page().matches("<tr data-setting").count(), 1);
}

#[test]
fn many_clients_cause_at_most_one_read_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let _store = plan(folder.path(), 3);
    let served = Served::new(folder.path(), &[]);
    let begun = Instant::now();
    // Every read of an active sweep gives another elapsed time, in tenths of a second.
    let mut reads = BTreeSet::new();
    while begun.elapsed() < Duration::from_millis(3500) {
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..20).map(|_| scope.spawn(|| served.progress())).collect();
            reads.extend(clients.into_iter().map(|client| body(&client.join().unwrap())));
        });
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    assert!((2..=seconds + 1).contains(&reads.len()), "{} in {seconds} s", reads.len());
}

fn body(response: &str) -> String {
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn server_without_requests_does_not_wake_up() {
    let folder = tempfile::tempdir().unwrap();
    let _store = plan(folder.path(), 3);
    let served = Served::new(folder.path(), &[]);
    served.progress_until("0 of 3 trials");
    let wakeups = || {
        let threads = std::fs::read_dir(format!("/proc/{}/task", served.child.id())).unwrap();
        let switches = |thread: std::fs::DirEntry| {
            let status = std::fs::read_to_string(thread.path().join("status")).unwrap();
            let mut lines = status.lines();
            let count =
                lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
            count.trim().parse::<u64>().unwrap()
        };
        threads.map(|thread| switches(thread.unwrap())).sum::<u64>()
    };
    // The absence of events cannot be awaited.
    std::thread::sleep(SOON);
    let before = wakeups();
    std::thread::sleep(SOON);
    assert!(wakeups() - before <= 2, "{} times", wakeups() - before);
}

#[test]
fn runs_are_named_by_all_hyperparameters_that_varied() {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), 20);
    let start = |decay: f64, seed: i64| {
        store.start_run("planned", &[("decay", decay.into()), ("seed", seed.into())]).unwrap()
    };
    let finish_eight = |decay| {
        (0..8).for_each(|seed| start(decay, seed).finish(&[("test_accuracy", 0.9)]).unwrap());
    };
    let served = Served::new(folder.path(), &[]);
    finish_eight(0.0);
    served.progress_until(">seed 7 · no decay<");
    let run = start(0.5, 0);
    served.progress_until(">decay 0.5 · seed 0<");
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    // All listed runs have the same decay now.
    finish_eight(0.5);
    served.progress_until(">decay 0.5 · seed 7<");
}

#[test]
fn store_may_appear_and_disappear() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let served = Served::new(&results, &[]);
    served.page_until("run an experiment first: cargo run -p runner");

    let store = Store::open(&results).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into()), ("seed", 0.into())]).unwrap();
    run.log(1, &[("loss", 0.5)]).unwrap();
    assert!(served.progress_until("1 running") < 2 * SOON);
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    served.progress_until("1 trial ended");
    served.page_until("wine</h2>");

    drop(store);
    std::fs::remove_dir_all(&results).unwrap();
    assert!(served.page_until("run an experiment first") < 2 * SOON);
    let store = Store::open(&results).unwrap();
    let run = store.start_run("beer", &[("depth", 3.into())]).unwrap();
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    served.page_until("beer</h2>");
}

/// Name, length, modification time and content of all files.
fn files(folder: &Path) -> BTreeMap<String, (u64, SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.metadata().unwrap();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let file = (metadata.len(), metadata.modified().unwrap(), bytes);
        found.insert(path.display().to_string(), file);
    }
    found
}

#[test]
fn serving_writes_nothing() {
    let folder = sixty_three();
    let before = files(folder.path());
    let served = Served::new(folder.path(), &[]);
    served.page();
    served.progress();
    drop(served);
    assert_eq!(files(folder.path()), before);
}

/// Runs in a child process if the variable names a folder. Records until it is killed.
#[test]
fn record_without_end() {
    let Ok(results) = std::env::var("RECORD_WITHOUT_END") else { return };
    let store = Store::open(results).unwrap();
    for seed in 0i64.. {
        let params = [("depth", (seed % 4).into()), ("seed", seed.into())];
        let run = store.start_run("wine", &params).unwrap();
        run.log(1, &[("loss", 0.5)]).unwrap();
        run.finish(&[("test_accuracy", 0.9)]).unwrap();
    }
}

fn start_writer(results: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["record_without_end", "--exact"]).env("RECORD_WITHOUT_END", results);
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn killed_server_or_writer_does_not_harm_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = start_writer(folder.path());
    let mut first = Served::new(folder.path(), &[]);
    first.page_until("<tr data-setting");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    // The writer continues, and a new server shows its runs.
    let served = Served::new(folder.path(), &[]);
    served.progress_until("1 running");
    let count = || Reader::open(folder.path()).unwrap().runs("wine").unwrap().len();
    let before = count();
    while count() == before {
        std::thread::yield_now();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    served.progress_until("nothing runs");
    assert_eq!(status(&served.page()), 200);
    let reader = Reader::open(folder.path()).unwrap();
    assert!(reader.runs("wine").unwrap().len() > before && reader.integrity_issues().is_empty());
    drop(reader);
    // Between two reads, the server does not keep the log from being checkpointed.
    let log = folder.path().join("tracking.db-wal");
    let begun = Instant::now();
    while log.metadata().is_ok_and(|log| log.len() > 0) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the log remains");
        drop(Store::open(folder.path()).unwrap());
    }
}
