//! Comparisons of small stores with known answers.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::example::{self, Example, run};
use crate::narrative;
use tracking::{Run, SplitSizes};

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

fn compared(example: &Example) -> Comparison {
    example.comparisons(&CompareOptions::default()).remove(0)
}

fn batches(comparison: &Comparison) -> Vec<String> {
    comparison.settings.iter().map(|it| it.values[0].clone().unwrap().to_string()).collect()
}

/// Accuracies by batch size and seed.
fn settings(of: &[(i64, &[(i64, f64)])], change: impl Fn(Run) -> Run) -> Comparison {
    let mut example = Example::new("settings", "");
    for (batch, runs) in of {
        for (seed, accuracy) in *runs {
            let params = [("batch_size", Value::Integer(*batch)), ("seed", Value::Integer(*seed))];
            example.record(change(run("settings", &params, *accuracy)));
        }
    }
    compared(&example)
}

#[test]
fn settings_are_ranked_and_those_without_result_are_last() {
    let comparison = compared(&example::sweep());
    assert_eq!(batches(&comparison), ["16", "64", "32", "512"]);
    assert_eq!(
        (comparison.keys.as_slice(), comparison.replicate.as_deref()),
        (&["batch_size".to_owned()][..], Some("seed"))
    );
    assert_eq!(comparison.settings[3].tally.diverged, 3);
    assert!(comparison.settings[3].metrics.is_empty(), "what diverged has no mean");
    assert_eq!(comparison.settings[1].n, 2, "one of three failed");
    assert!(!comparison.complete && comparison.connected);
}

#[test]
fn another_metric_ranks_by_its_own_best() {
    let options = CompareOptions { sort: Some("test_loss".into()), ..CompareOptions::default() };
    let comparison = example::sweep().comparisons(&options).remove(0);
    let losses: Vec<f64> = comparison.settings.iter().filter_map(|it| it.level).collect();
    assert!(losses.is_sorted() && losses[0] > 0.0, "{losses:?}");
    assert!(comparison.is_optimistic() && comparison.ranking().unwrap().is_minimized());
    assert!(comparison.settings[0].is_best);
}

/// The second setting ran on the lucky seeds only; on the common seeds it is worse.
#[test]
fn settings_on_different_seeds_are_not_ranked_by_raw_means() {
    let luck = |seed: i64| if seed < 4 { 0.95 } else { 0.80 };
    let first: Vec<(i64, f64)> = (0..10).map(|seed| (seed, luck(seed))).collect();
    let second: Vec<(i64, f64)> = (0..4)
        .map(|seed| (seed, luck(seed) - 0.01 - 1e-4 * [0.0, 1.0, 2.0, 1.0][seed as usize]))
        .collect();
    let comparison = settings(&[(16, &first), (20, &second)], |run| run);
    assert_eq!(batches(&comparison), ["16", "20"]);
    assert!(
        comparison.settings[0].metric("test_accuracy").unwrap().mean
            < comparison.settings[1].metric("test_accuracy").unwrap().mean
    );
    assert!(comparison.settings[0].is_best && !comparison.settings[1].standing.may_be_best);
    let said = narrative::answer(&comparison).join(" ");
    assert!(
        said.contains("The best is batch 16 (95 %)")
            && said.contains("ranked by a least-squares fit of setting + seed"),
        "{said}"
    );
}

#[test]
fn a_setting_with_one_seed_is_named_as_outside_the_promise() {
    let comparison = settings(
        &[
            (16, &[(0, 0.90), (1, 0.91), (2, 0.93)]),
            (32, &[(0, 0.80), (1, 0.82), (2, 0.82)]),
            (64, &[(0, 0.99)]),
        ],
        |run| run,
    );
    assert_eq!(batches(&comparison), ["16", "32", "64"], "it stands last");
    let standing = comparison.settings[2].standing;
    assert_eq!(
        (standing.compared, standing.may_be_best, standing.p_best, standing.distance),
        (false, false, None, None)
    );
    assert!(comparison.settings[0].is_best);
    let said = narrative::answer(&comparison).join(" ");
    assert!(
        said.contains(
            "Not compared (fewer than two seeds in common with any other setting): batch 64."
        ),
        "{said}"
    );
}

