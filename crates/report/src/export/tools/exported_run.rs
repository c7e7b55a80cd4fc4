//! A run as exports to other tools read it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use analysis::runs::epoch_metric;
use tracking::{EpochMetrics, Invocation, RecordedRun};

/// Everything about a run that an export writes.
pub struct ExportedRun {
    /// The run as recorded.
    pub run: RecordedRun,
    /// Its epochs, in order.
    pub epochs: Vec<EpochMetrics>,
    /// The invocation of the program that recorded it.
    pub invocation: Invocation,
    /// The file with its final weights, if there is one.
    pub weights: Option<PathBuf>,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// Name of the metric.
    pub name: String,
    /// Number of the epoch; 0 if the run has no epochs.
    pub epoch: u32,
    /// The finite value.
    pub value: f64,
    /// Time of the measurement, since 1970.
    pub time: Duration,
}

impl ExportedRun {
    /// Start of the run, since 1970.
    pub fn started(&self) -> Duration {
        since_1970(&self.run.started_at).unwrap_or_default()
    }

    /// End of the run, since 1970. `None` if it is running or its end was not observed.
    pub fn ended(&self) -> Option<Duration> {
        since_1970(&self.run.ended_at)
    }

    /// All values of metrics: first those of each epoch, then the final metrics, which get the
    /// number of the last epoch.
    ///
    /// A final metric with the same name and value as a metric of the last epoch is left out. If
    /// only the value differs, the name of the final metric becomes `final_…`, or `final_final_…`
    /// if that name is taken.
    ///
    /// The time of an epoch is the start of the run plus the seconds of all epochs up to it, so
    /// every export gives the same time.
    pub fn points(&self) -> Vec<MetricPoint> {
        let mut points = Vec::new();
        let mut time = self.started();
        for epoch in &self.epochs {
            let seconds = epoch_metric(epoch, "seconds").unwrap_or(0.0);
            time += Duration::try_from_secs_f64(seconds).unwrap_or_default();
            points.extend(epoch.metrics.iter().map(|(name, value)| MetricPoint {
                name: name.clone(),
                epoch: epoch.epoch,
                value: *value,
                time,
            }));
        }
        points.extend(self.final_points(time));
        // The store records only finite numbers, but any program can write to its file.
        points.retain(|point| point.value.is_finite());
        points
    }

    fn final_points(&self, time: Duration) -> Vec<MetricPoint> {
        let last = self.epochs.last();
        let epoch = last.map_or(0, |epoch| epoch.epoch);
        let epoch_names: HashSet<&str> = self
            .epochs
            .iter()
            .flat_map(|epoch| &epoch.metrics)
            .map(|(name, _)| name.as_str())
            .collect();
        let mut taken: HashSet<String> =
            epoch_names.iter().map(|name| (*name).to_owned()).collect();
        taken.extend(self.run.results.iter().map(|(name, _)| name.to_string()));
        let mut points = Vec::new();
        for (name, value) in &self.run.results {
            if last.and_then(|last| epoch_metric(last, name)) == Some(*value) {
                continue;
            }
            let mut name = name.to_string();
            if epoch_names.contains(&*name) {
                while !taken.insert(name.clone()) {
                    name = format!("final_{name}");
                }
            }
            points.push(MetricPoint { name, epoch, value: *value, time });
        }
        points
    }

    /// The hyperparameters `names` as text: `batch_size=32, seed=0`. Without any, the trial id.
    pub fn label(&self, names: &[String]) -> String {
        let assignment = |name: &String| Some(format!("{name}={}", self.run.param(name)?.short()));
        let label = names.iter().filter_map(assignment).collect::<Vec<_>>().join(", ");
        if label.is_empty() { self.run.trial.to_string() } else { label }
    }
}

/// A timestamp of the store as a duration.
fn since_1970(timestamp: &str) -> Option<Duration> {
    humantime::parse_rfc3339(timestamp).ok()?.duration_since(UNIX_EPOCH).ok()
}
