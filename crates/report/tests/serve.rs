//! `report serve`, asked by a client that is no browser.
#![allow(clippy::unwrap_used, missing_docs)]

mod served;
mod stores;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use tracking::{Experiment, Invocation, PlannedWork, Reader, Store};

use served::{Served, header, status};
use stores::{Filling, outcome, plausible, sixty_three};

/// A run appears on every page within this time.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn the_page_is_that_of_report_html_and_follows() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &["--top", "3"]);
    let page = served.page();
    assert_eq!(status(&page), 200);
    assert_eq!(page.matches("<tr data-setting").count(), 3);
    let (_, html, _) = outcome(folder.path(), &["html", "-o", "-", "--top", "3"]);
    let row = html.split("<tr data-setting").nth(1).unwrap();
    assert!(page.contains(row), "another row than report html has");
    assert!(
        !html.contains("EventSource") && !html.contains("data-part"),
        "report html follows something"
    );
}

#[test]
fn what_one_has_is_not_sent_again() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    let page = served.page();
    let etag = format!("If-None-Match: {}", header(&page, "etag").unwrap());
    let again = served.get("/", &["Host: localhost", &etag]);
    assert_eq!((status(&again), again.ends_with("\r\n\r\n")), (304, true));
    let parts = served.get("/parts/e1-table,nonsense", &["Host: localhost"]);
    assert_eq!(status(&parts), 200);
    assert!(
        parts.contains("{\"e1-table\":[\"") && !parts.contains("nonsense"),
        "{}",
        &parts[..600]
    );
    for missing in ["/tracking.db", "/../Cargo.toml", "/%2e%2e/tracking.db", "//"] {
        assert_eq!(status(&served.get(missing, &["Host: localhost"])), 404, "{missing}");
    }
}

#[test]
fn a_new_run_is_told_within_two_seconds() {
    let mut filling = Filling::new("batch_sweep", "");
    filling.record(&plausible("batch_sweep", 16, 0.0, 0));
    let served = Served::new(filling.folder.path(), &[]);
    let mut followers: Vec<_> = (0..3).map(|_| served.follow()).collect();
    for follower in &mut followers {
        follower.until_new("e1-table");
    }
    // At once, and after some time in which nothing happened.
    for (batch, pause) in [(32, Duration::ZERO), (64, 2 * SOON)] {
        std::thread::sleep(pause);
        filling.record(&plausible("batch_sweep", batch, 0.0, 0));
        for follower in &mut followers {
            let late = follower.until_new("e1-table");
            assert!(late < SOON, "{late:?}");
        }
        assert!(served.page().contains(&format!("data-value=\"{batch}\"")), "no batch {batch}");
    }
}

#[test]
fn who_opens_the_page_has_what_there_is_though_those_who_follow_wait_for_it() {
    // A page that was there before the sweep began waits longest.
    let folder = tempfile::tempdir().unwrap();
    let served = Served::new(folder.path(), &[]);
    let mut follower = served.follow();
    follower.until("run an experiment first");
    let store = plan(folder.path(), 3);
    follower.until("0 of 3 trials");
    store
        .start_run("planned", &[("seed", 1.into())])
        .unwrap()
        .finish(&[("test_accuracy", 0.9)])
        .unwrap();
    follower.until("1 of 3 trials");
    std::thread::sleep(SOON);
    assert_eq!(served.page().matches("<tr data-setting").count(), 1);
}

