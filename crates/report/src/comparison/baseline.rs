//! Finds the baseline of `--against`.

use analysis::runs::MeasuredRun;
use anyhow::{Result, bail};
use tracking::filter::Condition;

use crate::wording;

/// The index of the setting that a condition selects. `fixed` are the hyperparameters that it may
/// name, and `groups` are the runs of each setting.
///
/// # Errors
/// If the condition selects no setting or several.
pub(super) fn baseline(
    keys: &[String],
    fixed: &[&str],
    condition: &Condition,
    groups: &[Vec<&MeasuredRun>],
) -> Result<usize> {
    let mut condition = condition.clone();
    condition.resolve(fixed).map_err(|error| error.with_option("--against"))?;
    let found: Vec<usize> =
        (0..groups.len()).filter(|index| groups[*index][0].matches(&condition)).collect();
    match found.as_slice() {
        [only] => Ok(*only),
        [] => {
            bail!("no setting matches --against: expected one of {}", listed(keys, groups.iter()))
        }
        several => {
            let selected = listed(keys, several.iter().map(|index| &groups[*index]));
            bail!("--against names {} settings, expected one: {selected}", several.len())
        }
    }
}

/// The first few settings as conditions, and the number of the others.
fn listed<'g>(
    keys: &[String],
    groups: impl ExactSizeIterator<Item = &'g Vec<&'g MeasuredRun>>,
) -> String {
    const MAX_LISTED: usize = 6;
    let more = groups.len().saturating_sub(MAX_LISTED);
    let name = |group: &Vec<&MeasuredRun>| {
        let condition = |key: &String| {
            group[0].run.param(key).map(|value| format!("{key}={}", wording::value(value)))
        };
        format!("'{}'", keys.iter().filter_map(condition).collect::<Vec<_>>().join(", "))
    };
    let mut names: Vec<String> = groups.take(MAX_LISTED).map(name).collect();
    names.extend((more > 0).then(|| format!("and {more} more")));
    names.join(", ")
}
