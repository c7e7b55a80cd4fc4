//! Spaces: unions, zips, exclusions and samples.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use proptest::prelude::*;
use tracking::{Shard, Value};

use crate::experiment::fixtures::plan;
use crate::experiment::group::groups;
use crate::experiment::plan::Plan;
use crate::experiment::shard::part;

const HEAD: &str = "name='a'\ndata={dataset='digits'}\n";

const PROGRAM: &str = "name='a'\nprogram={command=['true','{params}']}\n";

fn built_in(text: &str) -> Plan {
    plan(&format!("{HEAD}{text}")).unwrap()
}

fn program(text: &str) -> Plan {
    plan(&format!("{PROGRAM}{text}")).unwrap()
}

fn error(text: &str) -> String {
    plan(&format!("{HEAD}{text}")).unwrap_err()
}

/// The trials without the names of hyperparameters: `32 0.01`.
fn values(plan: &Plan) -> Vec<String> {
    let values = |params: &[(String, Value)]| {
        let varying = params.iter().filter(|(name, _)| plan.varying.contains(name));
        varying.map(|(_, value)| value.short()).collect::<Vec<_>>().join(" ")
    };
    plan.trials.iter().map(|trial| values(&trial.params)).collect()
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.trials.iter().map(|trial| trial.id.as_str()).collect()
}

#[test]
fn union_has_each_trial_once_in_the_order_of_the_file() {
    let plan = built_in(
        "[[sweep]]\nbatch_size=[64,32]\nseed=[0,1]\n[[sweep]]\nseed=[1,2]\nbatch_size=[32,64]\n\
         [[sweep]]\ndecay=[0.1]\n",
    );
    assert_eq!(plan.varying, ["decay", "batch_size", "seed"]);
    let expected = ["0 64 0", "0 64 1", "0 32 0", "0 32 1", "0 32 2", "0 64 2", "0.1 32 0"];
    assert_eq!(values(&plan), expected);
}

#[test]
fn sweeps_of_a_program_may_have_different_hyperparameters() {
    let plan = program("[[sweep]]\ndepth=[1,2]\n[[sweep]]\ndepth=[2]\nrate=[0.5]\n[[sweep]]\n");
    let names = |index: usize| plan.trials[index].params.len();
    assert_eq!([0, 1, 2, 3].map(names), [1, 1, 2, 0]);
    assert_eq!(plan.varying, ["depth", "rate"]);
}

#[test]
fn dotted_keys_booleans_and_texts_are_hyperparameters() {
    let plan = program(
        "train.optimizer.name='adam'\n[sweep]\noptimizer.lr=[0.1,0.2]\nnesterov=[true,false]\n\
         zip={ model.depth=[1,2], model.kind=['small','large'] }\n",
    );
    assert_eq!(plan.varying, ["model.depth", "model.kind", "nesterov", "optimizer.lr"]);
    assert_eq!(values(&plan)[..3], ["1 small true 0.1", "2 large true 0.1", "1 small false 0.1"]);
    let names: Vec<&str> = plan.trials[0].params.iter().map(|(name, _)| &**name).collect();
    let sorted = ["model.depth", "model.kind", "nesterov", "optimizer.lr", "optimizer.name"];
    assert_eq!(names, sorted);
}

#[test]
fn zipped_lists_vary_together() {
    let plan = built_in(
        "[sweep]\nseed=[0,1]\nzip={ learning_rate=[0.01,0.02,0.02], batch_size=[32,64,32] }\n",
    );
    let expected = ["0.01 32 0", "0.02 64 0", "0.02 32 0", "0.01 32 1", "0.02 64 1", "0.02 32 1"];
    assert_eq!(values(&plan), expected);
}

