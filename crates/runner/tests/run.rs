//! What a run leaves behind, and what a second one does.
#![allow(clippy::unwrap_used)]

mod common;

use common::Folder;
use data::{Dataset, Finder, Network, SilentFetch, Source};
use model::Weights;
use rusqlite::Connection;
use tracking::{ErrorAnalysis, Reader};

const SMALL: &str = r#"
name = "small"
description = "a, \"quoted\" | description"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.5, epochs = 2 }
[sweep]
batch_size = [64, 16]
seed = { from = 0, to = 1 }
"#;

#[test]
fn everything_is_recorded() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    let table = folder.run(&["small.toml"]);
    assert!(
        table.contains("Best 4 of 4") && table.contains("cargo run -p report -- -e small"),
        "{table}"
    );

    let store = Connection::open(folder.path("results/tracking.db")).unwrap();
    let count = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM runs WHERE status = 'finished'"), 4);
    assert_eq!(count("SELECT count(*) FROM metrics"), 4 * 2 * 8);
    // Where examples are held out, the test set is measured after every epoch too; the last time is the final one.
    let last = "SELECT count(*) FROM metrics JOIN results USING (run_id, name)
                WHERE name IN ('test_loss', 'test_accuracy') AND epoch = 2 AND metrics.value = results.value";
    assert_eq!(count(last), 4 * 2);
    assert_eq!(count("SELECT count(*) FROM results"), 4 * 5);
    assert_eq!(
        count(
            "SELECT count(*) FROM run_table WHERE test_accuracy > 0.7 AND batch_size IN (16, 64)"
        ),
        4
    );
    assert_eq!(
        count(
            "SELECT count(DISTINCT experiment_file) FROM invocations WHERE experiment_file LIKE '%sweep%'"
        ),
        1
    );

    let runs = folder.read("results/small/runs.csv");
    let header = "run,trial,status,dataset,learning_rate,decay,batch_size,epochs,seed,init,last_batch,\
                  train_loss,train_accuracy,test_loss,test_accuracy,seconds,started_at";
    assert_eq!(runs.lines().next().unwrap(), header);
    let order: Vec<String> = common::without_columns(&runs, &[])
        .iter()
        .skip(1)
        .map(|row| format!("{} {}", row[6], row[8]))
        .collect();
    assert_eq!(order, ["16 0", "16 1", "64 0", "64 1"]);
    assert_eq!(folder.read("results/small/epochs.csv").lines().count(), 1 + 4 * 2);
    assert_eq!(std::fs::read_dir(folder.path("results/small/models")).unwrap().count(), 4);
}

#[test]
fn metrics_section_selects_the_ranking_metric() {
    let folder = Folder::new();
    folder.write(
        "small.toml",
        format!("{SMALL}[metrics]\nrank = \"val_loss\"\nreport = \"test_loss\"\n"),
    );
    let ranked_by = |title: &str, arguments: &[&str]| {
        let table = folder.run(&[&["small.toml", "-r", "results"], arguments].concat());
        assert!(table.contains(&format!("trials by {title}")), "{table}");
        let reader = Reader::open(&folder.path("results")).unwrap();
        reader.declarations("small").unwrap()
    };
    let declared = ranked_by("validation loss", &[]);
    assert_eq!(
        (declared.rank.as_deref(), declared.report.as_deref()),
        (Some("val_loss"), Some("test_loss"))
    );
    // The latest experiment file takes effect, and a change of `[metrics]` reruns no trial.
    folder.write("small.toml", SMALL);
    assert_eq!(ranked_by("validation accuracy", &[]).rank, None);
    assert_eq!(
        ranked_by("test loss", &["--set", "metrics.rank=\"test_loss\""]).rank.as_deref(),
        Some("test_loss")
    );
    let store = Connection::open(folder.path("results/tracking.db")).unwrap();
    assert_eq!(
        store.query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0)).unwrap(),
        4
    );
}

fn measured(folder: &Folder, results: &str) -> Vec<Vec<u8>> {
    common::measured(folder, results, "small")
}

