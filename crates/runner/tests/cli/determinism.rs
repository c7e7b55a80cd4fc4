//! Results depend on the trial and the engine only: not on threads, order or other trials.

use crate::common::{FOUR_TRIALS, Sweep};

#[test]
fn results_are_equal_at_any_parallelism_and_order() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    for engine in ["fused", "autograd"] {
        let run = |folder: &str| {
            sweep.runner(&format!("small.toml -q --engine {engine} -r {engine}-{folder}"))
        };
        for (folder, jobs) in [("one", "1"), ("two", "2"), ("seven", "7")] {
            run(folder).args("-j").arg(jobs).success();
        }
        run("reversed").set("sweep.batch_size=[16, 64]").set("sweep.seed=[1, 0]").success();
        let measured =
            |folder| sweep.results_in(&format!("{engine}-{folder}")).measurements("small");
        for folder in ["two", "seven", "reversed"] {
            assert_eq!(measured(folder), measured("one"), "{engine} {folder}");
        }
    }
}

#[test]
fn rayon_threads_do_not_change_results() {
    let sweep = Sweep::new("small.toml", FOUR_TRIALS);
    let measured = |threads: &str| {
        let run = sweep.runner("small.toml -q --engine autograd -r").arg(threads);
        run.env("RAYON_NUM_THREADS", threads).success();
        sweep.results_in(threads).measurements("small")
    };
    assert_eq!(measured("1"), measured("5"));
}

/// Trials that differ only in their epochs share one training.
#[test]
fn shared_training_equals_separate_trainings() {
    let sweep = Sweep::new("small.toml", &FOUR_TRIALS.replace(", epochs = 2", ""));
    for engine in ["fused", "autograd"] {
        let (shared, separate) = (format!("{engine}-shared"), format!("{engine}-separate"));
        let run =
            |results: &str| sweep.runner(&format!("small.toml -q --engine {engine} -r {results}"));
        run(&shared).set("sweep.epochs=[3, 1, 2]").success();
        for epochs in ["2", "3", "1"] {
            run(&separate).set(&format!("train.epochs={epochs}")).success();
        }
        let [shared, separate] = [shared, separate].map(|folder| sweep.results_in(&folder));
        assert_eq!(shared.measurements("small"), separate.measurements("small"), "{engine}");

        assert_eq!(shared.count("run_table WHERE shared_from IS NULL AND epochs = 3"), 4);
        let shorter = "run_table AS shorter JOIN run_table AS longest
                       ON shorter.shared_from = longest.run
                       WHERE longest.epochs = 3 AND shorter.epochs < 3
                       AND shorter.seed = longest.seed
                       AND shorter.batch_size = longest.batch_size AND shorter.seconds > 0";
        assert_eq!(shared.count(shorter), 8);
        assert_eq!(shared.count("metrics"), 4 * (1 + 2 + 3) * 8);
    }
}

#[test]
fn shared_training_diverges_like_separate_trainings() {
    // One step per epoch: the weights are finite after the first epoch and not after a later one.
    let sweep = Sweep::new(
        "steep.toml",
        "name = 'steep'\ndata = { dataset = 'digits' }\n\
         train = { batch_size = 1437, learning_rate = 1e38 }\nsweep = { epochs = [1, 2, 5] }\n",
    );
    sweep.runner("steep.toml -q -r shared").success();
    for epochs in ["1", "2", "5"] {
        let run = sweep.runner("steep.toml -q -r separate");
        run.set(&format!("sweep.epochs=[{epochs}]")).success();
    }
    let runs = |folder: &str| sweep.results_in(folder).reproducible_cells("steep/runs.csv");
    assert_eq!(runs("shared"), runs("separate"));
    assert!(runs("shared").iter().any(|row| row[1] == "diverged"));
}
