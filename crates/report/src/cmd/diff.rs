//! `report diff`: what differs between two runs, and nothing else.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use tracking::{EpochMetrics, Reader, printable};

use super::show::{facts, metric, provenance};

/// Prints the differences of runs `a` and `b`.
pub fn diff(results: &Path, a: &str, b: &str) -> Result<()> {
    let reader = Reader::open(results)?;
    let (a, b) = (reader.find(a)?, reader.find(b)?);
    let describe = |run| -> Result<Vec<(String, String)>> {
        Ok(facts(results, run).into_iter().chain(provenance(&reader.invocation(run)?)).collect())
    };
    let (facts_a, facts_b) = (describe(&a)?, describe(&b)?);
    let mut names: Vec<&String> = facts_a.iter().map(|(name, _)| name).collect();
    names.extend(facts_b.iter().map(|(name, _)| name).filter(|name| !facts_a.iter().any(|(seen, _)| seen == *name)));

    let mut out = anstream::stdout().lock();
    writeln!(out, "  {:18} {:26} {:26}", "run", a.id.as_str(), b.id.as_str())?;
    writeln!(out, "  {:18} {:26} {:26}", "trial", a.trial.as_str(), b.trial.as_str())?;
    let mut differences = 0;
    for name in names {
        let value = |facts: &[(String, String)]| {
            facts
                .iter()
                .find(|(key, _)| key == name)
                .map_or_else(|| "—".to_owned(), |(_, value)| printable(value).into_owned())
        };
        let (left, right) = (value(&facts_a), value(&facts_b));
        if left != right {
            differences += 1;
            writeln!(out, "  {name:18} {left:26} {right:26} {}", change(&left, &right))?;
        }
    }
    match first_difference(&reader.epochs(&a.id)?, &reader.epochs(&b.id)?) {
        Some((epoch, name)) => writeln!(out, "\nThe epochs differ first at epoch {epoch}, in {}", printable(&name))?,
        None => writeln!(out, "\nThe epochs measured the same")?,
    }
    if differences == 0 {
        writeln!(out, "Nothing else differs")?;
    }
    Ok(())
}

/// `+0.0012` between two numbers.
fn change(left: &str, right: &str) -> String {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => format!("{:+.6}", right - left),
        _ => String::new(),
    }
}

/// Epoch and metric where the runs part, times aside.
fn first_difference(a: &[EpochMetrics], b: &[EpochMetrics]) -> Option<(u32, String)> {
    for (left, right) in a.iter().zip(b) {
        let names = left.metrics.iter().map(|(name, _)| name).filter(|name| *name != "seconds");
        if let Some(name) = names.into_iter().find(|name| metric(left, name) != metric(right, name)) {
            return Some((left.epoch, name.clone()));
        }
    }
    let longer = if a.len() > b.len() { a } else { b };
    longer.get(a.len().min(b.len())).map(|epoch| (epoch.epoch, "its presence".to_owned()))
}
