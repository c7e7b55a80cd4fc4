//! The difference of two sets of runs as text.

use analysis::runs::MeasuredRun;
use analysis::statistics::Interval;
use tracking::printable;

use super::digits::{Digits, p_value};
use super::field::{FieldDifference, columns};
use super::metric::MetricDifference;
use super::pair::Pair;
use super::run_set::{RunSet, provenance_differences};
use super::sets::{Compared, PairedSets, varies};
use crate::render::layout::{BOLD, DIM, fitted_table, output_width, styled, wrap_text};
use crate::table::{Prominence, RenderedColumn};
use crate::wording::{self, count, truncated};

/// Maximum number of pairs in the list of the largest differences.
const MAX_PAIRS: usize = 10;

/// Number of digits of a run id, enough to find the run.
const ID_DIGITS: usize = 10;

/// Describes the difference of two sets.
pub fn lines(left: &RunSet, right: &RunSet, paired: &PairedSets) -> Vec<String> {
    let width = output_width();
    let mut lines =
        vec![format!("left   {}", left.heading()), format!("right  {}", right.heading())];
    let mut differences = provenance_differences(left, right);
    differences.splice(0..0, paired.compared.iter().filter_map(compared));
    if !differences.is_empty() {
        lines.push(String::new());
        lines.extend(fitted_table(columns(&differences), width));
    }
    lines.push(String::new());
    lines.extend(match_summary(paired).iter().flat_map(|fact| wrap_text(fact, width)));
    if !paired.metrics.is_empty() {
        lines.push(String::new());
        lines.extend(fitted_table(metric_columns(paired), width));
        let note = metrics_note(paired.replicate);
        let note = wrap_text(&note, width.saturating_sub(2));
        lines.extend(note.iter().map(|line| styled(DIM, &format!("  {line}"))));
    }
    lines.push(String::new());
    let conclusion = paired.conclusion_sentence();
    lines.extend(wrap_text(&conclusion, width).iter().map(|line| styled(BOLD, line)));
    if let Some(caveat) = race_caveat([left, right], paired) {
        lines.extend(wrap_text(&format!("{caveat}: use --judge"), width));
    }
    lines.extend(largest_differences(paired, width));
    lines
}

/// The reason why the ordinary test does not hold for raced runs.
pub fn race_caveat(sets: [&RunSet; 2], paired: &PairedSets) -> Option<String> {
    let raced = sets.into_iter().find(|set| set.declarations.race.is_some())?;
    let replicates = wording::repeated(paired.replicate);
    Some(format!(
        "{} was raced: the results decided how many {replicates} each setting has, so the ordinary \
         test does not hold",
        printable(&raced.name)
    ))
}

/// A row about a hyperparameter that is compared.
pub fn compared(Compared { name, values }: &Compared) -> Option<FieldDifference> {
    let [left, right] = values.map(wording::value);
    FieldDifference::of(&wording::key(name), &left, &right)
}

/// Describes which runs match and which do not, one sentence each.
pub fn match_summary(paired: &PairedSets) -> Vec<String> {
    let matched = match paired.matched() {
        1 => "1 trial matches".to_owned(),
        n => format!("{n} trials match"),
    };
    let [left, right] = paired.unmatched;
    let mut facts = vec![format!("{matched} · {left} only left, {right} only right")];
    if paired.matched() == 0 && !paired.disjoint_params.is_empty() {
        let names = listed(&paired.disjoint_params, wording::key);
        facts.push(format!("the sides have no common value of: {names}"));
    }
    if !paired.unfinished.is_empty() {
        let pairs = count(paired.unfinished.len(), "pair");
        facts.push(format!("{pairs} excluded: not finished on both sides"));
    }
    let [left, right] = paired.ambiguous;
    if left + right > 0 {
        facts.push(format!("{left} left and {right} right runs excluded: several runs match"));
    }
    let sides = ["left", "right"];
    for (names, side) in paired.one_sided_params.iter().zip(sides).filter(is_present) {
        let names = listed(names, wording::key);
        facts.push(format!("hyperparameters only on the {side}, ignored by the match: {names}"));
    }
    for (names, side) in paired.one_sided_metrics.iter().zip(sides).filter(is_present) {
        let names = listed(names, wording::metric);
        facts.push(format!("metrics only on the {side}: {names}"));
    }
    facts
}

