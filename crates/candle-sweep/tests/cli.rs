//! The installed program: every verb works outside a checkout, and its hints name its verbs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::Command as Program;
use tempfile::TempDir;

const VERBS: [&str; 22] = [
    "run",
    "plan",
    "status",
    "submit",
    "report",
    "list",
    "show",
    "diff",
    "html",
    "serve",
    "predict",
    "verify",
    "export",
    "import",
    "merge",
    "digest",
    "delete",
    "restore",
    "gc",
    "data",
    "completions",
    "man",
];

/// Runs the program in `folder` as a user does who installed it: without cargo.
fn installed(folder: &Path, line: &str) -> assert_cmd::assert::Assert {
    let mut program = Program::new(assert_cmd::cargo::cargo_bin!("candle-sweep"));
    program.current_dir(folder).env_remove("CARGO_MANIFEST_DIR").env_remove("MNIST_DIR");
    program.env("XDG_CACHE_HOME", folder.join("cache")).env("COLUMNS", "100");
    program.args(line.split_whitespace()).assert()
}

fn stdout(assert: assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.success().get_output().stdout.clone()).unwrap()
}

/// A folder with the experiment file `small.toml` of four trials on digits.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"small\"\n[data]\ndataset = \"digits\"\n[train]\nepochs = 1\n\
                [sweep]\nbatch_size = [32, 64]\nseed = [0, 1]\n";
    fs::write(folder.path().join("small.toml"), text).unwrap();
    folder
}

#[test]
fn verbs_work_outside_a_checkout() {
    let folder = folder();
    let at = folder.path();
    let run = |line: &str| stdout(installed(at, line));
    assert!(run("plan small.toml").contains("4 trials, 0 have their result"));
    run("run small.toml");
    assert!(run("status small.toml").contains("4 done"));
    let csv = run("report --format csv");
    assert_eq!(csv.lines().count(), 3);
    assert!(run("list -e small").contains("finished"));
    let trial = fs::read_to_string(at.join("results/small/runs.csv")).unwrap();
    let trial = trial.lines().nth(1).unwrap().split(',').nth(1).unwrap().replace("id-", "");
    assert!(run(&format!("show {trial}")).contains(&trial));
    assert!(run("diff small small").contains("equal"));
    run("html -o page.html");
    assert!(run(&format!("predict {trial} --index 0")).contains("true label"));
    assert!(run("verify --all").contains("4 of 4 runs are identical"));
    run("export --format json -o small.json");
    run("import small.json -r imported");
    assert_eq!(run("digest"), run("digest -r imported"));
    run("merge imported -r merged");
    run(&format!("delete {trial}"));
    run(&format!("restore {trial}"));
    run("gc");
    assert!(run("data info digits").contains("compiled into this program"));
}

#[cfg(unix)]
#[test]
fn programs_give_equal_results_in_any_number_of_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let text = "name = \"p\"\n[program]\ncommand = [\"sh\", \"train.sh\", \"{rate}\", \"{seed}\"]\n\
                files = [\"train.sh\"]\n[sweep]\nrate = [0.1, 0.5]\nseed = { from = 0, to = 4 }\n";
    let script = "echo \"{\\\"epoch\\\": 1, \\\"loss\\\": $2.5}\"; sleep 0.01\n\
                  echo \"{\\\"val_accuracy\\\": $1}\"\n";
    fs::write(at.join("p.toml"), text).unwrap();
    fs::write(at.join("train.sh"), script).unwrap();
    let run = |line: &str| stdout(installed(at, line));
    let digest = |jobs: &str| {
        run(&format!("run p.toml -q -r {jobs} -j {jobs}"));
        run(&format!("digest --results -r {jobs}"))
    };
    let alone = digest("1");
    assert_eq!(digest("2"), alone);
    assert_eq!(digest("7"), alone);
    assert!(run("verify p.toml -r 7").contains("10 of 10 runs are identical"));
    assert!(run("report -r 7").contains("0.5"));
}

#[test]
fn submitted_jobs_call_the_verbs_of_this_program() {
    let folder = folder();
    let jobs = stdout(installed(folder.path(), "submit small.toml --dry-run --shards 2"));
    assert!(jobs.contains("/candle-sweep run /"), "{jobs}");
    assert!(jobs.contains("/candle-sweep merge --attempts /"), "{jobs}");
}