/// One run of three has a value: the mean is shown with n = 1.
#[test]
fn runs_without_the_metric_are_counted_and_reported() {
    let mut example = Example::new("lucky", "");
    for (batch, seed, accuracy) in [
        (16, 0, 0.95),
        (16, 1, f64::NAN),
        (16, 2, f64::NAN),
        (32, 0, 0.9),
        (32, 1, 0.91),
        (32, 2, 0.9),
    ] {
        let params = [("batch_size", Value::Integer(batch)), ("seed", Value::Integer(seed))];
        example.record(run("lucky", &params, accuracy));
    }
    let comparison = compared(&example);
    let lucky =
        comparison.settings.iter().find(|it| it.values[0] == Some(Value::Integer(16))).unwrap();
    assert_eq!((lucky.n, lucky.unmeasured, lucky.tally.finished), (1, 2, 3));
    assert_eq!(lucky.metric("test_accuracy").unwrap().n, 1);
    let table = crate::table::tables(vec![comparison], &crate::table::Layout::default()).remove(0);
    let text = crate::render::text::text(&[table], 200);
    assert!(text.contains("mean of 1 of 3 runs: 2 without test accuracy"), "{text}");
}

#[test]
fn an_impossible_test_is_skipped_with_its_reason() {
    type Runs<'a> = &'a [(i64, f64)];
    let cases: [(Runs<'_>, Runs<'_>, &str); 4] = [
        (&[(0, 0.91)], &[(0, 0.90)], "No setting has two seeds"),
        (
            &[(0, 0.91), (1, 0.92)],
            &[(2, 0.90), (3, 0.905)],
            "No two settings have two seeds in common",
        ),
        (
            &[(0, 0.91), (1, 0.92)],
            &[(1, 0.90), (2, 0.905)],
            "No two settings have two seeds in common",
        ),
        // Equal differences of three images on two seeds can be an accident.
        (
            &[(0, 0.91), (1, 0.92)],
            &[(0, 0.90), (1, 0.91)],
            "Each difference is the same on all seeds",
        ),
    ];
    for (first, second, why) in cases {
        let comparison = settings(&[(16, first), (32, second)], |run| run);
        assert_eq!((comparison.promise, comparison.compared()), (None, 0), "{why}");
        let sentence = narrative::verdict(&comparison).unwrap();
        assert!(sentence.starts_with("Nothing is tested") && sentence.contains(why), "{sentence}");
        assert!(
            comparison.settings[0].is_best,
            "the best mean is marked, and the legend says that it is not tested"
        );
    }
}

/// With a known size of the test set, equal differences have the spread of rounding, √(g² / 6).
#[test]
fn a_known_test_set_size_gives_equal_differences_a_spread() {
    let sized = |run: Run| Run {
        split_sizes: SplitSizes { test: Some(100), ..SplitSizes::default() },
        ..run
    };
    let comparison =
        settings(&[(16, &[(0, 0.91), (1, 0.92)]), (32, &[(0, 0.90), (1, 0.91)])], sized);
    assert_eq!((comparison.promise, comparison.compared()), (Some(Promise::BestIsAmong), 2));
    // 2 · scipy.stats.t.sf(0.01 / sqrt(0.01**2 / 6 / 2), 1)
    close(comparison.settings[1].standing.p_best.unwrap(), 0.17891237502206686);
}

/// Each setting beats the next on their two common seeds.
#[test]
fn a_cycle_names_no_best() {
    let comparison = settings(
        &[
            (1, &[(0, 0.9), (1, 0.9), (4, 0.5), (5, 0.5)]),
            (2, &[(0, 0.5), (1, 0.5), (2, 0.9), (3, 0.9)]),
            (3, &[(2, 0.5), (3, 0.5), (4, 0.9), (5, 0.9)]),
        ],
        |run| Run {
            split_sizes: SplitSizes { test: Some(1_000_000), ..SplitSizes::default() },
            ..run
        },
    );
    assert_eq!((comparison.promise, comparison.compared()), (None, 3));
    assert!(
        comparison.best().is_none()
            && comparison.settings.iter().all(|it| it.standing.distance.is_none())
    );
    let sentence = narrative::verdict(&comparison).unwrap();
    assert!(sentence.starts_with("No best can be named"), "{sentence}");
}

