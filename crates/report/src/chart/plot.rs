//! The room of a chart with two axes: its grid, its ticks, their names.

use svg::node::element::Group;

use super::Labels;
use super::scale::Scale;
use super::sheet::{WIDTH, centred, fitted, group, line, room, text};

/// Height of a chart with two axes.
pub const HEIGHT: f64 = 360.0;
/// Share of an axis that stays free at either end, so that marks do not stand on the frame.
pub const MARGIN: f64 = 0.04;

/// More ticks than these have fewer labels rather than shorter ones.
const FULL: usize = 12;

/// The rectangle between the axes.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// The axis up.
    pub left: f64,
    /// Where the axis across ends.
    pub right: f64,
    /// Where the axis up ends.
    pub top: f64,
    /// The axis across.
    pub bottom: f64,
}

impl Plot {
    /// With room for the ticks of `y` at the left, and so much at the right.
    pub fn new(y: &Scale, right: f64) -> Self {
        let widest = y.ticks.iter().map(|tick| room(&tick.label)).fold(24.0, f64::max);
        Self {
            left: (widest + 12.0).min(200.0),
            right: WIDTH - right,
            top: 32.0,
            bottom: HEIGHT - 48.0,
        }
    }

    /// Across, at a share of the axis.
    pub fn x(&self, share: f64) -> f64 {
        self.left + share * (self.right - self.left)
    }

    /// Up, at a share of the axis.
    pub fn y(&self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }

    /// Lines and words of both axes.
    pub fn grid(&self, labels: &Labels, x: &Scale, y: &Scale) -> Group {
        let mut grid = group("grid");
        for tick in &y.ticks {
            let at = self.y(tick.at);
            grid = grid.add(line("rule", (self.left, at), (self.right, at)));
            grid = grid.add(text(
                self.left - 8.0,
                at + 4.5,
                "end muted",
                &fitted(&tick.label, self.left - 8.0),
            ));
        }
        grid = grid.add(line("axis", (self.left, self.bottom), (self.right, self.bottom)));
        let names = fitted(labels.y, WIDTH / 2.0);
        grid.add(self.across(x)).add(text(0.0, 14.0, "name", &names)).add(text(
            self.right,
            self.bottom + 40.0,
            "end name",
            &fitted(labels.x, self.right - self.left),
        ))
    }

    /// The ticks of `x`: all of them, their labels where there is room.
    fn across(&self, x: &Scale) -> Group {
        let width = self.right - self.left;
        let closest =
            x.ticks.windows(2).map(|pair| pair[1].at - pair[0].at).fold(1.0, f64::min) * width;
        let widest = x.ticks.iter().map(|tick| room(&tick.label)).fold(0.0, f64::max);
        let longest = if x.ticks.len() > FULL { 150.0 } else { 56.0 };
        let every = every(closest, widest.min(longest) + 8.0);
        let mut ticks = group("ticks");
        for (index, tick) in x.ticks.iter().enumerate() {
            let at = self.x(tick.at);
            ticks = ticks.add(line("axis", (at, self.bottom), (at, self.bottom + 5.0)));
            #[allow(clippy::cast_precision_loss, reason = "few")]
            let label = fitted(&tick.label, closest * every as f64 - 4.0);
            let label =
                centred(at, self.bottom + 20.0, &label).filter(|_| index.is_multiple_of(every));
            if let Some(label) = label {
                ticks = ticks.add(label);
            }
        }
        ticks
    }
}

/// Every how many of things `apart` can have a label `needed` wide.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn every(apart: f64, needed: f64) -> usize {
    (needed / apart.max(0.01)).ceil().clamp(1.0, 1e6) as usize
}
