//! The shared parts of the charts of one comparison.

use analysis::metric::Metric;
use analysis::statistics::Statistic;
use tracking::Value;

use super::figure::format_of;
use crate::chart::{AxisValue, Dot, NumberFormat};
use crate::comparison::{Comparison, Setting};
use crate::narrative;
use crate::wording;

/// The shared parts of the charts of one comparison.
pub struct Charts<'a> {
    /// Prefix of all element ids.
    pub id: &'a str,
    /// The comparison.
    pub comparison: &'a Comparison,
    /// The ranking metric.
    pub metric: &'a Metric,
    /// Settings with this metric, best first.
    pub measured: &'a [Measured<'a>],
}

/// A setting with the ranking metric.
pub struct Measured<'a> {
    /// Its index in the comparison.
    pub index: usize,
    /// The setting.
    pub setting: &'a Setting,
    /// The ranking metric.
    pub statistic: &'a Statistic,
}

impl Charts<'_> {
    /// The number format of the ranking metric.
    pub fn format(&self) -> NumberFormat {
        format_of(self.metric.unit)
    }

    /// The dot of a setting at `x`.
    pub fn dot(&self, measured: &Measured, x: AxisValue) -> Dot {
        let Measured { index, setting, statistic } = measured;
        Dot {
            setting: *index,
            label: narrative::setting_name(self.comparison, setting),
            x,
            y: statistic.mean,
            interval: statistic.interval().map(|limits| (limits.low, limits.high)),
            best: setting.is_best,
        }
    }

    /// Adds to `note` that only the best `most` settings are shown, if there are more.
    pub fn with_limit(&self, note: &str, most: usize) -> String {
        match self.measured.len() {
            all if all > most => format!("{note}; the best {most} of {all} settings"),
            _ => note.to_owned(),
        }
    }
}

/// A hyperparameter as a position on an axis.
pub fn axis_value(value: &Value) -> AxisValue {
    match value.as_number() {
        Some(number) => AxisValue::Number(number),
        None => AxisValue::Category(wording::value(value)),
    }
}
