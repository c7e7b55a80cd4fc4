//! Texts and number formats of a chart.

use super::number::NumberFormat;

/// Texts and number formats of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Prefix of the ids in this chart, unique within the page.
    pub id: &'a str,
    /// Title, for screen readers and for the tooltip.
    pub title: &'a str,
    /// Description in one or two sentences, for screen readers.
    pub description: &'a str,
    /// Name of the horizontal axis.
    pub x: &'a str,
    /// Name of the vertical axis.
    pub y: &'a str,
    /// Format of numbers on the horizontal axis.
    pub x_format: NumberFormat,
    /// Format of numbers on the vertical axis.
    pub y_format: NumberFormat,
}