#[test]
fn excluded_combinations_are_left_out() {
    let grid = "[sweep]\nbatch_size=[128,256,512]\nlearning_rate=[0.001,0.1]\n";
    let plan = built_in(&format!("{grid}exclude='batch size > 128 and learning_rate < 0.01'\n"));
    assert_eq!(values(&plan), ["1e-3 128", "0.1 128", "0.1 256", "0.1 512"]);
    let plan = built_in(&format!("{grid}exclude=['batch_size=128','learning_rate=0.1']\n"));
    assert_eq!(values(&plan), ["256", "512"]);
    assert_eq!(built_in(&format!("{grid}exclude=[]\n")).trials.len(), 6);
}

#[test]
fn error_of_a_condition_points_into_its_text() {
    let sweep = "[sweep]\nseed=[0,1]\nexclude=['seed=0', 'seed=1 or sed=2']\n";
    assert!(error(sweep).contains(":5:31"), "{}", error(sweep));
    let escaped = "[sweep]\nseed=[0,1]\nexclude=\"seed=1 \\u006fr sed=2\"\n";
    assert!(error(escaped).contains(":5:9"), "{}", error(escaped));
}

#[test]
fn sample_leaves_seeds_and_counts_crossed() {
    let plan = built_in(
        "[sweep]\nseed={from=0,to=1}\nlearning_rate={from=1e-4,to=0.1,scale='log'}\n\
         decay={from=0,to=1,count=2}\nbatch_size={from=16,to=512,step=16}\nsample=8\n",
    );
    assert_eq!(plan.trials.len(), 8 * 2 * 2);
    // The point varies slowest, then the keys in the order of the file.
    let crossed: Vec<_> = plan.trials[..4]
        .iter()
        .map(|trial| ["seed", "decay"].map(|name| trial.param(name).unwrap().short()))
        .collect();
    assert_eq!(crossed, [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]);
    let points: HashSet<String> = plan
        .trials
        .iter()
        .map(|trial| ["learning_rate", "batch_size"].map(|name| trial.param(name).unwrap().short()))
        .map(|point| point.join(" "))
        .collect();
    assert_eq!(points.len(), 8);
}

#[test]
fn declared_replicate_stays_crossed_and_the_seed_is_sampled() {
    let sweep = "[metrics]\nreplicate='epochs'\n[sweep]\nepochs=[1,2]\nseed=[7,8,9]\nsample=4\n";
    let plan = built_in(sweep);
    let seeds = |epochs: i64| {
        let of_epochs = plan
            .trials
            .iter()
            .filter(move |trial| trial.param("epochs") == Some(&Value::Integer(epochs)));
        of_epochs.map(|trial| trial.param("seed").unwrap().clone()).collect::<Vec<_>>()
    };
    assert_eq!(seeds(1), seeds(2));
    assert!((2..=3).contains(&seeds(1).len()), "{:?}", seeds(1));
}

/// The first 64 points of a Sobol sequence have one coordinate in each of 64 equal intervals.
#[test]
fn sobol_sample_covers_each_part_of_a_range() {
    let plan = program("[sweep]\nx={from=0,to=63}\ny={from=1.0,to=1e6,scale='log'}\nsample=64\n");
    let column = |name: &str| {
        let values =
            plan.trials.iter().map(|trial| trial.param(name).unwrap().as_number().unwrap());
        values.collect::<Vec<f64>>()
    };
    let mut x = column("x");
    x.sort_by(f64::total_cmp);
    assert_eq!(x, (0..64).map(f64::from).collect::<Vec<_>>());
    let decades = |decade: i32| {
        let range = 10f64.powi(decade)..10f64.powi(decade + 1);
        column("y").into_iter().filter(|y| range.contains(y)).count()
    };
    assert!((0..6).all(|decade| (10..=11).contains(&decades(decade))), "{:?}", values(&plan));
}

#[test]
fn log_scale_of_integers_has_both_bounds() {
    let plan = program("[sweep]\nn={from=1,to=1000,scale='log'}\nsample=512\n");
    let numbers: HashSet<i64> = plan
        .trials
        .iter()
        .filter_map(|trial| match trial.param("n") {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        })
        .collect();
    // Each trial once: small numbers are sampled several times.
    assert_eq!(numbers.len(), plan.trials.len());
    assert!((1..=20).chain([999, 1000]).filter(|number| numbers.contains(number)).count() >= 20);
    assert!(numbers.iter().all(|number| (1..=1000).contains(number)));
}

