//! The parts of an operand as the user types it: `FOLDER/EXPERIMENT@VERSION:CONDITION`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tracking::filter::Condition;
use tracking::{DATABASE, ExperimentName};

use crate::query::setting_condition;

/// The parts of an operand that selects runs of one experiment. At least one part is present.
#[derive(Debug, Default)]
pub struct Address {
    /// The results folder; `None` for that of the command.
    pub folder: Option<PathBuf>,
    pub experiment: Option<String>,
    /// The beginning of a commit or digest.
    pub version: Option<String>,
    /// The condition, and its text.
    pub condition: Option<(Condition, String)>,
}

impl Address {
    /// Splits `text`. `experiments` are those of the results folder of the command; they take
    /// precedence over folders. `None` if the text names no experiment, folder or condition.
    ///
    /// # Errors
    /// If the syntax of the condition is wrong.
    pub fn parse(text: &str, experiments: &[&str]) -> Result<Option<Self>> {
        // The text before the condition ends at a colon. A folder or a condition can contain more.
        let heads = std::iter::once((text, None));
        let heads = heads.chain(
            text.match_indices(':').map(|(colon, _)| (&text[..colon], Some(&text[colon + 1..]))),
        );
        for (head, condition) in heads {
            if let Some(address) = Self::of_head(head, experiments) {
                let condition = condition.map(parse_condition).transpose()?;
                return Ok(Some(Self { condition, ..address }));
            }
        }
        if is_condition(text) {
            return Ok(Some(Self { condition: Some(parse_condition(text)?), ..Self::default() }));
        }
        Ok(None)
    }

    /// Splits `EXPERIMENT`, `FOLDER` or `FOLDER/EXPERIMENT`, each with or without `@VERSION`.
    fn of_head(head: &str, experiments: &[&str]) -> Option<Self> {
        let of_name = |name: &str| {
            if experiments.contains(&name) {
                let experiment = Some(name.to_owned());
                return Some(Self { experiment, ..Self::default() });
            }
            let path = Path::new(name);
            if is_results(path) {
                return Some(Self { folder: Some(path.to_owned()), ..Self::default() });
            }
            let (folder, experiment) = name.rsplit_once('/')?;
            let folder = Path::new(if folder.is_empty() { "/" } else { folder });
            (is_results(folder) && ExperimentName::new(experiment).is_ok()).then(|| Self {
                folder: Some(folder.to_owned()),
                experiment: Some(experiment.to_owned()),
                ..Self::default()
            })
        };
        of_name(head).or_else(|| {
            let (name, version) =
                head.rsplit_once('@').filter(|(_, version)| !version.contains([':', '/']))?;
            Some(Self { version: Some(version.to_owned()), ..of_name(name)? })
        })
    }
}

fn parse_condition(text: &str) -> Result<(Condition, String)> {
    Ok((setting_condition(text, "setting")?, text.to_owned()))
}

/// Whether a text without an experiment is a condition: an operator comes before any colon.
fn is_condition(text: &str) -> bool {
    let first = text.find([':', '=', '<', '>', '!']);
    first.is_some_and(|position| !text[position..].starts_with(':'))
}

/// Whether `folder` has a store.
fn is_results(folder: &Path) -> bool {
    folder.join(DATABASE).is_file()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    type Parts = (Option<PathBuf>, Option<String>, Option<String>, Option<String>);

    fn parts(text: &str) -> Option<Parts> {
        let address = Address::parse(text, &["a", "b-2"]).unwrap()?;
        let condition = address.condition.map(|(_, text)| text);
        Some((address.folder, address.experiment, address.version, condition))
    }

    #[test]
    fn operand_is_split_into_its_parts() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(parts("a"), Some((None, text("a"), None, None)));
        assert_eq!(parts("b-2@c0ffee"), Some((None, text("b-2"), text("c0ffee"), None)));
        let setting = "batch=3 and started_at<'2026-11-24 10:30'";
        let of_version = format!("a@c0:{setting}");
        assert_eq!(parts(&of_version), Some((None, text("a"), text("c0"), text(setting))));
        assert_eq!(parts(setting), Some((None, None, None, text(setting))));
        for other in ["c", "c@c0ffee", "c:batch=3", "3f2a", ""] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn folder_with_a_store_is_an_operand() {
        let folder = tempfile::Builder::new().prefix("a:b=").tempdir().unwrap();
        let name = folder.path().to_str().unwrap();
        assert_eq!(parts(name), None, "no store");
        std::fs::write(folder.path().join(DATABASE), "").unwrap();
        let path = Some(folder.path().to_owned());
        assert_eq!(parts(name), Some((path.clone(), None, None, None)));
        assert_eq!(parts(&format!("{name}/")).unwrap().1, None);
        let full = format!("{name}/c@c0:batch=3");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(parts(&full), Some((path, text("c"), text("c0"), text("batch=3"))));
    }
}