#[test]
fn validation_chooses_and_the_test_set_estimates() {
    let held_out = |run: Run| Run { validation: "0.1".into(), ..run };
    let comparison = settings(
        &[(16, &[(0, 0.90), (1, 0.91), (2, 0.93)]), (32, &[(0, 0.80), (1, 0.82), (2, 0.82)])],
        held_out,
    );
    assert_eq!(comparison.ranked_by.as_deref(), Some("val_accuracy"));
    assert_eq!(comparison.reported_by.as_deref(), Some("test_accuracy"));
    let said = narrative::answer(&comparison).join(" ");
    assert!(
        said.contains(
            "Validation accuracy chooses; the test accuracy of the choice, 91.33 %, estimates how good it is."
        ),
        "{said}"
    );
}

#[test]
fn grouping_by_fewer_keys_reports_what_is_averaged() {
    let options = CompareOptions { by: Some(vec!["seed".into()]), ..CompareOptions::default() };
    let comparison = example::sweep().comparisons(&options).remove(0);
    assert_eq!(
        (comparison.settings.len(), comparison.averaged.as_slice()),
        (3, &["batch_size".to_owned()][..])
    );
    assert_eq!(
        (comparison.replicate, comparison.promise),
        (None, None),
        "the seed is a key: nothing repeats a setting"
    );
}

/// Seven cells on three seeds give three independent differences.
#[test]
fn runs_of_one_seed_are_not_independent() {
    let mut example = Example::new("cells", "");
    for (depth, width, seed) in
        (0..2).flat_map(|a| (0..7).flat_map(move |b| (0..3).map(move |c| (a, b, c))))
    {
        let params = [("depth", depth.into()), ("width", width.into()), ("seed", seed.into())];
        let whole = |number: i64| f64::from(i32::try_from(number).unwrap());
        example.record(run(
            "cells",
            &params,
            0.5 + 0.01 * whole(depth * seed) + 0.001 * whole(width),
        ));
    }
    let options = CompareOptions { by: Some(vec!["depth".into()]), ..CompareOptions::default() };
    let comparison = example.comparisons(&options).remove(0);
    assert_eq!(comparison.settings.iter().map(|it| it.n).collect::<Vec<_>>(), [3, 3]);
    // 2 · scipy.stats.t.sf(0.01 / sqrt(0.01**2 / 3), 2), of the differences 0, 0.01 and 0.02.
    close(comparison.settings[1].standing.p_best.unwrap(), 0.22540333075851665);
}

#[test]
fn equal_digests_are_one_dataset_and_1_equals_1_0() {
    let mut example = Example::new("same", "");
    for (depth, dataset) in
        [(Value::Integer(1), "wine"), (Value::Real(1.0), "./wine"), (Value::Integer(2), "wine")]
    {
        for seed in 0..2 {
            let params = [("depth", depth.clone()), ("seed", Value::Integer(seed))];
            example.record(Run { dataset: dataset.into(), ..run("same", &params, 0.5) });
        }
    }
    let comparisons = example.comparisons(&CompareOptions::default());
    assert_eq!((comparisons.len(), comparisons[0].settings.len()), (1, 2));
    assert_eq!(comparisons[0].datasets, ["./wine", "wine"]);
    assert_eq!(
        (comparisons[0].settings[0].n, comparisons[0].settings[0].tally.total()),
        (2, 4),
        "two seeds, four runs"
    );
}

#[test]
fn the_replicate_is_the_seed_or_another_usual_name() {
    let folds = |names: &[&str]| {
        let mut example = Example::new("folds", "");
        for (depth, fold) in (1..3).flat_map(|depth| (0..3).map(move |fold| (depth, fold))) {
            let mut params = vec![("depth", Value::Integer(depth))];
            params.extend(
                names
                    .iter()
                    .map(|name| (*name, Value::Integer(if *name == "seed" { 7 } else { fold }))),
            );
            example.record(run("folds", &params, 0.5));
        }
        example
    };
    let replicate = |example: &Example, options: &CompareOptions| {
        example.comparisons(options).remove(0).replicate
    };
    let usual = CompareOptions::default();
    assert_eq!(replicate(&folds(&["fold"]), &usual).as_deref(), Some("fold"));
    assert_eq!(replicate(&folds(&["random_state"]), &usual).as_deref(), Some("random_state"));
    assert_eq!(
        replicate(&folds(&["seed", "fold"]), &usual).as_deref(),
        Some("fold"),
        "the seed does not vary"
    );
    let asked = CompareOptions { replicate: Some("draw".into()), ..CompareOptions::default() };
    assert_eq!(replicate(&folds(&["draw"]), &asked).as_deref(), Some("draw"));
    let declared = folds(&["draw"]);
    declared.declare(&Declarations { replicate: Some("draw".into()), ..Declarations::default() });
    assert_eq!(replicate(&declared, &usual).as_deref(), Some("draw"));
    let none = folds(&["draw"]).comparisons(&usual).remove(0);
    assert_eq!((none.replicate.as_deref(), none.keys.len(), none.promise), (None, 2, None));
    assert!(narrative::verdict(&none).unwrap().contains("No hyperparameter repeats a setting"));
}

