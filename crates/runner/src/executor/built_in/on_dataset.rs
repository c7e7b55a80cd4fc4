//! The built-in model on one dataset, as a plan sees it.

use super::hyperparameters::{EPOCHS, typed};
use crate::experiment::learner::{Misfit, Params, Subject, Workload};
use crate::experiment::validation::Validation;

/// The built-in model on one dataset.
#[derive(Debug, Clone)]
pub struct OnDataset {
    pub dataset_sha256: String,
    pub validation: Validation,
    /// Number of training examples of a trial.
    pub examples: usize,
}

impl OnDataset {
    /// A dataset with `train_len` training examples, of which the validation may hold out some.
    pub fn new(dataset_sha256: &str, train_len: usize, validation: Validation) -> Self {
        let examples = train_len - validation.held_out(train_len).unwrap_or(0);
        Self { dataset_sha256: dataset_sha256.to_owned(), validation, examples }
    }
}

impl Subject for OnDataset {
    fn id_fields(&self, params: &Params) -> Vec<(String, String)> {
        let data = [
            ("dataset".to_owned(), self.dataset_sha256.clone()),
            ("validation".to_owned(), self.validation.to_string()),
        ];
        let params = params.iter().map(|(name, value)| (name.clone(), value.to_string()));
        data.into_iter().chain(params).collect()
    }

    /// One step of the fused engine costs about as much as three examples.
    fn workload(&self, params: &Params) -> Result<Workload, String> {
        let typed = typed(params)?;
        let (epochs, steps) = (typed.epochs.get(), typed.steps(self.examples));
        let key = params.iter().filter(|(name, _)| name != EPOCHS);
        Ok(Workload {
            epochs: Some(epochs),
            steps,
            cost: 3 * steps + u64::from(epochs).saturating_mul(self.examples as u64),
            trajectory_key: key.map(|(name, value)| format!("{name}={value} ")).collect(),
        })
    }

    fn misfit(&self, trials: &[Params]) -> Option<Misfit> {
        let sizes = trials.iter().filter_map(|params| Some(typed(params).ok()?.batch_size.get()));
        let largest = sizes.max().filter(|largest| *largest as usize > self.examples)?;
        Some(Misfit {
            name: "batch_size".to_owned(),
            message: format!("a batch of {largest} is larger than the training set"),
            expected: format!("expected at most {}, the training examples", self.examples),
            help: "use a smaller batch size; nothing was run",
        })
    }
}
