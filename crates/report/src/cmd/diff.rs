//! `report diff`: the differences between two runs or two sets of runs, or the verdict about them.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use analysis::judge::Method;
use anyhow::{Result, bail};
use tracking::metric::{self, Rules};
use tracking::printable_json;
use tracking::typed_name::unknown;

use crate::cli::{DiffArgs, DiffFormat};
use crate::diff::judge::{self, Judged, Question};
use crate::diff::operand::{Folder, Operand, What, resolve};
use crate::diff::run_set::{RunSet, merge_declarations};
use crate::diff::sets::PairedSets;
use crate::diff::{json, runs, text};
use crate::query;

/// Prints the differences between the two operands in `args`, or the verdict about them.
pub fn diff(results: &Path, args: &DiffArgs) -> Result<ExitCode> {
    let operands = resolve(results, [&args.left, &args.right])?;
    let folders = operands.each_ref().map(|operand| Rc::clone(&operand.folder));
    if let (
        [Operand { what: What::Run(left), folder }, Operand { what: What::Run(right), .. }],
        DiffFormat::Table,
        false,
    ) = (&operands, args.format, args.judge)
    {
        print(&runs::text(&folder.reader, left, right)?)?;
        return Ok(report_damage(&folders));
    }
    let [left, right] = operands;
    let (left, right) = (RunSet::read(left)?, RunSet::read(right)?);
    let directions = args.directions.directions()?;
    let declarations = merge_declarations(&left.declarations, &right.declarations);
    let rules = Rules::new(&directions, &declarations);
    let replicate = args.replicate.as_deref().or(declarations.replicate.as_deref());
    let rank = directions.first().map(|(name, _)| name.as_str());
    let paired = PairedSets::new([&left.runs, &right.runs], &rules, replicate, rank);
    check_names(&paired, args)?;
    if let Some(caveat) = text::race_caveat([&left, &right], &paired).filter(|_| args.once) {
        bail!("{caveat}: ask without --once");
    }
    if args.judge {
        return judge([&left, &right], &paired, &rules, args, &folders);
    }
    print(&match args.format {
        DiffFormat::Table => text::lines(&left, &right, &paired).join("\n") + "\n",
        DiffFormat::Json => {
            printable_json(&format!("{:#}\n", json::json(&left, &right, &paired))).into_owned()
        }
    })?;
    Ok(report_damage(&folders))
}

/// Prints the verdict about two sides. A damaged record takes precedence in the exit code.
fn judge(
    sides: [&RunSet; 2],
    paired: &PairedSets,
    rules: &Rules,
    args: &DiffArgs,
    folders: &[Rc<Folder>; 2],
) -> Result<ExitCode> {
    let question = Question {
        metric: args.metric.as_deref(),
        margin: args.margin,
        method: if args.once { Method::Once } else { Method::Anytime },
    };
    let judged = Judged::new(sides, paired, rules, question)?;
    if let Some(warning) = judge::text::margin_warning(&judged) {
        anstream::eprintln!("{warning}");
    }
    let damage = report_damage(folders);
    let code = if damage == ExitCode::SUCCESS { judged.exit_code() } else { super::DAMAGED };
    print(&match args.format {
        DiffFormat::Table => judge::text::lines(&judged).join("\n") + "\n",
        DiffFormat::Json => {
            printable_json(&format!("{:#}\n", judge::json::json(&judged, code))).into_owned()
        }
    })
    // A closed pipe must not turn the verdict into success.
    .or_else(|error| match error.downcast_ref::<std::io::Error>() {
        Some(io) if io.kind() == ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })?;
    Ok(ExitCode::from(code))
}

fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Reports the damage in each results folder.
fn report_damage([left, right]: &[Rc<Folder>; 2]) -> ExitCode {
    let code = super::report_damage(&left.reader, &left.path);
    if Rc::ptr_eq(left, right) {
        return code;
    }
    let other = super::report_damage(&right.reader, &right.path);
    if code == ExitCode::SUCCESS { other } else { code }
}

/// Rejects names of metrics and hyperparameters that neither side has.
fn check_names(paired: &PairedSets, args: &DiffArgs) -> Result<()> {
    let common = paired.common_metrics.iter();
    let metrics: Vec<&str> =
        common.chain(paired.one_sided_metrics.iter().flatten()).copied().collect();
    let is_known = |name: &str| metrics.iter().any(|metric| metric::is_covered(metric, name));
    let mut requested = args.directions.minimize.iter().chain(&args.directions.maximize);
    if let Some(name) = requested.find(|name| !is_known(name)) {
        bail!("{}", unknown("metric", name, &metrics));
    }
    if let Some(name) = &args.replicate {
        query::resolve("hyperparameter", name, &paired.params)?;
    }
    Ok(())
}