#[test]
fn larger_limits_than_the_sampler_has_are_errors() {
    let range = "seed=[0]\nlearning_rate={from=0.1,to=1}\n";
    assert!(error(&format!("[sweep]\n{range}sample=65537\n")).contains("from 1 to 65536"));
    let many: String = (0..257).map(|index| format!("x{index}=[0,1]\n")).collect();
    let error = plan(&format!("{PROGRAM}[sweep]\n{many}sample=2\n")).unwrap_err();
    assert!(error.contains("at most 256 dimensions, found 257"), "{error}");
    let random = format!("{PROGRAM}[sweep]\n{many}sample=2\nsampler='random'\n");
    assert_eq!(plan(&random).unwrap().trials.len(), 2);
}

#[test]
fn number_of_trials_is_limited_before_they_are_made() {
    let wide = "seed={from=0,to=99999}\n";
    for sweep in [
        format!("[sweep]\n{wide}epochs=[1,2]\n"),
        format!("[[sweep]]\n{wide}[[sweep]]\nepochs=[3]\n"),
        format!("[[sweep]]\n{wide}[[sweep]]\n"),
        format!("[sweep]\n{wide}decay={{from=0,to=1}}\nsample=2\n"),
        "[sweep]\nzip={seed={from=0,to=99999}}\nepochs=[1,2]\n".to_owned(),
    ] {
        assert!(error(&sweep).contains("too many trials"), "{}", error(&sweep));
    }
    let names: String = (0..5_000).map(|index| format!("x{index}={{from=0,to=99999}}\n")).collect();
    let error = plan(&format!("{PROGRAM}[sweep]\n{names}")).unwrap_err();
    assert!(error.contains("too many trials"), "{error}");
}

fn any_sweep() -> impl Strategy<Value = String> {
    let batch_sizes = prop::collection::btree_set(1u32..5, 1..4);
    let seeds = prop::collection::btree_set(0u32..4, 1..4);
    let rates = prop::collection::vec(1u32..4, 0..3);
    (batch_sizes, seeds, rates).prop_map(|(batch_sizes, seeds, rates)| {
        let (batch_sizes, seeds) = (Vec::from_iter(batch_sizes), Vec::from_iter(seeds));
        let rates: Vec<f64> = rates.into_iter().map(|rate| f64::from(rate) / 10.0).collect();
        let epochs: Vec<usize> = (1..=rates.len()).collect();
        match rates.is_empty() {
            true => format!("batch_size={batch_sizes:?}\nseed={seeds:?}\n"),
            false => format!(
                "batch_size={batch_sizes:?}\nzip={{learning_rate={rates:?},epochs={epochs:?}}}\n"
            ),
        }
    })
}

