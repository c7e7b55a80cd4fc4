//! Bad programs: each has a clear status, and the sweep continues.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{TWO_SEEDS, rows, sweep};
use crate::common::Sweep;

/// Name, script, status, and the beginning of the error.
const PROGRAMS: &[(&str, &str, &str, &str)] = &[
    ("good", "echo '{\"loss\": 1}'", "finished", ""),
    ("binary", "head -c 3000000 /dev/urandom", "finished", ""),
    ("half-line", "echo '{\"loss\": 1}'; printf '{\"loss\": 2, \"val'", "finished", ""),
    ("closes-stdout", "echo '{\"loss\": 1}'; exec >&- 2>&-; sleep 0.1", "finished", ""),
    ("name", "echo '{\"../../x\": 1}'", "finished", ""),
    ("no-metrics", "exit 0", "finished", ""),
    ("reads-stdin", "cat; cat <&0; echo '{\"loss\": 1}'", "finished", ""),
    ("writes-stdin", "echo x >&0; echo '{\"loss\": 1}'", "finished", ""),
    (
        "deletes-checkpoints",
        "rm -r \"$SWEEP_CHECKPOINT_DIR\"; echo '{\"loss\": 1}'",
        "finished",
        "",
    ),
    (
        "read-only",
        "chmod 555 \"$SWEEP_CHECKPOINT_DIR\"; chmod 555 \"${SWEEP_CHECKPOINT_DIR%/*}\"; \
         echo '{\"loss\": 1}'",
        "finished",
        "",
    ),
    (
        "deletes-folder",
        "rm -r \"${SWEEP_CHECKPOINT_DIR%/*}\"; echo '{\"loss\": 1}'",
        "finished",
        "",
    ),
    (
        "exit",
        "echo '{\"loss\": 1}'; echo why >&2; exit 3",
        "failed",
        "it ended with exit code 3\nwhy",
    ),
    ("killed", "kill -9 $$", "failed", "it was killed by SIGKILL; was the memory exhausted?"),
    ("aborts", "kill -ABRT $$", "failed", "it was killed by SIGABRT"),
    (
        "backwards",
        "for i in 3 2; do echo \"{\\\"epoch\\\": $i, \\\"loss\\\": 1}\"; done; sleep 20",
        "failed",
        "epoch 2 followed epoch 3: epochs must not go back",
    ),
    (
        "text-epoch",
        "echo '{\"epoch\": \"one\", \"loss\": 1}'; sleep 20",
        "failed",
        "it printed the epoch \"one\": expected a whole number from 0",
    ),
    (
        "epochs",
        "seq -f '{\"epoch\": %.0f, \"loss\": 1}' 100001; sleep 20",
        "failed",
        "it printed more than 100000 epochs",
    ),
    (
        "long-name",
        "printf '{\"%0129d\": 1}\\n' 0; sleep 20",
        "failed",
        "cannot record the metric '0000",
    ),
    ("nan", "echo '{\"loss\": NaN}'; sleep 20", "diverged", "loss was not a number at the end"),
    (
        "infinite",
        "echo '{\"epoch\": 1, \"val_accuracy\": -Infinity}'",
        "diverged",
        "val_accuracy was infinite in epoch 1",
    ),
];

#[test]
fn each_bad_program_has_a_status_and_the_sweep_continues() {
    let kinds: Vec<&str> = PROGRAMS.iter().map(|program| program.0).collect();
    let experiment = format!(
        "name = \"bad\"\n[program]\ncommand = [\"sh\", \"{{kind}}.sh\"]\njobs = 2\n\
         [sweep]\nkind = {kinds:?}\n"
    );
    let sweep = Sweep::new("bad.toml", &experiment);
    for (kind, script, ..) in PROGRAMS {
        sweep.write(&format!("{kind}.sh"), script);
    }
    sweep.runner("bad.toml").exits(1).stderr_contains(format!("[{0}/{0}]", kinds.len()));
    let results = sweep.results();
    for (kind, _, status, error) in PROGRAMS {
        let of_kind = format!(
            "SELECT status || ' ' || coalesce(error, '') FROM runs JOIN params ON run_id = id \
             WHERE params.name = 'kind' AND params.value = '{kind}'"
        );
        let found: String = results.query(&of_kind);
        assert!(found.starts_with(&format!("{status} {error}")), "{kind}: {found}");
        assert_eq!(error.is_empty(), found.trim_end() == *status, "{kind}: {found}");
    }
    let names = "SELECT DISTINCT name FROM results WHERE name <> 'seconds' ORDER BY name";
    assert_eq!(rows(&results, names), "../../x, loss");
    assert!(!sweep.exists("x"));
    let in_results = fs::read_dir(sweep.path("results")).unwrap().count();
    assert_eq!(in_results, 2, "the database and the folder of the experiment");
}

#[test]
fn program_that_cannot_start_fails_and_the_sweep_continues() {
    let experiment = "name = \"p\"\n[program]\ncommand = [\"./{kind}\"]\n[sweep]\n\
                      kind = [\"missing\", \"text\", \"folder\", \"garbage\", \"good\"]\n";
    let sweep = Sweep::new("p.toml", experiment);
    sweep.write("text", "no program");
    sweep.write("folder/file", "");
    sweep.write("garbage", [0x7f, b'E', b'L', b'F', 0, 0]);
    sweep.write("good", "#!/bin/sh\necho '{\"loss\": 1}'\n");
    for name in ["garbage", "good"] {
        fs::set_permissions(sweep.path(name), Permissions::from_mode(0o755)).unwrap();
    }
    sweep.runner("p.toml -q").exits(1);
    let runs = "SELECT value, status, coalesce(error, '') FROM runs JOIN params ON run_id = id \
                ORDER BY runs.sequence";
    assert_eq!(
        rows(&sweep.results(), runs),
        "missing failed it cannot start ./missing: No such file or directory (os error 2), \
         text failed it cannot start ./text: Permission denied (os error 13), \
         folder failed it cannot start ./folder: Permission denied (os error 13), \
         garbage failed it cannot start ./garbage: Exec format error (os error 8), \
         good finished "
    );
}

#[test]
fn directory_that_vanishes_fails_its_trials_only() {
    let experiment = TWO_SEEDS
        .replace("\"train.sh\", ", "\"../train.sh\", ")
        .replace("files = [\"train.sh\"]", "directory = \"code\"");
    let sweep = sweep(&experiment, "[ $1 = 0 ] && rm -r ../code; echo '{\"loss\": 1}'");
    sweep.runner("p.toml").exits(2).stderr_contains("the directory does not exist");
    fs::create_dir(sweep.path("code")).unwrap();
    sweep.runner("p.toml -j 1").exits(1).stderr_contains("failed: ");
    let states = rows(&sweep.results(), "SELECT status FROM runs ORDER BY sequence");
    assert_eq!(states, "finished, failed");
}

#[test]
fn finished_runs_without_metrics_are_reported() {
    let script = "[ $1 = 0 ] || echo '{\"loss\": 1}'";
    let sweep = sweep(TWO_SEEDS, script);
    let warning = "1 finished run has no metric: print lines such as {\"val_accuracy\": 0.9}";
    sweep.runner("p.toml").success().stdout_contains("1.0000").stderr_contains(warning);
    sweep.write("train.sh", "true");
    sweep.runner("p.toml").success().stderr_contains("2 finished runs have no metric");
    sweep.write("train.sh", "echo '{\"loss\": 1}'");
    sweep.runner("p.toml").success().stderr_lacks("no metric");
}
