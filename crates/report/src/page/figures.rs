//! Which charts a comparison gets, and what stands in them.

use std::cmp::Reverse;

use serde::Serialize;
use tracking::{ErrorAnalysis, Value};

use crate::analysis::comparison::{Comparison, Setting};
use crate::analysis::statistics::Statistic;
use crate::chart::{
    self, AxisValue, CurvePoint, Dot, HeatMap, Labels, LearningCurve, NumberFormat, ParallelAxis,
    ParallelLine,
};
use crate::metric::{Metric, Unit};
use crate::narrative;
use crate::number_format;
use crate::page::details::{Details, RUNS};
use crate::wording;

/// Settings that a chart of dots shows.
const DOTS: usize = 400;
/// Settings that the parallel coordinates show.
const LINES: usize = 200;
/// Values on a side of a heat map.
const CELLS: usize = 24;
/// Points of a learning curve.
const POINTS: usize = 200;

/// A chart and what is said above it.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub title: String,
    pub note: String,
    pub svg: String,
}

fn format_of(unit: Unit) -> NumberFormat {
    match unit {
        Unit::Fraction => NumberFormat::Percent,
        Unit::Seconds => NumberFormat::Seconds,
        Unit::Percent | Unit::Number => NumberFormat::Number,
    }
}

/// The charts of `comparison`; `id` begins the ids in them.
pub fn figures(id: &str, comparison: &Comparison, details: &Details) -> Vec<Figure> {
    let mut figures: Vec<Figure> = details
        .curves
        .iter()
        .enumerate()
        .filter_map(|(n, it)| learning(&format!("{id}-curve{n}"), comparison, it))
        .collect();
    let Some(metric) = comparison.ranking() else { return figures };
    let measured: Vec<(usize, &Setting, &Statistic)> = (0..)
        .zip(&comparison.settings)
        .filter_map(|(n, it)| Some((n, it, it.metric(&metric.name)?)))
        .collect();
    let chart = Charts { id, comparison, metric, measured: &measured };
    figures.extend((0..comparison.keys.len()).filter_map(|key| chart.against(key)));
    figures.extend(chart.front());
    figures.extend(chart.parallel());
    figures.extend(chart.heat());
    figures
}

/// A metric over the epochs; where the test set is the validation, it is called what it is.
fn learning(
    id: &str,
    comparison: &Comparison,
    (metric, curves): &(String, Vec<crate::page::details::Curve>),
) -> Option<Figure> {
    let on_test = metric.strip_prefix("val_").filter(|_| comparison.validation == "test");
    let name = on_test
        .map_or_else(|| wording::title(metric), |rest| wording::title(&format!("test_{rest}")));
    let point = |(epoch, it): &(u32, Statistic)| CurvePoint {
        x: f64::from(*epoch),
        y: it.mean,
        band: it.deviation.map(|deviation| (it.mean - deviation, it.mean + deviation)),
    };
    let drawn_settings: Vec<&Setting> =
        curves.iter().map(|it| &comparison.settings[it.setting]).collect();
    let (names, named_by) = short_names(comparison, &drawn_settings);
    let curve = |(it, name): (&crate::page::details::Curve, String)| LearningCurve {
        setting: it.setting,
        label: name,
        points: thinned(&it.points).map(point).collect(),
    };
    let drawn: Vec<LearningCurve> = curves.iter().zip(names).map(curve).collect();
    let title = format!("{name} after each epoch");
    let largest =
        curves.iter().flat_map(|it| &it.points).map(|(_, it)| it.mean.abs()).fold(0.0, f64::max);
    let labels = Labels {
        id,
        title: &title,
        description: "One line per setting: the mean over its runs, the band one standard deviation to either side.",
        x: "epoch",
        y: &name,
        x_format: NumberFormat::Number,
        y_format: format_of(Unit::of(metric, largest)),
    };
    let mut note = match comparison.settings.len() {
        all if all > drawn.len() => {
            format!("the best {} of {all} settings; band: ± standard deviation", drawn.len())
        }
        _ => "band: ± standard deviation between runs".to_owned(),
    };
    if comparison.settings.iter().take(drawn.len()).any(|it| it.finished.len() > RUNS) {
        note += &format!(", {RUNS} runs of each");
    }
    note += &named_by;
    let longest = drawn.iter().map(|it| it.points.len()).max().unwrap_or(0);
    (longest > 1).then(|| Figure {
        svg: chart::learning_curves(&labels, &drawn),
        title: title.clone(),
        note,
    })
}

