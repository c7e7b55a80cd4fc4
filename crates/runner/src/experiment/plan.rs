//! What an experiment expands to: an ordered list of trials.

use data::DatasetInfo;
use model::Hyperparameters;
use sha2::{Digest, Sha256};
use tracking::{RecordedRun, TrialId, Value};

use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::spec::{Axis, Parameter, Setting, Spec, Validation};

/// Most trials a plan may have.
pub const LARGEST_PLAN: usize = 100_000;

/// The trials of one experiment on one dataset, in the order of the file: the first swept key varies slowest.
#[derive(Debug)]
pub struct Plan {
    pub trials: Vec<Trial>,
    /// Swept hyperparameters, in the order of [`Parameter::ALL`]: what tells the trials apart.
    pub varying: Vec<Parameter>,
    /// Training examples that a trial sees.
    pub examples: usize,
}

/// One point of the sweep.
#[derive(Debug, Clone)]
pub struct Trial {
    pub id: TrialId,
    pub hyperparameters: Hyperparameters,
    pub validation: Validation,
}

impl Trial {
    /// Its identity: a hash of its hyperparameters, its data and its validation, and of nothing else.
    pub fn new(
        hyperparameters: Hyperparameters,
        dataset_sha256: &str,
        validation: Validation,
    ) -> Self {
        let mut fields =
            vec![("dataset", dataset_sha256.to_owned()), ("validation", validation.to_string())];
        for parameter in Parameter::ALL {
            fields.push((parameter.name(), value_of(&hyperparameters, parameter).to_string()));
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self { id: TrialId::of(&fields), hyperparameters, validation }
    }

    /// The trial of a recorded run.
    ///
    /// # Errors
    /// When the record is not of one of ours, or does not fit the trial's id.
    pub fn recorded(run: &RecordedRun) -> Result<Self, String> {
        let mut hyperparameters = Hyperparameters::default();
        for parameter in Parameter::ALL {
            let name = parameter.name();
            let value = run.param(name).ok_or_else(|| format!("its record has no {name}"))?;
            Setting::recorded(parameter, value)
                .map_err(|reason| format!("{name}: {reason}"))?
                .apply(&mut hyperparameters);
        }
        let validation = Validation::recorded(&run.validation)?;
        let trial = Self::new(hyperparameters, &run.dataset_sha256, validation);
        if trial.id == run.trial && run.params.len() == Parameter::ALL.len() {
            return Ok(trial);
        }
        Err(format!(
            "its hyperparameters, dataset and validation are those of trial {}, not {}",
            trial.id, run.trial
        ))
    }

    /// Its hyperparameters as the store keeps them, in their order.
    pub fn params(&self) -> Vec<(String, Value)> {
        Parameter::ALL
            .map(|parameter| {
                (parameter.name().to_owned(), value_of(&self.hyperparameters, parameter))
            })
            .to_vec()
    }

    /// `batch_size 32 · seed 0`: what tells it from its neighbours.
    pub fn title(&self, varying: &[Parameter]) -> String {
        let parts: Vec<_> = varying
            .iter()
            .map(|parameter| {
                format!("{} {}", parameter.name(), value_of(&self.hyperparameters, *parameter))
            })
            .collect();
        if parts.is_empty() { self.id.to_string() } else { parts.join(" · ") }
    }
}

/// One hyperparameter as a value of the store.
pub fn value_of(hyperparameters: &Hyperparameters, parameter: Parameter) -> Value {
    match parameter {
        Parameter::LearningRate => Value::Real(hyperparameters.learning_rate.get()),
        Parameter::Decay => Value::Real(hyperparameters.decay.get()),
        Parameter::BatchSize => Value::Integer(hyperparameters.batch_size.get().into()),
        Parameter::Epochs => Value::Integer(hyperparameters.epochs.get().into()),
        Parameter::Seed => Value::Integer(hyperparameters.seed.get().cast_signed()),
        Parameter::Init => Value::Text(hyperparameters.init.to_string()),
        Parameter::LastBatch => Value::Text(hyperparameters.last_batch.to_string()),
    }
}

impl Plan {
    /// Expands `spec` for a dataset of these facts.
    ///
    /// # Errors
    /// When the plan has more than [`LARGEST_PLAN`] trials, or a batch is larger than the training set.
    pub fn new(spec: &Spec, dataset: &DatasetInfo) -> Result<Self, Diagnostic> {
        let examples = match spec.validation {
            Validation::Test => dataset.train_len,
            Validation::HeldOut(fraction) => dataset.train_len - fraction.of(dataset.train_len),
        };
        let hyperparameters = expand(spec)?;
        refuse_large_batches(spec, &hyperparameters, examples)?;
        let trials = hyperparameters
            .into_iter()
            .map(|it| Trial::new(it, &dataset.sha256, spec.validation))
            .collect();
        let swept = |parameter: &Parameter| {
            spec.sweep.iter().any(|axis| axis.parameter == *parameter && axis.values.len() > 1)
        };
        let varying = Parameter::ALL.into_iter().filter(swept).collect();
        Ok(Self { trials, varying, examples })
    }

