//! The statistics, once: runs grouped into settings, each setting's metrics as mean and standard deviation, best first.
//! Every format prints what is computed here.

use std::cmp::Ordering;

use tracking::{Experiment, RunId, Status, Value};

use crate::behind::{self, Behind};
use crate::effects::{Effects, effects};
use crate::observed::{At, Observed, metric_names, param_names};
use crate::statistics::Statistic;
use crate::wording::Unit;

/// How many runs ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// With their results.
    pub finished: usize,
    /// With a loss that was not finite.
    pub diverged: usize,
    /// With an error.
    pub failed: usize,
    /// Stopped before their end.
    pub killed: usize,
    /// Not ended yet.
    pub running: usize,
}

impl Tally {
    fn of(runs: &[&Observed]) -> Self {
        let mut tally = Self::default();
        for it in runs {
            match it.run.status {
                Status::Finished => tally.finished += 1,
                Status::Diverged => tally.diverged += 1,
                Status::Failed => tally.failed += 1,
                Status::Killed => tally.killed += 1,
                Status::Running => tally.running += 1,
            }
        }
        tally
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.finished + self.unfinished().iter().map(|(count, _)| count).sum::<usize>()
    }

    /// Those that have no final metrics, by how they ended.
    pub fn unfinished(&self) -> [(usize, &'static str); 4] {
        [(self.diverged, "diverged"), (self.failed, "failed"), (self.killed, "killed"), (self.running, "running")]
    }
}

/// The runs that share the values of all keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// One value a key of the comparison; absent where the runs have no such hyperparameter.
    pub values: Vec<Option<Value>>,
    /// How many different seeds.
    pub seeds: usize,
    /// How its runs ended.
    pub tally: Tally,
    /// Of the runs that finished, and of these alone.
    pub metrics: Vec<(String, Statistic)>,
    /// Its runs that finished.
    pub finished: Vec<RunId>,
    /// How far it is behind the best; absent from the best itself, and where nothing pairs them.
    pub behind: Option<Behind>,
    /// No other setting is both better and quicker.
    pub on_front: bool,
}

impl Setting {
    /// The metric `name`, if a run that finished has it.
    pub fn metric(&self, name: &str) -> Option<&Statistic> {
        self.metrics.iter().find(|(key, _)| key == name).map(|(_, statistic)| statistic)
    }
}

/// What can be said of the best setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'a> {
    /// The best, if any setting has the metric that ranks.
    pub best: Option<&'a Setting>,
    /// Others that rank as high, to the last digit.
    pub tied: Vec<&'a Setting>,
    /// How many others could be tested against it.
    pub tested: usize,
    /// Those of them that cannot be told from it.
    pub indistinct: Vec<&'a Setting>,
}

/// What is asked of the runs.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Group by these; else by all that vary, except seed.
    pub by: Option<Vec<String>>,
    /// Rank by this; else by what the validation says.
    pub sort: Option<String>,
    /// Which epoch counts.
    pub at: At,
}

/// The settings of one experiment on one dataset with one validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Whose runs these are.
    pub experiment: Experiment,
    /// Name of the dataset.
    pub dataset: String,
    /// Digest of its bytes.
    pub dataset_sha256: String,
    /// The dataset that this one stands in for.
    pub fallback_for: Option<String>,
    /// `test`, or the fraction of the training set held out.
    pub validation: String,
    /// Which epoch of each run counts.
    pub at: At,
    /// How the runs were computed: engines and devices, each once.
    pub computed: Vec<String>,
    /// Hyperparameters that all runs share.
    pub constants: Vec<(String, Value)>,
    /// Hyperparameters that tell the settings apart.
    pub keys: Vec<String>,
    /// Hyperparameters that vary within a setting, besides the seed.
    pub averaged: Vec<String>,
    /// The metric that ranks the settings; none where no run has a metric.
    pub ranked_by: Option<String>,
    /// The metric on which the settings are held against the best: that of the test set, where a validation ranks.
    pub compared_by: Option<String>,
    /// Hyperparameters whose equal values pair the runs of two settings.
    pub paired_by: Vec<String>,
    /// Metrics that some run that finished has, in the order of tables.
    pub metrics: Vec<String>,
    /// Best first; those without the ranking metric last.
    pub settings: Vec<Setting>,
    /// How all the runs ended.
    pub tally: Tally,
    /// What moves the metric of the comparison.
    pub effects: Effects,
}

