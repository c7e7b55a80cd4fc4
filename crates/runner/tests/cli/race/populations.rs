//! Races of real sweeps, whose programs print what 100 recorded seeds measured.

use std::time::Duration;

use analysis::race::{Decision, Raced};
use analysis::runs::measured_at_end;
use tracking::Reader;
use tracking::metric::Rules;

use super::race_of;
use crate::kill::Delays;

/// Prints the seed-th number of a line `SETTING: NUMBER NUMBER …`.
const SCRIPT: &str = r#"
while IFS=: read -r name values; do
    [ "$name" = "$1" ] || continue
    seed=$2
    set -- $values
    shift "$seed"
    echo "{\"test_accuracy\": 0.$1}"
    exit
done < population
exit 1
"#;

/// What the record decides.
fn decision(reader: &Reader, experiment: &str) -> Decision {
    let declared = reader.declarations(experiment).unwrap();
    let runs = measured_at_end(reader, reader.runs(experiment).unwrap()).unwrap();
    Raced::read(declared.race.as_ref().unwrap(), &runs, &Rules::new(&[], &declared)).decision
}

/// Races a population to 20 seeds, in as many random orders of the seeds as there are `draws`.
/// Returns the number of runs of each race, and asserts that the best setting stays in the race.
fn races(population: &str, best: &str, draws: u32) -> Vec<i64> {
    let is_setting = |line: &&str| !line.starts_with('#');
    let names = population.lines().filter(is_setting).map(|line| line.split_once(':').unwrap().0);
    let names: Vec<&str> = names.collect();
    let experiment = format!(
        "name = 'p'\n[program]\ncommand = ['sh', 'train.sh', '{{setting}}', '{{seed}}']\n\
         files = ['train.sh', 'population']\n[sweep]\nsetting = {names:?}\n[race]\n"
    );
    let sweep = race_of(&experiment, SCRIPT);
    sweep.write("population", population);
    let mut random = Delays(7);
    let race = |draw| {
        let mut seeds: Vec<u32> = (0..100).collect();
        seeds.sort_by_cached_key(|_| random.next(Duration::from_secs(1)));
        let drawn = &seeds[..20];
        let folder = format!("draw-{draw}");
        let raced = sweep.runner(&format!("r.toml -q -j 4 -r {folder}"));
        raced.set(&format!("sweep.seed={drawn:?}")).success();
        let results = sweep.results_in(&folder);
        let decision = decision(&results.reader(), "p");
        assert!(decision.end.is_some());
        let best = names.iter().position(|name| *name == best).unwrap();
        assert_eq!(decision.exits[best], None, "the best left: {decision:?}");
        results.count("runs")
    };
    (0..draws).map(race).collect()
}

/// The simulations of `analysis` give the mean of many draws: 85 of 420 runs.
#[test]
fn race_of_batch_sweep_needs_a_fifth_of_the_grid() {
    let population = include_str!("../../../../analysis/tests/race/batch_sweep.txt");
    let runs = races(population, "batch_size 16, decay 0", 3);
    let mean = runs.iter().sum::<i64>() / 3;
    assert!((75..100).contains(&mean), "{runs:?}");
}

/// The simulations of `analysis` give 170 of 400 runs.
#[test]
fn race_of_decay_sweep_needs_less_than_half_of_the_grid() {
    let population = include_str!("../../../../analysis/tests/race/decay_sweep.txt");
    let runs = races(population, "decay 0.001, learning_rate 1", 2);
    let mean = runs.iter().sum::<i64>() / 2;
    assert!((130..200).contains(&mean), "{runs:?}");
}
