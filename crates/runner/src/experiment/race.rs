//! The race of a plan: which trials it needs so far.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use analysis::metric::Metric;
use analysis::race::{Decision, Raced};
use analysis::runs::{MeasuredRun, measured_at_end, metric_names};
use anyhow::{Result, bail};
use tracking::metric::{Rules, is_bookkeeping};
use tracking::typed_name::nearest;
use tracking::{Race, Reader, Status, StoreError, TrialId, Value};

use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::race_section::RaceSection;
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;

/// A race, with its trials in a plan.
#[derive(Debug)]
pub struct PlannedRace {
    pub race: Race,
    /// The indices of the trials of each setting in the plan, in the order of the seeds.
    trials: Vec<Vec<usize>>,
}

impl PlannedRace {
    /// The race of `trials`, each setting in the order of its first trial.
    ///
    /// # Errors
    /// If settings have different seeds.
    pub fn new(section: &RaceSection, trials: &[Trial]) -> Result<Self, Diagnostic> {
        let RaceSection { rules, replicate, span } = section;
        let mut indices: HashMap<String, usize> = HashMap::new();
        let mut settings: Vec<Vec<usize>> = Vec::new();
        for (index, trial) in trials.iter().enumerate() {
            let others = trial.params.iter().filter(|(name, _)| name != replicate);
            let key = format!("{:?}", others.collect::<Vec<_>>());
            let setting = *indices.entry(key).or_insert(settings.len());
            match settings.get_mut(setting) {
                Some(trials) => trials.push(index),
                None => settings.push(vec![index]),
            }
        }
        let seed = |trial: &usize| trials[*trial].param(replicate).cloned();
        let seeds_of = |setting: &Vec<usize>| setting.iter().filter_map(seed).collect::<Vec<_>>();
        let seeds: Vec<Value> = settings.first().map(seeds_of).unwrap_or_default();
        let differs = |setting: &&Vec<usize>| seeds_of(setting) != seeds;
        if seeds.len() != rules.most() || settings.iter().any(|setting| differs(&setting)) {
            let message = "settings of a race have different seeds";
            let label = format!("expected the same values of '{replicate}' for each setting");
            let help = "give every [[sweep]] the same list of them, and exclude none";
            return Err(Diagnostic::new(message, span, label).help(help));
        }
        let first = |setting: &Vec<usize>| trials[setting[0]].id.clone();
        let race = Race {
            rules: rules.clone(),
            replicate: replicate.clone(),
            seeds,
            settings: settings.iter().map(first).collect(),
            changes: 0,
        };
        Ok(Self { race, trials: settings })
    }

    /// The race as the runs in the folder `results` decide it.
    ///
    /// # Errors
    /// If the store cannot be read, or no metric of the runs ranks.
    pub fn read(&self, spec: &Spec, results: &Path) -> Result<Raced> {
        let measured = match Reader::open(results) {
            Ok(reader) => measured_at_end(&reader, reader.runs(&spec.name)?)?,
            Err(StoreError::NoStore { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let raced = Raced::read(&self.race, &measured, &Rules::new(&[], &spec.metrics));
        if raced.decision.looks > 0 {
            self.check_metric(raced.metric.as_ref(), &measured, spec)?;
        }
        Ok(raced)
    }

    /// Rejects a race by another metric than the declared one, or by none.
    fn check_metric(
        &self,
        metric: Option<&Metric>,
        measured: &[MeasuredRun],
        Spec { name, metrics, .. }: &Spec,
    ) -> Result<()> {
        let settings: HashSet<&TrialId> = self.race.settings.iter().collect();
        let is_of_first_seed = |measured: &&MeasuredRun| {
            measured.run.status == Status::Finished && settings.contains(&measured.run.trial)
        };
        let first: Vec<&MeasuredRun> = measured.iter().filter(is_of_first_seed).collect();
        let mut names = metric_names(first.iter().copied());
        names.retain(|name| !is_bookkeeping(name));
        match (&metrics.rank, metric, &names[..]) {
            _ if first.is_empty() => Ok(()),
            (Some(rank), Some(metric), _) if metric.name == *rank => Ok(()),
            (None, Some(_), _) => Ok(()),
            (_, _, []) => bail!("no run of the race of '{name}' has a metric"),
            (Some(rank), _, names) if !names.contains(&&**rank) => {
                let hint = nearest(rank, names.iter().copied());
                let hint =
                    hint.map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
                bail!("no run of '{name}' has the metric '{rank}' that [metrics] ranks by{hint}")
            }
            (rank, _, names) => {
                let example = rank.as_deref().unwrap_or(names[0]);
                bail!(
                    "it is unknown which values of {} are better, so no metric decides the race of \
                     '{name}': add [metrics] with maximize = [\"{example}\"], or minimize",
                    rank.clone().unwrap_or_else(|| names.join(", "))
                )
            }
        }
    }

    /// The trials that the race needs up to its current look, in the order of the plan.
    pub fn needed<'a>(&self, trials: &'a [Trial], decision: &Decision) -> Vec<&'a Trial> {
        self.select(trials, |setting| 0..decision.replicates_needed(&self.race.rules, setting))
    }

    /// The trials that the current look adds, in the order of the plan; none if the race is over.
    pub fn current<'a>(&self, trials: &'a [Trial], decision: &Decision) -> Vec<&'a Trial> {
        let before = match decision.looks {
            0 => 0,
            looks => self.race.rules.looks()[looks - 1],
        };
        self.select(trials, |setting| match (decision.exits[setting], decision.end) {
            (None, None) => before..decision.replicates_needed(&self.race.rules, setting),
            _ => 0..0,
        })
    }

    /// The trials that the race may need, in the order of the plan.
    pub fn possible<'a>(&self, trials: &'a [Trial], decision: &Decision) -> Vec<&'a Trial> {
        self.select(trials, |setting| match (decision.exits[setting], decision.end) {
            (None, None) => 0..self.race.rules.most(),
            _ => 0..decision.replicates_needed(&self.race.rules, setting),
        })
    }

    fn select<'a>(
        &self,
        trials: &'a [Trial],
        seeds: impl Fn(usize) -> std::ops::Range<usize>,
    ) -> Vec<&'a Trial> {
        let of_setting =
            |(setting, indices): (usize, &Vec<usize>)| indices[seeds(setting)].to_vec();
        let mut indices: Vec<usize> = self.trials.iter().enumerate().flat_map(of_setting).collect();
        indices.sort_unstable();
        indices.into_iter().map(|index| &trials[index]).collect()
    }

    /// A setting in words, such as `batch_size 16 · decay 0`; `varying` are the hyperparameters
    /// that vary in the plan.
    pub fn title(&self, trials: &[Trial], varying: &[String], setting: usize) -> String {
        let names: Vec<String> =
            varying.iter().filter(|name| **name != self.race.replicate).cloned().collect();
        trials[self.trials[setting][0]].title(&names)
    }
}
