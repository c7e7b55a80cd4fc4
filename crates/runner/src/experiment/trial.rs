//! One point of the sweep.

use tracking::{RecordedRun, TrialId, Value};

use crate::experiment::learner::{Learner, Params, Subject, Workload, param};
use crate::separator::SEPARATOR;

/// One point of the sweep: named hyperparameters.
#[derive(Debug, Clone)]
pub struct Trial {
    pub id: TrialId,
    pub params: Params,
    pub workload: Workload,
}

impl Trial {
    /// A trial of `subject`, whose id is a hash of the subject's identity and the hyperparameters.
    ///
    /// # Errors
    /// If `params` are not the checked hyperparameters of the subject.
    pub fn new(params: Params, subject: &dyn Subject) -> Result<Self, String> {
        let fields = subject.id_fields(&params);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let workload = subject.workload(&params)?;
        Ok(Self { id: TrialId::of(&fields), params, workload })
    }

    /// The trial of a recorded run of `subject`.
    ///
    /// # Errors
    /// If `learner` did not train the run, or the run's parameters do not match its trial id.
    pub fn recorded(
        run: &RecordedRun,
        learner: &dyn Learner,
        subject: &dyn Subject,
    ) -> Result<Self, String> {
        let hyperparameters = learner.hyperparameters();
        let mut params = Params::with_capacity(hyperparameters.len());
        for name in hyperparameters.into_iter().map(|hyperparameter| hyperparameter.name) {
            let value = run.param(&name).ok_or_else(|| format!("its record has no {name}"))?;
            let value =
                learner.check(&name, value).map_err(|reason| format!("{name}: {reason}"))?;
            params.push((name, value));
        }
        let trial = Self::new(params, subject)?;
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
