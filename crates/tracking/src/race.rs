//! The rules of a race over replicates, as an experiment declares them.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use crate::{TrialId, Value, short_number};

/// When a race looks at its results, and how sure it must be that a setting is not the best.
#[derive(Debug, Clone, PartialEq)]
pub struct RaceRules {
    looks: Vec<usize>,
    confidence: f64,
    indifference: Option<f64>,
}

impl RaceRules {
    /// Replicates per setting at each look, if nothing else is requested.
    pub const DEFAULT_LOOKS: [usize; 5] = [3, 5, 8, 12, 20];
    /// The confidence, if nothing else is requested.
    pub const DEFAULT_CONFIDENCE: f64 = 0.95;

    /// Checks the rules. `looks` are the numbers of replicates per setting at each look. With
    /// `indifference`, a race ends when all settings that are left are within this of each other.
    ///
    /// # Errors
    /// In words, what was expected: if the looks do not increase from at least 2, the confidence is
    /// not from 0.5 to below 1, or the indifference is not positive.
    pub fn new(
        looks: Vec<usize>,
        confidence: f64,
        indifference: Option<f64>,
    ) -> Result<Self, InvalidRace> {
        if looks.first().is_none_or(|first| *first < 2) || !looks.is_sorted_by(|a, b| a < b) {
            return Err(InvalidRace::Looks);
        }
        if !(0.5..1.0).contains(&confidence) {
            return Err(InvalidRace::Confidence);
        }
        if indifference.is_some_and(|width| !(width > 0.0 && width.is_finite())) {
            return Err(InvalidRace::Indifference);
        }
        Ok(Self { looks, confidence, indifference })
    }

    /// The number of replicates per setting at each look.
    #[must_use]
    pub fn looks(&self) -> &[usize] {
        &self.looks
    }

    /// The most replicates that a setting can get.
    #[must_use]
    pub fn most(&self) -> usize {
        self.looks.last().copied().unwrap_or_default()
    }

    /// The probability with which the best setting stays in the race.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// The confidence in percent: `95 %`.
    #[must_use]
    pub fn percent(&self) -> String {
        // Rounded, because 100 · 0.57 is 56.99999999999999.
        let percent: f64 = format!("{:.9}", 100.0 * self.confidence).parse().unwrap_or(f64::NAN);
        format!("{} %", short_number(percent))
    }

    /// Settings whose difference is at most this are equally good for the user.
    #[must_use]
    pub fn indifference(&self) -> Option<f64> {
        self.indifference
    }
}

/// Which of the [`RaceRules`] is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRace {
    /// The looks do not increase from at least 2.
    #[error("increasing numbers of seeds from at least 2, such as [3, 5, 8, 12, 20]")]
    Looks,
    /// The confidence is not from 0.5 to below 1.
    #[error("a number from 0.5 to below 1, such as 0.95")]
    Confidence,
    /// The indifference is not positive.
    #[error("a number above 0, in the unit of the metric")]
    Indifference,
}

/// A race of the settings of an experiment. The record of their runs decides it.
#[derive(Debug, Clone, PartialEq)]
pub struct Race {
    /// When settings leave.
    pub rules: RaceRules,
    /// The hyperparameter that repeats a setting, such as `seed`.
    pub replicate: String,
    /// Its values, in the order in which settings get them: [`RaceRules::most`] of them.
    pub seeds: Vec<Value>,
    /// Each setting by its trial of the first seed, in the order of the plan.
    pub settings: Vec<TrialId>,
    /// How often the rules changed after a look was decided. The promise of a race holds for rules
    /// that are chosen before any result is known.
    pub changes: u32,
}

impl Race {
    /// The most runs that a race can have.
    pub const MAX_RUNS: usize = 100_000;

    /// Whether this race has all settings of `other` and more.
    #[must_use]
    pub fn extends(&self, other: &Self) -> bool {
        let settings: HashSet<&TrialId> = self.settings.iter().collect();
        self.settings.len() > other.settings.len()
            && other.settings.iter().all(|setting| settings.contains(setting))
    }

    /// The race as text, for the store.
    pub(crate) fn to_text(&self) -> String {
        let seeds: Vec<Json> = self.seeds.iter().map(seed_to_json).collect();
        let settings: Vec<&str> = self.settings.iter().map(TrialId::as_str).collect();
        let mut fields = Map::new();
        fields.insert("looks".to_owned(), json!(self.rules.looks));
        fields.insert("confidence".to_owned(), json!(self.rules.confidence));
        if let Some(indifference) = self.rules.indifference {
            fields.insert("indifference".to_owned(), json!(indifference));
        }
        if self.changes > 0 {
            fields.insert("changes".to_owned(), json!(self.changes));
        }
        fields.insert("replicate".to_owned(), json!(self.replicate));
        fields.insert("seeds".to_owned(), json!(seeds));
        fields.insert("settings".to_owned(), json!(settings));
        Json::Object(fields).to_string()
    }

