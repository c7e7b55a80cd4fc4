//! Metrics: direction, unit, and the rules that choose the ranking metric.
//!
//! Declarations of the user, the experiment file or the training program take precedence over what
//! a name implies. A metric of unknown direction appears in tables but never ranks.

mod name;

use tracking::typed_name::is_same;
use tracking::{Declarations, Direction, ValidationSet};

use crate::analysis::statistics::Interval;
use name::{Kind, SECONDS, base, direction, is_cost, kind};
pub use name::{
    Split, is_bookkeeping, is_covered, is_learning_rate, is_of_training, is_time, position, split,
};

/// The unit in which a metric is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction from 0 to 1, shown in percent.
    Fraction,
    /// A percentage from 0 to 100, shown unchanged.
    Percent,
    /// Seconds.
    Seconds,
    /// A plain number.
    Number,
}

impl Unit {
    /// The unit of the metric `name`. `largest` is the largest absolute value: an accuracy above 1
    /// was logged in percent.
    pub fn of(name: &str, largest: f64) -> Self {
        match kind(name) {
            Kind::Accuracy if largest <= 1.0 => Self::Fraction,
            Kind::Accuracy if largest <= 100.0 => Self::Percent,
            Kind::Seconds => Self::Seconds,
            _ => Self::Number,
        }
    }

    /// The factor from a recorded value to the shown number.
    pub fn scale(self) -> f64 {
        if self == Self::Fraction { 100.0 } else { 1.0 }
    }

    /// The largest possible value, and difference of two values, in recorded units; `None` if the
    /// unit implies none. The smallest value is then 0.
    pub fn largest(self) -> Option<f64> {
        match self {
            Self::Fraction => Some(1.0),
            Self::Percent => Some(100.0),
            Self::Seconds | Self::Number => None,
        }
    }

    /// Limits of a value without the impossible values, which have no probability.
    pub fn clip_value(self, limits: Interval) -> Interval {
        self.largest().map_or(limits, |largest| limits.clamp(0.0, largest))
    }

    /// Limits of a difference of two values without the impossible differences.
    pub fn clip_difference(self, limits: Interval) -> Interval {
        self.largest().map_or(limits, |largest| limits.clamp(-largest, largest))
    }

    /// Whether differences are percentage points.
    pub fn is_points(self) -> bool {
        matches!(self, Self::Fraction | Self::Percent)
    }
}

/// A metric of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The name in the store.
    pub name: String,
    /// Whether lower or higher is better; `None` if unknown.
    pub direction: Option<Direction>,
    /// The unit in which it is shown.
    pub unit: Unit,
}

impl Metric {
    /// Negates a value if lower is better, so that higher is better; also converts it back.
    pub fn oriented(&self, value: f64) -> f64 {
        if self.is_minimized() { -value } else { value }
    }

    /// Whether lower is better.
    pub fn is_minimized(&self) -> bool {
        self.direction == Some(Direction::Minimize)
    }
}

/// Declarations about metrics. The command line takes precedence over the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Directions from the command line, and from the experiment.
    directions: [Vec<(String, Direction)>; 2],
    rank: Option<String>,
    report: Option<String>,
}

impl Rules {
    /// Combines directions from the command line with the declarations of an experiment.
    pub fn new(chosen: &[(String, Direction)], declared: &Declarations) -> Self {
        Self {
            directions: [chosen.to_vec(), declared.directions.clone()],
            rank: declared.rank.clone(),
            report: declared.report.clone(),
        }
    }

    /// The direction of the metric `name`: declared for the name, declared for the name without its
    /// split, or inferred from its words.
    pub fn direction(&self, name: &str) -> Option<Direction> {
        let declared = |directions: &Vec<(String, Direction)>| {
            let find = |wanted: &str| {
                directions
                    .iter()
                    .find(|(known, _)| is_same(known, wanted))
                    .map(|(_, direction)| *direction)
            };
            find(name).or_else(|| find(base(name)))
        };
        self.directions.iter().find_map(declared).or_else(|| direction(name))
    }

