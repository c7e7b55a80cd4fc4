//! Parallel coordinates.

use super::charts::{Charts, Measured, axis_value};
use super::figure::{Figure, format_of};
use crate::chart::{self, AxisValue, Labels, NumberFormat, ParallelAxis, ParallelLine};
use crate::narrative;
use crate::number_format;
use crate::wording;

/// The maximum number of settings in the parallel coordinates.
const LINES: usize = 200;

impl Charts<'_> {
    /// All hyperparameters, the metric and time side by side.
    pub fn parallel(&self) -> Option<Figure> {
        let shown = &self.measured[..self.measured.len().min(LINES)];
        if self.comparison.keys.len() < 2 || shown.len() < 2 {
            return None;
        }
        let axes = self.axes(shown);
        let (first, last) = (shown.first()?.statistic.mean, shown.last()?.statistic.mean);
        let (low, high) = shown
            .iter()
            .map(|measured| measured.statistic.mean)
            .fold((first, last), |(low, high), mean| (low.min(mean), high.max(mean)));
        let quality = |mean: f64| match (high > low, self.metric.is_minimized()) {
            (false, _) => 1.0,
            (true, true) => (high - mean) / (high - low),
            (true, false) => (mean - low) / (high - low),
        };
        let line = |measured: &Measured| ParallelLine {
            setting: measured.index,
            label: format!(
                "{}: {}",
                narrative::setting_name(self.comparison, measured.setting),
                number_format::with_unit(self.metric.unit, measured.statistic.mean)
            ),
            quality: quality(measured.statistic.mean),
        };
        let lines: Vec<ParallelLine> = shown.iter().map(line).collect();
        let labels = Labels {
            id: &format!("{}-parallel", self.id),
            title: "Parallel coordinates",
            description: "One line per setting, through its hyperparameters, its time and its metric.",
            x: "",
            y: "",
            x_format: NumberFormat::Number,
            y_format: self.format(),
        };
        let note = self
            .with_limit("better settings have darker lines; drag along an axis to select", LINES);
        Some(Figure {
            svg: chart::parallel_coordinates(&labels, &axes, &lines),
            title: "Parallel coordinates".into(),
            note,
        })
    }

    /// One axis per key, then time and the ranking metric.
    fn axes(&self, shown: &[Measured]) -> Vec<ParallelAxis> {
        let mut axes: Vec<ParallelAxis> = (0..self.comparison.keys.len())
            .map(|key| ParallelAxis {
                title: wording::key(&self.comparison.keys[key]),
                format: NumberFormat::Number,
                values: shown
                    .iter()
                    .map(|measured| measured.setting.values[key].as_ref().map(axis_value))
                    .collect(),
            })
            .collect();
        let metric = self.metric.name.as_str();
        for name in
            ["seconds", metric].into_iter().filter(|name| *name != "seconds" || metric != "seconds")
        {
            let values: Vec<_> = shown
                .iter()
                .map(|measured| {
                    measured.setting.metric(name).map(|value| AxisValue::Number(value.mean))
                })
                .collect();
            if values.iter().any(Option::is_some) {
                let format = format_of(self.comparison.unit(name));
                axes.push(ParallelAxis { title: wording::metric(name), format, values });
            }
        }
        axes
    }
}
