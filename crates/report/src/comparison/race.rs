//! The race of an experiment: the runs that it uses, and the place of each setting in it.

use std::collections::{HashMap, HashSet};

use analysis::best::Standing;
use analysis::metric::Metric;
use analysis::race::{Cell, End, Exit, Raced, Reason};
use analysis::runs::{EpochChoice, MeasuredRun};
use tracking::metric::Rules;
use tracking::{Declarations, Race, RaceRules, RunId, Status, Value};

use super::options::CompareOptions;

/// The state of a race, for a comparison that it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct RaceState {
    /// When settings leave.
    pub rules: RaceRules,
    /// The values of the replicate, in the order in which settings get them.
    pub seeds: Vec<Value>,
    /// How often the rules changed after a look was decided.
    pub changes: u32,
    /// Number of settings at the start.
    pub settings: usize,
    /// Number of settings that are still in the race.
    pub left: usize,
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
#[derive(Default)]
pub(super) struct RunsOfRace<'a> {
    /// The runs of the looks that were taken, or of the first look, and all runs of settings outside
    /// of the race.
    pub(super) shown: Vec<&'a MeasuredRun>,
    /// The number of runs that the race does not use: on other replicates, or of later looks.
    unused: usize,
    /// The number of ended runs of the first look in settings without a run on the first replicate.
    unassigned: usize,
}

/// A race that settings of the compared runs take part in.
pub(super) struct Racing<'a> {
    race: &'a Race,
    /// One of its runs.
    entrant: &'a MeasuredRun,
    /// What its runs decide; `None` if the options ask another question.
    raced: Option<Raced>,
    /// The setting and the replicate of each run, as indices.
    positions: HashMap<RunId, [usize; 2]>,
}

impl<'a> Racing<'a> {
    /// The declared race, if `runs` or the `excluded` ones take part in it.
    pub(super) fn of(
        declarations: &'a Declarations,
        runs: &'a [MeasuredRun],
        excluded: &'a [MeasuredRun],
        options: &CompareOptions,
    ) -> Option<Self> {
        let race = declarations.race.as_ref()?;
        let entrants: HashSet<&str> = race.settings.iter().map(|trial| trial.as_str()).collect();
        let is_entrant = |measured: &&MeasuredRun| entrants.contains(measured.run.trial.as_str());
        let entrant = runs.iter().chain(excluded).find(is_entrant)?;
        let is_same_question =
            excluded.is_empty() && options.epoch == EpochChoice::Last && options.against.is_none();
        let raced =
            is_same_question.then(|| Raced::read(race, runs, &Rules::new(&[], declarations)));
        let positions = raced.as_ref().map(positions).unwrap_or_default();
        Some(Self { race, entrant, raced, positions })
    }

