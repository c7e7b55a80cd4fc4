//! Runners and programs that are killed at random instants give the results of an undisturbed sweep.

use std::fs;
use std::process::Child;
use std::time::Duration;

use super::processes::{Processes, send, wait_at_most};
use super::sweep;
use crate::common::Sweep;
use crate::kill::Delays;

/// Six trials of four epochs. A checkpoint is the number of the last epoch. Two processes of one
/// trial that run at the same time leave the file `overlap`.
const EXPERIMENT: &str = r#"
name = "p"
[program]
command = ["sh", "train.sh", "{seed}", "MARK"]
files = ["train.sh"]
jobs = 2
[sweep]
seed = { from = 0, to = 5 }
"#;
const SCRIPT: &str = r#"
exec 9> "locked-$1"; flock -n 9 || echo "$1" >> overlap
cd "$SWEEP_CHECKPOINT_DIR" || exit
epoch=0; [ -e epoch ] && read -r epoch < epoch
while [ "$epoch" -lt 4 ]; do
  sleep 0.03; epoch=$((epoch + 1))
  echo "{\"epoch\": $epoch, \"loss\": 0.$((9 - epoch))$1, \"val_accuracy\": 0.$epoch$1}"
  echo "$epoch" > next; mv next epoch
done
echo "{\"test_accuracy\": 0.9$1}"
"#;

/// What a test kills.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Runner,
    Program,
    Interrupt,
}

#[test]
fn killed_runners_and_programs_give_equal_results() {
    let processes = Processes::new();
    let sweep = sweep(&EXPERIMENT.replace("MARK", processes.mark()), SCRIPT);
    sweep.runner("p.toml -q -r undisturbed").success();
    let mut delays = Delays(21);
    let mut random = |limit| delays.next(Duration::from_millis(limit));
    let (mut resumed, mut failed) = (0, 0);
    for round in 0..4 {
        let folder = format!("killed-{round}");
        let results = sweep.results_in(&folder);
        loop {
            let mut runner = sweep.runner(&format!("p.toml -q -r {folder}")).start();
            std::thread::sleep(random(350));
            if let Some(status) = runner.try_wait().unwrap() {
                match status.code() {
                    Some(0) => break,
                    code => assert_eq!(code, Some(1), "a killed program is a failed trial"),
                }
                continue;
            }
            let number = usize::try_from(random(6).as_micros() / 1_000).unwrap();
            let victim = match number {
                0..3 => Victim::Runner,
                3..5 => Victim::Program,
                _ => Victim::Interrupt,
            };
            kill(victim, &mut runner, &processes);
            if matches!(victim, Victim::Runner) && number == 0 {
                processes.wait_for_none();
            }
        }
        processes.wait_for_none();
        assert!(!sweep.exists("overlap"), "two processes of a trial at the same time");
        assert_is_whole(&sweep, &folder);
        resumed += results.count("resumptions");
        failed += results.count("runs WHERE status = 'failed'");
    }
    assert!(resumed > 0, "no kill hit a training");
    assert!(failed > 0, "no program was killed");
}

fn kill(victim: Victim, runner: &mut Child, processes: &Processes) {
    match victim {
        Victim::Runner => {
            runner.kill().unwrap();
            runner.wait().unwrap();
        }
        Victim::Interrupt => {
            send(runner.id(), "INT");
            let code = wait_at_most(runner, Duration::from_secs(8));
            // It may end by itself before the signal.
            assert!([Some(75), Some(0), Some(1)].contains(&code), "{code:?}");
        }
        Victim::Program => {
            let programs = processes.all().into_iter().filter(|process| !process.is_supervisor);
            if let Some(process) = programs.max_by_key(|process| process.id) {
                send(process.id, "KILL");
            }
            wait_at_most(runner, Duration::from_secs(20));
        }
    }
}

/// Each trial has one finished run, equal to that of the undisturbed sweep, and nothing is left.
fn assert_is_whole(sweep: &Sweep, folder: &str) {
    let results = sweep.results_in(folder);
    let finished = "FROM runs WHERE status = 'finished'";
    assert_eq!(results.query::<i64>(&format!("SELECT count(*) {finished}")), 6);
    assert_eq!(results.query::<i64>(&format!("SELECT count(DISTINCT trial_id) {finished}")), 6);
    assert_eq!(results.count("checkpoints"), 0);
    for file in ["p/runs.csv", "p/epochs.csv"] {
        let cells = |folder| sweep.results_in(folder).reproducible_cells(file);
        assert_eq!(cells(folder), cells("undisturbed"), "{folder}/{file}");
    }
    assert_eq!(fs::read_dir(results.path("p/programs")).unwrap().count(), 0);
}