#[test]
fn the_same_experiment_gives_the_same_bits_at_any_parallelism_and_in_any_order() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    for engine in ["fused", "autograd"] {
        for (results, jobs) in [("a", "1"), ("b", "2"), ("c", "7")] {
            folder.run(&[
                "small.toml",
                "-r",
                &format!("{engine}-{results}"),
                "-j",
                jobs,
                "-q",
                "--engine",
                engine,
            ]);
        }
        let turned = [
            "small.toml",
            "-q",
            "--set",
            "sweep.batch_size=[16, 64]",
            "--set",
            "sweep.seed=[1, 0]",
        ];
        folder.run(&[&turned[..], &["-r", &format!("{engine}-d"), "--engine", engine]].concat());
        let expected = measured(&folder, &format!("{engine}-a"));
        for results in ["b", "c", "d"] {
            assert_eq!(
                measured(&folder, &format!("{engine}-{results}")),
                expected,
                "{engine} {results}"
            );
        }
    }
}

/// What a model makes of each test image, from its weights and the definition: label, prediction, probability.
fn plain_predictions(weights: &Weights, dataset: &Dataset) -> Vec<(u32, u32, f64)> {
    let predict = |(index, label): (usize, &u8)| {
        let x: Vec<f32> = dataset
            .test
            .image(index)
            .unwrap()
            .iter()
            .map(|pixel| data::normalise(*pixel))
            .collect();
        let probabilities = weights.probabilities(&x).into_iter().zip(0u32..);
        let (probability, predicted) = probabilities.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        (u32::from(*label), predicted, probability)
    };
    dataset.test.labels.iter().enumerate().map(predict).collect()
}

fn check_examples(found: &ErrorAnalysis, weights: &Weights, dataset: &Dataset) {
    assert_eq!((found.classes, found.rows, found.columns, found.left_out), (10, 8, 8, 0));
    let predictions = plain_predictions(weights, dataset);
    let cells = (0..10).flat_map(|label| (0..10).map(move |predicted| (label, predicted)));
    let count = |cell: &(u32, u32)| {
        predictions.iter().filter(|(label, predicted, _)| (*label, *predicted) == *cell).count()
            as u64
    };
    let expected: Vec<_> =
        cells.map(|cell| (cell, count(&cell))).filter(|(_, count)| *count > 0).collect();
    assert!(found.confusion.iter().map(|it| ((it.label, it.predicted), it.count)).eq(expected));

    assert_eq!(found.mistakes.len(), 12);
    for mistake in &found.mistakes {
        let index = mistake.index as usize;
        let (label, predicted, probability) = predictions[index];
        assert_eq!((mistake.label, mistake.predicted), (label, predicted));
        assert!(
            (mistake.probability - probability).abs() < 1e-5,
            "{} is not {probability}",
            mistake.probability
        );
        let mut picture =
            png::Decoder::new(std::io::Cursor::new(&mistake.picture)).read_info().unwrap();
        let mut pixels = vec![0; picture.output_buffer_size().unwrap()];
        picture.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, dataset.test.image(index).unwrap());
    }
    assert!(found.mistakes.is_sorted_by(|a, b| a.probability >= b.probability));
    let least = found.mistakes.last().unwrap().probability;
    for (index, (label, predicted, probability)) in (0..).zip(predictions) {
        let is_there = found.mistakes.iter().any(|mistake| mistake.index == index);
        assert!(
            is_there || label == predicted || probability < least + 1e-5,
            "{index} is a mistake of {probability}"
        );
    }
}

