//! No process of a program outlives its trial.

use std::fs;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{epochs, finals, rows, sweep};
use crate::common::{Sweep, wait_until};

/// The processes whose command has a mark, which no other test uses.
pub struct Processes(String);

/// A process of a program.
#[derive(Debug)]
pub struct Process {
    pub id: u32,
    pub is_supervisor: bool,
}

impl Processes {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("mark-{}-{number}-", std::process::id()))
    }

    /// The argument that marks a process.
    pub fn mark(&self) -> &str {
        &self.0
    }

    pub fn all(&self) -> Vec<Process> {
        let ids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
        let process = |id| {
            // A process may end in between.
            let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).into_owned();
            let is_supervisor = command.contains("__supervise");
            command.contains(&self.0).then_some(Process { id, is_supervisor })
        };
        ids.filter_map(process).collect()
    }

    #[track_caller]
    pub fn wait_for_none(&self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.all().is_empty() {
            assert!(Instant::now() < deadline, "still running: {:?}", self.all());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends a signal, such as `KILL`. The process may have ended.
pub fn send(process: u32, signal: &str) {
    Command::new("kill").args(["-s", signal, &process.to_string()]).output().unwrap();
}

/// The exit code of a program that must end soon.
#[track_caller]
pub fn wait_at_most(child: &mut Child, limit: Duration) -> Option<i32> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(Instant::now() < deadline, "the program runs longer than {limit:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A sweep of `sh train.sh SEED MARK`.
fn marked(script: &str, seeds: &str) -> (Sweep, Processes) {
    let processes = Processes::new();
    let experiment = format!(
        "name = \"p\"\n[program]\ncommand = [\"sh\", \"train.sh\", \"{{seed}}\", \"{}\"]\n\
         [sweep]\nseed = [{seeds}]\n",
        processes.mark()
    );
    (sweep(&experiment, script), processes)
}

/// A program that ignores SIGTERM, and says so.
const STUBBORN: &str = "trap '' TERM; : > \"started-$1\"; while :; do sleep 0.05; done";

#[test]
fn children_of_a_program_end_with_it() {
    // Each child has the mark in its command.
    let script = r#"
for n in 1 2 3; do sh -c 'trap "" TERM HUP; while :; do sleep 0.2; done' "$2" & done
(sh -c 'while :; do sleep 0.2; done' "$2" &)
echo '{"loss": 1}'
"#;
    let (sweep, processes) = marked(script, "0, 1");
    sweep.runner("p.toml -q").success();
    assert!(processes.all().is_empty(), "{:?}", processes.all());
}

#[test]
fn program_that_ignores_sigterm_is_killed_after_ten_seconds() {
    let script = format!("[ $1 = 1 ] && exit; {STUBBORN}");
    let (sweep, processes) = marked(&script, "0, 1");
    let begun = Instant::now();
    let ended = sweep.runner("p.toml").set("program.timeout=\"100ms\"").exits(1);
    assert!((10..14).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    ended.stderr_contains("failed: it ran longer than the timeout of 100ms");
    let states = rows(&sweep.results(), "SELECT status FROM runs ORDER BY sequence");
    assert_eq!(states, "failed, finished");
    processes.wait_for_none();
}

#[test]
fn killed_runner_leaves_no_stubborn_program() {
    let (sweep, processes) = marked(STUBBORN, "0, 1");
    let mut runner = sweep.runner("p.toml -q -j 2").start();
    wait_until(|| sweep.exists("started-0") && sweep.exists("started-1"), "both programs run");
    assert!(processes.all().len() >= 4);
    runner.kill().unwrap();
    runner.wait().unwrap();
    processes.wait_for_none();
}

#[test]
fn second_interrupt_ends_a_stubborn_program_at_once() {
    let (sweep, processes) = marked(STUBBORN, "0");
    let mut runner = sweep.runner("p.toml -q").start();
    wait_until(|| sweep.exists("started-0"), "the program runs");
    send(runner.id(), "INT");
    std::thread::sleep(Duration::from_millis(200));
    assert!(runner.try_wait().unwrap().is_none(), "the program has time to end");
    send(runner.id(), "INT");
    assert_eq!(wait_at_most(&mut runner, Duration::from_secs(3)), Some(130));
    processes.wait_for_none();
}

#[test]
fn stopped_runner_lets_programs_save_and_resume() {
    let script = r#"
cd "$SWEEP_CHECKPOINT_DIR" || exit
if [ -e saved ]; then
  echo '{"epoch": 2, "loss": 2}'; echo '{"epoch": 3, "loss": 1}'; exit
fi
trap 'sleep 0.1; : > saved; exit 3' TERM
echo '{"epoch": 1, "loss": 3}'; sleep 0.2; echo '{"epoch": 2, "loss": 9}'
while :; do sleep 0.02; done
"#;
    let (sweep, processes) = marked(script, "0");
    for signal in ["TERM", "INT"] {
        let folder = format!("results-{signal}");
        let results = sweep.results_in(&folder);
        let call = || sweep.runner(&format!("p.toml -q -r {folder}"));
        let mut runner = call().start();
        results.wait_for("metrics");
        send(runner.id(), signal);
        assert_eq!(wait_at_most(&mut runner, Duration::from_secs(5)), Some(75));
        assert!(processes.all().is_empty());
        call().success();
        assert_eq!(epochs(&results), "0 1 loss 3, 0 2 loss 2, 0 3 loss 1");
        assert_eq!(results.count("runs"), 1);
        assert_eq!(results.count("resumptions"), 1);
    }
}

#[test]
fn program_without_checkpoint_begins_anew() {
    let script = r#"
echo "$1" >> starts
echo '{"epoch": 1, "loss": 3}'; sleep 0.2
[ -e go ] || echo '{"epoch": 2, "loss": 3}'
[ -e go ] || while :; do sleep 0.02; done
echo '{"loss": 2}'
"#;
    let (sweep, processes) = marked(script, "0");
    let results = sweep.results();
    let mut runner = sweep.runner("p.toml -q").start();
    results.wait_for("metrics");
    runner.kill().unwrap();
    runner.wait().unwrap();
    processes.wait_for_none();
    sweep.write("go", "");
    sweep.runner("p.toml -q").success();
    assert_eq!(sweep.read("starts"), "0\n0\n");
    assert_eq!(epochs(&results), "0 1 loss 3");
    assert_eq!(finals(&results), "0 loss 2");
    assert_eq!(rows(&results, "SELECT epoch FROM resumptions"), "0");
}

#[test]
fn killed_supervisor_fails_its_trial_and_its_program_ends() {
    let script =
        "[ $1 = 1 ] && exit; echo '{\"loss\": 1}'; : > started; while :; do sleep 0.05; done";
    let (sweep, processes) = marked(script, "0, 1");
    let mut runner = sweep.runner("p.toml -q").start();
    wait_until(|| sweep.exists("started"), "the program runs");
    // The supervisor reports the program right after its start.
    std::thread::sleep(Duration::from_millis(300));
    let supervisor = processes.all().into_iter().find(|process| process.is_supervisor).unwrap();
    send(supervisor.id, "KILL");
    assert_eq!(wait_at_most(&mut runner, Duration::from_secs(5)), Some(1));
    processes.wait_for_none();
    let runs = "SELECT status, coalesce(error, '') FROM runs ORDER BY sequence";
    assert_eq!(rows(&sweep.results(), runs), "failed its supervisor was killed, finished ");
}

/// The lock stands for a supervisor whose runner was killed.
#[test]
fn runner_waits_for_the_end_of_an_older_program() {
    let (sweep, processes) = marked("echo >> starts; echo '{\"loss\": 1}'", "0");
    sweep.runner("p.toml -q").success();
    let results = sweep.results();
    let lock = results.path(format!("p/programs/{}.lock", results.first_trial()));
    let lock = fs::File::create(lock).unwrap();
    lock.lock().unwrap();
    let mut runner = sweep.runner("p.toml -q --rerun").start();
    results.wait_for("runs WHERE status = 'running'");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(sweep.read("starts"), "\n");
    assert!(processes.all().is_empty());
    lock.unlock().unwrap();
    assert_eq!(wait_at_most(&mut runner, Duration::from_secs(5)), Some(0));
    assert_eq!(sweep.read("starts"), "\n\n");
}
