//! Names of what the built-in model measures.

use std::fmt;
use std::time::Duration;

use model::Score;
use tracking::EpochMetrics;

use crate::metric;
use crate::separator::SEPARATOR;

/// The final metrics that an experiment can rank by.
pub const RESULTS: [&str; 7] = [
    "val_accuracy",
    "val_loss",
    "test_accuracy",
    "test_loss",
    "train_accuracy",
    "train_loss",
    "seconds",
];

/// An epoch and its time, as recorded.
pub fn epoch(measured: &model::EpochScores, elapsed: Duration) -> EpochMetrics {
    let named = [
        ("loss", Some(measured.loss)),
        ("accuracy", Some(measured.accuracy)),
        ("val_loss", Some(measured.val_loss)),
        ("val_accuracy", Some(measured.val_accuracy)),
        ("test_loss", measured.test_loss),
        ("test_accuracy", measured.test_accuracy),
        ("learning_rate", Some(measured.learning_rate)),
        ("seconds", Some(elapsed.as_secs_f64())),
    ];
    let metrics = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    EpochMetrics { epoch: measured.epoch, step: measured.step, metrics: metrics.collect() }
}

/// The final metrics of a finished training.
pub fn results(train: &Score, test: &Score) -> Vec<(String, f64)> {
    let named = [
        ("train_loss", train.loss()),
        ("train_accuracy", train.accuracy()),
        ("test_loss", test.loss()),
        ("test_accuracy", test.accuracy()),
    ];
    named.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Displays the running metrics of an epoch.
pub struct Running<'a>(pub &'a Score);

impl fmt::Display for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(score) = self;
        let named = [("loss", score.loss()), ("accuracy", score.accuracy())];
        let parts = named.map(|(name, value)| format!("{name} {}", metric::format(name, value)));
        f.write_str(&parts.join(SEPARATOR))
    }
}
