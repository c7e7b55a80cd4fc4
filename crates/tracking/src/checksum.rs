//! Checksums of recorded rows. They detect values that were changed after they were recorded.

use crate::{ErrorAnalysis, Experiment, RecordedRun, RunId, Value};

/// CRC-32 over a sequence of fields. The length of each field is part of the checksum, so that
/// moving a byte from one field to the next changes it.
#[derive(Clone, Default)]
struct Checksum(crc32fast::Hasher);

impl Checksum {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn number(&mut self, number: f64) -> &mut Self {
        // SQLite stores -0.0 as 0.0; adding 0.0 removes the sign.
        self.bytes(&(number + 0.0).to_bits().to_le_bytes())
    }

    fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Integer(value) => self.text("integer").bytes(&value.to_le_bytes()),
            Value::Real(value) => self.text("real").number(*value),
            Value::Text(value) => self.text("text").text(value),
        }
    }

    fn finish(&self) -> i64 {
        self.0.clone().finalize().into()
    }
}

/// Checksum of a run: identity, data, settings, hyperparameters and results. Status, end time,
/// error and epochs are not part of it.
pub(crate) fn of_run(run: &RecordedRun) -> i64 {
    let mut sum = Checksum::default();
    for text in
        [run.id.as_str(), &run.experiment, run.trial.as_str(), &run.dataset, &run.dataset_sha256]
    {
        sum.text(text);
    }
    for text in [&run.dataset_path, &run.fallback_for] {
        sum.text(text.as_deref().unwrap_or_default());
    }
    for text in [run.validation.as_str(), &run.engine, &run.device, &run.started_at] {
        sum.text(text);
    }
    sum.bytes(&run.last_epoch.to_le_bytes());
    // Runs of earlier schemas lack these values. Omitting them keeps the original checksums valid.
    for (name, number) in [
        ("ordered_at", run.ordered_at.map(i64::to_le_bytes)),
        ("train", run.split_sizes.train.map(u64::to_le_bytes)),
        ("validation", run.split_sizes.validation.map(u64::to_le_bytes)),
        ("test", run.split_sizes.test.map(u64::to_le_bytes)),
    ] {
        if let Some(bytes) = number {
            sum.text(name).bytes(&bytes);
        }
    }
    if let Some(program) = &run.program_sha256 {
        sum.text("program").text(program);
    }
    for (name, value) in &run.params {
        sum.text(name).value(value);
    }
    // The store does not preserve the order of results.
    let mut results: Vec<_> = run.results.iter().collect();
    results.sort_by_key(|(name, _)| name);
    for (name, value) in results {
        sum.text(name).number(*value);
    }
    sum.finish()
}

/// Checksum of an experiment: name and description.
pub(crate) fn of_experiment(experiment: &Experiment) -> i64 {
    Checksum::default().text(&experiment.name).text(&experiment.description).finish()
}

/// Checksum of one metric of an epoch.
pub(crate) fn of_metric(run: &RunId, epoch: u32, step: i64, name: &str, value: f64) -> i64 {
    let mut sum = Checksum::default();
    sum.text(run.as_str())
        .bytes(&epoch.to_le_bytes())
        .bytes(&step.to_le_bytes())
        .text(name)
        .number(value);
    sum.finish()
}

/// Checksum of an error analysis.
pub(crate) fn of_error_analysis(run: &RunId, analysis: &ErrorAnalysis) -> i64 {
    let ErrorAnalysis { classes, rows, columns, confusion, left_out, mistakes } = analysis;
    let mut sum = Checksum::default();
    sum.text(run.as_str());
    for number in [*classes, *rows, *columns] {
        sum.bytes(&number.to_le_bytes());
    }
    for cell in confusion {
        sum.bytes(&cell.label.to_le_bytes())
            .bytes(&cell.predicted.to_le_bytes())
            .bytes(&cell.count.to_le_bytes());
    }
    sum.bytes(&left_out.to_le_bytes());
    for mistake in mistakes {
        sum.bytes(&mistake.index.to_le_bytes()).bytes(&mistake.label.to_le_bytes());
        sum.bytes(&mistake.predicted.to_le_bytes())
            .number(mistake.probability)
            .bytes(&mistake.picture);
    }
    sum.finish()
}

/// Checksum of a checkpoint.
pub(crate) fn of_checkpoint(run: &RunId, epoch: u32, seconds: f64, model: &[u8]) -> i64 {
    Checksum::default()
        .text(run.as_str())
        .bytes(&epoch.to_le_bytes())
        .number(seconds)
        .bytes(model)
        .finish()
}
