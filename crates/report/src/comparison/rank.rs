//! Ranks the settings of a comparison and fills in standings, marks and differences.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, HashMap};

use analysis::best::standings;
use analysis::fit::{Levels, levels};
use analysis::metric::Metric;
use analysis::power::{detectable_difference, inflation, replicates_needed};
use analysis::race::{Exit, Reason};
use analysis::samples::{Difference, Resolution, Samples, difference, replicate_means};
use analysis::statistics::{Interval, Statistic, count, holm};

use super::race::Place;
use super::result::{Promise, Undecided};
use super::setting::{BaselineTest, DifferenceFromReference, Setting};

/// The ranked settings; see the same fields of [`Comparison`](super::result::Comparison).
pub(super) struct Ranking {
    pub settings: Vec<Setting>,
    pub promise: Option<Promise>,
    pub complete: bool,
    pub connected: bool,
    pub overlapping: bool,
    pub undecided: Option<Undecided>,
    pub unselected_mean: Option<f64>,
}

/// How to rank settings.
pub(super) struct RankOptions<'a> {
    /// Whether the settings share a cell.
    pub comparable: bool,
    /// Whether tests are valid.
    pub tested: bool,
    /// The index of the baseline, if any.
    pub baseline: Option<usize>,
    /// The place of each setting in the race that replaces the tests, if there is one.
    pub places: Option<Vec<Place>>,
    /// The ranking metric.
    pub metric: Option<&'a Metric>,
    /// The resolution of its values.
    pub resolution: Resolution,
}

/// Ranks `settings` by `samples`, their values of the ranking metric. Higher values are better.
pub(super) fn rank(
    mut settings: Vec<Setting>,
    samples: Vec<Samples>,
    options: RankOptions<'_>,
) -> Ranking {
    let RankOptions { tested, metric, resolution, .. } = options;
    let Levels { values: levels, complete, connected } = levels(&samples);
    for (setting, level) in settings.iter_mut().zip(levels) {
        setting.level = level;
    }
    let is_race = options.places.is_some();
    let Order { mut settings, samples, baseline } = order(settings, samples, options);
    let promise = promise(&settings, baseline, is_race);
    let compared = settings.iter().any(|setting| setting.standing.compared);
    if baseline.is_none() && !is_race {
        mark_best(&mut settings, compared);
    }
    let reference = baseline.or_else(|| settings.iter().position(|setting| setting.is_best));
    if let (Some(reference), Some(metric)) = (reference, metric) {
        let is_tested = baseline.is_some() && tested;
        fill_in_differences(&mut settings, &samples, reference, metric, resolution, is_tested);
    }
    let overlapping = compared || overlap(&samples, resolution);
    let is_estimated = complete && !is_race;
    let undecided = (!is_race).then(|| undecided(&settings, &samples, resolution)).flatten();
    let unselected_mean = is_estimated.then(|| unselected_mean(&settings, &samples)).flatten();
    // From here on, values have the direction of the metric again.
    let own_direction = |value: f64| metric.map_or(value, |metric| metric.oriented(value));
    for setting in &mut settings {
        setting.level = setting.level.map(own_direction);
    }
    if let Some(metric) = metric {
        mark_front(&mut settings, metric);
    }
    let unselected_mean = unselected_mean.map(own_direction);
    Ranking { settings, promise, complete, connected, overlapping, undecided, unselected_mean }
}

/// Settings in the order of their ranks, with their samples and the index of the baseline.
struct Order {
    settings: Vec<Setting>,
    samples: Vec<Samples>,
    baseline: Option<usize>,
}

/// Fills in the standings of settings with levels, and sorts the settings by both.
fn order(mut settings: Vec<Setting>, samples: Vec<Samples>, options: RankOptions<'_>) -> Order {
    let is_race = options.places.is_some();
    match (options.places, options.baseline) {
        (Some(places), _) => {
            for (setting, place) in settings.iter_mut().zip(places) {
                setting.standing = place.standing();
                setting.left = place.exit();
                setting.is_best = matches!(place, Place::Won);
            }
        }
        (None, None) if options.comparable && options.tested => {
            let standings = standings(&samples, options.resolution);
            for (setting, standing) in settings.iter_mut().zip(standings) {
                setting.standing = standing;
            }
        }
        _ => {}
    }
    let compared = settings.iter().any(|setting| setting.standing.compared);
    let mut ranked: Vec<(usize, Setting, Samples)> =
        settings.into_iter().zip(samples).enumerate().map(|(i, (a, b))| (i, a, b)).collect();
    // The sort is stable: equal settings stay in the order of their keys.
    ranked.sort_by(|(_, a, _), (_, b, _)| match is_race {
        true => by_exit(a, b).then(by_rank(a, b, false)),
        false => by_rank(a, b, compared),
    });
    let mut ranks = vec![0; ranked.len()];
    for (rank, (index, ..)) in ranked.iter().enumerate() {
        ranks[*index] = rank;
    }
    for (_, setting, _) in &mut ranked {
        if let Some(Exit { reason: Reason::Beaten { by, .. }, .. }) = &mut setting.left {
            *by = ranks[*by];
        }
    }
    let baseline = options.baseline.map(|index| ranks[index]);
    let (settings, samples) =
        ranked.into_iter().map(|(_, setting, samples)| (setting, samples)).unzip();
    Order { settings, samples, baseline }
}

