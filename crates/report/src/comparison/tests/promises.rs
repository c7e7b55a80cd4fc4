//! Claims about the best setting and the baseline.

use tracking::filter::Condition;
use tracking::{Declarations, Experiment};

use super::*;
use crate::comparison::{Promise, compare};
use crate::narrative;

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
    let test = |index: usize| comparison.settings[index].difference.unwrap().test.unwrap();
    close(test(1).p, 0.033827067941416086);
    close(test(1).p_corrected, 0.033827067941416086);
    close(test(2).p_corrected, 2.0 * 0.0036443501879664113);
    close(test(2).interval.low, -0.007419619775023343);
    let text = narrative::verdict(&comparison).unwrap();
    assert_eq!(
        text,
        "Compared with batch_size 16 (95 % for all 2 settings together): none is shown to be better; worse: batch_size 32; batch_size 64."
    );
    let declarations = Declarations::default();
    let error = |text: &str| {
        let runs = example.runs(&CompareOptions::default());
        let experiment = Experiment { name: "against".into(), description: String::new() };
        compare(&experiment, &declarations, &runs, &[], &against(text)).unwrap_err().to_string()
    };
    assert!(error("batch_size=17").contains("no setting matches --against"));
    assert!(error("batch_size>16").contains("names 2 settings, expected one"));
    assert!(error("batchsize=16").contains("did you mean 'batch_size'?"));
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
    let text = narrative::answer(&compared(&example)).join(" ");
    assert!(
        text.contains("The best lies at the edge of the grid: extend `batch_size` below 8."),
        "{text}"
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
    let text = narrative::answer(&compared(&example)).join(" ");
    assert!(
        text.contains("The best may lie at the edge of the grid: extend `epochs` above 9."),
        "{text}"
    );
}

#[test]
fn a_dominant_interaction_is_named_before_the_means() {
    let sentences = |accuracies: [f64; 4]| {
        let mut example = Example::new("crossed", "");
        for ((rate, batch), accuracy) in
            [(1, 1), (1, 2), (2, 1), (2, 2)].into_iter().zip(accuracies)
        {
            for seed in 0..3 {
                let noise = 1e-4 * f64::from((rate * 5 + batch * 3 + seed * seed) % 4);
                let params =
                    [("rate", rate.into()), ("batch", batch.into()), ("seed", seed.into())];
                example.record(run("crossed", &params, accuracy + noise));
            }
        }
        narrative::background(&compared(&example)).join(" ")
    };
    let crossed = sentences([0.9, 0.8, 0.81, 0.89]);
    assert!(
        crossed.contains(
            "The best value of one hyperparameter can depend on the other, and means over the other \
             are of little use: the interaction is larger than each main effect. Means of test accuracy"
        ),
        "{crossed}"
    );
    let additive = sentences([0.9, 0.85, 0.8, 0.76]);
    assert!(additive.contains("Means of") && !additive.contains("can depend"), "{additive}");
}

#[test]
fn trade_offs_with_time_name_the_load_of_the_machine() {
    let mut example = Example::new("front", "");
    for (depth, accuracy, seconds) in [(1, 0.7, 1.0), (2, 0.8, 2.0), (3, 0.75, 3.0)] {
        for seed in 0..2 {
            let run = run("front", &[("depth", depth.into()), ("seed", seed.into())], accuracy);
            example.record(run.with(|run| {
                run.results.retain(|(name, _)| name != "seconds");
                run.results.push(("seconds".into(), seconds + 0.01 * f64::from(seed)));
            }));
        }
    }
    assert_eq!(
        narrative::front(&compared(&example)).unwrap(),
        "Best trade-offs of mean test accuracy and mean time (for each, no setting is both better and \
         faster): depth 1 (1.00 s); depth 2 (2.00 s). Times depend on the load of the machine."
    );
}

