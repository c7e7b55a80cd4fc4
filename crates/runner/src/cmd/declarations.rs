//! Declares the metrics and the race of an experiment in the store.

use analysis::race::Raced;
use analysis::runs::measured_at_end;
use anyhow::{Result, bail};
use tracking::metric::Rules;
use tracking::{Declarations, Race, Store};

use crate::experiment::spec::Spec;

/// Declares what the file of `spec` says, with the `race` of its plan or of an earlier command.
///
/// The seeds that a race gave to its settings depend on their results, so a comparison that knows
/// nothing of the race would not hold.
///
/// # Errors
/// If `race` has only some settings of the earlier race.
pub fn declare(spec: &Spec, race: Option<&Race>, store: &Store) -> Result<()> {
    let earlier = store.declarations(&spec.name)?.race;
    let race = match (race, earlier) {
        (Some(race), Some(earlier)) => {
            reject_part(spec, race, &earlier)?;
            let changes = earlier.changes + u32::from(changes_rules(race, &earlier, spec, store)?);
            Some(Race { changes, ..race.clone() })
        }
        (race, earlier) => race.cloned().or(earlier),
    };
    replace(spec, race, store)
}

/// Ends the race of an earlier command if every setting has run with every seed: then no number of
/// seeds depends on the results.
pub fn end_complete_race(spec: &Spec, store: &Store) -> Result<()> {
    let Some(race) = store.declarations(&spec.name)?.race else { return Ok(()) };
    if read(&race, spec, store)?.is_complete() {
        replace(spec, None, store)?;
    }
    Ok(())
}

/// Rejects a race of some settings of an `earlier` one: with fewer settings, each would need less
/// evidence to leave, although the results of all are known.
fn reject_part(spec: &Spec, race: &Race, earlier: &Race) -> Result<()> {
    if earlier.extends(race) {
        bail!(
            "the race of '{}' has {} settings, and this command only {} of them, so its promise \
             would not hold: race all of them, or use another name: --set 'name=\"NAME\"'",
            spec.name,
            earlier.settings.len(),
            race.settings.len()
        );
    }
    Ok(())
}

/// Whether `race` has other rules than an `earlier` one of the same settings, which has decided a
/// look.
fn changes_rules(race: &Race, earlier: &Race, spec: &Spec, store: &Store) -> Result<bool> {
    let is_same_race = race.settings == earlier.settings || race.extends(earlier);
    let has_other_rules = is_same_race && race.rules != earlier.rules;
    Ok(has_other_rules && read(earlier, spec, store)?.decision.looks > 0)
}

fn read(race: &Race, spec: &Spec, store: &Store) -> Result<Raced> {
    let runs = measured_at_end(store, store.runs(&spec.name)?)?;
    Ok(Raced::read(race, &runs, &Rules::new(&[], &spec.metrics)))
}

fn replace(spec: &Spec, race: Option<Race>, store: &Store) -> Result<()> {
    let declarations = Declarations { race, ..spec.metrics.clone() };
    Ok(store.declare_metrics(&spec.name, &declarations)?)
}
