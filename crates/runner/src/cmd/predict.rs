//! `runner predict`: prints the class probabilities of an example and its true label.

use std::io::Write;

use anyhow::{Context, Result, bail};
use data::{Dataset, Split, normalise};
use model::Weights;
use tracking::{Reader, RecordedRun};

use crate::cli::{PredictArgs, SplitChoice};
use crate::experiment::datasets;
use crate::output::output;
use crate::sweep::records::model_path;
use crate::terminal::stdout_width;

/// Largest width of the longest bar, in characters.
const MAX_BAR: usize = 40;

/// The width of a line without its bar.
const LINE: usize = 44;

/// Prints the probability of each class.
pub fn predict(args: &PredictArgs) -> Result<()> {
    let reader = Reader::open(&args.paths.results)?;
    let run = reader.find(args.id())?;
    for issue in reader.integrity_issues() {
        anstream::eprintln!("{}", tracking::printable(&format!("warning: {issue}")));
    }
    if run.program_sha256.is_some() {
        bail!("run {} is of a program: only the built-in model predicts", run.id);
    }
    let weights = weights(args, &run)?;
    let dataset = dataset(args, &run)?;
    let (split, title) = match args.split {
        SplitChoice::Train => (&dataset.train, "train"),
        SplitChoice::Test => (&dataset.test, "test"),
    };
    let (pixels, label) = example(split, args.index).with_context(|| {
        format!(
            "{title} has no example {}: expected 0 to {}",
            args.index,
            split.len().saturating_sub(1)
        )
    })?;
    if weights.features != pixels.len() {
        bail!("the model takes {} features, the example has {}", weights.features, pixels.len());
    }
    let x: Vec<f32> = pixels.iter().map(|pixel| normalise(*pixel)).collect();
    let probabilities = weights.probabilities(&x);

    let mut out = output();
    let name = tracking::printable(&run.dataset);
    writeln!(out, "trial {} · {name} {title} {} · true label {label}\n", run.trial, args.index)?;
    let predicted = probabilities
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(class, _)| class);
    writeln!(out, "class  probability")?;
    let bar_width = stdout_width().saturating_sub(LINE).min(MAX_BAR);
    for (class, probability) in probabilities.iter().enumerate() {
        let mark = match (class == predicted, class == usize::from(label)) {
            (true, true) => "  ◀ predicted, true label",
            (true, false) => "  ◀ predicted",
            (false, true) => "  ◀ true label",
            (false, false) => "",
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and MAX_BAR"
        )]
        let bar = "█".repeat((probability * bar_width as f64).round() as usize);
        writeln!(out, "{}", format!("{class:5}  {probability:<11.6e} {bar}{mark}").trim_end())?;
    }
    Ok(())
}

fn example(split: &Split, index: usize) -> Option<(&[u8], u8)> {
    Some((split.image(index)?, *split.labels.get(index)?))
}

fn weights(args: &PredictArgs, run: &RecordedRun) -> Result<Weights> {
    let path = model_path(&args.paths.results, &run.experiment, &run.trial);
    let shown = path.display().to_string();
    let bytes = std::fs::read(&path).with_context(|| {
        format!("cannot read the weights of this {} run from {shown}", run.status)
    })?;
    Weights::from_safetensors(&bytes).with_context(|| shown)
}

/// The exact dataset that the run used. A dataset with another digest is an error.
fn dataset(args: &PredictArgs, run: &RecordedRun) -> Result<Dataset> {
    let dataset = datasets::recorded(&args.paths, &run.dataset, run.dataset_path.as_deref())?;
    if dataset.sha256 != run.dataset_sha256 {
        bail!(
            "{} has changed since the run: expected {}, found {}",
            run.dataset,
            run.dataset_sha256,
            dataset.sha256
        );
    }
    Ok(dataset)
}