    /// The metric that ranks by default: the declared one, or else the first in this order. Costs
    /// come last. Among the others, validation comes before the test set, unless the validation is
    /// the test set. Within a split, accuracy comes before loss, and loss before other
    /// metrics.
    ///
    /// Training metrics, metrics of unknown direction, and metrics that `may_rank` excludes do not
    /// rank.
    pub fn ranking<'a>(
        &self,
        metrics: &[&'a str],
        may_rank: impl Fn(&str) -> bool,
        validation: &ValidationSet,
    ) -> Option<&'a str> {
        let declared = metrics.iter().find(|name| Some(**name) == self.rank.as_deref());
        let order = match validation {
            ValidationSet::Test => [Split::Test, Split::Validation, Split::Unspecified],
            _ => [Split::Validation, Split::Test, Split::Unspecified],
        };
        let rank = |name: &&&str| {
            let split = order.iter().position(|known| *known == split(name)).unwrap_or(order.len());
            let kind = match kind(name) {
                Kind::Accuracy => 0,
                Kind::Loss => 1,
                _ => 2,
            };
            (is_cost(name), split, kind)
        };
        let ranks = |name: &&&str| {
            may_rank(name)
                && split(name) != Split::Train
                && **name != SECONDS
                && self.direction(name).is_some()
        };
        declared.or_else(|| metrics.iter().filter(ranks).min_by_key(rank)).copied()
    }

    /// The metric that estimates how good the chosen setting is: the declared one, or the test
    /// metric with the same base name if a validation ranks that is not the test set.
    pub fn reported<'a>(
        &self,
        ranking: &str,
        metrics: &[&'a str],
        validation: &ValidationSet,
    ) -> Option<&'a str> {
        let known =
            |name: &str| metrics.iter().find(|metric| **metric == name && name != ranking).copied();
        if let Some(declared) = self.report.as_deref().and_then(known) {
            return Some(declared);
        }
        if *validation == ValidationSet::Test || split(ranking) != Split::Validation {
            return None;
        }
        metrics
            .iter()
            .find(|name| split(name) == Split::Test && base(name) == base(ranking))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_direction_overrides_the_experiment() {
        let declared = Declarations {
            directions: vec![("val_babble".into(), Direction::Maximize)],
            ..Declarations::default()
        };
        let rules = Rules::new(&[("babble".into(), Direction::Minimize)], &declared);
        assert_eq!(rules.direction("val_babble"), Some(Direction::Minimize));
    }

    #[test]
    fn declared_direction_overrides_the_name() {
        let declared = Declarations {
            directions: vec![
                ("babble".into(), Direction::Minimize),
                ("accuracy".into(), Direction::Minimize),
            ],
            ..Declarations::default()
        };
        let rules = Rules::new(&[("val_babble".into(), Direction::Maximize)], &declared);
        assert_eq!(
            rules.direction("val_babble"),
            Some(Direction::Maximize),
            "the command line does not take precedence"
        );
        assert_eq!(
            rules.direction("test_babble"),
            Some(Direction::Minimize),
            "the name without its split has no effect"
        );
        assert_eq!(rules.direction("accuracy"), Some(Direction::Minimize));
        assert_eq!(rules.direction("foo"), None);
    }

    #[test]
    fn ranking_skips_training_metrics_and_unknown_directions() {
        let rules = Rules::default();
        let ranking = |metrics: &[&'static str], validation: &str| {
            rules.ranking(metrics, |_| true, &validation.into())
        };
        assert_eq!(
            ranking(&["val_accuracy", "test_accuracy", "test_loss"], "test"),
            Some("test_accuracy")
        );
        assert_eq!(
            ranking(&["val_accuracy", "test_accuracy", "test_loss"], "0.1"),
            Some("val_accuracy")
        );
        assert_eq!(ranking(&["val_loss", "val_accuracy"], "0.1"), Some("val_accuracy"));
        assert_eq!(
            ranking(&["train_accuracy", "train/loss", "val/loss", "seconds"], "test"),
            Some("val/loss")
        );
        assert_eq!(ranking(&["latency", "wer"], "test"), Some("wer"));
        assert_eq!(ranking(&["images_per_second", "bleu"], "test"), Some("bleu"));
        assert_eq!(ranking(&["latency", "seconds"], "test"), Some("latency"));
        assert_eq!(ranking(&["seconds", "train_loss", "foo"], "test"), None);
        let declared = Declarations { rank: Some("train_loss".into()), ..Declarations::default() };
        assert_eq!(
            Rules::new(&[], &declared).ranking(
                &["train_loss", "test_loss"],
                |_| true,
                &ValidationSet::Test
            ),
            Some("train_loss")
        );
    }

    #[test]
    fn held_out_validation_reports_the_test_metric() {
        let rules = Rules::default();
        let held_out = ValidationSet::from("0.1");
        let metrics = ["val_wer", "test_wer", "test_loss", "Loss/val", "Loss/test"];
        assert_eq!(rules.reported("val_wer", &metrics, &held_out), Some("test_wer"));
        assert_eq!(rules.reported("Loss/val", &metrics, &held_out), Some("Loss/test"));
        assert_eq!(rules.reported("test_wer", &metrics, &held_out), None);
        assert_eq!(rules.reported("val_wer", &metrics, &ValidationSet::Test), None);
        let declared = Declarations { report: Some("test_loss".into()), ..Declarations::default() };
        assert_eq!(
            Rules::new(&[], &declared).reported("val_wer", &metrics, &held_out),
            Some("test_loss")
        );
    }

    #[test]
    fn limits_of_an_accuracy_stay_possible() {
        let limits = |low, high| Interval { low, high };
        assert_eq!(Unit::Fraction.clip_value(limits(-0.2, 1.3)), limits(0.0, 1.0));
        assert_eq!(Unit::Fraction.clip_difference(limits(-2.24, 0.5)), limits(-1.0, 0.5));
        assert_eq!(Unit::Percent.clip_difference(limits(-224.0, 50.0)), limits(-100.0, 50.0));
        assert_eq!(Unit::Number.clip_difference(limits(-224.0, 50.0)), limits(-224.0, 50.0));
    }

    #[test]
    fn accuracy_above_one_is_a_percentage() {
        assert_eq!(Unit::of("std_test_acc", 0.02), Unit::Number);
        assert_eq!(Unit::of("test_accuracy", 0.93), Unit::Fraction);
        assert_eq!(Unit::of("test_accuracy", 91.2), Unit::Percent);
        assert_eq!(Unit::of("test_accuracy", 300.0), Unit::Number);
        assert_eq!(Unit::of("val/acc", 1.0), Unit::Fraction);
        assert_eq!(Unit::of("f1", 0.5), Unit::Number);
        assert_eq!(Unit::of("seconds", 3.0), Unit::Seconds);
        assert_eq!(Unit::of("images_per_second", 3.0), Unit::Number);
    }
}
