//! The separator of the parts of a line.

/// Separates the parts of a line. A line is cut and wrapped only here, never within a number.
pub const SEPARATOR: &str = " · ";
