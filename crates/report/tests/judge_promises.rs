//! Counts the verdicts of `report diff --judge` on sides with a known difference, asked again after
//! every seed.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::SystemTime;

use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, Value};

/// The judge is asked after each of these numbers of seeds, until it decides.
const FIRST: u32 = 3;
const LAST: u32 = 20;

/// Approximately normal random numbers: sums of twelve uniform numbers.
struct Normal(u64);

impl Normal {
    fn next(&mut self) -> f64 {
        let mut uniform = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1u32 << 31)
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}

/// Records an experiment with two sides. Side 1 is better by `gain` standard deviations of the
/// difference.
fn record(store: &mut Store, name: &str, gain: f64, normal: &mut Normal) {
    let experiment = Experiment { name: name.into(), description: String::new() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    for (side, seed) in (0..LAST).flat_map(|seed| [(0, seed), (1, seed)]) {
        let header = RunHeader {
            trial: TrialId::of(&[("side", &side.to_string()), ("seed", &seed.to_string())]),
            ..RunHeader::new(name, Status::Finished)
        };
        let score = normal.next() + f64::from(side) * gain * 2f64.sqrt();
        let run = Run {
            params: vec![("side".into(), Value::from(side)), ("seed".into(), Value::from(seed))],
            results: vec![("score".into(), score)],
            ..Run::new(header, SystemTime::UNIX_EPOCH)
        };
        store.record(invocation, &run).unwrap();
    }
}

/// The number of seeds at which the judge decides about an experiment, and its exit code; `None` if
/// it never does.
fn first_verdict(results: &Path, name: &str) -> Option<(u32, i32)> {
    (FIRST..=LAST).find_map(|seeds| {
        let operand = |side: u32| format!("{name}:side={side} and seed<{seeds}");
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
        command.args(["diff", &operand(0), &operand(1), "--judge", "--results"]).arg(results);
        let output = command.output().unwrap();
        match output.status.code() {
            Some(11) => None,
            Some(code @ (0 | 10)) => Some((seeds, code)),
            code => unreachable!("{code:?}: {output:?}"),
        }
    })
}

/// The first verdict about each of the `experiments`.
fn verdicts(experiments: u32, gain: f64) -> Vec<Option<(u32, i32)>> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut normal = Normal(7);
    for number in 0..experiments {
        record(&mut store, &format!("e{number}"), gain, &mut normal);
    }
    drop(store);
    let results = folder.path();
    std::thread::scope(|scope| {
        let of_every_second = |first: u32| {
            let numbers = (first..experiments).step_by(2);
            numbers.map(|number| first_verdict(results, &format!("e{number}"))).collect::<Vec<_>>()
        };
        let halves = [0, 1].map(|first| scope.spawn(move || of_every_second(first)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    })
}

/// Four standard errors of the number of experiments with a verdict of this probability.
fn error(experiments: u32, probability: f64) -> f64 {
    4.0 * (probability * (1.0 - probability) * f64::from(experiments)).sqrt()
}

/// Equal sides get a verdict in at most 5 % of experiments.
fn check_equal_sides(experiments: u32) {
    let found = verdicts(experiments, 0.0).into_iter().flatten().count();
    println!("{found} of {experiments} equal sides get a verdict by {LAST} seeds");
    let most = 0.05 * f64::from(experiments) + error(experiments, 0.05);
    assert!(found as f64 <= most, "{found} of {experiments}");
}

/// A difference of one standard deviation is found with the power of the reference (NumPy: 200,000
/// draws).
fn check_power(experiments: u32) {
    let verdicts = verdicts(experiments, 1.0);
    let wrong = verdicts.iter().flatten().filter(|(_, code)| *code == 10).count();
    for (seeds, power) in [(5, 0.080), (10, 0.327), (20, 0.812)] {
        let is_found = |verdict: &&(u32, i32)| verdict.0 <= seeds && verdict.1 == 0;
        let found = verdicts.iter().flatten().filter(is_found).count();
        println!("{found} of {experiments} differences of one sd are found by {seeds} seeds");
        let expected = power * f64::from(experiments);
        let error = error(experiments, power);
        assert!((found as f64 - expected).abs() <= error, "{seeds} seeds: {found} {expected}");
    }
    assert!(wrong as f64 <= 0.05 * f64::from(experiments), "{wrong} verdicts for the worse side");
}

#[test]
fn equal_sides_rarely_get_a_verdict_at_any_time() {
    check_equal_sides(40);
}

#[test]
fn difference_of_one_deviation_is_found_with_known_power() {
    check_power(30);
}

#[test]
#[ignore = "takes four minutes; run it after a change of the judge"]
fn promises_of_the_judge_hold_in_500_experiments() {
    check_equal_sides(500);
    check_power(500);
}