impl Comparison {
    /// The best setting, where a metric ranks it.
    pub fn best(&self) -> Option<&Setting> {
        let metric = self.ranked_by.as_ref()?;
        self.settings.first().filter(|setting| setting.metric(metric).is_some())
    }

    /// What can be said of the best.
    pub fn verdict(&self) -> Verdict<'_> {
        let others = || self.settings.iter().skip(1).filter(|it| it.behind.is_some());
        let test = |setting: &Setting| setting.behind.and_then(|behind| behind.test);
        let ranking = |setting: &Setting| Some(setting.metric(self.ranked_by.as_ref()?)?.mean);
        let best = self.best();
        let is_tied = |it: &&Setting| best.and_then(ranking) == ranking(it);
        let indistinct = |it: &&Setting| test(it).is_some_and(|test| !test.tells_apart()) && !is_tied(it);
        Verdict {
            best,
            tied: self.settings.iter().skip(1).filter(|it| best.is_some() && is_tied(it)).collect(),
            tested: others().filter(|it| test(it).is_some()).count(),
            indistinct: others().filter(indistinct).collect(),
        }
    }

    /// Settings that nobody dominates, the quickest first.
    pub fn front(&self) -> Vec<&Setting> {
        let mut front: Vec<&Setting> = self.settings.iter().filter(|it| it.on_front).collect();
        let seconds = |it: &Setting| it.metric("seconds").map_or(f64::INFINITY, |it| it.mean);
        front.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        front
    }

    /// Whether what ranks was measured on the test set: then the best looks better than it is.
    pub fn is_optimistic(&self) -> bool {
        let on_test =
            |name: &String| name.starts_with("test_") || (self.validation == "test" && name.starts_with("val_"));
        self.ranked_by.as_ref().is_some_and(on_test)
    }
}

/// Compares the runs of `experiment`, separately for each dataset and validation, in the order of these.
pub fn compare(experiment: &Experiment, runs: &[Observed], question: &Question) -> Vec<Comparison> {
    let mut groups: Vec<Vec<&Observed>> = Vec::new();
    for it in runs {
        match groups.iter_mut().find(|group| data(group[0]) == data(it)) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    groups.sort_by(|a, b| data(a[0]).cmp(&data(b[0])));
    groups.iter().map(|group| compare_group(experiment, group, question)).collect()
}

/// What must be the same for runs to be compared.
fn data(it: &Observed) -> (&str, &str, &str, Option<&str>) {
    let run = &it.run;
    (&run.dataset, &run.dataset_sha256, &run.validation, run.fallback_for.as_deref())
}

fn compare_group(experiment: &Experiment, runs: &[&Observed], question: &Question) -> Comparison {
    let first = runs[0].run.clone();
    let names = param_names(runs.iter().copied());
    let (constant, varying): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| is_constant(runs, name));
    let keys: Vec<String> = match &question.by {
        Some(by) => distinct(by.iter().filter(|key| names.contains(&key.as_str()))).into_iter().cloned().collect(),
        None => varying.iter().filter(|name| **name != "seed").map(|name| (*name).to_owned()).collect(),
    };
    let is_key = |name: &str| keys.iter().any(|key| key == name);
    let value = |name: &str| first.param(name).map(|value| (name.to_owned(), value.clone()));
    let constants = constant.iter().filter(|name| !is_key(name)).filter_map(|name| value(name)).collect();
    let averaged = varying.iter().filter(|name| **name != "seed" && !is_key(name)).map(|it| (*it).to_owned()).collect();
    let finished = finished_of(runs);
    let metrics: Vec<String> = metric_names(finished.iter().copied()).into_iter().map(str::to_owned).collect();
    let ranked_by = ranking(&metrics, &first.validation, question);
    let compared_by = ranked_by.as_ref().map(|metric| reported(metric, &metrics, &first.validation));
    let (tally, computed) = (Tally::of(runs), computed(runs));
    let varying: Vec<String> = varying.into_iter().map(str::to_owned).collect();
    let paired_by: Vec<String> = varying.iter().filter(|name| !is_key(name)).cloned().collect();
    let effects = match &compared_by {
        Some(metric) => effects(&finished, &varying, metric),
        None => Effects::default(),
    };
    let groups = groups(runs, &keys);
    let mut settings: Vec<(Setting, &Vec<&Observed>)> = groups.iter().map(|it| (setting(it, &keys), it)).collect();
    if let Some(metric) = &ranked_by {
        // Stable: equal settings stay in the order of their keys.
        settings.sort_by(|(a, _), (b, _)| better(a.metric(metric), b.metric(metric), Unit::of(metric)));
    }
    let (mut settings, groups): (Vec<Setting>, Vec<&Vec<&Observed>>) = settings.into_iter().unzip();
    if let Some(metric) = compared_by.as_ref().filter(|metric| settings[0].metric(metric).is_some()) {
        let samples: Vec<_> = groups.iter().map(|it| behind::samples(&finished_of(it), &paired_by, metric)).collect();
        behind::fill_in(&mut settings, &samples);
        mark_front(&mut settings, metric);
    }
    Comparison {
        experiment: experiment.clone(),
        dataset: first.dataset,
        dataset_sha256: first.dataset_sha256,
        fallback_for: first.fallback_for,
        validation: first.validation,
        at: question.at,
        computed,
        constants,
        keys,
        averaged,
        ranked_by,
        compared_by,
        paired_by,
        metrics,
        settings,
        tally,
        effects,
    }
}

