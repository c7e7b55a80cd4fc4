//! Races.

use analysis::race::{End, Exit, Reason};
use tracking::Status;
use tracking::filter::Condition;

use super::*;
use crate::comparison::{Promise, compare};
use crate::example::{ended, race, raced};
use crate::narrative;

fn verdict(comparison: &Comparison) -> String {
    narrative::verdict(comparison).unwrap()
}

#[test]
fn won_race_names_its_winner() {
    let comparison = compared(&race(&[3, 6], None, &[(64, 3), (16, 3), (128, 3)]));
    let state = comparison.race.as_ref().unwrap();
    assert_eq!((state.end, state.looks, state.unused), (Some(End::Won), 1, 0));
    assert_eq!(comparison.promise, Some(Promise::BestIsInRace));
    assert_eq!(comparison.best().unwrap().values, [Some(Value::Integer(16))]);
    assert_eq!(batches(&comparison)[0], "16");
    assert!(comparison.settings[1..].iter().all(|setting| matches!(
        setting.left,
        Some(Exit { look: 0, reason: Reason::Beaten { by: 0, .. } })
    )));
    assert_eq!(
        verdict(&comparison),
        "The race ended after 3 of 6 seeds: the best is batch_size 16 (95 %)."
    );
}

#[test]
fn open_race_lists_the_settings_that_are_left() {
    let comparison = compared(&race(&[3, 5, 8], None, &[(16, 4), (64, 3), (32, 3)]));
    assert_eq!(batches(&comparison), ["16", "32", "64"]);
    assert_eq!(comparison.best(), None);
    assert_eq!(
        narrative::answer(&comparison),
        [
            "The race is at look 2 of 3: the best is among these 2 of 3 settings (95 %): batch_size 16; batch_size 32. Ended runs of this look: 1 of 4."
        ]
    );
    let n: Vec<usize> = comparison.settings.iter().map(|setting| setting.n).collect();
    assert_eq!(n, [3, 3, 3], "runs of the next look do not count yet");
    let begun = compared(&race(&[3, 5], None, &[(16, 2), (64, 2)]));
    assert_eq!(
        verdict(&begun),
        "The race is at look 1 of 2: no setting has left yet. Ended runs of this look: 4 of 6."
    );
}

