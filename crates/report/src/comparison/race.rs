//! The race of an experiment: the runs that it uses, and the place of each setting in it.

use std::collections::{HashMap, HashSet};

use analysis::best::Standing;
use analysis::race::{Cell, End, Exit, Raced, Reason};
use analysis::runs::{EpochChoice, MeasuredRun};
use tracking::metric::Rules;
use tracking::{Declarations, Race, RaceRules, Value};

use super::group::Group;
use super::options::CompareOptions;

/// The state of a race, for a comparison that it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct RaceState {
    /// When settings leave.
    pub rules: RaceRules,
    /// The values of the replicate, in the order in which settings get them.
    pub seeds: Vec<Value>,
    /// Number of settings at the start.
    pub settings: usize,
    /// Number of looks at which all settings in the race had their replicates.
    pub looks: usize,
    /// Why the race is over; `None` if the next look needs more runs.
    pub end: Option<End>,
    /// Numbers of ended runs and of all runs that the next look adds.
    pub next_look: Option<[usize; 2]>,
    /// Number of recorded runs of its settings that it does not use.
    pub unused: usize,
}

impl RaceState {
    /// Number of replicates per setting at the last look that was taken, or at the first.
    pub fn replicates(&self) -> usize {
        self.rules.looks()[self.looks.saturating_sub(1)]
    }
}

/// The place of a setting in a race.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The only one left.
    Won,
    /// Still in the race.
    In,
    /// It left.
    Left(Exit),
    /// The race does not have this setting.
    Outside,
}

impl Place {
    /// Only settings with a value on every replicate of their looks are compared.
    pub(super) fn standing(self) -> Standing {
        let may_be_best = matches!(self, Self::Won | Self::In);
        let was_beaten = matches!(self, Self::Left(Exit { reason: Reason::Beaten { .. }, .. }));
        Standing { compared: may_be_best || was_beaten, may_be_best, ..Standing::default() }
    }

    pub(super) fn exit(self) -> Option<Exit> {
        match self {
            Self::Left(exit) => Some(exit),
            Self::Won | Self::In | Self::Outside => None,
        }
    }
}

/// The runs of a comparison that a race answers.
pub(super) struct RunsOfRace<'a> {
    /// Those of the looks that were taken, or of the first look, and those of settings outside of the
    /// race.
    pub(super) shown: Vec<&'a MeasuredRun>,
    /// The number of runs that the race does not use: on other replicates, or of later looks.
    pub(super) unused: usize,
}

/// A race that settings of the compared runs take part in.
pub(super) struct Racing<'a> {
    race: &'a Race,
    /// One of its runs.
    entrant: &'a MeasuredRun,
    /// What its runs decide; `None` if the options ask another question.
    raced: Option<Raced>,
}

impl<'a> Racing<'a> {
    /// The declared race, if `runs` or the `excluded` ones take part in it.
    pub(super) fn of(
        declarations: &'a Declarations,
        runs: &'a [MeasuredRun],
        excluded: &'a [MeasuredRun],
        options: &CompareOptions,
    ) -> Option<Self> {
        let race = declarations.race.as_ref().filter(|race| race.settings.len() > 1)?;
        let entrants: HashSet<&str> = race.settings.iter().map(|trial| trial.as_str()).collect();
        let is_entrant = |measured: &&MeasuredRun| entrants.contains(measured.run.trial.as_str());
        let entrant = runs.iter().chain(excluded).find(is_entrant)?;
        let is_same_question =
            excluded.is_empty() && options.epoch == EpochChoice::Last && options.against.is_none();
        let raced =
            is_same_question.then(|| Raced::read(race, runs, &Rules::new(&[], declarations)));
        Some(Self { race, entrant, raced })
    }

