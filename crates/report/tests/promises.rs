//! Counts false claims of `report` about experiments whose settings are truly equal. Each claim may
//! be false in 5 % of the experiments.
#![allow(clippy::unwrap_used, missing_docs)]

mod command;

use std::path::Path;
use std::time::SystemTime;

use command::Test;
use serde_json::Value as Json;
use tempfile::TempDir;
use tracking::{
    Declarations, Experiment, Invocation, Race, RaceRules, Run, RunHeader, Status, Store, TrialId,
    Value,
};

const EXPERIMENTS: u32 = 200;

/// The maximum number of false claims: 5 % of the experiments plus four standard errors of the
/// count.
const ALLOWED: usize = 10 + 12;

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

fn store_of(record: impl Fn(&mut Store, u32, &mut Normal)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut normal = Normal(1);
    (0..EXPERIMENTS).for_each(|number| record(&mut store, number, &mut normal));
    folder
}

/// Records an experiment. Each run has these hyperparameters and this score.
fn record(store: &mut Store, name: &str, runs: &[(Vec<(&str, i64)>, f64)]) {
    let experiment = Experiment { name: name.into(), description: String::new() };
    let invocation = store.begin(&experiment, &Invocation::default()).unwrap();
    for (params, score) in runs {
        let header = RunHeader { trial: trial(params), ..RunHeader::new(name, Status::Finished) };
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

fn trial(params: &[(&str, i64)]) -> TrialId {
    let fields: Vec<String> =
        params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    TrialId::of(&[("all", &fields.join(" "))])
}

fn report(results: &Path, arguments: &[&str]) -> Json {
    let out = Test::new(results).args(arguments).args(&["--format", "json"]).success();
    serde_json::from_str(&out).unwrap()
}

/// Fails if too many experiments reject the setting with `depth` 0 as the best, or have an interval
/// without the true distance to the best, which is 0.
fn assert_few_false_claims(comparisons: &Json) {
    let comparisons = comparisons.as_array().unwrap();
    assert_eq!(comparisons.len(), EXPERIMENTS as usize);
    let count = |is_false: &dyn Fn(&Json) -> bool| {
        let has_false =
            |comparison: &&Json| comparison["settings"].as_array().unwrap().iter().any(is_false);
        comparisons.iter().filter(has_false).count()
    };
    let rejected =
        count(&|setting| setting["params"]["depth"] == 0 && setting["may_be_best"] == false);
    let missed = count(&|setting| setting["distance_to_best"][1].as_f64().unwrap() < 0.0);
    assert!(rejected <= ALLOWED, "{rejected} of {EXPERIMENTS} reject the best");
    assert!(missed <= ALLOWED, "{missed} of {EXPERIMENTS} miss the distance");
}

#[test]
fn best_setting_is_rarely_rejected() {
    let folder = store_of(|store, number, normal| {
        let seed_effects: Vec<f64> = (0..5).map(|_| 2.0 * normal.next()).collect();
        let runs = (0..21).flat_map(|depth| (0..5).map(move |seed| (depth, seed)));
        let runs = runs.map(|(depth, seed)| {
            let score = seed_effects[usize::try_from(seed).unwrap()] + normal.next();
            (vec![("depth", depth), ("seed", seed)], score)
        });
        record(store, &format!("e{number}"), &runs.collect::<Vec<_>>());
    });
    assert_few_false_claims(&report(folder.path(), &[]));
}

#[test]
fn best_setting_rarely_leaves_a_race() {
    let rules = RaceRules::new(vec![3, 5, 8], 0.95, None).unwrap();
    let params = |depth, seed| vec![("depth", depth), ("seed", seed)];
    let race = Race {
        replicate: "seed".into(),
        seeds: (0..8).map(Value::Integer).collect(),
        settings: (0..10).map(|depth| trial(&params(depth, 0))).collect(),
        rules,
        changes: 0,
    };
    let declarations = Declarations { race: Some(race), ..Declarations::default() };
    let folder = store_of(|store, number, normal| {
        let seed_effects: Vec<f64> = (0..8).map(|_| 2.0 * normal.next()).collect();
        let runs = (0..10).flat_map(|depth| (0..8).map(move |seed| (depth, seed)));
        let runs = runs.map(|(depth, seed)| {
            let score = seed_effects[usize::try_from(seed).unwrap()] + normal.next();
            (params(depth, seed), score)
        });
        let name = format!("e{number}");
        record(store, &name, &runs.collect::<Vec<_>>());
        store.declare_metrics(&name, &declarations).unwrap();
    });
    let comparisons = report(folder.path(), &[]);
    let has_left = |comparison: &&Json| {
        let mut settings = comparison["settings"].as_array().unwrap().iter();
        settings.any(|row| row["params"]["depth"] == 0 && !row["left"].is_null())
    };
    let comparisons = comparisons.as_array().unwrap();
    assert!(comparisons.iter().all(|comparison| comparison["race"]["over"] == true));
    let count = comparisons.iter().filter(has_left).count();
    assert!(count <= ALLOWED, "{count} of {EXPERIMENTS}");
}

#[test]
fn equal_groups_rarely_differ() {
    // Runs of one depth and seed share a random effect, so the seven widths are not independent.
    let folder = store_of(|store, number, normal| {
        for depth in 0..2 {
            let mut runs = Vec::new();
            for seed in 0..4 {
                let seed_effect = normal.next();
                runs.extend((0..7).map(|width| {
                    let width_effect = f64::from(i32::try_from(width).unwrap());
                    let params = vec![("depth", depth), ("width", width), ("seed", seed)];
                    (params, seed_effect + 0.1 * normal.next() + width_effect)
                }));
            }
            record(store, &format!("e{number}"), &runs);
        }
    });
    assert_few_false_claims(&report(folder.path(), &["--by", "depth"]));
}

#[test]
fn equal_sides_rarely_differ_in_diff() {
    // Both sides have the same trials, so each run has a counterpart.
    let folder = store_of(|store, number, normal| {
        for side in ["left", "right"] {
            let mut runs = Vec::new();
            for seed in 0..4 {
                let seed_effect = normal.next();
                runs.extend((0..7).map(|width| {
                    (vec![("width", width), ("seed", seed)], seed_effect + 0.1 * normal.next())
                }));
            }
            record(store, &format!("{side}{number}"), &runs);
        }
    });
    let differs = |number: &u32| {
        let difference =
            report(folder.path(), &["diff", &format!("left{number}"), &format!("right{number}")]);
        let score = &difference["metrics"]["score"];
        assert_eq!((score["pairs"].as_u64(), score["seeds"].as_u64()), (Some(28), Some(4)));
        score["verdict"] != "undecided"
    };
    let count = (0..EXPERIMENTS).filter(differs).count();
    assert!(count <= ALLOWED, "{count} of {EXPERIMENTS}");
}