fn is_present((names, _): &(&Vec<&str>, &str)) -> bool {
    !names.is_empty()
}

fn listed(names: &[&str], title: fn(&str) -> String) -> String {
    names.iter().map(|name| title(name)).collect::<Vec<_>>().join(", ")
}

fn column<T>(
    title: &str,
    prominence: Prominence,
    rows: &[T],
    cell: impl Fn(&T) -> String,
) -> RenderedColumn {
    let cells = rows.iter().map(cell).collect();
    let (name, title) = (title.to_owned(), title.to_owned());
    RenderedColumn { numeric: !title.is_empty(), name, title, prominence, cells }
}

/// One row per metric.
fn metric_columns(paired: &PairedSets) -> Vec<RenderedColumn> {
    let column = |title: &str, prominence, cell: &dyn Fn(&MetricDifference, Digits) -> String| {
        column(title, prominence, &paired.metrics, |row| cell(row, Digits::of(row)))
    };
    let interval = |row: &MetricDifference, digits: Digits| {
        let text = |interval: Interval| {
            let interval = row.metric.unit.clip_difference(interval);
            format!("[{}, {}]", digits.signed(interval.low), digits.signed(interval.high))
        };
        row.difference.interval().map_or_else(|| "—".to_owned(), text)
    };
    let replicates = wording::repeated(paired.replicate);
    let (needed, optional) = (Prominence::Needed, Prominence::Optional);
    vec![
        column("", needed, &|row, _| wording::metric(&row.metric.name)),
        column("pairs", optional(0), &|row, _| row.pairs.to_string()),
        column(&replicates, optional(6), &|row, _| row.difference.n.to_string()),
        column("left", optional(5), &|row, digits| digits.value(row.left)),
        column("right", optional(5), &|row, digits| digits.value(row.right)),
        column("difference", needed, &|row, digits| digits.signed(row.difference.mean)),
        column("95 % interval", needed, &interval),
        column("p", needed, &|row, _| p_value(&row.difference)),
        column("same bits", optional(1), &|row, _| row.equal.to_string()),
    ]
}

fn metrics_note(replicate: Option<&str>) -> String {
    let replicates = wording::repeated(replicate);
    format!(
        "difference: right minus left, mean over {replicates}; accuracies in points; \
         p: paired t-test over {replicates}, each metric tested alone"
    )
}

/// Lists the pairs with the largest differences and the hyperparameters that vary between pairs.
fn largest_differences(paired: &PairedSets, width: usize) -> Vec<String> {
    let (pairs, Some(ranking)) = (paired.largest_differences(), paired.ranking()) else {
        return Vec::new();
    };
    let rows = &pairs[..pairs.len().min(MAX_PAIRS)];
    if rows.is_empty() {
        return Vec::new();
    }
    let (metric, digits) = (ranking.metric.name.as_str(), Digits::of(ranking));
    let needed = Prominence::Needed;
    let optional = Prominence::Optional(1);
    let mut columns = vec![
        column("left run", optional, rows, |(pair, _)| short_id(pair.left)),
        column("right run", optional, rows, |(pair, _)| short_id(pair.right)),
    ];
    for name in paired.params.iter().filter(|name| varies(&paired.pairs, name)) {
        let value =
            |(pair, _): &(Pair, f64)| pair.param(name).map_or_else(String::new, wording::value);
        columns.push(column(&wording::key(name), needed, rows, value));
    }
    let value = |of_side: fn((f64, f64)) -> f64| {
        move |(pair, _): &(Pair, f64)| {
            pair.metric(metric).map_or_else(String::new, |values| digits.value(of_side(values)))
        }
    };
    columns.push(column("left", optional, rows, value(|(left, _)| left)));
    columns.push(column("right", optional, rows, value(|(_, right)| right)));
    columns.push(column("difference", needed, rows, |(_, difference)| digits.signed(*difference)));

    let heading = format!(
        "largest differences in {}: {} of {}",
        wording::metric(metric),
        rows.len(),
        pairs.len()
    );
    let mut lines = vec![String::new(), styled(BOLD, &truncated(&heading, width))];
    lines.extend(fitted_table(columns, width));
    lines
}

/// The first digits of the id of a run, enough to find it.
pub fn short_id(run: &MeasuredRun) -> String {
    run.run.id.as_str().chars().take(ID_DIGITS).collect()
}