    pub(super) fn entrant(&self) -> &'a MeasuredRun {
        self.entrant
    }

    /// Whether results decide the number of runs. A race of one setting ends at its first look.
    pub(super) fn has_rivals(&self) -> bool {
        self.race.settings.len() > 1
    }

    /// The hyperparameter that repeats a setting.
    pub(super) fn replicate(&self) -> &'a String {
        &self.race.replicate
    }

    /// The metric that decides.
    pub(super) fn metric(&self) -> Option<&Metric> {
        self.raced.as_ref()?.metric.as_ref()
    }

    /// The runs of `rows` that a comparison shows. `None` if the race does not answer it: it asks
    /// another question, or a row has several settings.
    pub(super) fn runs_of<'g>(&self, rows: Vec<Vec<&'g MeasuredRun>>) -> Option<RunsOfRace<'g>> {
        let (rules, decision) = (&self.race.rules, &self.raced.as_ref()?.decision);
        let settings = self.settings_of(&rows)?;
        let mut runs = RunsOfRace::default();
        for (row, setting) in rows.into_iter().zip(settings) {
            let Some(setting) = setting else {
                runs.unassigned += self.unassigned(&row);
                runs.shown.extend(row);
                continue;
            };
            let last = decision.looks.saturating_sub(1);
            let shown = rules.looks()[decision.exits[setting].map_or(last, |exit| exit.look)];
            let needed = decision.replicates_needed(rules, setting);
            for run in row {
                let position = self.positions.get(&run.run.id);
                let replicate = position.map_or(usize::MAX, |[_, replicate]| *replicate);
                if replicate < shown {
                    runs.shown.push(run);
                }
                runs.unused += usize::from(replicate >= needed);
            }
        }
        Some(runs)
    }

    /// The setting of the race in each row; `None` if a row has several. A setting without a run on
    /// the first replicate is not recognised.
    fn settings_of(&self, rows: &[Vec<&MeasuredRun>]) -> Option<Vec<Option<usize>>> {
        let setting = |row: &Vec<&MeasuredRun>| {
            let positions = row.iter().filter_map(|run| self.positions.get(&run.run.id));
            let found: HashSet<usize> = positions.map(|[setting, _]| *setting).collect();
            (found.len() < 2).then(|| found.into_iter().next())
        };
        rows.iter().map(setting).collect()
    }

    /// Whether a row without a setting may be in the race: it has no run on the first replicate,
    /// and the first look is not taken.
    fn may_take_part(&self, row: &[&MeasuredRun]) -> bool {
        let is_begun = self.raced.as_ref().is_some_and(|raced| raced.decision.looks > 0);
        !is_begun && !row.iter().any(|run| self.replicate_of(run) == Some(0))
    }

    /// The number of ended runs of the first look in a row without a setting.
    fn unassigned(&self, row: &[&MeasuredRun]) -> usize {
        let is_of_look = |run: &&&MeasuredRun| {
            let is_ended = !matches!(run.run.status, Status::Running | Status::Killed);
            is_ended && self.replicate_of(run).is_some_and(|n| n < self.race.rules.looks()[0])
        };
        if self.may_take_part(row) { row.iter().filter(is_of_look).count() } else { 0 }
    }

    fn replicate_of(&self, run: &MeasuredRun) -> Option<usize> {
        let value = run.run.param(&self.race.replicate)?;
        self.race.seeds.iter().position(|known| known.total_cmp(value).is_eq())
    }

    /// The place of each row. The rival in it is the index of a row.
    pub(super) fn places(&self, rows: &[Vec<&MeasuredRun>]) -> Option<Vec<Place>> {
        let decision = &self.raced.as_ref()?.decision;
        let settings = self.settings_of(rows)?;
        let by_setting: HashMap<usize, usize> =
            (0..).zip(&settings).filter_map(|(row, setting)| Some(((*setting)?, row))).collect();
        let place = |(row, setting): (&Vec<&MeasuredRun>, &Option<usize>)| match setting
            .map(|setting| decision.exits[setting])
        {
            Some(Some(Exit { look, reason: Reason::Beaten { by, lead, p } })) => {
                let by = by_setting.get(&by).copied()?;
                Some(Place::Left(Exit { look, reason: Reason::Beaten { by, lead, p } }))
            }
            Some(Some(exit)) => Some(Place::Left(exit)),
            Some(None) if decision.end == Some(End::Won) => Some(Place::Won),
            Some(None) => Some(Place::In),
            None if self.may_take_part(row) => Some(Place::In),
            None => Some(Place::Outside),
        };
        rows.iter().zip(&settings).map(place).collect()
    }

    /// The state of the race, of which a comparison shows `runs`.
    pub(super) fn state(&self, runs: &RunsOfRace<'_>) -> Option<RaceState> {
        let Raced { field, decision, .. } = self.raced.as_ref()?;
        let looks = self.race.rules.looks();
        let start = if decision.looks == 0 { 0 } else { looks[decision.looks - 1] };
        let end = looks.get(decision.looks).copied().filter(|_| decision.end.is_none());
        let live = decision.live();
        let next_look = end.map(|end| {
            let cells = live.iter().flat_map(|setting| &field.cells[*setting][start..end]);
            let ended = cells.filter(|cell| **cell != Cell::Open).count() + runs.unassigned;
            let all = live.len() * (end - start);
            [ended.min(all), all]
        });
        Some(RaceState {
            rules: self.race.rules.clone(),
            seeds: self.race.seeds.clone(),
            changes: self.race.changes,
            settings: self.race.settings.len(),
            left: live.len(),
            looks: decision.looks,
            end: decision.end,
            next_look,
            unused: runs.unused,
        })
    }
}

fn positions(raced: &Raced) -> HashMap<RunId, [usize; 2]> {
    let row = |(setting, row): (usize, &Vec<Option<RunId>>)| {
        let position = move |(replicate, run): (usize, &Option<RunId>)| {
            run.clone().map(|run| (run, [setting, replicate]))
        };
        row.iter().enumerate().filter_map(position).collect::<Vec<_>>()
    };
    raced.runs.iter().enumerate().flat_map(row).collect()
}
