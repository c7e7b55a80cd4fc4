//! Counts the verdicts of `report diff --judge` on sides with a known difference, asked again as seeds
//! come. The known rates are those of 400,000 sequences by NumPy.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::SystemTime;

use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, Value};

/// The number of seeds of each experiment.
const LAST: u32 = 20;

/// How often the judge is asked about an experiment, and the power that this has.
struct Design {
    experiments: u32,
    /// The judge is asked after each of these numbers of seeds, until it decides.
    looks: Vec<u32>,
    /// The probability that a difference of one standard deviation is found by this many seeds.
    power: [(u32, f64); 3],
}

fn three_looks() -> Design {
    let power = [(5, 0.0544), (10, 0.2703), (20, 0.7654)];
    Design { experiments: 200, looks: vec![5, 10, 20], power }
}

fn every_look() -> Design {
    let power = [(5, 0.0804), (10, 0.3267), (20, 0.8123)];
    Design { experiments: 500, looks: (3..=LAST).collect(), power }
}

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
fn first_verdict(results: &Path, name: &str, looks: &[u32]) -> Option<(u32, i32)> {
    looks.iter().find_map(|seeds| {
        let operand = |side: u32| format!("{name}:side={side} and seed<{seeds}");
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
        command.args(["diff", &operand(0), &operand(1), "--judge", "--results"]).arg(results);
        let output = command.output().unwrap();
        match output.status.code() {
            Some(11) => None,
            Some(code @ (0 | 10)) => Some((*seeds, code)),
            code => unreachable!("{code:?}: {output:?}"),
        }
    })
}

/// The first verdict about each experiment with this difference that gets one.
fn verdicts(design: &Design, gain: f64) -> Vec<(u32, i32)> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut normal = Normal(7);
    for number in 0..design.experiments {
        record(&mut store, &format!("e{number}"), gain, &mut normal);
    }
    drop(store);
    let results = folder.path();
    std::thread::scope(|scope| {
        let of_every_second = |first: u32| {
            let names = (first..design.experiments).step_by(2).map(|number| format!("e{number}"));
            names
                .filter_map(|name| first_verdict(results, &name, &design.looks))
                .collect::<Vec<_>>()
        };
        let halves = [0, 1].map(|first| scope.spawn(move || of_every_second(first)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    })
}

/// Equal sides get a verdict in at most 5 % of experiments.
fn check_equal_sides(design: &Design) {
    let found = verdicts(design, 0.0).len();
    println!("{found} of {} equal sides get a verdict by {LAST} seeds", design.experiments);
    assert!(found as f64 <= 0.05 * f64::from(design.experiments), "{found}");
}

/// A difference of one standard deviation is found with the known power, within four standard errors.
fn check_power(design: &Design) {
    let verdicts = verdicts(design, 1.0);
    let experiments = f64::from(design.experiments);
    for (seeds, power) in design.power {
        let is_found = |verdict: &&(u32, i32)| verdict.0 <= seeds && verdict.1 == 0;
        let found = verdicts.iter().filter(is_found).count() as f64;
        println!("{found} of {experiments} differences of one sd are found by {seeds} seeds");
        let error = 4.0 * (power * (1.0 - power) * experiments).sqrt();
        assert!((found - power * experiments).abs() <= error, "{seeds} seeds: {found}");
    }
    let wrong = verdicts.iter().filter(|(_, code)| *code == 10).count();
    assert!(wrong as f64 <= 0.01 * experiments, "{wrong} verdicts for the worse side");
}

#[test]
fn equal_sides_get_a_verdict_in_at_most_five_percent() {
    check_equal_sides(&three_looks());
}

#[test]
fn difference_of_one_deviation_is_found_with_known_power() {
    check_power(&three_looks());
}

#[test]
#[ignore = "takes four minutes; run it after a change of the judge"]
fn promises_of_the_judge_hold_in_500_experiments() {
    check_equal_sides(&every_look());
    check_power(&every_look());
}