#[test]
fn runs_are_told_by_all_that_varied_so_far() {
    let (folder, store) = planned(20);
    let begin = |decay: f64, seed: i64| {
        store.start_run("planned", &[("decay", decay.into()), ("seed", seed.into())])
    };
    let pass = |decay| {
        (0..8)
            .for_each(|seed| begin(decay, seed).unwrap().finish(&[("test_accuracy", 0.9)]).unwrap())
    };
    let served = Served::new(folder.path(), &[]);
    let mut follower = served.follow();
    pass(0.0);
    follower.until(">seed 7<");
    let run = begin(0.5, 0).unwrap();
    let late = follower.until(">decay 0.5 · seed 0<");
    assert!(late < SOON, "{late:?}");
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    // All that is told of has the same decay now.
    pass(0.5);
    let late = follower.until(">decay 0.5 · seed 7<");
    assert!(late < SOON, "{late:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_nobody_follows_rests() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    served.follow().until_new("e1-table");
    let woken = || {
        let threads = std::fs::read_dir(format!("/proc/{}/task", served.child.id())).unwrap();
        let switches = |thread: std::fs::DirEntry| {
            let told = std::fs::read_to_string(thread.path().join("status")).unwrap();
            let times = told
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
                .unwrap();
            times.trim().parse::<u64>().unwrap()
        };
        threads.map(|it| switches(it.unwrap())).sum::<u64>()
    };
    // It may be seen only at the next telling that somebody left.
    std::thread::sleep(SOON);
    let before = woken();
    std::thread::sleep(SOON);
    assert!(woken() - before <= 2, "{} times", woken() - before);
}

#[test]
fn of_browsers_beside_a_sweep_the_last_one_is_told_at_once_and_the_others_in_turns() {
    let (folder, store) = planned(1);
    let run = store.start_run("planned", &[("epochs", 5.into())]).unwrap();
    let served = Served::new(folder.path(), &[]);
    let mut old = served.follow_here();
    old.until("1 running");
    let mut new = served.follow_here();
    new.until("1 running");
    old.until("event: first\ndata: false");
    let mut elsewhere = served.follow();
    elsewhere.until("1 running");
    run.log(1, &[("loss", 0.5)]).unwrap();
    for follower in [&mut new, &mut elsewhere] {
        let late = follower.until("epoch 1 of 5");
        assert!(late < SOON, "{late:?}");
    }
    assert!(old.are_quiet_for(SOON / 10), "the one that came first is told at once too");
    // The other one is closed,
    drop(new);
    old.until("event: first\ndata: true");
    assert!(old.until("epoch 1 of 5") < SOON);
    // or the sweep has come to its end.
    let mut new = served.follow_here();
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    for follower in [&mut new, &mut old] {
        follower.until("90.00 %");
        follower.until("event: rests");
    }
    assert_eq!(status(&served.get("/turn", &["Host: localhost"])), 204);
}

#[test]
fn what_happens_now_and_then_in_a_sweep_is_told_to_all_browsers_at_once() {
    let (folder, store) = planned(3);
    let run = |seed: i64| store.start_run("planned", &[("seed", seed.into())]).unwrap();
    let _runs_on = run(0);
    run(1).finish(&[("test_accuracy", 0.8)]).unwrap();
    let served = Served::new(folder.path(), &[]);
    let mut followers = [served.follow_here(), served.follow_here()];
    for follower in &mut followers {
        follower.until("event: rests");
    }
    run(2).finish(&[("test_accuracy", 0.9)]).unwrap();
    for follower in &mut followers {
        let late = follower.until("90.00 %");
        assert!(late < SOON, "{late:?}");
    }
}

/// A store with an experiment of so many trials, none of which has begun.
fn planned(trials: u32) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = plan(folder.path(), trials);
    (folder, store)
}

fn plan(results: &Path, trials: u32) -> Store {
    let store = Store::open(results).unwrap();
    let about = Experiment { name: "planned".into(), description: String::new() };
    let work = Some(PlannedWork { trials, to_run: trials, steps: 500 });
    store.declare(&about, Invocation { work, ..Invocation::current() }).unwrap();
    store
}

#[test]
fn there_may_be_nothing_yet_or_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let served = Served::new(&results, &[]);
    let page = served.page();
    assert!(page.contains("run an experiment first: cargo run -p runner"), "{page}");
    let mut follower = served.follow();
    follower.until("run an experiment first");

    let store = Store::open(&results).unwrap();
    let run = store.start_run("wine", &[("depth", 3.into()), ("seed", 0.into())]).unwrap();
    run.log(1, &[("loss", 0.5)]).unwrap();
    assert!(follower.until("1 running") < 2 * SOON);
    run.finish(&[("test_accuracy", 0.9)]).unwrap();
    follower.until("1 trial ended");
    assert!(served.page().contains("wine"));

    drop(store);
    std::fs::remove_dir_all(&results).unwrap();
    assert!(follower.until("run an experiment first") < 2 * SOON);
    let store = Store::open(&results).unwrap();
    store
        .start_run("beer", &[("depth", 3.into())])
        .unwrap()
        .finish(&[("test_accuracy", 0.9)])
        .unwrap();
    follower.until("beer");
}

