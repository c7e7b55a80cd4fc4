//! Simulations that check the promises of a verdict, with fixed random seeds.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::samples::{Resolution, Sample, difference};
use crate::simulation::Normal;

/// The difference between samples with these values and zeros, on a grid of this step.
fn on_grid(values: &[f64], step: f64) -> Difference {
    let samples = |value: fn(f64) -> f64| -> Vec<Sample> {
        let sample =
            |(replicate, x): (usize, &f64)| Sample { replicate, cell: 0, value: value(*x) };
        values.iter().enumerate().map(sample).collect()
    };
    let resolution = Resolution { grid: Some(step), scale: 1.0 };
    difference(&samples(|x| x), &samples(|_| 0.0), resolution, &mut Vec::new()).unwrap()
}

fn difference_of(values: &[f64]) -> Difference {
    on_grid(values, 0.0)
}

fn judge(values: &[f64], margin: f64, method: Method) -> Verdict {
    Judgement::of(&difference_of(values), margin, method).verdict
}

/// The share of `times` sequences with a verdict that `is_found`, by each number of replicates from
/// 3 to 20, if the judge is asked after every replicate.
fn shares(times: u32, mean: f64, margin: f64, is_found: fn(Verdict) -> bool) -> Vec<f64> {
    let mut normal = Normal(5);
    let mut found = [0; 21];
    for _ in 0..times {
        let values: Vec<f64> = (0..20).map(|_| mean + normal.next()).collect();
        let first = (3..=20).find(|n| is_found(judge(&values[..*n], margin, Method::Anytime)));
        found.iter_mut().skip(first.unwrap_or(21)).for_each(|found| *found += 1);
    }
    found.map(|found| f64::from(found) / f64::from(times)).to_vec()
}

/// Four standard errors of a share.
fn error(share: f64, times: u32) -> f64 {
    4.0 * (share * (1.0 - share) / f64::from(times)).sqrt()
}

/// The true difference is 0, or lies at the margin. NumPy finds 2.0 % in 200,000 sequences.
#[test]
fn verdict_asked_for_after_every_replicate_is_rarely_false() {
    let times = 4_000;
    let false_verdict = shares(times, 0.0, 0.0, |verdict| verdict != Verdict::Undecided)[20];
    assert!((false_verdict - 0.0199).abs() < error(0.0199, times), "{false_verdict}");
    for (mean, is_false) in [
        (0.5, (|verdict| verdict == Verdict::Better) as fn(Verdict) -> bool),
        (0.5, |verdict| verdict == Verdict::Equivalent || verdict == Verdict::NotBetter),
        (-0.5, |verdict| verdict == Verdict::Worse),
    ] {
        let share = shares(times, mean, 0.5, is_false)[20];
        assert!(share <= 0.05 + error(0.05, times), "{mean}: {share}");
    }
}

/// Accuracies on few examples: differences of rounded values with a common shift, and of ±1.
#[test]
fn coarse_values_rarely_get_a_false_verdict() {
    let times = 2_000;
    for spread in [0.0, 0.3, 0.5, 1.0] {
        let mut normal = Normal(11);
        let mut next = || {
            let (shift, a, b) = (5.0 * normal.next(), normal.next(), normal.next());
            if spread > 0.0 {
                (shift + spread * a).round() - (shift + spread * b).round()
            } else {
                a.signum()
            }
        };
        let has_verdict = |values: &[f64]| {
            let difference = on_grid(values, 1.0);
            Judgement::of(&difference, 0.0, Method::Anytime).verdict != Verdict::Undecided
        };
        let mut found = 0;
        for _ in 0..times {
            let values: Vec<f64> = (0..20).map(|_| next()).collect();
            found += u32::from((3..=20).any(|n| has_verdict(&values[..n])));
        }
        let share = f64::from(found) / f64::from(times);
        assert!(share <= 0.05 + error(0.05, times), "{spread}: {share}");
    }
}

/// The power of the reference, from 200,000 sequences by NumPy.
#[test]
fn difference_of_one_deviation_is_found_with_known_power() {
    let times = 4_000;
    let found = shares(times, 1.0, 0.0, |verdict| verdict == Verdict::Better);
    for (n, expected) in [(3, 0.0206), (5, 0.0804), (10, 0.3267), (20, 0.8123)] {
        assert!((found[n] - expected).abs() < error(expected, times), "{n}: {}", found[n]);
    }
}

/// How often the number of replicates that a pilot names gives a verdict, in 400 cases. The pilot
/// counts among them. `is_seen` moves its mean to the true one.
fn decided_share(method: Method, pilot: usize, mean: f64, margin: f64, is_seen: bool) -> f64 {
    let mut normal = Normal(3);
    let (mut decided, mut tried) = (0, 0);
    while tried < 400 {
        let mut values: Vec<f64> = (0..pilot).map(|_| mean + normal.next()).collect();
        if is_seen {
            let seen = values.iter().sum::<f64>() / count(pilot);
            values.iter_mut().for_each(|value| *value += mean - seen);
        }
        let named = replicates_needed(&difference_of(&values), margin, method);
        // Nothing is named after a verdict, or above a thousand.
        let Some(n) = named.filter(|_| judge(&values, margin, method) == Verdict::Undecided) else {
            continue;
        };
        values.extend((pilot..n).map(|_| mean + normal.next()));
        tried += 1;
        decided += u32::from(judge(&values, margin, method) != Verdict::Undecided);
    }
    f64::from(decided) / f64::from(tried)
}

/// If the true difference is the one seen, the number decides in at least four of five cases.
#[test]
fn the_named_number_of_replicates_decides() {
    for (method, pilot, mean, margin) in [
        (Method::Anytime, 3, 1.0, 0.0),
        (Method::Anytime, 3, 0.5, 0.0),
        (Method::Anytime, 5, 0.5, 0.0),
        (Method::Anytime, 10, -0.3, 0.0),
        (Method::Anytime, 5, 0.0, 0.6),
        (Method::Anytime, 5, 1.5, 0.8),
        (Method::Once, 2, 1.0, 0.0),
        (Method::Once, 3, 0.5, 0.0),
        (Method::Once, 5, 0.5, 0.0),
        (Method::Once, 5, 0.3, 0.8),
    ] {
        let share = decided_share(method, pilot, mean, margin, true);
        assert!(share >= 0.8, "{method:?}, a pilot of {pilot}, {mean} {margin}: {share}");
    }
}

/// A pilot sees a larger or smaller difference than the true one. The number still decides in four
/// of five cases if the true difference is not small.
#[test]
fn the_number_named_by_a_chance_pilot_decides() {
    for (method, pilot, mean, margin) in [
        (Method::Anytime, 3, 1.0, 0.0),
        (Method::Anytime, 5, 1.0, 0.0),
        (Method::Anytime, 10, 0.5, 0.0),
        (Method::Once, 2, 1.0, 0.0),
        (Method::Once, 3, 0.5, 0.0),
        (Method::Once, 5, 0.5, 0.0),
    ] {
        let share = decided_share(method, pilot, mean, margin, false);
        assert!(share >= 0.8, "{method:?}, a pilot of {pilot}, {mean} {margin}: {share}");
    }
}