/// Each once, in their order.
fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn is_constant(runs: &[&Observed], name: &str) -> bool {
    let first = runs[0].run.param(name);
    runs.iter().all(|it| by_value(it.run.param(name), first).is_eq())
}

/// Absent before present, else as values are.
pub fn by_value(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// The metric asked for; else accuracy on what the validation is; else the first there is.
fn ranking(metrics: &[String], validation: &str, question: &Question) -> Option<String> {
    match &question.sort {
        Some(metric) => metrics.contains(metric).then(|| metric.clone()),
        None => usual_ranking(metrics.iter().map(String::as_str), validation).map(str::to_owned),
    }
}

/// Of these metrics the one that ranks where nobody asks for another.
pub fn usual_ranking<'a>(metrics: impl Iterator<Item = &'a str> + Clone, validation: &str) -> Option<&'a str> {
    let usual = if validation == "test" { ["test_accuracy", "test_loss"] } else { ["val_accuracy", "val_loss"] };
    usual.into_iter().find_map(|name| metrics.clone().find(|it| *it == name)).or_else(|| metrics.clone().next())
}

fn computed(runs: &[&Observed]) -> Vec<String> {
    let mut all: Vec<String> = runs.iter().map(|it| format!("{} on {}", it.run.engine, it.run.device)).collect();
    all.sort();
    all.dedup();
    all
}

/// The better first; a setting without the metric last.
fn better(a: Option<&Statistic>, b: Option<&Statistic>, unit: Unit) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if unit.less_is_better() => a.mean.total_cmp(&b.mean),
        (Some(a), Some(b)) => b.mean.total_cmp(&a.mean),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// What is reported of settings that `metric` ranks: a validation chooses, the test set tells how good the choice is.
fn reported(metric: &str, metrics: &[String], validation: &str) -> String {
    let on_test = metric.strip_prefix("val_").filter(|_| validation != "test").map(|rest| format!("test_{rest}"));
    on_test.filter(|name| metrics.contains(name)).unwrap_or_else(|| metric.to_owned())
}

/// Marks the settings that no other beats in both `metric` and time: not worse in either, and better in one.
fn mark_front(settings: &mut [Setting], metric: &str) {
    let worth = |setting: &Setting| {
        let (worth, seconds) = (setting.metric(metric)?.mean, setting.metric("seconds")?.mean);
        Some((if Unit::of(metric).less_is_better() { -worth } else { worth }, seconds))
    };
    let mut order: Vec<(usize, f64, f64)> = (0..)
        .zip(settings.iter())
        .filter_map(|(i, it)| worth(it).map(|(worth, seconds)| (i, worth, seconds)))
        .collect();
    order.sort_by(|a, b| a.2.total_cmp(&b.2).then(b.1.total_cmp(&a.1)));
    let mut reached: Option<(f64, f64)> = None;
    for (index, worth, seconds) in order {
        // Of equals, all are on the front.
        if reached.is_none_or(|it| worth > it.0 || (worth, seconds) == it) {
            settings[index].on_front = true;
            reached = Some((worth, seconds));
        }
    }
}

