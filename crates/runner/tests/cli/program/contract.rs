//! What a program gets, and what is recorded of it.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::{TWO_SEEDS, epochs, finals, rows, sweep};
use crate::common::{RUNNER, Sweep};

#[test]
fn json_lines_are_metrics_by_epoch_and_final_metrics() {
    let script = r#"
echo starting
echo "{\"epoch\": 0, \"loss\": 3.5}"
echo "{\"epoch\": 0, \"loss\": 3, \"lr\": 0.5}"
echo "{\"epoch\": 1, \"loss\": 2, \"grad\": NaN}"
printf '{"test_accuracy": 0.9%s}' "$1"
"#;
    let sweep = sweep(TWO_SEEDS, script);
    let output = sweep.runner("p.toml").success();
    output.stdout_contains("test accuracy").stderr_contains("[2/2] seed ");
    let results = sweep.results();
    let of_seed = |seed| format!("{seed} 1 loss 3, {seed} 1 lr 0.5, {seed} 2 loss 2");
    assert!(epochs(&results).replace(" 2 grad inf", "").contains(&of_seed(0)));
    assert_eq!(finals(&results), "0 test_accuracy 0.9, 1 test_accuracy 0.91");
    assert_eq!(rows(&results, "SELECT DISTINCT engine, dataset FROM runs"), "program ");
    assert_eq!(fs::read_dir(results.path("p/programs")).unwrap().count(), 0);
    let mut log = String::new();
    let path = results.path(format!("p/logs/{}.stdout.gz", results.first_run()));
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut log).unwrap();
    assert!(log.starts_with("starting\n{\"epoch\": 0"), "{log}");
}

#[test]
fn lines_that_match_the_pattern_are_metrics() {
    let pattern = r"
[program.output]
pattern = 'epoch (?<epoch>\d+) .*val_acc[=: ](?<val_accuracy>[0-9.]+)'
[sweep]";
    let script = "echo epoch 1 loss 3; echo epoch 2 x val_acc=0.7$1; echo done val_acc=0.8";
    let sweep = sweep(&TWO_SEEDS.replace("[sweep]", pattern), script);
    sweep.runner("p.toml -q").success();
    let expected = "0 2 val_accuracy 0.7, 1 2 val_accuracy 0.71";
    assert_eq!(epochs(&sweep.results()), expected);
    assert_eq!(finals(&sweep.results()), "");
}

/// `0.10` and `1e-4` stay as the file writes them.
#[test]
fn program_gets_values_as_the_file_writes_them() {
    let experiment = r#"
name = "p"
[program]
command = ["sh", "train.sh", "{optimizer.lr}", "--x={depth},{flag}", "{mode}", "{{}}", "{params}"]
[train]
depth = 1_000
flag = true
mode = "a b; $HOME"
[sweep]
"optimizer.lr" = [0.10, 1e-4]
"#;
    let script = r#"
for word in "$1" "$2" "$3" "$4"; do printf '%s|' "$word" >> words; done
cat "$5" >> words
echo '{"loss": 1}'
"#;
    let sweep = sweep(experiment, script);
    sweep.runner("p.toml -q -j 1").success();
    let params = |lr| {
        format!("{{\"depth\":1000,\"flag\":true,\"mode\":\"a b; $HOME\",\"optimizer.lr\":{lr}}}\n")
    };
    let line = |lr| format!("{lr}|--x=1000,true|a b; $HOME|{{}}|");
    let expected = [line("0.10"), params("0.1"), line("1e-4"), params("0.0001")].concat();
    assert_eq!(sweep.read("words"), expected);
}

#[test]
fn predict_rejects_runs_of_programs() {
    let sweep = sweep(TWO_SEEDS, "");
    sweep.runner("p.toml -q").success();
    let trial = sweep.results().first_trial();
    let predict = sweep.runner(&format!("predict {trial} --index 0")).exits(2);
    predict.stderr_contains("is of a program: only the built-in model predicts");
}

