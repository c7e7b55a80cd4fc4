//! Races of real sweeps, whose programs print what 100 recorded seeds measured.

use super::{outcome, race_of};
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
        let mut seeds: Vec<u128> = (0..100).collect();
        let mut drawn = Vec::new();
        while drawn.len() < 20 {
            let limit = std::time::Duration::from_micros(u64::try_from(seeds.len()).unwrap());
            let index = usize::try_from(random.next(limit).as_micros()).unwrap();
            drawn.push(seeds.swap_remove(index));
        }
        let raced = sweep.runner(&format!("r.toml -j 4 -r draw-{draw}"));
        let raced = raced.set(&format!("sweep.seed={drawn:?}")).success();
        let outcome = outcome(&raced);
        let results = sweep.results_in(&format!("draw-{draw}"));
        let runs_of_best = format!("params WHERE name = 'setting' AND value = '{best}'");
        let most: i64 = results.query(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM params WHERE name = 'setting' GROUP BY value)",
        );
        assert_eq!(results.count(&runs_of_best), most, "the best left: {outcome}");
        results.count("runs")
    };
    (0..draws).map(race).collect()
}

#[test]
fn race_of_batch_sweep_needs_a_fifth_of_the_grid() {
    let population = include_str!("../../../../analysis/tests/race/batch_sweep.txt");
    let runs = races(population, "batch_size 16, decay 0", 3);
    let mean = runs.iter().sum::<i64>() / 3;
    assert!((75..100).contains(&mean), "{runs:?}");
}
