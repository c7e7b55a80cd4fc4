//! Main effects of hyperparameters and their shares of the variance between runs (ε²).

use std::collections::HashMap;

use tracking::Value;

use super::samples::by_value;
use super::statistics::{Statistic, count};

/// The main effect of a hyperparameter on a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The hyperparameter.
    pub name: String,
    /// Its values in order, each with the metric over comparable runs; `None` if there are no such runs.
    pub levels: Vec<(Value, Option<Statistic>)>,
    /// The greatest mean of a value minus the least.
    pub range: Option<f64>,
    /// ε² = (SS − df · MSE) / SST, the share of the variance beyond chance; `None` without an estimate of the error.
    pub share: Option<f64>,
}

/// An analysis of variance of one metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// One effect per hyperparameter that varies, except the replicate; largest share first.
    pub of: Vec<Effect>,
    /// The remaining shares; `None` in an unbalanced design.
    pub rest: Option<Rest>,
    /// Whether every combination of values has run equally often. If not, each effect covers only its comparable runs.
    pub balanced: bool,
}

/// Shares of the variance beyond the main effects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rest {
    /// Interaction. `None` without replicates: it cannot be separated from noise.
    pub interaction: Option<f64>,
    /// The main effect of the replicate: it shifts all settings alike.
    pub replicate: Option<f64>,
    /// The residual: how differences between settings vary from replicate to replicate.
    pub noise: f64,
}

/// The values of the hyperparameters that vary in a run, and its metric.
pub type Observation<'a> = (Vec<Option<&'a Value>>, f64);

/// The effects of the hyperparameters `names`, whose values the observations have in this order; `replicate` is the place of the
/// replicate among them.
pub fn effects(
    observations: &[Observation<'_>],
    names: &[String],
    replicate: Option<usize>,
) -> Effects {
    let factors: Vec<Factor> =
        (0..names.len()).map(|place| Factor::of(observations, place)).collect();
    let wanted: Vec<usize> = (0..names.len())
        .filter(|place| Some(*place) != replicate && factors[*place].values.len() > 1)
        .collect();
    let table =
        Table { factors: &factors, values: observations.iter().map(|(_, value)| *value).collect() };
    let balanced = table.is_balanced();
    let mut effects = Effects { balanced, ..Effects::default() };
    let anova = balanced.then(|| table.anova(&wanted, replicate)).flatten();
    for place in &wanted {
        let mut effect = if balanced { table.marginal(*place) } else { table.common_cells(*place) };
        effect.name.clone_from(&names[*place]);
        if let Some(anova) = &anova {
            effect.share = anova.share(anova.factors[&place]);
        }
        effects.of.push(effect);
    }
    effects.rest = anova.map(|anova| anova.rest());
    // Stable: equal shares stay in the order of hyperparameters.
    effects.of.sort_by(|a, b| b.share.unwrap_or(-1.0).total_cmp(&a.share.unwrap_or(-1.0)));
    effects
}

/// A hyperparameter: its values in order, and the index of the value of each observation.
struct Factor {
    values: Vec<Value>,
    of: Vec<Option<usize>>,
}

impl Factor {
    fn of(observations: &[Observation<'_>], place: usize) -> Self {
        let mut values: Vec<&Value> =
            observations.iter().filter_map(|(values, _)| values[place]).collect();
        values.sort_by(|a, b| by_value(Some(a), Some(b)));
        values.dedup_by(|a, b| by_value(Some(a), Some(b)).is_eq());
        let number =
            |value: &Value| values.binary_search_by(|it| by_value(Some(it), Some(value))).ok();
        let of = observations.iter().map(|(values, _)| values[place].and_then(number)).collect();
        Self { values: values.into_iter().cloned().collect(), of }
    }
}

/// A sum of squares and its degrees of freedom.
#[derive(Debug, Clone, Copy)]
struct Source {
    squares: f64,
    freedom: f64,
}

/// The analysis of variance of a balanced design.
struct Anova<'a> {
    factors: HashMap<&'a usize, Source>,
    replicate: Option<Source>,
    interaction: Option<Source>,
    error: Source,
    total: f64,
}

impl Anova<'_> {
    fn share(&self, source: Source) -> Option<f64> {
        let chance = source.freedom * self.error.squares / self.error.freedom;
        (self.error.freedom > 0.0 && self.total > 0.0)
            .then(|| ((source.squares - chance) / self.total).clamp(0.0, 1.0))
    }

    fn rest(&self) -> Rest {
        let share = |source: Option<Source>| source.and_then(|it| self.share(it));
        let (interaction, replicate) = (share(self.interaction), share(self.replicate));
        let factors: f64 = self.factors.values().filter_map(|it| self.share(*it)).sum();
        let noise = 1.0 - factors - interaction.unwrap_or(0.0) - replicate.unwrap_or(0.0);
        Rest { interaction, replicate, noise: noise.clamp(0.0, 1.0) }
    }
}

