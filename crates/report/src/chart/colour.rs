//! Sequential colours: each step is a CSS class.

/// Number of steps of each sequential colour: classes `q0` to `q8`, `m0` to `m8`, `l0` to `l8`.
pub const STEPS: usize = 9;

/// From this step on, text in the colour of the page background is easier to read than ordinary
/// text.
const FIRST_STRONG_STEP: usize = 5;

/// The step of `share`, a number from 0 to 1.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped"
)]
pub fn colour_step(share: f64) -> usize {
    let top = (STEPS - 1) as f64;
    if share.is_nan() { 0 } else { (share * top).round().clamp(0.0, top) as usize }
}

/// CSS class of text on a cell with the colour of `step`.
pub fn text_class(step: usize) -> &'static str {
    if step < FIRST_STRONG_STEP { "middle low" } else { "middle high" }
}
