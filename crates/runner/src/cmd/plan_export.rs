//! Plans as CSV and JSON, for other programs.

use std::io;

use anyhow::Result;
use serde_json::{Map, Value as Json, json};
use tracking::{Value, csv_id, escape_formula, printable_json};

use super::planned::{Planned, State};
use crate::experiment::program_section::json_value;
use crate::experiment::spec::Trained;
use crate::experiment::trial::Trial;
use crate::sweep::selection::Selection;

/// One row per trial, with all hyperparameters of all plans as columns.
pub fn csv(plans: &[Planned<'_>], selection: Selection) -> Result<String> {
    let mut names: Vec<String> = Vec::new();
    for hyperparameter in plans.iter().flat_map(|planned| planned.spec.learner.hyperparameters()) {
        if !names.contains(&hyperparameter.name) {
            names.push(hyperparameter.name);
        }
    }
    let mut out = ::csv::Writer::from_writer(Vec::new());
    let columns = ["experiment", "trial", "state", "steps"];
    out.write_record(columns.into_iter().chain(names.iter().map(String::as_str)))?;
    for planned in plans {
        for (trial, state) in planned.all_trials(selection) {
            let steps = steps(trial).map_or_else(String::new, |steps| steps.to_string());
            let id = csv_id(trial.id.as_str()).into_owned();
            let row = [planned.spec.name.to_string(), id, state.name().to_owned(), steps];
            out.write_record(
                row.into_iter().chain(names.iter().map(|name| cell(trial.param(name)))),
            )?;
        }
    }
    let bytes = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(String::from_utf8(bytes)?)
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::Text(text)) => escape_formula(text).into_owned(),
        Some(number) => number.to_string(),
    }
}

/// A list of plans. Each has a list of trials, whose hyperparameters have their types.
pub fn json(plans: &[Planned<'_>], selection: Selection) -> String {
    let plan = |planned: &Planned<'_>| {
        let trials = planned.all_trials(selection);
        let trials = trials.into_iter().map(|(trial, state)| trial_json(planned, trial, state));
        json!({
            "experiment": planned.spec.name.to_string(),
            "description": planned.spec.description,
            "plan_sha256": planned.plan.sha256(),
            "trials": trials.collect::<Vec<_>>(),
        })
    };
    let plans = plans.iter().map(plan).collect();
    printable_json(&format!("{:#}\n", Json::Array(plans))).into_owned()
}

fn trial_json(planned: &Planned<'_>, trial: &Trial, state: State) -> Json {
    let param = |(name, value): &(String, Value)| {
        let written = match &planned.spec.trained {
            Trained::BuiltIn(_) => None,
            Trained::Program(program) => program.written(name, value),
        };
        (name.clone(), json_value(value, written))
    };
    json!({
        "trial": trial.id.as_str(),
        "state": state.name(),
        "steps": steps(trial),
        "params": trial.params.iter().map(param).collect::<Map<_, _>>(),
    })
}

/// The steps of a trial, if they are known.
fn steps(trial: &Trial) -> Option<u64> {
    trial.workload.epochs.map(|_| trial.workload.steps)
}