#[test]
fn settings_without_their_first_seed_count_as_left() {
    let mut example = race(&[3, 5], None, &[(16, 3), (32, 0), (64, 0)]);
    for (batch, seed) in [(32, 1), (32, 2), (64, 1), (256, 0), (256, 1)] {
        example.record(raced(batch, seed));
    }
    example.record(ended(Status::Killed, raced(64, 2)));
    let comparison = compared(&example);
    let state = comparison.race.as_ref().unwrap();
    assert_eq!((state.left, state.next_look), (3, Some([6, 9])));
    let is_left = |index: usize| comparison.settings[index].standing.may_be_best;
    assert_eq!((0..4).map(is_left).collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(batches(&comparison)[3], "256");
}

#[test]
fn race_can_end_undecided_or_indifferent() {
    let seeds = [(16, 5), (32, 5), (64, 3)];
    let comparison = compared(&race(&[3, 5], None, &seeds));
    assert_eq!(
        (comparison.race.as_ref().unwrap().end, comparison.best()),
        (Some(End::SeedsUsed), None)
    );
    assert_eq!(
        verdict(&comparison),
        "The race ended after all 5 seeds: the best is among these 2 (95 %): batch_size 16; batch_size 32."
    );
    let comparison = compared(&race(&[3, 8], Some(0.0125), &[(16, 3), (32, 3), (64, 3)]));
    assert_eq!(
        verdict(&comparison),
        "The race ended after 3 of 8 seeds: the best is among these 2 (95 %), each of them at most 1.25 points from the \
         best of them: batch_size 16; batch_size 32."
    );
}

#[test]
fn setting_without_a_value_leaves_and_is_named() {
    let mut example = race(&[3, 6], None, &[(16, 3), (32, 2), (64, 3)]);
    example.record(ended(Status::Diverged, raced(32, 2)));
    let comparison = compared(&example);
    assert_eq!(batches(&comparison), ["16", "32", "64"]);
    assert_eq!(
        narrative::answer(&comparison)[1],
        "Left for lack of test accuracy, outside of the promise: batch_size 32 (1 diverged)."
    );
    let left = |index: usize| narrative::left(&comparison, &comparison.settings[index]);
    assert_eq!(left(0), None);
    assert_eq!(left(1).unwrap(), "look 1: no value with seed 2");
    assert_eq!(left(2).unwrap(), "look 1");
    assert!(!comparison.settings[1].standing.compared);
}

#[test]
fn race_of_diverged_settings_leaves_none() {
    let mut example = race(&[2, 3], None, &[(16, 0), (32, 0)]);
    for (batch, seed) in [(16, 0), (16, 1), (32, 0), (32, 1)] {
        example.record(ended(Status::Diverged, raced(batch, seed)));
    }
    let comparison = compared(&example);
    assert_eq!(
        narrative::answer(&comparison),
        [
            "The race ended after 2 of 3 seeds: no setting is left.",
            "Left for lack of a result, outside of the promise: batch_size 16 (2 diverged); batch_size 32 (2 diverged)."
        ]
    );
    assert_eq!(comparison.promise, None);
}

#[test]
fn other_recorded_runs_change_no_place() {
    let seeds = [(16, 3), (64, 3), (128, 3)];
    let few = compared(&race(&[3, 6], None, &seeds));
    let mut example = race(&[3, 6], None, &seeds);
    for (batch, seed) in [(16, 7), (64, 5), (64, 3), (128, 40)] {
        example.record(raced(batch, seed));
    }
    let more = compared(&example);
    assert_eq!(batches(&more), batches(&few));
    let assert_same = |comparison: &Comparison| {
        for (a, b) in comparison.settings.iter().zip(&few.settings) {
            assert_eq!((a.left, a.standing, &a.metrics), (b.left, b.standing, &b.metrics));
        }
    };
    assert_same(&more);
    assert!(
        narrative::answer(&more)
            .contains(&"Not used by the race, and not in this table: 4 other runs.".to_owned())
    );
    example.record(raced(256, 0));
    let outside = compared(&example);
    assert_same(&outside);
    assert_eq!(narrative::left(&outside, &outside.settings[3]).unwrap(), "not in the race");
    assert_eq!(
        verdict(&outside),
        "The race ended after 3 of 6 seeds: the best of the 3 settings of the race is batch_size 16 (95 %)."
    );
}

#[test]
fn open_race_counts_only_its_own_settings() {
    let mut example = race(&[3, 5], None, &[(16, 3), (32, 3), (64, 3)]);
    example.record(raced(256, 0));
    let text = verdict(&compared(&example));
    let best = "the best of the 3 settings of the race is among these 2 (95 %): batch_size 16; batch_size 32.";
    assert!(text.contains(best), "{text}");
}

#[test]
fn race_of_one_setting_says_so() {
    let comparison = compared(&race(&[2, 3], None, &[(16, 2)]));
    assert_eq!(comparison.race.as_ref().unwrap().end, Some(End::Won));
    assert_eq!(verdict(&comparison), "The race has only one setting.");
    assert!(narrative::background(&comparison).is_empty());
}

#[test]
fn race_of_one_setting_leaves_others_to_the_tests() {
    let mut example = race(&[2, 3], None, &[(16, 3)]);
    for seed in 0..3 {
        example.record(raced(64, seed));
    }
    let comparison = compared(&example);
    assert_eq!((comparison.promise, comparison.is_raced()), (Some(Promise::BestIsAmong), false));
    assert_eq!(comparison.settings.iter().map(|setting| setting.n).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn rules_that_changed_after_results_are_reported() {
    let example = race(&[2, 3], None, &[(16, 2), (64, 2)]);
    let mut declarations = example.reader().declarations("race").unwrap();
    declarations.race.as_mut().unwrap().changes = 2;
    let changed = |answer: &[String]| {
        answer
            .iter()
            .any(|text| text.contains("changed 2 times after results were known: the 95 %"))
    };
    assert!(!changed(&narrative::answer(&compared(&example))));
    example.declare(&declarations);
    assert!(changed(&narrative::answer(&compared(&example))));
}

#[test]
fn heading_names_rules_that_are_not_the_default() {
    let example = race(&[2, 3], Some(0.01), &[(16, 2), (64, 2)]);
    let facts = |example: &Example| example.tables()[0].facts();
    assert!(facts(&example).contains(&"indifference 1 point".to_owned()));
    assert!(!facts(&example).iter().any(|fact| fact.contains("confidence")));
    let mut declarations = example.reader().declarations("race").unwrap();
    let race = declarations.race.as_mut().unwrap();
    race.rules = tracking::RaceRules::new(vec![2, 3], 0.99, None).unwrap();
    example.declare(&declarations);
    assert!(facts(&example).contains(&"confidence 99 %".to_owned()));
}

#[test]
fn columns_of_a_race_appear_when_a_setting_leaves() {
    let shown = |example: &Example| -> Vec<String> {
        let columns = example.tables()[0].rendered_columns();
        columns.into_iter().map(|column| column.name).collect()
    };
    let has = |names: &[String], name: &str| names.iter().any(|known| known == name);
    let mut example = race(&[3, 4], None, &[(16, 2), (32, 2)]);
    example.record(ended(Status::Failed, raced(32, 2)));
    let begun = shown(&example);
    assert!(!has(&begun, "left") && !has(&begun, "behind") && has(&begun, "note"), "{begun:?}");
    example.record(raced(16, 2));
    let unbeaten = shown(&example);
    assert!(has(&unbeaten, "left") && !has(&unbeaten, "behind"), "{unbeaten:?}");
    let beaten = shown(&race(&[3, 4], None, &[(16, 3), (64, 3)]));
    assert!(has(&beaten, "left") && has(&beaten, "behind"), "{beaten:?}");
}

#[test]
fn race_reports_no_effects_of_hyperparameters() {
    let example = race(&[3, 6], None, &[(16, 3), (64, 3)]);
    let comparison = compared(&example);
    let differ = |text: &String| text.contains("differ by up to");
    assert!(!narrative::background(&comparison).iter().any(differ));
    let section = &example.page().sections[0];
    assert!(section.effects.is_none());
    assert!(section.figures.iter().all(|figure| !figure.note.contains("line: mean")));
}

#[test]
fn another_question_about_a_raced_experiment_is_not_tested() {
    let example = race(&[3, 5], None, &[(16, 5), (32, 5), (64, 3)]);
    let is_untested = |comparison: &Comparison| {
        let text = verdict(comparison);
        comparison.race.is_none()
            && comparison.candidates().is_empty()
            && text.contains("The results decided how many seeds each setting got")
    };
    let default = CompareOptions::default();
    let against = Some(Condition::parse("batch_size=16").unwrap());
    let directions = vec![("test_loss".to_owned(), tracking::Direction::Minimize)];
    let several = CompareOptions { sort: Some("test_loss".into()), directions, ..default.clone() };
    let text = verdict(&example.comparisons(&several)[0]);
    assert!(text.ends_with("; omit --sort, --minimize for the result of the race."), "{text}");
    for options in [
        CompareOptions { sort: Some("test_loss".into()), ..default.clone() },
        CompareOptions { epoch: analysis::runs::EpochChoice::Best, ..default.clone() },
        CompareOptions { against, ..default.clone() },
    ] {
        assert!(is_untested(&example.comparisons(&options)[0]), "{options:?}");
    }
    let same = CompareOptions { sort: Some("test_accuracy".into()), ..default.clone() };
    assert_eq!(example.comparisons(&same), example.comparisons(&default));
    let same = CompareOptions { by: Some(vec!["batch_size".into()]), ..default.clone() };
    assert_eq!(example.comparisons(&same), example.comparisons(&default));
    let runs = example.runs(&default);
    let declarations = example.reader().declarations("race").unwrap();
    let experiment = tracking::Experiment { name: "race".into(), description: String::new() };
    let (excluded, left): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|run| run.run.param("seed") == Some(&Value::Integer(0)));
    let compared = compare(&experiment, &declarations, &left, &excluded, &default).unwrap();
    assert!(is_untested(&compared[0]));
}

#[test]
fn runs_on_other_data_are_compared_by_tests() {
    let mut example = race(&[3, 6], None, &[(16, 3), (64, 3)]);
    for (batch, seed) in [(16, 0), (16, 1), (64, 0), (64, 1)] {
        let other = |run: &mut tracking::Run| run.dataset_sha256 = "another0digest00".into();
        example.record(raced(batch, seed).with(other));
    }
    let comparisons = example.comparisons(&CompareOptions::default());
    let promises: Vec<_> = comparisons.iter().map(|comparison| comparison.promise).collect();
    assert_eq!(promises, [Some(Promise::BestIsAmong), Some(Promise::BestIsInRace)]);
    assert!(!comparisons[0].is_raced());
}

#[test]
fn runs_of_the_next_look_are_not_unused() {
    let mut example = race(&[3, 5], None, &[(16, 4), (32, 3), (64, 3)]);
    example.record(ended(Status::Killed, raced(32, 3)));
    let comparison = compared(&example);
    let state = comparison.race.as_ref().unwrap();
    assert_eq!((state.next_look, state.unused), (Some([1, 4]), 0));
    example.record(raced(64, 3));
    assert_eq!(compared(&example).race.unwrap().unused, 1);
}

#[test]
fn race_that_has_begun_says_so() {
    let mut example = race(&[2, 3], None, &[(16, 0), (32, 0)]);
    example.record(ended(Status::Killed, raced(16, 0)));
    let answer = narrative::answer(&compared(&example));
    let begun =
        "The race is at look 1 of 2: no setting has left yet. Ended runs of this look: 0 of 4.";
    assert_eq!(answer, [begun]);
}
