//! The page, as data: everything that its template prints, in words and numbers that are ready to be read.

pub mod details;
pub mod figures;
mod picture;
pub mod progress;
pub mod provenance;
pub mod read;
mod weights;

use serde::Serialize;
use tracking::{Value, printable};

use crate::analysis::comparison::{Comparison, Promise, Setting};
use crate::analysis::effects::Effect;
use crate::analysis::statistics::Statistic;
use crate::metric::Unit;
use crate::narrative;
use crate::number_format;
use crate::runs::{EpochChoice, distinct};
use crate::table::{Cell, Table};
use crate::wording::{self, truncated};
use details::{BestTrial, Details};
use figures::Figure;
use picture::base64;
use provenance::provenance;

/// Most rows of a table: more settings are summarised.
pub const ROWS: usize = 1_000;
/// Longest text of the store that a page repeats, but for the experiment file.
const LONGEST: usize = 400;
/// Longest experiment file, in bytes, that a page repeats.
const LONGEST_FILE: usize = 50_000;

/// The page.
#[derive(Debug, Serialize)]
pub struct Page {
    pub title: String,
    pub warnings: Vec<String>,
    pub sections: Vec<Section>,
}

/// A comparison.
#[derive(Debug, Serialize)]
pub struct Section {
    /// Unique, and fit for a link.
    pub id: String,
    pub heading: String,
    pub description: String,
    pub warning: Option<String>,
    pub facts: String,
    pub answer: Option<Answer>,
    pub table: PageTable,
    /// What may be typed into the filter.
    pub filter_example: String,
    pub effects: Option<Effects>,
    pub figures: Vec<Figure>,
    pub trial: Option<Trial>,
    pub provenance: Vec<Named>,
    pub file: Option<String>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub chosen: Option<Chosen>,
    pub sentences: Vec<String>,
}

/// The setting that stands out, and how.
#[derive(Debug, Serialize)]
pub struct Chosen {
    pub tag: String,
    pub setting: String,
    pub measures: Vec<Measure>,
}

#[derive(Debug, Serialize)]
pub struct Measure {
    pub name: String,
    pub value: String,
    pub more: String,
}

