#![allow(clippy::unwrap_used)]

use analysis::runs::MeasuredRun;
use tracking::metric::Rules;
use tracking::{Run, Status};

use super::conclusion::Conclusion;
use super::metric::BetterSide;
use super::sets::PairedSets;
use crate::comparison::CompareOptions;
use crate::example::{Example, ended, run};

const LEFT: [f64; 5] = [0.9141, 0.9137, 0.9145, 0.9150, 0.9129];

fn paired<'a>(left: &'a [MeasuredRun], right: &'a [MeasuredRun]) -> PairedSets<'a> {
    PairedSets::new([left, right], &Rules::default(), None, None)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs()
}

/// One run per seed with these accuracies.
fn seeds(accuracies: &[f64]) -> Vec<Run> {
    let run = |(seed, accuracy): (i64, &f64)| run("sweep", &[("seed", seed.into())], *accuracy);
    (0..).zip(accuracies).map(run).collect()
}

fn measured(runs: Vec<Run>) -> Vec<MeasuredRun> {
    let mut example = Example::new("sweep", "");
    for run in runs {
        example.record(run);
    }
    example.runs(&CompareOptions::default())
}

/// `pvalue` and `confidence_interval(0.95)` of `scipy.stats.ttest_rel(right, left)`.
#[test]
fn paired_t_test_equals_scipy() {
    let left = measured(seeds(&LEFT));
    let right = measured(seeds(&[0.9085, 0.9102, 0.9079, 0.9080, 0.9101]));
    let forward = paired(&left, &right);
    let Conclusion::Significant(accuracy) = forward.conclusion() else {
        unreachable!("{forward:?}")
    };
    assert_eq!(accuracy.metric.name, "test_accuracy");
    assert_eq!(accuracy.better_side(), BetterSide::Left);
    assert_eq!((accuracy.pairs, accuracy.difference.n), (5, 5));
    assert!(close(accuracy.difference.mean, -0.0051));
    assert!(close(accuracy.difference.p().unwrap(), 0.0036443501879664113));
    let interval = accuracy.difference.interval().unwrap();
    assert!(close(interval.low, -0.007419619775023343), "{interval:?}");
    assert!(close(interval.high, -0.002780380224976644), "{interval:?}");
    let loss = forward.metrics.iter().find(|metric| metric.metric.name == "test_loss").unwrap();
    assert_eq!(loss.better_side(), BetterSide::Left, "a lower loss is better");
    let backward = paired(&right, &left);
    assert_eq!(backward.ranking().unwrap().better_side(), BetterSide::Right);
}

#[test]
fn chance_difference_is_undecided() {
    let left = measured(seeds(&LEFT));
    let right = measured(seeds(&[0.9143, 0.9133, 0.9141, 0.9152, 0.9121]));
    let paired = paired(&left, &right);
    let Conclusion::NotSignificant(accuracy) = paired.conclusion() else {
        unreachable!("{paired:?}")
    };
    assert!(close(accuracy.difference.p().unwrap(), 0.2835110642276383));
    assert_eq!(accuracy.better_side(), BetterSide::Undecided);
    let differences = paired.largest_differences();
    let differences: Vec<f64> =
        differences.iter().map(|(_, difference)| (difference * 1e4).round()).collect();
    assert_eq!((differences.len(), differences[0]), (5, -8.0));
    assert!(differences.is_sorted_by(|a, b| a.abs() >= b.abs()), "{differences:?}");
}

/// Seven settings of one seed give one independent difference, not seven.
#[test]
fn pairs_of_one_seed_give_one_difference() {
    let grid = |shift: &dyn Fn(i64, i64) -> f64, seeds: i64| {
        let cells = (0..seeds).flat_map(|seed| (0..7).map(move |batch| (seed, batch)));
        let run = |(seed, batch): (i64, i64)| {
            let params = [("batch", batch.into()), ("seed", seed.into())];
            run("sweep", &params, 0.9 + shift(seed, batch))
        };
        measured(cells.map(run).collect())
    };
    let real = |number: i64| f64::from(i32::try_from(number).unwrap());
    let left = grid(&|_, _| 0.0, 1);
    let right = grid(&|_, batch| 0.01 + 0.001 * real(batch), 1);
    let one_seed = paired(&left, &right);
    let Conclusion::Untested(accuracy) = one_seed.conclusion() else {
        unreachable!("{one_seed:?}")
    };
    assert_eq!((accuracy.pairs, accuracy.difference.n), (7, 1));

    let left = grid(&|_, _| 0.0, 3);
    let right = grid(&|seed, batch| 0.001 * real(seed + batch), 3);
    let three_seeds = paired(&left, &right);
    let accuracy = three_seeds.ranking().unwrap();
    assert_eq!((accuracy.pairs, accuracy.difference.n), (21, 3));
    assert_eq!(three_seeds.replicate, Some("seed"));
    assert!(close(accuracy.difference.mean, 0.004), "{accuracy:?}");
}