#[test]
fn the_confusion_matrix_and_the_surest_mistakes_are_those_of_the_final_weights() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL.replace(", epochs = 2", ""));
    let finder = Finder::new(Some(folder.path("cache")), Network::Offline, Vec::new()).unwrap();
    let source = Source::parse("digits", std::path::Path::new("")).unwrap();
    let digits = finder.load(&source, &mut SilentFetch).unwrap();
    for (engine, validation) in
        [("fused", "0.2"), ("fused", "'test'"), ("autograd", "0.2"), ("autograd", "'test'")]
    {
        let results = format!("{engine}-{validation}").replace('\'', "");
        let validation = format!("data.validation={validation}");
        let options = [
            "--engine",
            engine,
            "-r",
            &results,
            "--set",
            &validation,
            "--set",
            "sweep.epochs=[1, 3]",
        ];
        folder.run(&[&["small.toml", "-q"], &options[..]].concat());
        let reader = Reader::open(&folder.path(&results)).unwrap();
        let runs = reader.runs("small").unwrap();
        assert_eq!(runs.len(), 8);
        for run in runs {
            let path =
                folder.path(&results).join(format!("small/models/{}.safetensors", run.trial));
            let weights = Weights::from_safetensors(&std::fs::read(path).unwrap()).unwrap();
            let found = reader.error_analysis(&run).unwrap().unwrap();
            check_examples(&found, &weights, &digits);
            let total: u64 = found.confusion.iter().map(|cell| cell.count).sum();
            let correct: u64 = found
                .confusion
                .iter()
                .filter(|it| it.label == it.predicted)
                .map(|it| it.count)
                .sum();
            assert_eq!((total, Some(correct as f64 / 360.0)), (360, run.result("test_accuracy")));
        }
        assert!(reader.integrity_issues().is_empty());
    }
}

#[test]
fn candles_threads_do_not_change_the_bits() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    let digest = |results: &str, threads: &str| {
        let arguments = ["small.toml", "-q", "--engine", "autograd", "-r", results];
        let output = folder.command().env("RAYON_NUM_THREADS", threads).args(arguments).output();
        assert!(output.unwrap().status.success());
        measured(&folder, results)
    };
    assert_eq!(digest("one", "1"), digest("five", "5"));
}

#[test]
fn trials_that_differ_only_in_epochs_are_one_training_and_as_if_alone() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    for engine in ["fused", "autograd"] {
        let (together, apart) = (format!("{engine}-together"), format!("{engine}-apart"));
        let without_epochs = ["small.toml", "-q", "--engine", engine];
        let text = SMALL.replace(", epochs = 2", "");
        folder.write("small.toml", &text);
        folder.run(
            &[&without_epochs[..], &["-r", &together, "--set", "sweep.epochs=[3, 1, 2]"]].concat(),
        );
        for epochs in ["2", "3", "1"] {
            let one = format!("train.epochs={epochs}");
            folder.run(&[&without_epochs[..], &["-r", &apart, "--set", &one]].concat());
        }
        assert_eq!(measured(&folder, &together), measured(&folder, &apart), "{engine}");

        let store = Connection::open(folder.path(&together).join("tracking.db")).unwrap();
        let count = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(
            count("SELECT count(*) FROM run_table WHERE shared_from IS NULL AND epochs = 3"),
            4
        );
        let shared = "SELECT count(*) FROM run_table AS part JOIN run_table AS whole ON part.shared_from = whole.run
                      WHERE whole.epochs = 3 AND part.epochs < 3 AND part.seed = whole.seed
                      AND part.batch_size = whole.batch_size AND part.seconds > 0";
        assert_eq!(count(shared), 8);
        assert_eq!(count("SELECT count(*) FROM metrics"), 4 * (1 + 2 + 3) * 8);
    }
}

#[test]
fn a_plan_shows_the_steps_that_are_shared() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL.replace(", epochs = 2", ""));
    let plan = folder.run(&[
        "small.toml",
        "--plan",
        "--set",
        "sweep.epochs=[1, 4]",
        "--set",
        "sweep.batch_size=[100]",
    ]);
    // 1,150 training examples, 12 batches; two seeds: 8 epochs of 10 are trained.
    assert!(plan.contains("4 trials, 0 have their result; 96 steps to go (24 saved:"), "{plan}");
}

