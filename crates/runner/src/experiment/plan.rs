//! From a spec and a dataset to the trials of a plan.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::learner::{Params, Subject};
use crate::experiment::race::PlannedRace;
use crate::experiment::spec::{Spec, Trained};
use crate::experiment::trial::Trial;

/// The trials of one experiment, each once, in the order of the file: first those of the first
/// sweep, whose first key varies slowest.
#[derive(Debug)]
pub struct Plan {
    pub trials: Vec<Trial>,
    /// Names of the hyperparameters whose values differ between trials, in the learner's order.
    pub varying: Vec<String>,
    /// The race that decides which trials are needed; without one, all of them are.
    pub race: Option<PlannedRace>,
}

impl Plan {
    /// Expands `spec` for what its trials train.
    ///
    /// # Errors
    /// If a sweep has no trial, or `subject` cannot train all of them.
    pub fn new(spec: &Spec, subject: &dyn Subject) -> Result<Self, Diagnostic> {
        let names = spec.learner.hyperparameters().into_iter().map(|parameter| parameter.name);
        let names: Vec<String> = names.collect();
        let expanded = expand(spec, &names)?;
        if let Some(misfit) = subject.misfit(&expanded) {
            let span = spec.spans.get(&misfit.name).unwrap_or(spec.trained.span());
            let label = match &spec.trained {
                Trained::BuiltIn(data) => {
                    format!("{} of '{}'", misfit.expected, data.dataset.source.name())
                }
                Trained::Program(_) => misfit.expected,
            };
            return Err(Diagnostic::new(misfit.message, span, label).help(misfit.help));
        }
        let trials = expanded.into_iter().map(|params| Trial::new(params, subject));
        let mut trials: Vec<Trial> = trials.collect::<Result<_, String>>().map_err(|reason| {
            Diagnostic::new("the plan cannot be trained", spec.trained.span(), reason)
        })?;
        let mut seen = HashSet::new();
        trials.retain(|trial| seen.insert(trial.id.clone()));
        let varies = |name: &String| {
            let mut values = trials.iter().map(|trial| trial.param(name));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let varying = names.into_iter().filter(varies).collect();
        let race = spec.race.as_ref().map(|race| PlannedRace::new(race, &trials)).transpose()?;
        Ok(Self { trials, varying, race })
    }

    /// The identity of the plan: SHA-256 of its sorted trial ids, one per line.
    pub fn sha256(&self) -> String {
        let mut ids: Vec<&str> = self.trials.iter().map(|trial| trial.id.as_str()).collect();
        ids.sort_unstable();
        let lines: String = ids.iter().flat_map(|id| [*id, "\n"]).collect();
        Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The combinations of all spaces, each with its hyperparameters in the learner's order.
fn expand(spec: &Spec, names: &[String]) -> Result<Vec<Params>, Diagnostic> {
    let order: HashMap<&String, usize> = names.iter().zip(0..).collect();
    let mut expanded = Vec::new();
    for space in &spec.spaces {
        expanded.append(&mut space.expand(&spec.base)?);
    }
    for params in &mut expanded {
        params.sort_by_key(|(name, _)| order.get(name));
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::experiment::fixtures::plan;

    fn titles(plan: &Plan) -> Vec<String> {
        plan.trials.iter().map(|trial| trial.title(&plan.varying)).collect()
    }

    /// The id is the output of
    /// `printf 'candle-sweep trial v1\ndataset=00\nvalidation=test\n…' | sha256sum`, where `…` are
    /// the hyperparameters, such as `learning_rate=0.01\n`.
    #[test]
    fn trial_id_equals_sha256sum() {
        let plan = plan("name='a'\ndata={dataset='digits'}\n").unwrap();
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
        assert_eq!(plan.trials[0].workload.steps, 45);
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