#[test]
fn foreign_names_pages_and_methods_are_refused_whatever_is_asked() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    for path in ["/", "/events", "/parts/e1-table", "/follow.js", "/nothing"] {
        for lines in [
            &["Host: evil.example"][..],
            &["Host: evil.example:80", "X-Forwarded-Host: localhost"],
            &["Host: localhost", "Origin: http://evil.example"],
            &["Host: localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        ] {
            let answer = served.get(path, lines);
            assert_eq!(status(&answer), 403, "{path} {lines:?}");
            assert!(!answer.contains("batch"), "{answer}");
        }
    }
    // Nor does who is refused keep a place.
    let begun = Instant::now();
    assert_eq!(status(&served.raw("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")), 403);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(status(&served.raw("GET / HTTP/1.0\r\n\r\n")), 403);
    assert_eq!(
        status(&served.raw(
            "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )),
        403
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let request =
            format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&served.raw(&request)), 405, "{method}");
    }
    let page = served.page();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(&page, name), Some(value));
    }
}

#[test]
fn beyond_this_machine_nothing_is_served_without_the_token() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &["--host", "0.0.0.0"]);
    let (_, token) = served.url.split_once("/?token=").unwrap();
    assert_eq!(token.len(), 32, "128 bits");
    let another = Served::new(folder.path(), &["--host", "0.0.0.0"]);
    assert!(!another.url.ends_with(token), "twice the same token");
    for path in
        ["/", "/events", "/parts/e1-table", "/follow.js", "/nothing", "/?token=", "/?token=0"]
    {
        let answer = served.get(path, &["Host: gpu.example"]);
        assert_eq!(status(&answer), 401, "{path}");
        assert!(!answer.contains("batch"), "{answer}");
    }
    let entered =
        served.get(&format!("/?token={token}"), &["Host: gpu.example", "Accept: text/html"]);
    assert_eq!((status(&entered), header(&entered, "location")), (303, Some("/")));
    let cookie = header(&entered, "set-cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    let page = served.get("/", &["Host: gpu.example", &cookie]);
    assert!(status(&page) == 200 && page.contains("batch_sweep") && !page.contains(token));
}

#[test]
fn a_token_may_be_chosen_and_then_is_needed_here_too() {
    let folder = sixty_three();
    let served = Served::with(folder.path(), &[], &[("CANDLE_SWEEP_TOKEN", "correcthorsebattery")]);
    assert!(served.url.ends_with("/?token=correcthorsebattery"));
    assert_eq!(status(&served.page()), 401);
    assert_eq!(
        status(
            &served.get("/?token=correcthorsebattery", &["Host: localhost", "Accept: text/html"])
        ),
        303
    );
    // A program has no use for a cookie.
    assert_eq!(status(&served.get("/?token=correcthorsebattery", &["Host: localhost"])), 200);
    assert_eq!(
        status(&served.get("/", &["Host: localhost", "Authorization: Bearer correcthorsebattery"])),
        200
    );
    assert_eq!(status(&served.get("/?token=correcthorsebattery", &["Host: evil.example"])), 403);
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    let short =
        command.args(["serve", "--port", "0"]).env("CANDLE_SWEEP_TOKEN", "short").output().unwrap();
    assert_eq!(short.status.code(), Some(2));
}

#[test]
fn a_wrong_request_is_told_at_once() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    let port = served.address.rsplit(':').next().unwrap();
    let (code, _, err) = outcome(folder.path(), &["serve", "--port", port]);
    assert_eq!(code, 2);
    assert!(err.contains("is taken") && err.contains("--port 0"), "{err}");
    let (code, _, err) = outcome(folder.path(), &["serve", "--where", "batch_size<"]);
    assert_eq!(code, 2, "{err}");
    let (code, _, err) =
        outcome(folder.path(), &["serve", "--port", "0", "--host", "no.such.host.invalid"]);
    assert_eq!(code, 2, "{err}");
    // Of what is asked of the store itself it is told on the page: it may be right later.
    let served = Served::new(folder.path(), &["--sort", "test_acuracy"]);
    assert!(served.page().contains("test_accuracy"), "no suggestion");
    for (condition, told) in
        [("batch_size<0", "none of 63 runs fulfils every --where"), ("sed=1", "'seed'?")]
    {
        let page = Served::new(folder.path(), &["--where", condition]).page();
        assert!(page.contains(told) || page.contains(&told.replace('\'', "&#x27;")), "{condition}");
        assert!(!page.contains("\\n  "), "{condition}: lines in one");
    }
}

