//! The metric against a hyperparameter and against time.

use super::charts::{Charts, Measured, axis_value};
use super::figure::Figure;
use crate::chart::{self, AxisValue, Dot, Labels, NumberFormat};
use crate::wording;

/// The maximum number of settings in a chart of dots.
const DOTS: usize = 400;

impl Charts<'_> {
    /// The metric against the hyperparameter `key`.
    pub fn against(&self, key: usize) -> Option<Figure> {
        let name = &self.comparison.keys[key];
        let effect = self.comparison.effects.main.iter().find(|effect| effect.name == *name)?;
        let dot = |measured: &Measured| {
            let x = axis_value(measured.setting.values[key].as_ref()?);
            Some(self.dot(measured, x))
        };
        let dots: Vec<Dot> = self.measured.iter().take(DOTS).filter_map(dot).collect();
        // In a race, results decided which runs exist: means over several settings would mislead.
        let levels = if self.comparison.is_raced() { &[][..] } else { &effect.levels };
        let means: Vec<(AxisValue, f64)> = levels
            .iter()
            .take(DOTS)
            .filter_map(|(value, mean)| Some((axis_value(value), (*mean)?.mean)))
            .collect();
        let (x, y) = (wording::key(name), wording::metric(&self.metric.name));
        let title = format!("{y} against {x}");
        let labels = Labels {
            id: &format!("{}-key{key}", self.id),
            title: &title,
            description: match means.is_empty() {
                true => "One dot per setting, with the 95 % interval of its own mean.",
                false => {
                    "One dot per setting, with the 95 % interval of its own mean; the line joins the means of the values."
                }
            },
            x: &x,
            y: &y,
            x_format: NumberFormat::Number,
            y_format: self.format(),
        };
        let line = match self.comparison.effects.balanced {
            _ if means.is_empty() => "",
            true => "; line: mean of all runs",
            false => "; line: mean of runs that differ in nothing else",
        };
        let bars = "bars: 95 % confidence interval of each mean by itself";
        let note = self.with_limit(&format!("{bars}{line}"), DOTS);
        Some(Figure {
            svg: chart::scatter_plot(&labels, &dots, &means),
            title: title.clone(),
            note,
        })
    }

    /// The metric against time, with the front: the settings that no other beats in both.
    pub fn front(&self) -> Option<Figure> {
        let dot = |measured: &Measured| {
            let seconds = measured.setting.metric("seconds")?.mean;
            Some(self.dot(measured, AxisValue::Number(seconds)))
        };
        // All settings on the front are shown, whatever their number.
        let is_shown = |(position, measured): &(usize, &Measured)| {
            *position < DOTS || measured.setting.on_front
        };
        let shown = self.measured.iter().enumerate().filter(is_shown).map(|(_, dot)| dot);
        let dots: Vec<Dot> = shown.filter_map(dot).collect();
        let on_front = |dot: &Dot| self.comparison.settings[dot.setting].on_front;
        let front: Vec<usize> = (0..dots.len()).filter(|index| on_front(&dots[*index])).collect();
        let y = wording::metric(&self.metric.name);
        let title = format!("{y} against time");
        let labels = Labels {
            id: &format!("{}-front", self.id),
            title: &title,
            description: "One dot per setting; the line joins those that no other beats in both, where times differ by more than their spread.",
            x: "time of a run",
            y: &y,
            x_format: NumberFormat::Seconds,
            y_format: self.format(),
        };
        let note = if front.is_empty() {
            "times differ by less than their spread"
        } else {
            "line: best trade-offs"
        };
        let note = self.with_limit(note, DOTS);
        (dots.len() > 1).then(|| Figure {
            svg: chart::pareto_front(&labels, &dots, &front),
            title: title.clone(),
            note,
        })
    }
}
