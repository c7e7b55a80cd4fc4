//! A set of runs as an operand of a comparison.

use analysis::runs::{MeasuredRun, measured_at_end};
use anyhow::Result;
use tracking::{Declarations, Invocation, ProgramRuns, Reader, RecordedRun, Status, printable};

use super::field::{FieldDifference, invocation_differences, join_unique};
use super::operand::{Operand, Version};
use crate::render::layout::{BOLD, DEFAULT_WIDTH, styled};
use crate::wording::{count, short_digest, truncated};

/// The runs of one side, and what is known about them.
pub struct RunSet {
    pub name: String,
    pub runs: Vec<MeasuredRun>,
    pub declarations: Declarations,
    invocations: Vec<Invocation>,
}

impl RunSet {
    /// Reads the runs of an operand. A single run is a set of one.
    pub fn read(reader: &Reader, operand: Operand) -> Result<Self> {
        let (name, experiment, runs) = match operand {
            Operand::Run(run) => (format!("run {}", run.id), run.experiment.clone(), vec![*run]),
            Operand::Experiment(name) => {
                let newest = reader.runs_by_program(&name)?.into_iter().next();
                (name.clone(), name, newest.map_or_else(Vec::new, |newest| newest.runs))
            }
            Operand::Version(name, version) => {
                let runs = runs_at(reader, &name, &version)?;
                (format!("{name}@{}", short_digest(version.digits())), name, runs)
            }
        };
        let runs = measured_at_end(reader, runs)?;
        let invocations = reader.invocations_of(runs.iter().map(|run| &run.run))?;
        Ok(Self { name, runs, declarations: reader.declarations(&experiment)?, invocations })
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