/// Names that fit beside the ends of curves: of the hyperparameters that tell these settings apart, and of their values alone where
/// there is no room for more; then what they are is said.
fn short_names(comparison: &Comparison, settings: &[&Setting]) -> (Vec<String>, String) {
    /// Longest name that has room.
    const ROOM: usize = 21;
    let differs =
        |key: &usize| settings.iter().any(|it| it.values[*key] != settings[0].values[*key]);
    let keys: Vec<usize> = (0..comparison.keys.len()).filter(differs).collect();
    if keys.is_empty() {
        return (
            settings.iter().map(|it| narrative::setting_name(comparison, it)).collect(),
            String::new(),
        );
    }
    let value = |it: &Setting, key: usize| {
        it.values[key].as_ref().map_or_else(|| "—".to_owned(), wording::value)
    };
    let title = |key: &usize| wording::title(&comparison.keys[*key]);
    let full = |it: &&Setting| {
        let parts: Vec<String> =
            keys.iter().map(|key| format!("{} {}", title(key), value(it, *key))).collect();
        parts.join(", ")
    };
    let names: Vec<String> = settings.iter().map(full).collect();
    if names.iter().all(|name| name.chars().count() <= ROOM) {
        return (names, String::new());
    }
    let values =
        |it: &&Setting| keys.iter().map(|key| value(it, *key)).collect::<Vec<_>>().join(" · ");
    let titles: Vec<String> = keys.iter().map(title).collect();
    (settings.iter().map(values).collect(), format!("; named by {}", titles.join(" · ")))
}

/// At most [`POINTS`] of them, the last among these.
fn thinned(points: &[(u32, Statistic)]) -> impl Iterator<Item = &(u32, Statistic)> {
    let step = points.len().div_ceil(POINTS).max(1);
    points.iter().rev().step_by(step).rev()
}

/// What the charts of one comparison share.
struct Charts<'a> {
    id: &'a str,
    comparison: &'a Comparison,
    metric: &'a Metric,
    /// Settings with the metric: best first, with their positions.
    measured: &'a [(usize, &'a Setting, &'a Statistic)],
}

