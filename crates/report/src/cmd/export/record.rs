//! The record as CSV, JSON or Parquet.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use tracking::{
    CsvFolder, DIGEST_FILE, Digest, JsonDocument, Reader, RecordError, StoreError, TABLES,
};

use super::output;
use super::selection::{RunIds, selected_runs};
use crate::atomic_write;
use crate::cli::ExportArgs;
use crate::cmd::report_damage;
use crate::export::parquet::ParquetFolder;
use crate::export::run_table::RUN_TABLE;

/// Writes the record as a folder of CSV files.
pub fn export_csv(reader: &Reader, results: &Path, args: &ExportArgs) -> Result<ExitCode> {
    let folder = output::folder(results, args, "csv")?;
    let write = |runs: &RunIds| {
        write_folder(&folder, ".csv", |folder| {
            let mut csv = CsvFolder::new(folder);
            let digest = reader.export(runs.as_ref(), &mut csv)?;
            csv.finish(digest)?;
            Ok(digest)
        })
    };
    export(reader, results, args, write, Retry::Once)
}

/// Writes the record as a folder of Parquet files.
pub fn export_parquet(reader: &Reader, results: &Path, args: &ExportArgs) -> Result<ExitCode> {
    let folder = output::folder(results, args, "parquet")?;
    let write = |runs: &RunIds| {
        write_folder(&folder, ".parquet", |folder| {
            let mut parquet = ParquetFolder::new(folder);
            let digest = reader.export(runs.as_ref(), &mut parquet)?;
            parquet.finish(digest)?;
            Ok(digest)
        })
    };
    export(reader, results, args, write, Retry::Once)
}

/// Writes the record as one JSON document.
pub fn export_json(reader: &Reader, results: &Path, args: &ExportArgs) -> Result<ExitCode> {
    let write_document = |runs: &RunIds, out: &mut dyn Write| {
        let mut json = JsonDocument::new(out)?;
        let digest = reader.export(runs.as_ref(), &mut json)?;
        json.finish(digest)?;
        Ok(digest)
    };
    match output::file(args) {
        Some(path) => {
            let write = |runs: &RunIds| atomic_write::file(path, |out| write_document(runs, out));
            export(reader, results, args, write, Retry::Once)
        }
        None => {
            let write =
                |runs: &RunIds| write_document(runs, &mut BufWriter::new(std::io::stdout().lock()));
            export(reader, results, args, write, Retry::Never)
        }
    }
}

/// Whether to write again if the store changes while it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    Once,
    /// Standard output cannot be written again.
    Never,
}

/// Writes the record and prints its digest. Damaged rows are exported as they are, with the
/// checksum that they do not match.
fn export(
    reader: &Reader,
    results: &Path,
    args: &ExportArgs,
    write: impl Fn(&RunIds) -> Result<Digest>,
    retry: Retry,
) -> Result<ExitCode> {
    let runs = selected_runs(reader, results, &args.comparison)?;
    let mut written = write(&runs);
    // The store can change if a runner starts during the first reading. The second reading sees
    // that runner and reads a snapshot.
    if retry == Retry::Once && written.as_ref().is_err_and(is_changed_during_read) {
        written = write(&runs);
    }
    let digest = written?;
    anstream::eprintln!("digest {digest}");
    reader.verify(runs.as_ref())?;
    Ok(report_damage(reader, results))
}

fn is_changed_during_read(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(RecordError::Store(StoreError::ChangedDuringRead { .. }))
        )
    })
}

/// Fills a folder with one file per table and a file with the digest. Replaces only the folder of
/// an earlier export.
fn write_folder(
    target: &Path,
    extension: &str,
    fill: impl FnOnce(&Path) -> Result<Digest>,
) -> Result<Digest> {
    let digest = std::fs::read_to_string(target.join(DIGEST_FILE));
    let is_export = digest.is_ok_and(|digest| digest.trim_end().parse::<Digest>().is_ok());
    let is_exported_file = |file: &Path| {
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return false };
        let is_table = |table: &str| name.strip_suffix(extension) == Some(table);
        let mut tables = TABLES.iter().map(|table| table.name).chain([RUN_TABLE]);
        is_export && (name == DIGEST_FILE || tables.any(is_table))
    };
    let digest = atomic_write::folder(target, is_exported_file, fill)?;
    anstream::eprintln!("{}", tracking::printable(&target.display().to_string()));
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_during_read_is_recognized_in_any_context() {
        let changed =
            || RecordError::from(StoreError::ChangedDuringRead { path: "tracking.db".into() });
        assert!(is_changed_during_read(&changed().into()));
        let with_context = anyhow::Error::from(changed()).context("cannot write record.json");
        assert!(is_changed_during_read(&with_context));
        let other = RecordError::from(std::io::Error::other("disk full"));
        assert!(!is_changed_during_read(&other.into()));
    }
}
