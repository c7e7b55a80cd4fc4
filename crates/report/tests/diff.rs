//! `report diff`: differences between two runs and between two sets of runs.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;
mod stores;

use std::time::Instant;

use command::Test;
use insta::assert_snapshot;
use stores::plausible;
use tempfile::TempDir;
use tracking::{Experiment, Invocation, Run, RunId, Status, Store, Value};

const COMMITS: [&str; 2] =
    ["c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", "facade00facade00facade00facade00facade00"];

/// A results folder and the ids of its runs.
struct Runs {
    folder: TempDir,
    ids: Vec<RunId>,
}

impl Runs {
    /// Runs the sweep at two commits: `trials` trials, two seeds per batch size. `change` makes the
    /// difference at the second commit.
    fn at_two_commits(trials: i64, change: impl Fn(&mut Run)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut ids = Vec::new();
        for commit in COMMITS {
            let invocation = Invocation {
                jobs: 1,
                git_commit: Some(commit.into()),
                cpu: "\u{1b}[2Jcpu".into(),
                ..Invocation::default()
            };
            let invocation = store.begin(&experiment("sweep"), &invocation).unwrap();
            for index in 0..trials {
                let mut run = plausible("sweep", 16 * (1 + index / 2), 0.0, index % 2);
                if commit == COMMITS[1] {
                    change(&mut run);
                }
                ids.push(store.record(invocation, &run).unwrap());
            }
        }
        Self { folder, ids }
    }

    fn test(&self, left: &str, right: &str) -> Test {
        Test::new(self.folder.path()).args(&["diff", left, right])
    }

    /// The output of `diff`. The random ids of runs become `run-000001`, and so on.
    fn diff(&self, left: &str, right: &str) -> String {
        let mut out = self.test(left, right).success();
        for line in out.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        for (index, id) in self.ids.iter().enumerate() {
            let name = format!("run-{index:06}");
            out = out.replace(id.as_str(), &name).replace(&id.as_str()[..10], &name);
        }
        out
    }
}

fn experiment(name: &str) -> Experiment {
    Experiment { name: name.into(), description: "Batch sizes".into() }
}

fn add_to_result(run: &mut Run, name: &str, amount: f64) {
    run.results.iter_mut().find(|(known, _)| known == name).unwrap().1 += amount;
}

fn seed(run: &Run) -> Value {
    run.params.iter().find(|(name, _)| name == "seed").unwrap().1.clone()
}