#[test]
fn a_training_that_diverges_on_its_way_ends_every_trial_that_goes_as_far() {
    let folder = Folder::new();
    // One step a whole epoch: the first epoch is finite, a later one is not.
    let text = "name = 'steep'\ndata = { dataset = 'digits' }\n\
                train = { batch_size = 1437, learning_rate = 1e38 }\nsweep = { epochs = [1, 2, 5] }\n";
    folder.write("steep.toml", text);
    folder.run(&["steep.toml", "-q", "-r", "together"]);
    for epochs in ["1", "2", "5"] {
        folder.run(&[
            "steep.toml",
            "-q",
            "-r",
            "apart",
            "--set",
            &format!("sweep.epochs=[{epochs}]"),
        ]);
    }
    let runs = |results: &str| {
        common::without_columns(
            &folder.read(&format!("{results}/steep/runs.csv")),
            &["run", "seconds", "started_at"],
        )
    };
    assert_eq!(runs("together"), runs("apart"));
    assert!(runs("together").iter().any(|row| row[1] == "diverged"));
}

#[test]
fn batches_of_one_and_of_everything_are_trained() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    let table = folder.run(&[
        "small.toml",
        "--set",
        "sweep.batch_size=[1, 1150]",
        "--set",
        "train.epochs=1",
    ]);
    assert!(table.contains("Best 4 of 4"), "{table}");
}

#[test]
fn the_fused_engine_says_that_it_computes_on_the_cpu() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    let error = folder.run_fails(&["small.toml", "--engine", "fused", "--device", "cuda"], 2);
    assert!(error.contains("--device cpu") && !folder.exists("results"), "{error}");
}

#[test]
fn a_second_call_does_nothing_and_says_so() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder.run(&["small.toml"]);
    let before = folder.read("results/small/runs.csv");
    let again = folder.output(&["small.toml"]);
    assert!(String::from_utf8(again.stderr).unwrap().contains("nothing to run"));
    assert_eq!(folder.read("results/small/runs.csv"), before);

    folder.run(&["small.toml", "--rerun", "-q"]);
    assert_ne!(folder.read("results/small/runs.csv"), before);
    let store = Connection::open(folder.path("results/tracking.db")).unwrap();
    assert_eq!(
        store.query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0)).unwrap(),
        8
    );
}

#[test]
fn a_wider_sweep_runs_only_what_is_missing() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder.run(&["small.toml", "-q"]);
    let plan = folder.run(&["small.toml", "--plan", "--set", "sweep.seed=[0,1,2]"]);
    assert_eq!((plan.matches("done").count(), plan.matches("to run").count()), (4, 2), "{plan}");
    let output = folder.output(&["small.toml", "--set", "sweep.seed=[0,1,2]"]);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("2 of 6 trials to run, 4 have their result")
    );
}

#[test]
fn a_plan_writes_nothing_and_keeps_the_order_of_the_file() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    let plan = folder.run(&["small.toml", "--plan"]);
    let rows: Vec<Vec<&str>> = plan.lines().map(|line| line.split_whitespace().collect()).collect();
    let batches: Vec<&str> =
        rows.iter().filter(|row| row.last() == Some(&"run")).map(|row| row[1]).collect();
    assert_eq!(batches, ["64", "64", "16", "16"], "{plan}");
    assert!(plan.contains("4 trials") && !folder.exists("results"));
}

