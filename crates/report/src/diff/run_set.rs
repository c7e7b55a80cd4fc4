//! A set of runs as an operand of a comparison.

use std::rc::Rc;

use analysis::runs::{MeasuredRun, measured_at_end, param_names, varying_params};
use anyhow::{Result, bail};
use tracking::filter::Condition;
use tracking::{
    Declarations, Invocation, ProgramRuns, Reader, RecordedRun, Status, Value, printable,
};

use super::field::{FieldDifference, invocation_differences, join_unique};
use super::operand::{Folder, Operand, Selection, What};
use super::version::Version;
use crate::query::resolve_conditions;
use crate::render::layout::{BOLD, DEFAULT_WIDTH, styled};
use crate::wording::{count, short_digest, truncated};

/// The runs of one side, and what is known about them.
pub struct RunSet {
    pub name: String,
    pub runs: Vec<MeasuredRun>,
    pub declarations: Declarations,
    /// The version that the operand names, unless it is the newest program.
    pub version: Option<Version>,
    /// The condition of the operand.
    condition: Option<Condition>,
    /// Whether the operand names one run.
    is_one_run: bool,
    /// The hyperparameters that the condition of the operand fixes, of those that were swept.
    pub fixed: Vec<(String, Value)>,
    pub folder: Rc<Folder>,
    /// The program starts that made the runs, the newest last.
    pub invocations: Vec<Invocation>,
}

impl RunSet {
    /// Reads the runs of an operand. A single run is a set of one.
    ///
    /// # Errors
    /// If the condition of a setting is wrong, or the store cannot be read.
    pub fn read(Operand { folder, what }: Operand) -> Result<Self> {
        let reader = &folder.reader;
        let is_one_run = matches!(what, What::Run(_));
        let (name, experiment, mut version, condition, runs) = match what {
            What::Run(run) => {
                (format!("run {}", run.id), run.experiment.clone(), None, None, vec![*run])
            }
            What::Runs(selection) => {
                let Selection { experiment, version, condition } = *selection;
                let runs = match &version {
                    None => newest_runs(reader, &experiment)?,
                    Some(version) => runs_at(reader, &experiment, version)?,
                };
                (experiment.clone(), experiment, version, condition, runs)
            }
        };
        let mut name = match folder.is_named {
            true => folder.path.join(name).display().to_string(),
            false => name,
        };
        if let Some(version) = &version {
            name = format!("{name}@{}", short_digest(version.digits()));
        }
        let mut runs = measured_at_end(reader, runs)?;
        let mut others = Vec::new();
        let mut resolved = None;
        if let Some((condition, text)) = condition {
            name = format!("{name}:{text}");
            let condition = resolved.insert(resolve(condition, &runs)?);
            (runs, others) = runs.into_iter().partition(|run| run.matches(condition));
            if runs.is_empty() {
                bail!("no run matches '{}'", printable(&name));
            }
        }
        let fixed = fixed(&runs, others);
        let invocations = reader.invocations_of(runs.iter().map(|run| &run.run))?;
        let declarations = reader.declarations(&experiment)?;
        if let Some(Version::Program(digest)) = &version
            && newest_program(reader, &experiment)?.as_ref() == Some(digest)
        {
            version = None;
        }
        let condition = resolved;
        Ok(Self {
            name,
            runs,
            declarations,
            version,
            condition,
            is_one_run,
            fixed,
            folder,
            invocations,
        })
    }

    /// Whether the operand selects new runs with this value of the replicate.
    pub fn admits(&self, replicate: &str, value: i64) -> bool {
        let Some(run) = self.runs.first().filter(|_| !self.is_one_run) else { return false };
        let of_new_run = |key: &str| match key {
            _ if key.strip_prefix("param_").unwrap_or(key) == replicate => Some(value.into()),
            "trial" | "run" | "started_at" | "ended_at" => None,
            _ => run.value(key),
        };
        self.condition.as_ref().is_none_or(|condition| condition.holds(&of_new_run))
    }

    /// The number of finished runs.
    pub fn finished(&self) -> usize {
        self.runs.iter().filter(|run| run.run.status == Status::Finished).count()
    }