/// The promise about `settings`, compared with the best, in a race, or with the baseline at this
/// index.
fn promise(settings: &[Setting], baseline: Option<usize>, is_race: bool) -> Option<Promise> {
    let has_candidate = || settings.iter().any(|setting| setting.standing.may_be_best);
    let about_best = if is_race { Promise::BestIsInRace } else { Promise::BestIsAmong };
    baseline.map(Promise::Against).or_else(|| has_candidate().then_some(about_best))
}

/// Orders the settings of a race: those that are still in it, then those that left, the latest look
/// first, then all others.
fn by_exit(a: &Setting, b: &Setting) -> Ordering {
    let class = |setting: &Setting| match setting.left {
        _ if setting.standing.may_be_best => (0, Reverse(0)),
        Some(exit) => (1, Reverse(exit.look)),
        None => (2, Reverse(0)),
    };
    class(a).cmp(&class(b))
}

/// Orders settings by level, best first; then settings that could not be compared, if others were;
/// then settings without a level.
fn by_rank(a: &Setting, b: &Setting, compared: bool) -> Ordering {
    let class =
        |setting: &Setting| (setting.level.is_none(), compared && !setting.standing.compared);
    let level = |setting: &Setting| setting.level.unwrap_or_default();
    class(a).cmp(&class(b)).then(level(b).total_cmp(&level(a)))
}

/// Reduces every setting to the common cells, so that all means cover the same cells. Returns the
/// number of common cells and of all cells; `None` if all are common. Without a common cell,
/// nothing is removed and nothing can be compared.
pub(super) fn keep_common_cells(settings: &mut [Samples]) -> Option<[usize; 2]> {
    let cells =
        |samples: &Samples| samples.iter().map(|sample| sample.cell).collect::<BTreeSet<_>>();
    let sets: Vec<BTreeSet<usize>> =
        settings.iter().filter(|samples| !samples.is_empty()).map(cells).collect();
    let all: BTreeSet<usize> = sets.iter().flatten().copied().collect();
    let common: BTreeSet<usize> = sets.into_iter().reduce(|a, b| &a & &b)?;
    if common.len() == all.len() {
        return None;
    }
    if !common.is_empty() {
        settings
            .iter_mut()
            .for_each(|samples| samples.retain(|sample| common.contains(&sample.cell)));
    }
    Some([common.len(), all.len()])
}

/// Whether any two settings share two replicates.
fn overlap(settings: &[Samples], resolution: Resolution) -> bool {
    let several: Vec<&Samples> = settings.iter().filter(|samples| samples.len() > 1).collect();
    let scratch = &mut Vec::new();
    let mut share_two = |a: &Samples, b: &Samples| {
        difference(a, b, resolution, scratch).is_some_and(|found| found.n > 1)
    };
    several.iter().enumerate().any(|(index, a)| several[..index].iter().any(|b| share_two(a, b)))
}

/// Marks the best-ranked of the settings that may be the best, or of all if none could be compared.
/// Ties are marked together.
fn mark_best(settings: &mut [Setting], compared: bool) {
    let is_eligible =
        |setting: &Setting| setting.level.is_some() && (setting.standing.may_be_best || !compared);
    let has_several = settings.iter().filter(|setting| setting.level.is_some()).count() > 1;
    let best = settings
        .iter()
        .filter(|setting| is_eligible(setting))
        .filter_map(|setting| setting.level)
        .reduce(f64::max);
    for setting in settings.iter_mut().filter(|setting| has_several && is_eligible(setting)) {
        setting.is_best = setting.level == best;
    }
}

/// Fills in the difference of each setting from the one at `reference`. Tests it only if the
/// reference is a baseline, which the user chose.
fn fill_in_differences(
    settings: &mut [Setting],
    samples: &[Samples],
    reference: usize,
    metric: &Metric,
    resolution: Resolution,
    is_baseline: bool,
) {
    let scratch = &mut Vec::new();
    let mut from_reference =
        |index: usize| difference(&samples[index], &samples[reference], resolution, scratch);
    let differences: Vec<_> = (0..settings.len())
        .map(|index| from_reference(index).filter(|_| index != reference))
        .collect();
    let p = |difference: &Option<Difference>| {
        difference.and_then(|found| found.p()).filter(|_| is_baseline)
    };
    let tests: Vec<f64> = differences.iter().filter_map(p).collect();
    let mut corrected = holm(&tests).into_iter();
    for (setting, difference) in settings.iter_mut().zip(differences) {
        let test = p(&difference).and_then(|p| {
            let interval = difference?.interval()?;
            let (low, high) = (metric.oriented(interval.low), metric.oriented(interval.high));
            let interval = Interval { low: low.min(high), high: low.max(high) };
            Some(BaselineTest { interval, p, p_corrected: corrected.next()? })
        });
        setting.difference = difference.map(|found| DifferenceFromReference {
            n: found.n,
            mean: metric.oriented(found.mean),
            test,
        });
    }
}

