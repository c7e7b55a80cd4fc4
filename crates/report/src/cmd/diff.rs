//! `report diff`: the differences between two runs or two sets of runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use tracking::metric::{self, Rules};
use tracking::typed_name::unknown;
use tracking::{Reader, printable_json};

use crate::cli::{DiffArgs, DiffFormat};
use crate::diff::json::json;
use crate::diff::operand::Operand;
use crate::diff::run_set::{RunSet, merge_declarations};
use crate::diff::sets::PairedSets;
use crate::diff::{runs, text};
use crate::query::{resolve, store};

/// Prints the differences between the two operands in `args`.
pub fn diff(results: &Path, args: &DiffArgs) -> Result<ExitCode> {
    let reader = store::open(results)?;
    let left = Operand::parse(&reader, results, &args.left)?;
    let right = Operand::parse(&reader, results, &args.right)?;
    let text = match (left, right, args.format) {
        (Operand::Run(left), Operand::Run(right), DiffFormat::Table) => {
            runs::text(&reader, &left, &right)?
        }
        (left, right, _) => diff_sets(&reader, left, right, args)?,
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(super::report_damage(&reader, results))
}

fn diff_sets(reader: &Reader, left: Operand, right: Operand, args: &DiffArgs) -> Result<String> {
    let (left, right) = (RunSet::read(reader, left)?, RunSet::read(reader, right)?);
    let directions = args.directions.directions()?;
    let declarations = merge_declarations(&left.declarations, &right.declarations);
    let rules = Rules::new(&directions, &declarations);
    let replicate = args.replicate.as_deref().or(declarations.replicate.as_deref());
    let rank = directions.first().map(|(name, _)| name.as_str());
    let paired = PairedSets::new([&left.runs, &right.runs], &rules, replicate, rank);
    check_names(&paired, args)?;
    Ok(match args.format {
        DiffFormat::Table => text::lines(&left, &right, &paired).join("\n") + "\n",
        DiffFormat::Json => {
            printable_json(&format!("{:#}\n", json(&left, &right, &paired))).into_owned()
        }
    })
}

/// Rejects names of metrics and hyperparameters that neither side has.
fn check_names(paired: &PairedSets, args: &DiffArgs) -> Result<()> {
    let common = paired.metrics.iter().map(|metric| metric.metric.name.as_str());
    let metrics: Vec<&str> =
        common.chain(paired.one_sided_metrics.iter().flatten().copied()).collect();
    let is_known = |name: &str| metrics.iter().any(|metric| metric::is_covered(metric, name));
    let mut requested = args.directions.minimize.iter().chain(&args.directions.maximize);
    if let Some(name) = requested.find(|name| !is_known(name)) {
        bail!("{}", unknown("metric", name, &metrics));
    }
    if let Some(name) = &args.replicate {
        resolve("hyperparameter", name, &paired.params)?;
    }
    Ok(())
}