#[test]
fn duration_does_not_make_results_differ() {
    let (left, mut right) = (seeds(&LEFT), seeds(&LEFT));
    right[0].results.retain(|(name, _)| name != "seconds");
    right[0].results.push(("seconds".into(), 7.0));
    let (left, slower) = (measured(left), measured(right.clone()));
    let equal = paired(&left, &slower);
    assert_eq!((equal.conclusion(), equal.equal), (Conclusion::Equal, 5));
    assert!(equal.largest_differences().is_empty());

    right[0].results.retain(|(name, _)| name != "train_loss");
    right[0].results.push(("train_loss".into(), 0.5));
    let other_loss = measured(right);
    let different = paired(&left, &other_loss);
    let Conclusion::EqualRanking(accuracy) = different.conclusion() else {
        unreachable!("{different:?}")
    };
    assert_eq!((accuracy.metric.name.as_str(), different.equal), ("test_accuracy", 4));
}

#[test]
fn one_pair_or_none_is_not_tested() {
    let (one, other) = (measured(seeds(&LEFT[..1])), measured(seeds(&LEFT[1..2])));
    assert!(matches!(paired(&one, &other).conclusion(), Conclusion::Untested(_)));
    assert_eq!(paired(&one, &[]).conclusion(), Conclusion::NoRanking);
    assert_eq!(paired(&one, &[]).unmatched, [1, 0]);
    assert_eq!(paired(&[], &other).unmatched, [0, 1]);
}

#[test]
fn unmatched_and_ambiguous_runs_are_counted() {
    let run_of = |momentum: f64, seed: i64| {
        run("sweep", &[("seed", seed.into()), ("momentum", momentum.into())], 0.9)
    };
    let left = measured(seeds(&LEFT[..4]));
    // Seed 0 finished only on the left, seed 1 occurs twice, seed 2 is a real number, seed 9 is new.
    let real_seed = run("sweep", &[("seed", 2.0.into())], 0.9);
    let right = measured(vec![
        ended(Status::Diverged, run_of(0.9, 0)),
        run_of(0.0, 1),
        run_of(0.9, 1),
        real_seed,
        run_of(0.9, 9),
    ]);
    let sets = paired(&left, &right);
    assert_eq!((sets.unmatched, sets.ambiguous), ([1, 1], [1, 2]));
    assert_eq!((sets.unfinished.len(), sets.pairs.len()), (1, 1));
    assert_eq!(sets.one_sided_params, [vec![], vec!["momentum"]]);

    let first = seeds(&LEFT[..1]).remove(0);
    let other_data = measured(vec![first.with(|run| run.dataset_sha256 = "another".into())]);
    assert!(paired(&left, &other_data).pairs.is_empty(), "runs on different data do not match");
}

#[test]
fn infinite_differences_do_not_panic() {
    let huge = |sign: f64| {
        let mut runs = seeds(&LEFT);
        for run in &mut runs {
            run.results = vec![("test_loss".into(), sign * 1e308)];
        }
        measured(runs)
    };
    let (left, right) = (huge(1.0), huge(-1.0));
    assert_eq!(paired(&left, &right).ranked_by.as_deref(), Some("val_accuracy"));
}

#[test]
fn constant_hyperparameters_are_compared_and_not_matched() {
    let side = |rate: f64, width: i64, seeds: std::ops::Range<i64>| {
        let runs = seeds.map(|seed| {
            let params = [("rate", rate.into()), ("width", width.into()), ("seed", seed.into())];
            run("sweep", &params, 0.9)
        });
        runs.collect::<Vec<_>>()
    };
    let left = measured(side(0.1, 8, 0..3));
    let right = measured(side(0.2, 8, 0..3));
    let sets = paired(&left, &right);
    let [rate] = sets.compared.as_slice() else { unreachable!("{sets:?}") };
    assert_eq!(
        (rate.name, rate.values.map(ToString::to_string)),
        ("rate", ["0.1", "0.2"].map(str::to_owned))
    );
    assert_eq!((sets.pairs.len(), sets.params), (3, vec!["width", "seed"]));

    let several = measured([side(0.2, 8, 0..3), side(0.3, 8, 0..3)].concat());
    let sets = paired(&left, &several);
    assert!(sets.compared.is_empty() && sets.pairs.is_empty(), "one side has two rates");
    assert_eq!(sets.disjoint_params, ["rate"]);

    let (first, second) = (measured(side(0.1, 8, 0..1)), measured(side(0.1, 8, 1..2)));
    let sets = paired(&first, &second);
    assert!(sets.compared.is_empty() && sets.pairs.is_empty(), "runs of two seeds are no pair");
}
