//! Levels of settings that ran on different replicates: a least-squares fit of setting + replicate.
//!
//! The mean of a setting that ran only on favourable seeds is too high. The fit x = setting + block
//! removes the effect of the blocks. A block is a replicate in a cell. In a complete table, the fit
//! gives the raw means.

use std::collections::BTreeMap;

use super::samples::{Samples, replicate_means};
use super::statistics::Statistic;

/// The level of each setting: its raw mean in a complete table, else its fitted level.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// One level per setting; `None` if it has no value.
    pub values: Vec<Option<f64>>,
    /// Whether every setting with a value has every block.
    pub complete: bool,
    /// Whether shared blocks connect all settings. If not, only levels of connected settings are
    /// comparable.
    pub connected: bool,
}

/// Levels of all settings.
pub fn levels(settings: &[Samples]) -> Levels {
    let raw: Vec<Option<f64>> = settings
        .iter()
        .map(|samples| Statistic::of(replicate_means(samples)).map(|statistic| statistic.mean))
        .collect();
    let coordinates = |samples: &Samples| {
        samples.iter().map(|sample| (sample.replicate, sample.cell)).collect::<Vec<_>>()
    };
    let mut measured = settings.iter().filter(|samples| !samples.is_empty());
    let first = measured.next().map(coordinates);
    if measured.all(|samples| Some(coordinates(samples)) == first) {
        return Levels { values: raw, complete: true, connected: true };
    }
    let (values, connected) = fit(settings);
    Levels { values, complete: false, connected }
}

/// Fits the levels by conjugate gradients on the normal equations, from which the blocks are
/// eliminated. Returns the levels, and whether blocks connect all settings.
fn fit(settings: &[Samples]) -> (Vec<Option<f64>>, bool) {
    let mut blocks: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for sample in settings.iter().flatten() {
        let next = blocks.len();
        blocks.entry((sample.replicate, sample.cell)).or_insert(next);
    }
    let values: Vec<Vec<(usize, f64)>> = settings
        .iter()
        .map(|samples| {
            samples
                .iter()
                .map(|sample| (blocks[&(sample.replicate, sample.cell)], sample.value))
                .collect()
        })
        .collect();
    let mut sizes = vec![0.0; blocks.len()];
    values.iter().flatten().for_each(|(block, _)| sizes[*block] += 1.0);

    // Each setting has one normal equation. Both sides are sums of deviations from block means: of
    // the levels on the left, of the values on the right. `sums` computes both.
    let block_means = |operand: &dyn Fn(usize, f64) -> f64| {
        let mut means = vec![0.0; sizes.len()];
        for (setting, values) in values.iter().enumerate() {
            values.iter().for_each(|(block, value)| {
                means[*block] += operand(setting, *value) / sizes[*block]
            });
        }
        means
    };
    let sums = |operand: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
        let means = block_means(operand);
        let sum = |(setting, values): (usize, &Vec<(usize, f64)>)| {
            values.iter().map(|(block, value)| operand(setting, *value) - means[*block]).sum()
        };
        values.iter().enumerate().map(sum).collect()
    };
    let level = solve(sums(&|_, value| value), &|direction| sums(&|setting, _| direction[setting]));

    // The fit determines only differences within a component: each component keeps its raw mean.
    let component = components(&values, sizes.len());
    let mut offsets: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (setting, values) in values.iter().enumerate() {
        for (_, value) in values {
            let (sum, number) = offsets.entry(component[setting]).or_default();
            *sum += value - level[setting];
            *number += 1.0;
        }
    }
    let fitted = |(setting, values): (usize, &Vec<(usize, f64)>)| {
        let (sum, number) = offsets.get(&component[setting]).copied().unwrap_or_default();
        (!values.is_empty()).then(|| level[setting] + sum / number)
    };
    (values.iter().enumerate().map(fitted).collect(), offsets.len() <= 1)
}

/// Solves A x = `right` by conjugate gradients from 0, where `product` computes A x and A is
/// symmetric positive semidefinite.
fn solve(right: Vec<f64>, product: &dyn Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let add = |to: &mut [f64], factor: f64, other: &[f64]| {
        to.iter_mut().zip(other).for_each(|(to, other)| *to += factor * other)
    };
    let (mut x, mut direction, mut residual) = (vec![0.0; right.len()], right.clone(), right);
    let mut squared_norm = dot(&residual, &residual);
    let tolerance = 1e-26 * squared_norm;
    for _ in 0..2 * x.len() {
        if squared_norm <= tolerance {
            break;
        }
        let change = product(&direction);
        let step = squared_norm / dot(&direction, &change);
        if !step.is_finite() {
            break;
        }
        add(&mut x, step, &direction);
        add(&mut residual, -step, &change);
        let next = dot(&residual, &residual);
        let ratio = next / squared_norm;
        direction
            .iter_mut()
            .zip(&residual)
            .for_each(|(direction, residual)| *direction = residual + ratio * *direction);
        squared_norm = next;
    }
    x
}