struct Table<'a> {
    factors: &'a [Factor],
    values: Vec<f64>,
}

impl Table<'_> {
    /// Whether every combination of values occurs equally often.
    fn is_balanced(&self) -> bool {
        let mut cells: HashMap<Vec<Option<usize>>, usize> = HashMap::new();
        for index in 0..self.values.len() {
            *cells.entry(self.cell(index, |_| true)).or_default() += 1;
        }
        let combinations =
            self.factors.iter().try_fold(1usize, |all, it| all.checked_mul(it.values.len()));
        let whole = self.factors.iter().all(|it| it.of.iter().all(Option::is_some));
        let mut counts = cells.values();
        let first = counts.next();
        whole && combinations == Some(cells.len()) && counts.all(|it| Some(it) == first)
    }

    /// The values of the chosen factors in an observation.
    fn cell(&self, index: usize, wanted: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        (0..self.factors.len())
            .filter(|place| wanted(*place))
            .map(|place| self.factors[place].of[index])
            .collect()
    }

    /// The sum of squares between groups of observations, and its degrees of freedom.
    fn between(&self, mean: f64, group: impl Fn(usize) -> Vec<Option<usize>>) -> Source {
        let mut groups: HashMap<Vec<Option<usize>>, Vec<f64>> = HashMap::new();
        for (index, value) in self.values.iter().enumerate() {
            groups.entry(group(index)).or_default().push(*value);
        }
        let freedom = count(groups.len()) - 1.0;
        // Summed in the order of size: the order of a hash map must not change the result.
        let mut squares: Vec<f64> = groups
            .into_values()
            .filter_map(Statistic::of)
            .map(|group| count(group.n) * (group.mean - mean).powi(2))
            .collect();
        squares.sort_by(f64::total_cmp);
        Source { squares: squares.into_iter().sum(), freedom }
    }

    fn anova<'a>(&self, wanted: &'a [usize], replicate: Option<usize>) -> Option<Anova<'a>> {
        let all = Statistic::of(self.values.clone())?;
        let total: f64 = all.deviation?.powi(2) * count(all.n - 1);
        let of = |place: usize| self.between(all.mean, |index| self.cell(index, |it| it == place));
        let factors: HashMap<&usize, Source> =
            wanted.iter().map(|place| (place, of(*place))).collect();
        // Summed in their order: the order of a hash map must not change the result.
        let explained = wanted.iter().map(|place| factors[place]);
        let explained = explained.fold(Source { squares: 0.0, freedom: 0.0 }, |sum, it| Source {
            squares: sum.squares + it.squares,
            freedom: sum.freedom + it.freedom,
        });
        let replicate = replicate.filter(|place| self.factors[*place].values.len() > 1);
        let settings = self.between(all.mean, |index| self.cell(index, |it| wanted.contains(&it)));
        let (replicate, interaction, model) = match replicate.map(of) {
            Some(replicate) => {
                let interaction = Source {
                    squares: (settings.squares - explained.squares).max(0.0),
                    freedom: settings.freedom - explained.freedom,
                };
                let model = Source {
                    squares: settings.squares + replicate.squares,
                    freedom: settings.freedom + replicate.freedom,
                };
                (Some(replicate), (interaction.freedom > 0.0).then_some(interaction), model)
            }
            None => (None, None, explained),
        };
        let error = Source {
            squares: (total - model.squares).max(0.0),
            freedom: count(all.n) - 1.0 - model.freedom,
        };
        (error.freedom > 0.0).then_some(Anova { factors, replicate, interaction, error, total })
    }

    /// The means of a factor's values over all observations.
    fn marginal(&self, place: usize) -> Effect {
        let mut groups = vec![Vec::new(); self.factors[place].values.len()];
        for (index, value) in self.values.iter().enumerate() {
            if let Some(level) = self.factors[place].of[index] {
                groups[level].push(*value);
            }
        }
        self.effect(place, groups, None)
    }

    /// The means of a factor's values over the combinations of the other factors that have run with all of these values. In other
    /// combinations, other hyperparameters would differ too.
    fn common_cells(&self, place: usize) -> Effect {
        let levels = self.factors[place].values.len();
        let mut blocks: HashMap<Vec<Option<usize>>, Vec<Vec<f64>>> = HashMap::new();
        for (index, value) in self.values.iter().enumerate() {
            let Some(level) = self.factors[place].of[index] else { continue };
            let block = self.cell(index, |it| it != place);
            blocks.entry(block).or_insert_with(|| vec![Vec::new(); levels])[level].push(*value);
        }
        blocks.retain(|_, block| block.iter().all(|values| !values.is_empty()));
        let mut common: Vec<_> = blocks.into_iter().collect();
        common.sort_by(|a, b| a.0.cmp(&b.0));
        let mean = |values: Vec<f64>| Statistic::of(values).map(|it| it.mean);
        let rows: Vec<Vec<f64>> = common
            .into_iter()
            .filter_map(|(_, block)| block.into_iter().map(mean).collect())
            .collect();
        let groups: Vec<Vec<f64>> =
            (0..levels).map(|level| rows.iter().map(|row| row[level]).collect()).collect();
        let share = two_way_share(&groups);
        self.effect(place, groups, share)
    }

    fn effect(&self, place: usize, groups: Vec<Vec<f64>>, share: Option<f64>) -> Effect {
        let levels: Vec<(Value, Option<Statistic>)> = self.factors[place]
            .values
            .iter()
            .cloned()
            .zip(groups.into_iter().map(Statistic::of))
            .collect();
        let means = || levels.iter().filter_map(|(_, level)| level.map(|it| it.mean));
        let range =
            means().fold(f64::NEG_INFINITY, f64::max) - means().fold(f64::INFINITY, f64::min);
        Effect { name: String::new(), range: range.is_finite().then_some(range), share, levels }
    }
}