proptest! {
    #[test]
    fn plan_of_a_union_is_the_union_of_the_plans(
        sweeps in prop::collection::vec(any_sweep(), 1..5),
    ) {
        let tables: String = sweeps.iter().map(|sweep| format!("[[sweep]]\n{sweep}")).collect();
        let union = built_in(&tables);
        let plans: Vec<Plan> =
            sweeps.iter().map(|sweep| built_in(&format!("[sweep]\n{sweep}"))).collect();
        let mut expected: Vec<&str> = Vec::new();
        for id in plans.iter().flat_map(ids) {
            if !expected.contains(&id) {
                expected.push(id);
            }
        }
        prop_assert_eq!(ids(&union), expected);
    }

    #[test]
    fn larger_sample_only_adds_trials_whatever_the_order_of_keys(
        small in 1usize..40,
        more in 0usize..40,
        seed: u32,
        sampler in prop::sample::select(vec!["sobol", "random"]),
    ) {
        let [rate, size, zip] = [
            "learning_rate={from=1e-4,to=0.1,scale='log'}\n",
            "batch_size=[16,32,64]\n",
            "zip={decay=[0.1,0.2],epochs=[1,2]}\n",
        ];
        let settings = |sample| {
            format!("seed=[0,1]\nsample={sample}\nsampler='{sampler}'\nsample_seed={seed}\n")
        };
        let few = built_in(&format!("[sweep]\n{rate}{size}{zip}{}", settings(small)));
        let many = built_in(&format!("[sweep]\n{zip}{}{size}{rate}", settings(small + more)));
        prop_assert_eq!(few.trials.len(), 2 * small);
        prop_assert_eq!(ids(&few), &ids(&many)[..few.trials.len()]);
    }

    #[test]
    fn shards_of_a_sample_partition_it(sample in 1u32..60, seed in 0u32..1000, count in 1u32..9) {
        let plan = built_in(&format!(
            "[sweep]\nepochs={{from=1,to=9}}\nlearning_rate={{from=0.1,to=1}}\nseed=[0,1]\n\
             sample={sample}\nsample_seed={seed}\n"
        ));
        let shard = |index| part(groups(&plan.trials), Shard { index, count });
        let groups: Vec<_> = (0..count).flat_map(shard).collect();
        let mut found: Vec<&str> =
            groups.iter().flat_map(|group| &group.trials).map(|trial| trial.id.as_str()).collect();
        found.sort_unstable();
        let mut expected = ids(&plan);
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn excluded_and_kept_trials_are_the_whole_plan(limit in 0u32..5, operator in "[<>]=?") {
        let grid = "[sweep]\nseed=[1,2,3]\nbatch_size=[1,2]\n";
        let part = |condition: &str| plan(&format!("{HEAD}{grid}exclude=\"{condition}\"\n"));
        let condition = format!("seed {operator} {limit}");
        let kept = [part(&condition), part(&format!("not {condition}"))];
        let count = |plan: &Result<Plan, String>| plan.as_ref().map_or(0, |plan| plan.trials.len());
        prop_assert_eq!(kept.iter().map(count).sum::<usize>(), 6);
    }

    #[test]
    fn no_setting_of_a_race_panics(
        key in prop::sample::select(vec!["seeds", "confidence", "indifference"]),
        value in prop_oneof!["[ -~]{0,12}", "-?[0-9.]{1,20}", "\\[[0-9, -]{0,20}\\]"],
        seed in prop_oneof!["-?[0-9.]{1,20}", "[0-9]", "'[a-z]'"],
        most in 2usize..9,
    ) {
        for head in [HEAD, PROGRAM] {
            let _ = plan(&format!("{head}[sweep]\nseed = [{seed}]\n[race]\n{key} = {value}\n"));
            let _ = plan(&format!(
                "{head}[[sweep]]\nseed = [{seed}]\n[[sweep]]\nepochs=[1,2]\n[race]\nseeds = [{most}]\n"
            ));
        }
    }

    #[test]
    fn no_setting_of_a_sweep_panics(
        key in prop::sample::select(vec!["zip", "exclude", "sample", "sampler", "sample_seed", "x"]),
        value in prop_oneof![
            "[ -~]{0,12}",
            "\\{ ?[a-z_.]{1,8} ?= ?[ -~]{0,8}\\}",
            "-?[0-9]{1,20}",
            "['\"\\[a-z =<>&()0-9\\]]{0,16}",
        ],
        log in any::<bool>(),
    ) {
        let scale = if log { "log" } else { "linear" };
        let range = format!("{{ from = -1, to = 9223372036854775807, scale = '{scale}' }}");
        for head in [HEAD, PROGRAM] {
            let _ = plan(&format!("{head}[sweep]\nseed = [0]\n{key} = {value}\n"));
            let _ = plan(&format!("{head}[[sweep]]\n{key} = {value}\nseed = {range}\nsample = 3\n"));
            let _ = plan(&format!("{head}[[sweep]]\nepochs = {value}\nsample = 3\n"));
        }
    }
}