#[test]
fn program_runs_in_its_directory_with_its_variables() {
    let experiment = TWO_SEEDS
        .replace("files", "directory = \"code\"\nenv = { OWN = \"a=b c\" }\nfiles")
        .replace("[0, 1]", "[0]");
    let sweep = Sweep::new("sub/p.toml", &experiment);
    let script = r#"
pwd > place; echo "$OWN|$INHERITED|$PYTHONUNBUFFERED" >> place
[ -d "$SWEEP_CHECKPOINT_DIR" ] && echo "$SWEEP_CHECKPOINT_DIR" >> place
echo '{"loss": 1}'
"#;
    sweep.write("sub/code/train.sh", script);
    sweep.runner("sub/p.toml -q").env("INHERITED", "yes").success();
    let place = sweep.read("sub/code/place");
    let lines: Vec<&str> = place.lines().collect();
    assert!(lines[0].ends_with("/sub/code"), "{place}");
    assert_eq!(lines[1], "a=b c|yes|1");
    let trial = sweep.results().first_trial();
    assert!(lines[2].ends_with(&format!("/results/p/programs/{trial}/checkpoint")), "{place}");
    assert!(Path::new(lines[2]).is_absolute());
}

/// Each trial waits until another one runs at the same time.
#[test]
fn programs_that_run_at_once_have_different_slots() {
    let script = r#"
mkdir "slot-$SWEEP_SLOT" || exit 1
echo "$SWEEP_SLOT" >> slots
n=0
while [ ! -e met ] && [ $n -lt 500 ]; do
  [ -e slot-0 ] && [ -e slot-1 ] && : > met
  sleep 0.01; n=$((n + 1))
done
rmdir "slot-$SWEEP_SLOT"
echo '{"loss": 1}'
"#;
    let six = TWO_SEEDS.replace("[0, 1]", "{ from = 0, to = 5 }");
    for (experiment, jobs) in [(six.replace("files", "jobs = 2\nfiles"), ""), (six, " -j 2")] {
        let sweep = sweep(&experiment, script);
        sweep.runner(&format!("p.toml -q{jobs}")).success();
        assert!(sweep.exists("met"));
        let slots = sweep.read("slots");
        assert_eq!(slots.lines().count(), 6);
        assert!(slots.lines().all(|slot| ["0", "1"].contains(&slot)), "{slots}");
    }
}

#[test]
fn one_program_runs_at_a_time_by_default() {
    let script = "mkdir busy || exit 1; sleep 0.02; rmdir busy; echo '{\"loss\": 1}'";
    let sweep = sweep(&TWO_SEEDS.replace("[0, 1]", "{ from = 0, to = 4 }"), script);
    sweep.runner("p.toml -q").success();
    assert_eq!(sweep.results().count("runs WHERE status = 'finished'"), 5);
}

#[test]
fn plan_shows_states_and_starts_nothing() {
    let sweep = sweep(TWO_SEEDS, ": > started; [ $1 = 0 ] && echo '{\"loss\": 1}'");
    sweep.runner("p.toml --plan").success().stdout_contains("2 trials, 0 have their result");
    assert!(!sweep.exists("started") && !sweep.exists("results"));
    sweep.runner("p.toml -q").exits(1);
    sweep.runner("p.toml --plan").success().stdout_contains("2 trials, 1 have their result");
}

#[test]
fn retry_and_rerun_start_failed_and_all_programs() {
    let script = "echo $1 >> starts; [ $1 = 0 ] || [ -e good ] || exit 3; echo '{\"loss\": 1}'";
    let sweep = sweep(TWO_SEEDS, script);
    let starts = || sweep.read("starts").split_whitespace().collect::<Vec<_>>().concat();
    sweep.runner("p.toml").exits(1).stderr_contains("it ended with exit code 3");
    sweep.runner("p.toml -q").exits(1);
    assert_eq!(starts(), "011");
    sweep.write("good", "");
    sweep.runner("p.toml -q --retry-failed").success();
    assert_eq!(starts(), "0111");
    sweep.runner("p.toml").success().stderr_contains("nothing to run");
    sweep.runner("p.toml -q --rerun").success();
    assert_eq!(starts(), "011101");
}

#[test]
fn fail_fast_stops_the_sweep_at_a_failed_program() {
    let sweep = sweep(&TWO_SEEDS.replace("[0, 1]", "{ from = 0, to = 9 }"), "exit 1");
    let stopped = sweep.runner("p.toml --fail-fast").exits(1);
    stopped.stderr_contains("stopped at the first trial that failed");
    assert!(sweep.results().count("runs") < 10, "no trial starts after the failed one");
}