    /// Its identity: SHA-256 of the ids of its trials, in their order as text, a line each.
    pub fn sha256(&self) -> String {
        let mut ids: Vec<&str> = self.trials.iter().map(|trial| trial.id.as_str()).collect();
        ids.sort_unstable();
        let lines: String = ids.iter().flat_map(|id| [*id, "\n"]).collect();
        Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Steps of one trial.
    pub fn steps(&self, trial: &Trial) -> u64 {
        trial.hyperparameters.steps(self.examples)
    }
}

/// Every combination, the first axis slowest.
fn expand(spec: &Spec) -> Result<Vec<Hyperparameters>, Diagnostic> {
    let count =
        spec.sweep.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > LARGEST_PLAN) {
        let label = format!("expected at most {LARGEST_PLAN} combinations");
        return Err(Diagnostic::new("the plan has too many trials", &sweep_place(spec), label));
    }
    let mut expanded = vec![spec.base];
    for Axis { values, .. } in &spec.sweep {
        expanded = expanded
            .into_iter()
            .flat_map(|base| {
                values.iter().map(move |setting| {
                    let mut hyperparameters = base;
                    setting.apply(&mut hyperparameters);
                    hyperparameters
                })
            })
            .collect();
    }
    Ok(expanded)
}

fn sweep_place(spec: &Spec) -> crate::experiment::diagnostic::Place {
    spec.sweep.first().map_or_else(|| spec.dataset.place.clone(), |axis| axis.place.clone())
}

fn refuse_large_batches(
    spec: &Spec,
    trials: &[Hyperparameters],
    examples: usize,
) -> Result<(), Diagnostic> {
    let largest = trials.iter().map(|it| it.batch_size.get()).max().unwrap_or(0);
    if largest as usize <= examples {
        return Ok(());
    }
    let place = spec.batch_size_place.as_ref().unwrap_or(&spec.dataset.place);
    let label =
        format!("expected at most {examples}, the training examples of '{}'", spec.dataset.name);
    Err(Diagnostic::new(
        format!("a batch of {largest} is larger than the training set"),
        place,
        label,
    )
    .help("an epoch would be one step on fewer examples than the table says; nothing was run"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use data::ImageShape;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn plan(text: &str) -> Result<Plan, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, text).unwrap();
        let spec = Spec::read(&path, &[]).map_err(|error| error.to_string())?;
        let shape = ImageShape { rows: 8, columns: 8 };
        let facts = DatasetInfo {
            sha256: "00".to_owned(),
            train_len: 1_000,
            test_len: 100,
            shape,
            classes: 10,
        };
        Plan::new(&spec, &facts).map_err(|error| error.to_string())
    }

    /// Written down with `printf 'candle-sweep trial v1\ndataset=00\nvalidation=test\nlearning_rate=0.01\n…' | sha256sum`.
    #[test]
    fn a_trial_id_is_what_sha256sum_says() {
        let trial = Trial::new(Hyperparameters::default(), "00", Validation::Test);
        assert_eq!(trial.id.as_str(), "ac2354942b2ac4be");
    }

    #[test]
    fn the_first_swept_key_varies_slowest() {
        let plan =
            plan("name='a'\ndata={dataset='digits'}\n[sweep]\nseed=[7,3]\nbatch_size=[64,16]\n")
                .unwrap();
        let order: Vec<_> = plan
            .trials
            .iter()
            .map(|it| (it.hyperparameters.seed.get(), it.hyperparameters.batch_size.get()))
            .collect();
        assert_eq!(order, [(7, 64), (7, 16), (3, 64), (3, 16)]);
    }

    #[test]
    fn a_log_range_is_even_in_its_logarithm() {
        let plan =
            plan("name='a'\ndata={dataset='digits'}\nsweep={learning_rate={from=1e-3,to=1,count=4,scale='log'}}")
                .unwrap();
        let rates: Vec<_> =
            plan.trials.iter().map(|it| it.hyperparameters.learning_rate.get()).collect();
        assert_eq!(rates, [0.001, 0.01, 0.1, 1.0]);
    }

    #[test]
    fn held_out_examples_are_not_stepped_over() {
        let plan = plan("name='a'\ndata={dataset='digits',validation=0.1}\ntrain={batch_size=100}")
            .unwrap();
        assert_eq!((plan.examples, plan.steps(&plan.trials[0])), (900, 45));
    }

    proptest! {
        #[test]
        fn every_combination_is_there_once(
            seeds in prop::collection::hash_set(0u32..1000, 1..6), decays in prop::collection::hash_set(0u8..100, 1..5),
        ) {
            let decays: Vec<f64> = decays.into_iter().map(|it| f64::from(it) / 1000.0).collect();
            let seeds: Vec<u32> = seeds.into_iter().collect();
            let text = format!("name='a'\ndata={{dataset='digits'}}\n[sweep]\ndecay={decays:?}\nseed={seeds:?}\n");
            let plan = plan(&text).unwrap();
            let ids: HashSet<_> = plan.trials.iter().map(|trial| &trial.id).collect();
            prop_assert_eq!(ids.len(), seeds.len() * decays.len());
            prop_assert_eq!(plan.trials.len(), ids.len());
        }

        #[test]
        fn no_text_panics(text in "[ -~\n]{0,80}", key in "[a-z_]{1,12}", value in "[ -~]{0,12}") {
            let _ = plan(&text);
            let _ = plan(&format!("name='a'\ndata={{dataset='digits'}}\n[sweep]\n{key} = {value}\n"));
            let _ = plan(&format!("name='a'\ndata={{dataset='digits'}}\n[sweep]\nseed = {{ {key} = {value} }}\n"));
        }
    }
}
