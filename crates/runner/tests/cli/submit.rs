//! `runner submit`: the jobs that it asks a scheduler for.

use std::path::Path;

use crate::common::{RUNNER, Sweep, TWELVE_TRIALS};

#[test]
fn dry_run_shows_both_jobs_and_writes_nothing() {
    let sweep = Sweep::new("small.toml", TWELVE_TRIALS);
    let submit = "submit small.toml --dry-run --concurrent 2 --shards 3 \
                  --set train.learning_rate=0.1 -- --time=10 --mem=1G";
    let shown = sweep.runner(submit).success().stdout;
    let absolute = |path: &Path| path.canonicalize().unwrap().display().to_string();
    let shown = shown
        .replace(&absolute(Path::new(RUNNER)), "RUNNER")
        .replace(&absolute(&sweep.path("")), "FOLDER");
    insta::assert_snapshot!(shown, @r##"
    sbatch --parsable --array=0-2%2 --job-name=small --output=FOLDER/results/shards/small/logs/%A_%a.log --open-mode=append --requeue --time=10 --mem=1G <<'end'
    #!/bin/sh
    exec RUNNER FOLDER/small.toml --shard auto/3 --results FOLDER/results --quiet --device cpu --set train.learning_rate=0.1 --jobs "${SLURM_CPUS_PER_TASK:-1}"
    end

    sbatch --parsable --job-name=small-merge --output=FOLDER/results/shards/small/logs/%j_merge.log --open-mode=append --requeue '--dependency=afterany:<array>' --time=10 --mem=1G <<'end'
    #!/bin/sh
    exec RUNNER merge --attempts FOLDER/small.toml --results FOLDER/results --set train.learning_rate=0.1
    end
    "##);
    assert!(!sweep.exists("results"));
}

#[test]
fn plan_of_milliseconds_is_one_task() {
    let sweep = Sweep::new("small.toml", TWELVE_TRIALS);
    let submit = sweep.runner("submit small.toml --dry-run").success();
    submit.stdout_contains("--array=0 ");
}

#[test]
fn submit_quotes_paths_for_the_shell() {
    let sweep = Sweep::new("it's $odd/small.toml", TWELVE_TRIALS);
    let submit = sweep.runner("submit --dry-run").arg("it's $odd/small.toml").arg("-r").arg("a b");
    submit.success().stdout_contains(r"it'\''s $odd/small.toml'").stdout_contains("/a b'");
}

#[test]
fn submit_reports_an_absent_scheduler() {
    let sweep = Sweep::new("small.toml", TWELVE_TRIALS);
    let submit = sweep.runner("submit small.toml").env("PATH", "").exits(2);
    submit.stderr_contains("cannot run sbatch");
}

#[test]
fn submit_stores_no_values_of_variables() {
    let sweep = Sweep::new("small.toml", TWELVE_TRIALS);
    let submit = sweep.runner("submit small.toml --dry-run").set("program.env.TOKEN='abc'");
    submit.exits(2).stderr_contains("would store the value in the script of the jobs");
}