/// The runs of each combination of the values of `keys`, in the order of these.
fn groups<'a>(runs: &[&'a Observed], keys: &[String]) -> Vec<Vec<&'a Observed>> {
    let by_keys = |a: &&Observed, b: &&Observed| {
        let pairs = keys.iter().map(|key| by_value(a.run.param(key), b.run.param(key)));
        pairs.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    };
    let mut runs = runs.to_vec();
    runs.sort_by(by_keys);
    runs.chunk_by(|a, b| by_keys(a, b).is_eq()).map(<[_]>::to_vec).collect()
}

fn finished_of<'a>(runs: &[&'a Observed]) -> Vec<&'a Observed> {
    runs.iter().filter(|it| it.run.status == Status::Finished).copied().collect()
}

fn setting(runs: &[&Observed], keys: &[String]) -> Setting {
    let finished = finished_of(runs);
    let statistic = |name: &str| Statistic::of(finished.iter().filter_map(|it| it.metric(name)).collect());
    let metrics = metric_names(finished.iter().copied())
        .into_iter()
        .filter_map(|name| statistic(name).map(|statistic| (name.to_owned(), statistic)))
        .collect();
    let mut seeds: Vec<&Value> = runs.iter().filter_map(|it| it.run.param("seed")).collect();
    seeds.sort_by(|a, b| a.total_cmp(b));
    seeds.dedup_by(|a, b| a.total_cmp(b).is_eq());
    Setting {
        values: keys.iter().map(|key| runs[0].run.param(key).cloned()).collect(),
        seeds: seeds.len(),
        tally: Tally::of(runs),
        metrics,
        finished: finished.iter().map(|it| it.run.id.clone()).collect(),
        behind: None,
        on_front: false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::format::example;
    use tracking::Run;

    /// `scipy.stats.ttest_rel([.9120, .9131, .9122], [.9141, .9137, .9145]).pvalue`
    const PAIRED_P: f64 = 0.08985542115173908;

    #[test]
    fn settings_come_best_first_and_those_without_result_last() {
        let comparison = &example::sweep().comparisons(&Question::default())[0];
        let batches: Vec<_> = comparison.settings.iter().map(|it| it.values[0].clone().unwrap().to_string()).collect();
        assert_eq!(batches, ["16", "64", "32", "512"]);
        assert_eq!(comparison.keys, ["batch_size"]);
        assert_eq!(comparison.settings[3].tally.diverged, 3);
        assert!(comparison.settings[3].metrics.is_empty(), "what diverged has no mean");
        assert_eq!(comparison.settings[1].metric("test_accuracy").unwrap().n, 2, "one of three failed");
    }

    #[test]
    fn another_metric_ranks_by_its_own_best() {
        let question = Question { sort: Some("test_loss".into()), ..Question::default() };
        let comparison = &example::sweep().comparisons(&question)[0];
        let losses: Vec<_> =
            comparison.settings.iter().filter_map(|it| it.metric("test_loss")).map(|it| it.mean).collect();
        assert!(losses.is_sorted(), "{losses:?}");
        assert!(comparison.is_optimistic());
    }

    #[test]
    fn grouping_by_less_than_varies_says_what_is_averaged() {
        let question = Question { by: Some(vec!["seed".into()]), ..Question::default() };
        let comparison = &example::sweep().comparisons(&question)[0];
        assert_eq!((comparison.settings.len(), comparison.averaged.as_slice()), (3, &["batch_size".to_owned()][..]));
    }

    /// Accuracies of two settings and the seeds that have them.
    fn two(first: &[(i64, f64)], second: &[(i64, f64)], validation: &str) -> Comparison {
        let mut example = example::Example::new("two", "");
        for (batch, runs) in [(16, first), (32, second)] {
            for (seed, accuracy) in runs {
                let params = [("batch_size", Value::Integer(batch)), ("seed", Value::Integer(*seed))];
                example.record(Run { validation: validation.into(), ..example::run("two", &params, *accuracy) });
            }
        }
        example.comparisons(&Question::default()).remove(0)
    }

    /// On the seeds 1, 2 and 3 that both have.
    #[test]
    fn differences_are_paired_by_seed() {
        let comparison = two(
            &[(0, 0.95), (1, 0.9141), (2, 0.9137), (3, 0.9145)],
            &[(3, 0.9122), (2, 0.9131), (1, 0.9120), (4, 0.2)],
            "test",
        );
        let behind = comparison.settings[1].behind.unwrap();
        assert_eq!((behind.difference.n, comparison.paired_by.as_slice()), (3, &["seed".to_owned()][..]));
        assert!((behind.difference.mean + 0.005 / 3.0).abs() < 1e-12, "{behind:?}");
        let test = behind.test.unwrap();
        assert!((test.p - PAIRED_P).abs() < 1e-9, "{test:?}");
        assert!((test.corrected.p - test.p).abs() < 1e-15, "one comparison needs no correction");
        assert!(!test.tells_apart() && test.interval.low < 0.0 && test.interval.high > 0.0);
        let verdict = comparison.verdict();
        assert_eq!((verdict.tested, verdict.indistinct.len()), (1, 1));
    }

    #[test]
    fn of_one_run_or_of_other_seeds_nothing_is_said() {
        for (first, second, why) in [
            (&[(0, 0.91)][..], &[(0, 0.90)][..], "give all the same seeds"),
            (&[(0, 0.91), (1, 0.92)], &[(2, 0.90), (3, 0.905)], "give all the same seeds"),
            // Two seeds that differ by the same three images of a small test set are an accident.
            (&[(0, 0.91), (1, 0.92)], &[(0, 0.90), (1, 0.91)], "by the same on all seeds"),
        ] {
            let comparison = two(first, second, "test");
            assert!(comparison.settings[1].behind.is_none_or(|behind| behind.test.is_none()), "{comparison:?}");
            assert_eq!(comparison.verdict().tested, 0);
            let sentence = crate::sentences::verdict(&comparison).unwrap();
            assert!(sentence.starts_with("nothing can be said about chance") && sentence.contains(why), "{sentence}");
        }
    }

    /// The validation chooses, the test set is reported: the chosen may be behind there.
    #[test]
    fn a_held_out_validation_ranks_and_the_test_set_is_compared() {
        let comparison = two(&[(0, 0.90), (1, 0.91), (2, 0.93)], &[(0, 0.88), (1, 0.90), (2, 0.90)], "0.1");
        assert_eq!(comparison.ranked_by.as_deref(), Some("val_accuracy"));
        assert_eq!(comparison.compared_by.as_deref(), Some("test_accuracy"));
        let difference = comparison.settings[1].behind.unwrap().difference;
        assert!((difference.mean + 0.02).abs() < 1e-12, "{difference:?}");
    }

    /// A balanced 2 × 2: x = 10 a + b + a·b, whose sums of squares are 110.25, 2.25 and 0.25 of 112.75.
    #[test]
    fn effects_are_those_of_the_analysis_of_variance() {
        let mut example = example::Example::new("square", "");
        for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let params = [("a", Value::Integer(a)), ("b", Value::Integer(b))];
            example.record(example::run("square", &params, f64::from(i32::try_from(10 * a + b + a * b).unwrap())));
        }
        let effects = example.comparisons(&Question::default()).remove(0).effects;
        let found: Vec<_> = effects.of.iter().map(|it| (it.name.as_str(), it.range, it.share.unwrap())).collect();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(found[0].0 == "a" && close(found[0].1, 10.5) && close(found[0].2, 110.25 / 112.75), "{found:?}");
        assert!(found[1].0 == "b" && close(found[1].1, 1.5) && close(found[1].2, 2.25 / 112.75), "{found:?}");
        assert!(close(effects.rest.unwrap(), 0.25 / 112.75), "{effects:?}");
    }

    #[test]
    fn the_front_is_what_nobody_beats_in_both() {
        let mut example = example::Example::new("front", "");
        for (batch, accuracy, seconds) in [
            (1, 0.95, 9.0),
            (2, 0.94, 3.0),
            (3, 0.93, 4.0),
            (4, 0.90, 1.0),
            (5, 0.90, 1.0),
            (6, 0.90, 1.5),
            (7, 0.8, 0.5),
        ] {
            let mut run = example::run("front", &[("batch_size", Value::Integer(batch))], accuracy);
            run.results.retain(|(name, _)| name != "seconds");
            run.results.push(("seconds".into(), seconds));
            example.record(run);
        }
        let comparison = example.comparisons(&Question::default()).remove(0);
        let front: Vec<String> =
            comparison.front().iter().map(|it| it.values[0].clone().unwrap().to_string()).collect();
        assert_eq!(front, ["7", "4", "5", "2", "1"]);
    }
}