    /// The name and the numbers of trials.
    pub fn heading(&self) -> String {
        let name = truncated(&self.name, DEFAULT_WIDTH / 2);
        let name = styled(BOLD, &printable(&name));
        format!("{name} · {}, {} finished", count(self.runs.len(), "trial"), self.finished())
    }
}

/// Resolves the condition of a setting. It may name hyperparameters and facts, but no metrics: a
/// selection by results would bias the comparison.
fn resolve(condition: Condition, runs: &[MeasuredRun]) -> Result<Condition> {
    let mut conditions = [condition];
    resolve_conditions(&mut conditions, &param_names(runs), &[])
        .map_err(|error| error.with_option("setting"))?;
    let [condition] = conditions;
    Ok(condition)
}

/// The hyperparameters that have one value in `selected`, and several in all runs of the newest
/// program start that made a selected run: those that its command swept.
fn fixed(selected: &[MeasuredRun], others: Vec<MeasuredRun>) -> Vec<(String, Value)> {
    let start = |run: &MeasuredRun| run.run.invocation_number();
    let newest = selected.iter().map(start).max();
    let mut of_newest = others;
    of_newest.extend_from_slice(selected);
    of_newest.retain(|run| Some(start(run)) == newest);
    let varying = varying_params(selected);
    let swept = varying_params(&of_newest).into_iter().filter(|name| !varying.contains(name));
    let value = |name: String| {
        let value = selected.first()?.run.param(&name)?.clone();
        Some((name, value))
    };
    swept.filter_map(value).collect()
}

/// The effective runs of `experiment` that have the newest program.
fn newest_runs(reader: &Reader, experiment: &str) -> Result<Vec<RecordedRun>> {
    let newest = reader.runs_by_program(experiment)?.into_iter().next();
    Ok(newest.map_or_else(Vec::new, |newest| newest.runs))
}

/// The digest of the newest program of `experiment`.
fn newest_program(reader: &Reader, experiment: &str) -> Result<Option<String>> {
    let newest = reader.runs_by_program(experiment)?.into_iter().next();
    Ok(newest.and_then(|newest| newest.program_sha256))
}

/// The effective runs of `experiment` at `version`. Of the runs at a commit, only those of the
/// newest program count.
fn runs_at(reader: &Reader, experiment: &str, version: &Version) -> Result<Vec<RecordedRun>> {
    let mut programs = reader.runs_by_program(experiment)?.into_iter();
    let is_of =
        |run: &RecordedRun, program: &ProgramRuns| run.program_sha256 == program.program_sha256;
    let mut runs = match version {
        Version::Program(digest) => {
            let program = programs.find(|program| program.program_sha256.as_ref() == Some(digest));
            return Ok(program.map_or_else(Vec::new, |program| program.runs));
        }
        Version::Commit(commit) => reader.runs_at(experiment, commit)?,
    };
    if let Some(newest) = programs.find(|program| runs.iter().any(|run| is_of(run, program))) {
        runs.retain(|run| is_of(run, &newest));
    }
    Ok(runs)
}

/// Compares how the runs of two sets were made.
pub fn provenance_differences(left: &RunSet, right: &RunSet) -> Vec<FieldDifference> {
    let difference = |name: &str, fact: fn(&MeasuredRun) -> &str| {
        let values = |set: &RunSet| join_unique(set.runs.iter().map(fact));
        FieldDifference::of(name, &values(left), &values(right))
    };
    let facts = [
        difference("dataset", |run| &run.run.dataset),
        difference("dataset sha256", |run| &run.run.dataset_sha256),
        difference("validation", |run| run.run.validation.key()),
        difference("engine", |run| &run.run.engine),
        difference("device", |run| &run.run.device),
        difference("program sha256", |run| run.run.program_sha256.as_deref().unwrap_or_default()),
    ];
    let invocations = invocation_differences(&left.invocations, &right.invocations);
    facts.into_iter().flatten().chain(invocations).collect()
}

/// Merges the declarations of two sets. Those of the left set take precedence.
pub fn merge_declarations(left: &Declarations, right: &Declarations) -> Declarations {
    Declarations {
        rank: left.rank.clone().or_else(|| right.rank.clone()),
        report: left.report.clone().or_else(|| right.report.clone()),
        replicate: left.replicate.clone().or_else(|| right.replicate.clone()),
        directions: [left.directions.clone(), right.directions.clone()].concat(),
        race: None,
    }
}
