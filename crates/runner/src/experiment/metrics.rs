//! The `[metrics]` section: which metrics rank settings, and in which direction.

use tracking::{Declarations, Direction};

use crate::experiment::diagnostic::Diagnostic;
use crate::experiment::file::{Node, Value};
use crate::experiment::learner::Learner;
use crate::experiment::section::{Section, known_name, text, wrong_type};

/// Reads the section. `rank` and `report` name metrics of `learner`, if they are known.
pub fn read(node: &Node, learner: &dyn Learner) -> Result<Declarations, Diagnostic> {
    const KEYS: [&str; 5] = ["rank", "report", "minimize", "maximize", "replicate"];
    let section = Section::new("[metrics]", node, &KEYS)?;
    let name = |key: &str, known: Option<&[&str]>| {
        let read = |node| match known {
            Some(known) => known_name(key, node, known),
            None => text(key, node),
        };
        Ok(section.get(key).map(read).transpose()?.map(str::to_owned))
    };
    let hyperparameters = learner.hyperparameters();
    let hyperparameters: Vec<&str> =
        hyperparameters.iter().map(|hyperparameter| &*hyperparameter.name).collect();
    let directions = directions(&section)?;
    Ok(Declarations {
        rank: name("rank", learner.metrics())?,
        report: name("report", learner.metrics())?,
        replicate: name("replicate", Some(&hyperparameters))?,
        directions,
        race: None,
    })
}

fn directions(section: &Section<'_>) -> Result<Vec<(String, Direction)>, Diagnostic> {
    let mut directions: Vec<(String, Direction)> = Vec::new();
    for direction in [Direction::Minimize, Direction::Maximize] {
        let key = direction.as_str();
        let Some(node) = section.get(key) else { continue };
        let Value::Array(items) = &node.value else {
            return Err(wrong_type(key, node, "a list of names of metrics, such as [\"wer\"]"));
        };
        for item in items {
            let name = text(key, item)?;
            if directions.iter().any(|(known, _)| known == name) {
                let message = format!("the direction of '{name}' is given twice");
                let label = "expected each metric once, in one of the two";
                return Err(Diagnostic::new(message, &item.span, label));
            }
            directions.push((name.to_owned(), direction));
        }
    }
    Ok(directions)
}
