//! Main effects of hyperparameters and their shares of the variance between runs (ε²).

use std::collections::HashMap;

use tracking::Value;

use super::samples::{by_value, sorted_distinct};
use super::statistics::{Statistic, count};

/// The main effect of a hyperparameter on a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The hyperparameter.
    pub name: String,
    /// Its values in order, each with the metric over comparable runs; `None` if there are no such
    /// runs.
    pub levels: Vec<(Value, Option<Statistic>)>,
    /// The greatest mean of a value minus the least.
    pub range: Option<f64>,
    /// ε² = (SS − df · MSE) / SST, the share of the variance beyond chance; `None` without an
    /// estimate of the error.
    pub share: Option<f64>,
}

/// An analysis of variance of one metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// One effect per hyperparameter that varies, except the replicate; largest share first.
    pub main: Vec<Effect>,
    /// The remaining shares; `None` in an unbalanced design, or without an estimate of the error.
    pub rest: Option<Rest>,
    /// Whether every combination of values has run equally often. If not, each effect is estimated
    /// from its comparable runs only.
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

/// The effects of the hyperparameters `names`. The values in each observation have the same order.
/// `replicate` is the index of the replicate among the names.
pub fn effects(
    observations: &[Observation<'_>],
    names: &[String],
    replicate: Option<usize>,
) -> Effects {
    let factors: Vec<Factor> =
        (0..names.len()).map(|factor| Factor::of(observations, factor)).collect();
    let tested: Vec<usize> = (0..names.len())
        .filter(|factor| Some(*factor) != replicate && factors[*factor].values.len() > 1)
        .collect();
    let table =
        Table { factors: &factors, values: observations.iter().map(|(_, value)| *value).collect() };
    let balanced = table.is_balanced();
    let mut effects = Effects { balanced, ..Effects::default() };
    let anova = balanced.then(|| table.anova(&tested, replicate)).flatten();
    for factor in &tested {
        let mut effect =
            if balanced { table.marginal(*factor) } else { table.common_cells(*factor) };
        effect.name.clone_from(&names[*factor]);
        if let Some(anova) = &anova {
            effect.share = anova.share(anova.factors[&factor]);
        }
        effects.main.push(effect);
    }
    effects.rest = anova.map(|anova| anova.rest());
    // The sort is stable: equal shares stay in the order of hyperparameters.
    effects.main.sort_by(|a, b| b.share.unwrap_or(-1.0).total_cmp(&a.share.unwrap_or(-1.0)));
    effects
}

/// A hyperparameter: its values in order, and the index of the value of each observation.
struct Factor {
    values: Vec<Value>,
    levels: Vec<Option<usize>>,
}

impl Factor {
    fn of(observations: &[Observation<'_>], factor: usize) -> Self {
        let values = observations.iter().filter_map(|(values, _)| values[factor]);
        let values = sorted_distinct(values, |a, b| by_value(Some(a), Some(b)));
        let level_of = |value: &Value| {
            values.binary_search_by(|known| by_value(Some(known), Some(value))).ok()
        };
        let levels =
            observations.iter().map(|(values, _)| values[factor].and_then(level_of)).collect();
        Self { values: values.into_iter().cloned().collect(), levels }
    }
}

/// A source of variation: its sum of squares and its degrees of freedom.
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
    /// ε² of a source.
    fn share(&self, source: Source) -> Option<f64> {
        let expected_by_chance = source.freedom * self.error.squares / self.error.freedom;
        (self.error.freedom > 0.0 && self.total > 0.0)
            .then(|| ((source.squares - expected_by_chance) / self.total).clamp(0.0, 1.0))
    }

    fn rest(&self) -> Rest {
        let share = |source: Option<Source>| source.and_then(|source| self.share(source));
        let (interaction, replicate) = (share(self.interaction), share(self.replicate));
        let factors: f64 = self.factors.values().filter_map(|source| self.share(*source)).sum();
        let noise = 1.0 - factors - interaction.unwrap_or(0.0) - replicate.unwrap_or(0.0);
        Rest { interaction, replicate, noise: noise.clamp(0.0, 1.0) }
    }
}

/// The factors and the metric of all observations.
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
        let combinations = self
            .factors
            .iter()
            .try_fold(1usize, |product, factor| product.checked_mul(factor.values.len()));
        let is_complete =
            self.factors.iter().all(|factor| factor.levels.iter().all(Option::is_some));
        let mut counts = cells.values();
        let first = counts.next();
        is_complete && combinations == Some(cells.len()) && counts.all(|count| Some(count) == first)
    }

    /// The levels of the factors that `includes` selects, in one observation.
    fn cell(&self, index: usize, includes: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        (0..self.factors.len())
            .filter(|factor| includes(*factor))
            .map(|factor| self.factors[factor].levels[index])
            .collect()
    }

    /// The variation between groups of observations. `mean` is the mean of all observations, and
    /// `group` gives the group of an observation by its index.
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

    /// The analysis of variance of the `tested` factors and the replicate; `None` without degrees
    /// of freedom for the error.
    fn anova<'a>(&self, tested: &'a [usize], replicate: Option<usize>) -> Option<Anova<'a>> {
        let all = Statistic::of(self.values.clone())?;
        let total: f64 = all.deviation?.powi(2) * count(all.n - 1);
        let main_effect = |factor: usize| {
            self.between(all.mean, |index| self.cell(index, |other| other == factor))
        };
        let factors: HashMap<&usize, Source> =
            tested.iter().map(|factor| (factor, main_effect(*factor))).collect();
        // Summed in the order of `tested`: the order of a hash map must not change the result.
        let explained = tested.iter().map(|factor| factors[factor]);
        let explained = explained.fold(Source { squares: 0.0, freedom: 0.0 }, |sum, next| Source {
            squares: sum.squares + next.squares,
            freedom: sum.freedom + next.freedom,
        });
        let replicate = replicate.filter(|factor| self.factors[*factor].values.len() > 1);
        let settings =
            self.between(all.mean, |index| self.cell(index, |factor| tested.contains(&factor)));
        let (replicate, interaction, model) = match replicate.map(main_effect) {
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
    fn marginal(&self, factor: usize) -> Effect {
        let mut groups = vec![Vec::new(); self.factors[factor].values.len()];
        for (index, value) in self.values.iter().enumerate() {
            if let Some(level) = self.factors[factor].levels[index] {
                groups[level].push(*value);
            }
        }
        self.effect(factor, groups, None)
    }

    /// The means of a factor's values over the combinations of the other factors that ran with
    /// every value of this factor. The other combinations would mix in the effects of other
    /// factors.
    fn common_cells(&self, factor: usize) -> Effect {
        let levels = self.factors[factor].values.len();
        let mut blocks: HashMap<Vec<Option<usize>>, Vec<Vec<f64>>> = HashMap::new();
        for (index, value) in self.values.iter().enumerate() {
            let Some(level) = self.factors[factor].levels[index] else { continue };
            let block = self.cell(index, |other| other != factor);
            blocks.entry(block).or_insert_with(|| vec![Vec::new(); levels])[level].push(*value);
        }
        blocks.retain(|_, block| block.iter().all(|values| !values.is_empty()));
        let mut common: Vec<_> = blocks.into_iter().collect();
        common.sort_by(|a, b| a.0.cmp(&b.0));
        let mean = |values: Vec<f64>| Statistic::of(values).map(|statistic| statistic.mean);
        let rows: Vec<Vec<f64>> = common
            .into_iter()
            .filter_map(|(_, block)| block.into_iter().map(mean).collect())
            .collect();
        let groups: Vec<Vec<f64>> =
            (0..levels).map(|level| rows.iter().map(|row| row[level]).collect()).collect();
        let share = two_way_share(&groups);
        self.effect(factor, groups, share)
    }

    fn effect(&self, factor: usize, groups: Vec<Vec<f64>>, share: Option<f64>) -> Effect {
        let levels: Vec<(Value, Option<Statistic>)> = self.factors[factor]
            .values
            .iter()
            .cloned()
            .zip(groups.into_iter().map(Statistic::of))
            .collect();
        let means = || levels.iter().filter_map(|(_, level)| level.map(|statistic| statistic.mean));
        let range =
            means().fold(f64::NEG_INFINITY, f64::max) - means().fold(f64::INFINITY, f64::min);
        Effect { name: String::new(), range: range.is_finite().then_some(range), share, levels }
    }
}

/// ε² of the groups in a table of groups and blocks with one value per cell. The error is the
/// residual after both.
fn two_way_share(groups: &[Vec<f64>]) -> Option<f64> {
    let all = Statistic::of(groups.concat())?;
    let blocks = groups.first()?.len();
    let total = all.deviation?.powi(2) * count(all.n - 1);
    let squares = |mean: f64| (mean - all.mean).powi(2);
    let squares_of_groups: f64 = groups
        .iter()
        .filter_map(|values| Statistic::of(values.clone()))
        .map(|statistic| squares(statistic.mean))
        .sum();
    let block = |index: usize| Statistic::of(groups.iter().map(|values| values[index]).collect());
    let squares_of_blocks: f64 =
        (0..blocks).filter_map(block).map(|statistic| squares(statistic.mean)).sum();
    let between = squares_of_groups * count(blocks);
    let error = (total - between - squares_of_blocks * count(groups.len())).max(0.0);
    let freedom = count(groups.len() - 1) * count(blocks - 1);
    let expected_by_chance = error / count(blocks - 1);
    (freedom > 0.0 && total > 0.0).then(|| ((between - expected_by_chance) / total).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