/// ε² of the groups in a table of groups by blocks with one value per cell; the error is the residual of both.
fn two_way_share(groups: &[Vec<f64>]) -> Option<f64> {
    let all = Statistic::of(groups.concat())?;
    let blocks = groups.first()?.len();
    let total = all.deviation?.powi(2) * count(all.n - 1);
    let squares = |mean: f64| (mean - all.mean).powi(2);
    let of_groups: f64 =
        groups.iter().filter_map(|it| Statistic::of(it.clone())).map(|it| squares(it.mean)).sum();
    let block = |index: usize| Statistic::of(groups.iter().map(|it| it[index]).collect());
    let of_blocks: f64 = (0..blocks).filter_map(block).map(|it| squares(it.mean)).sum();
    let between = of_groups * count(blocks);
    let error = (total - between - of_blocks * count(groups.len())).max(0.0);
    let freedom = count(groups.len() - 1) * count(blocks - 1);
    let chance = error / count(blocks - 1);
    (freedom > 0.0 && total > 0.0).then(|| ((between - chance) / total).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Effects in a table with the columns `a`, `b`, seed and metric.
    fn of(rows: &[(i64, i64, i64, f64)]) -> Effects {
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

    /// x = 10 a + b + a·b + noise. The sums of squares are those of the two-way table with replicates, by numpy;
    /// ε² = (SS − df · MSE) / SST.
    #[test]
    fn shares_equal_those_of_the_analysis_of_variance() {
        let noise = [0.3, -0.1, 0.2, -0.4, 0.1, 0.0, -0.2, 0.5, -0.3, 0.2, 0.1, -0.4];
        let mut rows = Vec::new();
        for (a, b, seed) in
            (0..2).flat_map(|a| (0..2).flat_map(move |b| (0..3).map(move |seed| (a, b, seed))))
        {
            let noise = noise[rows.len()];
            let whole = f64::from(i32::try_from(10 * a + b + a * b).unwrap());
            rows.push((a, b, seed, whole + noise));
        }
        let found = of(&rows);
        assert!(found.balanced);
        assert_eq!(found.of.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        close(found.of[0].range.unwrap(), 10.466666666666667);
        close(found.of[0].share.unwrap(), 0.9773720395987244);
        close(found.of[1].share.unwrap(), 0.01634273720395986);
        let rest = found.rest.unwrap();
        close(rest.interaction.unwrap(), 0.00288644289090465);
        close(rest.replicate.unwrap(), 0.0);
        close(
            rest.noise,
            1.0 - 0.9773720395987244 - 0.01634273720395986 - 0.00288644289090465 - 0.0,
        );
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
            mean += of(&rows).of[0].share.unwrap() / 400.0;
        }
        // Negative estimates count as 0, so that the mean is a little above it.
        assert!(mean < 0.1, "{mean}");
    }

    /// b = 1 ran with a = 1 only and is much better: raw means would credit a with that.
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
        let found = of(&rows);
        assert!(!found.balanced && found.rest.is_none());
        let effect = |name: &str| found.of.iter().find(|it| it.name == name).unwrap();
        close(effect("a").range.unwrap(), 0.48);
        close(effect("b").range.unwrap(), 7.52);
        assert!(effect("a").share.is_some());
    }

    #[test]
    fn without_common_cells_there_is_no_effect() {
        let rows: Vec<_> = (0..4)
            .map(|index| (index, index, 0, f64::from(i32::try_from(index).unwrap())))
            .collect();
        let found = of(&rows);
        assert!(
            found
                .of
                .iter()
                .all(|it| it.range.is_none() && it.share.is_none() && it.levels.len() == 4)
        );
    }

    #[test]
    fn values_that_occur_once_get_no_share() {
        let rows: Vec<_> =
            (0..4).map(|index| (index, 0, 0, f64::from(i32::try_from(index).unwrap()))).collect();
        let found = of(&rows);
        assert_eq!((found.of[0].range, found.of[0].share, found.rest), (Some(3.0), None, None));
    }
}