impl Charts<'_> {
    fn format(&self) -> NumberFormat {
        format_of(self.metric.unit)
    }

    /// The metric against the hyperparameter `key`.
    fn against(&self, key: usize) -> Option<Figure> {
        let name = &self.comparison.keys[key];
        let effect = self.comparison.effects.of.iter().find(|it| it.name == *name)?;
        let dot = |(setting, it, statistic): &(usize, &Setting, &Statistic)| {
            let x = place(it.values[key].as_ref()?);
            Some(self.dot(*setting, it, statistic, x))
        };
        let dots: Vec<Dot> = self.measured.iter().take(DOTS).filter_map(dot).collect();
        let means: Vec<(AxisValue, f64)> = effect
            .levels
            .iter()
            .take(DOTS)
            .filter_map(|(it, mean)| Some((place(it), (*mean)?.mean)))
            .collect();
        let (x, y) = (wording::title(name), wording::title(&self.metric.name));
        let title = format!("{y} against {x}");
        let labels = Labels {
            id: &format!("{}-key{key}", self.id),
            title: &title,
            description: "One dot per setting, with the 95 % interval of its own mean; the line joins the means of the values.",
            x: &x,
            y: &y,
            x_format: NumberFormat::Number,
            y_format: self.format(),
        };
        let line = if self.comparison.effects.balanced {
            "all runs"
        } else {
            "runs that differ in nothing else"
        };
        let note = self.cut(&format!("bars: 95 % of each mean alone; line: mean of {line}"), DOTS);
        Some(Figure {
            svg: chart::scatter_plot(&labels, &dots, &means),
            title: title.clone(),
            note,
        })
    }

    fn dot(&self, setting: usize, it: &Setting, statistic: &Statistic, x: AxisValue) -> Dot {
        Dot {
            setting,
            label: narrative::setting_name(self.comparison, it),
            x,
            y: statistic.mean,
            interval: statistic.interval().map(|it| (it.low, it.high)),
            best: it.is_best,
        }
    }

    /// `note`, and how many settings are left out.
    fn cut(&self, note: &str, most: usize) -> String {
        match self.measured.len() {
            all if all > most => format!("{note}; the best {most} of {all} settings"),
            _ => note.to_owned(),
        }
    }

    /// The metric over the two hyperparameters that move it most.
    fn heat(&self) -> Option<Figure> {
        let comparison = self.comparison;
        let mut keys: Vec<&crate::analysis::effects::Effect> = comparison
            .effects
            .of
            .iter()
            .filter(|it| comparison.keys.contains(&it.name))
            .take(2)
            .collect();
        let [_, _] = keys[..] else { return None };
        // The one with more values goes along the longer side.
        keys.sort_by_key(|it| Reverse(it.levels.len()));
        let [across, down] = keys[..] else { return None };
        if across.levels.len() > CELLS || down.levels.len() > CELLS {
            return None;
        }
        let position = |name: &str| comparison.keys.iter().position(|key| key == name);
        let (column_key, row_key) = (position(&across.name)?, position(&down.name)?);
        let mut cells = vec![vec![(0.0, 0.0); across.levels.len()]; down.levels.len()];
        for (_, setting, statistic) in self.measured {
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
        let cells: Vec<Vec<Option<f64>>> =
            cells.iter().map(|row| row.iter().map(mean).collect()).collect();
        let names = |levels: &[(Value, Option<Statistic>)]| {
            levels.iter().map(|(it, _)| wording::value(it)).collect::<Vec<_>>()
        };
        let (x, y) = (wording::title(&across.name), wording::title(&down.name));
        let title = format!("{} over {x} and {y}", wording::title(&self.metric.name));
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
        let others = if self.comparison.keys.len() > 2 { ", whatever the others are" } else { "" };
        let note = format!("mean of all runs with both values{others}");
        Some(Figure { svg: chart::heat_map(&labels, &heat), title: title.clone(), note })
    }

    /// The metric against time, and the settings that no other beats in both.
    fn front(&self) -> Option<Figure> {
        let dot = |(setting, it, statistic): &(usize, &Setting, &Statistic)| {
            let seconds = it.metric("seconds")?.mean;
            Some(self.dot(*setting, it, statistic, AxisValue::Number(seconds)))
        };
        // What is on the front is drawn, however many there are.
        let chosen = |(position, it): &(usize, &(usize, &Setting, &Statistic))| {
            *position < DOTS || it.1.on_front
        };
        let shown = self.measured.iter().enumerate().filter(chosen).map(|(_, it)| it);
        let dots: Vec<Dot> = shown.filter_map(dot).collect();
        let on_front = |dot: &Dot| self.comparison.settings[dot.setting].on_front;
        let front: Vec<usize> = (0..dots.len()).filter(|index| on_front(&dots[*index])).collect();
        let y = wording::title(&self.metric.name);
        let title = format!("{y} against time");
        let labels = Labels {
            id: &format!("{}-front", self.id),
            title: &title,
            description: "One dot per setting; the line joins those that no other beats in both, where times differ by more than they spread.",
            x: "time of a run",
            y: &y,
            x_format: NumberFormat::Seconds,
            y_format: self.format(),
        };
        let note = if front.is_empty() {
            "times differ by less than they spread"
        } else {
            "line: not beaten in both"
        };
        let note = self.cut(note, DOTS);
        (dots.len() > 1).then(|| Figure {
            svg: chart::pareto_front(&labels, &dots, &front),
            title: title.clone(),
            note,
        })
    }

    /// All hyperparameters, the metric and time side by side.
    fn parallel(&self) -> Option<Figure> {
        let shown = &self.measured[..self.measured.len().min(LINES)];
        if self.comparison.keys.len() < 2 || shown.len() < 2 {
            return None;
        }
        let mut axes: Vec<ParallelAxis> = (0..self.comparison.keys.len())
            .map(|key| ParallelAxis {
                title: wording::title(&self.comparison.keys[key]),
                format: NumberFormat::Number,
                values: shown.iter().map(|(_, it, _)| it.values[key].as_ref().map(place)).collect(),
            })
            .collect();
        let metric = self.metric.name.as_str();
        for name in
            ["seconds", metric].into_iter().filter(|name| *name != "seconds" || metric != "seconds")
        {
            let places: Vec<_> = shown
                .iter()
                .map(|(_, it, _)| it.metric(name).map(|it| AxisValue::Number(it.mean)))
                .collect();
            if places.iter().any(Option::is_some) {
                let format = format_of(self.comparison.unit(name));
                axes.push(ParallelAxis { title: wording::title(name), format, values: places });
            }
        }
        let (first, last) = (shown.first()?.2.mean, shown.last()?.2.mean);
        let (low, high) =
            shown.iter().fold((first, last), |(a, b), it| (a.min(it.2.mean), b.max(it.2.mean)));
        let worth = |mean: f64| match (high > low, self.metric.is_minimized()) {
            (false, _) => 1.0,
            (true, true) => (high - mean) / (high - low),
            (true, false) => (mean - low) / (high - low),
        };
        let line = |(setting, it, statistic): &(usize, &Setting, &Statistic)| ParallelLine {
            setting: *setting,
            label: format!(
                "{}: {}",
                narrative::setting_name(self.comparison, it),
                number_format::with_unit(self.metric.unit, statistic.mean)
            ),
            quality: worth(statistic.mean),
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
        let note = self.cut("the better the stronger; drag along an axis to choose", LINES);
        Some(Figure {
            svg: chart::parallel_coordinates(&labels, &axes, &lines),
            title: "Parallel coordinates".into(),
            note,
        })
    }
}

fn place(value: &Value) -> AxisValue {
    match value.as_number() {
        Some(number) => AxisValue::Number(number),
        None => AxisValue::Category(wording::value(value)),
    }
}

/// Which classes the best trial takes for which.
pub fn confusion(id: &str, examples: &ErrorAnalysis) -> Option<Figure> {
    /// Classes of which a matrix can be read.
    const CLASSES: u32 = 64;
    if examples.classes > CLASSES {
        return None;
    }
    let classes: Vec<String> = (0..examples.classes).map(|it| it.to_string()).collect();
    let cells: Vec<(usize, usize, u64)> = examples
        .confusion
        .iter()
        .map(|it| (it.label as usize, it.predicted as usize, it.count))
        .collect();
    let total: u64 = examples.confusion.iter().map(|it| it.count).fold(0, u64::saturating_add);
    let right = examples.confusion.iter().filter(|it| it.label == it.predicted).map(|it| it.count);
    let right = right.fold(0, u64::saturating_add);
    let labels = Labels {
        id: &format!("{id}-confusion"),
        title: "Confusion matrix",
        description: "A row a class, a column what it was taken for; counts of test examples.",
        x: "taken for",
        y: "is",
        x_format: NumberFormat::Number,
        y_format: NumberFormat::Number,
    };
    let note = format!("{right} of {total} test examples right");
    (total > 0).then(|| Figure {
        svg: chart::confusion_matrix(&labels, &classes, &cells),
        title: "Confusion matrix".into(),
        note,
    })
}
