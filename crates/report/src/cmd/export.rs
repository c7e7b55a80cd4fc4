//! `report export`: the record, all of it or that of some runs, or the comparison, in a format of others; or handed to another tool.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use tracking::{
    CsvFolder, DIGEST_FILE, Declarations, Digest, JsonDocument, Reader, RecordError, RunId,
    StoreError, TABLES,
};

use super::export_to::export_to;
use crate::analysis::comparison::CompareOptions;
use crate::cli::{ComparisonArgs, ExportArgs, ExportFormat};
use crate::export::parquet::ParquetFolder;
use crate::export::run_table::RUN_TABLE;
use crate::filter::Condition;
use crate::query;
use crate::query::store;
use crate::runs::measured_at_end;
use crate::table::Table;
use crate::{atomic_write, render};

/// Exports what is asked for.
pub fn export(results: &Path, args: &ExportArgs) -> Result<ExitCode> {
    let (format, to) = (args.format, args.to.as_deref());
    let Some(format) = format else {
        return export_to(results, to.unwrap_or_default(), &args.comparison);
    };
    let reader = store::open(results)?;
    match format {
        ExportFormat::Markdown => comparison(&reader, results, args, render::markdown::markdown),
        ExportFormat::Latex => comparison(&reader, results, args, render::latex::latex),
        ExportFormat::Csv => record(&reader, results, args, |runs| {
            csv(&reader, &folder(results, args, "csv")?, runs)
        }),
        ExportFormat::Parquet => record(&reader, results, args, |runs| {
            parquet(&reader, &folder(results, args, "parquet")?, runs)
        }),
        ExportFormat::Json => {
            record(&reader, results, args, |runs| json(&reader, output(args), runs))
        }
    }
}

/// The file to write, where it is not standard output.
fn output(args: &ExportArgs) -> Option<&Path> {
    args.output.as_deref().filter(|path| path.as_os_str() != "-")
}

/// The folder to write.
fn folder(results: &Path, args: &ExportArgs, name: &str) -> Result<PathBuf> {
    match (&args.output, output(args)) {
        (None, _) => Ok(results.join("export").join(name)),
        (Some(_), Some(folder)) => Ok(folder.to_owned()),
        (Some(_), None) => bail!("--format {name} is a folder of files: name one with -o"),
    }
}

/// A comparison, as text.
fn comparison(
    reader: &Reader,
    results: &Path,
    args: &ExportArgs,
    format: impl Fn(&[Table]) -> String,
) -> Result<ExitCode> {
    let text = format(&query::compare_runs(reader, results, &args.comparison)?.tables);
    match output(args) {
        Some(path) => atomic_write::file(path, |out| Ok(out.write_all(text.as_bytes())?))?,
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    Ok(super::report_damage(reader, results))
}

/// The record, as `write` writes it. What was changed in the store is exported as it is, with the checksum that it does not fit.
fn record(
    reader: &Reader,
    results: &Path,
    args: &ExportArgs,
    write: impl Fn(Option<&HashSet<RunId>>) -> Result<Digest>,
) -> Result<ExitCode> {
    let runs = selected(reader, results, &args.comparison)?;
    let mut written = write(runs.as_ref());
    // A runner has begun meanwhile: beside it the record is read as it stands at a moment. What is printed is not taken back.
    let printed = args.format == Some(ExportFormat::Json) && output(args).is_none();
    if !printed && written.as_ref().is_err_and(has_moved) {
        written = write(runs.as_ref());
    }
    let digest = written?;
    anstream::eprintln!("digest {digest}");
    reader.inspect(runs.as_ref())?;
    Ok(super::report_damage(reader, results))
}

fn has_moved(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(RecordError::Store(StoreError::ChangedDuringRead { .. }))
        )
    })
}

