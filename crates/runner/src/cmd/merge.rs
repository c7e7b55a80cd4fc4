//! `runner merge FOLDER… --results DIR`: merges several results folders into one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use model::EngineKind;
use tracking::{MergeReport, Reader, RecordedRun, Status, Store, StoreError};

use crate::cli::MergeArgs;
use crate::cluster::attempt;
use crate::cluster::plan_status::{PlanStatus, Scope};
use crate::cmd::run_files;
use crate::executor::built_in::BuiltIn;
use crate::experiment::spec::Spec;
use crate::output::output;
use crate::sweep::records::model_path;

/// Exit code after a conflict, a missing trial or a damaged run.
pub const INCOMPLETE: u8 = 1;

/// Merges results folders and reports the result per folder. With `--attempts`, also reports the
/// trials that are still missing.
pub fn merge(args: &MergeArgs) -> Result<ExitCode> {
    let sets = args.settings.sets();
    let Some(file) = &args.attempts else {
        if !sets.is_empty() {
            bail!("--set and --race change an experiment: name it with --attempts");
        }
        return merge_all(&named(args.folders.clone()), &args.paths.results);
    };
    let attempts =
        attempt::find(&args.paths.results, &Spec::read(file, &sets, Arc::new(BuiltIn))?.name)?;
    // An attempt without a readable store must not block the merge of the others. An attempt that
    // was killed before it recorded anything needs no warning.
    let readable = |folder: &PathBuf| match Reader::open(folder) {
        Ok(_) => true,
        Err(StoreError::NoStore { .. }) => false,
        Err(error) => {
            anstream::eprintln!("{}", tracking::printable(&format!("warning: skipped: {error}")));
            false
        }
    };
    let attempts = attempts.into_iter().map(|attempt| attempt.path).filter(readable);
    let code =
        merge_all(&named(args.folders.iter().cloned().chain(attempts)), &args.paths.results)?;
    let status = PlanStatus::read(file, &args.settings, &args.paths, Scope::Merged)?;
    Ok(if status.print_missing(&args.paths.results)? { ExitCode::from(INCOMPLETE) } else { code })
}

/// Folders with their paths as names.
fn named(folders: impl IntoIterator<Item = PathBuf>) -> Vec<(String, PathBuf)> {
    folders.into_iter().map(|folder| (folder.display().to_string(), folder)).collect()
}

/// Copies the runs of results folders into `results` and reports the result under each name.
pub fn merge_all(folders: &[(String, PathBuf)], results: &Path) -> Result<ExitCode> {
    let open = |(name, folder): &'_ (String, PathBuf)| {
        Ok((name.clone(), folder.clone(), Reader::open(folder)?))
    };
    let sources = folders.iter().map(open).collect::<Result<Vec<_>>>()?;
    let target = results.canonicalize().ok();
    if let Some((name, _)) =
        folders.iter().find(|(_, folder)| target.is_some() && folder.canonicalize().ok() == target)
    {
        bail!("cannot merge {name} into itself");
    }
    let mut store = Store::open(results)?;
    let mut report_text = String::new();
    let mut has_issues = false;
    for (name, folder, source) in &sources {
        let mut without_weights = 0;
        let copy_files = &mut |run: &RecordedRun| {
            run_files::copy(folder, results, run)?;
            without_weights += usize::from(lacks_weights(run, results));
            Ok(())
        };
        let report = store
            .merge(source, &|_| true, false, copy_files)
            .with_context(|| format!("cannot merge {name}"))?;
        report_text.push_str(&describe(name, &report));
        if without_weights > 0 {
            let line = format!(
                "warning: {name}: runs without valid weights: {without_weights}; \
                 use --rerun to recreate them"
            );
            anstream::eprintln!("{}", tracking::printable(&line));
        }
        for issue in source.integrity_issues() {
            anstream::eprintln!("{}", tracking::printable(&format!("warning: {name}: {issue}")));
        }
        has_issues |= !report.conflicts.is_empty() || !source.integrity_issues().is_empty();
    }
    for experiment in store.experiments()? {
        store.export_csv(&experiment.name)?;
    }
    output().write_all(report_text.as_bytes())?;
    Ok(if has_issues { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS })
}

fn describe(name: &str, report: &MergeReport) -> String {
    let MergeReport { added, updated, identical, skipped, conflicts } = report;
    let name = tracking::printable(name);
    let updated =
        if updated.is_empty() { String::new() } else { format!(", {} updated", updated.len()) };
    let mut text = format!(
        "{name}: {} added{updated}, {identical} already present, \
         {skipped} without a result skipped, {} in conflict\n",
        added.len(),
        conflicts.len()
    );
    for conflict in conflicts {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  conflict: {}; nothing was overwritten",
            tracking::printable(conflict)
        );
    }
    text
}

/// Whether a run of this program lacks its weights. Other programs store weights elsewhere.
pub fn lacks_weights(run: &RecordedRun, results: &Path) -> bool {
    run.status == Status::Finished
        && EngineKind::from_name(&run.engine).is_some()
        && !model_path(results, &run.experiment, &run.trial).is_file()
}
