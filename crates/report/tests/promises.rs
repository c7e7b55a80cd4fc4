//! Counts broken promises in the output of the `report` binary for two hundred experiments with truly equal settings.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::SystemTime;

use serde_json::Value as Json;
use tempfile::TempDir;
use tracking::{Experiment, Invocation, Run, RunHeader, Status, Store, TrialId, Value};

const EXPERIMENTS: u32 = 200;

/// 5 % of two hundred plus four standard errors of the count.
const ALLOWED: usize = 10 + 12;

/// Nearly normal random numbers: sums of twelve uniform numbers.
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

fn store_of(record: impl Fn(&mut Store, u32, &mut Normal)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut normal = Normal(1);
    (0..EXPERIMENTS).for_each(|number| record(&mut store, number, &mut normal));
    folder
}

/// Records one run with these hyperparameters and this score.
fn record(store: &mut Store, name: &str, runs: &[(Vec<(&str, i64)>, f64)]) {
    let experiment = Experiment { name: name.into(), description: String::new() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    for (params, score) in runs {
        let fields: Vec<String> =
            params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let header = RunHeader {
            trial: TrialId::of(&[("all", &fields.join(" "))]),
            ..RunHeader::new(name, Status::Finished)
        };
        let run = Run {
            params: params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::Integer(*value)))
                .collect(),
            results: vec![("score".into(), *score)],
            ..Run::new(header, SystemTime::UNIX_EPOCH)
        };
        store.record(invocation, &run).unwrap();
    }
}

fn report(results: &Path, arguments: &[&str]) -> Json {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_report"));
    let output =
        command.arg("-r").arg(results).args(arguments).args(["--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Number of experiments in which the setting with `depth` 0 left the list, and in which any limit is wrong.
fn broken(comparisons: &Json) -> (usize, usize) {
    let all = comparisons.as_array().unwrap();
    assert_eq!(all.len(), EXPERIMENTS as usize);
    let settings = |it: &Json| it["settings"].as_array().unwrap().clone();
    let left = |it: &&Json| {
        settings(it).iter().any(|it| it["params"]["depth"] == 0 && it["may_be_best"] == false)
    };
    // All true distances are 0.
    let missed = |it: &&Json| {
        settings(it).iter().any(|it| it["distance_to_best"][1].as_f64().unwrap() < 0.0)
    };
    (all.iter().filter(left).count(), all.iter().filter(missed).count())
}

#[test]
fn a_best_setting_rarely_leaves_the_list() {
    let folder = store_of(|store, number, normal| {
        let luck: Vec<f64> = (0..5).map(|_| 2.0 * normal.next()).collect();
        let runs = (0..21).flat_map(|depth| (0..5).map(move |seed| (depth, seed)));
        let runs = runs.map(|(depth, seed)| {
            let score = luck[usize::try_from(seed).unwrap()] + normal.next();
            (vec![("depth", depth), ("seed", seed)], score)
        });
        record(store, &format!("e{number}"), &runs.collect::<Vec<_>>());
    });
    let (left, missed) = broken(&report(folder.path(), &[]));
    assert!(left <= ALLOWED && missed <= ALLOWED, "{left} {missed} of {EXPERIMENTS}");
}

/// The seven widths of a seed share its effect on the depth: they are not independent.
fn of_cells(depth: impl Fn(u32) -> Vec<i64>, name: impl Fn(u32, i64) -> String) -> TempDir {
    store_of(|store, number, normal| {
        for depth in depth(number) {
            let mut runs = Vec::new();
            for seed in 0..4 {
                let luck = normal.next();
                let score = |width: i64, normal: &mut Normal| {
                    luck + 0.1 * normal.next() + f64::from(i32::try_from(width).unwrap())
                };
                runs.extend((0..7).map(|width| {
                    (vec![("depth", depth), ("width", width), ("seed", seed)], score(width, normal))
                }));
            }
            record(store, &name(number, depth), &runs);
        }
    })
}

#[test]
fn equal_groups_rarely_differ() {
    let folder = of_cells(|_| vec![0, 1], |number, _| format!("e{number}"));
    let (left, missed) = broken(&report(folder.path(), &["--by", "depth"]));
    assert!(left <= ALLOWED && missed <= ALLOWED, "{left} {missed} of {EXPERIMENTS}");
}

#[test]
fn equal_sides_of_a_diff_rarely_differ() {
    // The depth is constant on each side, so both sides have the same trials.
    let folder = store_of(|store, number, normal| {
        for side in ["left", "right"] {
            let mut runs = Vec::new();
            for seed in 0..4 {
                let luck = normal.next();
                runs.extend((0..7).map(|width| {
                    (vec![("width", width), ("seed", seed)], luck + 0.1 * normal.next())
                }));
            }
            record(store, &format!("{side}{number}"), &runs);
        }
    });
    let told_apart = |number: &u32| {
        let difference =
            report(folder.path(), &["diff", &format!("left{number}"), &format!("right{number}")]);
        let score = &difference["metrics"]["score"];
        assert_eq!((score["pairs"].as_u64(), score["seeds"].as_u64()), (Some(28), Some(4)));
        score["verdict"] != "undecided"
    };
    let count = (0..EXPERIMENTS).filter(told_apart).count();
    assert!(count <= ALLOWED, "{count} of {EXPERIMENTS}");
}
