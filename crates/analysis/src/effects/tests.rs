#![allow(clippy::unwrap_used)]
use super::*;

/// Effects in a table with the columns `a`, `b`, seed and metric.
fn effects_of(rows: &[(i64, i64, i64, f64)]) -> Effects {
    let values: Vec<[Value; 3]> =
        rows.iter().map(|row| [row.0, row.1, row.2].map(Value::from)).collect();
    let observations: Vec<Observation<'_>> = values
        .iter()
        .zip(rows)
        .map(|(values, row)| (values.iter().map(Some).collect(), row.3))
        .collect();
    effects(&observations, &["a", "b", "seed"].map(str::to_owned), Some(2))
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

/// x = 10 a + b + a·b + noise. The sums of squares are those of the two-way table with
/// replicates, by numpy; ε² = (SS − df · MSE) / SST.
#[test]
fn shares_equal_those_of_the_analysis_of_variance() {
    let noise = [0.3, -0.1, 0.2, -0.4, 0.1, 0.0, -0.2, 0.5, -0.3, 0.2, 0.1, -0.4];
    let mut rows = Vec::new();
    for (a, b, seed) in
        (0..2).flat_map(|a| (0..2).flat_map(move |b| (0..3).map(move |seed| (a, b, seed))))
    {
        let noise = noise[rows.len()];
        let sum = f64::from(i32::try_from(10 * a + b + a * b).unwrap());
        rows.push((a, b, seed, sum + noise));
    }
    let found = effects_of(&rows);
    assert!(found.balanced);
    assert_eq!(
        found.main.iter().map(|effect| effect.name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    close(found.main[0].range.unwrap(), 10.466666666666667);
    close(found.main[0].share.unwrap(), 0.9773720395987244);
    close(found.main[1].share.unwrap(), 0.01634273720395986);
    let rest = found.rest.unwrap();
    close(rest.interaction.unwrap(), 0.00288644289090465);
    close(rest.replicate.unwrap(), 0.0);
    close(rest.noise, 1.0 - 0.9773720395987244 - 0.01634273720395986 - 0.00288644289090465 - 0.0);
}

/// Seven values, three seeds, pure noise: η² would be 6 / 20 on average.
#[test]
fn noise_has_no_share() {
    let mut state = 1u64;
    let mut mean = 0.0;
    for _ in 0..400 {
        let mut rows = Vec::new();
        for (a, seed) in (0..7).flat_map(|a| (0..3).map(move |seed| (a, seed))) {
            // The sum of twelve uniform numbers is nearly normal.
            let mut sum = 0.0;
            for _ in 0..12 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                sum += f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1u32 << 31);
            }
            rows.push((a, 0, seed, sum - 6.0));
        }
        mean += effects_of(&rows).main[0].share.unwrap() / 400.0;
    }
    // Negative estimates count as 0, so the mean is a little above 0.
    assert!(mean < 0.1, "{mean}");
}

/// b = 1 ran only with a = 1, and is much better. Raw means would attribute its effect to a.
#[test]
fn an_unbalanced_design_uses_common_cells_only() {
    let mut rows = Vec::new();
    for seed in 0..3 {
        let noise = 0.01 * f64::from(i32::try_from(seed).unwrap());
        rows.extend([
            (0, 0, seed, 1.0 + noise),
            (1, 0, seed, 1.5 - noise),
            (1, 1, seed, 9.0 + noise),
        ]);
    }
    let found = effects_of(&rows);
    assert!(!found.balanced && found.rest.is_none());
    let effect = |name: &str| found.main.iter().find(|effect| effect.name == name).unwrap();
    close(effect("a").range.unwrap(), 0.48);
    close(effect("b").range.unwrap(), 7.52);
    assert!(effect("a").share.is_some());
}

#[test]
fn without_common_cells_there_is_no_effect() {
    let rows: Vec<_> =
        (0..4).map(|index| (index, index, 0, f64::from(i32::try_from(index).unwrap()))).collect();
    let found = effects_of(&rows);
    assert!(found.main.iter().all(|effect| effect.range.is_none()
        && effect.share.is_none()
        && effect.levels.len() == 4));
}

#[test]
fn values_that_occur_once_get_no_share() {
    let rows: Vec<_> =
        (0..4).map(|index| (index, 0, 0, f64::from(i32::try_from(index).unwrap()))).collect();
    let found = effects_of(&rows);
    assert_eq!((found.main[0].range, found.main[0].share, found.rest), (Some(3.0), None, None));
}
