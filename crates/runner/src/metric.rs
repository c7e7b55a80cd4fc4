//! How the runner prints metrics and their values.

use std::collections::BTreeSet;

use tracking::ValidationSet;
use tracking::metric::Rules;

/// A metric in words, such as `validation loss`.
pub fn title(metric: &str) -> String {
    match metric.strip_prefix("val_") {
        Some(rest) => format!("validation {rest}"),
        None => label(metric),
    }
}

/// A metric in few letters, such as `val loss`.
pub fn label(metric: &str) -> String {
    if metric == "seconds" { "time".to_owned() } else { metric.replace('_', " ") }
}

/// The metric that ranks trials whose metrics are known only after the training, chosen as in a
/// report.
pub fn ranking<'a>(
    rules: &Rules,
    results: impl IntoIterator<Item = &'a str>,
    by_epoch: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let results: BTreeSet<&str> = results.into_iter().collect();
    let mut names: Vec<&str> = results.iter().copied().chain(by_epoch).collect();
    names.sort_unstable();
    rules.ranking(&names, |name| results.contains(name), &ValidationSet::NotStated)
}

/// The final metrics to show for a trial, the most important first: the metric that ranks trials, if
/// it is known, then the metrics of the test set and the time.
pub fn shown(ranking: Option<&str>) -> impl Iterator<Item = &str> {
    let others = ["test_accuracy", "test_loss", "seconds"];
    ranking.into_iter().chain(others.into_iter().filter(move |name| Some(*name) != ranking))
}

/// A value with its unit. Values with many digits have an exponent. An accuracy above 1 is in percent.
pub fn format(metric: &str, value: f64) -> String {
    match metric {
        "seconds" => tracking::seconds(value),
        metric if metric.ends_with("accuracy") && value > 1.0 => format!("{value:.2} %"),
        metric if metric.ends_with("accuracy") => format!("{:.2} %", 100.0 * value),
        _ if value.abs() >= 1e6 => format!("{value:.4e}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_loss_has_an_exponent() {
        let losses = [0.25, 999_999.5, -12_345_678.9, 3.5e37, f64::INFINITY];
        let formatted = losses.map(|loss| format("loss", loss));
        assert_eq!(formatted, ["0.2500", "999999.5000", "-1.2346e7", "3.5000e37", "inf"]);
    }
}
