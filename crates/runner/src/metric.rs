//! How the runner prints metrics and their values, and which direction is better.

use tracking::Direction;

/// A metric in words, such as `validation loss`.
pub fn title(metric: &str) -> String {
    match (metric, metric.strip_prefix("val_")) {
        ("seconds", _) => "time".to_owned(),
        (_, Some(rest)) => format!("validation {rest}"),
        (_, None) => metric.replace('_', " "),
    }
}

/// A value with its unit.
pub fn format(metric: &str, value: f64) -> String {
    match metric {
        "seconds" => tracking::seconds(value),
        metric if metric.ends_with("accuracy") => format!("{:.2} %", 100.0 * value),
        _ => format!("{value:.4}"),
    }
}

/// Whether a smaller value is better: as the experiment declares, otherwise for losses and times.
pub fn is_minimized(metric: &str, declared: &[(String, Direction)]) -> bool {
    match declared.iter().find(|(name, _)| name == metric) {
        Some((_, direction)) => *direction == Direction::Minimize,
        None => metric.ends_with("loss") || metric == "seconds",
    }
}