/// The runs that are asked for; nothing where that is all of them.
pub fn selected(
    reader: &Reader,
    results: &Path,
    args: &ComparisonArgs,
) -> Result<Option<HashSet<RunId>>> {
    only_selects(args)?;
    let ComparisonArgs { experiments, conditions, .. } = args;
    if experiments.is_empty() && conditions.is_empty() {
        return Ok(None);
    }
    let conditions =
        conditions.iter().map(|text| Condition::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut recorded = Vec::new();
    for experiment in query::select_experiments(reader, results, experiments)? {
        let runs = measured_at_end(reader, reader.all_runs(&experiment.name)?)?;
        recorded.push(query::SelectedRuns {
            experiment,
            declarations: Declarations::default(),
            runs,
        });
    }
    query::check_names(CompareOptions::default(), &recorded, &conditions)?;
    let runs = recorded.iter().flat_map(|it| &it.runs);
    let chosen = runs.filter(|run| conditions.iter().all(|condition| condition.holds(run)));
    let chosen: HashSet<RunId> = chosen.map(|it| it.run.id.clone()).collect();
    if chosen.is_empty() {
        bail!(
            "there is nothing to export: no run is of these experiments and fulfils every --where"
        );
    }
    Ok(Some(chosen))
}

/// Refuses what asks for a comparison.
pub fn only_selects(args: &ComparisonArgs) -> Result<()> {
    let (experiments, conditions) = (args.experiments.clone(), args.conditions.clone());
    if *args != (ComparisonArgs { experiments, conditions, ..ComparisonArgs::default() }) {
        bail!(
            "only -e and --where choose runs: the other options shape a comparison, and go with --format markdown or latex"
        );
    }
    Ok(())
}

fn csv(reader: &Reader, target: &Path, runs: Option<&HashSet<RunId>>) -> Result<Digest> {
    record_folder(target, ".csv", |folder| {
        let mut csv = CsvFolder::new(folder);
        let digest = reader.record(runs, &mut csv)?;
        csv.finish(digest)?;
        Ok(digest)
    })
}

fn parquet(reader: &Reader, target: &Path, runs: Option<&HashSet<RunId>>) -> Result<Digest> {
    record_folder(target, ".parquet", |folder| {
        let mut parquet = ParquetFolder::new(folder);
        let digest = reader.record(runs, &mut parquet)?;
        parquet.finish(digest)?;
        Ok(digest)
    })
}

/// A folder with a file a table, and their digest.
fn record_folder(
    target: &Path,
    ending: &str,
    fill: impl FnOnce(&Path) -> Result<Digest>,
) -> Result<Digest> {
    let digest = std::fs::read_to_string(target.join(DIGEST_FILE));
    let is_export = digest.is_ok_and(|digest| digest.trim_end().parse::<Digest>().is_ok());
    let ours = |file: &Path| {
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return false };
        let is_table = |table: &str| name.strip_suffix(ending) == Some(table);
        is_export
            && (name == DIGEST_FILE
                || TABLES.iter().map(|table| table.name).chain([RUN_TABLE]).any(is_table))
    };
    let digest = atomic_write::folder(target, ours, fill)?;
    anstream::eprintln!("{}", tracking::printable(&target.display().to_string()));
    Ok(digest)
}

fn json(reader: &Reader, target: Option<&Path>, runs: Option<&HashSet<RunId>>) -> Result<Digest> {
    let write = |out: &mut dyn Write| {
        let mut json = JsonDocument::new(out)?;
        let digest = reader.record(runs, &mut json)?;
        json.finish(digest)?;
        Ok(digest)
    };
    match target {
        Some(path) => atomic_write::file(path, write),
        None => write(&mut BufWriter::new(std::io::stdout().lock())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_moved_is_known_by_its_error_however_it_is_wrapped() {
        let moved =
            || RecordError::from(StoreError::ChangedDuringRead { path: "tracking.db".into() });
        assert!(has_moved(&moved().into()));
        assert!(has_moved(&anyhow::Error::from(moved()).context("cannot write record.json")));
        assert!(!has_moved(&RecordError::from(std::io::Error::other("disk full")).into()));
    }
}