    /// Reads a race from the store; `None` if the text is not a valid race.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let fields: Json = serde_json::from_str(text).ok()?;
        let looks = list(&fields, "looks")?.iter().map(|look| look.as_u64()?.try_into().ok());
        let confidence = fields.get("confidence")?.as_f64()?;
        let indifference = match fields.get("indifference") {
            Some(width) => Some(width.as_f64()?),
            None => None,
        };
        let rules = RaceRules::new(looks.collect::<Option<_>>()?, confidence, indifference).ok()?;
        let seeds = list(&fields, "seeds")?.iter().map(seed_from_json);
        let settings = list(&fields, "settings")?.iter();
        let settings = settings.map(|id| id.as_str()?.parse().ok());
        let changes = match fields.get("changes") {
            Some(changes) => changes.as_u64()?.try_into().ok()?,
            None => 0,
        };
        let race = Self {
            changes,
            replicate: fields.get("replicate")?.as_str()?.to_owned(),
            seeds: seeds.collect::<Option<_>>()?,
            settings: settings.collect::<Option<_>>()?,
            rules,
        };
        let runs = race.seeds.len().saturating_mul(race.settings.len());
        let is_valid =
            race.seeds.len() == race.rules.most() && (1..=Self::MAX_RUNS).contains(&runs);
        is_valid.then_some(race)
    }
}

fn list<'a>(fields: &'a Json, name: &str) -> Option<&'a Vec<Json>> {
    fields.get(name)?.as_array()
}

fn seed_to_json(seed: &Value) -> Json {
    match seed {
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}

fn seed_from_json(seed: &Json) -> Option<Value> {
    match seed {
        Json::String(text) => Some(Value::Text(text.clone())),
        number => number.as_i64().map(Value::Integer).or_else(|| number.as_f64().map(Value::Real)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn race(indifference: Option<f64>) -> Race {
        Race {
            rules: RaceRules::new(vec![2, 4], 0.95, indifference).unwrap(),
            replicate: "seed".to_owned(),
            seeds: vec![Value::Integer(7), Value::Real(0.5), "a".into(), Value::Integer(-1)],
            settings: vec![TrialId::of(&[("a", "1")]), TrialId::of(&[("a", "2")])],
            changes: 0,
        }
    }

    #[test]
    fn race_survives_its_text() {
        for race in [race(None), race(Some(0.001)), Race { changes: 2, ..race(None) }] {
            assert_eq!(Race::from_text(&race.to_text()), Some(race));
        }
    }

    #[test]
    fn invalid_text_is_no_race() {
        let valid = race(None).to_text();
        for (from, to) in [("[2,4]", "[4,2]"), ("[2,4]", "[2,5]"), ("0.95", "1"), ("{", "")] {
            assert_eq!(Race::from_text(&valid.replace(from, to)), None, "{from} {to}");
        }
    }

    #[test]
    fn race_of_too_many_runs_is_invalid() {
        let mut race = race(None);
        race.settings = (0..25_001).map(|n| TrialId::of(&[("a", &n.to_string())])).collect();
        assert_eq!(Race::from_text(&race.to_text()), None);
        race.settings.pop();
        assert_eq!(Race::from_text(&race.to_text()), Some(race));
    }

    #[test]
    fn only_a_larger_race_extends_another() {
        let (whole, mut part) = (race(None), race(Some(0.1)));
        assert!(!whole.extends(&part), "equal settings");
        part.settings.pop();
        assert!(whole.extends(&part) && !part.extends(&whole));
        part.settings = vec![TrialId::of(&[("a", "3")])];
        assert!(!whole.extends(&part), "other settings");
    }

    #[test]
    fn looks_increase_from_two() {
        let looks = |looks: &[usize]| RaceRules::new(looks.to_vec(), 0.95, None);
        assert!(looks(&[2]).is_ok() && looks(&[3, 5]).is_ok());
        for wrong in [&[][..], &[1, 3], &[3, 3], &[5, 3]] {
            assert_eq!(looks(wrong), Err(InvalidRace::Looks), "{wrong:?}");
        }
        let confidence = |confidence| RaceRules::new(vec![3], confidence, None);
        for wrong in [f64::NAN, 0.0, 1.0, 95.0] {
            assert_eq!(confidence(wrong), Err(InvalidRace::Confidence), "{wrong}");
        }
        let percent = |confidence| RaceRules::new(vec![3], confidence, None).unwrap().percent();
        assert_eq!([0.95, 0.57, 0.999].map(percent), ["95 %", "57 %", "99.9 %"]);
        let indifference = |width| RaceRules::new(vec![3], 0.95, Some(width));
        for wrong in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            assert_eq!(indifference(wrong), Err(InvalidRace::Indifference), "{wrong}");
        }
    }
}
