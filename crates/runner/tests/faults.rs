//! Nothing is lost: killed, stopped, several at once, in bad worlds.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use common::{Folder, measured};
use rusqlite::Connection;
use tracking::{Experiment, Invocation, Reader, Run, Status, Store};

/// Eight courses, four of them with a shorter trial on their way; a second or so.
const LONG: &str = r#"
name = "long"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.1 }
[sweep]
epochs = [150, 400]
batch_size = [16, 64]
seed = [0, 1]
"#;

/// The program, started and left to itself.
fn start(folder: &Folder, arguments: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("runner"))
        .current_dir(folder.path(""))
        .env_remove("MNIST_DIR")
        .env("XDG_CACHE_HOME", folder.path("cache"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn count(folder: &Folder, results: &str, sql: &str) -> i64 {
    let store = Connection::open(folder.path(results).join("tracking.db")).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Waits until the store answers `sql` with a number that is not zero.
fn until(folder: &Folder, results: &str, sql: &str) {
    let begun = Instant::now();
    let there = || {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let store =
            Connection::open_with_flags(folder.path(results).join("tracking.db"), flags).ok()?;
        store.query_row(sql, [], |row| row.get::<_, i64>(0)).ok()
    };
    while there().is_none_or(|count| count == 0) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{sql}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// ChaCha8 by another name would be too much for instants: a linear congruence, the same on every machine.
struct Instants(u64);

impl Instants {
    fn next(&mut self, below: u64) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((self.0 >> 33) % below)
    }
}

/// `KILLS`, `KILLED` (an experiment file) and `MNIST_DIR` make it longer: see CONTRIBUTING.md.
#[test]
fn killed_at_fifty_instants_and_run_to_the_end_it_is_as_if_it_had_not_been() {
    let folder = Folder::new();
    let kills: u32 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50);
    let smoke =
        include_str!("../../../experiments/smoke.toml").replace("epochs = 3", "epochs = 40");
    let text = std::env::var("KILLED").map_or(smoke, |path| std::fs::read_to_string(path).unwrap());
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("name = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    folder.write("killed.toml", text);
    let mnist = std::env::var_os("MNIST_DIR").filter(|_| std::env::var_os("KILLED").is_some());
    let run = |results: &str| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("runner"));
        command
            .current_dir(folder.path(""))
            .env_remove("MNIST_DIR")
            .env("XDG_CACHE_HOME", folder.path("cache"));
        command.envs(mnist.iter().map(|path| ("MNIST_DIR", path)));
        command
            .args(["killed.toml", "-q", "-j", "2", "-r", results])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    assert!(run("whole").wait().unwrap().success());
    let begun = Instant::now();
    assert!(run("again").wait().unwrap().success());
    let below = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let expected = measured(&folder, "whole", &name);

    let (mut instants, mut landed, mut part, mut resumed) = (Instants(4), 0, 0, 0);
    while landed < kills {
        let results = format!("part-{part}");
        let mut child = run(&results);
        // Mostly near the beginning: what has come far is soon over.
        std::thread::sleep(instants.next(below * 2 / 3));
        child.kill().unwrap();
        if child.wait().unwrap().code().is_none() {
            landed += 1;
        }
        let over = folder.path(&results).join(format!("{name}/runs.csv")).exists();
        if over || landed == kills || landed % 10 == 0 {
            assert!(run(&results).wait().unwrap().success());
            assert_eq!(measured(&folder, &results, &name), expected, "after {landed} kills");
            assert_eq!(count(&folder, &results, "SELECT count(*) FROM checkpoints"), 0);
            assert_eq!(
                count(&folder, &results, "SELECT count(*) FROM runs WHERE status <> 'finished'"),
                0
            );
            resumed += count(&folder, &results, "SELECT count(*) FROM resumptions");
            part += 1;
        }
    }
    assert!(resumed > 0, "some kill hit a trial under way");
}

#[test]
fn a_killed_trial_goes_on_from_its_last_recorded_epoch() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    folder.run(&["long.toml", "-q", "-r", "whole"]);
    for engine in ["fused", "autograd"] {
        let slow = [
            "long.toml",
            "-q",
            "-r",
            engine,
            "--engine",
            engine,
            "-j",
            "1",
            "--set",
            "sweep.epochs=[30000, 60000]",
        ];
        let mut child = start(&folder, &slow);
        until(&folder, engine, "SELECT count(*) FROM checkpoints WHERE epoch > 1");
        child.kill().unwrap();
        child.wait().unwrap();
        let killed = "SELECT count(*) FROM runs WHERE status = 'running'";
        assert_eq!(count(&folder, engine, killed), 2, "a course of two trials");
        let kept = count(&folder, engine, "SELECT max(epoch) FROM checkpoints");
        let mut child = start(&folder, &slow);
        until(&folder, engine, "SELECT count(*) FROM resumptions");
        until(&folder, engine, &format!("SELECT count(*) FROM checkpoints WHERE epoch > {kept}"));
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(75));
        assert!(count(&folder, engine, "SELECT max(epoch) FROM resumptions") >= kept);
        let same = "SELECT count(*) FROM resumptions JOIN runs ON id = run_id WHERE resumptions.invocation = runs.invocation";
        assert_eq!(count(&folder, engine, same), 0, "whose the first epochs are stays known");
        assert_eq!(count(&folder, engine, "SELECT count(*) FROM runs WHERE status = 'killed'"), 2);
        assert_eq!(count(&folder, engine, "SELECT count(*) FROM checkpoints"), 1);
    }
}