#[test]
fn divergence_is_a_result_and_the_sweep_goes_on() {
    let folder = Folder::new();
    folder.write(
        "small.toml",
        SMALL.replace("learning_rate = 0.5, ", "") + "learning_rate = [1e38, 0.5]\n",
    );
    let table = folder.run(&["small.toml"]);
    assert!(table.contains("4 diverged"), "{table}");
    let runs = folder.read("results/small/runs.csv");
    let diverged: Vec<_> = common::without_columns(&runs, &[])
        .into_iter()
        .filter(|row| row[2] == "diverged")
        .collect();
    assert_eq!(diverged.len(), 4);
    assert!(diverged.iter().all(|row| row[11..15].iter().all(String::is_empty)), "{diverged:?}");
    let store = Connection::open(folder.path("results/tracking.db")).unwrap();
    let sql = "SELECT count(*) FROM examples JOIN runs ON id = run_id WHERE status = 'finished'";
    assert_eq!(store.query_row(sql, [], |row| row.get(0)), Ok(4));
    assert_eq!(
        store.query_row("SELECT count(*) FROM examples", [], |row| row.get(0)),
        Ok(4),
        "no others"
    );
    let sql = "SELECT error FROM runs WHERE status = 'diverged'";
    let error: String = store.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(error.contains("epoch 1, at step"), "{error}");
    assert!(
        String::from_utf8(folder.output(&["small.toml"]).stderr)
            .unwrap()
            .contains("nothing to run")
    );
}

#[test]
fn predict_shows_probabilities_beside_the_label() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder.run(&["small.toml", "-q"]);
    let runs = folder.read("results/small/runs.csv");
    let trial = runs.lines().nth(1).unwrap().split(',').nth(1).unwrap().to_owned();
    let shown = folder.run(&["predict", "--trial", &trial[..12], "--index", "0"]);
    let probabilities: Vec<f64> = shown
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.parse().ok())
        .filter(|p| *p <= 1.0)
        .collect();
    assert_eq!(probabilities.len(), 10, "{shown}");
    assert!(
        (probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5 && shown.contains("true label"),
        "{shown}"
    );
    assert!(
        folder.run_fails(&["predict", "--trial", &trial, "--index", "360"], 2).contains("0 to 359")
    );
    assert!(
        folder
            .run_fails(&["predict", "--trial", "ffffffffffffffff", "--index", "0"], 2)
            .contains("begins with")
    );
}

#[test]
fn without_a_network_the_fallback_is_used_and_every_record_says_so() {
    let folder = Folder::new();
    let text =
        SMALL.replace("dataset = \"digits\"", "dataset = \"mnist\", offline_fallback = \"digits\"");
    folder.write("small.toml", text);
    let output = folder.output(&["small.toml", "--offline"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("warning: mnist cannot be had") && said.contains("using digits in its place"),
        "{said}"
    );
    let store = Connection::open(folder.path("results/tracking.db")).unwrap();
    let sql = "SELECT count(*) FROM runs WHERE dataset = 'digits' AND fallback_for = 'mnist'";
    assert_eq!(store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 4);
}

#[test]
fn without_a_fallback_nothing_runs() {
    let folder = Folder::new();
    folder.write("small.toml", SMALL.replace("dataset = \"digits\"", "dataset = \"mnist\""));
    assert!(folder.run_fails(&["small.toml", "--offline"], 2).contains("mnist"));
    assert!(!folder.exists("results"));
}

#[test]
fn a_folder_of_other_shape_and_classes_is_trained_on() {
    let folder = Folder::new();
    folder.write_dataset("=set");
    folder.write(
        "own.toml",
        "name = \"own\"\ndata = { dataset = \"=set\" }\ntrain = { batch_size = 4, learning_rate = 0.5 }\n",
    );
    folder.run(&["own.toml"]);
    let runs = folder.read("results/own/runs.csv");
    // A spreadsheet would take a cell that begins with = for a formula.
    assert!(runs.lines().nth(1).unwrap().contains(",'=set,"), "{runs}");
    assert!(runs.contains(",1.0,"), "three rows of light are learnt: {runs}");

    folder.write("=set/train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
    assert!(folder.run_fails(&["own.toml"], 2).contains("30"));
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_and_the_same_command_goes_on() {
    use std::process::{Command, Stdio};
    let folder = Folder::new();
    folder.write("long.toml", SMALL.replace("epochs = 2", "epochs = 200000"));
    let program = assert_cmd::cargo::cargo_bin!("runner");
    let mut child = Command::new(program)
        .current_dir(folder.path(""))
        .args(["long.toml", "-j", "1"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(75));
    folder.run(&["long.toml", "-q", "--set", "train.epochs=1"]);
}