#[derive(Debug, Serialize)]
pub struct PageTable {
    pub columns: Vec<PageColumn>,
    pub rows: Vec<PageRow>,
    pub notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct PageColumn {
    pub name: String,
    pub title: String,
    /// What a screen reader says where there is no title.
    pub spoken: String,
    pub numeric: bool,
    /// What its values are multiplied by where they are shown.
    pub scale: u8,
}

#[derive(Debug, Serialize)]
pub struct PageRow {
    /// Position in the comparison: charts use the same.
    pub setting: usize,
    /// `best`, `unranked` or nothing.
    pub kind: &'static str,
    pub cells: Vec<PageCell>,
}

#[derive(Debug, Serialize)]
pub struct PageCell {
    pub text: String,
    pub number: bool,
    /// In full, to sort and filter by.
    pub value: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Effects {
    pub metric: String,
    pub rows: Vec<EffectRow>,
    pub note: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct EffectRow {
    pub name: String,
    pub range: String,
    pub share: String,
    pub levels: String,
}

/// The best trial.
#[derive(Debug, Serialize)]
pub struct Trial {
    pub title: String,
    pub confusion: Option<Figure>,
    pub weights: Vec<Picture>,
    pub mistakes: Vec<Picture>,
    pub notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Picture {
    pub png: String,
    pub caption: String,
    pub alternative: String,
}

#[derive(Debug, Serialize)]
pub struct Named {
    pub name: String,
    pub value: String,
}

/// Puts the page together: a section a table, in their order.
pub fn page(tables: &[(Table, Details)], warnings: Vec<String>) -> Page {
    let sections: Vec<Section> =
        (1..).zip(tables).map(|(number, it)| section(number, &it.0, &it.1)).collect();
    let title = match tables {
        [(table, _)] => format!("{} · results", safe(&table.comparison.experiment.name)),
        _ => "Results".to_owned(),
    };
    Page { title, warnings, sections }
}

impl Page {
    /// Of a results folder in which nothing is yet.
    pub fn empty() -> Self {
        page(&[], Vec::new())
    }
}

/// Text of the store: what could act on a reader is made visible, what is too long cut.
fn safe(text: &str) -> String {
    truncated(&printable(text), LONGEST).into_owned()
}

fn section(number: usize, table: &Table, details: &Details) -> Section {
    let comparison = &table.comparison;
    let id = format!("e{number}");
    Section {
        heading: safe(&comparison.experiment.name),
        description: safe(&comparison.experiment.description),
        warning: table.warning().map(|it| truncated(&it, LONGEST).into_owned()),
        facts: table
            .facts()
            .iter()
            .map(|it| truncated(it, LONGEST))
            .collect::<Vec<_>>()
            .join(" · "),
        answer: answer(table),
        table: page_table(table),
        filter_example: filter_example(comparison),
        effects: effects(comparison),
        figures: figures::figures(&id, comparison, details),
        trial: details.best.as_ref().map(|best| trial(&id, best, comparison.epoch)),
        provenance: origin(comparison, details),
        file: details.invocation.as_ref().and_then(|it| it.experiment_file.as_deref()).map(file),
        id,
    }
}

/// A condition such as people may want: on the hyperparameter that matters most, to leave about half.
fn filter_example(comparison: &Comparison) -> String {
    let effect = comparison.effects.of.iter().find(|it| comparison.keys.contains(&it.name));
    match effect.map(|it| (&it.name, &it.levels[(it.levels.len() - 1) / 2].0)) {
        Some((key, Value::Text(word))) => format!("{}={}", safe(key), safe(word)),
        Some((key, value)) => format!("{}<={value}", safe(key)),
        None => "words of a row".to_owned(),
    }
}

fn answer(table: &Table) -> Option<Answer> {
    let comparison = &table.comparison;
    let chosen = comparison.best().or_else(|| comparison.baseline());
    let tag = match comparison.promise {
        Some(Promise::Against(_)) => "Baseline".to_owned(),
        None => "Best mean, not tested".to_owned(),
        Some(Promise::BestIsAmong) => match comparison.candidates().len() {
            1 => "Best".to_owned(),
            several => format!("Best mean of {several} that may be the best"),
        },
    };
    let optimistic = (comparison.is_optimistic() && comparison.best().is_some()).then(|| {
        "Chosen on the test set that it is measured on: expect a little less on new data. With a held-out validation \
         (validation = 0.1), the test score of the choice does not flatter."
            .to_owned()
    });
    let mut sentences = narrative::answer(comparison);
    sentences.extend(table.warnings.iter().cloned());
    sentences.extend([narrative::basis(comparison), optimistic].into_iter().flatten());
    let chosen = chosen.map(|setting| Chosen {
        tag,
        setting: narrative::setting_name(comparison, setting),
        measures: measures(comparison, setting),
    });
    (chosen.is_some() || !sentences.is_empty()).then_some(Answer { chosen, sentences })
}

/// The metrics of a setting that matter most.
fn measures(comparison: &Comparison, setting: &Setting) -> Vec<Measure> {
    let names = [
        comparison.ranked_by.as_deref(),
        comparison.reported_by.as_deref(),
        Some("test_loss"),
        Some("seconds"),
    ];
    let names = distinct(names.into_iter().flatten());
    let measure = |name: &str| {
        let statistic = setting.metric(name)?;
        let unit = comparison.unit(name);
        let interval = statistic.interval().filter(|_| unit != Unit::Seconds);
        let more = interval.map_or_else(String::new, |it| {
            format!(
                "95 % of this mean alone: {} to {}",
                number_format::with_unit(unit, it.low),
                number_format::with_unit(unit, it.high)
            )
        });
        Some(Measure {
            name: wording::title(name),
            value: number_format::with_unit(unit, statistic.mean),
            more,
        })
    };
    let mut measures: Vec<Measure> = names.into_iter().filter_map(measure).collect();
    let runs = setting.counts.finished;
    measures.push(Measure {
        name: "runs".to_owned(),
        value: runs.to_string(),
        more: String::new(),
    });
    measures
}

fn page_table(table: &Table) -> PageTable {
    let visible = || {
        table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, it)| it.prominence > crate::table::Prominence::Machine)
    };
    let shown = table.rendered_columns();
    let column =
        |((_, column), shown): ((usize, &crate::table::Column), &crate::table::RenderedColumn)| {
            PageColumn {
                name: safe(&column.name),
                title: shown.title.clone(),
                spoken: if column.name == "best" { "mark" } else { "note" }.to_owned(),
                numeric: shown.numeric,
                scale: if column.role.unit() == Unit::Fraction { 100 } else { 1 },
            }
        };
    let row = |(setting, row): (usize, &crate::table::Row)| PageRow {
        setting,
        kind: if row.best {
            "best"
        } else if row.unranked {
            "unranked"
        } else {
            ""
        },
        cells: visible()
            .zip(&shown)
            .map(|((index, _), shown)| PageCell {
                text: shown.cells[setting].clone(),
                number: shown.numeric,
                value: in_full(&row.cells[index]),
            })
            .collect(),
    };
    let rows: Vec<PageRow> = table.rows.iter().enumerate().take(ROWS).map(row).collect();
    let all = table.rows.len() + table.omitted;
    let mut notes = Vec::new();
    if all > rows.len() {
        notes.push(format!(
            "The best {} of {all} settings are shown; report --format csv has all.",
            rows.len()
        ));
    }
    let legend = crate::table::legend::legend(table, &shown);
    if !legend.is_empty() {
        notes.push(legend);
    }
    notes.extend(narrative::front(&table.comparison));
    PageTable { columns: visible().zip(&shown).map(column).collect(), rows, notes }
}

fn in_full(cell: &Cell) -> Option<String> {
    let number = |number: f64| Value::Real(number).to_string();
    match cell {
        Cell::Absent => None,
        Cell::Value(Value::Text(text)) => Some(safe(text)),
        Cell::Value(value) => Some(value.to_string()),
        Cell::Count(count) => Some(count.to_string()),
        Cell::Statistic(it) => Some(number(it.mean)),
        Cell::Level(level) => Some(number(*level)),
        Cell::Interval(it) => Some(number(it.low)),
        Cell::Distance(it) => it.distance.and_then(|limits| limits.low).map(number),
        Cell::Difference(it) => Some(number(it.mean)),
        Cell::Mark(mark) => {
            Some(if *mark == crate::table::Mark::Best { "1" } else { "2" }.to_owned())
        }
        Cell::Flag => Some("1".to_owned()),
        Cell::Note(note) => Some(note.clone()),
    }
}

fn effects(comparison: &Comparison) -> Option<Effects> {
    /// Values whose means a row tells.
    const LEVELS: usize = 12;
    let metric = comparison.ranking()?;
    let row = |effect: &Effect| {
        let level = |(value, statistic): &(Value, Option<Statistic>)| {
            let mean = statistic.map_or_else(
                || "—".to_owned(),
                |it| number_format::with_unit(metric.unit, it.mean),
            );
            format!("{}: {mean}", wording::value(value))
        };
        let mut levels: Vec<String> = effect.levels.iter().take(LEVELS).map(level).collect();
        if effect.levels.len() > LEVELS {
            levels.push(format!("and {} more", effect.levels.len() - LEVELS));
        }
        let none = || "—".to_owned();
        EffectRow {
            name: wording::title(&effect.name),
            range: effect
                .range
                .map_or_else(none, |range| number_format::difference(metric.unit, range)),
            share: effect.share.map_or_else(none, number_format::percent),
            levels: levels.join(" · "),
        }
    };
    let effects = &comparison.effects;
    let rows: Vec<EffectRow> = effects.of.iter().map(row).collect();
    let rest = effects.rest.map(|rest| {
        let one = comparison.replicate.as_deref().map_or_else(|| "run".to_owned(), wording::title);
        let part = |name: &str, share: Option<f64>| {
            share.map(|share| format!("{name} {}", number_format::percent(share)))
        };
        let parts = [
            part("interaction of these", rest.interaction),
            part(&one, rest.replicate),
            part("noise", Some(rest.noise)),
        ];
        format!(
            "The rest of the variance: {}.",
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        )
    });
    let unbalanced = "Not every combination has run: each row compares runs that differ in nothing else, and is empty where there are none.";
    let note = rest.or_else(|| (!effects.balanced).then(|| unbalanced.to_owned()));
    (!rows.is_empty()).then(|| Effects { metric: wording::title(&metric.name), rows, note })
}

fn trial(id: &str, best: &BestTrial, at: EpochChoice) -> Trial {
    let values: Vec<String> =
        best.run.params.iter().map(|(name, value)| wording::constant(name, value)).collect();
    let title = truncated(
        &format!("trial {} · run {} · {}", best.run.trial, best.run.id, values.join(" · ")),
        LONGEST,
    )
    .into_owned();
    let mut notes = Vec::new();
    if at != EpochChoice::Last {
        notes.push("RenderedColumn are the final weights, those after its last epoch.".to_owned());
    }
    let Some(examples) = &best.examples else {
        notes.push("What it makes of single examples was not recorded.".to_owned());
        return Trial { title, confusion: None, weights: Vec::new(), mistakes: Vec::new(), notes };
    };
    let mistake = |it: &tracking::Mistake| {
        let sure = number_format::percent(it.probability);
        Picture {
            png: base64(&it.picture),
            caption: format!("{} → {} ({sure})", it.label, it.predicted),
            alternative: format!(
                "test example {}: a {} that was taken for a {} with probability {sure}",
                it.index, it.label, it.predicted
            ),
        }
    };
    let pictures = best
        .weights
        .as_ref()
        .map(|it| it.pictures(examples.rows as usize, examples.columns as usize));
    if pictures.as_ref().is_none_or(Vec::is_empty) {
        notes.push("Its weights are not beside the store, or are no images.".to_owned());
    }
    let weight = |(class, png): (usize, Vec<u8>)| Picture {
        png: base64(&png),
        caption: class.to_string(),
        alternative: format!("weights of class {class}, as an image"),
    };
    Trial {
        title,
        confusion: figures::confusion(id, examples),
        weights: pictures.into_iter().flatten().enumerate().map(weight).collect(),
        mistakes: examples.mistakes.iter().map(mistake).collect(),
        notes,
    }
}

fn origin(comparison: &Comparison, details: &Details) -> Vec<Named> {
    let mut facts = vec![
        ("dataset".to_owned(), comparison.datasets.join(" = ")),
        ("sha256".to_owned(), comparison.dataset_sha256.clone()),
        ("validation".to_owned(), comparison.validation.clone()),
        ("computed by".to_owned(), comparison.computed.join(", ")),
    ];
    facts.extend(details.invocation.iter().flat_map(provenance));
    let named = |(name, value): (String, String)| Named { name, value: safe(&value) };
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(named).collect()
}

/// The experiment file, line by line, so that nothing in it acts on a reader.
fn file(text: &str) -> String {
    let mut end = text.len().min(LONGEST_FILE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let lines: Vec<_> = text[..end].lines().map(printable).collect();
    lines.join("\n") + if end < text.len() { "\n…" } else { "" }
}