/// The replicates that would decide among several settings that may be the best: those for the
/// rival of the best setting that needs most. A rival with an equal mean gives no estimate and is
/// skipped.
fn undecided(
    settings: &[Setting],
    samples: &[Samples],
    resolution: Resolution,
) -> Option<Undecided> {
    let best =
        settings.iter().position(|setting| setting.is_best && setting.standing.may_be_best)?;
    let scratch = &mut Vec::new();
    let mut inflations: HashMap<usize, f64> = HashMap::new();
    let mut hardest: Option<(f64, f64, Difference, usize)> = None;
    for index in
        (0..settings.len()).filter(|index| *index != best && settings[*index].standing.may_be_best)
    {
        let Some(difference) = difference(&samples[best], &samples[index], resolution, scratch)
        else {
            continue;
        };
        let Some(error) = difference.error.filter(|_| difference.mean != 0.0) else { continue };
        let deviation = error * count(difference.n).sqrt();
        let inflated = *inflations
            .entry(difference.n)
            .or_insert_with(|| inflation(difference.n).unwrap_or(1.0));
        let ratio = inflated * deviation / difference.mean.abs();
        if hardest.is_none_or(|(known, ..)| ratio > known) {
            hardest = Some((ratio, deviation, difference, index));
        }
    }
    let (ratio, deviation, difference, rival) = hardest?;
    let compared = settings.iter().filter(|setting| setting.standing.compared).count();
    Some(Undecided {
        rival,
        n: difference.n,
        detectable: detectable_difference(deviation, compared, difference.n),
        observed: difference.mean.abs(),
        needed: replicates_needed(ratio, compared),
    })
}

/// The leave-one-replicate-out mean of the best setting. For each replicate, the other replicates
/// choose a setting, and its value on this replicate counts. The mean of the setting that all
/// replicates choose is optimistic.
fn unselected_mean(settings: &[Setting], samples: &[Samples]) -> Option<f64> {
    let chosen = settings.iter().position(|setting| setting.is_best)?;
    let means: Vec<Vec<f64>> = samples
        .iter()
        .map(|samples| replicate_means(samples))
        .filter(|means| !means.is_empty())
        .collect();
    let n = means.first()?.len();
    if n < 2 || means.len() < 2 {
        return None;
    }
    let sums: Vec<f64> = means.iter().map(|means| means.iter().sum()).collect();
    let value_left_out = |replicate: usize| {
        let sum_of_others = |setting: usize| sums[setting] - means[setting][replicate];
        let first = (0..means.len()).reduce(|best, next| {
            if sum_of_others(next) > sum_of_others(best) { next } else { best }
        });
        first.map_or(0.0, |setting| means[setting][replicate])
    };
    let mean = (0..n).map(value_left_out).sum::<f64>() / count(n);
    let selected_mean = settings[chosen].level?;
    (selected_mean - mean > 1e-9 * selected_mean.abs()).then_some(mean)
}

/// Marks the settings that no other setting beats in both `metric` and time. Times that differ by
/// at most their spread between runs count as equal. If no setting has two runs, the spread is
/// unknown and no setting is marked.
fn mark_front(settings: &mut [Setting], metric: &Metric) {
    let times = settings.iter().filter_map(|setting| setting.metric("seconds"));
    let squares = |statistic: &Statistic| {
        statistic
            .deviation
            .map(|deviation| (deviation.powi(2) * count(statistic.n - 1), count(statistic.n - 1)))
    };
    let (squares, freedom) =
        times.filter_map(squares).fold((0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    if freedom == 0.0 {
        return;
    }
    let spread = (squares / freedom).sqrt();
    let value_and_seconds = |setting: &Setting| {
        Some((metric.oriented(setting.metric(&metric.name)?.mean), setting.metric("seconds")?.mean))
    };
    let mut order: Vec<(usize, f64, f64)> = (0..)
        .zip(settings.iter())
        .filter_map(|(index, setting)| {
            value_and_seconds(setting).map(|(value, seconds)| (index, value, seconds))
        })
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.2.total_cmp(&b.2)));
    let mut quickest = f64::INFINITY;
    for (index, _, seconds) in order {
        if seconds < quickest - spread {
            settings[index].on_front = true;
        }
        quickest = quickest.min(seconds);
    }
}