/// Names, lengths, times and bytes of all files.
fn files(folder: &Path) -> BTreeMap<String, (u64, SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = path.metadata().unwrap();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        found.insert(path.display().to_string(), (about.len(), about.modified().unwrap(), bytes));
    }
    found
}

#[test]
fn serving_writes_nothing() {
    let folder = sixty_three();
    let before = files(folder.path());
    let served = Served::new(folder.path(), &[]);
    served.page();
    served.follow().until("e1-table");
    served.get("/parts/e1-table", &["Host: localhost"]);
    drop(served);
    assert_eq!(files(folder.path()), before);
}

/// In this process, when the variable names a folder: records until it is killed.
#[test]
fn records_without_end() {
    let Ok(results) = std::env::var("RECORD_WITHOUT_END") else { return };
    let store = Store::open(results).unwrap();
    for seed in 0i64.. {
        let run = store
            .start_run("wine", &[("depth", (seed % 4).into()), ("seed", seed.into())])
            .unwrap();
        run.log(1, &[("loss", 0.5)]).unwrap();
        run.finish(&[("test_accuracy", 0.9)]).unwrap();
    }
}

#[test]
fn who_is_killed_leaves_the_other_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["records_without_end", "--exact"])
        .env("RECORD_WITHOUT_END", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = Served::new(folder.path(), &[]);
    first.follow().until("e1-table");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    // The writer goes on, and a new server shows it.
    let served = Served::new(folder.path(), &[]);
    let mut follower = served.follow();
    follower.until("1 running");
    let count = || Reader::open(folder.path()).unwrap().runs("wine").unwrap().len();
    let before = count();
    while count() == before {
        std::thread::sleep(Duration::from_millis(20));
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    follower.until("nothing runs");
    assert_eq!(status(&served.page()), 200);
    let reader = Reader::open(folder.path()).unwrap();
    assert!(reader.runs("wine").unwrap().len() > before && reader.integrity_issues().is_empty());
    drop(reader);
    // Between two looks no reader keeps the log from being taken in.
    let log = folder.path().join("tracking.db-wal");
    let begun = Instant::now();
    while log.metadata().is_ok_and(|log| log.len() > 0) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the log stays");
        drop(Store::open(folder.path()).unwrap());
    }
}

#[test]
fn who_dawdles_or_hangs_up_harms_nobody() {
    let folder = sixty_three();
    let served = Served::new(folder.path(), &[]);
    // Heads that never end, connections that say nothing, followers who never read, halves of connections.
    let mut dawdlers: Vec<_> = (0..300).map(|_| served.connect()).collect();
    for (index, stream) in dawdlers.iter_mut().enumerate() {
        match index % 4 {
            0 => stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap(),
            1 => stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap(),
            2 => stream.shutdown(std::net::Shutdown::Write).unwrap(),
            _ => {}
        }
    }
    // One who asks for more than the system keeps for him, and reads nothing.
    let mut glutton = served.connect();
    glutton.write_all("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000).as_bytes()).unwrap();
    let begun = Instant::now();
    assert_eq!(status(&served.page()), 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let long =
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    let mut stream = served.connect();
    let _ = stream.write_all(long.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    // Who has begun a head and does not end it is let go.
    let mut rest = Vec::new();
    dawdlers[0].read_to_end(&mut rest).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // And so is who takes nothing of what he asked for.
    while glutton.write_all(b"\r\n").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(25), "he is served for ever");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(status(&served.page()), 200);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_at_once_and_well() {
    let folder = sixty_three();
    for signal in ["-INT", "-TERM"] {
        let mut served = Served::new(folder.path(), &[]);
        let mut follower = served.follow();
        follower.until("e1-table");
        let begun = Instant::now();
        Command::new("kill").args([signal, &served.child.id().to_string()]).status().unwrap();
        assert_eq!(served.child.wait().unwrap().code(), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}