/// `p.adjust(c(p1, p2), "holm")` in R, for the two paired t-tests.
#[test]
fn a_baseline_is_tested_with_holms_correction() {
    let mut example = Example::new("against", "");
    let table = [
        (16, [0.9141, 0.9137, 0.9145, 0.9150, 0.9129]),
        (32, [0.9120, 0.9131, 0.9122, 0.9149, 0.9111]),
        (64, [0.9085, 0.9102, 0.9079, 0.9080, 0.9101]),
    ];
    for (batch, accuracies) in table {
        for (seed, accuracy) in (0..).zip(accuracies) {
            example.record(run(
                "against",
                &[("batch_size", Value::Integer(batch)), ("seed", Value::Integer(seed))],
                accuracy,
            ));
        }
    }
    let against = |text: &str| CompareOptions {
        against: Some(Condition::parse(text).unwrap()),
        ..CompareOptions::default()
    };
    let comparison = example.comparisons(&against("batch_size=16")).remove(0);
    assert_eq!(comparison.promise, Some(Promise::Against(0)));
    assert!(comparison.best().is_none() && comparison.compared() == 0, "no promise about the best");
    let test = |place: usize| comparison.settings[place].difference.unwrap().test.unwrap();
    close(test(1).p, 0.033827067941416086);
    close(test(1).p_corrected, 0.033827067941416086);
    close(test(2).p_corrected, 2.0 * 0.0036443501879664113);
    close(test(2).interval.low, -0.007419619775023343);
    let said = narrative::verdict(&comparison).unwrap();
    assert_eq!(
        said,
        "Compared with batch 16 (95 % for all 2 settings together): none is shown to be better; worse: batch 32; batch 64."
    );
    let declarations = Declarations::default();
    let refused = |text: &str| {
        let runs = example.runs(&CompareOptions::default());
        let experiment = Experiment { name: "against".into(), description: String::new() };
        compare(&experiment, &declarations, &runs, &against(text)).unwrap_err().to_string()
    };
    assert!(refused("batch_size=17").contains("names no setting"));
    assert!(refused("batch_size>16").contains("names 2 settings, expected one"));
    assert!(refused("batchsize=16").contains("did you mean 'batch_size'?"));
}

#[test]
fn a_metric_of_unknown_direction_never_ranks() {
    let mut example = Example::new("foo", "");
    for (depth, seed) in (1..3).flat_map(|depth| (0..3).map(move |seed| (depth, seed))) {
        let mut run = run("foo", &[("depth", depth.into()), ("seed", seed.into())], 0.5);
        run.epochs.clear();
        run.results = vec![("babble".into(), f64::from(depth))];
        example.record(run);
    }
    let comparison = compared(&example);
    assert_eq!((&comparison.ranked_by, comparison.best()), (&None, None));
    assert_eq!(
        narrative::verdict(&comparison).unwrap(),
        "Direction of `babble` unknown: use --minimize babble or --maximize babble."
    );
    example.declare(&Declarations {
        directions: vec![("babble".into(), Direction::Minimize)],
        ..Declarations::default()
    });
    let comparison = compared(&example);
    assert_eq!(comparison.ranked_by.as_deref(), Some("babble"));
    assert_eq!(comparison.settings[0].values[0], Some(Value::Integer(1)));
}

