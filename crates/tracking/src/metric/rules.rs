//! The rules that choose the ranking metric.

use super::name::{
    Quantity, SECONDS, Split, base, direction, is_bookkeeping, is_cost, is_of_training, quantity,
    split,
};
use crate::typed_name::is_same;
use crate::{Declarations, Direction, ValidationSet};

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
    #[must_use]
    pub fn new(chosen: &[(String, Direction)], declared: &Declarations) -> Self {
        Self {
            directions: [chosen.to_vec(), declared.directions.clone()],
            rank: declared.rank.clone(),
            report: declared.report.clone(),
        }
    }

    /// Whether the experiment declares that this metric ranks.
    #[must_use]
    pub fn declares_rank(&self, name: &str) -> bool {
        self.rank.as_deref() == Some(name)
    }

    /// The direction of the metric `name`: declared for the name, declared for the name without its
    /// split, or inferred from its words.
    #[must_use]
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
    /// Metrics of unknown direction and training metrics do not rank. By Keras's convention, `loss`
    /// of an epoch is a training metric, but a final metric of that name is not: `is_final` says
    /// whether a run ended with the metric.
    #[must_use]
    pub fn ranking<'a>(
        &self,
        metrics: &[&'a str],
        is_final: impl Fn(&str) -> bool,
        validation: &ValidationSet,
    ) -> Option<&'a str> {
        let declared = metrics.iter().find(|name| Some(**name) == self.rank.as_deref());
        let order = match validation {
            ValidationSet::Test => [Split::Test, Split::Validation, Split::Unspecified],
            _ => [Split::Validation, Split::Test, Split::Unspecified],
        };
        let rank = |name: &&&str| {
            let split = order.iter().position(|known| *known == split(name)).unwrap_or(order.len());
            let quantity = match quantity(name) {
                Quantity::Accuracy => 0,
                Quantity::Loss => 1,
                Quantity::Seconds | Quantity::Other => 2,
            };
            (is_cost(name), split, quantity)
        };
        let ranks = |name: &&&str| {
            split(name) != Split::Train
                && (is_final(name) || !is_of_training(name) && !is_bookkeeping(name))
                && **name != SECONDS
                && self.direction(name).is_some()
        };
        declared.or_else(|| metrics.iter().filter(ranks).min_by_key(rank)).copied()
    }

    /// The metric that estimates how good the chosen setting is: the declared one, or the test
    /// metric with the same base name if a validation ranks that is not the test set.
    #[must_use]
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
    fn loss_ranks_only_as_a_final_metric() {
        let ranking = |metrics: &[&'static str], is_final: bool| {
            Rules::default().ranking(metrics, |_| is_final, &ValidationSet::NotStated)
        };
        assert_eq!(ranking(&["loss", "accuracy", "wer"], true), Some("accuracy"));
        assert_eq!(ranking(&["loss", "accuracy", "wer"], false), Some("wer"));
        assert_eq!(ranking(&["loss", "seconds"], false), None);
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
}