    pub(super) fn entrant(&self) -> &'a MeasuredRun {
        self.entrant
    }

    /// The runs that the comparison of `group` shows. `None` if the race does not answer it.
    pub(super) fn runs_of<'g>(&self, group: &Group<'g>) -> Option<RunsOfRace<'g>> {
        let Raced { metric, decision, .. } = self.raced.as_ref()?;
        let is_answered = group.has_no_cells()
            && group.replicate() == Some(&self.race.replicate)
            && group.ranks_like(metric.as_ref());
        let rows = group.rows();
        let settings = self.settings_of(&rows).filter(|_| is_answered)?;
        let mut runs = RunsOfRace { shown: Vec::new(), unused: 0 };
        for (row, setting) in rows.into_iter().zip(settings) {
            let Some(setting) = setting else {
                runs.shown.extend(row);
                continue;
            };
            let last = decision.looks.saturating_sub(1);
            let look = decision.exits[setting].map_or(last, |exit| exit.look);
            let shown = self.race.rules.looks()[look];
            let needed = decision.replicates_needed(&self.race.rules, setting);
            for run in row {
                let seed = run.run.param(&self.race.replicate);
                let is_seed =
                    |known: &Value| seed.is_some_and(|seed| known.total_cmp(seed).is_eq());
                let position = self.race.seeds.iter().position(is_seed).unwrap_or(usize::MAX);
                if position < shown {
                    runs.shown.push(run);
                }
                runs.unused += usize::from(position >= needed);
            }
        }
        Some(runs)
    }

    /// The setting of the race in each row; `None` if a row has several. A setting without a run on
    /// the first seed is not recognised.
    fn settings_of(&self, rows: &[Vec<&MeasuredRun>]) -> Option<Vec<Option<usize>>> {
        let by_trial: HashMap<&str, usize> =
            (0..).zip(&self.race.settings).map(|(index, trial)| (trial.as_str(), index)).collect();
        let setting = |runs: &Vec<&MeasuredRun>| {
            let mut found =
                runs.iter().filter_map(|measured| by_trial.get(measured.run.trial.as_str()));
            let setting = found.next().copied();
            found.next().is_none().then_some(setting)
        };
        rows.iter().map(setting).collect()
    }

    /// The place of each row. The rival in it is the index of a row.
    pub(super) fn places(&self, rows: &[Vec<&MeasuredRun>]) -> Option<Vec<Place>> {
        let decision = &self.raced.as_ref()?.decision;
        let settings = self.settings_of(rows)?;
        let rows: HashMap<usize, usize> =
            (0..).zip(&settings).filter_map(|(row, setting)| Some(((*setting)?, row))).collect();
        let place = |setting: &Option<usize>| match setting.map(|setting| decision.exits[setting]) {
            Some(Some(Exit { look, reason: Reason::Beaten { by, lead, p } })) => {
                let by = rows.get(&by).copied()?;
                Some(Place::Left(Exit { look, reason: Reason::Beaten { by, lead, p } }))
            }
            Some(Some(exit)) => Some(Place::Left(exit)),
            Some(None) if decision.end == Some(End::Won) => Some(Place::Won),
            Some(None) => Some(Place::In),
            // Before the first look, a setting may have no run on the first seed yet.
            None if decision.looks == 0 => Some(Place::In),
            None => Some(Place::Outside),
        };
        settings.iter().map(place).collect()
    }

    /// The state of the race, which does not use `unused` runs of its settings.
    pub(super) fn state(&self, unused: usize) -> Option<RaceState> {
        let Raced { field, decision, .. } = self.raced.as_ref()?;
        let looks = self.race.rules.looks();
        let start = if decision.looks == 0 { 0 } else { looks[decision.looks - 1] };
        let end = looks.get(decision.looks).copied().filter(|_| decision.end.is_none());
        let live = decision.live();
        let next_look = end.map(|end| {
            let cells = live.iter().flat_map(|setting| &field.cells[*setting][start..end]);
            let ended = cells.filter(|cell| **cell != Cell::Open).count();
            [ended, live.len() * (end - start)]
        });
        Some(RaceState {
            rules: self.race.rules.clone(),
            seeds: self.race.seeds.clone(),
            settings: self.race.settings.len(),
            looks: decision.looks,
            end: decision.end,
            next_look,
            unused,
        })
    }
}
