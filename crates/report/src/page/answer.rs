//! The answer: the best setting and the narrative.

use analysis::metric::Unit;
use analysis::runs::distinct;
use serde::Serialize;

use crate::comparison::{Comparison, Promise, Setting};
use crate::narrative;
use crate::number_format;
use crate::table::Table;
use crate::wording;

/// The best setting and the narrative.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub chosen: Option<Chosen>,
    pub sentences: Vec<String>,
}

/// The best setting, or the baseline.
#[derive(Debug, Serialize)]
pub struct Chosen {
    pub tag: String,
    pub setting: String,
    pub measures: Vec<Measure>,
}

/// A metric of the setting.
#[derive(Debug, Serialize)]
pub struct Measure {
    pub name: String,
    pub value: String,
    pub more: String,
}

/// The answer of a comparison; `None` without a setting and without sentences.
pub fn answer(table: &Table) -> Option<Answer> {
    let comparison = &table.comparison;
    let chosen = comparison.best().or_else(|| comparison.baseline());
    let tag = match comparison.promise {
        Some(Promise::Against(_)) => "Baseline".to_owned(),
        None => "Best mean, not tested".to_owned(),
        Some(Promise::BestIsInRace) => "Best".to_owned(),
        Some(Promise::BestIsAmong) => match comparison.candidates().len() {
            1 => "Best".to_owned(),
            several => format!("Best mean of {several} that may be the best"),
        },
    };
    let optimistic = (comparison.is_optimistic() && comparison.best().is_some()).then(|| {
        "The test set both chooses the setting and measures it: expect slightly worse values on new data. \
         With a held-out validation (validation = 0.1), the test score of the chosen setting is unbiased."
            .to_owned()
    });
    let mut sentences = narrative::answer(comparison);
    sentences.extend(table.warnings.iter().cloned());
    let others = [narrative::basis(comparison), optimistic, table.left_out.clone()];
    sentences.extend(others.into_iter().flatten());
    let chosen = chosen.map(|setting| Chosen {
        tag,
        setting: narrative::setting_name(comparison, setting),
        measures: measures(comparison, setting),
    });
    (chosen.is_some() || !sentences.is_empty()).then_some(Answer { chosen, sentences })
}

/// The main metrics of a setting.
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
        let interval = interval.map(|limits| unit.clip_value(limits));
        let more = interval.map_or_else(String::new, |limits| {
            format!(
                "95 % confidence interval: {} to {}",
                number_format::with_unit(unit, limits.low),
                number_format::with_unit(unit, limits.high)
            )
        });
        Some(Measure {
            name: wording::metric(name),
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
