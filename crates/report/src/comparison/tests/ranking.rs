//! The order of settings, and which metric ranks them.

use tracking::{Declarations, Direction, SplitSizes};

use super::*;
use crate::{example, narrative};

#[test]
fn settings_are_ranked_and_those_without_result_are_last() {
    let comparison = compared(&example::sweep());
    assert_eq!(batches(&comparison), ["16", "64", "32", "512"]);
    assert_eq!(
        (comparison.keys.as_slice(), comparison.replicate.as_deref()),
        (&["batch_size".to_owned()][..], Some("seed"))
    );
    assert_eq!(comparison.settings[3].counts.diverged, 3);
    assert!(comparison.settings[3].metrics.is_empty(), "diverged runs have no mean");
    assert_eq!(comparison.settings[1].n, 2, "one of three failed");
    assert!(!comparison.complete && comparison.connected);
}

#[test]
fn another_metric_ranks_by_its_own_best() {
    let options = CompareOptions { sort: Some("test_loss".into()), ..CompareOptions::default() };
    let comparison = example::sweep().comparisons(&options).remove(0);
    let losses: Vec<f64> = comparison.settings.iter().filter_map(|setting| setting.level).collect();
    assert!(losses.is_sorted() && losses[0] > 0.0, "{losses:?}");
    assert!(comparison.is_optimistic() && comparison.ranking().unwrap().is_minimized());
    assert!(comparison.settings[0].is_best);
}

/// The second setting ran only on the favourable seeds; on the common seeds it is worse.
#[test]
fn settings_on_different_seeds_are_not_ranked_by_raw_means() {
    let seed_level = |seed: i64| if seed < 4 { 0.95 } else { 0.80 };
    let first: Vec<(i64, f64)> = (0..10).map(|seed| (seed, seed_level(seed))).collect();
    let second: Vec<(i64, f64)> = (0..4)
        .map(|seed| (seed, seed_level(seed) - 0.01 - 1e-4 * [0.0, 1.0, 2.0, 1.0][seed as usize]))
        .collect();
    let comparison = settings(&[(16, &first), (20, &second)], |run| run);
    assert_eq!(batches(&comparison), ["16", "20"]);
    assert!(
        comparison.settings[0].metric("test_accuracy").unwrap().mean
            < comparison.settings[1].metric("test_accuracy").unwrap().mean
    );
    assert!(comparison.settings[0].is_best && !comparison.settings[1].standing.may_be_best);
    let text = narrative::answer(&comparison).join(" ");
    assert!(
        text.contains("The best is batch_size 16 (95 %)")
            && text.contains("ranked by a least-squares fit of setting + seed"),
        "{text}"
    );
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
        |run| {
            run.with(|run| {
                run.split_sizes = SplitSizes { test: Some(1_000_000), ..SplitSizes::default() }
            })
        },
    );
    assert_eq!((comparison.promise, comparison.compared()), (None, 3));
    assert!(
        comparison.best().is_none()
            && comparison.settings.iter().all(|setting| setting.standing.distance.is_none())
    );
    let sentence = narrative::verdict(&comparison).unwrap();
    assert!(sentence.starts_with("No best can be named"), "{sentence}");
}

#[test]
fn validation_chooses_and_the_test_set_estimates() {
    let held_out = |run: Run| run.with(|run| run.validation = "0.1".into());
    let comparison = settings(
        &[(16, &[(0, 0.90), (1, 0.91), (2, 0.93)]), (32, &[(0, 0.80), (1, 0.82), (2, 0.82)])],
        held_out,
    );
    assert_eq!(comparison.ranked_by.as_deref(), Some("val_accuracy"));
    assert_eq!(comparison.reported_by.as_deref(), Some("test_accuracy"));
    let text = narrative::answer(&comparison).join(" ");
    assert!(
        text.contains(
            "Validation accuracy chooses; the test accuracy of the choice, 91.33 %, estimates how good it is."
        ),
        "{text}"
    );
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

/// Batch size, mean accuracy and the times of two runs.
fn timed(settings: &[(i64, f64, [f64; 2])]) -> Comparison {
    let mut example = Example::new("front", "");
    for (batch, accuracy, times) in settings {
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
    let front: Vec<String> = comparison
        .front()
        .iter()
        .map(|setting| setting.values[0].clone().unwrap().to_string())
        .collect();
    assert_eq!(front, ["7", "4", "2", "1"], "6 is quicker than 4 by less than the spread of times");
}

#[test]
fn times_within_their_spread_make_no_front() {
    let comparison = timed(&[(1, 0.95, [1.0, 1.4]), (2, 0.94, [0.9, 1.3])]);
    assert!(comparison.front().len() < 2 && narrative::front(&comparison).is_none());
    let mut example = Example::new("once", "");
    for batch in 1..4 {
        example.record(run("once", &[("batch_size", Value::Integer(batch))], 0.9));
    }
    assert!(compared(&example).front().is_empty(), "single runs do not show the spread of times");
}

/// The ranking metric chooses the best epoch of each run.
#[test]
fn a_choice_of_epochs_is_called_optimistic() {
    let options =
        CompareOptions { epoch: analysis::runs::EpochChoice::Best, ..CompareOptions::default() };
    let mut example = Example::new("epochs", "");
    for (depth, seed) in (1..3).flat_map(|depth| (0..3).map(move |seed| (depth, seed))) {
        example.record(run("epochs", &[("depth", depth.into()), ("seed", seed.into())], 0.9));
    }
    let text = narrative::answer(&example.comparisons(&options)[0]).join(" ");
    assert!(text.contains("this is optimistic, more so for runs of more epochs."), "{text}");
}
