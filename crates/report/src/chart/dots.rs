//! A metric against one hyperparameter: a dot a setting.

use super::Labels;
use super::dot::{Dot, drawn, notation, upward};
use super::key::{Sign, key};
use super::plot::{HEIGHT, MARGIN, Plot};
use super::scale::{Place, Scale};
use super::sheet::{crowded, group, nothing, path, sheet};

/// Room that a dot needs, and most that it has beside those of the same place.
const ROOM: f64 = 9.0;

/// A metric against one hyperparameter. `means`, of the levels, are joined by a line.
pub fn dots(labels: &Labels, dots: &[Dot], means: &[(Place, f64)]) -> String {
    let x = Scale::suited(
        dots.iter().filter(|it| it.y.is_finite()).map(|it| &it.x),
        labels.x_format,
        MARGIN,
    );
    let y = upward(labels, dots, means);
    let plot = Plot::new(&y, 16.0);
    let placed = dodged(dots, &plot, &x, &y);
    if placed.is_empty() {
        return nothing(labels, "dots");
    }
    let notation = notation(labels, dots);
    let mut marks = group("marks");
    for (dot, at) in
        placed.iter().filter(|it| !it.0.best).chain(placed.iter().filter(|it| it.0.best))
    {
        marks = marks.add(drawn(dot, *at, &plot, &y, &notation));
    }
    let mut line: Vec<(f64, f64)> =
        means.iter().filter_map(|it| Some((plot.x(x.of(&it.0)?), plot.y(y.at(it.1)?)))).collect();
    line.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut svg =
        sheet(labels, &crowded("dots", dots.len()), HEIGHT).add(plot.grid(labels, &x, &y));
    let mut signs = Vec::new();
    if line.len() > 1 {
        svg = svg.add(path("means", line));
        signs.push(Sign::Line);
    }
    if placed.iter().any(|it| it.0.best) {
        signs.push(Sign::Star);
    }
    svg.add(marks).add(key(&signs)).to_string()
}

/// A dot and where it stands.
type Placed<'a> = (&'a Dot, (f64, f64));

/// Where the dots stand: those of one place beside each other as far as they would overlap.
fn dodged<'a>(dots: &'a [Dot], plot: &Plot, x: &Scale, y: &Scale) -> Vec<Placed<'a>> {
    let place = |dot: &'a Dot| Some((dot, (plot.x(x.of(&dot.x)?), plot.y(y.at(dot.y)?))));
    let mut placed: Vec<Placed> = dots.iter().filter_map(place).collect();
    placed.sort_by(|(_, left), (_, right)| {
        left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1))
    });
    let mut levels: Vec<&mut [Placed]> =
        placed.chunk_by_mut(|left, right| left.1.0 == right.1.0).collect();
    let gaps = levels.windows(2).map(|pair| pair[1][0].1.0 - pair[0][0].1.0);
    let gap = gaps.fold(plot.right - plot.left, f64::min);
    levels.iter_mut().for_each(|level| spread(level, 0.7 * gap));
    placed
}

/// Downwards, each dot in the first column that has room: the middle, then right and left of it in turn.
fn spread(level: &mut [Placed], widest: f64) {
    let mut ends: Vec<f64> = Vec::new();
    let mut columns = Vec::with_capacity(level.len());
    for (_, (_, y)) in level.iter() {
        let column = ends.iter().position(|end| y - end >= ROOM).unwrap_or(ends.len());
        if column == ends.len() {
            ends.push(*y);
        }
        ends[column] = *y;
        columns.push(column);
    }
    #[allow(clippy::cast_precision_loss, reason = "few")]
    let (width, side) = (ROOM.min(widest / ends.len() as f64), |column: usize| {
        let steps = column.div_ceil(2) as f64;
        if column % 2 == 1 { steps } else { -steps }
    });
    for ((_, (x, _)), column) in level.iter_mut().zip(columns) {
        *x += width * side(column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_of_one_place_make_room_only_where_they_overlap() {
        let dot = Dot {
            setting: 0,
            label: String::new(),
            x: Place::Number(0.0),
            y: 0.0,
            interval: None,
            best: false,
        };
        let mut level = [10.0, 11.0, 12.0, 40.0].map(|y| (&dot, (100.0, y)));
        spread(&mut level, 500.0);
        assert_eq!(level.map(|it| it.1.0), [100.0, 109.0, 91.0, 100.0]);
        let mut crowd = [(&dot, (100.0, 10.0)); 101];
        spread(&mut crowd, 50.0);
        assert!(crowd.iter().all(|it| (75.0..=125.0).contains(&it.1.0)));
    }
}