#[test]
fn timeout_of_the_command_line_ends_a_program() {
    let sweep = sweep(TWO_SEEDS, "[ $1 = 0 ] && sleep 20; echo '{\"loss\": 1}'");
    let timed = sweep.runner("p.toml").set("program.timeout=\"200ms\"").exits(1);
    timed.stderr_contains("failed: it ran longer than the timeout of 200ms");
    assert_eq!(finals(&sweep.results()), "1 loss 1");
}

#[test]
fn failed_run_has_the_last_lines_of_standard_error() {
    let script = "seq 1 50 >&2; printf '\\033[31mred\\033[0m\\n' >&2; exit 7";
    let sweep = sweep(TWO_SEEDS, script);
    sweep.runner("p.toml").exits(1).stderr_contains("exit code 7").stderr_lacks("\u{1b}[31m");
    let error: String = sweep.results().query("SELECT error FROM runs LIMIT 1");
    assert!(error.starts_with("it ended with exit code 7\n42\n"), "{error}");
}

#[test]
fn cut_line_of_a_killed_program_has_no_metrics() {
    let pattern = r"
[program.output]
pattern = 'epoch (?<epoch>\d) loss=(?<loss>[0-9.]+)'
[sweep]";
    let script =
        "echo epoch 1 loss=0.5; printf 'epoch 1 loss=0.2'; [ $1 = 1 ] && kill -9 $$; exit 3";
    let sweep = sweep(&TWO_SEEDS.replace("[sweep]", pattern), script);
    sweep.runner("p.toml -q").exits(1);
    assert_eq!(epochs(&sweep.results()), "0 1 loss 0.2, 1 1 loss 0.5");
}

#[test]
fn merged_shards_equal_the_whole_sweep() {
    let script = "echo \"{\\\"epoch\\\": 1, \\\"loss\\\": $1.5}\"; echo '{\"test_accuracy\": 0.5}'";
    let sweep = sweep(&TWO_SEEDS.replace("[0, 1]", "{ from = 0, to = 6 }"), script);
    sweep.runner("p.toml -q -r whole").success();
    sweep.runner("p.toml -q --shard 0/2 -r a").success();
    sweep.runner("p.toml -q --shard 1/2 -r b -j 3").success();
    sweep.runner("merge a b -r merged").success();
    for file in ["p/runs.csv", "p/epochs.csv"] {
        let cells = |folder| sweep.results_in(folder).reproducible_cells(file);
        assert_eq!(cells("merged"), cells("whole"));
    }
    sweep.runner("p.toml -r merged").success().stderr_contains("nothing to run");
}

#[test]
fn values_of_env_are_in_no_file_of_the_results() {
    let experiment = TWO_SEEDS.replace("files", "env = { TOKEN = \"secret-one\" }\nfiles");
    let script = "[ $1 = 0 ] && exit 1; echo \"{\\\"loss\\\": ${#TOKEN}${#OTHER}}\"";
    let sweep = sweep(&experiment, script);
    sweep.runner("p.toml -q").exits(1);
    for setting in [
        "program.env.TOKEN=\"secret-two\"",
        "program.env.OTHER='secret-six'",
        "program.env={ OTHER = \"secret-ten\" }",
        "program={ env = { OTHER = \"secret-end\" } }",
    ] {
        sweep.runner("p.toml -q").set(setting).exits(1);
    }
    assert_eq!(sweep.results().count("runs"), 10, "the values are part of the trial ids");
    assert!(finals(&sweep.results()).contains("1 loss 1010"));
    for path in files(&sweep.path("results")) {
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(7).any(|window| window == b"secret-");
        assert!(!found, "a value is in {}", path.display());
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `--cpus-per-task` may be for the threads of one program.
#[test]
fn submitted_programs_keep_the_jobs_of_their_file() {
    let sweep = sweep(TWO_SEEDS, "");
    let shown = sweep.runner("submit p.toml --dry-run").success();
    shown.stdout_contains("--shard auto/2").stdout_lacks("--jobs");
}

/// The supervisor is the program itself.
#[test]
fn replaced_runner_continues_its_sweep() {
    let script = "[ $1 = 0 ] && mv runner old && : > runner; echo '{\"loss\": 1}'";
    let sweep = sweep(TWO_SEEDS, script);
    fs::copy(RUNNER, sweep.path("runner")).unwrap();
    sweep.program("./runner").args("p.toml -q -j 1").success();
    assert_eq!(finals(&sweep.results()), "0 loss 1, 1 loss 1");
}
