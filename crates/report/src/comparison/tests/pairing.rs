//! How runs are paired and grouped into settings.

use tracking::{Declarations, SplitSizes};

use super::*;
use crate::comparison::Promise;
use crate::{example, narrative};

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
    assert_eq!(
        batches(&comparison),
        ["16", "32", "64"],
        "the setting that was not compared is last"
    );
    let standing = comparison.settings[2].standing;
    assert_eq!(
        (standing.compared, standing.may_be_best, standing.p_best, standing.distance),
        (false, false, None, None)
    );
    assert!(comparison.settings[0].is_best);
    let text = narrative::answer(&comparison).join(" ");
    assert!(
        text.contains(
            "Not compared (fewer than two seeds in common with any other setting): batch_size 64."
        ),
        "{text}"
    );
}

/// One run of three has a value: the mean is shown with n = 1.
#[test]
fn runs_without_the_metric_are_counted_and_reported() {
    let mut example = Example::new("incomplete", "");
    for (batch, seed, accuracy) in [
        (16, 0, 0.95),
        (16, 1, f64::NAN),
        (16, 2, f64::NAN),
        (32, 0, 0.9),
        (32, 1, 0.91),
        (32, 2, 0.9),
    ] {
        let params = [("batch_size", Value::Integer(batch)), ("seed", Value::Integer(seed))];
        example.record(run("incomplete", &params, accuracy));
    }
    let comparison = compared(&example);
    let setting = comparison
        .settings
        .iter()
        .find(|setting| setting.values[0] == Some(Value::Integer(16)))
        .unwrap();
    assert_eq!((setting.n, setting.unmeasured, setting.counts.finished), (1, 2, 3));
    assert_eq!(setting.metric("test_accuracy").unwrap().n, 1);
    let table =
        crate::table::tables(vec![comparison], &crate::table::TableOptions::default()).remove(0);
    let text = crate::render::text::text(&[table], 200);
    assert!(text.contains("mean of 1 of 3 runs: 2 without test accuracy"), "{text}");
}

/// If the size of the test set is known, equal differences have the spread of rounding, √(g² / 6).
#[test]
fn a_known_test_set_size_gives_equal_differences_a_spread() {
    let sized = |run: Run| {
        run.with(|run| run.split_sizes = SplitSizes { test: Some(100), ..SplitSizes::default() })
    };
    let comparison =
        settings(&[(16, &[(0, 0.91), (1, 0.92)]), (32, &[(0, 0.90), (1, 0.91)])], sized);
    assert_eq!((comparison.promise, comparison.compared()), (Some(Promise::BestIsAmong), 2));
    // 2 · scipy.stats.t.sf(0.01 / sqrt(0.01**2 / 6 / 2), 1)
    close(comparison.settings[1].standing.p_best.unwrap(), 0.17891237502206686);
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
        "the seed is a key, so there is no replicate"
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
        let real = |number: i64| f64::from(i32::try_from(number).unwrap());
        example.record(run(
            "cells",
            &params,
            0.5 + 0.01 * real(depth * seed) + 0.001 * real(width),
        ));
    }
    let options = CompareOptions { by: Some(vec!["depth".into()]), ..CompareOptions::default() };
    let comparison = example.comparisons(&options).remove(0);
    assert_eq!(comparison.settings.iter().map(|setting| setting.n).collect::<Vec<_>>(), [3, 3]);
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
            example.record(run("same", &params, 0.5).with(|run| run.dataset = dataset.into()));
        }
    }
    let comparisons = example.comparisons(&CompareOptions::default());
    assert_eq!((comparisons.len(), comparisons[0].settings.len()), (1, 2));
    assert_eq!(comparisons[0].datasets, ["./wine", "wine"]);
    assert_eq!(
        (comparisons[0].settings[0].n, comparisons[0].settings[0].counts.total()),
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
    let chosen = CompareOptions { replicate: Some("draw".into()), ..CompareOptions::default() };
    assert_eq!(replicate(&folds(&["draw"]), &chosen).as_deref(), Some("draw"));
    let declared = folds(&["draw"]);
    declared.declare(&Declarations { replicate: Some("draw".into()), ..Declarations::default() });
    assert_eq!(replicate(&declared, &usual).as_deref(), Some("draw"));
    let none = folds(&["draw"]).comparisons(&usual).remove(0);
    assert_eq!((none.replicate.as_deref(), none.keys.len(), none.promise), (None, 2, None));
    assert!(narrative::verdict(&none).unwrap().contains("No hyperparameter repeats a setting"));
}

/// Each setting has one width of its own and one common width. The larger width is better.
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
    let text = narrative::answer(comparison).join(" ");
    assert!(
        text.contains(
            "The comparison uses only the values of width that all settings share: 1 of 3."
        ),
        "{text}"
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
    let text = narrative::answer(&example.comparisons(&options)[0]).join(" ");
    assert!(
        text.contains("Nothing is tested")
            && text.contains("No value of width is in every setting."),
        "{text}"
    );
}