#[test]
fn stopped_and_gone_on_with_it_is_as_if_it_had_not_been() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    let expected = || measured(&folder, "whole", "long");
    folder.run(&["long.toml", "-q", "-r", "whole"]);
    let mut stops = 0;
    for after in [80, 150, 220, 300] {
        let mut child = start(&folder, &["long.toml", "-q"]);
        std::thread::sleep(Duration::from_millis(after));
        let begun = Instant::now();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        stops += u32::from(child.wait().unwrap().code() == Some(75));
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
    assert!(stops > 0);
    folder.run(&["long.toml", "-q"]);
    assert_eq!(measured(&folder, "results", "long"), expected());
}

#[test]
fn several_runners_on_one_folder_share_the_work() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    let plan = [
        "long.toml",
        "--set",
        "sweep.seed={ from = 0, to = 15 }",
        "--set",
        "sweep.epochs=[10, 20]",
        "-j",
        "2",
    ];
    folder.run(&[&plan[..], &["-q", "-r", "alone"]].concat());
    let mut runners: Vec<Child> = (0..8).map(|_| start(&folder, &plan)).collect();
    while runners.iter_mut().any(|runner| runner.try_wait().unwrap().is_none()) {
        // A reader beside them, which nobody waits for.
        let output = folder.output(&["long.toml", "--plan", "-r", "results"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for file in ["runs.csv", "epochs.csv"] {
            if let Ok(text) = std::fs::read_to_string(folder.path("results/long").join(file)) {
                assert!(text.starts_with("run,trial,") && text.ends_with('\n'), "{file} is whole");
            }
        }
    }
    assert!(runners.iter_mut().all(|runner| runner.wait().unwrap().success()));
    assert_eq!(measured(&folder, "results", "long"), measured(&folder, "alone", "long"));
    assert_eq!(count(&folder, "results", "SELECT count(*) FROM runs"), 64);
    assert_eq!(count(&folder, "results", "SELECT count(DISTINCT trial_id) FROM runs"), 64);
    assert!(count(&folder, "results", "SELECT count(DISTINCT invocation) FROM runs") > 1);
}

#[test]
fn what_another_machine_runs_is_left_to_it_unless_taken_over() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    let less = ["long.toml", "--set", "sweep.epochs=[2]", "--set", "sweep.seed=[0]"];
    folder.run(&[&less[..], &["-q"]].concat());
    let store = Connection::open(folder.path("results/tracking.db")).unwrap();
    store
        .execute_batch("UPDATE runs SET status = 'running' WHERE sequence = 1; UPDATE invocations SET host = 'far'")
        .unwrap();
    drop(store);
    let said = folder.run_fails(&less, 1);
    assert!(said.contains("running on far") && said.contains("--take-over"), "{said}");
    folder.run(&[&less[..], &["--take-over"]].concat());
    assert_eq!(count(&folder, "results", "SELECT count(*) FROM runs WHERE status = 'finished'"), 2);
}

