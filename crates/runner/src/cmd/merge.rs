//! `runner merge FOLDER… --results DIR`: several results folders into one.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::{EngineKind, Weights};
use tracking::{MergeReport, Reader, RecordedRun, Status, Store, StoreError, atomic_file};

use crate::cli::MergeArgs;
use crate::cluster::attempt;
use crate::cluster::plan_status::{PlanStatus, Scope};
use crate::executor::built_in::BuiltIn;
use crate::experiment::spec::Spec;
use crate::output::output;
use crate::sweep::records::{TEMPORARY, model_path};

/// Something was not as it should be.
pub const CONTRADICTED: u8 = 1;

/// Merges, and says what became of the runs; of attempts, whether the experiment is whole now.
pub fn merge(args: &MergeArgs) -> Result<ExitCode> {
    let Some(file) = &args.attempts else {
        return absorb_all(&named(args.folders.clone()), &args.paths.results);
    };
    let attempts =
        attempt::find(&args.paths.results, &Spec::read(file, &args.sets, &BuiltIn)?.name)?;
    // One that was killed before it had recorded anything, or whose store is no longer one, keeps nobody from merging the others.
    let readable = |folder: &PathBuf| match Reader::open(folder) {
        Ok(_) => true,
        Err(StoreError::NoStore { .. }) => false,
        Err(error) => {
            anstream::eprintln!("{}", tracking::printable(&format!("warning: left out: {error}")));
            false
        }
    };
    let attempts = attempts.into_iter().map(|attempt| attempt.path).filter(readable);
    let code =
        absorb_all(&named(args.folders.iter().cloned().chain(attempts)), &args.paths.results)?;
    let status = PlanStatus::read(file, &args.sets, &args.paths, Scope::Merged)?;
    Ok(if status.print_missing(&args.paths.results)? { ExitCode::from(CONTRADICTED) } else { code })
}

/// Folders, called what they are.
fn named(folders: impl IntoIterator<Item = PathBuf>) -> Vec<(String, PathBuf)> {
    folders.into_iter().map(|folder| (folder.display().to_string(), folder)).collect()
}

/// Takes over the runs of results folders, and says of each, by name, what became of them.
pub fn absorb_all(folders: &[(String, PathBuf)], results: &Path) -> Result<ExitCode> {
    let open = |(name, folder): &'_ (String, PathBuf)| {
        Ok((name.clone(), folder.clone(), Reader::open(folder)?))
    };
    let sources = folders.iter().map(open).collect::<Result<Vec<_>>>()?;
    let own = results.canonicalize().ok();
    if let Some((name, _)) =
        folders.iter().find(|(_, folder)| folder.canonicalize().ok() == own && own.is_some())
    {
        bail!("{name} cannot be merged into itself");
    }
    let mut store = Store::open(results)?;
    let mut said = String::new();
    let mut contradicted = false;
    for (name, folder, source) in &sources {
        let mut without = 0;
        let keep = &mut |run: &RecordedRun| {
            copy_model(folder, results, run)?;
            without += usize::from(lacks_weights(run, results));
            Ok(())
        };
        let absorbed = store
            .merge(source, &|_| true, false, keep)
            .with_context(|| format!("{name} cannot be merged"))?;
        said.push_str(&in_words(name, &absorbed));
        if without > 0 {
            let line = format!(
                "warning: {name}: the weights of {without} runs are not there, or no weights; --rerun has them again"
            );
            anstream::eprintln!("{}", tracking::printable(&line));
        }
        for damage in source.integrity_issues() {
            anstream::eprintln!("{}", tracking::printable(&format!("warning: {name}: {damage}")));
        }
        contradicted |= !absorbed.conflicts.is_empty() || !source.integrity_issues().is_empty();
    }
    for experiment in store.experiments()? {
        store.export_csv(&experiment.name)?;
    }
    output().write_all(said.as_bytes())?;
    Ok(if contradicted { ExitCode::from(CONTRADICTED) } else { ExitCode::SUCCESS })
}

fn in_words(name: &str, absorbed: &MergeReport) -> String {
    let MergeReport { added, updated, identical, skipped: left, conflicts: contradictions } =
        absorbed;
    let name = tracking::printable(name);
    let updated = if updated.is_empty() {
        String::new()
    } else {
        format!(", {} brought up to date", updated.len())
    };
    let mut words = format!(
        "{name}: {} added{updated}, {identical} already there, {left} without a result left out, {} contradicting\n",
        added.len(),
        contradictions.len()
    );
    for contradiction in contradictions {
        // Writing to a String cannot fail.
        let _ = writeln!(
            words,
            "  contradiction: {}; nothing was overwritten",
            tracking::printable(contradiction)
        );
    }
    words
}

/// Whether a run should have weights, and has none. Programs that train otherwise keep theirs as they like.
pub fn lacks_weights(run: &RecordedRun, results: &Path) -> bool {
    run.status == Status::Finished
        && EngineKind::from_name(&run.engine).is_some()
        && !model_path(results, &run.experiment, &run.trial).is_file()
}

/// Brings the weights of a run along. They are there before the run is, and are not overwritten.
pub fn copy_model(from: &Path, to: &Path, run: &RecordedRun) -> io::Result<()> {
    let (source, target) = (
        model_path(from, &run.experiment, &run.trial),
        model_path(to, &run.experiment, &run.trial),
    );
    if run.status != Status::Finished || target.exists() {
        return Ok(());
    }
    let cannot = |path: &Path, done: &str, error: io::Error| {
        io::Error::new(error.kind(), format!("{} cannot be {done}: {error}", path.display()))
    };
    match std::fs::read(&source) {
        Ok(bytes) if Weights::from_safetensors(&bytes).is_ok() => {
            atomic_file::write(&target, TEMPORARY, &bytes)
                .map_err(|error| cannot(&target, "written", error))
        }
        // What is no weights is not brought along.
        Ok(_) => Ok(()),
        // Somebody removed it; the run is no less one.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(&source, "read", error)),
    }
}