#[test]
fn a_best_setting_at_the_edge_of_the_grid_is_reported() {
    let row = |base: f64| [0.0, 0.001, -0.0005].map(|noise| base + noise);
    let mut example = Example::new("edge", "");
    for (batch, base) in [(8, 0.9), (16, 0.8), (32, 0.7)] {
        for (seed, accuracy) in (0..).zip(row(base)) {
            // The metric depends on the seed and slightly on the batch size.
            let accuracy = accuracy + 1e-5 * f64::from(batch * (seed + 1));
            example.record(run(
                "edge",
                &[("batch_size", batch.into()), ("seed", seed.into())],
                accuracy,
            ));
        }
    }
    let said = narrative::answer(&compared(&example)).join(" ");
    assert!(
        said.contains("The best lies at the edge of the grid: extend `batch_size` below 8."),
        "{said}"
    );

    // The second may also be the best and lies inside the grid.
    let mut example = Example::new("edge", "");
    for (epochs, values) in
        [(1, [0.7, 0.702, 0.701]), (5, [0.89, 0.92, 0.9]), (9, [0.91, 0.9, 0.915])]
    {
        for (seed, accuracy) in (0..).zip(values) {
            example.record(run(
                "edge",
                &[("epochs", epochs.into()), ("seed", seed.into())],
                accuracy,
            ));
        }
    }
    let said = narrative::answer(&compared(&example)).join(" ");
    assert!(
        said.contains("The best may lie at the edge of the grid: extend `epochs` above 9."),
        "{said}"
    );
}

/// Ten equal settings: the highest mean is luck, which the leave-one-seed-out mean excludes.
#[test]
fn the_mean_of_the_chosen_setting_is_called_optimistic() {
    let mut example = Example::new("luck", "");
    for (depth, seed) in (0..10).flat_map(|depth| (0..3).map(move |seed| (depth, seed))) {
        let luck = f64::from((depth * 37 + seed * 101 + depth * seed * 59) % 17) / 1000.0;
        example.record(run("luck", &[("depth", depth.into()), ("seed", seed.into())], 0.9 + luck));
    }
    let comparison = compared(&example);
    let unselected = comparison.unselected_mean.unwrap();
    assert!(unselected < comparison.best().unwrap().level.unwrap() - 0.001);
    let said = narrative::answer(&comparison).join(" ");
    assert!(
        said.contains("The mean of ★ is the highest of 10 and optimistic by roughly"),
        "{said}"
    );
}

#[test]
fn hundreds_of_possible_bests_get_one_sentence() {
    let mut example = Example::new("many", "");
    for (depth, seed) in (0..60).flat_map(|depth| (0..2).map(move |seed| (depth, seed))) {
        let noise = f64::from((depth * 37 + seed * 101 + depth * seed * 59) % 17) / 1000.0;
        example.record(run("many", &[("depth", depth.into()), ("seed", seed.into())], 0.9 + noise));
    }
    let comparison = compared(&example);
    assert!(comparison.is_open());
    let sentence = narrative::verdict(&comparison).unwrap();
    assert!(
        sentence.starts_with("Too little is known:")
            && sentence.contains("The highest means have: depth"),
        "{sentence}"
    );
    let table = crate::table::tables(vec![comparison], &crate::table::Layout::default()).remove(0);
    assert!(!crate::render::text::text(&[table], 100).contains('≈'));
}

/// Batch size, mean accuracy and the times of two runs.
fn timed(of: &[(i64, f64, [f64; 2])]) -> Comparison {
    let mut example = Example::new("front", "");
    for (batch, accuracy, times) in of {
        for (seed, seconds) in (0..).zip(times) {
            let mut run = run(
                "front",
                &[("batch_size", Value::Integer(*batch)), ("seed", Value::Integer(seed))],
                *accuracy,
            );
            run.results.retain(|(name, _)| name != "seconds");
            run.results.push(("seconds".into(), *seconds));
            example.record(run);
        }
    }
    compared(&example)
}

#[test]
fn the_front_has_settings_that_no_other_beats_in_both() {
    let comparison = timed(&[
        (1, 0.95, [9.0, 9.1]),
        (2, 0.94, [3.0, 3.1]),
        (3, 0.93, [4.0, 4.1]),
        (4, 0.90, [1.0, 1.1]),
        (6, 0.89, [0.98, 1.08]),
        (7, 0.8, [0.5, 0.6]),
    ]);
    let front: Vec<String> =
        comparison.front().iter().map(|it| it.values[0].clone().unwrap().to_string()).collect();
    assert_eq!(front, ["7", "4", "2", "1"], "6 is quicker than 4 by less than times spread");
}