#[test]
fn weights_that_cannot_be_written_fail_their_trial_and_no_other() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    let less = ["long.toml", "--set", "sweep.epochs=[2]", "--set", "sweep.seed=[0]"];
    folder.run(&[&less[..], &["-q"]].concat());
    let runs = folder.read("results/long/runs.csv");
    let trial = runs.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    let path = folder.path("results/long/models").join(format!("{trial}.safetensors"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    folder.write("results/long/models/file", "");
    let said = folder.run_fails(&[&less[..], &["--rerun"]].concat(), 1);
    assert!(said.contains("failed: the weights cannot be written to"), "{said}");
    assert_eq!(count(&folder, "results", "SELECT count(*) FROM runs WHERE status = 'failed'"), 1);
    let wide = [
        "long.toml",
        "--set",
        "sweep.epochs=[2]",
        "--set",
        "sweep.seed={ from = 0, to = 20 }",
        "-j",
        "1",
    ];
    let said = folder.run_fails(&[&wide[..], &["--rerun", "--fail-fast"]].concat(), 1);
    assert!(said.contains("stopped at the first trial that failed"), "{said}");
    assert!(
        count(&folder, "results", "SELECT count(*) FROM runs") < 42,
        "the others were not begun"
    );
    std::fs::remove_dir(&path).unwrap();
    let said = String::from_utf8(folder.output(&[&less[..], &["--retry-failed"]].concat()).stderr)
        .unwrap();
    assert!(said.contains("1 of 2 trials failed, to run again"), "{said}");
    assert!(path.is_file());
    let said = String::from_utf8(folder.output(&[&less[..], &["--retry-failed"]].concat()).stderr)
        .unwrap();
    assert!(said.contains("no trial failed; nothing to run"), "{said}");
    folder.run(&["verify", "--all", "-q"]);
}

/// The failed runs have start times two hours in the future, as after a clock is set back.
#[test]
fn retry_failed_works_after_the_clock_is_set_back() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    let less = ["long.toml", "--set", "sweep.epochs=[2]", "--set", "sweep.seed=[0, 1]"];
    folder.run(&[&less[..], &["-q", "-r", "earlier"]].concat());
    let later = SystemTime::now() + Duration::from_secs(7200);
    let mut store = Store::open(folder.path("results")).unwrap();
    let about = Experiment { name: "long".to_owned(), description: String::new() };
    let invocation = store.begin(&about, &Invocation::default()).unwrap();
    for run in Reader::open(&folder.path("earlier")).unwrap().runs("long").unwrap() {
        let params =
            run.params.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let failed = Run { trial: run.trial, params, ..Run::new("long", Status::Failed, later) };
        store.record(invocation, &failed).unwrap();
    }
    drop(store);
    let retry = || {
        String::from_utf8(folder.output(&[&less[..], &["--retry-failed"]].concat()).stderr).unwrap()
    };
    assert!(retry().contains("4 of 4 trials failed, to run again"));
    assert!(retry().contains("no trial failed; nothing to run"));
    let store = Store::open(folder.path("results")).unwrap();
    assert!(store.runs("long").unwrap().iter().all(|run| run.status == Status::Finished));
}

/// A limit for files is to a program what a full disk is.
#[test]
fn a_full_disk_is_said_and_what_was_committed_is_kept() {
    let folder = Folder::new();
    folder.write("long.toml", LONG);
    let plan =
        ["long.toml", "--set", "sweep.seed={ from = 0, to = 79 }", "--set", "sweep.epochs=[40]"];
    let program = assert_cmd::cargo::cargo_bin!("runner");
    let limited = |blocks: u32| {
        let script = format!("ulimit -f {blocks}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(program).args(plan).current_dir(folder.path(""));
        command.env("XDG_CACHE_HOME", folder.path("cache")).output().unwrap()
    };
    // In blocks of 512 or 1024 bytes, by shell.
    let output = limited(600);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("what was committed is kept") && !said.contains("panicked"), "{said}");
    assert!(count(&folder, "results", "SELECT count(*) FROM runs WHERE status = 'finished'") > 0);
    folder.run(&[&plan[..], &["-q"]].concat());
    folder.run(&[&plan[..], &["-q", "-r", "whole"]].concat());
    assert_eq!(measured(&folder, "results", "long"), measured(&folder, "whole", "long"));
}
