//! A metric against its cost: all settings, and those that none beats in both.

use svg::node::element::Group;

use super::Labels;
use super::dot::{Dot, drawn, notation, upward};
use super::key::{Sign, key};
use super::plot::{HEIGHT, MARGIN, Plot};
use super::scale::{Place, Scale};
use super::sheet::{clean, crowded, group, nothing, path, room, sheet, text};

/// Longest name of a dot.
const NAME: usize = 26;
/// Height of a line of names.
const LINE: f64 = 16.0;

/// A metric against its cost. `front` has the places in `dots` of those that none beats in both: they are drawn larger
/// and joined by steps.
pub fn front(labels: &Labels, dots: &[Dot], front: &[usize]) -> String {
    let costs = dots.iter().filter(|it| it.y.is_finite()).filter_map(|it| match it.x {
        Place::Number(cost) => Some(cost),
        Place::Word(_) => None,
    });
    let x = Scale::numbers(costs, labels.x_format, MARGIN);
    let y = upward(labels, dots, &[]);
    let plot = Plot::new(&y, 24.0);
    let place = |dot: &Dot| Some((plot.x(x.of(&dot.x)?), plot.y(y.at(dot.y)?)));
    let notation = notation(labels, dots);
    let mut on_front = vec![false; dots.len()];
    front.iter().filter(|it| **it < dots.len()).for_each(|it| on_front[*it] = true);
    let (mut others, mut ahead) = (group("others"), group("front"));
    let mut joined: Vec<(&Dot, (f64, f64))> = Vec::new();
    let mut empty = true;
    for (dot, on_front) in dots.iter().zip(on_front) {
        let Some(at) = place(dot) else { continue };
        empty = false;
        let mark = drawn(dot, at, &plot, &y, &notation);
        if on_front {
            ahead = ahead.add(mark);
            joined.push((dot, at));
        } else {
            others = others.add(mark);
        }
    }
    if empty {
        return nothing(labels, "fronts");
    }
    joined
        .sort_by(|left, right| left.1.0.total_cmp(&right.1.0).then(right.1.1.total_cmp(&left.1.1)));
    let mut signs = Vec::new();
    let mut svg =
        sheet(labels, &crowded("fronts", dots.len()), HEIGHT).add(plot.grid(labels, &x, &y));
    if joined.len() > 1 {
        svg = svg.add(path("steps", steps(&joined)));
        signs.push(Sign::Steps);
    }
    if joined.iter().any(|it| it.0.best) {
        signs.push(Sign::Star);
    }
    svg.add(others).add(ahead).add(names(&joined, &plot)).add(key(&signs)).to_string()
}

/// Along, then up (or down): what is reached until the next costs more.
fn steps(joined: &[(&Dot, (f64, f64))]) -> Vec<(f64, f64)> {
    let mut steps = Vec::new();
    for (_, (x, y)) in joined {
        if let Some((_, before)) = steps.last().copied() {
            steps.push((*x, before));
        }
        steps.push((*x, *y));
    }
    steps
}

/// Names on the side where no setting is, of those that have room.
fn names(joined: &[(&Dot, (f64, f64))], plot: &Plot) -> Group {
    let rising =
        joined.first().zip(joined.last()).is_none_or(|(first, last)| last.1.1 <= first.1.1);
    let mut names = group("names");
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for (dot, (x, y)) in joined {
        let name = clean(&dot.label, NAME);
        let width = room(&name);
        let height = if rising { y - 9.0 } else { y + 20.0 };
        let right = (x - 4.0).max(plot.left + 6.0 + width);
        let left = right - width;
        let free =
            |it: &(f64, f64, f64)| (height - it.2).abs() >= LINE || right < it.0 || it.1 < left;
        // A name that does not end before its dot must not cross the step to the next.
        let clear = right <= x + 4.0 || joined.iter().all(|it| it.1.0 <= *x || it.1.0 > right);
        if taken.iter().all(free) && clear && height > plot.top - 12.0 && height < plot.bottom - 4.0
        {
            names =
                names.add(text(right, height, "end label", &name).set("data-setting", dot.setting));
            taken.push((left, right, height));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_along_then_up() {
        let dot = Dot {
            setting: 0,
            label: String::new(),
            x: Place::Number(0.0),
            y: 0.0,
            interval: None,
            best: false,
        };
        let steps = steps(&[(&dot, (0.0, 9.0)), (&dot, (5.0, 3.0))]);
        assert_eq!(steps, [(0.0, 9.0), (5.0, 9.0), (5.0, 3.0)]);
    }
}
