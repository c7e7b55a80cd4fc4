//! The metric over two hyperparameters.

use std::cmp::Reverse;

use analysis::effects::Effect;
use analysis::statistics::Statistic;
use tracking::Value;

use super::charts::{Charts, Measured};
use super::figure::Figure;
use crate::chart::{self, HeatMap, Labels, NumberFormat};
use crate::wording;

/// The maximum number of values on a side of a heat map.
const CELLS: usize = 24;

impl Charts<'_> {
    /// The metric over the two hyperparameters with the largest effects.
    pub fn heat(&self) -> Option<Figure> {
        let comparison = self.comparison;
        // In a race, results decided which runs exist: means over several settings would mislead.
        if comparison.is_raced() && comparison.keys.len() > 2 {
            return None;
        }
        let mut keys: Vec<&Effect> = comparison
            .effects
            .main
            .iter()
            .filter(|effect| comparison.keys.contains(&effect.name))
            .take(2)
            .collect();
        let [_, _] = keys[..] else { return None };
        // The longer side shows the hyperparameter with more values.
        keys.sort_by_key(|effect| Reverse(effect.levels.len()));
        let [across, down] = keys[..] else { return None };
        if across.levels.len() > CELLS || down.levels.len() > CELLS {
            return None;
        }
        let cells = self.mean_cells(across, down)?;
        let names = |levels: &[(Value, Option<Statistic>)]| {
            levels.iter().map(|(value, _)| wording::value(value)).collect::<Vec<_>>()
        };
        let (x, y) = (wording::key(&across.name), wording::key(&down.name));
        let title = format!("{} over {x} and {y}", wording::metric(&self.metric.name));
        let labels = Labels {
            id: &format!("{}-heat", self.id),
            title: &title,
            description: "One cell per pair of values: the mean of all runs with both.",
            x: &x,
            y: &y,
            x_format: NumberFormat::Number,
            y_format: self.format(),
        };
        let heat = HeatMap {
            columns: &names(&across.levels),
            rows: &names(&down.levels),
            cells: &cells,
            format: self.format(),
        };
        let others =
            if self.comparison.keys.len() > 2 { ", over all values of the others" } else { "" };
        let note = format!("mean of all runs with both values{others}");
        Some(Figure { svg: chart::heat_map(&labels, &heat), title: title.clone(), note })
    }

    /// The mean of all runs with each pair of values; one row per value of `down`. `None` if no run
    /// has both hyperparameters.
    fn mean_cells(&self, across: &Effect, down: &Effect) -> Option<Vec<Vec<Option<f64>>>> {
        let position = |name: &str| self.comparison.keys.iter().position(|key| key == name);
        let (column_key, row_key) = (position(&across.name)?, position(&down.name)?);
        let mut cells = vec![vec![(0.0, 0.0); across.levels.len()]; down.levels.len()];
        for Measured { setting, statistic, .. } in self.measured {
            let index = |levels: &[(Value, Option<Statistic>)], value: Option<&Value>| {
                levels.iter().position(|(level, _)| {
                    value.is_some_and(|value| level.total_cmp(value).is_eq())
                })
            };
            let column = index(&across.levels, setting.values[column_key].as_ref());
            let row = index(&down.levels, setting.values[row_key].as_ref());
            if let (Some(column), Some(row)) = (column, row) {
                #[allow(clippy::cast_precision_loss, reason = "fewer than 2⁵² runs")]
                let n = statistic.n as f64;
                let (sum, count) = &mut cells[row][column];
                *sum += n * statistic.mean;
                *count += n;
            }
        }
        let mean = |(sum, count): &(f64, f64)| (*count > 0.0).then(|| sum / count);
        let cells: Vec<Vec<_>> = cells.iter().map(|row| row.iter().map(mean).collect()).collect();
        cells.iter().flatten().any(Option::is_some).then_some(cells)
    }
}