#[test]
fn hints_are_verbs_of_this_program_with_the_results_folder() {
    let folder = folder();
    let hint = |line: &str| {
        let output = installed(folder.path(), line).get_output().clone();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let program = assert_cmd::cargo::cargo_bin!("candle-sweep").display().to_string();
    let expect = |line: &str, command: &str| {
        let printed = hint(line);
        assert!(printed.contains(&format!("{program} {command}\n")), "{line}: {printed}");
    };
    expect("report", "run EXPERIMENT.toml");
    expect("list -r other", "run -r other EXPERIMENT.toml");
    expect("run small.toml", "report -e small");
    expect("run small.toml -r other", "report -r other -e small");
    expect("delete small -r other", "restore -r other small");
}

#[test]
fn usage_in_errors_and_examples_in_help_name_this_program() {
    let folder = folder();
    let error = installed(folder.path(), "show").failure().code(2).get_output().stderr.clone();
    assert!(String::from_utf8(error).unwrap().contains("Usage: candle-sweep show"));
    for verb in VERBS {
        let help = stdout(installed(folder.path(), &format!("{verb} --help")));
        for line in help.lines().map(str::trim) {
            let example = line.strip_prefix("Example: ").unwrap_or(line);
            let is_other = ["runner ", "report ", "data "].iter().any(|p| example.starts_with(p));
            assert!(!is_other, "{verb}: {line}");
        }
        assert_eq!(help, stdout(installed(folder.path(), &format!("help {verb}"))));
    }
}

#[test]
fn version_names_the_commit_of_the_sources() {
    let version = stdout(installed(Path::new("."), "--version"));
    let (name, commit) = version.trim().split_once(' ').unwrap();
    assert_eq!(name, "candle-sweep");
    let git = Command::new("git").args(["rev-parse", "HEAD"]).output();
    if let Ok(git) = git
        && git.status.success()
    {
        let head = String::from_utf8(git.stdout).unwrap();
        assert!(commit.contains(&format!(" ({}", &head[..9])), "{version}, expected {head}");
    }
}

#[test]
fn completions_have_every_verb_and_valid_syntax() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(installed(folder.path(), &format!("completions {shell}")));
        for verb in VERBS {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        if matches!(shell, "bash" | "zsh" | "fish") {
            match Command::new(shell).arg("-n").arg(&path).output() {
                Ok(checked) => assert!(checked.status.success(), "{shell}: {checked:?}"),
                Err(_) => eprintln!("skipped: syntax of the completions ({shell} is missing)"),
            }
        }
    }
}

#[test]
fn every_verb_has_a_manual_page() {
    let folder = folder();
    installed(folder.path(), "man pages").success();
    for verb in VERBS {
        let page = folder.path().join(format!("pages/candle-sweep-{verb}.1"));
        assert!(fs::read_to_string(page).unwrap().contains(".SH OPTIONS"), "{verb}");
    }
    assert!(stdout(installed(folder.path(), "man")).contains("candle\\-sweep"));
}

/// What an agent does: ask, run what the verdict names, and ask again.
#[test]
fn loop_of_judge_and_named_commands_ends_in_a_verdict() {
    let folder = folder();
    let at = folder.path();
    installed(at, "run small.toml -q --set train.learning_rate=0.1").success();
    let mut seeds = 2;
    for _ in 0..10 {
        let judge = "diff small:batch_size=64 small:batch_size=32 --judge --format json";
        let assert = installed(at, judge);
        let output = assert.get_output();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["n"], seeds, "{json}");
        assert_eq!(json["exit_code"], output.status.code().unwrap());
        if output.status.code() == Some(0) {
            assert_eq!(json["verdict"], "better");
            assert_eq!(json["commands"], serde_json::json!([]));
            return;
        }
        assert_eq!(output.status.code(), Some(11), "{json}");
        seeds += json["seeds_to_add"].as_u64().unwrap();
        for command in json["commands"].as_array().unwrap() {
            let line = command["command"].as_str().unwrap();
            let status = Command::new("sh").args(["-c", line]).current_dir(at).status().unwrap();
            assert!(status.success(), "{line}");
        }
    }
    panic!("no verdict with {seeds} seeds");
}
