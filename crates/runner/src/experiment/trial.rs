//! One point of the sweep.

use tracking::{RecordedRun, TrialId, Value};

use crate::experiment::learner::{Learner, Params, Workload, param};
use crate::experiment::validation::Validation;
use crate::separator::SEPARATOR;

/// One point of the sweep: named hyperparameters and the validation.
#[derive(Debug, Clone)]
pub struct Trial {
    pub id: TrialId,
    pub params: Params,
    pub validation: Validation,
    pub workload: Workload,
}

impl Trial {
    /// A trial whose id is a hash of its hyperparameters, dataset and validation.
    pub fn new(
        params: Params,
        dataset_sha256: &str,
        validation: Validation,
        workload: Workload,
    ) -> Self {
        let mut fields =
            vec![("dataset", dataset_sha256.to_owned()), ("validation", validation.to_string())];
        fields.extend(params.iter().map(|(name, value)| (name.as_str(), value.to_string())));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self { id: TrialId::of(&fields), params, validation, workload }
    }

    /// The trial of a recorded run, on `examples` training examples.
    ///
    /// # Errors
    /// If `learner` did not train the run, or the run's parameters do not match its trial id.
    pub fn recorded(
        run: &RecordedRun,
        learner: &dyn Learner,
        examples: usize,
    ) -> Result<Self, String> {
        let hyperparameters = learner.hyperparameters();
        let mut params = Params::with_capacity(hyperparameters.len());
        for name in hyperparameters.into_iter().map(|hyperparameter| hyperparameter.name) {
            let value = run.param(name).ok_or_else(|| format!("its record has no {name}"))?;
            let value = learner.check(name, value).map_err(|reason| format!("{name}: {reason}"))?;
            params.push((name.to_owned(), value));
        }
        let validation = Validation::recorded(run.validation.key())?;
        let workload = learner.workload(&params, examples)?;
        let trial = Self::new(params, &run.dataset_sha256, validation, workload);
        if trial.id == run.trial && run.params.len() == trial.params.len() {
            return Ok(trial);
        }
        Err(format!(
            "its hyperparameters, dataset and validation belong to trial {}, not to {}",
            trial.id, run.trial
        ))
    }

    /// The value of a hyperparameter.
    pub fn param(&self, name: &str) -> Option<&Value> {
        param(&self.params, name)
    }

    /// The trial in words, such as `batch_size 32 · seed 0`: its values of the hyperparameters
    /// `varying`, or its id if nothing varies.
    pub fn title(&self, varying: &[String]) -> String {
        let named = varying.iter().filter_map(|name| Some((name, self.param(name)?)));
        let parts: Vec<_> =
            named.map(|(name, value)| format!("{name} {}", value.short())).collect();
        if parts.is_empty() { self.id.to_string() } else { parts.join(SEPARATOR) }
    }
}