/// All ten settings are equal. The highest mean is chance, which the leave-one-seed-out mean
/// excludes.
#[test]
fn the_mean_of_the_chosen_setting_is_called_optimistic() {
    let mut example = Example::new("chance", "");
    for (depth, seed) in (0..10).flat_map(|depth| (0..3).map(move |seed| (depth, seed))) {
        let noise = f64::from((depth * 37 + seed * 101 + depth * seed * 59) % 17) / 1000.0;
        example.record(run(
            "chance",
            &[("depth", depth.into()), ("seed", seed.into())],
            0.9 + noise,
        ));
    }
    let comparison = compared(&example);
    let unselected = comparison.unselected_mean.unwrap();
    assert!(unselected < comparison.best().unwrap().level.unwrap() - 0.001);
    let text = narrative::answer(&comparison).join(" ");
    assert!(
        text.contains("The mean of ★ is the highest of 10 and optimistic by roughly"),
        "{text}"
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
    let table =
        crate::table::tables(vec![comparison], &crate::table::TableOptions::default()).remove(0);
    assert!(!crate::render::text::text(&[table], 100).contains('≈'));
}

#[test]
fn no_edge_is_named_if_most_settings_may_be_the_best() {
    let mut example = Example::new("many", "");
    for (depth, seed) in (1..=30).flat_map(|depth| (0..3).map(move |seed| (depth, seed))) {
        let noise = f64::from((depth * 37 + seed * 101 + depth * seed * 59) % 17) / 1000.0;
        let mean = match depth {
            1..=4 => 0.1,
            30 => 0.91,
            _ => 0.9,
        };
        example.record(run(
            "many",
            &[("depth", depth.into()), ("seed", seed.into())],
            mean + noise,
        ));
    }
    let comparison = compared(&example);
    let best = comparison.best().unwrap();
    assert_eq!(best.values, [Some(30.into())]);
    assert!(comparison.is_open() && comparison.candidates().len() < comparison.compared());
    let text = narrative::answer(&comparison).join(" ");
    assert!(!text.contains("edge of the grid"), "{text}");
}

#[test]
fn a_difference_that_rounds_to_zero_is_not_quoted() {
    let rival = |bias: f64| [(0, 0.9), (1, 0.91 + bias), (2, 0.89)];
    let text = |bias| {
        let runs = [(0, 0.91), (1, 0.9), (2, 0.89)];
        let comparison = settings(&[(16, &runs), (32, &rival(bias))], |run| run);
        narrative::answer(&comparison).join(" ")
    };
    let different = text(-0.003);
    assert!(
        different.contains("batch_size 32 if their true difference is the 0.10 points seen."),
        "{different}"
    );
    let nearly_equal = text(-0.00006);
    assert!(
        nearly_equal.contains("decide between batch_size 16 and batch_size 32 if their true difference is the one seen."),
        "{nearly_equal}"
    );
}

/// A setting with a higher mean on one seed is outside the promise; the promise states the number
/// of compared settings.
#[test]
fn the_promise_covers_the_compared_settings() {
    let runs = |seeds: std::ops::Range<i32>, base: f64| -> Vec<(i64, f64)> {
        seeds.map(|seed| (seed.into(), base + 0.001 * f64::from(seed * seed % 5))).collect()
    };
    let (a, mut b, c) = (runs(0..4, 0.9), runs(0..4, 0.8), runs(7..8, 0.95));
    b[0].1 += 0.001;
    let comparison = settings(&[(16, &a), (32, &b), (64, &c)], |run| run);
    let text = narrative::answer(&comparison).join(" ");
    assert!(
        text.starts_with(
            "Of the 2 settings compared, the best is batch_size 16 (95 %). It is better than"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "Not compared (fewer than two seeds in common with any other setting): batch_size 64."
        ),
        "{text}"
    );
    assert!(text.contains("Not all settings have the same seeds"), "{text}");
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
        assert!(comparison.settings[0].is_best, "the best mean is not marked");
    }
}
