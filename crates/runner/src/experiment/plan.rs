//! From a spec and a dataset to the trials of a plan.

use data::DatasetInfo;
use sha2::{Digest, Sha256};

use crate::experiment::MAX_TRIALS;
use crate::experiment::axis::Axis;
use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::learner::{Learner, Params};
use crate::experiment::spec::Spec;
use crate::experiment::trial::Trial;

/// The trials of one experiment on one dataset, in the order of the file: the first swept key
/// varies slowest.
#[derive(Debug)]
pub struct Plan {
    pub trials: Vec<Trial>,
    /// Names of the hyperparameters with more than one value, in the learner's order.
    pub varying: Vec<String>,
    /// Number of training examples of a trial.
    pub examples: usize,
}

impl Plan {
    /// Expands `spec` for a dataset.
    ///
    /// # Errors
    /// If there are more than [`MAX_TRIALS`] trials, or `learner` cannot train all of them.
    pub fn new(
        spec: &Spec,
        dataset: &DatasetInfo,
        learner: &dyn Learner,
    ) -> Result<Self, Diagnostic> {
        let held_out = spec.validation.held_out(dataset.train_len).unwrap_or(0);
        let examples = dataset.train_len - held_out;
        let expanded = expand(spec)?;
        if let Some(misfit) = learner.misfit(&expanded, examples) {
            let span = spec.spans.get(misfit.name).unwrap_or(&spec.dataset.span);
            let label = format!("{} of '{}'", misfit.expected, spec.dataset.source.name());
            return Err(Diagnostic::new(misfit.message, span, label).help(misfit.help));
        }
        let trials = expanded.into_iter().map(|params| {
            let workload = learner.workload(&params, examples)?;
            Ok(Trial::new(params, &dataset.sha256, spec.validation, workload))
        });
        let trials = trials.collect::<Result<_, String>>().map_err(|reason| {
            Diagnostic::new("the plan cannot be trained", &spec.dataset.span, reason)
        })?;
        let swept =
            |name: &str| spec.sweep.iter().any(|axis| axis.name == name && axis.values.len() > 1);
        let varying = spec.base.iter().map(|(name, _)| name).filter(|name| swept(name));
        Ok(Self { trials, varying: varying.cloned().collect(), examples })
    }

    /// The identity of the plan: SHA-256 of its sorted trial ids, one per line.
    pub fn sha256(&self) -> String {
        let mut ids: Vec<&str> = self.trials.iter().map(|trial| trial.id.as_str()).collect();
        ids.sort_unstable();
        let lines: String = ids.iter().flat_map(|id| [*id, "\n"]).collect();
        Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// All combinations. The first axis varies slowest.
fn expand(spec: &Spec) -> Result<Vec<Params>, Diagnostic> {
    let count =
        spec.sweep.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > MAX_TRIALS) {
        let label = format!("expected at most {MAX_TRIALS} combinations");
        let span = spec.sweep.first().map_or(&spec.dataset.span, |axis| &axis.span);
        return Err(Diagnostic::new("the plan has too many trials", span, label));
    }
    let mut expanded = vec![spec.base.clone()];
    for Axis { name, values, .. } in &spec.sweep {
        expanded = expanded
            .iter()
            .flat_map(|base| {
                values.iter().map(|value| {
                    let mut params = base.clone();
                    for (_, swept) in params.iter_mut().filter(|(key, _)| key == name) {
                        *swept = value.clone();
                    }
                    params
                })
            })
            .collect();
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use data::ImageShape;
    use proptest::prelude::*;

    use super::*;
    use crate::executor::built_in::BuiltIn;
    use crate::experiment::validation::Validation;

    fn plan(text: &str) -> Result<Plan, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, text).unwrap();
        let spec = Spec::read(&path, &[], &BuiltIn).map_err(|error| error.to_string())?;
        let shape = ImageShape { rows: 8, columns: 8 };
        let dataset = DatasetInfo {
            sha256: "00".to_owned(),
            train_len: 1_000,
            test_len: 100,
            shape,
            classes: 10,
        };
        Plan::new(&spec, &dataset, &BuiltIn).map_err(|error| error.to_string())
    }

    fn titles(plan: &Plan) -> Vec<String> {
        plan.trials.iter().map(|trial| trial.title(&plan.varying)).collect()
    }

    /// The id is the output of
    /// `printf 'candle-sweep trial v1\ndataset=00\nvalidation=test\n…' | sha256sum`, where `…` are
    /// the hyperparameters, such as `learning_rate=0.01\n`.
    #[test]
    fn trial_id_equals_sha256sum() {
        let plan = plan("name='a'\ndata={dataset='digits'}\n").unwrap();
        assert_eq!(plan.trials[0].validation, Validation::Test);
        assert_eq!(plan.trials[0].id.as_str(), "ac2354942b2ac4be");
    }

    #[test]
    fn first_swept_key_varies_slowest() {
        let text = "name='a'\ndata={dataset='digits'}\n[sweep]\nseed=[7,3]\nbatch_size=[64,16]\n";
        let expected = [
            "batch_size 64 · seed 7",
            "batch_size 16 · seed 7",
            "batch_size 64 · seed 3",
            "batch_size 16 · seed 3",
        ];
        assert_eq!(titles(&plan(text).unwrap()), expected);
    }

    #[test]
    fn log_range_is_even_in_its_logarithm() {
        let range = "{from=1e-3,to=1,count=4,scale='log'}";
        let text = format!("name='a'\ndata={{dataset='digits'}}\nsweep={{learning_rate={range}}}");
        let expected = ["1e-3", "0.01", "0.1", "1"].map(|rate| format!("learning_rate {rate}"));
        assert_eq!(titles(&plan(&text).unwrap()), expected);
    }

    #[test]
    fn held_out_examples_are_not_trained_on() {
        let data = "{dataset='digits',validation=0.1}";
        let plan = plan(&format!("name='a'\ndata={data}\ntrain={{batch_size=100}}")).unwrap();
        assert_eq!((plan.examples, plan.trials[0].workload.steps), (900, 45));
    }

    proptest! {
        #[test]
        fn plan_has_each_combination_once(
            seeds in prop::collection::hash_set(0u32..1000, 1..6),
            decays in prop::collection::hash_set(0u8..100, 1..5),
        ) {
            let decays: Vec<f64> =
                decays.into_iter().map(|decay| f64::from(decay) / 1000.0).collect();
            let seeds: Vec<u32> = seeds.into_iter().collect();
            let sweep = format!("[sweep]\ndecay={decays:?}\nseed={seeds:?}\n");
            let plan = plan(&format!("name='a'\ndata={{dataset='digits'}}\n{sweep}")).unwrap();
            let ids: HashSet<_> = plan.trials.iter().map(|trial| &trial.id).collect();
            prop_assert_eq!(ids.len(), seeds.len() * decays.len());
            prop_assert_eq!(plan.trials.len(), ids.len());
        }

        #[test]
        fn no_text_panics(text in "[ -~\n]{0,80}", key in "[a-z_]{1,12}", value in "[ -~]{0,12}") {
            let _ = plan(&text);
            let start = "name='a'\ndata={dataset='digits'}\n[sweep]\n";
            let _ = plan(&format!("{start}{key} = {value}\n"));
            let _ = plan(&format!("{start}seed = {{ {key} = {value} }}\n"));
        }
    }
}