/// The component of each setting: equal for settings that blocks connect.
fn components(values: &[Vec<(usize, f64)>], blocks: usize) -> Vec<usize> {
    // Union-find over settings followed by blocks.
    let mut parents: Vec<usize> = (0..values.len() + blocks).collect();
    for (setting, of_setting) in values.iter().enumerate() {
        for (block, _) in of_setting {
            let (a, b) = (root(&mut parents, setting), root(&mut parents, values.len() + block));
            parents[a.max(b)] = a.min(b);
        }
    }
    (0..values.len()).map(|setting| root(&mut parents, setting)).collect()
}

/// The root of the tree with `index`. Shortens the path to it.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::samples::Sample;

    /// One row per setting, one column per replicate; NaN for a missing run.
    fn table(rows: &[&[f64]]) -> Vec<Samples> {
        let row = |row: &&[f64]| {
            let sample =
                |(replicate, value): (usize, &f64)| Sample { replicate, cell: 0, value: *value };
            row.iter().enumerate().filter(|(_, value)| value.is_finite()).map(sample).collect()
        };
        rows.iter().map(row).collect()
    }

    fn close(found: &[Option<f64>], expected: &[f64]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?} {expected}");
        }
    }

    const NONE: f64 = f64::NAN;

    #[test]
    fn a_complete_table_keeps_its_raw_means() {
        let levels = levels(&table(&[&[1.0, 2.0, 6.0], &[0.0, 1.0, 2.0]]));
        assert_eq!(
            (levels.values, levels.complete, levels.connected),
            (vec![Some(3.0), Some(1.0)], true, true)
        );
    }

    /// The second setting ran only on the favourable replicate, and was worse there.
    #[test]
    fn the_effect_of_a_favourable_replicate_is_removed() {
        let levels = levels(&table(&[&[1.0, 1.0, 7.0], &[NONE, NONE, 6.0]]));
        assert!(!levels.complete && levels.connected);
        let [Some(first), Some(second)] = levels.values[..] else { unreachable!() };
        assert!((first - second - 1.0).abs() < 1e-12, "{first} {second}");
    }

    /// `numpy.linalg.lstsq` of setting + seed in a table with missing values. Differences are from
    /// the first setting.
    #[test]
    fn the_fit_equals_that_of_numpy() {
        let rows: [&[f64]; 4] = [
            &[0.9141, 0.9137, NONE, 0.9150, 0.9129],
            &[NONE, 0.9131, 0.9122, NONE, 0.9111],
            &[0.9085, NONE, 0.9079, 0.9080, NONE],
            &[NONE, NONE, 0.9141, NONE, 0.9121],
        ];
        let levels = levels(&table(&rows));
        let differences: Vec<Option<f64>> = levels
            .values
            .iter()
            .map(|level| Some(level.unwrap() - levels.values[0].unwrap()))
            .collect();
        close(
            &differences,
            &[0.0, -0.0014352941176485334, -0.0062058823529427265, -0.00019411764706056545],
        );
    }

    #[test]
    fn settings_without_common_replicates_keep_their_means() {
        let levels =
            levels(&table(&[&[1.0, 3.0, NONE, NONE], &[NONE, NONE, 5.0, 7.0], &[NONE; 4]]));
        assert!(!levels.complete && !levels.connected);
        close(&levels.values[..2], &[2.0, 6.0]);
        assert_eq!(levels.values[2], None);
    }

    /// A chain: each setting shares one replicate with the next.
    #[test]
    fn a_long_chain_of_replicates_is_fitted() {
        let length = 300;
        let chain: Vec<Samples> = (0..length)
            .map(|setting: u32| {
                let value = |replicate: u32| 0.01 * f64::from(setting) + f64::from(replicate % 7);
                let sample = |replicate: u32| Sample {
                    replicate: replicate as usize,
                    cell: 0,
                    value: value(replicate),
                };
                vec![sample(setting), sample(setting + 1)]
            })
            .collect();
        let levels = levels(&chain).values;
        assert!(
            (levels[length as usize - 1].unwrap()
                - levels[0].unwrap()
                - 0.01 * f64::from(length - 1))
            .abs()
                < 1e-8
        );
    }
}