#[test]
fn runs_show_only_what_differs() {
    let runs = Runs::at_two_commits(4, |_| {});
    let out = runs.diff(runs.ids[0].as_str(), runs.ids[3].as_str());
    assert_snapshot!(out, @r"
    run run-000000 and run run-000003

                                      left                 right   difference
      batch_size                        16                    32
      seed                               0                     1
      test accuracy     0.9297420425709062    0.9228492965775744    -0.006893
      test loss         0.3202579574290938    0.3271507034224256    +0.006893
      train accuracy    0.9327420425709062    0.9258492965775744    -0.006893
      train loss       0.27025795742909375   0.27715070342242554    +0.006893

      first differing epoch: 1, accuracy 0.8797420425709062 and 0.8748492965775744
    ");
}

#[test]
fn equal_runs_have_no_differences() {
    let runs = Runs::at_two_commits(1, |_| {});
    let out = runs.diff(runs.ids[0].as_str(), runs.ids[0].as_str());
    assert_snapshot!(out, @r"
    run run-000000 and run run-000000

      no differences except start time and duration
    ");
}

/// Six batch sizes with two seeds give two independent differences, 0.00101 and 0.001. The t of the
/// paired test is 201 with one degree of freedom.
#[test]
fn experiment_is_compared_at_two_commits() {
    let runs = Runs::at_two_commits(12, |run| {
        run.engine = "autograd".into();
        let of_seed = if seed(run) == Value::from(0) { 1e-5 } else { 0.0 };
        add_to_result(run, "test_accuracy", 0.001 + of_seed);
    });
    assert_snapshot!(runs.diff("sweep@c0ff", "sweep@FACADE"), @r"
    left   sweep@c0ffee00c0ff · 12 trials, 12 finished
    right  sweep@facade00faca · 12 trials, 12 finished

                                         left                            right   difference
      engine                            fused                         autograd
      commit   c0ffee00c0ffee00c0ffee00c0ffe…   facade00facade00facade00facad…

    12 trials match · 0 only left, 0 only right

                            seeds        left       right   difference        95 % interval       p
      validation accuracy       2     92.23 %     92.23 %            0                    —    1.00
      validation loss           2       0.328       0.328            0               [0, 0]    1.00
      test accuracy             2   92.2256 %   92.3261 %      +0.1005   [+0.0941, +0.1069]   0.003
      test loss                 2       0.328       0.328            0               [0, 0]    1.00
      train accuracy            2     92.53 %     92.53 %            0                    —    1.00
      train loss                2       0.278       0.278            0               [0, 0]    1.00
      time                      2      0.30 s      0.30 s            0               [0, 0]    1.00
      left out to fit 100 columns: same bits, pairs; a wider terminal or COLUMNS=200 shows them
      difference: right minus left, mean over seeds; accuracies in points; p: paired t-test over seeds,
      each metric tested alone

    right is better by 0.1005 points of test accuracy [0.0941, 0.1069] (p 0.003)

    largest differences in test accuracy: 10 of 12
        left run    right run   batch_size   seed        left       right   difference
      run-000000   run-000012           16      0   92.9742 %   93.0752 %      +0.1010
      run-000010   run-000022           96      0   91.9914 %   92.0924 %      +0.1010
      run-000008   run-000020           80      0   92.0995 %   92.2005 %      +0.1010
      run-000004   run-000016           48      0   92.3882 %   92.4892 %      +0.1010
      run-000006   run-000018           64      0   92.1637 %   92.2647 %      +0.1010
      run-000002   run-000014           32      0   92.6264 %   92.7274 %      +0.1010
      run-000011   run-000023           96      1   91.6275 %   91.7275 %      +0.1000
      run-000009   run-000021           80      1   91.7335 %   91.8335 %      +0.1000
      run-000005   run-000017           48      1   92.0413 %   92.1413 %      +0.1000
      run-000003   run-000015           32      1   92.2849 %   92.3849 %      +0.1000
    ");
}

#[test]
fn newest_runs_of_an_experiment_are_compared() {
    let runs = Runs::at_two_commits(12, |run| {
        let of_seed = if seed(run) == Value::from(0) { 1e-5 } else { 0.0 };
        add_to_result(run, "test_accuracy", 0.001 + of_seed);
    });
    let out = runs.diff("sweep", "sweep@c0ffee");
    let conclusion =
        "\nleft is better by 0.1005 points of test accuracy [0.0941, 0.1069] (p 0.003)\n";
    assert!(out.contains(conclusion), "{out}");
}

#[test]
fn equal_results_are_equal_bit_for_bit() {
    let runs = Runs::at_two_commits(6, |run| add_to_result(run, "seconds", 1.0));
    let out = runs.diff("sweep@c0ffee", "sweep@facade");
    assert!(out.ends_with("\nall 6 pairs are equal, bit for bit\n"), "{out}");
    let out = runs.diff(runs.ids[0].as_str(), "sweep");
    assert!(out.contains("\n1 trial matches · 0 only left, 5 only right\n"), "{out}");
    assert!(out.ends_with("\nthe only pair is equal, bit for bit\n"), "{out}");
}

#[test]
fn long_texts_and_tiny_differences_fit_the_columns() {
    let long = format!("{}\u{1b}[31m\n", "x".repeat(200));
    let runs = Runs::at_two_commits(24, |run| {
        let of_seed = if seed(run) == Value::from(0) { 1.5e-9 } else { -2e-9 };
        add_to_result(run, "test_accuracy", of_seed);
        run.engine = long.clone();
        run.params.push((long.clone(), 1.into()));
        run.results.push((long.clone(), f64::MAX));
        if run.params[2].1 == Value::from(16 * 12) {
            run.status = Status::Diverged;
        }
    });
    assert_snapshot!(runs.diff("sweep@c0", "sweep@fa"), @r"
    left   sweep@c0ffee00c0ff · 24 trials, 24 finished
    right  sweep@facade00faca · 24 trials, 22 finished

                                         left                            right   difference
      engine                            fused   xxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      commit   c0ffee00c0ffee00c0ffee00c0ffe…   facade00facade00facade00facad…

    24 trials match · 0 only left, 0 only right
    2 pairs excluded: not finished on both sides
    hyperparameters only on the right, ignored by the match:
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    metrics only on the right: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…

                            seeds        left       right   difference        95 % interval      p
      validation accuracy       2     91.95 %     91.95 %            0                    —   1.00
      validation loss           2       0.331       0.331            0               [0, 0]   1.00
      test accuracy             2   91.9458 %   91.9458 %      -2.5e-8   [-2.2e-6, +2.2e-6]   0.91
      test loss                 2       0.331       0.331            0               [0, 0]   1.00
      train accuracy            2     92.25 %     92.25 %            0                    —   1.00
      train loss                2       0.281       0.281            0               [0, 0]   1.00
      time                      2      0.28 s      0.28 s            0               [0, 0]   1.00
      left out to fit 100 columns: same bits, pairs; a wider terminal or COLUMNS=200 shows them
      difference: right minus left, mean over seeds; accuracies in points; p: paired t-test over seeds,
      each metric tested alone

    no significant difference in test accuracy (p 0.91)

    largest differences in test accuracy: 10 of 22
        left run    right run   batch_size   seed        left       right   difference
      run-000011   run-000035           96      1   91.6275 %   91.6275 %      -2.0e-7
      run-000015   run-000039          128      1   91.5795 %   91.5795 %      -2.0e-7
      run-000013   run-000037          112      1   91.6226 %   91.6226 %      -2.0e-7
      run-000009   run-000033           80      1   91.7335 %   91.7335 %      -2.0e-7
      run-000005   run-000029           48      1   92.0413 %   92.0413 %      -2.0e-7
      run-000003   run-000027           32      1   92.2849 %   92.2849 %      -2.0e-7
      run-000017   run-000041          144      1   91.5179 %   91.5179 %      -2.0e-7
      run-000001   run-000025           16      1   92.7872 %   92.7872 %      -2.0e-7
      run-000019   run-000043          160      1   91.3599 %   91.3599 %      -2.0e-7
      run-000021   run-000045          176      1   91.3935 %   91.3935 %      -2.0e-7
    ");
}

#[test]
fn unknown_operand_suggests_nearest() {
    let runs = Runs::at_two_commits(2, |_| {});
    let mut store = Store::open(runs.folder.path()).unwrap();
    store.begin(&experiment("c0ffee"), &Invocation::default()).unwrap();
    let newer = Invocation { git_commit: Some("facade0f".into()), ..Invocation::default() };
    let newer = store.begin(&experiment("sweep"), &newer).unwrap();
    store.record(newer, &plausible("sweep", 7, 0.0, 7)).unwrap();
    drop(store);
    let commits = "facade0f (1 run), facade00faca (2 runs)";
    let results = runs.folder.path().display();
    let not_found = |text: &str| {
        format!(
            "no run or trial id starts with '{text}' in {results}, and no experiment has that name: "
        )
    };
    let expected = "expected an id, an experiment (one of c0ffee, sweep), EXPERIMENT@VERSION, \
                    EXPERIMENT:CONDITION, or a results folder";
    for (operand, error) in [
        ("swep", format!("{}{expected}; did you mean 'sweep'?", not_found("swep"))),
        ("\u{1b}[2J", format!("{}{expected}", not_found("\\u{1b}[2J"))),
        ("facade00", format!("{}did you mean 'sweep@facade00'?", not_found("facade00"))),
        (
            "swep@c0ffee",
            "unknown experiment 'swep': expected one of c0ffee, sweep; did you mean 'sweep'?"
                .into(),
        ),
        (
            "sweep@dead",
            format!(
                "no commit of 'sweep' starts with 'dead': expected one of {commits}, c0ffee00c0ff (2 runs)"
            ),
        ),
        (
            "sweep@",
            format!(
                "no commit of 'sweep' starts with '': expected one of {commits}, c0ffee00c0ff (2 runs)"
            ),
        ),
        ("sweep@facade0", format!("several commits of 'sweep' start with 'facade0': {commits}")),
        ("c0ffee@1", "no run of 'c0ffee' has a known commit or program".into()),
    ] {
        runs.test(operand, "sweep").stderr(&format!("error: {error}\n")).failure();
    }
}

#[test]
fn validation_that_is_not_stated_is_no_difference() {
    let runs = Runs::at_two_commits(2, |run| run.validation = "".into());
    let [left, right] = [&runs.ids[0], &runs.ids[2]].map(|id| id.as_str());
    for (left, right) in [(left, right), ("sweep@c0ffee0", "sweep@facade0")] {
        let text = runs.diff(left, right);
        assert!(!text.contains("validation  "), "{text}");
    }
}

#[test]
fn experiment_name_takes_precedence_over_an_id() {
    let runs = Runs::at_two_commits(2, |_| {});
    let mut store = Store::open(runs.folder.path()).unwrap();
    store.begin(&experiment("c0ffee"), &Invocation::default()).unwrap();
    drop(store);
    assert_snapshot!(runs.diff("c0ffee", "sweep"), @r"
    left   c0ffee · 0 trials, 0 finished
    right  sweep · 2 trials, 2 finished

                       left                            right   difference
      dataset             —                            mnist
      dataset sha256      —                           c0ffee
      validation          —                             test
      engine              —                            fused
      device              —                              cpu
      commit              —   facade00facade00facade00facad…
      processor           —                     \u{1b}[2Jcpu
      jobs                —                                1

    0 trials match · 0 only left, 2 only right
    hyperparameters only on the right, ignored by the match: learning_rate, decay, batch_size, seed
    metrics only on the right: validation accuracy, validation loss, test accuracy, test loss, train
    accuracy, train loss, time

    no conclusion: no trial finished on both sides with a common metric
    ");
}

#[test]
fn json_has_all_numbers() {
    let runs = Runs::at_two_commits(4, |run| {
        let of_seed = if seed(run) == Value::from(0) { 1e-5 } else { 0.0 };
        add_to_result(run, "test_accuracy", 0.001 + of_seed);
    });
    let out = runs.test("sweep@c0ffee", "sweep@facade").args(&["--format", "json"]).success();
    let mut json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let metrics = json["metrics"].take();
    assert_snapshot!(format!("{json:#}"), @r#"
    {
      "ambiguous": [
        0,
        0
      ],
      "compared": {},
      "conclusion": "right is better by 0.1005 points of test accuracy [0.0941, 0.1069] (p 0.003)",
      "confidence": 0.95,
      "left": {
        "finished": 4,
        "name": "sweep@c0ffee00c0ff",
        "trials": 4
      },
      "matched": 4,
      "metrics": null,
      "only_left": 0,
      "only_right": 0,
      "raced": false,
      "ranked_by": "test_accuracy",
      "replicate": "seed",
      "right": {
        "finished": 4,
        "name": "sweep@facade00faca",
        "trials": 4
      },
      "same": 0,
      "unfinished": 0
    }
    "#);
    assert_snapshot!(format!("{:#}", metrics["test_accuracy"]), @r#"
    {
      "difference": 0.0010049999999999781,
      "direction": "maximize",
      "interval": [
        0.0009414689763193938,
        0.0010685310236805625
      ],
      "left": 0.9266816005354948,
      "p": 0.0031672364175837245,
      "pairs": 4,
      "right": 0.9276866005354947,
      "same_bits": 0,
      "seeds": 2,
      "verdict": "right"
    }
    "#);
}

/// Run with `cargo test -p report --release --test diff -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_runs_per_side() {
    let runs = Runs::at_two_commits(10_000, |run| add_to_result(run, "test_accuracy", 0.001));
    let begun = Instant::now();
    runs.test("sweep@c0ffee", "sweep@facade").success();
    println!("diff of 10,000 runs per side: {:?}", begun.elapsed());
}