#[test]
fn times_within_their_spread_make_no_front() {
    let comparison = timed(&[(1, 0.95, [1.0, 1.4]), (2, 0.94, [0.9, 1.3])]);
    assert!(comparison.front().len() < 2 && narrative::front(&comparison).is_none());
    let mut example = Example::new("once", "");
    for batch in 1..4 {
        example.record(run("once", &[("batch_size", Value::Integer(batch))], 0.9));
    }
    assert!(compared(&example).front().is_empty(), "of single runs nobody knows how times spread");
}

/// Each setting has its own widths besides a common one; the larger width is better.
#[test]
fn settings_are_compared_on_common_cells() {
    let mut example = Example::new("cells", "");
    for (depth, width, seed) in [(1, 1), (1, 2), (2, 1), (2, 9)]
        .iter()
        .flat_map(|(depth, width)| (0..3).map(move |seed| (*depth, *width, seed)))
    {
        let accuracy = 0.5 + 0.04 * f64::from(width) - 0.02 * f64::from(depth)
            + 0.001 * f64::from(seed * depth);
        let params = [("depth", depth.into()), ("width", width.into()), ("seed", seed.into())];
        example.record(run("cells", &params, accuracy));
    }
    let options = CompareOptions { by: Some(vec!["depth".into()]), ..CompareOptions::default() };
    let comparison = &example.comparisons(&options)[0];
    assert_eq!((comparison.cells, comparison.complete), (Some([1, 3]), true));
    assert_eq!(comparison.best().unwrap().values[0], Some(Value::Integer(1)), "at equal widths");
    let said = narrative::answer(comparison).join(" ");
    assert!(
        said.contains(
            "The comparison uses only the values of width that all settings share: 1 of 3."
        ),
        "{said}"
    );
}

#[test]
fn settings_without_a_common_cell_are_not_tested() {
    let mut example = Example::new("cells", "");
    for (depth, width, seed) in [(1, 1), (1, 2), (2, 3), (2, 4)]
        .iter()
        .flat_map(|(depth, width)| (0..3).map(move |seed| (*depth, *width, seed)))
    {
        let params = [("depth", depth.into()), ("width", width.into()), ("seed", seed.into())];
        example.record(run("cells", &params, 0.5 + 0.01 * f64::from(width * seed)));
    }
    let options = CompareOptions { by: Some(vec!["depth".into()]), ..CompareOptions::default() };
    let said = narrative::answer(&example.comparisons(&options)[0]).join(" ");
    assert!(
        said.contains("Nothing is tested")
            && said.contains("No value of width is in every setting."),
        "{said}"
    );
}

/// A setting with a higher mean on one seed is outside the promise; the promise states the number of compared settings.
#[test]
fn the_promise_covers_the_compared_settings() {
    let runs = |seeds: std::ops::Range<i32>, base: f64| -> Vec<(i64, f64)> {
        seeds.map(|seed| (seed.into(), base + 0.001 * f64::from(seed * seed % 5))).collect()
    };
    let (a, mut b, c) = (runs(0..4, 0.9), runs(0..4, 0.8), runs(7..8, 0.95));
    b[0].1 += 0.001;
    let comparison = settings(&[(16, &a), (32, &b), (64, &c)], |run| run);
    let said = narrative::answer(&comparison).join(" ");
    assert!(
        said.starts_with(
            "Of the 2 settings compared, the best is batch 16 (95 %). It is better than"
        ),
        "{said}"
    );
    assert!(
        said.contains(
            "Not compared (fewer than two seeds in common with any other setting): batch 64."
        ),
        "{said}"
    );
    assert!(said.contains("Not all settings have the same seeds"), "{said}");
}

/// The ranking metric chooses the best epoch of each run.
#[test]
fn a_choice_of_epochs_is_called_optimistic() {
    let options =
        CompareOptions { epoch: crate::runs::EpochChoice::Best, ..CompareOptions::default() };
    let mut example = Example::new("epochs", "");
    for (depth, seed) in (1..3).flat_map(|depth| (0..3).map(move |seed| (depth, seed))) {
        example.record(run("epochs", &[("depth", depth.into()), ("seed", seed.into())], 0.9));
    }
    let said = narrative::answer(&example.comparisons(&options)[0]).join(" ");
    assert!(said.contains("this is optimistic, more so for runs of more epochs."), "{said}");
}
